"""Whether an artefact is as it was written: told at once by manifest, sizes and time stamps, or by hashing its bytes.

A file that changed after its manifest (its ctime is later, which nothing sets back) may be anything: it is hashed
before it is used. If it is sound, the manifest is stamped anew, so that this happens once.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from piescope.store import layout
from piescope.store.durable import read_record, sha256_of
from piescope.store.manifests import FileFacts, Manifest


@dataclass(frozen=True)
class Glance:
    """What a look at an artefact shows.

    Attributes:
        manifest: None where there is no artefact, or a damaged one.
        fault: why it is not as it was written; empty where nothing shows that.
        changed: files whose bytes say more, since they changed after the manifest.
    """

    manifest: Manifest | None
    fault: str = ""
    changed: tuple[str, ...] = ()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the artefact KIND/KEY.

    Raises:
        ValueError: there is none, or it is damaged or another step's.
        OSError: the system cannot read it.
    """
    path = folder / layout.MANIFEST
    try:
        manifest = Manifest.of(read_record(path))
    except OSError as error:
        raise ValueError(f"{layout.MANIFEST}: {not_there(error)}") from None
    except (ValidationError, RecursionError):
        raise ValueError(f"{layout.MANIFEST} is damaged: it is no manifest") from None
    except ValueError as error:
        raise ValueError(f"{layout.MANIFEST} is damaged: {error}") from None
    if (manifest.kind, manifest.key) != (folder.parent.name, folder.name):
        raise ValueError(f"{layout.MANIFEST} is that of another step, {manifest.label}")
    return manifest


def look(folder: Path) -> Glance:
    """A look at an artefact that reads its manifest and no file.

    Raises:
        OSError: the system cannot read what is there, which says nothing of it.
    """
    if not os.path.lexists(folder):
        return Glance(None)
    try:
        manifest = read_manifest(folder)
    except ValueError as error:
        return Glance(None, str(error))
    place, changed = str(folder), []  # texts: of 20,000 steps, paths would take as long as all else
    stamp = os.lstat(f"{place}/{layout.MANIFEST}").st_ctime_ns
    for name, facts in manifest.files.items():
        try:
            found = os.lstat(f"{place}/{name}")
        except OSError as error:
            return Glance(None, f"{name}: {not_there(error)}")
        is_link = stat.S_ISLNK(found.st_mode)
        fault = fault_of_size(folder, manifest, name) if is_link else _fault_of(found, facts, name)
        if fault:
            return Glance(None, fault)
        if is_link or found.st_ctime_ns > stamp:
            changed.append(name)
    return Glance(manifest, "", tuple(changed))


def hashed(folder: Path, seen: Glance, every: bool) -> Glance:
    """The same look, with the bytes of the files that changed, or of every file, compared with the manifest."""
    if seen.manifest is None:
        return seen
    for name in seen.manifest.files if every else seen.changed:
        fault = fault_of_digest(seen.manifest, name, sha256_of(folder / name))
        if fault:
            mark_damaged(folder, name)
            return Glance(None, fault)
    if seen.changed:
        mark(folder / layout.MANIFEST)
    return Glance(seen.manifest)


def fault_of_size(folder: Path, manifest: Manifest, name: str) -> str:
    """Why a file cannot be what the manifest says, without a look at its bytes; empty: it can."""
    expected = manifest.files.get(name)
    try:
        found = (folder / name).stat()
    except OSError as error:
        return f"{name}: {not_there(error)}"
    if expected is None:
        return f"{name} is not in its manifest"
    return _fault_of(found, expected, name)


def _fault_of(found: os.stat_result, expected: FileFacts, name: str) -> str:
    if not stat.S_ISREG(found.st_mode):
        return f"{name} is no file"
    if found.st_size != expected.bytes:
        return f"{name} has {found.st_size:,} bytes, its manifest says {expected.bytes:,}"
    return ""


def not_there(error: OSError) -> str:
    """Why there is no file of a name.

    Raises:
        OSError: there may be one, and the system cannot read it: no reason to make it again.
    """
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR):
        return "it is not there"
    raise error


def fault_of_digest(manifest: Manifest, name: str, digest: str) -> str:
    """Why a file is not what the manifest says; empty: it is."""
    expected = manifest.files[name].sha256
    if digest == expected:
        return ""
    return f"{name} has SHA-256 {digest[:12]}..., its manifest says {expected[:12]}..."


def mark_damaged(folder: Path, name: str) -> None:
    """Stamps a file as changed after its manifest, so that the next look hashes it.

    Where the manifest was stamped in the same tick of the system's clock (10 ms at most), that takes another.
    """
    for _ in range(50):
        mark(folder / name)
        with suppress(OSError):
            if os.lstat(folder / name).st_ctime_ns > os.lstat(folder / layout.MANIFEST).st_ctime_ns:
                return
        time.sleep(0.001)


def mark(path: Path) -> None:
    """Stamps a file as changed now, its other time as it was; where that may not be done, nothing happens."""
    with suppress(OSError):
        now = path.lstat()
        os.utime(path, ns=(now.st_atime_ns, now.st_mtime_ns), follow_symlinks=False)
