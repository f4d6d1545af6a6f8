"""Labels as numbers: class ids stay as they are, names are numbered as they come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.problems import InputError
from piescope.reading.arrow import first_null, numpy_of
from piescope.reading.files import fault

MOST_CLASSES = 2**15
"""More distinct labels than this are ids, regression targets or a wrong column."""

LONGEST_NAME = 1000
"""Characters of a class name."""

SIGNS = ("-1", "1")
"""The names of two classes that are written -1 and 1."""


@dataclass
class Coder:
    """Turns the labels of one file into codes, batch by batch: ids stay as they are, names are numbered as they come.

    Where ``is_signed``, numbers are -1 and 1, the names of two classes. ``is_truth``: they are true labels.

    Example:
        >>> coder = Coder(Path("labels.csv"), "label")
        >>> coder.codes(pa.array(["cat", "dog", "cat"])).tolist(), coder.names
        ([0, 1, 0], ('cat', 'dog'))
    """

    path: Path
    where: str
    is_signed: bool = False
    is_truth: bool = False
    _known: dict[str, int] = field(default_factory=dict)
    _is_named: bool | None = None
    _rows: Counter[str] = field(default_factory=Counter)

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names behind the codes; None where labels are ids."""
        return tuple(self._known) if self._is_named else None

    def codes(self, column: Any) -> np.ndarray:
        """``[rows]`` int32 codes of a batch.

        Raises:
            InputError: an empty cell, NaN, a fraction, a negative id, or too many classes.
        """
        values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        first = self._rows[self.where]
        self._rows[self.where] += len(values)
        if values.null_count:
            raise self._empty(first + first_null(values))
        is_type, kind = pa.types, values.type
        is_id = is_type.is_integer(kind) or is_type.is_floating(kind) or is_type.is_boolean(kind)
        is_named = self.is_signed or not is_id
        if self._is_named is not None and is_named != self._is_named:
            raise fault(self.path, self.where, "class ids and class names mixed", "one of the two", "write them alike")
        self._is_named = is_named
        if self.is_signed:
            self._known = {name: code for code, name in enumerate(SIGNS)}
            return signed_codes(numpy_of(values), self.path, self.where, first)
        if is_id:
            return whole_ids(numpy_of(values), self.path, self.where, first)
        return self._from_names(values, first)

    def _empty(self, row: int) -> InputError:
        cure = "leave that example out of all files"
        if not self.is_truth:
            cure += (
                ", if it was never asked; if there was no answer, write a name that no class has (no-answer), so that "
            )
            cure += "it counts"
        return fault(self.path, f"{self.where}, row {row}", "an empty cell", "a label in each row", cure)

    def _from_names(self, values: pa.Array, first: int) -> np.ndarray:
        if not pa.types.is_string(values.type):
            found, cure = f"values of type {values.type}", "name the column with the labels"
            raise fault(self.path, self.where, found, "class ids or class names", cure)
        trimmed = pc.utf8_trim_whitespace(values)
        encoded = pc.dictionary_encode(trimmed)
        names = encoded.dictionary.to_pylist()
        for name in names:
            if name == "":
                raise self._empty(first + int(np.argmax(numpy_of(pc.equal(trimmed, "")))))
            if name.lower() == "nan":
                row = first + int(np.argmax(numpy_of(pc.equal(trimmed, name))))
                cure = "leave that example out of all files; a class that is called so: write it otherwise in all files"
                raise fault(self.path, f"{self.where}, row {row}", f"{name}, no number", "a label in each row", cure)
            if name == self.where and len(names) > 1:
                row = first + int(np.argmax(numpy_of(pc.equal(trimmed, name))))
                found, cure = f"{name!r}, the column's own name", "take that row, a second header, out of the file"
                raise fault(self.path, f"{self.where}, row {row}", found, "a label in each row", cure)
            if len(name) > LONGEST_NAME:
                found, expected = f"a text of {len(name):,} characters", f"class names of up to {LONGEST_NAME:,}"
                raise fault(self.path, self.where, found, expected, "name the column that holds labels")
            self._known.setdefault(name, len(self._known))
        if len(self._known) > MOST_CLASSES:
            found, expected = f"{len(self._known):,} or more different labels", f"at most {MOST_CLASSES:,} classes"
            cure = "name the column that holds labels, not ids or scores"
            raise fault(self.path, self.where, found, expected, cure)
        return np.array([self._known[name] for name in names], np.int32)[numpy_of(encoded.indices)]


def are_signs(values: np.ndarray, names: Collection[str] = ()) -> bool:
    """Whether numbers are -1 and 1 alone: two classes, both of which occur, or that other files name.

    Example:
        >>> are_signs(np.array([-1, 1])), are_signs(np.array([1, 1])), are_signs(np.array([1, 1]), SIGNS)
        (True, False, True)
    """
    if not values.size or values.dtype.kind not in "if" or not (np.abs(values) == 1).all():
        return False
    return bool(set(names) == set(SIGNS) or (values.min() < 0 < values.max()))


def signed_codes(values: np.ndarray, path: Path, where: str, first: int = 0) -> np.ndarray:
    """Codes 0 for -1 and 1 for 1, in the shape of the values; InputError for another number, which names the row."""
    odd = np.abs(values) != 1
    if odd.any():
        at = tuple(np.argwhere(odd)[0])
        cure = "leave unlabelled examples out of all files; if all are classes, count them from 0 or write their names"
        where = f"{where}, row {first + int(at[-1])}"
        raise fault(path, where, f"{values[at]:g} among classes -1 and 1", "-1 or 1", cure)
    return (values > 0).astype(np.int32)


def whole_ids(values: np.ndarray, path: Path, where: str, first: int = 0) -> np.ndarray:
    """Class ids as int32, from integers or from floats that are whole; InputError as `check_ids`."""
    check_ids(values, path, where, first)
    return values.astype(np.int32)


def check_ids(values: np.ndarray, path: Path, where: str, first: int = 0, rows: int = -1) -> None:
    """Refuses what is no class id; makes no copy of what is.

    Args:
        values: integers, floats, or true and false.
        path: of the file, for messages.
        where: in it.
        first: the number of the first row.
        rows: the axis of the examples.

    Raises:
        InputError: NaN, a fraction, a negative id, or too large a one; names the row.
    """
    if values.dtype.kind == "b" or not values.size:
        return

    def check(mask: np.ndarray, expected: str, cure: str) -> None:
        if mask.any():
            at = tuple(np.argwhere(mask)[0])
            found = str(values[at]) if values.dtype.kind == "f" else f"class id {int(values[at])}"
            raise fault(path, f"{where}, row {first + int(at[rows])}", found, expected, cure)

    if values.dtype.kind == "f":
        broken = ~np.isfinite(values) | (values != np.trunc(values))
        check(broken, "whole class ids", "give ids or names; scores go in one column a class")
    if values.min() < 0:
        cure = "leave unlabelled examples out; if these are classes (-1, 0, 1), write their names in all files "
        check(values < 0, "0 or more", f"{cure}(negative, neutral, positive); if they are scores, say --values logits")
    if values.max() >= MOST_CLASSES:
        cure = "name the column that holds labels, not ids of examples or scores"
        check(values >= MOST_CLASSES, f"class ids below {MOST_CLASSES:,}", cure)
