"""Reads every byte of every artefact and compares it with its manifest; taken up again where it was interrupted."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from piescope.store import layout
from piescope.store.soundness import Glance, hashed, look


@dataclass(frozen=True)
class Verified:
    """An artefact whose bytes were compared, now or before an interruption.

    Attributes:
        folder: of the artefact.
        files: how many.
        bytes: of these files.
        before: whether an interrupted verification had read it, and it is as it was then.
        fault: why it is not as it was written; empty where it is.
        has_seal: whether its manifest says what its parents were, and no bit of it can change unseen.
    """

    folder: Path
    files: int = 0
    bytes: int = 0
    before: bool = False
    fault: str = ""
    has_seal: bool = True


def verified(out: Path, threads: int, on_bytes: Callable[[int], None]) -> Iterator[Verified]:
    """Compares all artefacts of a study's folder, those of its earlier versions too, in the order of their names.

    What is sound is noted in verifying.txt, where that can be written, so that the next verification after an
    interruption need not read it again; after the last artefact the note is removed. What is damaged is stamped, so
    that the next run finds it without reading all others.

    Args:
        out: the folder.
        threads: that hash.
        on_bytes: hears of how many bytes were read.
    """
    folders = [folder for folder in sorted(layout.artefacts(out).glob("*/[!.]*")) if folder.parent.name[:1] != "."]
    known = _noted(layout.verifying(out))
    pool = ThreadPoolExecutor(threads)
    try:
        with _notes(layout.verifying(out)) as notes:
            for one in pool.map(lambda folder: _one(folder, known), folders):
                if one.fault == _GONE:
                    continue
                on_bytes(one.bytes)
                if notes is not None and not one.fault and not one.before:
                    notes.write(_note(_fingerprint(one.folder)))
                yield one
    finally:
        pool.shutdown(cancel_futures=True)
    with suppress(OSError):
        layout.verifying(out).unlink(missing_ok=True)


_GONE = "gone"


def _one(folder: Path, known: set[str]) -> Verified:
    try:
        seen = look(folder)
        before = seen.manifest is not None and bool(known) and _fingerprint(folder) in known
        seen = seen if before else hashed(folder, seen, every=True)
    except OSError as error:
        gone = not os.path.lexists(folder)  # a run set it aside meanwhile
        return Verified(folder, fault=_GONE if gone else f"{error.filename or folder}: {error.strerror}")
    return _told(folder, seen, before)


def _told(folder: Path, seen: Glance, before: bool) -> Verified:
    if seen.manifest is None:
        return Verified(folder, fault=seen.fault or _GONE)
    facts = seen.manifest.files.values()
    size = sum(fact.bytes for fact in facts)
    return Verified(folder, len(facts), size, before, has_seal=seen.manifest.tells_its_parents)


def _fingerprint(folder: Path) -> str:
    """Of an artefact's files: names, sizes, stamps and places on the disk."""
    marks = []
    for path in sorted(folder.iterdir()):
        found = path.stat()
        marks.append(f"{path.name} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}")
    return hashlib.sha256("\n".join([folder.parent.name, folder.name, *marks]).encode()).hexdigest()


def _note(fingerprint: str) -> str:
    """A line; one that is torn or damaged is none."""
    return f"{fingerprint} {hashlib.sha256(fingerprint.encode()).hexdigest()[:16]}\n"


def _noted(path: Path) -> set[str]:
    """What an interrupted verification has read."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines(keepends=True) if path.is_file() else []
    except OSError:
        return set()
    return {line.split()[0] for line in lines if line.split() and line == _note(line.split()[0])}


@contextmanager
def _notes(path: Path) -> Iterator[IO[str] | None]:
    """The file to note in; None where nothing can be written."""
    try:
        file = path.open("a", buffering=1, encoding="ascii")
    except OSError:
        yield None
        return
    with file:
        yield file
