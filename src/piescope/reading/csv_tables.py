"""Text files with cells: what separates them, whether the first row names the columns, and Arrow's reader of them."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import pyarrow as pa

from piescope.problems import InputError
from piescope.reading.files import fault, new_name, typed
from piescope.reading.names import is_usual
from piescope.wording import in_quotes

SAMPLE = 2**16
"""Bytes of a text file that are looked at to tell how it is written ..."""

LONG_SAMPLE = 2**21
"""... and where that is not two whole rows."""

DELIMITERS = ",;\t|"
TABS = (".tsv", ".tab")

LOOKED_AT = 200
"""Rows that tell how a file is written."""

LEAST = 8
"""Rows below which a first row that could be either is taken for a header."""

MOST_LINES_ALIKE = 0.9
"""Lines that are all different are examples; names of classes, with blanks in them, occur again."""

MOST_RAGGED = 0.5
"""Rows with a separator that the first has, too: cells, though not equally many."""

BLOCK = 2**20
"""Bytes that Arrow reads at once."""

MOST_BLANKS = 2**28
"""Bytes of a file whose cells are separated by blanks, which is read as a whole."""

LIST_LINE = re.compile(r"\s*[\[(][^\[\]()\t]*[\])]\s*")
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?|nan|[+-]?inf", re.IGNORECASE)
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
SURE_COMMA = re.compile(r"[+-]?0,\d{3,}([eE][+-]?\d+)?")
COMMA_OR_WHOLE = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")
SIGN_OF_PATH = re.compile(r"[\d./\\\[]")
ODD_NUMBER = re.compile(rb'[\s,;|"]([+-]|0[\dxX])')
EMPTY_CELLS = ("", "NA", "N/A", "null", "NULL", "None", "nan", "NaN", "NAN", "#N/A")


@dataclass(frozen=True)
class TextFormat:
    """How a CSV file is written.

    Attributes:
        delimiter: between cells; a blank stands for any number of them.
        decimal_point: of numbers.
        names: of columns; None: the first row has them.
        is_headed: the first row is none of data, whether its names are taken or not.
        has_quotes: cells may hold line breaks.
        notes: what is unusual about it.
    """

    delimiter: str
    decimal_point: str
    names: tuple[str, ...] | None
    is_headed: bool
    has_quotes: bool
    notes: tuple[str, ...] = ()


def sample_of(path: Path) -> str:
    """Whole rows from the beginning of a text file; InputError where they are no UTF-8."""
    with path.open("rb") as file:
        head = file.read(SAMPLE)
        if head.count(b"\n") < 2:  # many columns make long rows
            head += file.read(LONG_SAMPLE - SAMPLE)
        is_whole = not file.read(1)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise fault(path, "encoding", "UTF-16", "UTF-8", "save it again as UTF-8")
    body = head.removeprefix(codecs.BOM_UTF8)
    cut = body if is_whole else body[: max(body.rfind(b"\n"), 0) or len(body)]
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(cut)
    except UnicodeDecodeError as error:
        where = f"byte {len(head) - len(body) + error.start:,}"
        found = f"{cut[error.start : error.start + 4]!r}, no UTF-8"
        cure = "save it again as UTF-8 (it may be Latin-1 or Windows-1252)"
        raise fault(path, where, found, "text in UTF-8", cure) from None


def text_format(text: str, path: Path, has_header: bool | None) -> TextFormat:
    """How a file is written, from its beginning.

    Args:
        text: whole rows from the beginning of the file.
        path: the file; its ending decides where a tab may separate cells.
        has_header: as the user says; None: it is found out.

    Raises:
        InputError: no rows, or a first row that may be either.
    """
    lines = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
    _check_preamble(lines, path)
    delimiter = delimiter_of(text, lines, path) if lines else ","
    rows = rows_of(text, delimiter)
    if not lines or not rows:
        raise fault(path, "rows", "none", "at least one row", "write the file again")
    has_commas = _has_decimal_commas(rows[1:], delimiter)
    is_named = has_header if has_header is not None else _is_header(rows, path)
    if len(rows) == 1 and is_named:
        cure = "write the file again, or say --no-header"
        raise fault(path, "rows", "a header and no rows", "at least one row", cure)
    notes = []
    if delimiter != "," and path.suffix.lower() not in TABS:
        notes.append(f"cells are separated by {'blanks' if delimiter == ' ' else repr(delimiter)}")
    if has_commas:
        notes.append("decimal commas")
    if not is_named:
        notes.append("no header: its first row is data")
    elif has_header is None and not any(re.search(r"[^\W\d]", cell) for cell in rows[0]):
        notes.append(f"a header of numbers: {in_quotes(delimiter.join(rows[0]), 40)} names the columns")
    names = _names_without_blanks(rows[0]) if is_named else tuple(map("column {}".format, range(1, len(rows[0]) + 1)))
    return TextFormat(delimiter, "," if has_commas else ".", names, is_named, '"' in text, tuple(notes))


def _has_decimal_commas(rows: Sequence[Sequence[str]], delimiter: str) -> bool:
    """Whether numbers have decimal commas; where commas separate cells, a whole column of quoted ones: 0,8029."""
    if delimiter != ",":
        return any(DECIMAL_COMMA.fullmatch(cell) for row in rows for cell in row)
    width = min(map(len, rows), default=0)
    columns = [[row[place].strip() for row in rows if row[place].strip()] for place in range(width)]
    return any(
        any(map(SURE_COMMA.fullmatch, column)) and all(map(COMMA_OR_WHOLE.fullmatch, column)) for column in columns
    )


def _names_without_blanks(head: Sequence[str]) -> tuple[str, ...] | None:
    """Where several columns have no name, as a spreadsheet's empty ones, by their places; None: as they are."""
    if head.count("") < 2:
        return None
    first = head.index("")
    return tuple(name or ("" if place == first else f"column {place + 1}") for place, name in enumerate(head))


def _check_preamble(lines: Sequence[str], path: Path) -> None:
    """Refuses lines before the table: Excel's ``sep=;``, or comments; InputError with a line that takes them out."""
    is_excels = bool(lines) and re.fullmatch(r"sep=.", lines[0].strip(), re.IGNORECASE) is not None
    count = 1 if is_excels else sum(1 for _ in takewhile(lambda line: line.startswith("#"), lines))
    rest = lines[count : count + 1]
    if not count or not rest or (not is_excels and _cells(lines[0]) >= _cells(rest[0])):
        return
    found = f"{in_quotes(lines[0], 40)}, {'which is for Excel alone' if is_excels else 'a comment'}"
    cure = f"take it out: tail -n +{count + 1} {typed(path.name)} > {new_name(path)}"
    raise fault(path, "line 1", found, "names of columns, or an example", cure)


def _cells(line: str) -> int:
    return max(len(line.split(delimiter)) for delimiter in DELIMITERS)


def delimiter_of(text: str, lines: Sequence[str], path: Path) -> str:
    """The separator that cuts the first rows into equally many cells, most of them; blanks where nothing else does.

    Where none does, one that the first row and most others have: a mistake in some row, which is to be told.
    """
    if path.suffix.lower() in TABS and "\t" in lines[0]:
        return "\t"
    if len(lines) > 1 and all(LIST_LINE.fullmatch(line) for line in lines[1:LOOKED_AT]):
        return "\t"  # one column of lists, whose commas are no separators
    best, most = ",", 1
    for delimiter in DELIMITERS:
        counts = {len(row) for row in rows_of(text, delimiter)[:20]}
        if len(counts) == 1 and (count := counts.pop()) > most:
            best, most = delimiter, count
    if most > 1:
        return best
    return " " if _are_separated_by_blanks(lines[:LOOKED_AT]) else _ragged(text) or best


def _ragged(text: str) -> str | None:
    """What separates the first row's cells, and those of most others, by other numbers: its reader refuses these."""
    for delimiter in DELIMITERS[1:]:
        head, *body = (len(row) > 1 for row in rows_of(text, delimiter))
        if head and sum(body) > MOST_RAGGED * len(body):
            return delimiter
    return None


def _are_separated_by_blanks(lines: Sequence[str]) -> bool:
    """Whether lines are rows of cells, and no names with blanks in them: numbers all over, or each another line."""
    rows = [line.split() for line in lines]
    if len({len(row) for row in rows}) != 1 or len(rows[0]) < 2:
        return False
    if '"' in lines[0] or any("[" in line for line in lines):
        return False
    numeric = [all(map(NUMBER.fullmatch, column)) for column in zip(*(rows[1:] or rows), strict=True)]
    if all(numeric):
        return True
    firsts = {row[0] for row in rows}
    are_different = len(set(lines)) > MOST_LINES_ALIKE * len(rows) and len(firsts) == len(rows)
    return are_different and (any(numeric) or any("/" in first or "." in first for first in firsts))


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
    in_head = [NUMBER.fullmatch(cell.strip()) is not None for cell in head]
    if not body:
        return not all(in_head)
    columns = [[row[place].strip() for row in body] for place in range(len(head))]
    numeric = [any(column) and all(not cell or NUMBER.fullmatch(cell) for cell in column) for column in columns]
    if any(below and not above for below, above in zip(numeric, in_head, strict=True)):
        return True
    under = list(zip(head, columns, strict=True))
    if len(head) > 1 and head in body and any(is_usual(cell) for cell in head) and len(body) >= LEAST:
        where, cure = f"row {rows.index(head, 1) - 1}", "take that row, a second header, out of the file"
        raise fault(path, where, "the names of the columns again", "an example in each row", cure)
    is_named = any(is_usual(cell) and cell.strip() not in column for cell, column in under)
    if is_named or _is_head_of_pandas(head, columns):
        return True
    counted = [place for place, above in enumerate(in_head) if above]
    counts = [_counts_up([row[place] for place in counted]) for row in (head, body[0])]
    if len(counted) > 1 and counts == [True, False]:
        return True  # "0,1,2": names of classes
    if any(below and above for below, above in zip(numeric, in_head, strict=True)):
        return False
    if any(cell.strip() in column for cell, column in under):
        return False
    if any(_is_unlike(cell, column) for cell, column in under) or len(body) < LEAST:
        return True
    found = f"{in_quotes(', '.join(head), 60)}, names of columns or an example"
    expected = "a header with a usual name (id, label, prediction), or none"
    raise fault(path, "line 1", found, expected, "say which it is: --header or --no-header")


def _is_head_of_pandas(head: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is ``,0`` or ``,0,1,2`` above an index that is nowhere empty: columns without names."""
    others = head[1:]
    return not head[0].strip() and bool(others) and _counts_up(others) and all(columns[0])


def _is_unlike(cell: str, column: Sequence[str]) -> bool:
    """Whether a column's cells all have a digit, a dot or a slash, and its head has none."""
    return not SIGN_OF_PATH.search(cell) and all(map(SIGN_OF_PATH.search, column))


def _counts_up(cells: Sequence[str]) -> bool:
    return [cell.strip() for cell in cells] == [str(number) for number in range(len(cells))]


def csv_reader(path: Path, form: TextFormat, types: Mapping[str, pa.DataType], names: tuple[str, ...] = ()) -> Any:
    """Arrow's reader of a file's batches."""
    from pyarrow import csv as arrow_csv

    return arrow_csv.open_csv(
        _csv_source(path, form),
        arrow_csv.ReadOptions(
            block_size=BLOCK,
            column_names=list(form.names) if form.names else None,
            skip_rows_after_names=int(bool(form.names) and form.is_headed),
        ),
        arrow_csv.ParseOptions(delimiter=form.delimiter.replace(" ", "\t"), newlines_in_values=form.has_quotes),
        arrow_csv.ConvertOptions(
            decimal_point=form.decimal_point,
            column_types=dict(types),
            include_columns=list(names),  # none named: all
            null_values=list(EMPTY_CELLS),
            strings_can_be_null=False,
            timestamp_parsers=["%Y-%m-%dT%H:%M:%S.never"],  # ids that look like dates stay text
        ),
    )


def _csv_source(path: Path, form: TextFormat) -> Any:
    """The file; where blanks separate cells, its text with a tab for each run of them."""
    if form.delimiter != " ":
        return path
    size = path.stat().st_size
    if size > MOST_BLANKS:
        raise fault(path, "size", f"{size:,} bytes", f"at most {MOST_BLANKS:,} with blanks", "separate cells by commas")
    lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines()
    return pa.BufferReader(b"".join(b"\t".join(line.split()) + b"\n" for line in lines if line.strip()))


def csv_row_fault(path: Path, message: str) -> InputError | None:
    """A row of more or fewer cells than the first; None: it is something else that Arrow says."""
    row = re.search(r"Expected (\d+) columns, got (\d+): (.*)", message, re.DOTALL)
    if row is None:
        return None
    line = line_with(path, lambda text: text.strip() == row[3].strip())
    where = "rows" if line is None else f"line {line:,}"
    found, expected = f"{row[2]} cells: {row[3]}", f"{row[1]}, as in the first row"
    return fault(path, where, found, expected, _cure_of_cells(path, row[3].strip("\r\n"), int(row[2]) - int(row[1])))


def _cure_of_cells(path: Path, row: str, more: int) -> str:
    """Where a row has more cells than the first, and these are empty, the first is to have as many."""
    end = row[-more:] if more > 0 else ""
    if end and end == end[0] * more and end[0] in DELIMITERS and not line_with(path, lambda text: '"' in text):
        name = Path(path).name
        return (
            f"where rows end in empty cells that the first row lacks, give it these, too: "
            f"sed '1s/\\r\\{{0,1\\}}$/{end}&/' {typed(name)} > {typed(f'NEW-{name}')}; else mend that row"
        )
    return "mend that row; a cell with a separator in it needs quotes"


def line_with_cell(path: Path, delimiter: str, place: int, cell: str) -> int | None:
    """The first line of a text file, from 1, that has a cell at a place."""

    def has(line: str) -> bool:
        cells = next(iter(rows_of(line, delimiter)), [""])
        return len(cells) > place and cells[place].strip() == cell.strip()

    return line_with(path, has)


def line_with(path: Path, is_it: Callable[[str], bool]) -> int | None:
    """The first line of a text file, from 1, of which something is true."""
    with path.open("r", encoding="utf-8-sig", errors="replace", newline="\n") as file:
        return next((number for number, line in enumerate(file, 1) if is_it(line.rstrip("\r\n"))), None)


def has_odd_numbers(path: Path) -> bool:
    """Whether any cell of a text file begins with a sign, or with a zero and another digit or an x."""
    with path.open("rb") as file:
        before = b"\n"
        while chunk := file.read(2**22):
            if ODD_NUMBER.search(before + chunk):
                return True
            before = chunk[-2:]
    return False
