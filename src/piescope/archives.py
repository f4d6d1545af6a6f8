"""Zip archives of others: the list of entries is measured before Python reads it. None is unpacked by its names."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

MOST_DIRECTORY = 2**22
"""Bytes of an archive's list of entries: of each a hundred, which take eight times as many in memory."""

MOST_GROWTH, HARMLESS = 200, 2**28
"""Packed entries may unpack to so many times the whole file, once that is more than so many bytes."""

_END, _LARGE, _LOCATOR = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), 20
_LONGEST_COMMENT = 2**16


def opened(path: Path) -> zipfile.ZipFile:
    """An archive, its entries listed.

    Raises:
        zipfile.BadZipFile: no archive, or a list of entries that is too long.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END.size - _LONGEST_COMMENT - _LARGE.size - _LOCATOR))
        tail = file.read()
    ends = (len(tail) - _END.size, tail.rfind(b"PK\x05\x06"))  # where Python looks for the record that ends an archive
    longest = max(_directory(tail, place) for place in ends)
    if longest > MOST_DIRECTORY:
        raise zipfile.BadZipFile(f"a list of entries of {longest:,} bytes, more than {MOST_DIRECTORY:,}")
    return zipfile.ZipFile(path)


def growth(archive: zipfile.ZipFile, size: int) -> int | None:
    """Bytes that packed entries say they unpack to, where that makes a bomb of a file of so many bytes; else None."""
    unpacked = sum(entry.file_size for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED)
    return unpacked if unpacked > HARMLESS and unpacked > MOST_GROWTH * size else None


def _directory(tail: bytes, place: int) -> int:
    """Bytes of the list of entries by a record, or by that of large archives before it; 0: there is no record."""
    if place < 0 or not tail.startswith(b"PK\x05\x06", place) or len(tail) - place < _END.size:
        return 0
    large = place - _LOCATOR - _LARGE.size
    if large >= 0 and tail.startswith(b"PK\x06\x06", large):
        return int(_LARGE.unpack_from(tail, large)[8])
    return int(_END.unpack_from(tail, place)[5])
