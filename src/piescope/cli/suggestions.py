"""`--suggest-budgets FILE`: what an audit keeps now, as the budgets of the next one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from piescope.problems import InputError

if TYPE_CHECKING:
    from piescope.store.audit_record import AuditRecord

FLAG = "--suggest-budgets"


def check_suggested(target: Path | None, compress: str | None) -> None:
    """Refuses, before any work, what no budgets can be suggested of, and a file that must not be replaced.

    Args:
        target: the file; None: none is asked for.
        compress: that copies are made.

    Raises:
        InputError: copies are made, none of which is known to be shipped; or the file cannot be written, or holds
            something else than budgets.
    """
    if target is None:
        return
    error = InputError("the command line")
    above = next((folder for folder in target.absolute().parents if folder.exists()), None)
    if compress is not None:
        cure = "audit the copy that you ship on its own, with this option"
        error.add(FLAG, "copies to be made", "one compressed side", cure)
    elif target.is_dir() or above is None or not above.is_dir() or not os.access(above, os.W_OK):
        fault = "a folder" if target.is_dir() else "a place that cannot be written to"
        error.add(FLAG, fault, "a file that can be written", f"name another file: {FLAG} budgets.toml")
    elif target.exists() and not _holds_budgets(target):
        fault = "a file with something else in it"
        error.add(FLAG, fault, "a new file, or one of budgets", f"name another file: {FLAG} budgets.toml")
    error.raise_if_any()


def _holds_budgets(path: Path) -> bool:
    from piescope.auditing.budgets import Budgets

    try:
        return path.is_file() and bool(Budgets.from_file(path).given)
    except InputError:
        return False


def write_suggested(target: Path, audit: AuditRecord) -> None:
    """Writes the file.

    Raises:
        InputError: there is no limit that the audit shows to be kept.
    """
    from piescope.auditing.suggested_budgets import suggested_budgets
    from piescope.store.durable import write_file

    write_file(target, suggested_budgets(audit).encode())
