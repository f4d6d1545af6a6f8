"""Files written all or nothing, and JSON of one form: what every document on disk goes through."""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from piescope.processes import is_alive
from piescope.store import layout


def temporary_name(target: Path) -> Path:
    """A name beside the target that says which process writes it."""
    return target.parent / f"{layout.TEMPORARY_PREFIX}{target.name}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def is_leftover(path: Path) -> bool:
    """Whether a file or folder is what a writer left behind that is no longer alive; no link is one.

    Example:
        >>> is_leftover(Path(".tmp-notes-of-mine")), is_leftover(Path(".tmp-audit-0-0123abcd"))
        (False, True)
    """
    writer = re.fullmatch(rf"{re.escape(layout.TEMPORARY_PREFIX)}.+-(\d+)-[0-9a-f]{{8}}", path.name)
    return writer is not None and not path.is_symlink() and not is_alive(int(writer[1]))


def write_file(path: Path, content: bytes) -> None:
    """Writes a file atomically and durably: the old one stays until the new one is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        write_durably(temporary, content)
        temporary.replace(path)
        sync_folder(path.parent)
    except BaseException as error:
        if isinstance(error, OSError):
            error.filename = str(path)  # the name that people know
        temporary.unlink(missing_ok=True)
        raise


def write_durably(path: Path, content: bytes) -> None:
    """A new file, on disk when this returns."""
    with naming(path), path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def naming(where: Path | str) -> Iterator[None]:
    """Lets an error of the system that names no file say where it arose: a full disk names none.

    Example:
        >>> with naming("out"):
        ...     raise OSError(28, "No space left on device")
        Traceback (most recent call last):
        ...
        OSError: [Errno 28] No space left on device: 'out'
    """
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(where)
        raise


def sync_folder(folder: Path) -> None:
    """Names in a folder, on disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def as_json(value: Any) -> bytes:
    """JSON with sorted keys, so that equal values have equal bytes; NaN is an error."""
    return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


@contextmanager
def folder_lock(out: Path, patience: float = 0.0) -> Iterator[bool]:
    """Holds the folder's run lock; yields False where another process has it, also after so many seconds of patience.

    The lock ends with its process: a killed run leaves none behind.
    """
    import fcntl

    out.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + patience
    with layout.lock(out).open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    yield False
                    return
                time.sleep(0.05)
        yield True
