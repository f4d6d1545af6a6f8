"""`piescope report` and `piescope show`: pages of studies and audits, made where missing or stale, and opened."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from piescope.cli.demo import OUT
from piescope.cli.terminal import BAD_ENVIRONMENT, BAD_INPUT, NOT_ALLOWED, console_here, fail, say
from piescope.notebooks import open_in_browser
from piescope.store import audit_layout, layout
from piescope.wording import printable

if TYPE_CHECKING:
    from rich.console import Console

    from piescope.report.layout.blocks import Document
    from piescope.report.layout.card import Card
    from piescope.study.fitting import Unfit

NOTHING = "no arm is complete yet: there is nothing to report"

AUDIT, RUNS = Path("piescope-audit"), Path("runs")
"""Where `piescope audit` and `piescope run` put what they make, if not told otherwise."""


def study_report(console: Console, folder: Path) -> None:
    """Writes a study's results and page after a run, if they are not of what is stored, and says where."""
    from piescope.report.study.build import build_report, is_current

    if is_current(folder):
        say(console, f"results are current: {layout.report(folder)}")
    else:
        document = build_report(folder)
        if document is None:
            say(console, NOTHING)  # what failed is said after it
            return
        _say_finding(console, document)
        say(console, f"report: {layout.report(folder)}")


def _say_finding(console: Console, document: Document) -> None:
    """The answer of a page, without what stands below it."""
    from piescope.report.layout.lines import lines

    for line in lines(replace(document, sections=()), console.width):
        say(console, line)
    say(console, "")


def report_of(folder: Path, console: Console | None = None, into: Path | None = None) -> Path:
    """Writes a page anew, a study's or an audit's; its path.

    Args:
        folder: of either.
        console: where a study's finding is printed; None: nowhere.
        into: where a study's results and page go; None: to its folder.
    """
    if into is None and audit_layout.is_audit(folder):
        from piescope.audits import render

        render(folder)
        return audit_layout.report(folder)
    from piescope.runs import write_page

    try:
        document = write_page(folder, into, _say_unfit)
    except OSError as error:
        if into is not None or error.errno not in NOT_ALLOWED:
            raise
        cure = f"`piescope report {shlex.quote(str(folder))} --out DIR` writes what people read to another folder"
        fail(f"{error.filename or folder}: {error.strerror}; {cure}", BAD_ENVIRONMENT)
    if document is None:
        fail(f"{folder}: {NOTHING}; `{shlex.join(['piescope', 'status', str(folder)])}` says what is done", BAD_INPUT)
    if console is not None:
        _say_finding(console, document)
    return layout.report(into or folder)


def _say_unfit(unfit: list[Unfit]) -> None:
    """Which finished steps are not reported."""
    if unfit:
        names = printable("; ".join(map(str, unfit)))
        say(console_here(stderr=True), f"not reported, and made again by the next `piescope run`: {names}")


def write_card(folder: Path, into: Path | None = None) -> Path:
    """Writes card.png of a study or an audit; its path.

    Args:
        folder: of either.
        into: the folder to write it to; None: the same.

    Raises:
        StudyError: there is nothing to draw it of.
        InputError: there is a picture of that name that is not piescope's.
    """
    from piescope.report.layout.card import draw_card
    from piescope.store.durable import write_file

    place = layout.card(into or folder)
    if place.is_file() and not layout.artefacts(folder).is_dir() and not audit_layout.is_audit(folder):
        return place  # it ships as it is
    check_card(into or folder)
    write_file(place, draw_card(_card_of(folder)))
    return place


def check_card(folder: Path) -> None:
    """Refuses to write over a card.png that is not piescope's.

    Raises:
        InputError: there is one.
    """
    from piescope.problems import InputError

    place = layout.card(folder)
    if place.exists() and not audit_layout.is_card(place):
        cure = "move it, or leave --card out"
        raise InputError.of(str(folder), "--card", f"a {place.name} of your own", "nothing of that name", cure)


def _card_of(folder: Path) -> Card:
    if audit_layout.is_audit(folder):
        from piescope.audits import card_of

        return card_of(folder)
    from piescope.report.study.card import study_card
    from piescope.runs import StudyRun

    return study_card(StudyRun(folder).results)


def show(what: str | None, opens: bool, card: bool) -> None:
    """Prints the path of a page (and of its card), made anew if need be, alone on standard output; opens it.

    Args:
        what: a folder or a name; None: the newest here.
        opens: unless it is only to be printed.
        card: whether a card is asked for, too.

    Raises:
        InputError: nothing of that name can be shown.
    """
    notes = console_here(stderr=True)
    folder = found(what, notes)
    page = layout.report(folder)
    if not is_fresh(folder):
        say(notes, f"making the page of {folder} ...")
        page = report_of(folder)
    paths = [page, write_card(folder)] if card else [page]
    for path in paths:
        say(console_here(), str(path.absolute()))
    if opens and not open_in_browser(page):
        say(notes, "no browser was found here: open that file in one")


def found(what: str | None, notes: Console) -> Path:
    """The folder that is meant: a path, a study under runs/, or one that ships finished; nothing: the newest here.

    Raises:
        InputError: there is none.
    """
    from piescope.problems import InputError
    from piescope.study.finished_studies import finished_studies, unpacked

    if what is None:
        latest = max(_made_here(), key=_made_at, default=None)
        if latest is None:
            where, cure = "neither a run nor an audit in this folder", "piescope show DIR, or piescope show digits"
            raise InputError.of("the command line", "[DIR|NAME]", where, f"{AUDIT}, or a study in {RUNS}", cure)
        return latest
    path = Path(what)
    for folder in (path, path.parent if path.is_file() else path, RUNS / path):
        if _can_be_shown(folder):
            return folder
    if what in finished_studies():
        say(notes, f"{what}: the study that ships with piescope, finished")
        return unpacked(what)
    raise _unknown(what, finished_studies())


def _unknown(what: str, finished: tuple[str, ...]) -> Exception:
    from piescope.problems import InputError
    from piescope.study.parse import builtin_studies

    if what in builtin_studies():
        expected, cure = f"a finished one: {', '.join(finished)}", f"run it first: piescope run {what}"
        return InputError.of("the command line", "[DIR|NAME]", f"{what}, which does not ship finished", expected, cure)
    if os.path.lexists(what):
        kind = "a folder that holds neither a study nor an audit" if Path(what).is_dir() else "a file of neither"
        cure = f"name the folder that `piescope run` or `piescope audit` wrote (--out), or one of {', '.join(finished)}"
        return InputError.of("the command line", "[DIR|NAME]", f"{what}: {kind}", "a run's or an audit's folder", cure)
    return InputError.of_unknown("the command line", "[DIR|NAME]", "folder or finished study", what, finished)


def _can_be_shown(folder: Path) -> bool:
    from piescope.store.ownership import holds_a_study

    return folder.is_dir() and (audit_layout.is_audit(folder) or holds_a_study(folder))


def _made_here() -> Iterator[Path]:
    candidates = [Path(), AUDIT, OUT, *(sorted(RUNS.iterdir()) if RUNS.is_dir() else ())]
    return filter(_can_be_shown, candidates)


def _made_at(folder: Path) -> float:
    """When a study or an audit last changed."""
    files = (audit_layout.audit(folder), layout.catalogue(folder))
    return max((file.stat().st_mtime for file in files if file.is_file()), default=0.0)


def is_fresh(folder: Path) -> bool:
    """Whether a page is there, of what is stored now, and made by this version."""
    if audit_layout.is_audit(folder):
        from piescope.audits import has_fresh_page as has_audits

        return has_audits(folder)
    from piescope.runs import has_fresh_page

    return has_fresh_page(folder)
