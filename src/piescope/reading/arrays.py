"""Arrays that lie in files and are read block by block: .npy, .npz, .safetensors, and our own spools. No pickle."""

from __future__ import annotations

import json
import lzma
import math
import mmap
import struct
import tempfile
import weakref
import zipfile
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np

from piescope import archives
from piescope.reading.files import Kind, fault, shown

MOST_HEADER = 2**24
"""Bytes of the header of a .safetensors file; a tensor takes about a hundred."""

BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, ValueError, MemoryError, RuntimeError),  # NotImplementedError is a RuntimeError
)
"""What damaged or lying archives make Python's reader raise."""

SAFETENSORS_DTYPES = {
    **{"BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8"},
    **{"I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2"},
}


class Held:
    """An open file that is closed when nobody holds it any more: a file object that is merely dropped warns of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        weakref.finalize(self, file.close)

    @classmethod
    def temporary(cls) -> Held:
        """One without a name."""
        return cls(tempfile.TemporaryFile(prefix="piescope-audit-"))


@dataclass(frozen=True, eq=False)
class StoredArray:
    """An array in a file, mapped and read in parts; what has been read is given back to the system with `release`.

    Attributes:
        path: the file, for messages.
        name: the array's name in the file; empty for .npy.
        dtype: of the values that `part` returns.
        shape: of the whole.
        stored: the dtype in the file (bfloat16 lies there as 16 bits without a meaning to NumPy, and numbers may lie
            there in another byte order).
        offset: where its bytes begin.
        order: ``C`` or ``F``.
        held: the open file that has the bytes; None: they are in memory.
    """

    path: Path
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    stored: np.dtype[Any]
    offset: int
    order: str
    held: Held | None

    @cached_property
    def _mapped(self) -> np.ndarray:
        if math.prod(self.shape) == 0:
            return np.zeros(self.shape, self.stored)
        assert self.held is not None
        is_c = self.order == "C"
        return np.memmap(self.held.file, self.stored, "r", self.offset, self.shape, "C" if is_c else "F")

    def part(self, rows: slice | np.ndarray, axis: int = 0) -> np.ndarray:
        """A copy of some rows along an axis: a slice, or row numbers in any order."""
        index: tuple[Any, ...] = (slice(None),) * axis + (rows,)
        values = np.array(self._mapped[index])
        if self.dtype == self.stored:
            return values
        if self.dtype.kind == self.stored.kind:  # of the other byte order, or wider than others know
            return values.astype(self.dtype)
        return (values.astype(np.uint32) << 16).view(np.float32)  # bfloat16: the upper half of a float32

    def release(self) -> None:
        """Gives mapped pages back; they are read again when they are needed."""
        mapped = getattr(self._mapped, "_mmap", None)
        if mapped is not None and hasattr(mapped, "madvise"):
            mapped.madvise(mmap.MADV_DONTNEED)

    def renamed(self, path: Path, name: str | None = None) -> StoredArray:
        """The same array under another file's name, and its own name if one is given."""
        other = replace(self, path=path, name=self.name if name is None else name)
        if "_mapped" in self.__dict__:
            other.__dict__["_mapped"] = self.__dict__["_mapped"]
        return other

    @property
    def label(self) -> str:
        """How messages name it."""
        return self.name or "array"

    @property
    def source(self) -> str:
        """Its file as messages and results name it."""
        return shown(self.path)


class Spool:
    """Rows that are written one after the other to a temporary file, and then read as an array.

    Example:
        >>> spool = Spool(np.dtype(np.int32), (2,))
        >>> spool.append(np.array([[1, 2], [3, 4]]))
        >>> spool.array("labels").part(slice(1, 2)).tolist()
        [[3, 4]]
    """

    def __init__(self, dtype: np.dtype[Any], row: tuple[int, ...]) -> None:
        self._held = Held.temporary()
        self._dtype, self._row, self._count = dtype, row, 0

    def append(self, rows: np.ndarray) -> None:
        """Adds rows ``[count, ...]``.

        Raises:
            ValueError: rows of another shape than the first.
        """
        if rows.shape[1:] != self._row:
            raise ValueError(f"rows of shape {list(rows.shape[1:])}; expected {list(self._row)}, as those before")
        self._held.file.write(np.ascontiguousarray(rows, self._dtype).data)
        self._count += len(rows)

    def __len__(self) -> int:
        return self._count

    @property
    def row(self) -> tuple[int, ...]:
        """Shape of a row."""
        return self._row

    def array(self, name: str, path: Path | None = None) -> StoredArray:
        """All rows as ``[count, ...]``."""
        self._held.file.flush()
        shape = (self._count, *self._row)
        return StoredArray(path or Path(name), name, self._dtype, shape, self._dtype, 0, "C", self._held)


def in_memory(values: np.ndarray, name: str) -> StoredArray:
    """An array of the caller's as a stored one, without a copy."""
    array = np.asarray(values)
    array = array.astype(_native(array.dtype), copy=False)
    stored = StoredArray(Path(name), "", array.dtype, array.shape, array.dtype, 0, "C", None)
    stored.__dict__["_mapped"] = array
    return stored


def open_arrays(path: Path, kind: Kind) -> dict[str, StoredArray]:
    """The arrays of a file by name; that of an .npy has none."""
    if kind == "npy":
        return {"": open_npy(path)}
    return open_npz(path) if kind == "npz" else open_safetensors(path)


def open_npy(path: Path) -> StoredArray:
    """The array of an .npy file, without reading its values.

    Raises:
        InputError: damaged, truncated, or of objects (which only a pickle can hold).
    """
    held = Held(path.open("rb"))
    stored, shape, order = _npy_header(held.file, path, "")
    offset, size = held.file.tell(), path.stat().st_size
    _check_size(path, "", stored, shape, size - offset)
    return StoredArray(path, "", _native(stored), shape, stored, offset, order, held)


def open_npz(path: Path) -> dict[str, StoredArray]:
    """The arrays of an .npz file by name; compressed ones are unpacked to a temporary file first.

    Raises:
        InputError: damaged, of objects, or a bomb.
    """
    size = path.stat().st_size
    name = "archive"
    arrays: dict[str, StoredArray] = {}
    try:
        with archives.opened(path) as archive:
            _check_growth(archive, path, size)
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                if name in arrays:
                    raise fault(path, name, "two arrays of this name", "a name for each", "write it with numpy.savez")
                if member.flag_bits & 1:
                    raise fault(path, name, "an encrypted member", "a plain .npz", "write it with numpy.savez")
                arrays[name] = _member(archive, member, name, path, size)
    except BROKEN as error:
        found = f"damaged: {str(error) or type(error).__name__}"
        raise fault(path, name, found, "an .npz", "write it again; it may be truncated") from None
    return arrays


def _check_growth(archive: zipfile.ZipFile, path: Path, size: int) -> None:
    """Refuses a bomb: what all members unpack to counts, and the bytes that the file has, whatever it says of them."""
    unpacked = archives.growth(archive, size)
    if unpacked is not None:
        found, expected = f"{size:,} bytes that unpack to {unpacked:,}", f"at most {archives.MOST_GROWTH} times as many"
        raise fault(path, "archive", found, expected, "write it with numpy.savez, not compressed")


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, path: Path, size: int) -> StoredArray:
    with archive.open(member) as stream:
        stored, shape, order = _npy_header(stream, path, name)
        offset = stream.tell()
        size_here = member.file_size - offset
        if member.compress_type == zipfile.ZIP_STORED:
            held = Held(path.open("rb"))
            offset += data_offset(held.file, member)
            _check_size(path, name, stored, shape, min(size_here, size - offset))
        else:
            _check_size(path, name, stored, shape, size_here)
            held, offset = _unpacked(stream, size_here, path, name), 0
    return StoredArray(path, name, _native(stored), shape, stored, offset, order, held)


def open_safetensors(path: Path) -> dict[str, StoredArray]:
    """The tensors of a .safetensors file by name; the library checks the header, this reads where they lie.

    Raises:
        InputError: malformed, truncated, or with values of a kind that NumPy does not have.
    """
    from safetensors import SafetensorError, safe_open

    with path.open("rb") as start:
        length = int.from_bytes(start.read(8), "little")
    if length > MOST_HEADER:
        found = f"{length:,} bytes"
        raise fault(path, "header", found, f"at most {MOST_HEADER:,}", "write it again, with fewer tensors")
    try:
        with safe_open(path, "numpy") as checked:
            names = list(checked.keys())
    except (SafetensorError, OSError) as error:
        found = f"malformed: {error}"
        raise fault(path, "header", found, "a .safetensors file", "write it again; it may be truncated") from None
    held = Held(path.open("rb"))
    header = json.loads(held.file.read(8 + length)[8:])
    arrays = {}
    for name in names:
        entry = header[name]
        if entry["dtype"] not in SAFETENSORS_DTYPES:
            found = f"values of type {entry['dtype']}"
            raise fault(path, name, found, "integers or floats of 16 to 64 bits", "convert them to F32")
        stored = np.dtype(SAFETENSORS_DTYPES[entry["dtype"]])
        dtype = np.dtype(np.float32) if entry["dtype"] == "BF16" else stored
        offset = 8 + length + entry["data_offsets"][0]
        arrays[name] = StoredArray(path, name, dtype, tuple(entry["shape"]), stored, offset, "C", held)
    return arrays


def _npy_header(file: IO[bytes], path: Path, name: str) -> tuple[np.dtype[Any], tuple[int, ...], str]:
    form, again = np.lib.format, "write it again with numpy.save"
    try:
        version = form.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"version {version} of the format")
        read = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
        shape, fortran, dtype = read(file, max_header_size=10_000)
    except Exception as error:  # NumPy evaluates the header as a Python literal: many errors are possible
        found = "malformed: " + next(iter(str(error).splitlines()), type(error).__name__)
        raise fault(path, name or "header", found, "an .npy file", again) from None
    if dtype.hasobject:
        save = "save a plain array, np.save(file, np.array(values, dtype=np.int64)) say"
        cure = f"objects can run code and are never loaded: {save}"
        raise fault(path, name or "array", "Python objects", "numbers or text", cure)
    if dtype.kind not in "biufUS" or dtype.itemsize == 0:
        raise fault(path, name or "array", f"values of type {dtype}", "integers, floats or text", "convert them first")
    if any(not 0 <= size < 2**62 for size in shape):
        found = f"shape {list(shape)}"
        raise fault(path, name or "header", found, "numbers of rows and columns", again)
    return dtype, tuple(int(size) for size in shape), "F" if fortran else "C"


def _native(stored: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of values in memory: of this machine's byte order, and no float that only NumPy knows."""
    return np.dtype(np.float64) if stored.kind == "f" and stored.itemsize > 8 else stored.newbyteorder("=")


def _check_size(path: Path, name: str, dtype: np.dtype[Any], shape: tuple[int, ...], size: int) -> None:
    needed = math.prod(shape) * dtype.itemsize
    if size < needed:
        found, expected = f"{size:,} bytes of values", f"{needed:,} bytes for {list(shape)} of {dtype}"
        raise fault(path, name or "array", found, expected, "the file is truncated: write it again")


def data_offset(file: IO[bytes], member: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: after its local header, whose lengths differ from those in the directory."""
    file.seek(member.header_offset)
    header = file.read(30)
    if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
        raise EOFError("truncated")
    name, extra = struct.unpack("<HH", header[26:30])
    return int(member.header_offset + 30 + name + extra)


def _unpacked(stream: IO[bytes], size: int, path: Path, name: str) -> Held:
    held, written = Held.temporary(), 0
    while chunk := stream.read(2**22):
        written += len(chunk)
        if written > size:
            break
        held.file.write(chunk)
    if written != size:
        found = "another size than its directory says"
        raise fault(path, name, found, f"{size:,} bytes", "write it again with numpy.savez")
    held.file.flush()
    return held
