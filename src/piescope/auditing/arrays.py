"""Arrays that lie in files and are read block by block: .npy, .npz, .safetensors, and our own spools. No pickle."""

from __future__ import annotations

import json
import math
import mmap
import struct
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np

from piescope.auditing.files import fault

MOST_INFLATION = 200
"""A compressed array may be so many times larger than its bytes in the file ..."""

HARMLESS = 2**30
"""... once it is larger than this."""

SAFETENSORS_DTYPES = {
    "BOOL": "?",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "BF16": "<u2",
}


@dataclass(frozen=True, eq=False)
class StoredArray:
    """An array in a file, mapped and read in parts; what has been read is given back to the system with `release`.

    Attributes:
        path: the file, for messages.
        name: the array's name in the file; empty for .npy.
        dtype: of the values that `part` returns.
        shape: of the whole.
        stored: the dtype in the file (bfloat16 lies there as 16 bits without a meaning to NumPy).
        offset: where its bytes begin.
        order: ``C`` or ``F``.
        file: the open file that holds the bytes.
    """

    path: Path
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    stored: np.dtype[Any]
    offset: int
    order: str
    file: IO[bytes]

    @cached_property
    def _mapped(self) -> np.ndarray:
        if math.prod(self.shape) == 0:
            return np.zeros(self.shape, self.stored)
        return np.memmap(self.file, self.stored, "r", self.offset, self.shape, "C" if self.order == "C" else "F")

    def part(self, rows: slice | np.ndarray, axis: int = 0) -> np.ndarray:
        """A copy of some rows along an axis: a slice, or row numbers in any order."""
        index: tuple[Any, ...] = (slice(None),) * axis + (rows,)
        values = np.array(self._mapped[index])
        if self.dtype != self.stored:  # bfloat16: the upper half of a float32
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values

    def release(self) -> None:
        """Gives mapped pages back; they are read again when they are needed."""
        mapped = getattr(self._mapped, "_mmap", None)
        if mapped is not None and hasattr(mapped, "madvise"):
            mapped.madvise(mmap.MADV_DONTNEED)

    @property
    def label(self) -> str:
        """How messages name it."""
        return self.name or "array"


class Spool:
    """Rows that are written one after the other to a temporary file, and then read as an array.

    Example:
        >>> spool = Spool(np.dtype(np.int32), (2,))
        >>> spool.append(np.array([[1, 2], [3, 4]]))
        >>> spool.array("labels").part(slice(1, 2)).tolist()
        [[3, 4]]
    """

    def __init__(self, dtype: np.dtype[Any], row: tuple[int, ...]) -> None:
        self._file = tempfile.TemporaryFile(prefix="piescope-audit-")  # noqa: SIM115 - it lives as long as the array
        self._dtype, self._row, self._count = dtype, row, 0

    def append(self, rows: np.ndarray) -> None:
        """Adds rows ``[count, ...]``."""
        self._file.write(np.ascontiguousarray(rows, self._dtype).data)
        self._count += len(rows)

    def __len__(self) -> int:
        return self._count

    def array(self, name: str, path: Path | None = None) -> StoredArray:
        """All rows as ``[count, ...]``."""
        self._file.flush()
        shape = (self._count, *self._row)
        return StoredArray(path or Path(name), name, self._dtype, shape, self._dtype, 0, "C", self._file)


def in_memory(values: np.ndarray, name: str) -> StoredArray:
    """An array of the caller's as a stored one, without a copy."""
    array = np.asarray(values)
    stored = StoredArray(Path(name), "", array.dtype, array.shape, array.dtype, 0, "C", tempfile.TemporaryFile())  # noqa: SIM115
    stored.__dict__["_mapped"] = array
    return stored


def open_npy(path: Path) -> StoredArray:
    """The array of an .npy file, without reading its values.

    Raises:
        InputError: damaged, truncated, or of objects (which only a pickle can hold).
    """
    file = path.open("rb")
    dtype, shape, order = _npy_header(file, path, "")
    offset, size = file.tell(), path.stat().st_size
    _check_size(path, "", dtype, shape, size - offset)
    return StoredArray(path, "", dtype, shape, dtype, offset, order, file)


def open_npz(path: Path) -> dict[str, StoredArray]:
    """The arrays of an .npz file by name; compressed ones are unpacked to a temporary file first.

    Raises:
        InputError: damaged, of objects, or a bomb.
    """
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if member.flag_bits & 1:
                raise fault(path, name, "an encrypted member", "a plain .npz", "write it with numpy.savez")
            try:
                with archive.open(member) as stream:
                    dtype, shape, order = _npy_header(stream, path, name)
                    offset = stream.tell()
                    _check_size(path, name, dtype, shape, member.file_size - offset)
                    if member.compress_type == zipfile.ZIP_STORED:
                        file: IO[bytes] = path.open("rb")
                        offset += _data_offset(file, member)
                    else:
                        if member.file_size > HARMLESS and member.file_size > MOST_INFLATION * member.compress_size:
                            raise fault(
                                path,
                                name,
                                f"{member.compress_size:,} bytes that unpack to {member.file_size:,}",
                                f"at most {MOST_INFLATION} times as many",
                                "write it with numpy.savez, not compressed",
                            )
                        file, offset = _unpacked(stream, member.file_size - offset, path, name), 0
            except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
                raise fault(path, name, f"damaged: {error}", "an .npz", "write it again; it may be truncated") from None
            arrays[name] = StoredArray(path, name, dtype, shape, dtype, offset, order, file)
    return arrays


def open_safetensors(path: Path) -> dict[str, StoredArray]:
    """The tensors of a .safetensors file by name; the library checks the header, this reads where they lie.

    Raises:
        InputError: malformed, truncated, or with values of a kind that NumPy does not have.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as checked:
            names = list(checked.keys())
    except (SafetensorError, OSError) as error:
        raise fault(
            path, "header", f"malformed: {error}", "a .safetensors file", "write it again; it may be truncated"
        ) from None
    file = path.open("rb")
    (length,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(length))
    arrays = {}
    for name in names:
        entry = header[name]
        if entry["dtype"] not in SAFETENSORS_DTYPES:
            raise fault(
                path,
                name,
                f"values of type {entry['dtype']}",
                "integers or floats of 16 to 64 bits",
                "convert them to F32",
            )
        stored = np.dtype(SAFETENSORS_DTYPES[entry["dtype"]])
        dtype = np.dtype(np.float32) if entry["dtype"] == "BF16" else stored
        offset = 8 + length + entry["data_offsets"][0]
        arrays[name] = StoredArray(path, name, dtype, tuple(entry["shape"]), stored, offset, "C", file)
    return arrays


def _npy_header(file: IO[bytes], path: Path, name: str) -> tuple[np.dtype[Any], tuple[int, ...], str]:
    readers: dict[tuple[int, int], Callable[..., Any]] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        version = np.lib.format.read_magic(file)
        if version not in readers:
            raise ValueError(f"version {version} of the format")
        shape, fortran, dtype = readers[version](file, max_header_size=10_000)
    except Exception as error:  # NumPy evaluates the header as a Python literal: many errors are possible
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise fault(
            path, name or "header", f"malformed: {told}", "an .npy file", "write it again with numpy.save"
        ) from None
    if dtype.hasobject:
        raise fault(
            path,
            name or "array",
            "Python objects",
            "numbers or text",
            "objects can run code and are never loaded: save a plain array, np.save(file, np.array(values, "
            "dtype=np.int64)) say",
        )
    if dtype.kind not in "biufUS" or any(size < 0 for size in shape):
        raise fault(path, name or "array", f"values of type {dtype}", "integers, floats or text", "convert them first")
    return dtype, tuple(int(size) for size in shape), "F" if fortran else "C"


def _check_size(path: Path, name: str, dtype: np.dtype[Any], shape: tuple[int, ...], held: int) -> None:
    needed = math.prod(shape) * dtype.itemsize
    if held < needed:
        raise fault(
            path,
            name or "array",
            f"{held:,} bytes of values",
            f"{needed:,} bytes for {list(shape)} of {dtype}",
            "the file is truncated: write it again",
        )


def _data_offset(file: IO[bytes], member: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: after its local header, whose lengths differ from those in the directory."""
    file.seek(member.header_offset)
    header = file.read(30)
    if len(header) < 30:
        raise EOFError("truncated")
    name, extra = struct.unpack("<HH", header[26:30])
    return int(member.header_offset + 30 + name + extra)


def _unpacked(stream: IO[bytes], size: int, path: Path, name: str) -> IO[bytes]:
    file = tempfile.TemporaryFile(prefix="piescope-audit-")  # noqa: SIM115 - it lives as long as the array
    written = 0
    while chunk := stream.read(2**22):
        written += len(chunk)
        if written > size:
            break
        file.write(chunk)
    if written != size:
        raise fault(
            path, name, "another size than its directory says", f"{size:,} bytes", "write it again with numpy.savez"
        )
    file.flush()
    return file
