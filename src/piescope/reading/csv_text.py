"""Text in columns as Arrow reads it, and the line at which it does not."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from piescope.problems import InputError
from piescope.reading.files import fault
from piescope.reading.text_format import TextFormat, rows_of

MOST_BLANKS = 2**28
"""Bytes of a file whose cells are separated by blanks, which is read as a whole."""


def cells_of(line: str, delimiter: str) -> list[str]:
    """A line cut at its delimiters, quotes minded."""
    return next(iter(rows_of(line, delimiter)), [""])


def _csv_source(path: Path, how: TextFormat) -> Any:
    """The file; where blanks separate cells, its text with a tab for each run of them."""
    if how.delimiter != " ":
        return path
    size = path.stat().st_size
    if size > MOST_BLANKS:
        raise fault(path, "size", f"{size:,} bytes", f"at most {MOST_BLANKS:,} with blanks", "separate cells by commas")
    lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines()
    return pa.BufferReader(b"".join(b"\t".join(line.split()) + b"\n" for line in lines if line.strip()))


def csv_reader(
    path: Path, how: TextFormat, types: Mapping[str, pa.DataType], names: tuple[str, ...] = (), block: int = 2**20
) -> Any:
    """Arrow's reader of a file's batches."""
    from pyarrow import csv

    return csv.open_csv(
        _csv_source(path, how),
        csv.ReadOptions(use_threads=True, block_size=block, column_names=list(how.names) if how.names else None),
        csv.ParseOptions(delimiter=how.delimiter.replace(" ", "\t"), newlines_in_values=how.has_quotes),
        csv.ConvertOptions(
            decimal_point=how.decimal_point,
            column_types=dict(types),
            include_columns=list(names),  # none named: all
            null_values=["", "NA", "N/A", "null", "NULL", "None", "nan", "NaN", "NAN", "#N/A"],
            strings_can_be_null=False,
            timestamp_parsers=["%Y-%m-%dT%H:%M:%S.never"],  # ids that look like dates stay text
        ),
    )


def csv_row_fault(path: Path, told: str) -> InputError | None:
    """A row of more or fewer cells than the first; None: it is something else that Arrow tells."""
    row = re.search(r"Expected (\d+) columns, got (\d+): (.*)", told, re.DOTALL)
    if row is None:
        return None
    line = line_with(path, lambda text: text.strip() == row[3].strip())
    where = "rows" if line is None else f"line {line:,}"
    found, expected = f"{row[2]} cells: {row[3]}", f"{row[1]}, as in the first row"
    return fault(path, where, found, expected, "mend that row; a cell with a separator in it needs quotes")


def line_with(path: Path, is_it: Callable[[str], bool]) -> int | None:
    """The first line of a text file, from 1, of which something is true."""
    with path.open("r", encoding="utf-8-sig", errors="replace", newline="\n") as file:
        return next((number for number, line in enumerate(file, 1) if is_it(line.rstrip("\r\n"))), None)
