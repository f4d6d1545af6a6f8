"""Tables that lie in files and are read batch by batch: CSV, TSV, JSON lines, JSON, Parquet, Arrow."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from piescope.auditing.files import Kind, fault

SAMPLE = 2**16
"""Bytes of a text file that are looked at to tell how it is written."""

BATCH = 2**16
"""Rows that are read at once (fewer where rows are long)."""

MOST_JSON = 2**28
"""Bytes of a .json file, which cannot be read in parts."""

MOST_IN_BATCH = 2**26
"""Bytes that a batch of a Parquet file may unpack to, about."""

DELIMITERS = ",;\t|"

NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?|nan|[+-]?inf", re.IGNORECASE)


@dataclass(frozen=True)
class TableFile:
    """A table in a file.

    Attributes:
        path: the file.
        kind: its format.
        schema: names and types of its columns, before anything is read in full.
        told: what was found out about how it is written.
        text: how its text is written (CSV only).
    """

    path: Path
    kind: Kind
    schema: pa.Schema
    told: tuple[str, ...] = ()
    text: TextFormat | None = None

    def batches(self, as_text: tuple[str, ...] = ()) -> Iterator[pa.RecordBatch]:
        """All rows in order.

        Args:
            as_text: columns that are read as text whatever they look like (so that an id 007 stays one).

        Raises:
            InputError: a row that does not fit the others, or a damaged file.
        """
        try:
            for batch in _BATCHES[self.kind](self, as_text):
                if batch.num_rows:
                    yield batch
        except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError) as error:
            raise _damaged(self.path, error) from None


@dataclass(frozen=True)
class TextFormat:
    """How a CSV file is written.

    Attributes:
        delimiter: between cells.
        decimal_point: of numbers.
        names: of columns; None: the first row has them.
        skip: bytes of a byte-order mark are dropped by the reader; kept for what is said.
        has_quotes: cells may hold line breaks.
    """

    delimiter: str
    decimal_point: str
    names: tuple[str, ...] | None
    skip: bool
    has_quotes: bool


def open_table(path: Path, kind: Kind) -> TableFile:
    """A table's columns and how it is written; its rows are not read yet.

    Raises:
        InputError: damaged, empty, no text in UTF-8, or columns of one name.
    """
    try:
        found = _OPENERS[kind](path)
    except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise _damaged(path, error) from None
    names = found.schema.names
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise fault(path, "columns", f"{repeated[0]!r} more than once", "a name for each column", "rename one of them")
    if not names:
        raise fault(path, "columns", "none", "at least one column", "write the file again, with a header")
    return found


def _damaged(path: Path, error: Exception) -> Exception:
    lines = str(error).splitlines()
    told = lines[0] if lines else type(error).__name__
    row = re.search(r"[Rr]ow #?(\d+)", told)
    return fault(
        path,
        f"row {row[1]}" if row else "rows",
        told,
        "rows that are all alike",
        "mend that row, or write the file again",
    )


def _open_csv(path: Path) -> TableFile:
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise fault(path, "encoding", "UTF-16", "UTF-8", "save it again as UTF-8")
    skip = head.startswith(codecs.BOM_UTF8)
    body = head[3:] if skip else head
    cut = body if len(head) < SAMPLE else body[: max(body.rfind(b"\n"), 0) or len(body)]
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(cut)
    except UnicodeDecodeError as error:
        raise fault(
            path,
            f"byte {error.start}",
            f"{cut[error.start : error.start + 4]!r}, no UTF-8",
            "text in UTF-8",
            "save it again as UTF-8 (it may be Latin-1 or Windows-1252)",
        ) from None
    lines = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
    if not lines:
        raise fault(path, "rows", "none", "at least one row", "write the file again")
    delimiter = _delimiter(lines, path)
    cells = [_cells(line, delimiter) for line in lines[:200]]
    comma = delimiter != "," and any(
        re.fullmatch(r"[+-]?\d+,\d+([eE][+-]?\d+)?", cell) for row in cells[1:] for cell in row
    )
    headless = all(NUMBER.fullmatch(cell.strip()) for cell in cells[0])
    if headless and len(cells) > 1 and len(cells[0]) > 1 and _counts_up(cells[0]) and not _counts_up(cells[1]):
        headless = False  # "0,1,2": names of classes
    names = tuple(f"column {number}" for number in range(1, len(cells[0]) + 1)) if headless else None
    if len(cells) == 1 and not headless:
        raise fault(path, "rows", "a header and no rows", "at least one row", "write the file again")
    how = TextFormat(delimiter, "," if comma else ".", names, skip, '"' in text)
    told = []
    if delimiter != "," and path.suffix.lower() not in (".tsv", ".tab"):
        told.append(f"cells are separated by {delimiter!r}")
    if comma:
        told.append("decimal commas")
    if headless:
        told.append("no header: its first row is data")
    with _csv_reader(path, how, ()) as reader:
        return TableFile(path, "csv", reader.schema, tuple(told), how)


def _delimiter(lines: list[str], path: Path) -> str:
    """The separator that cuts the first lines into equally many cells, most of them."""
    if path.suffix.lower() in (".tsv", ".tab") and "\t" in lines[0]:
        return "\t"
    best, most = ",", 1
    for delimiter in DELIMITERS:
        counts = {len(_cells(line, delimiter)) for line in lines[:20]}
        if len(counts) == 1 and (count := counts.pop()) > most:
            best, most = delimiter, count
    return best


def _cells(line: str, delimiter: str) -> list[str]:
    import csv

    try:
        return next(csv.reader([line], delimiter=delimiter), [""])
    except csv.Error:
        return line.split(delimiter)


def _counts_up(cells: list[str]) -> bool:
    return [cell.strip() for cell in cells] == [str(number) for number in range(len(cells))]


def _csv_reader(path: Path, how: TextFormat, as_text: tuple[str, ...], block: int = 2**20) -> Any:
    from pyarrow import csv

    return csv.open_csv(
        path,
        csv.ReadOptions(use_threads=True, block_size=block, column_names=list(how.names) if how.names else None),
        csv.ParseOptions(delimiter=how.delimiter, newlines_in_values=how.has_quotes),
        csv.ConvertOptions(
            decimal_point=how.decimal_point,
            column_types=dict.fromkeys(as_text, pa.string()),
            null_values=["", "NA", "N/A", "null", "NULL", "None", "nan", "NaN", "NAN", "#N/A"],
            strings_can_be_null=False,
            timestamp_parsers=["%Y-%m-%dT%H:%M:%S.never"],  # ids that look like dates stay text
        ),
    )


def _csv_batches(table: TableFile, as_text: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    assert table.text is not None
    with _csv_reader(table.path, table.text, as_text) as reader:
        yield from reader


def _open_jsonl(path: Path) -> TableFile:
    first = next(_jsonl_batches(TableFile(path, "jsonl", pa.schema([])), ()), None)
    if first is None:
        raise fault(path, "rows", "none", "one JSON object a line", "write the file again")
    return TableFile(path, "jsonl", first.schema)


def _jsonl_batches(table: TableFile, as_text: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    from pyarrow import json as arrow_json

    with arrow_json.open_json(table.path, arrow_json.ReadOptions(block_size=2**22)) as reader:
        for batch in reader:
            yield _with_text(batch, as_text)


def _open_json(path: Path) -> TableFile:
    return TableFile(path, "json", _json_table(path).schema)


def _json_table(path: Path) -> pa.Table:
    if path.stat().st_size > MOST_JSON:
        raise fault(
            path,
            "size",
            f"{path.stat().st_size:,} bytes",
            f"at most {MOST_JSON:,} of JSON",
            "write JSON lines or Parquet",
        )
    content = json.loads(path.read_bytes())
    if isinstance(content, list) and content and all(isinstance(row, dict) for row in content):
        return pa.Table.from_pylist(content)
    if isinstance(content, dict) and content and all(isinstance(column, list) for column in content.values()):
        return pa.table(content)
    if isinstance(content, list) and content and not any(isinstance(item, (dict, list)) for item in content):
        return pa.table({"column 1": content})
    raise fault(
        path,
        "content",
        f"a JSON {type(content).__name__}",
        "a list of objects, or an object of lists",
        "write JSON lines: one object a row",
    )


def _json_batches(table: TableFile, as_text: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    for batch in _json_table(table.path).to_batches(BATCH):
        yield _with_text(batch, as_text)


def _open_parquet(path: Path) -> TableFile:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        return TableFile(path, "parquet", file.schema_arrow)


def _parquet_batches(table: TableFile, as_text: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    from pyarrow import parquet

    with parquet.ParquetFile(table.path) as file:
        unpacked = sum(file.metadata.row_group(group).total_byte_size for group in range(file.metadata.num_row_groups))
        row = max(1, unpacked // max(1, file.metadata.num_rows))
        for batch in file.iter_batches(max(1, min(BATCH, MOST_IN_BATCH // row))):
            yield _with_text(batch, as_text)


def _open_arrow(path: Path) -> TableFile:
    with pa.memory_map(str(path)) as source:
        return TableFile(path, "arrow", _arrow_reader(source).schema)


def _arrow_reader(source: Any) -> Any:
    try:
        return pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source)


def _arrow_batches(table: TableFile, as_text: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(str(table.path)) as source:
        reader = _arrow_reader(source)
        parts = (
            (reader.get_batch(number) for number in range(reader.num_record_batches))
            if hasattr(reader, "get_batch")
            else reader
        )
        for part in parts:
            part.validate(full=True)  # offsets of a hostile file may point anywhere
            for start in range(0, part.num_rows, BATCH):
                yield _with_text(part.slice(start, BATCH), as_text)


def _with_text(batch: pa.RecordBatch, as_text: tuple[str, ...]) -> pa.RecordBatch:
    for name in as_text:
        place = batch.schema.get_field_index(name)
        if place >= 0 and not pa.types.is_string(batch.schema.field(place).type):
            batch = batch.set_column(place, name, pc.cast(batch.column(place), pa.string()))
    return batch


_OPENERS = {
    "csv": _open_csv,
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
