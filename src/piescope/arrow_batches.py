"""What the packed buffers of an Arrow file unpack to, told from its messages before a library unpacks any.

Source: https://arrow.apache.org/docs/format/Columnar.html, Message.fbs, File.fbs; FlatBuffers' binary format.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

MAGIC, CONTINUED = b"ARROW1", b"\xff\xff\xff\xff"
DICTIONARY, BATCH = 2, 3
"""Kinds of messages that have buffers."""

MOST_BUFFERS = 2**20


def unpacked_batches(path: Path) -> list[int]:
    """Bytes that the packed buffers of each batch (and dictionary) unpack to; 0: none of it is packed.

    Raises:
        ValueError: damaged.

    Example:
        >>> import tempfile, pyarrow as pa
        >>> from pyarrow import feather
        >>> with tempfile.NamedTemporaryFile(suffix=".arrow") as file:
        ...     feather.write_feather(pa.table({"a": [0] * 1000}), file.name, compression="zstd")
        ...     unpacked_batches(Path(file.name))
        [8000]
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            places = _blocks(content) if content[:6] == MAGIC else _messages(content)
            return [_unpacked(content, *place) for place in places]
    except (struct.error, IndexError) as reason:
        raise ValueError("a damaged Arrow file") from reason


def _number(content: mmap.mmap, form: str, place: int) -> int:
    if place < 0:
        raise IndexError(place)
    return int(struct.unpack_from(f"<{form}", content, place)[0])


def _field(content: mmap.mmap, table: int, number: int) -> int:
    """Where a field of a FlatBuffers table lies; 0: it has its default."""
    names = table - _number(content, "i", table)
    if 4 + 2 * number >= _number(content, "H", names):
        return 0
    offset = _number(content, "H", names + 4 + 2 * number)
    return table + offset if offset else 0


def _pointed(content: mmap.mmap, table: int, number: int) -> int:
    """Where the table or vector of a field begins; 0: there is none."""
    place = _field(content, table, number)
    return place + _number(content, "I", place) if place else 0


def _blocks(content: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Where the footer of a file says that its messages lie, and the bodies behind them."""
    length = _number(content, "i", len(content) - 10)
    footer = len(content) - 10 - length
    footer += _number(content, "I", footer)
    for field in (2, 3):  # dictionaries, batches
        vector = _pointed(content, footer, field)
        for block in range(_number(content, "I", vector) if vector else 0):
            place = vector + 4 + 24 * block
            message = _number(content, "q", place)
            yield message, message + _number(content, "i", place + 8)


def _messages(content: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Messages of a stream, one behind the other."""
    place = 0
    while place + 4 <= len(content):
        start = place + 4 if content[place : place + 4] == CONTINUED else place
        length = _number(content, "i", start)
        if length <= 0:
            return
        yield place, start + 4 + length
        table = start + 4 + _number(content, "I", start + 4)
        body = _field(content, table, 3)
        place = start + 4 + length + (_number(content, "q", body) if body else 0)


def _unpacked(content: mmap.mmap, message: int, body: int) -> int:
    """Bytes of a message's buffers, unpacked: each packed one begins with its own number."""
    start = message + (8 if content[message : message + 4] == CONTINUED else 4)
    table = start + _number(content, "I", start)
    kind, header = _field(content, table, 1), _pointed(content, table, 2)
    if not kind or content[kind] not in (DICTIONARY, BATCH) or not header:
        return 0
    batch = _pointed(content, header, 1) if content[kind] == DICTIONARY else header
    buffers = _pointed(content, batch, 2) if batch else 0
    if not buffers or not _pointed(content, batch, 3):
        return 0
    count = _number(content, "I", buffers)
    if count > MOST_BUFFERS:
        raise ValueError(f"{count:,} buffers in a batch")
    total = 0
    for place in range(buffers + 4, buffers + 4 + 16 * count, 16):
        if _number(content, "q", place + 8) >= 8:
            total += max(0, _number(content, "q", body + _number(content, "q", place)))  # -1: it is not packed
    return total
