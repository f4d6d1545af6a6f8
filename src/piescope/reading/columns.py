"""Columns: what the first rows of one show, and its cells as numbers: scores, lists of scores, yes and no."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.reading.arrow import column_of, first_null, floats_of, ids_alike, numpy_of
from piescope.reading.csv_tables import NUMBER
from piescope.reading.files import fault
from piescope.reading.names import AMOUNT_WORDS, MEASURE_WORDS, ROW_NAMES, truth_of_word, words_of
from piescope.wording import in_quotes

ColumnKind = Literal["whole", "fraction", "text", "list", "empty", "other"]

LIST_TEXT = re.compile(
    r"\s*((tensor|array)\()?[\[(]+[^\[\]()]*[\])]+(,\s*\w+=[^()]*)*\)?\s*|\s*[-+.\deE]+(\s+[-+.\deE]+)+\s*", re.DOTALL
)
"""A cell that NumPy, torch or Python wrote a list to: ``[0.1 0.9]``, ``tensor([0.1, 0.9])``, ``0.1 0.9``."""

LONGEST_LIST = 2**15 + 1
"""Numbers of a list that are looked at: one more than there can be classes."""

LEAST = 8
"""Rows from which values are evidence."""

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
        >>> column = profile("SubjectID", pa.array(["a", "b", "b"]))
        >>> column.kind, column.key, column.distinct, column.is_unique
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

    @property
    def cells(self) -> Sequence[object]:
        """``[rows]`` of its texts, or of its numbers."""
        return list(self.texts) if self.texts is not None else self.values.tolist()

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
        if self.texts is None or not self.is_unique:
            return self.is_unique and self.kind == "whole"
        return all(len(text or "") <= LONGEST_ID and not any(map(str.isspace, text or "")) for text in self.texts)

    @property
    def is_number(self) -> bool:
        """Whether it has one number a row."""
        return self.kind in ("whole", "fraction")

    @property
    def is_label(self) -> bool:
        """Whether it can hold classes by its type."""
        return self.kind in ("whole", "text")

    @cached_property
    def says_right(self) -> bool:
        """Whether all values say right or wrong: 0 and 1, true and false, or words for them."""
        if self.texts is not None:
            return bool(self.texts) and all(truth_of_word(text or "") is not None for text in self.texts)
        return self.is_binary

    @property
    def is_measured(self) -> bool:
        """Whether it is a measurement by its name."""
        return self.has_any(MEASURE_WORDS)

    @property
    def counts_rows(self) -> bool:
        """Whether it is named as one that counts rows, and has another value in each: an index of pandas."""
        return self.key in ROW_NAMES and self.rows >= LEAST and self.is_unique

    @property
    def may_be_predictions(self) -> bool:
        """Whether it may hold what a model says, though left out: values that vary, and are no times or sizes."""
        is_read = self.kind in ("whole", "fraction", "text", "list")
        return is_read and (self.distinct > 1 or self.kind == "list") and not self.has_any(AMOUNT_WORDS)

    def within(self, low: float, high: float) -> bool:
        """Whether all values lie between two numbers, and none is empty."""
        return bool(((self.values >= low) & (self.values <= high)).all())

    def has_any(self, words: Collection[str]) -> bool:
        """Whether its name has one of some words."""
        return not set(words).isdisjoint(self.words)


def profile(name: str, values: pa.Array) -> Column:
    """What some rows of a column show."""
    kind = values.type
    if pa.types.is_null(kind) or values.null_count == len(values):
        return Column(name, "empty", np.full((len(values), 1), np.nan))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return profile_of_numbers(name, floats_of(values)[:, None])
    if pa.types.is_string(kind):
        texts: list[str | None] = values.to_pylist()
        written = [text for text in texts if text]
        if written and all(map(LIST_TEXT.fullmatch, written)):
            return Column(name, "list", _rows_of_text(texts))
        return Column(name, "text", None, texts)
    if pa.types.is_temporal(kind):
        return Column(name, "text", None, pc.cast(values, pa.string()).to_pylist())
    if pa.types.is_struct(kind):
        return Column(name, "list", np.stack([floats_of(part) for part in values.flatten()], axis=1))
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
    lengths = floats_of(pc.list_value_length(values))
    length = int(np.nan_to_num(lengths[0]))
    if length > LONGEST_LIST:  # no scores; they are refused by their length when they are read
        values, length = pc.list_slice(values, 0, LONGEST_LIST), LONGEST_LIST
        lengths = np.minimum(lengths, LONGEST_LIST)
    alike = values.filter(column_of(lengths == length))
    return floats_of(pc.list_flatten(alike)).reshape(len(alike), length) if length else np.zeros((len(alike), 0))


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


LOOK = 1024
"""Rows of a column or an array, of its beginning, that tell what its values are."""

LEAVE_OUT = "leave that example out of all files"


def check_no_text(unused: Sequence[Column], path: Path) -> None:
    """Refuses a column of numbers with text among them, which would silently be left out of the scores."""
    for column in unused:
        cells = [cell or "" for cell in (column.texts or ())[:LOOK]]
        odd = [row for row, cell in enumerate(cells) if not NUMBER.fullmatch(cell.strip())]
        if odd and len(odd) < len(cells) / 2:
            where, cure = f"{column.name}, row {odd[0]}", "mend that cell, or leave its example out of all files"
            raise fault(path, where, repr(cells[odd[0]]), "a number in each row", cure)


def numbers(column: pa.Array, path: Path, name: str, first: int = 0, length: int = 1) -> np.ndarray:
    """A column as float32, ``length`` numbers a row; InputError for an empty cell, which names its row."""
    if column.null_count:
        where = f"{name}, row {first + first_null(column) // length}"
        raise fault(path, where, "an empty cell or NaN", "a number in each row", LEAVE_OUT)
    return numpy_of(pc.cast(column, pa.float32(), safe=False))


def vector(column: pa.Array, path: Path, name: str, first: int = 0) -> np.ndarray:
    """A column of lists or structs as ``[rows, length]`` float32; InputError where lengths differ."""
    if column.null_count:
        where = f"{name}, row {first + first_null(column)}"
        raise fault(path, where, "an empty cell", "a list of numbers in each row", LEAVE_OUT)
    if pa.types.is_string(column.type):
        return _vector_of_text(column.to_pylist(), path, name, first)
    if pa.types.is_struct(column.type):
        parts = [(field.name, column.field(place)) for place, field in enumerate(column.type)]
        return np.stack([numbers(part, path, f"{name}.{key}", first) for key, part in parts], axis=1)
    lengths = numpy_of(pc.list_value_length(column))
    length = int(lengths[0])
    if length == 0 or (lengths != length).any():
        odd = int(np.argmax(lengths != length))
        found = f"a list of {int(lengths[odd])} numbers" + (f", after lists of {length}" if odd else "")
        cure = "give one number a class, or a dimension, in each row"
        raise fault(path, f"{name}, row {first + odd}", found, "lists of one length", cure)
    return numbers(pc.list_flatten(column), path, name, first, length).reshape(len(column), length)


def _vector_of_text(cells: Sequence[str], path: Path, name: str, first: int) -> np.ndarray:
    """Lists that were written as text, ``[0.1 0.9]`` or ``[0.1, 0.9]``, as ``[rows, length]`` float32."""
    rows = [numbers_in(cell) for cell in cells]
    length = len(rows[0])
    odd = next((place for place, row in enumerate(rows) if len(row) != length or not row), None)
    if odd is not None:
        found = f"{in_quotes(cells[odd], 40)}, {len(rows[odd])} numbers" + (f" after {length}" if odd else "")
        cure = "write all numbers, one column a class (NumPy cuts long arrays in text), or an .npy"
        raise fault(path, f"{name}, row {first + odd}", found, "lists of numbers of one length", cure)
    return np.array(rows, np.float32)


def yes_or_no(column: pa.Array, path: Path, name: str, first: int) -> np.ndarray:
    """``[rows]`` numbers; 1 for words that say right, 0 for those that say wrong; InputError for others."""
    if not pa.types.is_string(column.type):
        return numbers(column, path, name, first)
    encoded = pc.dictionary_encode(column)
    said = [truth_of_word(word) for word in encoded.dictionary.to_pylist()]
    if column.null_count or None in said:
        where = f"{name}, row {first + first_null(column)}"
        raise fault(path, where, "an empty cell or another word", "right or wrong", "write 1 and 0")
    return np.array(said, np.float32)[numpy_of(encoded.indices)]


MOST_IDS, MOST_IDS_A_BYTE = 2**26, 40
"""Bytes of all ids of a file, which are held in memory; and for each byte of the file."""


class Ids:
    """The ids of a table, collected batch by batch."""

    def __init__(self, path: Path, may_be_empty: bool = False) -> None:
        self._path, self._parts, self._may_be_empty = path, list[pa.Array](), may_be_empty
        self._room = max(MOST_IDS, MOST_IDS_A_BYTE * path.stat().st_size)

    def add(self, batch: pa.RecordBatch, column: str | None) -> None:
        """Keeps the ids of a batch; InputError for an empty one."""
        if column is None:
            return
        values = batch.column(column)
        if not self._may_be_empty:
            empty = numpy_of(values.is_null()) == 1 if values.null_count else numpy_of(pc.binary_length(values)) == 0
            if empty.any():
                where = f"{column}, row {sum(map(len, self._parts)) + int(np.argmax(empty))}"
                raise fault(self._path, where, "an empty id", "an id in each row", "give each example one")
        self._parts.append(values)
        self._room -= values.nbytes
        if self._room < 0:
            found, size = f"ids of {sum(part.nbytes for part in self._parts):,} bytes", self._path.stat().st_size
            expected = f"at most {max(MOST_IDS, MOST_IDS_A_BYTE * size):,} of a file of {size:,}"
            raise fault(self._path, column, found, expected, "write short ids: numbers, or names of files")

    def array(self) -> pa.Array | None:
        """All ids; None where there is no such column."""
        return ids_alike(pa.concat_arrays(self._parts)) if self._parts else None
