"""Tables that lie in files and are read batch by batch: CSV, TSV, JSON lines, JSON, Parquet, Arrow."""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.problems import InputError
from piescope.reading.arrow_types import LONGEST_TEXT, MOST_TEXT, as_type, plain_type, text_lengths
from piescope.reading.csv_text import cells_of, csv_reader, csv_row_fault, line_with
from piescope.reading.files import Kind, fault, shown, typed
from piescope.reading.json_layouts import table_of_json, unwrapped
from piescope.reading.known_formats import first_object, refuse_columns, refuse_object, refuse_records
from piescope.reading.text_format import NUMBER, TextFormat, rows_of, text_format
from piescope.wording import printable

SAMPLE = 2**16
"""Bytes of a text file that are looked at to tell how it is written ..."""


LONG_SAMPLE = 2**21
"""... and where that is not two whole rows."""


BATCH = 2**16
"""Rows that are read at once (fewer where rows are long)."""


MOST_JSON = 2**26
"""Bytes of a .json file, which cannot be read in parts."""


DEEPEST_JSON = 500
"""Brackets within brackets on a line; thousands of them overflow the stack of Arrow's parser."""


NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}\n"))


MOST_IN_BATCH = 2**26
"""Bytes that a batch of a Parquet file may unpack to, about."""


MOST_COLUMNS = 40_000


HARMLESS_ROWS = 2**24
"""A table of more rows than this is a bomb ..."""


MOST_ROWS_A_BYTE = 10_000
"""... if there are so many for each byte of its file (equal labels do pack well)."""


RETYPES = 20
"""Columns that may turn out to be of another type than their first rows, one after the other."""


BROKEN = (
    pa.ArrowException,
    OSError,
    ValueError,  # UnicodeDecodeError is one too
    OverflowError,
    RecursionError,
    MemoryError,
)
"""What damaged or lying files make the readers raise."""


PADDED = re.compile(rb'[\s,;|"]0\d')


T = TypeVar("T")


@dataclass(frozen=True)
class TableFile:
    """A table in a file.

    Attributes:
        path: the file.
        kind: its format.
        schema: names and types of its columns, before anything is read in full; see `plain_type`.
        told: what was found out about how it is written.
        text: how its text is written (CSV only).
        types: of columns whose first rows do not show what they hold (CSV only).
        is_free: columns may turn into text, row by row what they are (metadata); else text among numbers is a fault.
    """

    path: Path
    kind: Kind
    schema: pa.Schema
    told: tuple[str, ...] = ()
    text: TextFormat | None = None
    types: Mapping[str, pa.DataType] = field(default_factory=dict)
    is_free: bool = False

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
        found = _open_csv(path, has_header) if kind == "csv" else _OPENERS[kind](path)
        names = found.schema.names
    except BROKEN as error:
        raise (csv_row_fault(path, str(error)) if kind == "csv" else None) or _damaged(path, error, kind) from None
    _check_columns(path, len(names))
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise fault(path, "columns", f"{repeated[0]!r} more than once", "a name for each column", "rename one of them")
    if not names:
        raise fault(path, "columns", "none", "at least one column", "write the file again, with a header")
    refuse_columns(names, path)
    kept = [each.with_type(plain) for each in found.schema if (plain := plain_type(each.type)) is not None]
    if not kept:
        told = ", ".join(f"{each.name!r} ({each.type})" for each in list(found.schema)[:6])
        raise fault(path, "columns", told, "columns of numbers, text, or lists of numbers", "write them as such")
    left = [repr(printable(each.name, 40)) for each in found.schema if plain_type(each.type) is None]
    unread = (f"not read: {', '.join(left[:6])} (no numbers or texts)",) if left else ()
    return replace(found, schema=pa.schema(kept), told=(*found.told, *unread))


def _check_columns(path: Path, count: int) -> None:
    if count > MOST_COLUMNS:
        found, expected = f"{count:,}", f"at most {MOST_COLUMNS:,}"
        raise fault(path, "columns", found, expected, "write a row an example, or give an .npy")


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
        except _WiderError as found:
            fields = [each.with_type(found.types.get(each.name, each.type)) for each in table.schema]
            table = replace(table, schema=pa.schema(fields), types={**table.types, **found.types})
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
        raise fault(
            path,
            "rows",
            f"{count:,} or more in {size:,} bytes",
            f"at most {MOST_ROWS_A_BYTE:,} a byte",
            "write the file again: no table of predictions packs so well",
        )


def _damaged(path: Path, error: Exception, kind: Kind) -> InputError:
    lines = str(error).splitlines()
    told = lines[0] if lines else type(error).__name__
    if kind in ("parquet", "arrow"):
        return fault(path, "file", told, f"a whole {kind} file", "write it again; it may be truncated")
    return fault(path, "rows", told, "rows that are all alike", "mend that row, or write the file again")


def _open_csv(path: Path, has_header: bool | None = None) -> TableFile:
    with path.open("rb") as file:
        head = file.read(SAMPLE)
        if head.count(b"\n") < 2:  # many columns make long rows
            head += file.read(LONG_SAMPLE - SAMPLE)
        is_whole = not file.read(1)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise fault(path, "encoding", "UTF-16", "UTF-8", "save it again as UTF-8")
    skip = head.startswith(codecs.BOM_UTF8)
    body = head[3:] if skip else head
    cut = body if is_whole else body[: max(body.rfind(b"\n"), 0) or len(body)]
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(cut)
    except UnicodeDecodeError as error:
        raise fault(
            path,
            f"byte {len(head) - len(body) + error.start:,}",
            f"{cut[error.start : error.start + 4]!r}, no UTF-8",
            "text in UTF-8",
            "save it again as UTF-8 (it may be Latin-1 or Windows-1252)",
        ) from None
    how = text_format(text, path, skip, has_header)
    _check_columns(path, len(rows_of(text, how.delimiter)[0]))
    with csv_reader(path, how, {}) as reader:
        return TableFile(path, "csv", reader.schema, how.told, how)


def _csv_batches(table: TableFile, as_text: tuple[str, ...], names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    assert table.text is not None
    types = {**table.types, **dict.fromkeys(as_text, pa.string())}
    with csv_reader(table.path, table.text, types, names) as reader:
        yield from reader


def check_padded(table: TableFile, names: Collection[str]) -> None:
    """Refuses columns of a CSV file in which one number is written with and without zeros before it: 01 and 1.

    Read as numbers they would be one class without a word.

    Raises:
        InputError: names the column and the number.
    """
    whole = tuple(each.name for each in table.schema if each.name in names and pa.types.is_integer(each.type))
    if table.kind != "csv" or not whole or not _has_padded(table.path):
        return
    written: dict[tuple[str, int], str] = {}
    for batch in table.batches(whole, whole):
        for name in whole:
            for text in pc.unique(batch.column(name)).to_pylist():
                cell = (text or "").strip()
                if not cell.isdigit():
                    continue
                other = written.setdefault((name, int(cell)), cell)
                if other != cell:
                    expected = "one way to write a class"
                    cure = "write them alike; if they are two classes, with a letter before the number"
                    raise fault(table.path, name, f"{other!r} and {cell!r} in one column", expected, cure)


def _has_padded(path: Path) -> bool:
    """Whether any cell of a text file begins with a zero and another digit."""
    with path.open("rb") as file:
        before = b"\n"
        while chunk := file.read(2**22):
            if PADDED.search(before + chunk):
                return True
            before = chunk[-2:]
    return False


def _csv_fault(table: TableFile, as_text: tuple[str, ...], told: str) -> InputError | _WiderError:
    """What a column that changes its type far down a file means; else the row that cannot be read."""
    cell = re.search(
        r"In CSV column #(\d+): (?:Row #\d+: )?CSV conversion error to ([\w ]+)\b.*?: invalid value '(.*)'",
        told,
        re.DOTALL,
    )
    if cell is None:
        return csv_row_fault(table.path, told) or _damaged(table.path, ValueError(told), "csv")
    place, kind, value = int(cell[1]), cell[2], cell[3]
    name = table.schema.names[place] if place < len(table.schema.names) else f"column {place + 1}"
    is_number = NUMBER.fullmatch(value.strip()) is not None
    whole = [each.name for each in table.schema if pa.types.is_integer(each.type) and each.name not in as_text]
    if is_number and kind == "int64" and name in whole:
        return _WiderError(dict.fromkeys(whole, pa.float64()))
    if kind == "null":
        return _WiderError({name: pa.float64() if is_number else pa.string()})
    if kind not in ("int64", "double", "bool") or table.is_free:
        return _WiderError({name: pa.string()})
    assert table.text is not None
    delimiter = table.text.delimiter
    line = line_with(
        table.path,
        lambda text: len(cells := cells_of(text, delimiter)) > place and cells[place].strip() == value.strip(),
    )
    where = f"column {name!r}" if line is None else f"column {name!r}, line {line:,}"
    expected = "true or false, as in the first rows" if kind == "bool" else "a number, as in the first rows"
    return fault(table.path, where, repr(value), expected, "mend that cell, or leave its example out of all files")


def _open_jsonl(path: Path) -> TableFile:
    _check_json(path)
    first = next(_jsonl_batches(TableFile(path, "jsonl", pa.schema([])), (), ()), None)
    if first is None:
        raise fault(path, "rows", "none", "one JSON object a line", "write the file again")
    return TableFile(path, "jsonl", first.schema)


def _jsonl_batches(table: TableFile, as_text: tuple[str, ...], names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    from pyarrow import json as arrow_json

    with arrow_json.open_json(table.path, arrow_json.ReadOptions(block_size=2**22)) as reader:
        yield from reader


def _check_json(path: Path) -> None:
    """Refuses what Arrow's parser does not survive: another beginning than an object, brackets thousands deep."""
    before, line = 0, 1
    with path.open("rb") as file:
        start = file.read(SAMPLE).removeprefix(codecs.BOM_UTF8).lstrip()
        refuse_records(first_object(start.partition(b"\n")[0]) or {}, path)
        if not start.startswith(b"{"):
            raise fault(path, "line 1", f"{start[:20]!r}", 'a JSON object: {"id": ...}', "write one object a line")
        file.seek(0)
        while chunk := file.read(2**22):
            raw = np.frombuffer(chunk.translate(None, NO_BRACKETS), np.uint8)
            steps = np.isin(raw, list(b"[{")).astype(np.int64) - np.isin(raw, list(b"]}"))
            depth, is_end = before + np.cumsum(steps), raw == ord("\n")
            last_end = np.maximum.accumulate(np.where(is_end, np.arange(len(raw)), -1))
            depth -= np.where(last_end >= 0, depth[last_end], 0)
            if (depth > DEEPEST_JSON).any():
                line += int(is_end[: int(np.argmax(depth > DEEPEST_JSON))].sum())
                found = f"more than {DEEPEST_JSON} brackets within brackets"
                raise fault(path, f"line {line:,}", found, "one JSON object a line", "write a row of values")
            before, line = int(depth[-1]) if len(raw) else before, line + int(is_end.sum())


def _open_json(path: Path) -> TableFile:
    table, told = _json_table(path)
    return TableFile(path, "json", table.schema, told)


def _json_table(path: Path) -> tuple[pa.Table, tuple[str, ...]]:
    if path.stat().st_size > MOST_JSON:
        raise fault(
            path,
            "size",
            f"{path.stat().st_size:,} bytes",
            f"at most {MOST_JSON:,} of JSON",
            "write JSON lines or Parquet",
        )
    try:
        content = json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Extra data") or error.lineno != 2:
            raise
        target = shown(path.with_suffix(".jsonl"))
        cure = f"name it by what it holds: mv {typed(shown(path))} {typed(target)}"
        raise fault(path, "content", "JSON lines, one object a line", "one JSON text", cure) from None
    if isinstance(content, dict):
        refuse_object(content, path)
    inner, told = unwrapped(content)
    return table_of_json(inner, path), told


def _json_batches(table: TableFile, as_text: tuple[str, ...], names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    yield from _json_table(table.path)[0].to_batches(BATCH)


def _open_parquet(path: Path) -> TableFile:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        _check_rows(path, file.metadata.num_rows, path.stat().st_size)
        return TableFile(path, "parquet", file.schema_arrow)


def _parquet_batches(table: TableFile, as_text: tuple[str, ...], names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    from pyarrow import parquet

    with parquet.ParquetFile(table.path) as file:
        held = file.metadata
        groups = [held.row_group(number) for number in range(held.num_row_groups)]
        unpacked = sum(group.total_byte_size for group in groups)
        values = sum(group.column(place).num_values for group in groups for place in range(group.num_columns))
        row = max(1, unpacked // max(1, held.num_rows), 8 * values // max(1, held.num_rows))  # equal lists pack well
        longest = _longest_text(table.path, file.schema_arrow, held, names)
        rows = min(BATCH, MOST_IN_BATCH // row, MOST_TEXT // longest)
        yield from file.iter_batches(max(1, rows), columns=list(names))


def _longest_text(path: Path, schema: pa.Schema, held: Any, names: tuple[str, ...]) -> int:
    """Characters of the longest text that a Parquet file holds once and may repeat in every row.

    Raises:
        InputError: it is too long for that.
    """
    from pyarrow import parquet

    texts = [each.name for each in schema if each.name in names and plain_type(each.type) == pa.string()]
    longest = 1
    with parquet.ParquetFile(path, read_dictionary=texts) as file:
        for number in range(held.num_row_groups if texts else 0):
            for place in range(held.num_columns):
                column = held.row_group(number).column(place)
                name = column.path_in_schema
                if name not in texts or BATCH * column.total_uncompressed_size <= MOST_TEXT:
                    continue
                first = next(file.iter_batches(1, row_groups=[number], columns=[name]), None)
                if first is None or not pa.types.is_dictionary(first.column(0).type):
                    continue
                longest = max(longest, pc.max(text_lengths(first.column(0).dictionary)).as_py() or 0)
                if longest > LONGEST_TEXT:
                    found = f"a text of {longest:,} characters"
                    raise fault(path, name, found, f"at most {LONGEST_TEXT:,}", "leave that column out")
    return longest


def _open_arrow(path: Path) -> TableFile:
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
        parts = (
            (reader.get_batch(number) for number in range(reader.num_record_batches))
            if hasattr(reader, "get_batch")
            else reader
        )
        for part in parts:
            part.validate()  # what is read of it is looked at in full
            for start in range(0, part.num_rows, BATCH):
                yield part.slice(start, BATCH)


_OPENERS = {
    "jsonl": _open_jsonl,
    "json": _open_json,
    "parquet": _open_parquet,
    "arrow": _open_arrow,
}


_BATCHES = {
    "csv": _csv_batches,
    "jsonl": _jsonl_batches,
    "json": _json_batches,
    "parquet": _parquet_batches,
    "arrow": _arrow_batches,
}
