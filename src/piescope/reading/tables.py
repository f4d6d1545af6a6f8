"""Tables that lie in files and are read batch by batch: CSV, TSV, JSON lines, JSON, Parquet, Arrow."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from piescope.arrow_batches import unpacked_batches
from piescope.parquet_pages import Chunk, chunks_of, held_at_once
from piescope.problems import InputError
from piescope.reading.arrow import LONGEST_TEXT, MOST_TEXT, as_type, plain_type, text_lengths
from piescope.reading.csv_tables import (
    NUMBER,
    TextFormat,
    csv_reader,
    csv_row_fault,
    has_odd_numbers,
    line_with_cell,
    rows_of,
    sample_of,
    text_format,
)
from piescope.reading.files import Kind, fault, shown
from piescope.reading.json_tables import BLOCK, check_lines, lines_without, mixed_keys, read_json
from piescope.reading.known_formats import refuse_columns
from piescope.wording import in_quotes

BATCH = 2**16
"""Rows that are read at once (fewer where rows are long)."""

MOST_IN_BATCH = 2**24
"""Bytes that a batch of a Parquet file may unpack to, about."""

MOST_COLUMNS = 40_000

HARMLESS_ROWS = 2**24
"""A table of more rows than this is a bomb ..."""

MOST_ROWS_A_BYTE = 1_000
"""... if there are so many for each byte of its file (equal labels do pack well)."""

MOST_GROWTH, HARMLESS = 20, 2**27
"""What is unpacked at once may be so many times the file, or so many bytes."""

RETYPES = 20
"""Columns that may turn out to be of another type than their first rows, one after the other."""

# what damaged or lying files make the readers raise; UnicodeDecodeError is a ValueError, types within types a TypeError
BROKEN = (pa.ArrowException, OSError, ValueError, TypeError, OverflowError, RecursionError, MemoryError)

CONVERSION = re.compile(
    r"In CSV column #(\d+): (?:Row #\d+: )?CSV conversion error to ([\w ]+)\b.*?: invalid value '(.*)'", re.DOTALL
)

T = TypeVar("T")


@dataclass(frozen=True)
class TableFile:
    """A table in a file.

    Attributes:
        path: the file.
        kind: its format.
        schema: names and types of its columns, before anything is read in full; see `plain_type`.
        notes: what was found out about how it is written.
        text: how its text is written (CSV only).
        types: of columns whose first rows do not show what they hold (CSV only).
        is_free: columns may turn into text, row by row what they are (metadata); else text among numbers is a fault.
        left_out: keys of JSON lines that cannot be read.
    """

    path: Path
    kind: Kind
    schema: pa.Schema
    notes: tuple[str, ...] = ()
    text: TextFormat | None = None
    types: Mapping[str, pa.DataType] = field(default_factory=dict)
    is_free: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """The file as messages and results name it."""
        return shown(self.path)

    def batches(self, as_text: tuple[str, ...] = (), wanted: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All rows in order.

        Args:
            as_text: columns that are read as text whatever they look like (so that an id 007 stays one).
            wanted: columns that are read, those that are text among them; None: all.

        Raises:
            InputError: a row that does not fit the others, or a damaged file.
        """
        count, size = 0, self.path.stat().st_size
        names = tuple(name for name in self.schema.names if wanted is None or name in wanted)
        try:
            for batch in _BATCHES[self.kind](self, as_text, names):
                count += batch.num_rows
                _check_rows(self.path, count, size)
                if batch.num_rows:
                    yield _plain(batch, self, as_text, names)
        except BROKEN as error:
            if self.kind == "csv" and isinstance(error, pa.ArrowInvalid):
                raise _csv_fault(self, as_text, str(error)) from None
            raise _damaged(self.path, error, self.kind) from None


def open_table(path: Path, kind: Kind, has_header: bool | None = None) -> TableFile:
    """A table's columns and how it is written; its rows are not read yet.

    Raises:
        InputError: damaged, empty, no text in UTF-8, or columns of one name.
    """
    try:
        table = _open_csv(path, has_header) if kind == "csv" else _OPENERS[kind](path)
        names = table.schema.names
    except BROKEN as error:
        raise (csv_row_fault(path, str(error)) if kind == "csv" else None) or _damaged(path, error, kind) from None
    _check_columns(path, len(names))
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise fault(path, "columns", f"{repeated[0]!r} more than once", "a name for each column", "rename one of them")
    if not names:
        raise fault(path, "columns", "none", "at least one column", "write the file again, with a header")
    refuse_columns(names, path)
    fields = [(column, plain_type(column.type)) for column in table.schema]
    kept = [column.with_type(plain) for column, plain in fields if plain is not None]
    if not kept:
        found = ", ".join(f"{column.name!r} ({column.type})" for column, _ in fields[:6])
        raise fault(path, "columns", found, "columns of numbers, text, or lists of numbers", "write them as such")
    left = [in_quotes(column.name, 40) for column, plain in fields if plain is None]
    unread = (f"not read: {', '.join(left[:6])} (no numbers or texts)",) if left else ()
    return replace(table, schema=pa.schema(kept), notes=(*table.notes, *unread))


def _check_columns(path: Path, count: int) -> None:
    if count > MOST_COLUMNS:
        expected, cure = f"at most {MOST_COLUMNS:,}", "write a row an example, or give an .npy"
        raise fault(path, "columns", f"{count:,}", expected, cure)


def read_table(
    path: Path, kind: Kind, read: Callable[[TableFile], T], is_free: bool = False, has_header: bool | None = None
) -> T:
    """What a function makes of a table.

    It is called again where rows far down a CSV file show that a column is of a wider type than its first rows: whole
    numbers and then fractions, empty cells and then text.

    Args:
        path: the file.
        kind: its format.
        read: called with the table.
        is_free: columns may hold anything.
        has_header: whether the first row of a CSV file names its columns; None: it is found out.

    Raises:
        InputError: as `open_table` and `read`.
    """
    table = replace(open_table(path, kind, has_header), is_free=is_free)
    for _ in range(RETYPES):
        try:
            return read(table)
        except _WiderError as wider:
            fields = [column.with_type(wider.types.get(column.name, column.type)) for column in table.schema]
            table = replace(table, schema=pa.schema(fields), types={**table.types, **wider.types})
    raise fault(path, "columns", "other kinds of values in other rows", "columns of one kind each", "mend the file")


class _WiderError(Exception):
    """Columns are of other types than their first rows."""

    def __init__(self, types: dict[str, pa.DataType]) -> None:
        super().__init__(types)
        self.types = types


def _plain(batch: pa.RecordBatch, table: TableFile, as_text: tuple[str, ...], names: tuple[str, ...]) -> pa.RecordBatch:
    """Columns of a batch, of the types that the table's schema has; ids as text."""
    columns = []
    for name in names:
        column = batch.column(name)
        column.validate(full=True)  # offsets, indices and letters of a hostile file may be anything
        wanted = pa.string() if name in as_text else table.schema.field(name).type
        columns.append(as_type(column, wanted, table.path, name))
    return pa.record_batch(columns, list(names))


def _check_rows(path: Path, count: int, size: int) -> None:
    if count > HARMLESS_ROWS and count > MOST_ROWS_A_BYTE * size:
        found = f"{count:,} or more in {size:,} bytes"
        cure = "write the file again: no table of predictions packs so well"
        raise fault(path, "rows", found, f"at most {MOST_ROWS_A_BYTE:,} a byte", cure)


def _damaged(path: Path, error: Exception, kind: Kind) -> InputError:
    found = next(iter(str(error).splitlines()), type(error).__name__)
    if kind in ("parquet", "arrow"):
        return fault(path, "file", found, f"a whole {kind} file", "write it again; it may be truncated")
    return fault(path, "rows", found, "rows that are all alike", "mend that row, or write the file again")


def _open_csv(path: Path, has_header: bool | None = None) -> TableFile:
    text = sample_of(path)
    form = text_format(text, path, has_header)
    _check_columns(path, len(rows_of(text, form.delimiter)[0]))
    with csv_reader(path, form, {}) as reader:
        return TableFile(path, "csv", reader.schema, form.notes, form)


def _csv_batches(table: TableFile, as_text: tuple[str, ...], names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    assert table.text is not None
    types = {**table.types, **dict.fromkeys(as_text, pa.string())}
    with csv_reader(table.path, table.text, types, names) as reader:
        yield from reader


def check_spelling(table: TableFile, names: Collection[str]) -> None:
    """Refuses columns of a CSV file in which one number, or true, is written in two ways: 01 and 1, 1 and 1.0.

    Read as numbers they would be one class without a word.

    Raises:
        InputError: names the column and both spellings.
    """
    is_type = pa.types
    schema = [column for column in table.schema if column.name in names]
    whole = [column.name for column in schema if is_type.is_integer(column.type)]
    others = [column.name for column in schema if is_type.is_floating(column.type) or is_type.is_boolean(column.type)]
    read = (*others, *(whole if table.kind == "csv" and whole and has_odd_numbers(table.path) else ()))
    if table.kind != "csv" or not read:
        return
    written: dict[tuple[str, float], str] = {}
    for batch in table.batches(read, read):
        for name in read:
            for text in pc.unique(batch.column(name)).to_pylist():
                cell = (text or "").strip()
                number = _number_of(cell)
                other = cell if number is None else written.setdefault((name, number), cell)
                if other != cell:
                    found, expected = f"{other!r} and {cell!r} in one column", "one way to write a class"
                    cure = "write them alike; if they are two classes, with a letter before the number"
                    raise fault(table.path, name, found, expected, cure)


def _number_of(cell: str) -> float | None:
    """What Arrow reads in a cell of a column of numbers, or of true and false."""
    if cell.lower() in ("true", "false"):
        return float(cell.lower() == "true")
    try:
        return float(int(cell, 16)) if cell[:2].lower() == "0x" else float(cell.replace(",", "."))
    except ValueError:
        return None


def _csv_fault(table: TableFile, as_text: tuple[str, ...], message: str) -> InputError | _WiderError:
    """What a column that changes its type far down a file means; else the row that cannot be read."""
    cell = CONVERSION.search(message)
    if cell is None:
        return csv_row_fault(table.path, message) or _damaged(table.path, ValueError(message), "csv")
    place, kind, value = int(cell[1]), cell[2], cell[3]
    name = table.schema.names[place] if place < len(table.schema.names) else f"column {place + 1}"
    is_number = NUMBER.fullmatch(value.strip()) is not None
    whole = [column.name for column in table.schema if pa.types.is_integer(column.type) and column.name not in as_text]
    if is_number and kind == "int64" and name in whole:
        return _WiderError(dict.fromkeys(whole, pa.float64()))
    if kind == "null":
        return _WiderError({name: pa.float64() if is_number else pa.string()})
    if kind not in ("int64", "double", "bool") or table.is_free:
        return _WiderError({name: pa.string()})
    assert table.text is not None
    line = line_with_cell(table.path, table.text.delimiter, place, value)
    where = f"column {name!r}" + ("" if line is None else f", line {line:,}")
    expected = "true or false, as in the first rows" if kind == "bool" else "a number, as in the first rows"
    return fault(table.path, where, repr(value), expected, "mend that cell, or leave its example out of all files")


def _open_jsonl(path: Path) -> TableFile:
    check_lines(path)
    table = TableFile(path, "jsonl", pa.schema([]))
    try:
        first = next(_jsonl_batches(table, (), ()), None)
    except pa.ArrowInvalid:
        mixed = mixed_keys(path)
        if not mixed:
            raise
        names = ", ".join(in_quotes(name, 40) for name in mixed[:6])
        table = replace(table, left_out=mixed, notes=(f"not read: {names} (values of several kinds)",))
        first = next(_jsonl_batches(table, (), ()), None)
    if first is None:
        raise fault(path, "rows", "none", "one JSON object a line", "write the file again")
    return replace(table, schema=first.schema)


def _jsonl_batches(table: TableFile, as_text: tuple[str, ...], names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    from pyarrow import json as arrow_json

    if table.left_out:
        yield from lines_without(table.path, table.left_out, BATCH)
        return
    with arrow_json.open_json(table.path, arrow_json.ReadOptions(block_size=BLOCK)) as reader:
        yield from reader


def _open_json(path: Path) -> TableFile:
    table, notes = read_json(path)
    return TableFile(path, "json", table.schema, notes)


def _json_batches(table: TableFile, as_text: tuple[str, ...], names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    yield from read_json(table.path)[0].to_batches(BATCH)


def _open_parquet(path: Path) -> TableFile:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        _check_rows(path, file.metadata.num_rows, path.stat().st_size)
        return TableFile(path, "parquet", file.schema_arrow)


def _parquet_batches(table: TableFile, as_text: tuple[str, ...], names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    from pyarrow import parquet

    chunks = chunks_of(table.path, names)
    with parquet.ParquetFile(table.path) as file:
        count = max(1, file.metadata.num_rows)
        kinds = {name: plain_type(file.schema_arrow.field(name).type) for name in names}
        nested = [chunk for chunk in chunks if pa.types.is_nested(kinds[chunk.column])]
        _check_pages(table.path, held_at_once(chunks), max((chunk.values * chunk.width for chunk in nested), default=0))
        texts = [chunk for chunk in chunks if pa.types.is_string(kinds[chunk.column])]
        values = count * len(names) + sum(chunk.values for chunk in nested)
        unpacked = sum(chunk.unpacked for chunk in chunks)
        row = max(1, unpacked // count, 8 * values // count)  # equal lists pack well
        rows = min(BATCH, MOST_IN_BATCH // row, MOST_TEXT // _longest_text(table.path, texts))
        yield from file.iter_batches(max(1, rows), columns=list(names))


def _check_pages(path: Path, held: int, lists: int) -> None:
    """Refuses pages that unpack to far more than the file, and lists of which one row alone might be as large."""
    most = max(HARMLESS, MOST_GROWTH * path.stat().st_size)
    if max(held, lists // 5) > most:
        found = (
            f"pages that unpack to {held:,} bytes at once" if held > most else f"lists that unpack to {lists:,} bytes"
        )
        expected = f"at most {MOST_GROWTH} times the file's {path.stat().st_size:,} bytes"
        raise fault(path, "file", found, expected, "write it again: pyarrow.parquet.write_table keeps pages small")


def _longest_text(path: Path, texts: Sequence[Chunk]) -> int:
    """Characters of the longest text that a Parquet file holds once and may repeat in every row.

    Raises:
        InputError: it is too long for that.
    """
    from pyarrow import parquet

    longest = 1
    with parquet.ParquetFile(path, read_dictionary=sorted({chunk.column for chunk in texts})) as file:
        for chunk in texts:
            if BATCH * chunk.dictionary <= MOST_TEXT:
                continue
            first = next(file.iter_batches(1, row_groups=[chunk.group], columns=[chunk.column]), None)
            if first is None or not pa.types.is_dictionary(first.column(0).type):
                continue
            longest = max(longest, pc.max(text_lengths(first.column(0).dictionary)).as_py() or 0)
            if longest > LONGEST_TEXT:
                found = f"a text of {longest:,} characters"
                raise fault(path, chunk.column, found, f"at most {LONGEST_TEXT:,}", "leave that column out")
    return longest


def _open_arrow(path: Path) -> TableFile:
    size, unpacked = path.stat().st_size, max(unpacked_batches(path), default=0)
    if unpacked > max(HARMLESS, MOST_GROWTH * size):
        found, expected = (
            f"a batch that unpacks to {unpacked:,} bytes",
            f"at most {MOST_GROWTH} times the file's {size:,}",
        )
        raise fault(path, "file", found, expected, "write it in batches of fewer rows, or not compressed")
    with pa.memory_map(str(path)) as source:
        return TableFile(path, "arrow", _arrow_reader(source).schema)


def _arrow_reader(source: Any) -> Any:
    try:
        return pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source)


def _arrow_batches(table: TableFile, as_text: tuple[str, ...], names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(str(table.path)) as source:
        reader = _arrow_reader(source)
        is_file = hasattr(reader, "get_batch")
        for part in map(reader.get_batch, range(reader.num_record_batches)) if is_file else reader:
            part.validate()  # what is read of it is looked at in full
            for start in range(0, part.num_rows, BATCH):
                yield part.slice(start, BATCH)


_OPENERS = {"jsonl": _open_jsonl, "json": _open_json, "parquet": _open_parquet, "arrow": _open_arrow}
_BATCHES = {
    "csv": _csv_batches,
    "jsonl": _jsonl_batches,
    "json": _json_batches,
    "parquet": _parquet_batches,
    "arrow": _arrow_batches,
}
