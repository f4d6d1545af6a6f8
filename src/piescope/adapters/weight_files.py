"""What a file of weights is, by its first bytes and its contents, before anything parses it. Loads no torch."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path
from typing import Literal

from piescope import archives
from piescope.adapters.protocol import ModelError
from piescope.reading.signatures import PICKLES, foreign

WeightsKind = Literal["safetensors", "torch"]

EXPECTED = "weights: .safetensors, or a state_dict of torch.save"

MOST_HEADER = 2**24
"""Bytes of a safetensors header; a tensor takes about a hundred."""

NO_WEIGHTS = (
    (b"\x93NUMPY", "a NumPy array", "audit predictions as files; weights as safetensors"),
    (b"PAR1", "a Parquet file", "audit predictions without an architecture"),
    (b"#!", "a script", "give weights, or FILE.py:function with --trust-code"),
)
"""First bytes of what others read here, or run; what it is, and the cure."""

TORCHSCRIPT_CURE = (
    "export it where it was made, torch.onnx.export(model, images, 'model.onnx'), and give onnx:model.onnx; or save "
    "model.state_dict() as safetensors"
)

TRUNCATED = "download or save it again: it is truncated or malformed"


def kind_of_weights(path: Path) -> WeightsKind:
    """``"safetensors"`` or ``"torch"`` (a zip of torch.save, or its older pickle): what may be opened at all.

    Raises:
        ModelError: missing, empty, truncated, or of another kind; the message says how to convert it.
    """
    try:
        if not path.exists():
            raise _refused(path, "no such file", "check the path")
        if not path.is_file():
            raise _refused(path, "a folder" if path.is_dir() else "no regular file", "name the file with the weights")
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(1024)
    except OSError as reason:
        raise _refused(path, f"a file that cannot be read ({reason.strerror})", "check its permissions") from None
    if size == 0:
        raise _refused(path, "an empty file", "download or save it again")
    other = what_is_no_model(head)
    if other is not None:
        raise _refused(path, *other)
    if head[4:8] == b"TFL3":
        raise _refused(path, "a TensorFlow Lite model", "export the original to ONNX: tf2onnx")
    if head[257:262] == b"ustar":
        raise _refused(path, "a tar archive", "unpack it; a .tar of torch before 2018: save it again with torch.save")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(path, size)
    if head.startswith(PICKLES):
        return "torch"
    if len(head) > 8 and head[8:9] == b"{":
        header_of(path)
        return "safetensors"
    if path.suffix.lower() == ".safetensors":
        raise _refused(path, "bytes that are no safetensors file", "download or save it again: it may be damaged")
    raise _refused(path, f"{size:,} bytes of no kind that is known here", "save weights as safetensors")


def what_is_no_model(head: bytes) -> tuple[str, str] | None:
    """What the first bytes of a file say that it is instead, and the cure; None: they may be a model's.

    Example:
        >>> what_is_no_model(b"#!/bin/sh")[0]
        'a script'
    """
    known = foreign(head)
    if known is not None:
        return known.found, known.cure_of_weights
    return next(((found, cure) for start, found, cure in NO_WEIGHTS if head.startswith(start)), None)


def header_of(path: Path) -> dict[str, dict[str, object]]:
    """The table of contents of a safetensors file: dtype, shape and offsets by name, all within the file.

    Raises:
        ModelError: truncated or malformed.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            first = file.read(8)
            length = struct.unpack("<Q", first)[0] if len(first) == 8 else 0
            if not 2 <= length <= min(size - 8, MOST_HEADER):
                raise _refused(path, f"a safetensors header of {length:,} bytes in a file of {size:,}", TRUNCATED)
            header = json.loads(file.read(length))
    except OSError as reason:
        raise _refused(path, f"a file that cannot be read ({reason.strerror})", "check its permissions") from None
    except (ValueError, RecursionError):
        raise _refused(path, "a malformed safetensors header", "download or save it again") from None
    if not isinstance(header, dict):
        raise _refused(path, "a malformed safetensors header", "download or save it again")
    room = size - 8 - length
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
        numbers = offsets if isinstance(offsets, list) and list(map(type, offsets)) == [int, int] else [1, 0]
        if not 0 <= numbers[0] <= numbers[1] <= room:
            raise _refused(path, f"tensor {name!r} outside the file's {room:,} bytes of data", TRUNCATED)
    return header


def tensor_names(path: Path) -> list[str]:
    """Names in a safetensors file; none where it is no whole one."""
    try:
        return [name for name in header_of(path) if name != "__metadata__"]
    except ModelError:
        return []


def _zip_kind(path: Path, size: int) -> WeightsKind:
    try:
        with archives.opened(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, struct.error) as reason:
        raise _refused(path, f"a truncated or damaged zip ({reason})", "download or save it again") from None
    names = [entry.filename for entry in entries]
    inner = {name.split("/", 1)[-1] for name in names}
    if any(name.startswith("models/") and name.endswith(".json") for name in inner) or (
        {"serialized_exported_program.json", "archive_format"} & inner
    ):
        raise _refused(path, "an exported program (.pt2)", TORCHSCRIPT_CURE)
    if "constants.pkl" in inner or any(name.startswith("code/") for name in inner):
        raise _refused(path, "TorchScript, which is code", TORCHSCRIPT_CURE)
    if "model.weights.h5" in names or {"config.json", "metadata.json"} <= set(names):
        raise _refused(path, "a Keras model", "export it to ONNX: model.export('model.onnx', format='onnx')")
    if any(name.endswith(".npy") for name in names):
        raise _refused(path, "NumPy arrays (.npz)", "audit predictions as files; weights as safetensors")
    if "data.pkl" not in inner:
        found = "a zip of " + (", ".join(sorted(names)[:3]) or "nothing")
        raise _refused(path, found, "unpack it, and name the file with the weights")
    # torch stores its tensors as they are: what would grow when opened was not written by it
    whole = sum(entry.file_size for entry in entries)
    if whole > size:
        cure = "load it where you trust it and save it again: torch.save does not compress"
        raise _refused(path, f"a zip that grows from {size:,} to {whole:,} bytes", cure)
    return "torch"


def _refused(path: Path, found: str, cure: str) -> ModelError:
    return ModelError.of(path.name, path.name, found, EXPECTED, cure)
