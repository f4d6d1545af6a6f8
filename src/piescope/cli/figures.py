"""`piescope figures`: a study's figures as files for a paper or for slides."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import cast

from piescope.cli.terminal import BAD_INPUT, console_here, fail, say
from piescope.wording import counted


class FigureStyle(StrEnum):
    """For what a figure is drawn."""

    paper = "paper"
    talk = "talk"


class FigureWidth(StrEnum):
    """How wide it is."""

    column = "column"
    page = "page"


FORMATS = ("svg", "pdf", "png")


def write_figures(
    folder: Path, style: FigureStyle, width: FigureWidth, only: str | None, formats: str, out: Path | None
) -> None:
    """Draws a study's figures, each once, and writes them in every format that is asked for.

    Args:
        folder: of the study, finished or not.
        style: sizes of letters and lines.
        width: of a column or a page.
        only: numbers with commas between them; None: all.
        formats: names with commas between them.
        out: folder; None: ``figures`` in the study's.

    Raises:
        InputError: a figure or a format that there is not.
    """
    from piescope.report.layout.canvas import Format, saved
    from piescope.report.study.figures import FIGURES, draw
    from piescope.report.study.results import load_results
    from piescope.report.study.signal import Signal
    from piescope.store.durable import write_file
    from piescope.study.catalogue import refresh_catalogue

    known = [str(number) for number in FIGURES]
    numbers = [int(number) for number in (known if only is None else _chosen("--only", "figure", only, known))]
    suffixes = cast("list[Format]", _chosen("--format", "format", formats, FORMATS))
    refresh_catalogue(folder)
    results, console = load_results(folder), console_here()
    if results is None:
        typed = shlex.join(["piescope", "status", str(folder)])
        fail(f"{folder}: no arm is complete yet: there is nothing to draw; `{typed}` says what is done", BAD_INPUT)
    signal, target, written = Signal(results), folder / "figures" if out is None else out, 0
    for number in numbers:
        drawn = draw(signal, number, style.value, width.value)
        if not drawn.rows:
            say(console, f"figure {number}: nothing of this kind in this study")
            continue
        for suffix in suffixes:
            write_file(target / f"figure-{number}-{style}-{width}.{suffix}", saved(drawn.figure, suffix))
            written += 1
    say(console, f"{counted(written, 'file')}: {target}")


def _chosen(option: str, what: str, text: str, known: Sequence[str]) -> list[str]:
    """What stands between the commas, each once."""
    from piescope.problems import InputError

    chosen = list(dict.fromkeys(part.strip() for part in text.split(",")))
    for part in chosen:
        if part not in known:
            raise InputError.of_unknown("the command line", option, what, part, known)
    return chosen
