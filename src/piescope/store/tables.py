"""Tables as people open them: CSV that no spreadsheet executes."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

Rows = Sequence[Mapping[str, Any]]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def as_csv(rows: Rows, columns: Sequence[str]) -> bytes:
    r"""Comma-separated values with a header; floats in full, None as an empty cell, booleans as true and false.

    Text that a spreadsheet would take for a formula gets a leading ``'``; what UTF-8 cannot hold is spelt out.

    Raises:
        KeyError: a row lacks a column.

    Example:
        >>> as_csv([{"class": "=cat", "pies": 3, "mean": None}], ["class", "pies", "mean"])
        b"class,pies,mean\n'=cat,3,\n"
    """
    lines: list[str] = []
    writer = csv.writer(_Lines(lines.append))  # its own line ends are two characters: a cell that has either is quoted
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return "\n".join(line.removesuffix("\r\n") for line in [*lines, ""]).encode("utf-8", "backslashreplace")


class _Lines(NamedTuple):
    """What a writer writes to: line by line."""

    write: Callable[[str], object]


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    return value
