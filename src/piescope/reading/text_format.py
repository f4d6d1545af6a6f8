"""How a text file is written: what separates its cells, whether its first row names the columns, decimal commas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from piescope.reading.files import fault
from piescope.reading.names import is_usual
from piescope.wording import printable

DELIMITERS = ",;\t|"

LOOKED_AT = 200
"""Rows that tell how a file is written."""

LEAST = 8
"""Rows below which a first row that could be either is taken for a header."""

MOST_LINES_ALIKE = 0.9
"""Lines that are all different are examples; names of classes, with blanks in them, occur again."""

LIST_LINE = re.compile(r"\s*[\[(][^\[\]()\t]*[\])]\s*")

NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?|nan|[+-]?inf", re.IGNORECASE)


@dataclass(frozen=True)
class TextFormat:
    """How a CSV file is written.

    Attributes:
        delimiter: between cells; a blank stands for any number of them.
        decimal_point: of numbers.
        names: of columns; None: the first row has them.
        skip: bytes of a byte-order mark are dropped by the reader; kept for what is said.
        has_quotes: cells may hold line breaks.
        told: what is unusual about it.
    """

    delimiter: str
    decimal_point: str
    names: tuple[str, ...] | None
    skip: bool
    has_quotes: bool
    told: tuple[str, ...] = ()


def text_format(text: str, path: Path, skip: bool, has_header: bool | None) -> TextFormat:
    """How a file is written, from its beginning.

    Args:
        text: whole rows from the beginning of the file.
        path: the file; its ending decides where a tab may separate cells.
        skip: it began with a byte-order mark.
        has_header: as the user says; None: it is found out.

    Raises:
        InputError: no rows, or a first row that may be either.
    """
    lines = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
    if not lines:
        raise fault(path, "rows", "none", "at least one row", "write the file again")
    delimiter = delimiter_of(text, lines, path)
    rows = rows_of(text, delimiter)
    if not rows:
        raise fault(path, "rows", "none", "at least one row", "write the file again")
    comma = delimiter != "," and any(
        re.fullmatch(r"[+-]?\d+,\d+([eE][+-]?\d+)?", cell) for row in rows[1:] for cell in row
    )
    named = has_header if has_header is not None else _is_header(rows, path)
    if len(rows) == 1 and named:
        raise fault(
            path, "rows", "a header and no rows", "at least one row", "write the file again, or say --no-header"
        )
    names = None if named else tuple(f"column {number}" for number in range(1, len(rows[0]) + 1))
    told = []
    if delimiter != "," and path.suffix.lower() not in (".tsv", ".tab"):
        told.append(f"cells are separated by {'blanks' if delimiter == ' ' else repr(delimiter)}")
    if comma:
        told.append("decimal commas")
    if not named:
        told.append("no header: its first row is data")
    elif has_header is None and not any(re.search(r"[^\W\d]", cell) for cell in rows[0]):
        told.append(f"a header of numbers: {printable(delimiter.join(rows[0]), 40)!r} names the columns")
    return TextFormat(delimiter, "," if comma else ".", names, skip, '"' in text, tuple(told))


def delimiter_of(text: str, lines: Sequence[str], path: Path) -> str:
    """The separator that cuts the first rows into equally many cells, most of them; blanks where nothing else does."""
    if path.suffix.lower() in (".tsv", ".tab") and "\t" in lines[0]:
        return "\t"
    if len(lines) > 1 and all(LIST_LINE.fullmatch(line) for line in lines[1:LOOKED_AT]):
        return "\t"  # one column of lists, whose commas are no separators
    best, most = ",", 1
    for delimiter in DELIMITERS:
        counts = {len(row) for row in rows_of(text, delimiter)[:20]}
        if len(counts) == 1 and (count := counts.pop()) > most:
            best, most = delimiter, count
    return " " if most == 1 and _are_separated_by_blanks(lines) else best


def _are_separated_by_blanks(lines: Sequence[str]) -> bool:
    """Whether lines are rows of cells, and no names with blanks in them: numbers all over, or each another line."""
    rows = [line.split() for line in lines[:LOOKED_AT]]
    if len({len(row) for row in rows}) != 1 or len(rows[0]) < 2 or '"' in lines[0]:
        return False
    if any("[" in line for line in lines[:LOOKED_AT]):
        return False
    body = rows[1:] or rows
    numeric = [all(NUMBER.fullmatch(row[place]) for row in body) for place in range(len(rows[0]))]
    if all(numeric):
        return True
    firsts = {row[0] for row in rows}
    are_different = len(set(lines[:LOOKED_AT])) > MOST_LINES_ALIKE * len(rows)
    return (
        are_different
        and len(firsts) == len(rows)
        and (any(numeric) or any("/" in first or "." in first for first in firsts))
    )


def rows_of(text: str, delimiter: str) -> list[list[str]]:
    """The first rows of a text, cut into cells."""
    if delimiter == " ":
        return [line.split() for line in text.splitlines()[: 2 * LOOKED_AT] if line.strip()][:LOOKED_AT]
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return [row for row in islice(reader, 2 * LOOKED_AT) if any(cell.strip() for cell in row)][:LOOKED_AT]
    except csv.Error:
        return [line.split(delimiter) for line in text.splitlines() if line.strip()][:LOOKED_AT]


def _is_header(rows: list[list[str]], path: Path) -> bool:
    """Whether the first row names the columns: text above numbers, a usual name, or names unlike the cells below.

    Raises:
        InputError: it may be either.
    """
    head, body = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    are_numbers = [NUMBER.fullmatch(cell.strip()) is not None for cell in head]
    if not body:
        return not all(are_numbers)
    columns = [[row[place].strip() for row in body] for place in range(len(head))]
    numeric = [any(column) and all(not cell or NUMBER.fullmatch(cell) for cell in column) for column in columns]
    if any(is_number and not in_head for is_number, in_head in zip(numeric, are_numbers, strict=True)):
        return True
    usual = [is_usual(cell) and cell.strip() not in column for cell, column in zip(head, columns, strict=True)]
    if any(usual) or _is_head_of_pandas(head, columns):
        return True
    counted = [place for place, in_head in enumerate(are_numbers) if in_head]
    if (
        len(counted) > 1
        and _counts_up([head[place] for place in counted])
        and not _counts_up([body[0][place] for place in counted])
    ):
        return True  # "0,1,2": names of classes
    if any(is_number and in_head for is_number, in_head in zip(numeric, are_numbers, strict=True)):
        return False
    if any(cell.strip() in column for cell, column in zip(head, columns, strict=True)):
        return False
    if any(_is_unlike(cell, column) for cell, column in zip(head, columns, strict=True)) or len(body) < LEAST:
        return True
    raise fault(
        path,
        "line 1",
        f"{printable(', '.join(head), 60)!r}, names of columns or an example",
        "a header with a usual name (id, label, prediction), or none",
        "say which it is: --header or --no-header",
    )


def _is_head_of_pandas(head: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is ``,0`` or ``,0,1,2`` above an index that is nowhere empty: columns without names."""
    others = head[1:]
    return not head[0].strip() and bool(others) and _counts_up(others) and all(columns[0])


def _is_unlike(cell: str, column: Sequence[str]) -> bool:
    """Whether a column's cells all have a digit, a dot or a slash, and its head has none."""
    sign = re.compile(r"[\d./\\\[]")
    return not sign.search(cell) and all(sign.search(other) for other in column)


def _counts_up(cells: Sequence[str]) -> bool:
    return [cell.strip() for cell in cells] == [str(number) for number in range(len(cells))]
