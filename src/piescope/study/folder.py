"""The folder of a study: which study it holds, and whether a run may take it. Loads no torch."""

from __future__ import annotations

import tempfile
from pathlib import Path

from piescope.problems import StudyError
from piescope.store import layout, ownership
from piescope.study.parse import parse_study
from piescope.study.spec import Study


def study_of(out: Path) -> Study:
    """The study that a folder holds.

    Raises:
        StudyError: none.
    """
    path = layout.study(out)
    if not path.is_file():
        error = StudyError(str(out))
        error.add("DIR", "no study.toml", "the folder of a study", "give the folder that `piescope run` wrote (--out)")
        raise error
    return parse_study(path.read_text(encoding="utf-8"), str(path))


def check_folder(study: Study, out: Path, fresh: bool) -> None:
    """A run takes a folder that is new, empty or a study's; --fresh only what it can empty without touching more.

    Makes the folder if there is none.

    Raises:
        StudyError: it cannot be taken.
    """
    error = StudyError(str(out))
    if out.exists() and not out.is_dir():
        error.add("--out", "a file", "a folder", "give another path")
    elif out.is_dir() and not ownership.holds_a_study(out):
        if not ownership.is_as_good_as_empty(out):
            error.add("--out", "a folder with other files", "a new or empty folder, or a study's", "give another --out")
    elif out.is_dir() and fresh:
        _check_discard(out, error)
    elif layout.study(out).is_file():
        held = study_of(out).name
        if held != study.name:
            fault, expected = f"the study {held!r}", f"a new folder, or one of the study {study.name!r}"
            error.add("--out", fault, expected, "give another --out, or --fresh to discard what it holds")
    error.raise_if_any()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as reason:
        error.add(
            "--out", reason.strerror or str(reason), "a folder that can be made and written to", "give another --out"
        )
        raise error from None


def _check_discard(out: Path, error: StudyError) -> None:
    """Refuses to empty a folder where that would follow a link, or leave something where a step is to be written."""
    linked = ownership.linked_folders(out)
    if linked:
        found = f"{linked[0].relative_to(out)} is a link to another place"
        error.add("--fresh", found, "folders of its own", "remove what is there yourself, or give another --out")
        return
    foreign = ownership.in_the_way(out)
    if foreign:
        found = f"{foreign[0].relative_to(out)}, which piescope did not write, and {len(foreign) - 1} more"
        error.add("--fresh", found, "steps without other files in them", "move it elsewhere, or give another --out")
