"""Tables in JSON: lines of objects, and one text in the layouts of pandas, of pipelines, or of answers by example."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from piescope.reading.files import fault, shown, typed
from piescope.reading.known_formats import conversion, refuse_object, refuse_records
from piescope.reading.names import WRAPPER_NAMES, is_usual, key_of
from piescope.wording import in_quotes, printable

SAMPLE = 2**16
"""Bytes of JSON lines that are looked at to tell whose they are."""

MOST_JSON = 2**26
"""Bytes of a .json file, which cannot be read in parts."""

DEEPEST_JSON = 500
"""Brackets within brackets on a line; thousands of them overflow the stack of Arrow's parser."""

MOST_BRACKETS = 2**22
"""Lists and objects of a .json file: an empty one takes two bytes there and sixty in memory."""

MOST_CELLS, MOST_CELLS_A_KEY = 2**22, 16
"""Cells of a table of which rows have some keys each: so many, or so many times those that are there."""

BLOCK = 2**22
"""Bytes of JSON lines that Arrow reads at once; the first tell it the columns."""

NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}\n"))

LEAST_ANSWERS = 8
"""Entries of a mapping from which it is examples and their answers."""

JSON_ROWS = "write JSON lines: one object a row"


def check_lines(path: Path) -> None:
    """Refuses JSON lines that Arrow's parser does not survive: no object first, brackets thousands deep; InputError."""
    before, line = 0, 1
    with path.open("rb") as file:
        start = file.read(SAMPLE).removeprefix(codecs.BOM_UTF8).lstrip()
        refuse_records(_first_object(start.partition(b"\n")[0]), path)
        if not start.startswith(b"{"):
            raise fault(path, "line 1", f"{start[:20]!r}", 'a JSON object: {"id": ...}', "write one object a line")
        file.seek(0)
        _check_keys(file.read(BLOCK).splitlines(), path)
        file.seek(0)
        while chunk := file.read(BLOCK):
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


def mixed_keys(path: Path) -> tuple[str, ...]:
    """Keys whose values Arrow cannot hold as one type, ``[-1.5, false]`` say, in the first rows; JSON allows them.

    Returns:
        their names; empty where a line is no JSON object.
    """
    with path.open("rb") as file:
        start = file.read(BLOCK)
    lines = start.removeprefix(codecs.BOM_UTF8).splitlines()
    lines = lines if len(start) < BLOCK else lines[:-1]
    rows = [_first_object(line) for line in lines if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        return ()
    return tuple(key for key in dict.fromkeys(key for row in rows for key in row) if not _is_of_one_type(rows, key))


def _is_of_one_type(rows: Sequence[Mapping[str, Any]], key: str) -> bool:
    """Whether a key's values, and those at each place within them, are all truths, numbers, texts, lists or objects."""
    kinds: dict[str, type] = {}
    left = [("", row.get(key)) for row in rows]
    while left:
        place, value = left.pop()
        if value is None:
            continue
        kind = float if isinstance(value, int) and not isinstance(value, bool) else type(value)
        if kinds.setdefault(place, kind) is not kind:
            return False
        if isinstance(value, list):
            left.extend((f"{place}[]", item) for item in value)
        elif isinstance(value, dict):
            left.extend((f"{place}.{name}", item) for name, item in value.items())
    return True


def lines_without(path: Path, left_out: Sequence[str], most: int) -> Iterator[pa.RecordBatch]:
    """JSON lines without some keys, so many rows at a time; of the types that the first have.

    Raises:
        ValueError: a line that is no JSON object.
        pyarrow.ArrowException: a value of another type than in the first rows.
    """
    schema: pa.Schema | None = None
    with path.open(encoding="utf-8-sig") as file:
        lines = (line for line in file if line.strip())
        while some := list(islice(lines, most)):
            rows = [{key: value for key, value in json.loads(line).items() if key not in left_out} for line in some]
            batch = pa.RecordBatch.from_pylist(rows, schema) if schema else pa.RecordBatch.from_pylist(rows)
            schema = batch.schema
            yield batch


def _check_keys(lines: Sequence[bytes], path: Path) -> None:
    """Refuses rows with keys of their own, which would all be columns of all rows."""
    names, there = set[str](), 0
    for line in lines:
        keys = list(_keys(_first_object(line)))
        there += len(keys)
        names.update(keys)
    _check_cells(len(names), len(lines), there, path)


def _keys(content: Any, before: str = "", deep: int = 0) -> Iterator[str]:
    """Keys of an object and of those within it."""
    if isinstance(content, dict) and deep < MOST_NESTED:
        for name, value in content.items():
            yield before + name
            yield from _keys(value, f"{before}{name}.", deep + 1)


MOST_NESTED = 16


def _check_cells(columns: int, rows: int, there: int, path: Path) -> None:
    if columns * rows > max(MOST_CELLS, MOST_CELLS_A_KEY * there):
        found = f"{columns:,} different keys in {rows:,} rows, most of which lack most of them"
        raise fault(path, "rows", found, "the same keys in all rows", JSON_ROWS)


def _first_object(line: bytes) -> dict[str, Any]:
    """The object of a line of JSON; empty where it is none."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def read_json(path: Path) -> tuple[pa.Table, tuple[str, ...]]:
    """The table of a .json file, and what is said of how it lies there.

    Raises:
        InputError: too large, of another tool, or no table.
    """
    size = path.stat().st_size
    if size > MOST_JSON:
        raise fault(path, "size", f"{size:,} bytes", f"at most {MOST_JSON:,} of JSON", "write JSON lines or Parquet")
    raw = path.read_bytes()
    brackets = raw.count(b"[") + raw.count(b"{")
    if brackets > MOST_BRACKETS:
        raise fault(path, "content", f"{brackets:,} lists and objects", f"at most {MOST_BRACKETS:,}", JSON_ROWS)
    try:
        content = json.loads(raw)
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Extra data") or error.lineno != 2:
            raise
        cure = f"name it by what it holds: mv {typed(shown(path))} {typed(shown(path.with_suffix('.jsonl')))}"
        raise fault(path, "content", "JSON lines, one object a line", "one JSON text", cure) from None
    if isinstance(content, dict):
        refuse_object(content, path)
    inner, notes = unwrapped(content)
    return table_of_json(inner, path), notes


def unwrapped(content: Any) -> tuple[Any, tuple[str, ...]]:
    """The table within a JSON object that also says of which model it is, how accurate and the like; and what is left.

    It is a list of rows, or an object of answers, under a usual name (``predictions``, ``results`` ...), the only such;
    or lists of one length with usual names of columns. Anything else stays as it is.

    Example:
        >>> unwrapped({"model": "resnet18", "predictions": [{"id": 1, "label": "cat"}]})
        ([{'id': 1, 'label': 'cat'}], ("read: 'predictions' of the file's object, not read: 'model'",))
        >>> unwrapped({"bits": 8, "ids": ["a", "b"], "pred": [0, 1]})[0]
        {'ids': ['a', 'b'], 'pred': [0, 1]}
    """
    if not isinstance(content, dict) or {"columns", "data"} <= set(content) or {"schema", "data"} <= set(content):
        return content, ()
    kinds = {dict if _are_rows(value) else type(value) for value in content.values()}
    if kinds == {list} or not kinds & {list, dict} or all(isinstance(value, dict) for value in content.values()):
        return content, ()
    named = [name for name, value in content.items() if key_of(name) in WRAPPER_NAMES and _may_be_table(value)]
    if len(named) == 1:
        inner, notes = unwrapped(content[named[0]])
        return inner, (_note_of_part(named, content), *notes)
    lengths = {len(value) for name, value in content.items() if isinstance(value, list) and is_usual(name)}
    if len(lengths) != 1 or named:
        return content, ()
    length = lengths.pop()
    table = {name: value for name, value in content.items() if isinstance(value, list) and len(value) == length}
    return table, (_note_of_part(list(table), content),)


def _may_be_table(value: Any) -> bool:
    """Whether a part of an object is rows, or answers by example, or an object with them."""
    if not isinstance(value, dict):
        return _are_rows(value)
    return _are_answers(value) or any(key_of(name) in WRAPPER_NAMES and _are_rows(value[name]) for name in value)


def _are_answers(content: Mapping[str, Any]) -> bool:
    """Whether an object is examples and their answers: enough of them, all names or all ids."""
    kinds = {type(value) for value in content.values()}
    return len(content) >= LEAST_ANSWERS and kinds in ({str}, {int})


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _note_of_part(read: Sequence[str], content: Mapping[str, Any]) -> str:
    left = [name for name in content if name not in read]
    more = f" and {len(left) - 5} more" if len(left) > 5 else ""
    parts = [", ".join(in_quotes(name, 40) for name in names[:5]) for names in (read, left)]
    return f"read: {parts[0]} of the file's object" + (f", not read: {parts[1]}{more}" if left else "")


def _line_for(content: Any, path: Path) -> str:
    """How to write the longest list within an object as rows."""
    lists = {name: value for name, value in content.items() if isinstance(value, list) and value}
    if not lists:
        return JSON_ROWS
    name = max(lists, key=lambda key: len(lists[key]))
    row = "r" if _are_rows(lists[name]) else "{'prediction':r}"
    line = conversion(row, f"json.load(sys.stdin)[{name!r}]", shown(path))
    return f"if {in_quotes(name, 40)} holds the rows, {line}"


def table_of_json(content: Any, path: Path) -> pa.Table:
    """The table that a JSON file holds, whichever way it lies there.

    Rows as objects; an object of columns, or of rows by example (pandas' ``columns`` and ``index``); pandas' ``split``
    and ``table``; rows as lists; a list of ``{label, score}`` an example; answers by example.

    Raises:
        InputError: none of these, or a file of another tool.
    """
    is_object = isinstance(content, dict)
    table = _of_list(content, path) if isinstance(content, list) else None
    if is_object and content:
        refuse_object(content, path)
        table = _of_object(content, path)
    if table is None:
        keys = printable(", ".join(map(repr, list(content)[:6])), 80) or "nothing in it" if is_object else ""
        found = f"a JSON {type(content).__name__}" + (f" with {keys}" if is_object else "")
        cure = _line_for(content, path) if is_object else JSON_ROWS
        raise fault(path, "content", found, "a list of objects, or an object of lists", cure)
    return table


def _of_list(content: list[Any], path: Path) -> pa.Table | None:
    if _are_rows(content):
        refuse_records(content[0], path)
        return _of_rows(content, path)
    if content and all(map(_are_rows, content)):
        return _of_label_scores(content, path)
    if content and all(isinstance(row, list) and len(row) == len(content[0]) for row in content) and content[0]:
        if any(isinstance(cell, (list, dict)) for row in content for cell in row):
            return None
        return pa.table({f"column {place + 1}": [row[place] for row in content] for place in range(len(content[0]))})
    if not content or any(isinstance(item, (list, dict)) for item in content):
        return None
    return pa.table({"column 1": content})


def _of_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> pa.Table:
    names = dict.fromkeys(name for row in rows for name in row)
    _check_cells(len(names), len(rows), sum(map(len, rows)), path)
    return pa.table({name: [row.get(name) for row in rows] for name in names})


def _of_label_scores(rows: list[list[dict[str, Any]]], path: Path) -> pa.Table | None:
    """A pipeline's answers: for each example a list of ``{label, score}``; a column a label, if all are there."""
    if not all(set(one) == {"label", "score"} for row in rows for one in row):
        return None
    labels = sorted({str(one["label"]) for row in rows for one in row})
    tables = [{str(one["label"]): one["score"] for one in row} for row in rows]
    if all(len(table) == len(labels) for table in tables):
        return pa.table({f"score_{label}": [table[label] for table in tables] for label in labels})
    found = "the best few labels of each example with their scores"
    cure = "ask the pipeline for all (top_k=None), or write the first label of each as prediction"
    raise fault(path, "content", found, "the scores of all classes, or the best label alone", cure)


def _of_object(content: dict[str, Any], path: Path) -> pa.Table | None:
    values = list(content.values())
    if {"columns", "data"} <= set(content) and isinstance(content["data"], list):
        names, rows = [str(name) for name in content["columns"]], content["data"]
        if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
            return None
        index = [str(one) for one in content.get("index") or ()]
        return _with_index({name: [row[place] for row in rows] for place, name in enumerate(names)}, index)
    if {"schema", "data"} <= set(content) and isinstance(content["data"], list):
        return _of_rows(content["data"], path) if all(isinstance(row, dict) for row in content["data"]) else None
    if all(isinstance(value, list) for value in values):
        return pa.table(content)
    if all(isinstance(value, dict) and value for value in values):
        return _of_objects(content, path)
    return pa.table({"id": list(content), "prediction": values}) if _are_answers(content) else None


def _with_index(table: dict[str, list[Any]], index: Sequence[str]) -> pa.Table:
    """With the rows' names as ids, unless they only count them."""
    counts = [str(number) for number in range(len(index))]
    has_ids = index and list(index) != counts and "id" not in table
    return pa.table({"id": list(index), **table} if has_ids else table)


def _of_objects(content: dict[str, dict[str, Any]], path: Path) -> pa.Table | None:
    """Columns by name or rows by example: which are the columns tell usual names, else that there are fewer of them."""
    inner = list(dict.fromkeys(name for value in content.values() for name in value))
    outer = list(content)
    _check_cells(len(inner), len(outer), sum(map(len, content.values())), path)
    by_row, by_column = any(map(is_usual, inner)), any(map(is_usual, outer))
    if by_row == by_column:
        by_row, by_column = len(inner) < len(outer), len(outer) < len(inner)
    if by_row == by_column:
        found = f"an object of objects, {len(outer)} by {len(inner)}"
        raise fault(path, "content", found, "rows by example, or columns by name", JSON_ROWS)
    if by_column:
        return _with_index({name: [content[name].get(one) for one in inner] for name in outer}, inner)
    return _with_index({name: [content[one].get(name) for one in outer] for name in inner}, outer)
