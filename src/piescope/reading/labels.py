"""Labels as numbers: what a file calls its classes, and how several files come to speak of the same ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.problems import InputError
from piescope.reading.columns import numpy_of
from piescope.reading.files import check_regular, fault, shown
from piescope.wording import LONGEST_PART, printable

MOST_CLASSES = 2**15
"""More distinct labels than this are ids, regression targets or a wrong column."""

LONGEST_NAME = 1000
"""Characters of a class name."""

SIGNS = ("-1", "1")
"""The names of two classes that are written -1 and 1."""

MOST_BYTES = 2**24
"""Of a file with class names."""


@dataclass
class Coder:
    """Turns the labels of one file into codes, batch by batch: ids stay as they are, names are numbered as they come.

    Where ``is_signed``, numbers are -1 and 1, the names of two classes.

    Example:
        >>> coder = Coder(Path("labels.csv"), "label")
        >>> coder.codes(pa.array(["cat", "dog", "cat"])).tolist(), coder.names
        ([0, 1, 0], ['cat', 'dog'])
    """

    path: Path
    where: str
    is_signed: bool = False
    _known: dict[str, int] = field(default_factory=dict)
    _is_named: bool | None = None
    _rows: Counter[str] = field(default_factory=Counter)

    @property
    def names(self) -> list[str] | None:
        """The names behind the codes; None where labels are ids."""
        return list(self._known) if self._is_named else None

    def codes(self, column: Any) -> np.ndarray:
        """``[rows]`` int32 codes of a batch.

        Raises:
            InputError: an empty cell, a fraction, a negative id, or too many classes.
        """
        values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        first = self._rows[self.where]
        self._rows[self.where] += len(values)
        if values.null_count:
            row = first + int(np.flatnonzero(numpy_of(values.is_null()))[0])
            raise fault(
                self.path,
                f"{self.where}, row {row}",
                "an empty cell",
                "a label in each row",
                "leave that example out of all files",
            )
        kind = values.type
        named = self.is_signed or not (
            pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
        )
        if self._is_named is not None and named != self._is_named:
            raise fault(self.path, self.where, "class ids and class names mixed", "one of the two", "write them alike")
        self._is_named = named
        if self.is_signed:
            self._known = {name: code for code, name in enumerate(SIGNS)}
            return signed_codes(numpy_of(values), self.path, self.where, first)
        return self._from_names(values, first) if named else self._from_ids(values, first)

    def _from_ids(self, values: pa.Array, first: int) -> np.ndarray:
        return whole_ids(numpy_of(values), self.path, self.where, first)

    def _from_names(self, values: pa.Array, first: int) -> np.ndarray:
        if not pa.types.is_string(values.type):
            raise fault(
                self.path,
                self.where,
                f"values of type {values.type}",
                "class ids or class names",
                "name the column with the labels",
            )
        encoded = pc.dictionary_encode(pc.utf8_trim_whitespace(values))
        for name in encoded.dictionary.to_pylist():
            if name == "":
                row = first + int(np.flatnonzero(numpy_of(pc.equal(pc.utf8_trim_whitespace(values), "")))[0])
                raise fault(
                    self.path,
                    f"{self.where}, row {row}",
                    "an empty cell",
                    "a label in each row",
                    "leave that example out of all files",
                )
            if len(name) > LONGEST_NAME:
                raise fault(
                    self.path,
                    self.where,
                    f"a text of {len(name):,} characters",
                    f"class names of up to {LONGEST_NAME:,}",
                    "name the column that holds labels",
                )
            self._known.setdefault(name, len(self._known))
        if len(self._known) > MOST_CLASSES:
            raise too_many(self.path, self.where, len(self._known))
        table = np.array([self._known[name] for name in encoded.dictionary.to_pylist()], np.int32)
        return table[numpy_of(encoded.indices)]


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
    """Codes 0 for -1 and 1 for 1, in the shape of the values.

    Raises:
        InputError: another number; names the row.
    """
    odd = np.abs(values) != 1
    if odd.any():
        at = tuple(np.argwhere(odd)[0])
        found = f"{values[at]:g} among classes -1 and 1"
        cure = "leave unlabelled examples out of all files, or count classes from 0"
        raise fault(path, f"{where}, row {first + int(at[-1])}", found, "-1 or 1", cure)
    return (values > 0).astype(np.int32)


def too_many(path: Path, where: str, count: int) -> InputError:
    """The fault of a column that holds no classes."""
    return fault(
        path,
        where,
        f"{count:,} or more different labels",
        f"at most {MOST_CLASSES:,} classes",
        "name the column that holds labels, not ids or scores",
    )


def whole_ids(values: np.ndarray, path: Path, where: str, first: int = 0) -> np.ndarray:
    """Class ids as int32, from integers, or from floats that are whole.

    Raises:
        InputError: NaN, a fraction, a negative id, or too large a one.
    """
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

    def wrong(mask: np.ndarray, expected: str, cure: str) -> InputError:
        at = tuple(np.argwhere(mask)[0])
        found = str(values[at]) if values.dtype.kind == "f" else f"class id {int(values[at])}"
        return fault(path, f"{where}, row {first + int(at[rows])}", found, expected, cure)

    if values.dtype.kind == "f":
        broken = ~np.isfinite(values) | (values != np.trunc(values))
        if broken.any():
            raise wrong(broken, "whole class ids", "give ids or names; scores go in one column a class")
    if values.min() < 0:
        raise wrong(values < 0, "0 or more", "leave unlabelled examples out; if these are scores, say --values logits")
    if values.max() >= MOST_CLASSES:
        raise wrong(
            values >= MOST_CLASSES,
            f"class ids below {MOST_CLASSES:,}",
            "name the column that holds labels, not ids of examples or scores",
        )


@dataclass(frozen=True)
class Classes:
    """The classes that all files speak of.

    Attributes:
        names: by class id.
        are_named: the names are the user's; else they are the ids.
        are_numbers: the names are numbers, and ids of labels are these, no places among the classes.
    """

    names: tuple[str, ...]
    are_named: bool
    are_numbers: bool = False

    @property
    def count(self) -> int:
        """Number of classes."""
        return len(self.names)

    def table(self, names: Sequence[str] | None, source: str, where: str, are_labels: bool = True) -> np.ndarray | None:
        """What each code of a file is among all classes; None where they are the same.

        Raises:
            InputError: the file names a class that nobody else knows.
        """
        if names is None and self.are_numbers and are_labels:
            numbers = [int(name) for name in self.names]
            places = np.zeros(max(numbers) + 1, np.int32)
            places[numbers] = np.arange(len(numbers))
            return places
        if names is None or tuple(names) == self.names:
            return None
        index = {name: place for place, name in enumerate(self.names)}
        error = InputError(source)
        unknown = [name for name in names if name not in index]
        if unknown:
            near = get_close_matches(unknown[0], self.names, 1, 0.5)
            error.add_unknown(
                where,
                "class name" if len(unknown) == 1 else f"class names ({len(unknown)}), the first",
                unknown[0],
                [printable(name, LONGEST_PART) for name in dict.fromkeys((*near, *self.names[:20]))],
            )
        error.raise_if_any()
        return np.array([index[name] for name in names], np.int32)


def resolve_classes(
    labelled: Mapping[str, Sequence[str] | None],
    scored: Mapping[str, tuple[Sequence[str] | None, int]],
    largest_id: int,
    explicit: Sequence[str] | None,
) -> Classes:
    """One list of classes for all files.

    The names are those given, else those of the score columns, else all that occur as labels, sorted; ids where nobody
    has names.

    Args:
        labelled: names that occur as labels in each file; None: it has ids.
        scored: names and number of the score columns of each file; names None: columns without names.
        largest_id: the largest class id in any file; -1: none.
        explicit: ``--classes``.

    Raises:
        InputError: files that disagree in the number of classes or in their names, or names in one and ids in another.

    Example:
        >>> resolve_classes({"a.csv": ["dog", "cat"], "b.csv": ["cat"]}, {}, -1, None).names
        ('cat', 'dog')
        >>> resolve_classes({"a.npy": None}, {"b.npy": (None, 4)}, 2, None).names
        ('0', '1', '2', '3')
    """
    widths = {source: count for source, (_, count) in scored.items()}
    if len(set(widths.values())) > 1:
        (first, one), (second, other) = (
            next(iter(widths.items())),
            next(item for item in widths.items() if item[1] != next(iter(widths.values()))),
        )
        raise fault(
            second,
            "classes",
            f"{other} scores an example",
            f"{one}, as {first} has",
            "give both sides the same classes in the same order",
        )
    width = next(iter(widths.values()), None)
    names: list[str] | None = list(explicit) if explicit is not None else None
    whose = "--classes"
    named_ids = _as_ids(labelled)
    if names is None:
        for source, (columns, _) in scored.items():
            if columns is None:
                continue
            if names is None:
                names, whose = list(columns), source
            elif set(columns) != set(names):
                odd = sorted(set(columns) ^ set(names))[0]
                raise fault(
                    source,
                    "classes",
                    f"{odd!r} in one of {source} and {whose} only",
                    "the same classes in both",
                    "rename the columns alike",
                )
    told_names = {source: found for source, found in labelled.items() if found is not None}
    has_ids = [source for source, found in labelled.items() if found is None] + [
        source for source, (columns, _) in scored.items() if columns is None
    ]
    if names is None and told_names and not named_ids:
        has_signs = width == 2 and all(set(found) <= set(SIGNS) for found in told_names.values())
        if has_ids and not (has_signs and len(told_names) == len(labelled)):
            source = next(iter(told_names))
            raise fault(
                source,
                "labels",
                f"class names ({_first_name(told_names[source])!r}), where {has_ids[0]} has ids",
                "names or ids in all files",
                "give the names in order of their ids: --classes FILE (one a line)",
            )
        names = list(SIGNS) if has_signs else sorted({name for found in told_names.values() for name in found})
    if names is not None:
        if len(set(names)) != len(names):
            raise fault(whose, "classes", "a name more than once", "a name for each class", "rename one of them")
        if width is not None and len(names) != width:
            raise fault(
                whose,
                "classes",
                f"{len(names)} names",
                f"{width}, a name for each score",
                "give one name a class, in order",
            )
        if largest_id >= len(names):
            raise fault(
                whose,
                "classes",
                f"{len(names)} names",
                f"more than {largest_id}, the largest class id",
                "count classes from 0, in the order of the names: if ids count from 1, subtract 1; or write names; or "
                "give all classes, in order of their ids: --classes FILE",
            )
        return Classes(tuple(names), are_named=True)
    most = max([largest_id, *(int(name) for found in told_names.values() for name in found)], default=-1)
    if width is not None and most >= width:
        raise fault(
            next(iter(widths)),
            "classes",
            f"{width} scores an example",
            f"more than {most}, the largest class id",
            "labels and scores must count classes alike, from 0: if the labels count from 1, subtract 1",
        )
    count = width if width is not None else most + 1
    return Classes(tuple(str(number) for number in range(max(count, 1))), are_named=False)


def _first_name(names: Sequence[str]) -> str:
    """One that is no number, if there is one: the odd cell among ids, say."""
    return next((name for name in names if not name.isdigit()), names[0])


def _as_ids(labelled: Mapping[str, Sequence[str] | None]) -> bool:
    """Whether all names are numbers written as text, as ids are: 01 is a name."""
    return all(
        name.isascii() and name.isdigit() and len(name) < 6 and (name == "0" or name[0] != "0")
        for found in labelled.values()
        if found is not None
        for name in found
    )


def read_class_names(path: Path) -> list[str]:
    """Class names in order of their ids: one a line, or a JSON list, or a JSON object of id and name.

    Raises:
        InputError: no text, or something else.
    """
    import json

    check_regular(path, "--classes")
    try:
        if path.stat().st_size > MOST_BYTES:
            found = f"{path.stat().st_size:,} bytes"
            raise fault(path, "--classes", found, f"at most {MOST_BYTES:,}", "write one name a line, a line a class")
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise fault(path, "--classes", str(error), "a text file, a name a line", "check the path") from None
    if text.lstrip().startswith(("[", "{")):
        try:
            content = json.loads(text)
            if isinstance(content, dict):
                content = [content[str(number)] for number in range(len(content))]
            if content and all(isinstance(name, str) for name in content):
                return _checked_names(content, path)
        except (ValueError, KeyError, RecursionError):
            pass
        raise fault(path, "--classes", "other JSON", 'a list of names, or {"0": "cat", ...}', "write one name a line")
    names = [line.strip() for line in text.split("\n") if line.strip()]
    if not names:
        raise fault(path, "--classes", "no names", "a name a line", "write one name a line")
    return _checked_names(names, path)


def _checked_names(names: list[str], path: Path) -> list[str]:
    if len(names) > MOST_CLASSES:
        raise fault(path, "--classes", f"{len(names):,} names", f"at most {MOST_CLASSES:,}", "give a name a class")
    odd = next((name for name in names if len(name) > LONGEST_NAME or "\x00" in name), None)
    if odd is not None:
        found = f"{odd[:20]!r} ..., {len(odd):,} characters"
        raise fault(path, "--classes", found, f"names of up to {LONGEST_NAME:,}", "write one name a line")
    repeated = next((name for name, count in Counter(names).items() if count > 1), None)
    if repeated is not None:
        raise fault(path, "--classes", f"{repeated!r} more than once", "a name for each class", "rename one of them")
    return names


def label_of(path: Path | str) -> str:
    """How results name a source."""
    return shown(path)
