"""The folder of an audit: it gets all files at once or none, and nothing in it that is not an audit's is touched."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from piescope.problems import InputError
from piescope.store import audit_layout


@contextmanager
def published(out: Path) -> Iterator[Path]:
    """A folder to write an audit to; its files take the place of the last audit's when all are there, or not at all.

    Files in ``out`` that are no audit's stay as they are. If anything is raised, everything is as it was before.

    Args:
        out: the audit's folder; made if missing.
    """
    from piescope.store.durable import naming, temporary_name

    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    place = temporary_name(out / "audit")
    try:
        out.mkdir(parents=True, exist_ok=True)
        old = [path.relative_to(out) for path in audit_layout.written(out) or []]
        _remove_leftovers(out)
        place.mkdir()
        yield place
        with naming(out):
            _put_in_place(place, out, old)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is not None:  # by the name that people know
            error.filename = str(error.filename).replace(str(place), str(out))
        if not any(path.is_file() for path in (place / audit_layout.BEFORE).rglob("*")):  # they could not be put back
            shutil.rmtree(place, ignore_errors=True)
        for folder in made:  # the innermost first
            with suppress(OSError):  # not empty: another hand was here
                folder.rmdir()
        raise


def _put_in_place(place: Path, out: Path, old: Sequence[Path]) -> None:
    """Moves files to where people look for them.

    audit.json of the last audit goes first, that of this one comes last: while there is none, `audit_layout.written`
    tells by what lies in ``place`` whose the others are.
    """
    new = [path.relative_to(place) for path in place.rglob("*") if path.is_file()]
    aside, last = place / audit_layout.BEFORE, Path(audit_layout.AUDIT)
    moved: list[tuple[Path, Path]] = []

    def move(source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
        moved.append((source, target))

    try:
        for path in sorted(old, key=lambda file: (file != last, file)):
            move(out / path, aside / path)
        for path in sorted(new, key=lambda file: (file == last, file)):
            move(place / path, out / path)
    except BaseException:
        for source, target in reversed(moved):
            with suppress(OSError):
                target.replace(source)
        raise
    finally:
        for folder in {path.parent for path in (*old, *new)} - {Path()}:
            with suppress(OSError):  # files of an audit are in it, or somebody's
                (out / folder).rmdir()
    shutil.rmtree(place)


def _remove_leftovers(out: Path) -> None:
    """Takes away what an audit of this folder left that was killed."""
    from piescope.store.durable import is_leftover

    for path in out.iterdir():
        if is_leftover(path):
            shutil.rmtree(path, ignore_errors=True)


def check_folder(out: Path, copies: Sequence[str] = ()) -> None:
    """An audit replaces an audit, and nothing else; and it must be possible to write there."""
    error = InputError(out.name or str(out))
    try:
        if out.is_dir():
            _check_content(out, copies, error)
            above = out
        else:
            above = next((folder for folder in (out, *out.parents) if os.path.lexists(folder)), Path())
            if above == out:
                error.add("--out", "a file", "a folder", "name a folder")
            elif not above.is_dir():
                error.add("--out", f"a file above it, {above.name}", "a folder", "name another folder")
        if not error and not os.access(above, os.W_OK | os.X_OK):
            error.add("--out", "a folder that may not be written", "one that may", "name another folder")
    except (OSError, ValueError) as reason:
        inside = isinstance(reason, OSError) and Path(reason.filename or out) not in (out, *out.parents)
        if inside or getattr(reason, "errno", None) == errno.EIO:  # the name is good, the system refuses what is there
            raise
        error.add("--out", getattr(reason, "strerror", None) or str(reason), "a folder", "name another folder")
    error.raise_if_any()


def _check_content(out: Path, copies: Sequence[str], error: InputError) -> None:
    """A folder that is there is empty, or an audit's; what a copy is to be written to is nobody else's."""
    from piescope.store.durable import is_leftover

    written = audit_layout.written(out)
    if written is None and not all(map(is_leftover, out.iterdir())):
        expected, cure = "an empty folder, or one that holds an audit", "name another folder"
        error.add("--out", "a folder with other files", expected, cure)
    for name in copies:
        place = audit_layout.copy(out, name)
        ours = written is not None and audit_layout.audit(place) in written
        if os.path.lexists(place) and not ours:
            error.add("--out", f"{name} in it, which no audit wrote", "nothing of that name", "name another folder")
