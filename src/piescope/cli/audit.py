"""`piescope audit`: two sides in, answers out, budgets judged."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from piescope.cli.suggestions import check_suggested, write_suggested
from piescope.cli.terminal import STEP_FAILED, Device, console_here, device_type, explained, fail, guarded, say

if TYPE_CHECKING:
    from rich.console import Console

    from piescope.adapters.protocol import Settings
    from piescope.store.audit_record import AuditRecord, BudgetRow

SUITE = "piescope audit of"
"""How the name of a test suite begins, by which its file is known as piescope's."""

LONG = 200_000
"""Examples from which a comparison is worth a progress line."""


FILES = "Files"
MODELS = "Models"
BUDGETS = "Budgets"


@guarded()
def audit(
    dense: Annotated[str, typer.Argument(metavar="DENSE", help="Predictions (file, folder, glob), or a model.")],
    compressed: Annotated[
        str | None, typer.Argument(metavar="COMPRESSED", help="Likewise; not with --compress.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="True labels; else those beside the predictions.", rich_help_panel=FILES)
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for report.html, audit.json, audit.md, examples.parquet.")] = Path(
        "piescope-audit"
    ),
    metadata: Annotated[
        str | None, typer.Option(help="A table whose columns make groups.", rich_help_panel=FILES)
    ] = None,
    dense_embeddings: Annotated[
        str | None, typer.Option(help="A file of numbers, examples x dims.", rich_help_panel=FILES)
    ] = None,
    compressed_embeddings: Annotated[
        str | None, typer.Option(help="A file of numbers, examples x dims.", rich_help_panel=FILES)
    ] = None,
    dense_layers: Annotated[
        str | None, typer.Option(help="Folder or glob of such files, one a layer.", rich_help_panel=FILES)
    ] = None,
    compressed_layers: Annotated[str | None, typer.Option(help="Likewise.", rich_help_panel=FILES)] = None,
    values: Annotated[
        str | None,
        typer.Option(
            metavar="KIND[,KIND]",
            help="What predictions are: labels, probabilities, logits, correct; DENSE,COMPRESSED where they differ.",
            rich_help_panel=FILES,
        ),
    ] = None,
    classes: Annotated[
        Path | None, typer.Option(help="Class names by id: a file, one a line.", rich_help_panel=FILES)
    ] = None,
    id_column: Annotated[
        str | None,
        typer.Option(metavar="NAME[,NAME]", help="Column with ids; several where files differ.", rich_help_panel=FILES),
    ] = None,
    label_column: Annotated[str | None, typer.Option(help="Column with true labels.", rich_help_panel=FILES)] = None,
    prediction_column: Annotated[
        str | None,
        typer.Option(metavar="NAME[,NAME]", help="Columns with predictions, one a model.", rich_help_panel=FILES),
    ] = None,
    score_columns: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help="Columns with scores, one a class.", rich_help_panel=FILES)
    ] = None,
    right_from: Annotated[
        float | None, typer.Option(help="Answers are right from this score on.", rich_help_panel=FILES)
    ] = None,
    header: Annotated[
        bool | None,
        typer.Option("--header/--no-header", help="CSV files name their columns in row 1.", rich_help_panel=FILES),
    ] = None,
    match_tail: Annotated[
        bool,
        typer.Option("--match-tail", help="Ids are paths under different roots.", rich_help_panel=FILES),
    ] = False,
    common: Annotated[
        bool, typer.Option("--common", help="Audit the examples that all files have.", rich_help_panel=FILES)
    ] = False,
    expect_accuracy: Annotated[
        float | None, typer.Option(help="Percent the dense side should score; else exit 2.", rich_help_panel=FILES)
    ] = None,
    paired: Annotated[
        bool, typer.Option("--paired", help="Model k was made from model k.", rich_help_panel=FILES)
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(
            help="What models look at: digits, cifar10, a folder of images, an .npz ...", rich_help_panel=MODELS
        ),
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where cifar10 lies.", rich_help_panel=MODELS)] = None,
    compress: Annotated[
        str | None,
        typer.Option(help="Make the copies: magnitude:0.5,0.7,0.9, random:, int8, 2:4.", rich_help_panel=MODELS),
    ] = None,
    architecture: Annotated[
        str | None, typer.Option(help="Of a file of weights: WRN-16-2, timm:NAME.", rich_help_panel=MODELS)
    ] = None,
    size: Annotated[str | None, typer.Option(help="Of images: 224 or 224x192.", rich_help_panel=MODELS)] = None,
    mean: Annotated[str | None, typer.Option(help="Of channels: 0.485,0.456,0.406.", rich_help_panel=MODELS)] = None,
    std: Annotated[str | None, typer.Option(help="Likewise.", rich_help_panel=MODELS)] = None,
    scale: Annotated[str | None, typer.Option(help="Of pixels: 0-1, 0-255 or -1-1.", rich_help_panel=MODELS)] = None,
    channels: Annotated[str | None, typer.Option(help="rgb, bgr or grey.", rich_help_panel=MODELS)] = None,
    trust_code: Annotated[
        bool, typer.Option("--trust-code", help="Run FILE.py:function.", rich_help_panel=MODELS)
    ] = False,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Images that a model sees at once; 256.", rich_help_panel=MODELS)
    ] = None,
    device: Annotated[Device, typer.Option(help="Where networks run.", rich_help_panel=MODELS)] = Device.auto,
    max_flips: Annotated[str | None, typer.Option(help="Right to wrong: 200, or 2%.", rich_help_panel=BUDGETS)] = None,
    max_class_drop: Annotated[
        str | None, typer.Option(help="Recall of any class, in points.", rich_help_panel=BUDGETS)
    ] = None,
    max_changed: Annotated[str | None, typer.Option(help="Other labels: 200, or 2%.", rich_help_panel=BUDGETS)] = None,
    equivalent_within: Annotated[
        str | None, typer.Option(help="Accuracy, in points, up or down.", rich_help_panel=BUDGETS)
    ] = None,
    max_group_drop: Annotated[
        str | None, typer.Option(help="Accuracy of any group, in points.", rich_help_panel=BUDGETS)
    ] = None,
    budgets: Annotated[Path | None, typer.Option(help="A TOML file of them.", rich_help_panel=BUDGETS)] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail on what cannot be judged.", rich_help_panel=BUDGETS)
    ] = False,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML.", rich_help_panel=BUDGETS)] = None,
    suggest_budgets: Annotated[
        Path | None, typer.Option(help="Write a TOML file of budgets that it keeps now.", rich_help_panel=BUDGETS)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn at random.")] = 0,
) -> None:
    """Tell what a compressed model lost: from predictions, embeddings or models, one or many a side.

    Files: CSV, TSV, Parquet, Arrow, JSON lines, .npy, .npz, .safetensors.

    Models: timm:NAME, hf:NAME_OR_FOLDER, onnx:FILE, WRN-16-2@FILE, FILE.py:function.

    Exit code 1: a budget is broken.
    """
    from piescope.auditing.budgets import Budgets, is_broken, verdict_line
    from piescope.auditing.question import Asked
    from piescope.audits import run_audit
    from piescope.wording import plain

    console = console_here()
    flags = {
        "max_flips": max_flips,
        "max_class_drop": max_class_drop,
        "max_changed": max_changed,
        "equivalent_within": equivalent_within,
        "max_group_drop": max_group_drop,
    }
    given = any(flag is not None for flag in flags.values()) or budgets is not None
    limits = Budgets.from_flags(flags, None if budgets is None else Budgets.from_file(budgets)) if given else None
    asked = Asked(
        labels=labels,
        metadata=metadata,
        budgets=limits,
        dense_embeddings=dense_embeddings,
        compressed_embeddings=compressed_embeddings,
        dense_layers=dense_layers,
        compressed_layers=compressed_layers,
        classes=classes,
        values=_pair(values),
        id_column=_listed(id_column),
        label_column=label_column,
        prediction_column=_listed(prediction_column),
        score_columns=_listed(score_columns),
        right_from=right_from,
        header=header,
        match_tail=match_tail,
        common=common,
        paired=paired,
        data=data,
        data_dir=data_dir,
        compress=compress,
        trust_code=trust_code,
        device=device_type(device) if data is not None else "cpu",
        settings=_settings(architecture, size, mean, std, scale, channels),
        seed=seed,
        expect_accuracy=expect_accuracy,
        batch_size=batch_size,
    )
    _check_junit(junit)
    check_suggested(suggest_budgets, compress)
    with _progress(console_here(stderr=True)) as on_progress:
        found = run_audit(dense, compressed, asked, out, on_progress)
    rows = found.record.budgets
    if junit is not None:
        _write_junit(junit, rows, found.record.inputs.compressed.name, strict)
    if suggest_budgets is not None:
        write_suggested(suggest_budgets, found.record)
    # all files and the exit code are settled: what is printed from here on, and to whom, changes neither
    with explained("all files of the audit are there"):
        _show(console, found.record, out)
    if is_broken(rows, strict):
        failing = ("broken", "undecided") if strict else ("broken",)
        lines = [plain(verdict_line(row)) for row in rows if row.verdict in failing]
        fail("\n".join(["not within budget", *lines]), STEP_FAILED)


def _write_junit(junit: Path, rows: Sequence[BudgetRow], of: str, strict: bool) -> None:
    from piescope.auditing.junit import junit_xml
    from piescope.store.durable import write_file

    write_file(junit, junit_xml(rows, f"{SUITE} {of}", strict=strict))


def _listed(text: str | None) -> tuple[str, ...] | None:
    """``A,B`` as names; one in double quotes may have commas in it, and blanks around it."""
    if text is None:
        return None
    parts = re.finditer(r'\s*"((?:[^"]|"")*)"\s*(?:,|$)|([^,]*)(?:,|$)', text)
    names = [part[2].strip() if part[1] is None else part[1].replace('""', '"') for part in parts]
    return tuple(name for name in names if name)


def _pair(text: str | None) -> str | tuple[str, ...] | None:
    """``KIND`` of both sides, or ``KIND,KIND``, dense first."""
    from piescope.problems import InputError

    kinds = _listed(text) or ()
    if len(kinds) > 2:
        error = InputError("the command line")
        error.add("--values", repr(text), "a kind, or two: DENSE,COMPRESSED", "--values probabilities,logits")
        raise error
    return kinds if len(kinds) == 2 else kinds[0] if kinds else None


def _check_junit(junit: Path | None) -> None:
    """Refuses, before any work, a place that no file can be written to, and takes away what the last audit said there.

    A build server that finds the file after an audit that ended early would read an old verdict as this one's.
    """
    if junit is None:
        return
    from piescope.problems import InputError

    error = InputError("the command line")
    cure = "name another file: --junit junit.xml"
    above = next((folder for folder in junit.absolute().parents if folder.exists()), None)
    if junit.is_dir() or above is None or not above.is_dir() or not os.access(above, os.W_OK):
        found = "a folder" if junit.is_dir() else "a place that cannot be written to"
        error.add("--junit", found, "a file that can be written", cure)
    elif junit.exists() and not junit.is_file():
        error.add("--junit", "a device or a pipe", "a plain file", cure)
    elif junit.is_file() and (head := _head(junit)) and b"<testsuite" not in head:
        error.add("--junit", "a file with something else in it", "a new file, or one of JUnit XML", cure)
    error.raise_if_any()
    if junit.is_file() and SUITE.encode() in _head(junit):
        junit.unlink()


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)


def _show(console: Console, audit: AuditRecord, out: Path) -> None:
    from piescope.cli.audit_summary import summary_lines
    from piescope.store import audit_layout

    has_signs = "±".encode(console.encoding, "ignore") != b""
    for line in summary_lines(audit, console.width):
        say(console, line if has_signs else line.replace("±", "+-"))
    say(console, "")
    say(console, f"report: {audit_layout.report(out)}")


def _settings(
    architecture: str | None,
    size: str | None,
    mean: str | None,
    std: str | None,
    scale: str | None,
    channels: str | None,
) -> Settings | None:
    """What the user says of a model's input; None: nothing."""
    if not any((architecture, size, mean, std, scale, channels)):
        return None
    from piescope.adapters.protocol import Settings

    sides = _numbers(size, "--size", "x", int) if size is not None else ()
    if size is not None and len(sides) == 1:
        sides = sides * 2
    return Settings(
        size=tuple(sides) if sides else None,
        mean=None if mean is None else _numbers(mean, "--mean", ",", float),
        std=None if std is None else _numbers(std, "--std", ",", float),
        scale=scale,  # type: ignore[arg-type]
        architecture=architecture,
        channels=channels,  # type: ignore[arg-type]
    )


def _numbers(text: str, flag: str, between: str, kind: Callable[[str], Any]) -> tuple[Any, ...]:
    from piescope.problems import InputError

    try:
        return tuple(kind(part) for part in text.split(between))
    except ValueError:
        error = InputError("the command line")
        error.add(
            flag,
            repr(text),
            f"numbers, with {between!r} between them",
            f"{flag} 224x192" if between == "x" else f"{flag} 0.5,0.5,0.5",
        )
        raise error from None


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal, a line a quarter elsewhere; nothing for what takes no time."""
    if not console.is_terminal:
        told: dict[str, int] = {}

        def on_line(what: str, done: int, everything: int) -> None:
            quarter = 4 * done // max(1, everything)
            if quarter != told.get(what, 0) and (what != "comparing" or everything >= LONG):
                told[what] = quarter
                say(console, f"{what}: {done:,} of {everything:,} examples")

        yield on_line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as bars:
        tasks: dict[str, Any] = {}

        def on_bar(what: str, done: int, everything: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=everything)
            bars.update(tasks[what], completed=done)

        yield on_bar
