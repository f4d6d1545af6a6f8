"""Columns: NumPy to Arrow and back, straight through memory, and what the first rows of a column show.

Arrow's own conversions import pandas wherever it is installed, which takes longer than the rest of a small audit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.reading.names import words_of

TYPES = {
    "b1": pa.bool_(),
    "i1": pa.int8(),
    "i2": pa.int16(),
    "i4": pa.int32(),
    "i8": pa.int64(),
    "u1": pa.uint8(),
    "u2": pa.uint16(),
    "u4": pa.uint32(),
    "u8": pa.uint64(),
    "f2": pa.float16(),
    "f4": pa.float32(),
    "f8": pa.float64(),
}


def numpy_of(column: Any) -> np.ndarray:
    """The numbers of an Arrow array without nulls; true and false as 1 and 0.

    Example:
        >>> numpy_of(column_of(np.array([1.5, 2.5]))).tolist(), numpy_of(column_of(np.array([True, False]))).tolist()
        ([1.5, 2.5], [1, 0])
    """
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(values, pa.ChunkedArray):  # of no chunks, or of several that cannot be one
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if pa.types.is_boolean(values.type):
        values = pc.cast(values, pa.uint8())
    if values.null_count:
        raise ValueError(f"{values.null_count} nulls; expected none: fill them first")
    if len(values) == 0:
        return np.zeros(0, values.type.to_pandas_dtype())
    return np.from_dlpack(values)


def column_of(values: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """An Arrow array of numbers; null where ``missing``.

    Example:
        >>> column_of(np.array([1, 2], np.int32), np.array([False, True])).to_pylist()
        [1, None]
    """
    array = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    valid = None if missing is None or not missing.any() else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    held = np.packbits(array, bitorder="little") if array.dtype == bool else array
    kind = TYPES[array.dtype.str[1:]]
    return pa.Array.from_buffers(kind, len(array), [valid, pa.py_buffer(held)])


def texts(values: Iterable[str]) -> pa.Array:
    """An Arrow array of text.

    Example:
        >>> texts(["cat", "größer"]).to_pylist()
        ['cat', 'größer']
    """
    encoded = [value.encode("utf-8", "replace") for value in values]
    ends = np.concatenate([[0], np.cumsum([len(each) for each in encoded], dtype=np.int64)]).astype(np.int64)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(encoded), buffers).cast(pa.string())


ColumnKind = Literal["whole", "fraction", "text", "list", "empty", "other"]

LIST_TEXT = re.compile(
    r"\s*((tensor|array)\()?[\[(]+[^\[\]()]*[\])]+(,\s*\w+=[^()]*)*\)?\s*|\s*[-+.\deE]+(\s+[-+.\deE]+)+\s*", re.DOTALL
)
"""A cell that NumPy, torch or Python wrote a list to: ``[0.1 0.9]``, ``tensor([0.1, 0.9])``, ``0.1 0.9``."""

LONGEST_LIST = 2**15 + 1
"""Numbers of a list that are looked at: one more than there can be classes."""

LONGEST_ID = 300
"""Characters of a text that can be an id."""


@dataclass(frozen=True, eq=False)
class Column:
    """What the first rows of a column, or of an array of a file, show: all that its role is decided from.

    Attributes:
        name: as the file has it.
        kind: ``whole`` (true and false, integers, and fractions that are all whole), ``fraction``, ``text``, ``list``
            (several numbers a row, also as text), ``empty`` or ``other``.
        numbers: ``[rows, width]`` float64, NaN where a cell is empty; None for text.
        texts: ``[rows]``, None where a cell is empty; None for numbers.

    Example:
        >>> found = profile("SubjectID", pa.array(["a", "b", "b"]))
        >>> found.kind, found.key, found.distinct, found.is_unique
        ('text', 'subject_id', 2, False)
    """

    name: str
    kind: ColumnKind
    numbers: np.ndarray | None = None
    texts: Sequence[str | None] | None = None

    @property
    def rows(self) -> int:
        """How many were looked at."""
        return len(self.texts) if self.texts is not None else 0 if self.numbers is None else len(self.numbers)

    @property
    def width(self) -> int:
        """Numbers a row; 0 for text."""
        return 0 if self.numbers is None else self.numbers.shape[1]

    @property
    def values(self) -> np.ndarray:
        """``[rows]`` of a column with one number a row; the first of a list, NaN where it has none."""
        assert self.numbers is not None
        return self.numbers[:, 0] if self.width else np.full(len(self.numbers), np.nan)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the name, in small letters."""
        return words_of(self.name)

    @property
    def key(self) -> str:
        """The name as lists of usual names have it."""
        return "_".join(self.words)

    @cached_property
    def distinct(self) -> int:
        """How many different values were seen."""
        if self.texts is not None:
            return len(set(self.texts))
        return 0 if self.numbers is None else len(np.unique(self.numbers, axis=0))

    @property
    def is_unique(self) -> bool:
        """Whether each row has another value, and none is empty."""
        if self.distinct < self.rows or not self.rows:
            return False
        return None not in self.texts if self.texts is not None else not np.isnan(self.values).any()

    @cached_property
    def is_counter(self) -> bool:
        """Whether it counts the rows, from 0 or 1."""
        if self.kind != "whole" or self.rows < 2:
            return False
        return bool(self.values[0] in (0, 1) and (np.diff(self.values) == 1).all())

    @cached_property
    def is_binary(self) -> bool:
        """Whether all values are 0 or 1, true or false."""
        return self.kind == "whole" and bool(np.isin(self.values, (0, 1)).all())

    @cached_property
    def is_identifier(self) -> bool:
        """Whether it can be ids by its values: each row another one, short texts without blanks, or whole numbers."""
        if not self.is_unique:
            return False
        if self.texts is not None:
            return all(
                len(text or "") <= LONGEST_ID and not any(c.isspace() for c in text or "") for text in self.texts
            )
        return self.kind == "whole"

    @property
    def is_number(self) -> bool:
        """Whether it has one number a row."""
        return self.kind in ("whole", "fraction")


def profile(name: str, values: pa.Array) -> Column:
    """What some rows of a column show."""
    kind = values.type
    if pa.types.is_null(kind) or values.null_count == len(values):
        return Column(name, "empty", np.full((len(values), 1), np.nan))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return profile_of_numbers(name, _floats(values)[:, None])
    if pa.types.is_string(kind):
        texts: list[str | None] = values.to_pylist()
        told = [text for text in texts if text]
        if told and all(LIST_TEXT.fullmatch(text) for text in told):
            return Column(name, "list", _rows_of_text(texts))
        return Column(name, "text", None, texts)
    if pa.types.is_temporal(kind):
        return Column(name, "text", None, pc.cast(values, pa.string()).to_pylist())
    if pa.types.is_struct(kind):
        return Column(name, "list", np.stack([_floats(each) for each in values.flatten()], axis=1))
    if pa.types.is_nested(kind):
        return Column(name, "list", _rows_of_lists(values))
    return Column(name, "other", np.zeros((len(values), 0)))


def profile_of_numbers(name: str, values: np.ndarray) -> Column:
    """What some rows of an array ``[rows, width]`` show."""
    numbers = values.astype(np.float64)
    if numbers.shape[1] > 1:
        return Column(name, "list", numbers)
    known = numbers[~np.isnan(numbers)]
    with np.errstate(invalid="ignore"):
        is_whole = bool(len(known)) and bool((known == np.trunc(known)).all() and np.isfinite(known).all())
    return Column(name, "whole" if is_whole else "fraction" if len(known) else "empty", numbers)


def _rows_of_lists(values: pa.Array) -> np.ndarray:
    """``[rows, width]`` of lists; only those as long as the first (others are refused when they are read)."""
    lengths = _floats(pc.list_value_length(values))
    length = int(np.nan_to_num(lengths[0]))
    if length > LONGEST_LIST:  # no scores; they are refused by their length when they are read
        values, length = pc.list_slice(values, 0, LONGEST_LIST), LONGEST_LIST
        lengths = np.minimum(lengths, LONGEST_LIST)
    alike = values.filter(column_of(lengths == length))
    return _floats(pc.list_flatten(alike)).reshape(len(alike), length) if length else np.zeros((len(alike), 0))


def _floats(values: pa.Array) -> np.ndarray:
    """Numbers as float64, NaN for what is empty (Arrow's own ``fill_null`` imports pandas)."""
    numbers = pc.cast(values, pa.float64(), safe=False)
    if not numbers.null_count:
        return numpy_of(numbers)
    found = np.full(len(numbers), np.nan)
    found[numpy_of(numbers.is_valid()).astype(bool)] = numpy_of(numbers.drop_null())
    return found


def _rows_of_text(texts: Sequence[str | None]) -> np.ndarray:
    rows = [numbers_in(text or "") for text in texts]
    length = max(map(len, rows), default=0)
    if not length:
        return np.zeros((len(rows), 0))
    return np.array([row if len(row) == length else [np.nan] * length for row in rows], np.float64).reshape(-1, length)


def numbers_in(text: str) -> list[float]:
    """The numbers of a list that was written as text; empty where it is something else.

    Example:
        >>> numbers_in("[0.1 0.9]"), numbers_in("tensor([[1e-3, 2]])"), numbers_in("[0.1 ... 0.2]")
        ([0.1, 0.9], [0.001, 2.0], [])
    """
    inner = re.search(r"[\[(]([^\[\]()]*)[\])]", text)
    try:
        return [float(part) for part in (inner[1] if inner else text).replace(",", " ").split()]
    except ValueError:
        return []
