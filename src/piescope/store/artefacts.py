"""Artefacts: the outcome of one step, written all or nothing, read only if every byte is as it was written."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import safetensors.numpy

from piescope.store import layout
from piescope.store.durable import leftovers, sync_folder, temporary_name, write_durably
from piescope.store.leases import Lease, LostLeaseError
from piescope.store.manifests import FileFacts, Manifest
from piescope.store.soundness import fault_of_digest, fault_of_size, mark_damaged, read_manifest

FORMAT_VERSION = 2
"""Part of every step's key: a change of what files hold makes new keys."""


class CorruptArtefactError(RuntimeError):
    """A file of an artefact is missing or not what its manifest says."""


@dataclass(frozen=True)
class Artefact:
    """A finished step's folder.

    Attributes:
        folder: holds the files and their manifest.
        manifest: what it says of itself.
    """

    folder: Path
    manifest: Manifest

    @property
    def key(self) -> str:
        """Identifies the step that made it."""
        return self.manifest.key

    def read(self, name: str) -> bytes:
        """The bytes of one file, checked against the manifest.

        Raises:
            CorruptArtefactError: the file is missing or its hash differs; the next run finds it without looking at
                the bytes of all others.
        """
        fault = fault_of_size(self.folder, self.manifest, name)
        content = b"" if fault else (self.folder / name).read_bytes()
        fault = fault or fault_of_digest(self.manifest, name, hashlib.sha256(content).hexdigest())
        if fault:
            mark_damaged(self.folder, name)
            raise CorruptArtefactError(f"{self.folder}: {fault}; {_cure(self.folder)}")
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
    out = folder.parents[2]
    command = shlex.join(["piescope", "run", str(layout.study(out)), "--out", str(out)])
    return f"{command} (with the --data-dir of before, if there was one) sets it aside and makes it again"


class Store:
    """The artefacts of one study folder.

    Args:
        out: the folder.
        lease: under which a step is written; without it the caller sees to it that nobody else writes the same.

    Example:
        >>> import tempfile
        >>> store = Store(Path(tempfile.mkdtemp()))
        >>> made = store.write("demo", "0" * 32, {"a.json": b"[1]"}, label="a demo", spec={})
        >>> store.has("demo", "0" * 32), store.load("demo", "0" * 32).json("a.json")
        (True, [1])
    """

    def __init__(self, out: Path, lease: Lease | None = None) -> None:
        self.out = out
        self._lease = lease

    def has(self, kind: str, key: str) -> bool:
        """Whether the step is done: its folder appears only when all of it is on disk."""
        return (layout.artefact(self.out, kind, key) / layout.MANIFEST).is_file()

    def load(self, kind: str, key: str) -> Artefact:
        """A finished step.

        Raises:
            CorruptArtefactError: there is none, or its manifest is damaged or another step's.
        """
        folder = layout.artefact(self.out, kind, key)
        try:
            return Artefact(folder, read_manifest(folder))
        except ValueError as error:
            raise CorruptArtefactError(f"{folder}: {error}; {_cure(folder)}") from None

    def write(
        self,
        kind: str,
        key: str,
        files: Mapping[str, bytes],
        label: str,
        spec: Any,
        parents: tuple[str, ...] = (),
        environment: Mapping[str, Any] | None = None,
        parent_contents: dict[str, str] | None = None,
    ) -> Artefact:
        """Publishes a finished step; a reader sees all of it or nothing. Already there: that one stays.

        The arguments are what its `Manifest` says of it.

        Raises:
            LostLeaseError: another runner has taken the step over; nothing was published.
        """
        folder = layout.artefact(self.out, kind, key)
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            kind=kind,
            key=key,
            label=label,
            spec=spec,
            parents=parents,
            parent_contents=parent_contents,
            files={
                name: FileFacts(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
                for name, content in sorted(files.items())
            },
            environment=dict(environment or {}),
        )
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_name(folder) if self._lease is None else self._lease.files
        try:
            temporary.mkdir()
            for name, content in [*files.items(), (layout.MANIFEST, manifest.as_bytes())]:
                write_durably(temporary / name, content)
            sync_folder(temporary)
            try:
                temporary.rename(folder)
            except OSError:
                if not self.has(kind, key):
                    raise
                shutil.rmtree(temporary)  # another worker published the same bytes first
            sync_folder(folder.parent)
        except BaseException as error:
            shutil.rmtree(temporary, ignore_errors=True)
            if self._lease is not None and not self._lease.is_held():
                raise LostLeaseError(f"{folder}: another runner has taken the step over") from error
            if isinstance(error, OSError) and error.filename is not None:
                error.filename = str(folder / Path(error.filename).name)  # the name that people know
            raise
        return self.load(kind, key)

    def remove_leftovers(self) -> int:
        """Removes what writers that are gone left behind, and checkpoints of finished steps. Returns how many."""
        left = leftovers(self.out)
        kinds = [folder.name for folder in layout.artefacts(self.out).glob("*")]
        checkpoints = layout.checkpoints(self.out).glob("*.safetensors")
        left += [path for path in checkpoints if any(self.has(kind, path.stem) for kind in kinds)]
        for path in left:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        with suppress(OSError):  # trainings that did not end are to go on
            layout.checkpoints(self.out).rmdir()
        return len(left)

    def manifests(self) -> list[Path]:
        """The manifests of all finished steps, by kind and key."""
        return sorted(layout.artefacts(self.out).glob(f"*/[!.]*/{layout.MANIFEST}"))


def as_tensors(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A safetensors file of NumPy arrays, names sorted."""
    return safetensors.numpy.save({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)})


def as_parquet(table: pa.Table) -> bytes:
    """A Parquet file; equal tables give equal bytes (for one version of Arrow)."""
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content
