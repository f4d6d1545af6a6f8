"""Files of torch.save, zipped or of the older kind: what is in them, and their tensors as arrays. Loads no torch.

What a file says is read off its pickle (`pickled_tensors.py`); a tensor's numbers are copied from where they lie, once
it is known that they do, and that all together are not far more than the file.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from piescope import archives
from piescope.adapters.pickled_tensors import (
    AnyTensor,
    OtherTensor,
    RunsCodeError,
    SparseTensor,
    Storage,
    StoredTensor,
    followed,
)
from piescope.adapters.protocol import ModelError
from piescope.adapters.weight_files import TRUNCATED
from piescope.reading.arrays import data_offset

MOST_PICKLE = 2**24
"""Bytes of a pickle of torch.save without its tensors; a tensor takes about two hundred."""

MOST_GROWTH, HARMLESS = 4, 2**26
"""All tensors as float32 are at most so many times the file, and so many bytes more: of 8-bit floats, of tied weights
under several names, of what is sparse; and small ones that repeat one number."""

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
"""What the older kind of file begins with, two pickles."""

BITS = {"bfloat16": "<u2", **dict.fromkeys(("bool", "quint4x2", "quint2x4", "quint8", "qint8"), "u1"), "qint32": "<i4"}
"""How numbers lie in the file that NumPy has no type for, or that may hold other bytes than it knows."""


@dataclass(frozen=True)
class TorchFile:
    """What a file holds.

    Attributes:
        path: the file.
        content: dicts, lists, numbers, texts, and tensors as `pickled_tensors.followed` describes them.
        places: of storages by key: where they begin, and their bytes.
    """

    path: Path
    content: Any
    places: Mapping[str, tuple[int, int]]

    def check(self, tensors: Mapping[str, AnyTensor]) -> None:
        """Refuses tensors that are no plain numbers, or are not in the file, or many times as large.

        Args:
            tensors: by name.

        Raises:
            ModelError: names the tensor.
        """
        size = self.path.stat().st_size
        left = MOST_GROWTH * size + HARMLESS
        for name, tensor in tensors.items():
            if isinstance(tensor, OtherTensor):
                cure = OTHER_CURES.get(tensor.kind, "save plain tensors, best as safetensors")
                raise ModelError.of(self.path.name, name, f"a tensor that is {tensor.kind}", "plain numbers", cure)
            is_sparse = isinstance(tensor, SparseTensor)
            parts = [tensor.indices, tensor.values] if isinstance(tensor, SparseTensor) else [tensor]
            for part in parts:
                self._check_place(name, part)
            numbers = math.prod(tensor.shape)
            left -= 4 * (sum(math.prod(part.shape) for part in parts) + is_sparse * numbers)
            if left < 0:
                found = f"{numbers:,} numbers in a file of {size:,} bytes"
                if not is_sparse:
                    found += " (one number many times over, or one tensor under many names)"
                cure = "where you trust it: safetensors.torch.save_file({k: v.contiguous() ...}, 'model.safetensors')"
                raise ModelError.of(self.path.name, name, found, "weights that lie in the file", cure)

    def _check_place(self, name: str, tensor: StoredTensor) -> None:
        """The last number of a tensor lies in its storage, and that in the file."""
        storage = tensor.storage
        width = _bits(tensor.dtype).itemsize
        last = tensor.offset + sum(
            (size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True)
        )
        _, there = self.places.get(storage.key, (0, 0))
        begins = storage.offset * _bits(storage.dtype).itemsize
        if 0 not in tensor.shape and begins + (last + 1) * width > there:
            found = f"a tensor that ends at byte {begins + (last + 1) * width:,} of {there:,}"
            raise ModelError.of(self.path.name, name, found, "numbers that lie in the file", TRUNCATED)

    def array(self, tensor: StoredTensor | SparseTensor) -> np.ndarray:
        """A tensor's numbers, once `check` has let it pass; bfloat16 and 8-bit floats as their bits."""
        if isinstance(tensor, SparseTensor):
            return self._dense(tensor)
        kind = _bits(tensor.dtype)
        if 0 in tensor.shape:
            return np.zeros(tensor.shape, kind)
        start, length = self.places[tensor.storage.key]
        whole = np.memmap(self.path, np.uint8, "r", start, (length,))
        first = tensor.storage.offset * _bits(tensor.storage.dtype).itemsize + tensor.offset * kind.itemsize
        end = length - (length - first) % kind.itemsize
        strides = tuple(stride * kind.itemsize for stride in tensor.strides)
        lying = np.lib.stride_tricks.as_strided(whole[first:end].view(kind), tensor.shape, strides, writeable=False)
        made = np.array(lying, order="C")
        return made != 0 if tensor.dtype == "bool" else made

    def _dense(self, tensor: SparseTensor) -> np.ndarray:
        indices, values = self.array(tensor.indices), self.array(tensor.values)
        kept = len(indices) if indices.ndim == 2 else 0
        fits = (
            tensor.values.dtype not in BITS
            and 0 < kept <= len(tensor.shape)
            and indices.dtype.kind == "i"
            and values.shape == (indices.shape[1], *tensor.shape[kept:])
        )
        limits = np.array(tensor.shape[:kept])[:, None] if fits else 0
        if not fits or bool(((indices < 0) | (indices >= limits)).any()):
            raise ModelError.of(
                self.path.name, self.path.name, "a sparse tensor that is damaged", EXPECTED, SPARSE_CURE
            )
        dense = np.zeros(tensor.shape, values.dtype)
        np.add.at(dense, tuple(indices), values)
        return dense


OTHER_ORDER = "numbers in the byte order of other machines"
EXPECTED = "what torch.save writes of a state_dict"
SPARSE_CURE = "where it was made: tensor.to_dense(), and save again"
OTHER_CURES = {
    "quantised": "export the quantised model to ONNX: onnx:FILE",
    "empty (meta)": "save the model once its weights are loaded",
    "sparse (compressed)": SPARSE_CURE,
}


def open_torch_file(path: Path) -> TorchFile:
    """What a file of torch.save holds, read off without opening any of its objects.

    Raises:
        ModelError: damaged, or a pickle that would call more than tensors need.
    """
    try:
        with path.open("rb") as file:
            size, is_zip = path.stat().st_size, file.read(2) == b"PK"
            file.seek(0)
            content, places = (_of_zip if is_zip else _of_older)(file, size)
    except RunsCodeError as reason:
        expected = "tensors alone: opening a pickle can run anything"
        cure = "where you trust it: safetensors.torch.save_file(model.state_dict(), 'model.safetensors')"
        raise ModelError.of(path.name, path.name, f"a pickle that would run {reason}", expected, cure) from None
    except _OtherPickleError:
        found, expected = "a pickle that torch.save did not write", "a state_dict that torch.save wrote"
        raise ModelError.of(
            path.name, path.name, found, expected, "torch.save(model.state_dict(), 'model.pt')"
        ) from None
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as reason:
        found = f"a damaged file of torch.save ({str(reason) or type(reason).__name__})"
        raise ModelError.of(path.name, path.name, found, "a whole one", TRUNCATED) from None
    return TorchFile(path, content, places)


class _OtherPickleError(Exception):
    """A whole pickle, of something else."""


def _of_zip(file: IO[bytes], size: int) -> tuple[Any, dict[str, tuple[int, int]]]:
    """The pickle of an archive, and where its storages lie: all entries are stored as they are."""
    with archives.opened(Path(file.name)) as archive:
        listed = archive.infolist()
    places = {entry.filename: _place(file, entry, size) for entry in listed}
    pickled = [name for name in places if name.split("/", 1)[-1] == "data.pkl"]
    if len(pickled) != 1 or len(places) < len(listed):
        raise ValueError("an archive with two entries of one name")
    before = pickled[0].removesuffix("data.pkl")
    if _read(file, places.get(f"{before}byteorder", (0, 0)), 16) == b"big":
        raise ValueError(OTHER_ORDER)
    content = followed(BytesIO(_read(file, places[pickled[0]], MOST_PICKLE)))
    start = f"{before}data/"
    return content, {name.removeprefix(start): place for name, place in places.items() if name.startswith(start)}


def _place(file: IO[bytes], entry: zipfile.ZipInfo, size: int) -> tuple[int, int]:
    """Where an entry's bytes lie, as they are."""
    start = data_offset(file, entry)
    if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 or start + entry.file_size > size:
        raise ValueError(f"an entry {entry.filename!r} that is packed, encrypted or truncated")
    return start, entry.file_size


def _read(file: IO[bytes], place: tuple[int, int], most: int) -> bytes:
    start, length = place
    if length > most:
        raise ValueError(f"a pickle of {length:,} bytes, more than {most:,}")
    file.seek(start)
    return file.read(length)


def _of_older(file: IO[bytes], size: int) -> tuple[Any, dict[str, tuple[int, int]]]:
    """Five pickles, one after the other, and the storages behind them, each after its length."""
    head = BytesIO(file.read(MOST_PICKLE))
    if followed(head) != MAGIC:
        raise _OtherPickleError
    if followed(head) != VERSION:
        raise ValueError("a version that torch.save does not write")
    storages = dict[str, Storage]()
    system, content, keys = (followed(head, storages) for _ in range(3))
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ValueError(OTHER_ORDER)
    places, start = dict[str, tuple[int, int]](), head.tell()
    for key in keys if isinstance(keys, list) else []:
        file.seek(start)
        length = int.from_bytes(file.read(8), "little") * _bits(storages[key].dtype).itemsize
        if start + 8 + length > size:
            raise ValueError(f"storage {key} that ends at byte {start + 8 + length:,} of {size:,}")
        places[key] = start + 8, length
        start += 8 + length
    return content, places


def _bits(dtype: str) -> np.dtype[Any]:
    return np.dtype("u1" if dtype.startswith("float8") else BITS.get(dtype, dtype))
