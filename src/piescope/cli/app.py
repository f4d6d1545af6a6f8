"""The commands. Start here: run -> study/execute.py -> study/steps.py -> training/loop.py."""

from __future__ import annotations

import atexit
import gc as garbage
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from piescope.cli.audit import command as audit_command
from piescope.cli.data_sets import check_data, downloading, place_of_data
from piescope.cli.executors import ExecutorName, ExecutorOptions, check_workers
from piescope.cli.figures import FigureStyle, FigureWidth, write_figures
from piescope.cli.outlets import take_over
from piescope.cli.terminal import (
    Device,
    concluded,
    console_here,
    guarded,
    ignore_signals,
    say,
    show_names,
    show_table,
    signals_as_interrupts,
)
from piescope.cli.tuning import Tune, arithmetic_for, tuned_for
from piescope.version import __version__
from piescope.wording import json_text

if TYPE_CHECKING:
    from piescope.study.spec import Study

app = typer.Typer(
    name="piescope",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"piescope {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version, and end.")
    ] = False,
) -> None:
    """What does a neural network forget when it is compressed?"""


StudyArgument = Annotated[str, typer.Argument(metavar="STUDY", help="A built-in study (see `studies`) or a TOML file.")]


DataDirOption = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Where the data set lies; else PIESCOPE_DATA, the user's cache, or it is fetched."),
]


FormerDataOption = Annotated[Path | None, typer.Option("--data", hidden=True, help="What --data-dir was before.")]


CardOption = Annotated[bool, typer.Option("--card", help="Write card.png, too: the finding in 1200 x 630.")]


DeviceOption = Annotated[Device, typer.Option(help="Where networks run.")]


TuneOption = Annotated[
    Tune,
    typer.Option(
        help="Read what is kept of this machine, or measure it (auto); choose memory format and torch.compile, too, "
        "which change bits and stay with DIR (full); or take what is usual (off)."
    ),
]


FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a study: run's --out.")]


@app.command()
@guarded("the same command goes on where it stopped")
def run(
    study: StudyArgument,
    out: Annotated[Path | None, typer.Option(help="Folder for everything; default runs/NAME.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes; default: one per core; on GPUs one each or more (--tune). With slurm: jobs; default: one."
        ),
    ] = None,
    device: DeviceOption = Device.auto,
    tune: TuneOption = Tune.auto,
    executor: Annotated[
        ExecutorName, typer.Option(help="Here, on a Ray cluster, or as jobs of SLURM; the last two are extras.")
    ] = ExecutorName.local,
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Of the Ray cluster, or auto: the one here; default: a new one here."),
    ] = None,
    gpu_share: Annotated[
        float | None, typer.Option(min=0.01, max=1, help="Of a GPU, for each step on Ray; default: 1.")
    ] = None,
    slurm: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="For sbatch: time=24:00:00, partition=long, gres=gpu:1; repeatable."),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Discard what DIR holds of the study first.")] = False,
    checkpoint_seconds: Annotated[
        float, typer.Option(min=0, help="Between two checkpoints of a training: what a kill can lose.")
    ] = 60.0,
    hung_after: Annotated[
        float,
        typer.Option(min=1, metavar="SECONDS", help="A worker without a sign of life for so long is killed."),
    ] = 600.0,
    data_dir: DataDirOption = None,
    data: FormerDataOption = None,
    events: Annotated[Path | None, typer.Option(metavar="FILE", help="Add a JSON line for all that happens.")] = None,
    track: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Curves into tensorboard, wandb (offline), mlflow: one or several."),
    ] = None,
) -> None:
    """Run a study, or what is left of it; then write its tables, figures and report.

    Several runs of one DIR, also of several machines, share the work.
    """
    from piescope.cli.running import do_run
    from piescope.cli.trackers import chosen
    from piescope.study.folder import check_place

    others = checkpoint_seconds, hung_after, tune
    spread = ExecutorOptions(executor, device, workers, address, gpu_share, tuple(slurm or ()), *others)
    spread.check(bool(events or track))
    parsed, trackers = _load(study), chosen(track)
    folder = out if out is not None else Path("runs") / parsed.name
    check_place(parsed, folder, fresh)
    console = console_here()
    place = place_of_data(data_dir, data)
    check_data(console, parsed, folder, place, fresh)
    if executor is ExecutorName.slurm:
        say(console, spread.queue(parsed, folder, fresh))
        return
    steps, where = spread.start(console, parsed, folder)
    arithmetic = arithmetic_for(console, parsed, folder, fresh, tune, where, steps.slots)
    do_run(console, parsed, folder, steps, where, fresh, events, trackers, arithmetic)


@app.command()
@guarded("paces that were measured by then are kept, the same command measures the others")
def plan(
    study: StudyArgument,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    workers: Annotated[int | None, typer.Option(help="Processes that `run` would use.")] = None,
    device: DeviceOption = Device.auto,
    tune: TuneOption = Tune.auto,
    out: Annotated[Path | None, typer.Option(help="A folder with finished steps: count what is left.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the data set lies: check it, too.")] = None,
) -> None:
    """Show what a study would cost: models, steps, training FLOPs, disk, time on this machine. Runs nothing.

    With --out, of what is left to do in a folder; and what its finished models tell of the PIE counts to expect.
    With --data-dir, the data are looked at as `run` does before any work.
    """
    from piescope.cli.planning import left_and_foretold, plan_json, say_foretold, say_plan
    from piescope.problems import InputError
    from piescope.study.cost import cost_of
    from piescope.study.forecast import forecast
    from piescope.study.plan import make_plan

    error = InputError("the command line")
    check_workers(error, workers)
    error.raise_if_any()
    parsed = _load(study)
    if data_dir is not None:
        parsed.data.load(data_dir)
    whole = make_plan(parsed)
    left, foretold = (whole, None) if out is None else left_and_foretold(whole, out)
    cost, chosen = cost_of(left), tuned_for(left, tune, device, workers, out)
    expected = forecast(left, chosen.workers, chosen.paces)
    total, done = len(whole.steps), len(whole.steps) - len(left.steps)
    if as_json:
        content = plan_json(left, cost, expected, chosen)
        if foretold is not None:
            content |= {"steps_done": done, "foretold": [row.cells() for row in foretold.rows]}
            content["not_foretold"] = [arm.model_dump() for arm in foretold.unknown]
        typer.echo(json_text(content, indent=1))
        return
    console = console_here()
    say_plan(console, left, cost, expected, chosen)
    if foretold is not None:
        say(console, f"done already     {done} of {total} steps, in {out}; steps, FLOPs, disk and time are of the rest")
        say_foretold(console, foretold)


@app.command()
@guarded()
def status(directory: FolderArgument) -> None:
    """Show which steps are done, running, failed or waiting, why, and what to do next."""
    from collections import Counter

    from piescope.store import layout
    from piescope.store.arithmetic import record_in
    from piescope.study.folder import run_again
    from piescope.study.status import CHANGED, HANGS
    from piescope.study.status import status as status_of
    from piescope.wording import counted, printable

    study, steps = status_of(directory)
    console, listed = console_here(), ("done", "running", "failed", "waiting")
    counts: Counter[tuple[str, str]] = Counter((item.step.kind, item.state) for item in steps)
    kinds = dict.fromkeys(item.step.kind for item in steps)
    rows = [(kind, *(str(counts[kind, state]) for state in listed)) for kind in kinds]
    show_table(console, ("step", *listed), rows, f"{study.name} in {directory}")
    for arm, models in study.replicates_of.items():
        say(console, f"{arm}: {counted(models, 'model')}; others have {len(study.seeds)}")
    record = record_in(directory)
    if record is not None:
        say(console, f"networks compute in {record}")
    states = Counter(item.state for item in steps)
    for item in steps:
        if item.state in ("running", "failed") or item.reason not in ("", HANGS, CHANGED):
            say(console, f"{item.state}: {item.step.label}" + (f": {printable(item.reason)}" if item.reason else ""))
    changed = sum(item.reason == CHANGED for item in steps)
    if changed:
        say(console, f"{counted(changed, 'finished step')} {CHANGED}")
    if states["running"]:
        say(console, f"next: wait; {states['waiting']} steps wait for the {states['running']} that run")
    elif states["failed"] or states["waiting"]:
        say(console, f"next: {run_again(directory)}")
    elif layout.report(directory).is_file():
        say(console, f"all {states['done']} steps are done; next: {shlex.join(['piescope', 'show', str(directory)])}")
    else:
        say(console, f"all {states['done']} steps are done; next: {shlex.join(['piescope', 'report', str(directory)])}")


@app.command()
@guarded()
def report(
    directory: FolderArgument,
    card: CardOption = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="For a study's results; DIR may be read-only then. Else DIR.")
    ] = None,
) -> None:
    """Write tables, figures and report.html from stored results: of a study, or of an audit."""
    from piescope.cli.reports import report_of, write_card

    console = console_here()
    say(console, f"report: {report_of(directory, console, out)}")
    if card:
        say(console, f"card: {write_card(directory, out)}")


@app.command()
@guarded("the same command goes on where it stopped")
def verify(directory: FolderArgument) -> None:
    """Compare every byte that a study has stored with its hash; say what is damaged or does not fit."""
    from piescope.cli.keeping import verify_folder

    verify_folder(directory)


@app.command()
@guarded("the same command goes on where it stopped")
def gc(
    directory: FolderArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
) -> None:
    """Remove steps of other versions of a study, what was set aside, and what killed runs left; say what, first."""
    from piescope.cli.keeping import collect

    collect(directory, dry_run)


@app.command()
@guarded()
def figures(
    directory: FolderArgument,
    style: Annotated[FigureStyle, typer.Option(help="For a paper, or large for slides.")] = FigureStyle.paper,
    width: Annotated[
        FigureWidth, typer.Option(help="Of a column or a page: 3.5 and 7.16 inches in a paper, 6 and 12 in a talk.")
    ] = FigureWidth.page,
    only: Annotated[str | None, typer.Option(metavar="NUMBERS", help="Some of them: 1,4; else all.")] = None,
    formats: Annotated[str, typer.Option("--format", metavar="FORMATS", help="svg, pdf, png, or several.")] = "svg,pdf",
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="For the files; else DIR/figures.")] = None,
) -> None:
    """Draw a study's figures for a paper or a talk, fonts embedded; of a study that is half done, what there is."""
    write_figures(directory, style, width, only, formats, out)


@app.command()
@guarded("the same command goes on where it stopped")
def show(
    what: Annotated[
        str | None,
        typer.Argument(metavar="[DIR|NAME]", help="A run's or an audit's folder, or a finished study that ships."),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print where the page is, and end.")] = False,
    card: CardOption = False,
) -> None:
    """Open the page of a run or an audit in the browser; nothing named: the newest here.

    `piescope show digits` is a finished study that ships.
    """
    from piescope.cli.reports import show as show_page

    show_page(what, not no_browser, card)


@app.command()
@guarded()
def studies() -> None:
    """List the built-in studies."""
    from piescope.study.parse import builtin_studies, parse_study

    rows = []
    for name, text in builtin_studies().items():
        study = parse_study(text, name)
        rows.append((name, study.data.source, study.model.name, str(study.models), study.title))
    show_names(console_here(), ("study", "data", "model", "models", "what it is"), rows)


@app.command()
@guarded()
def recipes(
    one: Annotated[str | None, typer.Argument(metavar="[A", help="A recipe.")] = None,
    other: Annotated[str | None, typer.Argument(metavar="B]", help="Another: print what differs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the recipes; print one, each value with its origin; or every difference of two, and why it matters."""
    from piescope.cli.recipes import list_recipes, show_differences, show_recipe
    from piescope.study.provenance import load_recipe

    if one is None:
        list_recipes(console_here())
    elif other is None:
        show_recipe(console_here(), load_recipe(one), as_json)
    else:
        show_differences(console_here(), load_recipe(one), load_recipe(other), as_json)


app.command("audit")(audit_command())


@app.command(name="data")
@guarded("the same command goes on where it stopped")
def data_sets(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Look at this data set.")] = None,
    data_dir: DataDirOption = None,
    data: FormerDataOption = None,
) -> None:
    """List the data sets; or load one, check it, and print what a study says of it."""
    from piescope.data.sources import SOURCES
    from piescope.problems import DataError
    from piescope.study.inspect import look_at

    console = console_here()
    if name is None:
        rows = []
        for listed, source in SOURCES.items():
            facts = source.facts
            images = "yours" if facts is None else f"{facts.train_examples:,} + {facts.test_examples:,}"
            rows.append((listed, images, "" if facts is None else str(facts.num_classes), source.about))
        show_names(console, ("data set", "images", "classes", "what it is"), rows)
        return
    if name not in SOURCES:
        raise DataError.of_unknown(name, "NAME", "data set", name, SOURCES)
    with downloading(console) as on_bytes:
        seen = look_at(name, place_of_data(data_dir, data), on_bytes)
    for line in seen.lines():
        say(console, line)


def _load(name_or_path: str) -> Study:
    from piescope.study.parse import load_study

    return load_study(name_or_path)


def main() -> None:
    """Entry point of the ``piescope`` command."""
    take_over()
    atexit.register(garbage.freeze)  # the process ends: nothing need be taken down object by object
    with signals_as_interrupts():
        code = concluded(app)
    ignore_signals()
    sys.exit(code)
