"""`piescope.load`: a folder as a value, told by what is in it."""

from __future__ import annotations

import os
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from piescope.problems import InputError
from piescope.store import audit_layout, ownership

if TYPE_CHECKING:
    from piescope.audits import Audit
    from piescope.runs import StudyRun


def load(folder: str | PathLike[str]) -> StudyRun | Audit:
    """What `piescope run` or `piescope audit --out` left in a folder.

    Which of them is told by what the folder holds, not by its name. Nothing of a study is read yet; no torch is loaded.

    Args:
        folder: a study's, finished or not, or an audit's.

    Returns:
        a `StudyRun` or an `Audit`; either has ``.examples``, ``.classes``, ``.pies``, and shows itself in a notebook.

    Raises:
        InputError: there is no such folder, it is neither's, or an audit's answers are damaged.

    Example:
        >>> import tempfile
        >>> import piescope
        >>> with tempfile.TemporaryDirectory() as out:
        ...     made = piescope.audit([0, 1, 1], [0, 1, 0], labels=[0, 1, 1], out=out)
        ...     list(load(out).pies["kind"])
        ['lost']
    """
    place = Path(fspath(folder))
    if place.is_dir() and ownership.holds_a_study(place):
        from piescope.runs import StudyRun

        return StudyRun(place)
    if place.is_dir() and audit_layout.written(place) is not None:
        from piescope.audits import Audit
        from piescope.store.audit_record import AuditRecord

        return Audit(AuditRecord.read(place), place)
    found = "neither a study nor an audit" if place.is_dir() else "a file" if place.exists() else "nothing there"
    cure = f"name its folder, {place.parent}" if place.is_file() else "name what --out named"
    if not os.path.lexists(place) and str(place) in _pages_that_ship():
        found, cure = "a study of which the page ships", f"piescope show {place}, or piescope run {place} first"
    raise InputError.of(str(place), "folder", found, "the folder of a study or of an audit", cure)


def _pages_that_ship() -> tuple[str, ...]:
    from piescope.study.finished_studies import finished_studies

    return finished_studies()
