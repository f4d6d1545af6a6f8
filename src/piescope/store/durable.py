"""Files written all or nothing, and JSON of one form: what every document on disk goes through."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from piescope.processes import is_alive
from piescope.store import layout

NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
"""What the system says where nothing more can be written."""


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


def leftovers(folder: Path) -> list[Path]:
    """All of them below a folder."""
    return [path for path in folder.rglob(f"{layout.TEMPORARY_PREFIX}*") if is_leftover(path)]


def write_file(path: Path, *parts: bytes | memoryview) -> None:
    """Writes a file atomically and durably: the old one stays until the new one is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        write_durably(temporary, *parts)
        temporary.replace(path)
        sync_folder(path.parent)
    except BaseException as error:
        if isinstance(error, OSError):
            error.filename = str(path)  # the name that people know
        temporary.unlink(missing_ok=True)
        raise


def write_durably(path: Path, *parts: bytes | memoryview) -> None:
    """A new file, on disk when this returns."""
    with naming(path), path.open("xb") as file:
        file.writelines(parts)
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
        with naming(folder):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def as_json(value: Any) -> bytes:
    """JSON with sorted keys, so that equal values have equal bytes; NaN is an error."""
    return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def sealed_json(value: dict[str, Any]) -> bytes:
    """A JSON object whose first key is the SHA-256 of all that follows it, so that no byte of it can change unseen.

    Example:
        >>> unsealed(sealed_json({"a": 1})) == as_json({"a": 1})
        True
    """
    rest = as_json(value)[len(OPENING) :]
    return OPENING + SEAL + hashlib.sha256(rest).hexdigest().encode() + SEAL_END + rest


def unsealed(content: bytes) -> bytes:
    """The object of a sealed file; one without a seal, as earlier versions wrote it, stays as it is.

    What reads it must refuse keys that it does not know: a seal whose name is damaged is one.

    Raises:
        ValueError: it is not what was sealed.
    """
    head = len(OPENING + SEAL)
    if not content.startswith(OPENING + SEAL):
        return content
    digest, rest = content[head : head + DIGEST], content[head + DIGEST + len(SEAL_END) :]
    if content[head + DIGEST :][: len(SEAL_END)] != SEAL_END or hashlib.sha256(rest).hexdigest().encode() != digest:
        raise ValueError("its bytes are not those that were written")
    return OPENING + rest


def sha256_of(path: Path) -> str:
    """Of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_record(path: Path) -> bytes:
    """A JSON file's bytes; only of a regular file of a size that one may have.

    Raises:
        ValueError: it is another thing, or too large.
        OSError: it cannot be read.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is no file")
    if found.st_size > LARGEST_RECORD:
        raise ValueError(f"it has {found.st_size:,} bytes")
    return path.read_bytes()


LARGEST_RECORD = 2**28
"""Bytes of a JSON file; the largest there are, of data sets with long ids, have a tenth of that."""

OPENING, SEAL, SEAL_END, DIGEST = b"{\n", b' "sha256": "', b'",\n', 64


def _at_once(path: str, flags: int) -> int:
    """Opens a file; of a pipe in its place no other end is waited for."""
    return os.open(path, flags | os.O_NONBLOCK, 0o666)


@contextmanager
def folder_lock(out: Path, patience: float = 0.0) -> Iterator[FolderLock | None]:
    """Holds a folder's run lock: alone if nobody else does, else shared with the other runners.

    Where somebody holds it alone, also after so many seconds of patience, it yields None. A lock ends with its process:
    a killed run leaves none behind.
    """
    out.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + patience
    with open(layout.lock(out), "a", opener=_at_once) as file:
        lock = FolderLock(file.fileno())
        while not lock.be_alone():
            time.sleep(0.05)  # `is_locked` holds it for an instant
            if lock.be_alone() or lock.share():
                break
            if time.monotonic() >= until:
                yield None
                return
        yield lock


def is_locked(out: Path) -> bool:
    """Whether anybody holds a folder's run lock."""
    try:
        with open(layout.lock(out), "rb", opener=_at_once) as file:
            return not FolderLock(file.fileno()).be_alone()
    except FileNotFoundError:
        return False


class FolderLock:
    """A run lock that is held.

    Attributes:
        is_alone: whether nobody else holds it, nor can take it.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.is_alone = False

    def be_alone(self) -> bool:
        """Holds it alone, if nobody else holds it."""
        self.is_alone = self._flock("LOCK_EX")
        return self.is_alone

    def share(self, wait: bool = False) -> bool:
        """Lets others in; False where somebody holds it alone, if this is not to wait for them."""
        self.is_alone = False
        return self._flock("LOCK_SH", wait)

    def _flock(self, kind: str, wait: bool = False) -> bool:
        import fcntl

        try:
            fcntl.flock(self._descriptor, getattr(fcntl, kind) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True
