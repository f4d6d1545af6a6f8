"""Series and data frames of pandas: their index has the ids of the examples.

Columns name the classes of scores, or models; where their names say that they have roles, as those of a table in a
file do (ids, true labels, a latency beside scores), a frame is read as that table.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from piescope.reading import names as usual
from piescope.reading.arrow import texts
from piescope.reading.files import fault
from piescope.reading.hints import Hints
from piescope.reading.predictions import Predictions

ROLE_NAMES = usual.ANSWER_NAMES | {*usual.ID_NAMES, *usual.CONFIDENCE_NAMES}
"""Names of columns that are neither classes nor models."""


def ids_of_index(values: Any) -> pa.Array | None:
    """The ids that an index has: where it tells all rows apart and does not only count them.

    Args:
        values: a Series or DataFrame; anything else has no ids.

    Example:
        >>> ids_of_index([0, 1]) is None
        True
    """
    index = values.index if is_of_pandas(values) else None
    return None if index is None or _counts(index) or not index.is_unique else texts([str(name) for name in index])


def named_by_frame(part: Predictions, values: Any) -> Predictions:
    """Predictions with the ids and names that a Series or DataFrame gives them; those of an array as they are.

    Raises:
        InputError: columns of scores that are the numbers of classes, in another order.
    """
    if not is_of_pandas(values) or part.axes[0] != "examples":
        return part
    part = replace(part, ids=ids_of_index(values))
    columns = getattr(values, "columns", None)
    if columns is None or _counts(columns) or not columns.is_unique or len(part.axes) != 2:
        return part
    numbers = [number for number in map(_number_in, columns) if number is not None]
    if part.axes[1] == "classes" and len(numbers) == len(columns) and sorted(numbers) == list(range(len(columns))):
        first = next(place for place, number in enumerate(numbers) if place != number)
        found = f"column {numbers[first]} in place {first}: classes in another order than their numbers"
        cure = "put them in order: frame[sorted(frame.columns, key=int)]"
        raise fault(part.source, "columns", found, "columns 0, 1, 2 ...", cure)
    names = tuple(str(name).strip() for name in columns)
    return replace(part, models=names) if part.axes[1] == "models" else replace(part, class_names=names)


def _number_in(name: Any) -> int | None:
    """The number that a column's name is, also as text."""
    if isinstance(name, str):
        return int(name) if name.isascii() and name.isdecimal() and str(int(name)) == name else None
    return int(name) if isinstance(name, int | np.integer) and not isinstance(name, bool) else None


def is_table(values: Any, hints: Hints) -> bool:
    """Whether the columns of a data frame have roles: the user names one, or a usual name does; or some are no classes.

    Tables of Arrow, and of polars and whoever hands theirs over as such, have no index and are tables always.

    Example:
        >>> is_table([0, 1], Hints())
        False
    """
    columns = getattr(values, "columns", None)
    if is_of_arrow(values):
        return True
    if not is_of_pandas(values) or columns is None or not any(isinstance(name, str) for name in columns):
        return False
    columns = [str(name) for name in columns]
    if hints.score_columns or hints.prediction_columns or hints.id_columns or hints.label_column is not None:
        return True
    if all(re.fullmatch(r"\D+\d+", name) and usual.words_of(name)[0] in usual.SCORE_WORDS for name in columns):
        return True  # prob_0, prob_1: how they count is told as in a file
    are_fractions = all(getattr(kind, "kind", "") == "f" for kind in values.dtypes)
    if are_fractions and ({*columns} == {*hints.names} or _may_be_classes(columns, hints)):
        return False  # a column a class, though some are called y or s
    if len(columns) > len(hints.names) > 0 and {*hints.names} <= {*columns}:
        return True
    return any(usual.key_of(name) in ROLE_NAMES or {*usual.words_of(name)} & usual.MEASURE_WORDS for name in columns)


def _may_be_classes(columns: Sequence[str], hints: Hints) -> bool:
    """Whether there are as many columns as ids of labels, and none is called what an answer, or how sure it is, is."""
    answers = {*usual.PREDICTION_NAMES, *usual.CORRECT_NAMES, *usual.CONFIDENCE_NAMES}
    said = [usual.key_of(name) in answers or {*usual.words_of(name)} & usual.SURENESS_WORDS for name in columns]
    return len(columns) == hints.num_ids and not any(said)


@contextmanager
def as_file(frame: Any, name: str, id_columns: Sequence[str] = ()) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """A data frame as an Arrow file, as long as it is read, with a column of the ids that its index has.

    Args:
        frame: of pandas, or a table of Arrow.
        name: of the file.
        id_columns: that the user names: the index may be one.

    Yields:
        the file, and notes: columns that cannot be there, of several kinds of values say.
    """
    table, left = (pa.table(frame), []) if is_of_arrow(frame) else _arrow_of(frame)
    ids, of_index = ids_of_index(frame), getattr(getattr(frame, "index", None), "name", None)
    free = next((each for each in usual.ID_NAMES if each not in map(usual.key_of, table.column_names)), "id")
    if of_index in id_columns and of_index not in table.column_names:
        table = table.append_column(of_index, texts([str(value) for value in frame.index]))
    elif ids is not None and not any(usual.key_of(column) in usual.ID_NAMES for column in table.column_names):
        table = table.append_column(free, ids)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (name.replace("/", "_") or "frame")
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        yield path, (f"not read: {', '.join(left[:6])} (no numbers or texts)",) if left else ()


def _arrow_of(frame: Any) -> tuple[pa.Table, list[str]]:
    """The columns of a frame of pandas that Arrow can hold, and the names of the others."""
    columns, names, left = [], [], []
    for place, name in enumerate(frame.columns):
        try:
            column = pa.Array.from_pandas(frame.iloc[:, place])
        except (pa.ArrowException, TypeError, ValueError):
            left.append(repr(str(name)))
            continue
        inner = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if isinstance(inner, pa.BaseExtensionType):  # intervals, periods
            left.append(repr(str(name)))
            continue
        columns.append(column)
        names.append(str(name))
    return pa.table(columns, names=names), left


def is_frame(values: Any) -> bool:
    """Whether it has columns: a DataFrame, or a table of Arrow."""
    return is_of_arrow(values) or (is_of_pandas(values) and hasattr(values, "columns"))


def is_of_arrow(values: Any) -> bool:
    """Whether it is a table that is handed over as Arrow's, and none of pandas."""
    return hasattr(values, "__arrow_c_stream__") and hasattr(values, "columns") and not is_of_pandas(values)


def is_of_pandas(values: Any) -> bool:
    """Whether it is a Series or a DataFrame."""
    return hasattr(values, "iloc") and hasattr(values, "index")


def _counts(index: Any) -> bool:
    """Whether an index is 0, 1, 2, ..., as one that nobody gave is."""
    return type(index).__name__ == "RangeIndex" and (index.start, index.step) == (0, 1)
