"""What the pages of a Parquet file unpack to, told from its footer and their headers, before a library reads any.

A library unpacks a page whole, and believes the header: 100 kB may become gigabytes. The footer says nothing of pages,
and pyarrow's view of it ends the process where it is damaged; so both are read here, as Thrift's compact protocol.

Source: https://github.com/apache/parquet-format, parquet.thrift.
"""

from __future__ import annotations

import mmap
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_FOOTER = 2**26
MOST_PAGES, LEAST_PAGE = 2**16, 32
"""More pages than this have so many bytes each, on average."""

MOST_NESTED = 32

WIDTHS = {0: 1, 1: 4, 2: 8, 3: 12, 4: 4, 5: 8}
"""Bytes of a value of each physical type; texts have their own lengths."""

FOOTER: Mapping[int, Any] = {4: {1: {3: {1: None, 3: None, 7: None, 9: None, 11: None}}}}
"""Fields that are read: row groups, their columns, of each its type, path, packed size, and where its pages begin."""

PAGE: Mapping[int, Any] = {1: None, 2: None, 3: None, 5: {1: None}, 8: {1: None}}
"""Of a page's header: its kind, both sizes, and the number of values of the two kinds of pages that have some."""

DICTIONARY = 2


@dataclass(frozen=True)
class Chunk:
    """A column's pages in one group of rows.

    Attributes:
        group: number of the group.
        column: the name of the whole column; of nested ones the outermost.
        values: that its pages say they hold.
        unpacked: bytes of all pages, unpacked.
        page: of the largest.
        dictionary: of the page that holds values once, for the others to repeat.
        width: bytes of a value; 1 of texts.
    """

    group: int
    column: str
    values: int
    unpacked: int
    page: int
    dictionary: int
    width: int


def chunks_of(path: Path, names: Collection[str]) -> list[Chunk]:
    """Facts of columns in every group of rows.

    Args:
        path: a Parquet file.
        names: whole columns, by name.

    Raises:
        ValueError: damaged, or with far more pages than it has bytes.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return list(_chunks(content, names))
    except (LookupError, TypeError, AttributeError) as reason:  # fields of other kinds, or beyond the end
        raise ValueError("a damaged footer, or a damaged header of a page") from reason


def held_at_once(chunks: Iterable[Chunk]) -> int:
    """Bytes of the largest pages of all columns, which lie in memory together while a group of rows is read."""
    sums: Counter[int] = Counter()
    for chunk in chunks:
        sums[chunk.group] += chunk.page + chunk.dictionary
    return max(sums.values(), default=0)


def _chunks(content: mmap.mmap, names: Collection[str]) -> Iterator[Chunk]:
    length = int.from_bytes(content[-8:-4], "little")
    if content[-4:] != b"PAR1" or not 0 < length <= min(MOST_FOOTER, len(content) - 12):
        raise ValueError(f"a footer of {length:,} bytes")
    footer, _ = _struct(content, len(content) - 8 - length, FOOTER)
    for number, group in enumerate(footer[4]):
        for column in group[1]:
            if column[3][3][0].decode() in names:
                yield _chunk(content, number, column[3])


def _chunk(content: mmap.mmap, group: int, facts: dict[int, Any]) -> Chunk:
    starts = [facts[field] for field in (9, 11) if facts.get(field, 0) > 0]
    if not starts or not 0 <= facts.get(7, -1) <= len(content) - min(starts):
        raise ValueError("a column that lies nowhere in the file")
    sizes, dictionary, values = [0], 0, 0
    for kind, size, count in _pages(content, min(starts), min(starts) + facts[7]):
        sizes.append(size)
        dictionary, values = max(dictionary, size if kind == DICTIONARY else 0), values + count
    if len(sizes) > MOST_PAGES and facts[7] < LEAST_PAGE * len(sizes):
        raise ValueError(f"{len(sizes):,} pages in {facts[7]:,} bytes")
    width = WIDTHS.get(facts.get(1, 6), 1)
    return Chunk(group, facts[3][0].decode(), values, sum(sizes), max(sizes), dictionary, width)


def _pages(content: mmap.mmap, place: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Kind, unpacked bytes and values of each page."""
    while place < end:
        header, place = _struct(content, place, PAGE)
        unpacked, packed = header.get(2, -1), header.get(3, -1)
        if unpacked < 0 or packed < 0:
            raise ValueError("a page without a size")
        place += packed
        yield header.get(1, 0), unpacked, max((header[kind].get(1, 0) for kind in (5, 8) if kind in header), default=0)


def _struct(content: mmap.mmap, place: int, wanted: Mapping[int, Any], deep: int = 0) -> tuple[dict[int, Any], int]:
    """The fields of a struct that are wanted, by number, and where it ends."""
    fields, number = dict[int, Any](), 0
    while kind := content[place]:
        step, kind, place = kind >> 4, kind & 15, place + 1
        if step:
            number += step
        else:
            number, place = _whole(content, place)
        kept = number in wanted
        if kind in (1, 2):  # true and false: the kind is the value
            value = kind == 1
        else:
            value, place = _value(content, place, kind, wanted.get(number), kept, deep + 1)
        if kept:
            fields[number] = value
    return fields, place + 1


def _value(content: mmap.mmap, place: int, kind: int, wanted: Any, kept: bool, deep: int) -> tuple[Any, int]:
    """A value of a kind, and where it ends."""
    if deep > MOST_NESTED:
        raise ValueError("structs within structs")
    if kind in (1, 2, 3):
        return content[place], place + 1
    if kind in (4, 5, 6):
        return _whole(content, place)
    if kind == 7:
        return None, place + 8
    if kind == 8:
        length, place = _unsigned(content, place)
        return (content[place : place + length] if kept else None), place + length
    if kind in (9, 10):
        return _list(content, place, wanted, kept, deep)
    if kind == 12:
        return _struct(content, place, wanted or {}, deep)
    raise ValueError("a kind of value that no footer has")


def _list(content: mmap.mmap, place: int, wanted: Any, kept: bool, deep: int) -> tuple[list[Any], int]:
    count, kind = content[place] >> 4, content[place] & 15
    place += 1
    if count == 15:
        count, place = _unsigned(content, place)
    if count > len(content) - place:
        raise ValueError("a list that is longer than the file")
    items = []
    for _ in range(count):
        item, place = _value(content, place, kind, wanted, kept, deep + 1)
        if kept:
            items.append(item)
    return items, place


def _unsigned(content: mmap.mmap, place: int) -> tuple[int, int]:
    number, shift = 0, 0
    while content[place] & 128:
        number |= (content[place] & 127) << shift
        place, shift = place + 1, shift + 7
        if shift > 63:
            raise ValueError("a number of too many digits")
    return number | content[place] << shift, place + 1


def _whole(content: mmap.mmap, place: int) -> tuple[int, int]:
    """A signed number, as zigzag."""
    number, place = _unsigned(content, place)
    return number >> 1 ^ -(number & 1), place
