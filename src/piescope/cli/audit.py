"""`piescope audit`: two sides in, answers out, budgets judged."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from piescope.auditing.options import BUDGETS, MODELS, Asked, AuditOptions, Flag, OnProgress
from piescope.cli.reports import check_card, write_card
from piescope.cli.suggestions import check_suggested, write_suggested
from piescope.cli.terminal import STEP_FAILED, Device, console_here, device_type, explained, fail, guarded, say

if TYPE_CHECKING:
    from rich.console import Console

    from piescope.adapters.protocol import Settings
    from piescope.auditing.budgets import Budgets
    from piescope.store.audit_record import AuditRecord, BudgetRow

SUITE = "piescope audit of"
"""How the name of a test suite begins, by which its file is known as piescope's."""

LONG = 200_000
"""Examples from which a comparison is worth a progress line."""


def audit(dense: str | None, compressed: str | None, out: Path, **flags: Any) -> None:
    """Tell what a compressed model lost: from predictions, embeddings or models, one or many a side.

    Files: CSV, TSV, Parquet, Arrow, JSON lines, .npy, .npz, .safetensors.

    Models: timm:NAME, hf:NAME_OR_FOLDER, onnx:FILE, WRN-16-2@FILE, FILE.py:function.

    Exit code 1: a budget is broken.
    """
    from piescope.auditing.budgets import is_broken, verdict_line
    from piescope.audits import run_audit
    from piescope.wording import plain

    console = console_here()
    strict, junit, suggest, demo = (flags[name] for name in ("strict", "junit", "suggest_budgets", "demo"))
    _check_places({"--junit": junit, "--suggest-budgets": suggest}, out, flags["budgets"])
    _check_junit(junit)  # first: whatever ends this audit early, no older verdict is left
    if demo or dense is None:
        dense, compressed, out, flags["data"] = _sides_of_demo(dense, demo, out, flags["data"])
    with _progress(console_here(stderr=True)) as on_progress:
        asked = _asked(flags, on_progress)
        _check_strict(strict, asked.limits)
        check_suggested(suggest, asked.compress)
        if flags["card"]:
            check_card(out)
        audit = run_audit(dense, compressed, asked, out)
    rows = audit.record.budgets
    if junit is not None:
        _write_junit(junit, rows, audit.record.inputs.compressed.name, strict)
    if suggest is not None:
        write_suggested(suggest, audit.record)
    card = write_card(out) if flags["card"] else None
    # all files and the exit code are settled: what is printed from here on, and to whom, changes neither
    with explained("all files of the audit are there"):
        _show(console, audit.record, out, card, demo)
    if is_broken(rows, strict):
        failing = ("broken", "undecided") if strict else ("broken",)
        lines = [plain(verdict_line(row)) for row in rows if row.verdict in failing]
        fail("\n".join(["not within budget", *lines]), STEP_FAILED)


def _sides_of_demo(dense: str | None, demo: bool, out: Path, data: str | None) -> tuple[str, str, Path, str]:
    """Both sides, the folder and the data set of the demonstration."""
    from piescope.cli import demo as shipped
    from piescope.problems import InputError

    if not demo:
        cure = "name both sides: piescope audit DENSE COMPRESSED; an example: piescope audit --demo"
        raise InputError.of("audit", "DENSE", "nothing", "predictions (file, folder, glob), or a model", cure)
    for where, given in (("DENSE", dense), ("--data", data)):
        if given is not None:
            cure = f"leave {where} out, or --demo"
            raise InputError.of("audit", "--demo", f"{where} too", "the files that ship, alone", cure)
    return *shipped.lay_out(), shipped.OUT if out == DEFAULT_OUT else out, "digits"


def _asked(flags: Mapping[str, Any], on_progress: OnProgress) -> Asked:
    """What was typed, as the function's options."""
    split = {"names": _listed, "kinds": _pair}
    listed = {option.name: option.metadata["flag"] for option in fields(AuditOptions) if option.metadata}
    options: dict[str, Any] = {
        name: split[flag.split](flags[name]) if flag.split is not None else flags[name] for name, flag in listed.items()
    }
    has_models = flags["data"] is not None
    device = device_type(flags["device"]) if has_models else "cuda" if flags["device"] is Device.cuda else "cpu"
    settings = _settings(*(flags[name] for name in SETTINGS))
    limits = _limits(flags)
    return Asked(
        **options, dataset=flags["data"], device=device, settings=settings, budgets=limits, on_progress=on_progress
    )


def _limits(flags: Mapping[str, Any]) -> Budgets | None:
    """The budgets that were typed, over those of a file."""
    typed = {name: flags[name] for name in LIMITS}
    file = flags["budgets"]
    if file is None and not any(limit is not None for limit in typed.values()):
        return None
    from piescope.auditing.budgets import Budgets

    return Budgets.from_flags(typed, None if file is None else Budgets.from_file(file))


DEFAULT_OUT = Path("piescope-audit")
OUT = "Folder for report.html, audit.json, audit.md, examples.parquet."

DATA = Flag("What models look at: digits, cifar10, a folder of images, an .npz ...", MODELS)

SETTINGS = {
    "architecture": Flag("Of a file of weights: WRN-16-2, timm:NAME.", MODELS),
    "size": Flag("Of images: 224 or 224x192.", MODELS),
    "mean": Flag("Of channels: 0.485,0.456,0.406.", MODELS),
    "std": Flag("Likewise.", MODELS),
    "scale": Flag("Of pixels: 0-1, 0-255 or -1-1.", MODELS),
    "channels": Flag("rgb, bgr or grey.", MODELS),
}
"""What is known of a model's input: they make one option of the function."""

LIMITS = {
    "max_flips": Flag("Right to wrong: 200, or 2%.", BUDGETS),
    "max_class_drop": Flag("Recall of any class, in points.", BUDGETS),
    "max_changed": Flag("Other labels: 200, or 2%.", BUDGETS),
    "equivalent_within": Flag("Accuracy, in points, up or down.", BUDGETS),
    "max_group_drop": Flag("Accuracy of any group, in points.", BUDGETS),
}
"""Of `Budgets`: likewise."""

VERDICTS = {
    "budgets": Flag("A TOML file of them.", BUDGETS, Path | None),
    "strict": Flag("Fail on what cannot be judged.", BUDGETS, bool),
    "junit": Flag("Write JUnit XML.", BUDGETS, Path | None),
    "suggest_budgets": Flag("Write a TOML file of budgets that it keeps now.", BUDGETS, Path | None),
}
"""What is done with them."""


def _parameters() -> Iterator[Parameter]:
    """The command's, in the order of its help: most are the function's options."""
    sides = typer.Argument(metavar="DENSE", help="Predictions (file, folder, glob), or a model.")
    other = typer.Argument(metavar="COMPRESSED", help="Likewise; not with --compress.")
    for name, side in (("dense", sides), ("compressed", other)):
        side_type = Annotated[str | None, side]
        yield Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=side_type)
    yield _parameter("out", Flag(OUT, None, Path), DEFAULT_OUT)
    yield _parameter("card", Flag("Write card.png, too: the finding in 1200 x 630.", None, bool), False)
    yield _parameter("demo", Flag("Of two files that ship; says what to type next.", None, bool), False)
    before = {"data_dir": {"data": DATA}, "trust_code": SETTINGS, "seed": {**LIMITS, **VERDICTS}}
    for option in fields(AuditOptions):
        for name, flag in before.get(option.name, {}).items():
            yield _parameter(name, flag, False if flag.kind is bool else None)
        if option.name == "device":
            yield _parameter("device", Flag("Where networks run.", MODELS, Device), Device.auto)
        elif option.metadata:
            yield _parameter(option.name, option.metadata["flag"], option.default)


def _parameter(name: str, flag: Flag, default: Any) -> Parameter:
    names = [f"--{name.replace('_', '-')}"] if flag.kind is bool else []  # else typer says the opposite, too
    least = 1 if flag.kind == int | None else 0 if flag.kind is int else None
    option = typer.Option(*names, help=flag.help, metavar=flag.shown, rich_help_panel=flag.panel, min=least)
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[flag.kind, option])


def command() -> Callable[..., None]:
    """The function behind `piescope audit`, with the parameters that typer reads."""
    shielded = guarded()(audit)
    shielded.__signature__ = inspect.Signature(list(_parameters()))  # type: ignore[attr-defined]
    return shielded


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


def _check_places(files: Mapping[str, Path | None], out: Path, budgets: Path | None) -> None:
    """Refuses one place for two files: each other's, one of the audit's own, or the budgets that it is judged by."""
    from piescope.problems import InputError
    from piescope.store import audit_layout

    names = "audit", "markdown", "examples", "images", "report", "card"
    # realpath: a link that leads to itself is refused where it is read or written
    taken = {os.path.realpath(getattr(audit_layout, name)(out)): "a file of the audit's own" for name in names}
    taken[os.path.realpath(out)] = "the folder of --out"
    if budgets is not None:
        taken[os.path.realpath(budgets)] = "the file of --budgets"
    for flag, path in files.items():
        if path is None:
            continue
        place = os.path.realpath(path)
        if place in taken:
            cure = f"name another file: {flag} {flag.removeprefix('--')}{path.suffix or '.txt'}"
            raise InputError.of("the command line", flag, f"{path}, {taken[place]}", "a file of its own", cure)
        taken[place] = f"the file of {flag}"


def _check_strict(strict: bool, limits: Budgets | None) -> None:
    """Refuses to be strict about no budgets: a build whose ``--budgets`` went missing would pass whatever it audits."""
    from piescope.problems import InputError

    if strict and limits is None:
        cure = "name the budgets: --budgets FILE, or --max-flips 1%; or leave --strict out"
        raise InputError.of("audit", "--strict", "no budgets", "budgets to be strict about", cure)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)


def _show(console: Console, audit: AuditRecord, out: Path, card: Path | None, demo: bool) -> None:
    from piescope.report.audit.document import audit_document
    from piescope.report.layout.lines import lines
    from piescope.store import audit_layout

    has_signs = "±".encode(console.encoding, "ignore") != b""
    for line in lines(audit_document(audit), console.width):
        say(console, line if has_signs else line.replace("±", "+-"))
    say(console, "")
    say(console, f"report: {audit_layout.report(out)}")
    if card is not None:
        say(console, f"card: {card}")
    if demo:
        from piescope.cli.demo import next_lines

        for line in ("", *next_lines(out)):
            say(console, line)


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
        quarters: dict[str, int] = {}

        def on_line(what: str, done: int, everything: int) -> None:
            quarter = 4 * done // max(1, everything)
            if quarter != quarters.get(what, 0) and (what != "comparing" or everything >= LONG):
                quarters[what] = quarter
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
