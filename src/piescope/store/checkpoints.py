"""Checkpoints of trainings under way, as files: tensors and JSON, hashed, of one step and one kind of machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from piescope.store.durable import as_json, write_file
from piescope.store.step_records import Record

CHECKPOINT_FORMAT = 1
"""Which tensors there are and what they mean; also of what a training does with them."""

DTYPES = {"float64": "F64", "float32": "F32", "int64": "I64", "uint8": "U8", "bool": "BOOL"}
"""What safetensors calls them."""


class UnusableCheckpointError(ValueError):
    """A checkpoint is damaged, or of another step, format or machine; the message says which."""


class Origin(Record):
    """What made a checkpoint; only the like may go on from it.

    Attributes:
        key: of the step.
        parents: what the step read: SHA-256 of each parent's files, by its key.
        environment: what a bitwise promise hangs on: processor, threads, libraries.
        format_version: of the checkpoint.
    """

    key: str
    parents: dict[str, str]
    environment: dict[str, Any]
    format_version: int = CHECKPOINT_FORMAT

    def differences(self, other: Origin) -> list[str]:
        """What is not the same, with both values."""
        ours, theirs = ({**made.model_dump(exclude={"environment"}), **made.environment} for made in (self, other))
        names = [name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]
        return [f"{name} {ours.get(name)!r}, here {theirs.get(name)!r}" for name in names]


def write_checkpoint(path: Path, origin: Origin, stage: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Replaces the checkpoint, all or nothing; it is on disk when this returns."""
    aligned = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    ordered = {name: np.asarray(arrays[name], order="C") for name in aligned}
    said = {"origin": origin.model_dump_json(), "stage": stage}
    header = _header({**said, "sha256": _digest(said, ordered)}, ordered)
    write_file(path, len(header).to_bytes(8, "little"), header, *map(_bytes, ordered.values()))


def _header(said: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> bytes:
    """As safetensors writes it; the library would copy all tensors once more, which may be large."""
    table: dict[str, Any] = {"__metadata__": said}
    end = 0
    for name, array in arrays.items():
        places = (end, end := end + array.nbytes)
        table[name] = {"dtype": DTYPES[array.dtype.name], "shape": array.shape, "data_offsets": places}
    header = json.dumps(table).encode()
    return header + b" " * (-len(header) % 8)


def _bytes(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def read_checkpoint(path: Path, origin: Origin) -> tuple[str, dict[str, np.ndarray]]:
    """The stage and the tensors of a checkpoint.

    Args:
        path: a file.
        origin: of whoever wants to go on from it.

    Raises:
        UnusableCheckpointError: it is damaged, or its origin differs.
    """
    made_by, stage, arrays = _whole(path)
    if made_by != origin:
        raise UnusableCheckpointError(f"it was made with {'; '.join(made_by.differences(origin))}")
    return stage, arrays


def check_checkpoint(path: Path) -> None:
    """Compares a checkpoint, whosever it is, with the hash in it.

    Raises:
        UnusableCheckpointError: it is damaged, or is called as another step.
    """
    made_by, _, _ = _whole(path)
    if made_by.key != path.stem:
        raise UnusableCheckpointError(f"it is that of another step, {made_by.key}")


def _whole(path: Path) -> tuple[Origin, str, dict[str, np.ndarray]]:
    """What made it, its stage and tensors."""
    try:
        if not path.is_file():
            raise ValueError("it is no file")
        content = path.read_bytes()
        said = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
        arrays = safetensors.numpy.load(content)
        digest = said.pop("sha256")
        is_whole = digest == _digest(said, arrays)
        made_by = Origin.model_validate_json(said["origin"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        raise UnusableCheckpointError(f"it cannot be read ({type(error).__name__}: {error})") from error
    if not is_whole:
        raise UnusableCheckpointError("its SHA-256 is not that of what it holds")
    return made_by, said["stage"], arrays


def _digest(said: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> str:
    """Of all that a reader sees: what is said, and each tensor's name, type, shape and bytes."""
    table = [(name, array.dtype.str, array.shape) for name, array in sorted(arrays.items())]
    digest = hashlib.sha256(as_json([said, table]))
    for _, array in sorted(arrays.items()):
        digest.update(_bytes(array))
    return digest.hexdigest()
