"""Tables as people open them: CSV that no spreadsheet executes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

Rows = Sequence[Mapping[str, Any]]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_csv(rows: Rows, columns: Sequence[str]) -> bytes:
    r"""Comma-separated values with a header; floats in full, None as an empty cell, booleans as true and false.

    Text that a spreadsheet would take for a formula gets a leading ``'``.

    Raises:
        KeyError: a row lacks a column.

    Example:
        >>> as_csv([{"class": "=cat", "pies": 3, "mean": None}], ["class", "pies", "mean"])
        b"class,pies,mean\n'=cat,3,\n"
    """
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in columns])
    return sink.getvalue().encode()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    return value
