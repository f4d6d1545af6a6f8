"""Artefacts: the outcome of one step, written all or nothing, read only if every byte is as it was written."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import safetensors.numpy

from piescope.store import layout

FORMAT_VERSION = 2
"""Part of every step's key: a change of what files hold makes new keys."""


class CorruptArtefactError(RuntimeError):
    """A file of an artefact is missing or not what its manifest says."""


@dataclass(frozen=True)
class Artefact:
    """A finished step's folder.

    Attributes:
        folder: holds the files and their manifest.
        manifest: ``kind``, ``key``, ``label``, ``spec`` (everything that made it), ``parents`` (keys), ``files``
            (name to sha256 and bytes), ``environment`` (device type, library versions; no part of the key).
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def key(self) -> str:
        """Identifies the step that made it."""
        return str(self.manifest["key"])

    def read(self, name: str) -> bytes:
        """The bytes of one file, checked against the manifest.

        Raises:
            CorruptArtefactError: the file is missing or its hash differs.
        """
        expected = self.manifest["files"].get(name)
        path = self.folder / name
        if expected is None or not path.is_file():
            raise CorruptArtefactError(f"{path} is missing; {_cure(self.folder)}")
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != expected["sha256"]:
            raise CorruptArtefactError(
                f"{path} has SHA-256 {found[:12]}..., its manifest says {expected['sha256'][:12]}...; "
                f"{_cure(self.folder)}"
            )
        return content

    def tensors(self, name: str) -> dict[str, np.ndarray]:
        """A safetensors file as NumPy arrays."""
        return safetensors.numpy.load(self.read(name))

    def json(self, name: str) -> Any:
        """A JSON file."""
        return json.loads(self.read(name))

    def table(self, name: str) -> pa.Table:
        """A Parquet file."""
        return parquet.read_table(pa.BufferReader(self.read(name)))


def _cure(folder: Path) -> str:
    return f"delete the folder {folder} and run the study again: only what hangs on it is redone"


class Store:
    """The artefacts of one study folder.

    Example:
        >>> import tempfile
        >>> store = Store(Path(tempfile.mkdtemp()))
        >>> made = store.write("demo", "0" * 32, {"a.json": as_json([1])}, label="a demo", spec={})
        >>> store.has("demo", "0" * 32), store.load("demo", "0" * 32).json("a.json")
        (True, [1])
    """

    def __init__(self, out: Path) -> None:
        self.out = out

    def has(self, kind: str, key: str) -> bool:
        """Whether the step is done: its folder appears only when all of it is on disk."""
        return (layout.artefact(self.out, kind, key) / layout.MANIFEST).is_file()

    def load(self, kind: str, key: str) -> Artefact:
        """A finished step.

        Raises:
            CorruptArtefactError: there is none, or its manifest cannot be read or names another step.
        """
        folder = layout.artefact(self.out, kind, key)
        try:
            manifest = json.loads((folder / layout.MANIFEST).read_bytes())
        except (OSError, ValueError) as error:
            raise CorruptArtefactError(f"{folder}: no readable manifest ({error}); {_cure(folder)}") from error
        if not isinstance(manifest, dict) or manifest.get("key") != key or manifest.get("kind") != kind:
            raise CorruptArtefactError(f"{folder}: the manifest belongs to another step; {_cure(folder)}")
        return Artefact(folder, manifest)

    def write(
        self,
        kind: str,
        key: str,
        files: Mapping[str, bytes],
        label: str,
        spec: Any,
        parents: tuple[str, ...] = (),
        environment: Mapping[str, Any] | None = None,
    ) -> Artefact:
        """Publishes a finished step; a reader sees all of it or nothing. Already there: that one stays."""
        folder = layout.artefact(self.out, kind, key)
        manifest = {
            "format_version": FORMAT_VERSION,
            "kind": kind,
            "key": key,
            "label": label,
            "spec": spec,
            "parents": list(parents),
            "files": {
                name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
                for name, content in sorted(files.items())
            },
            "environment": dict(environment or {}),
        }
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_name(folder)
        try:
            temporary.mkdir()
            for name, content in [*files.items(), (layout.MANIFEST, as_json(manifest))]:
                _write_durably(temporary / name, content)
            _sync_folder(temporary)
            try:
                temporary.rename(folder)
            except OSError:
                if not self.has(kind, key):
                    raise
                shutil.rmtree(temporary)  # another worker published the same bytes first
            _sync_folder(folder.parent)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        return self.load(kind, key)

    def remove_leftovers(self) -> int:
        """Removes what writers that are no longer alive left behind. Returns how many."""
        left = [path for path in self.out.rglob(f"{layout.TEMPORARY_PREFIX}*") if is_leftover(path)]
        for path in left:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        return len(left)

    def manifests(self) -> list[Path]:
        """The manifests of all finished steps, by kind and key."""
        return sorted(layout.artefacts(self.out).glob(f"*/[!.]*/{layout.MANIFEST}"))


def temporary_name(target: Path) -> Path:
    """A name beside the target that says which process writes it."""
    return target.parent / f"{layout.TEMPORARY_PREFIX}{target.name}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def is_leftover(path: Path) -> bool:
    """Whether a file or folder is what a writer left behind that is no longer alive; no link is one.

    Example:
        >>> is_leftover(Path(".tmp-notes-of-mine")), is_leftover(Path(".tmp-audit-0-0123abcd"))
        (False, True)
    """
    told = re.fullmatch(rf"{re.escape(layout.TEMPORARY_PREFIX)}.+-(\d+)-[0-9a-f]{{8}}", path.name)
    return told is not None and not path.is_symlink() and not _is_alive(int(told[1]))


def _is_alive(process: int) -> bool:
    if process <= 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it exists and is somebody else's
    return True


def write_file(path: Path, content: bytes) -> None:
    """Writes a file atomically and durably: the old one stays until the new one is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        _write_durably(temporary, content)
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        error.filename = str(path)  # the name that people know
        temporary.unlink(missing_ok=True)
        raise
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_durably(path: Path, content: bytes) -> None:
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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def as_json(value: Any) -> bytes:
    """JSON with sorted keys, so that equal values have equal bytes; NaN is an error."""
    return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def as_tensors(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A safetensors file of NumPy arrays, names sorted."""
    return safetensors.numpy.save({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)})


def as_parquet(table: pa.Table) -> bytes:
    """A Parquet file; equal tables give equal bytes (for one version of Arrow)."""
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


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
