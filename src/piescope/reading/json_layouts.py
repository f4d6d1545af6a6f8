"""Tables in JSON files: the layouts of pandas, of pipelines, and a mapping of examples to answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from piescope.reading.files import fault, shown
from piescope.reading.known_formats import conversion, refuse_object, refuse_records
from piescope.reading.names import WRAPPER_NAMES, is_usual, key_of
from piescope.wording import printable

LEAST_ANSWERS = 8
"""Entries of a mapping from which it is examples and their answers."""


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
        inner, told = unwrapped(content[named[0]])
        return inner, (_unwrapped_told(named, content), *told)
    columns = [name for name, value in content.items() if isinstance(value, list) and is_usual(name)]
    lengths = {len(content[name]) for name in columns}
    if len(lengths) != 1 or named:
        return content, ()
    length = lengths.pop()
    table = {name: value for name, value in content.items() if isinstance(value, list) and len(value) == length}
    return table, (_unwrapped_told(list(table), content),)


def _may_be_table(value: Any) -> bool:
    """Whether a part of an object is rows, or answers by example, or an object with them."""
    if not isinstance(value, dict):
        return _are_rows(value)
    return _are_answers(value) or any(key_of(name) in WRAPPER_NAMES and _are_rows(value[name]) for name in value)


def _are_answers(content: Mapping[str, Any]) -> bool:
    """Whether an object is examples and their answers: enough of them, all names or all ids."""
    values = content.values()
    return len(content) >= LEAST_ANSWERS and (
        all(isinstance(value, str) for value in values)
        or all(isinstance(value, int) and not isinstance(value, bool) for value in values)
    )


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _unwrapped_told(read: Sequence[str], content: Mapping[str, Any]) -> str:
    left = [name for name in content if name not in read]
    more = f" and {len(left) - 5} more" if len(left) > 5 else ""
    names = [", ".join(repr(printable(name, 40)) for name in each) for each in (read[:5], left[:5])]
    return f"read: {names[0]} of the file's object" + (f", not read: {names[1]}{more}" if left else "")


def _line_for(content: Any, path: Path) -> str:
    """How to write the longest list within an object as rows."""
    lists = {name: value for name, value in content.items() if isinstance(value, list) and value}
    if not lists:
        return "write JSON lines: one object a row"
    name = max(lists, key=lambda each: len(lists[each]))
    row = "r" if all(isinstance(one, dict) for one in lists[name]) else "{'prediction':r}"
    line = conversion(row, f"json.load(sys.stdin)[{name!r}]", shown(path))
    return f"if {printable(name, 40)!r} holds the rows, {line}"


def table_of_json(content: Any, path: Path) -> pa.Table:
    """The table that a JSON file holds, whichever way it lies there.

    Rows as objects; an object of columns, or of rows by example (pandas' ``columns`` and ``index``); pandas' ``split``
    and ``table``; rows as lists; a list of ``{label, score}`` an example; answers by example.

    Raises:
        InputError: none of these, or a file of another tool.
    """
    found = _of_list(content, path) if isinstance(content, list) else None
    if isinstance(content, dict) and content:
        refuse_object(content, path)
        found = _of_object(content, path)
    if found is None:
        raise fault(
            path,
            "content",
            f"a JSON {type(content).__name__}" + (f" with {_told(content)}" if isinstance(content, dict) else ""),
            "a list of objects, or an object of lists",
            _line_for(content, path) if isinstance(content, dict) else "write JSON lines: one object a row",
        )
    return found


def _told(content: Mapping[str, Any]) -> str:
    return printable(", ".join(map(repr, list(content)[:6])), 80) or "nothing in it"


def _of_list(content: list[Any], path: Path) -> pa.Table | None:
    if not content:
        return None
    if all(isinstance(row, dict) for row in content):
        refuse_records(content[0], path)
        return _of_rows(content)
    if all(isinstance(row, list) and row and all(isinstance(one, dict) for one in row) for row in content):
        return _of_label_scores(content, path)
    if all(isinstance(row, list) and len(row) == len(content[0]) for row in content) and content[0]:
        if any(isinstance(cell, (list, dict)) for row in content for cell in row):
            return None
        return pa.table({f"column {place + 1}": [row[place] for row in content] for place in range(len(content[0]))})
    if not any(isinstance(item, (list, dict)) for item in content):
        return pa.table({"column 1": content})
    return None


def _of_rows(rows: Sequence[Mapping[str, Any]], index: Sequence[str] = ()) -> pa.Table:
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return pa.table(({"id": list(index)} if index and "id" not in columns else {}) | columns)


def _of_label_scores(rows: list[list[dict[str, Any]]], path: Path) -> pa.Table | None:
    """A pipeline's answers: for each example a list of ``{label, score}``; a column a label, if all are there."""
    if not all(set(one) == {"label", "score"} for row in rows for one in row):
        return None
    labels = sorted({str(one["label"]) for row in rows for one in row})
    tables = [{str(one["label"]): one["score"] for one in row} for row in rows]
    if all(len(table) == len(labels) for table in tables):
        return pa.table({f"score_{label}": [table[label] for table in tables] for label in labels})
    raise fault(
        path,
        "content",
        "the best few labels of each example with their scores",
        "the scores of all classes, or the best label alone",
        "ask the pipeline for all (top_k=None), or write the first label of each as prediction",
    )


def _of_object(content: dict[str, Any], path: Path) -> pa.Table | None:
    values = list(content.values())
    if {"columns", "data"} <= set(content) and isinstance(content["data"], list):
        names, rows = [str(name) for name in content["columns"]], content["data"]
        if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
            return None
        table: dict[str, list[Any]] = {name: [row[place] for row in rows] for place, name in enumerate(names)}
        index = [str(one) for one in content.get("index") or ()]
        return _with_index(table, index)
    if {"schema", "data"} <= set(content) and isinstance(content["data"], list):
        return _of_rows(content["data"]) if all(isinstance(row, dict) for row in content["data"]) else None
    if all(isinstance(value, list) for value in values):
        return pa.table(content)
    if all(isinstance(value, dict) and value for value in values):
        return _of_objects(content, path)
    if _are_answers(content):
        return pa.table({"id": list(content), "prediction": values})
    return None


def _with_index(table: dict[str, list[Any]], index: Sequence[str]) -> pa.Table:
    """With the rows' names as ids, unless they only count them."""
    counts = [str(number) for number in range(len(index))]
    if index and list(index) != counts and "id" not in table:
        table = {"id": list(index), **table}
    return pa.table(table)


def _of_objects(content: dict[str, dict[str, Any]], path: Path) -> pa.Table | None:
    """Columns by name or rows by example: which are the columns tell usual names, else that there are fewer of them."""
    inner = list(dict.fromkeys(name for value in content.values() for name in value))
    outer = list(content)
    by_row, by_column = any(map(is_usual, inner)), any(map(is_usual, outer))
    if by_row == by_column:
        by_row, by_column = len(inner) < len(outer), len(outer) < len(inner)
    if by_row == by_column:
        raise fault(
            path,
            "content",
            f"an object of objects, {len(outer)} by {len(inner)}",
            "rows by example, or columns by name",
            "write JSON lines: one object a row",
        )
    if by_column:
        rows = [{name: content[name].get(one) for name in outer} for one in inner]
        return _with_index({name: [row[name] for row in rows] for name in outer}, inner)
    return _with_index({name: [content[one].get(name) for one in outer] for name in inner}, outer)
