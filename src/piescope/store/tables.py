"""Tables as people open them: CSV that no spreadsheet executes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

Rows = Sequence[Mapping[str, Any]]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(rows: Rows, columns: Sequence[str]) -> bytes:
    r"""Comma-separated values with a header; floats in full, None as an empty cell, booleans as true and false.

    Text that a spreadsheet would take for a formula gets a leading ``'``; what UTF-8 cannot hold is spelt out.

    Raises:
        KeyError: a row lacks a column.

    Example:
        >>> as_csv([{"class": "=cat", "pies": 3, "mean": None}], ["class", "pies", "mean"])
        b"class,pies,mean\n'=cat,3,\n"
    """
    lines = [columns, *([_cell(row[column]) for column in columns] for row in rows)]
    return "".join(map(_line, lines)).encode("utf-8", "backslashreplace")


def _line(cells: Sequence[Any]) -> str:
    """A line; the writer's own line ends are two characters, so that a cell that has either is quoted."""
    sink = io.StringIO()
    csv.writer(sink).writerow(cells)
    return sink.getvalue().removesuffix("\r\n") + "\n"


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    return value
