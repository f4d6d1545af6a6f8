"""Which row of one file is which row of another: by id where there are ids, by row otherwise, and it is said which."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.problems import InputError
from piescope.reading.arrow import column_of, mask_of, numpy_of, texts
from piescope.reading.files import fault, typed

ALIKE = "write the ids alike"

MOST_FALLS = 0.2
"""Of the steps from row to row, which names of several folders one after the other keep below; by chance half fall."""


class Listed(Protocol):
    """Anything with one row an example: predictions, labels, metadata, embeddings."""

    @property
    def source(self) -> str:
        """The file's name."""

    @property
    def examples(self) -> int:
        """Number of examples."""

    @property
    def ids(self) -> pa.Array | None:
        """Of the examples; None: they go by row."""


@dataclass(frozen=True, eq=False)
class Matched:
    """The examples that are audited, and where each file has them.

    Attributes:
        examples: how many.
        ids: of the examples; None: there are none, they go by row.
        by: ``id`` or ``row``.
        rows: for each file, its row of each example ``[examples]``; None: its rows are in this order already.
        left_out: for each file, how many of its examples are not audited.
        notes: what should be known of it.
    """

    examples: int
    ids: pa.Array | None
    by: str
    rows: Mapping[str, np.ndarray | None]
    left_out: Mapping[str, int]
    notes: tuple[str, ...]

    def rows_of(self, name: str, start: int, stop: int) -> slice | np.ndarray:
        """The rows of a file that hold the examples from ``start`` to ``stop``."""
        order = self.rows[name]
        return slice(start, stop) if order is None else order[start:stop]

    def identity(self, row: int) -> str:
        """An example's id; its row number where there are no ids."""
        return str(row) if self.ids is None else str(self.ids[row].as_py())


def match(
    sides: Mapping[str, Sequence[Listed]],
    others: Mapping[str, Listed | None],
    common: bool = False,
    match_tail: bool = False,
) -> Matched:
    """Matches the files of both sides, and the labels and metadata that go with them.

    Files of the two sides must have the same examples (in any order, if they have ids); labels and metadata may have
    more.

    Args:
        sides: the files of ``dense`` and ``compressed``.
        others: labels, metadata, embeddings; None: there is none.
        common: audit the examples that all files have, and leave out the rest.
        match_tail: ids are paths of one data set under different roots: they match by their common ends.

    Returns:
        what is where; files are named ``dense 0``, ``dense 1``, ... and by their names in ``others``.

    Raises:
        InputError: repeated ids, other examples, other numbers of rows, or ids that have nothing in common.
    """
    files = {f"{side} {place}": part for side, parts in sides.items() for place, part in enumerate(parts)}
    extra = {name: listed for name, listed in others.items() if listed is not None}
    lacking = next((listed.source for listed in files.values() if listed.ids is None), None)
    if match_tail and lacking is not None:
        raise fault(lacking, "--match-tail", "no ids", "paths in a column of each file", "name it: --id-column")
    if match_tail:
        return _by_tail(files, extra, common)
    matched = _by_id(files, extra, common) if lacking is None else _by_row({**files, **extra}, lacking)
    _check_witnesses({**files, **extra}, matched)
    return matched


def _by_tail(files: dict[str, Listed], extra: dict[str, Listed], common: bool) -> Matched:
    """By the ends of paths: as few parts as tell the examples of each file apart."""
    tails = tails_of({name: listed.ids for name, listed in {**files, **extra}.items() if listed.ids is not None})
    if tails is None:
        first = next(iter(files.values()))
        found = f"ids like {_ids(first)[0].as_py()!r}, whose ends do not tell the examples apart in all files"
        raise fault(first.source, "--match-tail", found, "paths of one data set under different roots", ALIKE)
    short = {name: _Renamed(listed, tails.get(name)) for name, listed in {**files, **extra}.items()}
    matched = _by_id({name: short[name] for name in files}, {name: short[name] for name in extra}, common)
    parts = tails[next(iter(files))][0].as_py().count("/") + 1
    note = f"ids are matched by the last {parts} parts of their paths" if parts > 1 else "ids are matched by file name"
    return replace(matched, notes=(note, *matched.notes))


@dataclass(frozen=True, eq=False)
class _Renamed:
    """A file under the ends of its ids."""

    listed: Listed
    ids: pa.Array | None

    @property
    def source(self) -> str:
        return self.listed.source

    @property
    def examples(self) -> int:
        return self.listed.examples


def tails_of(ids: Mapping[str, pa.Array]) -> dict[str, pa.Array] | None:
    r"""The ends of paths, of as few parts as tell the examples of each file apart; None: no number of parts does.

    Example:
        >>> tails = tails_of({"a": pa.array(["/x/cat/1.png", "/x/dog/1.png"]), "b": pa.array(["D:\\dog\\1.png"])})
        >>> {name: ends.to_pylist() for name, ends in tails.items()}
        {'a': ['cat/1.png', 'dog/1.png'], 'b': ['dog/1.png']}
    """
    parted = {
        name: [re.split(r"[/\\\\]+", text.strip().removeprefix("./")) for text in column.to_pylist()]
        for name, column in ids.items()
    }
    deepest = max((len(path) for paths in parted.values() for path in paths), default=0)
    for count in range(1, deepest + 1):
        short = {name: ["/".join(path[-count:]) for path in paths] for name, paths in parted.items()}
        if all(len(set(names)) == len(names) for names in short.values()):
            return {name: texts(names) for name, names in short.items()}
    return None


def _ids(listed: Listed) -> pa.Array:
    """Those of a file that has some."""
    assert listed.ids is not None
    return listed.ids


def _cure_of_other_ids(first: Listed, listed: Listed) -> str:
    """What to do where two files have no id in common: their paths end alike, or they are spelt in another way."""
    both = (_ids(first), _ids(listed))
    if any("/" in (ids[0].as_py() or "") or "\\" in (ids[0].as_py() or "") for ids in both):
        tails = tails_of({"first": both[0], "other": both[1]})
        same_ends = 0 if tails is None else pc.sum(pc.is_in(tails["first"], tails["other"])).as_py() or 0
        if same_ends:
            return f"the ends of {same_ends:,} paths are the same: --match-tail matches by them"
    bare = [{_bare(name): name for name in ids.to_pylist()} for ids in both]
    same = next((name for name in bare[0] if name in bare[1]), None)  # but for capitals, or zeros before numbers
    if same is None:
        return "name the right columns with --id-column, or write the ids alike"
    return f"write the ids alike: {bare[1][same]!r} here is {bare[0][same]!r} in {first.source}"


def _bare(name: str) -> str:
    """An id in small letters, without the zeros before a number.

    Example:
        >>> _bare("IMG_00133.png"), _bare("0")
        ('img_133.png', '0')
    """
    return re.sub(r"(?<!\d)0+(?=\d)", "", name.lower())


def _check_witnesses(files: Mapping[str, Listed], matched: Matched) -> None:
    """Refuses rows that were brought together and that another column says are other examples.

    Raises:
        InputError: two files have the same values in a column of names, in another order.
    """
    firsts: dict[str, tuple[Listed, pa.Array]] = {}
    for name, listed in files.items():
        for witness in getattr(listed, "witnesses", ()):
            rows = matched.rows[name]
            values = witness.values if rows is None else witness.values.take(column_of(rows))
            first = firsts.setdefault(witness.column, (listed, values))
            if first[0] is not listed:
                _check_same_names(witness.column, first, (listed, values))


def _are_the_same_values(one: pa.Array, other: pa.Array, differ: np.ndarray) -> bool:
    """Whether two columns hold the same values in another order: all, or, if each is there once, some."""
    if one.take(pc.sort_indices(one)).equals(other.take(pc.sort_indices(other))):
        return True
    is_unique = pc.count_distinct(one).as_py() == len(one) and pc.count_distinct(other).as_py() == len(other)
    return bool(is_unique and numpy_of(pc.is_in(other.filter(column_of(differ)), one)).all())


def _check_same_names(column: str, first: tuple[Listed, pa.Array], second: tuple[Listed, pa.Array]) -> None:
    one, other = first[1], second[1]
    known = mask_of(pc.and_(one.is_valid(), other.is_valid()))
    differ = np.zeros(len(known), bool)
    differ[known] = numpy_of(pc.not_equal(one.filter(column_of(known)), other.filter(column_of(known))))
    if not differ.any() or not _are_the_same_values(one, other, differ):
        return
    row = int(np.argmax(differ))
    found = f"{column} {other[row].as_py()!r} in the row of {one[row].as_py()!r} in {first[0].source}"
    expected = "the same example in the same row, or an id"
    is_id = all(pc.count_distinct(names).as_py() == len(names) for names in (one, other))
    cure = (
        f"match by that column: --id-column {typed([column])}" if is_id else "write an id of each example to all files"
    )
    raise fault(second[0].source, "rows", found, expected, cure)


def _by_row(files: dict[str, Listed], lacking: str) -> Matched:
    """By row, as one of the files has no ids."""
    first = next(iter(files.values()))
    for name, listed in files.items():
        if listed.examples != first.examples:
            kind = name.split()[0]
            cure = "give the same examples in the same order, or an id column in every file"
            if abs(listed.examples - first.examples) == 1:
                cure += "; where the first row of a CSV file names its columns, though it looks like data: --header"
            found = f"{listed.examples:,} rows"
            raise fault(listed.source, kind, found, f"{first.examples:,}, as {first.source} has", cure)
    _check_orders(files)
    notes = ["matched by row: the files must hold the same examples in the same order; nothing here can check that"]
    has_ids = next((listed for listed in files.values() if listed.ids is not None), None)
    if has_ids is not None:
        notes.append(f"{has_ids.source} has ids, {lacking} has none, so ids were not used to match")
        _check_unique(has_ids)
    ids = None if has_ids is None else has_ids.ids
    return Matched(first.examples, ids, "row", dict.fromkeys(files), dict.fromkeys(files, 0), tuple(notes))


def _check_orders(files: Mapping[str, Listed]) -> None:
    """Refuses files that go by row, as one has no ids, where the ids of others say that rows are in another order.

    Raises:
        InputError: two files have the same ids in another order; or ids number the examples, and not from row to row.
    """
    having = [listed for listed in files.values() if listed.ids is not None]
    without = next(listed for listed in files.values() if listed.ids is None)
    cure = f"give {without.source} the ids, too; or, where all rows are in one order, leave the ids out of all files"
    for listed in having[1:]:
        one, other = _ids(having[0]), _ids(listed)
        if not one.equals(other) and numpy_of(pc.is_in(one, other)).all():
            found = f"the ids of {having[0].source} in another order, and {without.source} has none"
            raise fault(listed.source, "ids", found, "ids in all files, or rows in one order", cure)
    for listed in having:
        if _are_shuffled(_ids(listed).to_pylist()):
            found = f"ids that number the examples in another order than its rows, and {without.source} has none"
            raise fault(listed.source, "ids", found, "ids in all files, or rows in the order of their numbers", cure)


def _are_shuffled(ids: Sequence[str]) -> bool:
    """Whether ids are alike but for a number, these follow each other without gaps, and not from row to row.

    Names in the order of their letters are in order, and so are those of folders of classes, one after the other: each
    rises but for a few steps. Bare numbers from 0 on count the rows of a table, in their order and no other.

    Example:
        >>> _are_shuffled(["img_2.png", "img_1.png", "img_3.png"]), _are_shuffled(["7", "8", "9"])
        (True, False)
        >>> _are_shuffled(["1.png", "10.png", "2.png", "3.png", "4.png", "5.png", "6.png", "7.png", "8.png", "9.png"])
        False
    """
    if list(ids) == sorted(ids):
        return False
    parts = [re.fullmatch(r"(.*?)(\d+)(\D*)", name) for name in ids]
    if not all(parts) or len({(part[1], part[3]) for part in parts if part}) > 1:
        return False
    numbers = [int(part[2]) for part in parts if part]
    follow = sorted(numbers)
    falls = sum(later < earlier for earlier, later in pairwise(numbers))
    if not (ids[0].isdecimal() and follow[0] == 0) and falls <= MOST_FALLS * len(numbers):
        return False
    has_gaps = follow[-1] - follow[0] != len(follow) - 1 or len(set(follow)) < len(follow)
    return not has_gaps and follow != numbers


def _by_id(files: dict[str, Listed], extra: dict[str, Listed], common: bool) -> Matched:
    first_name, first = next(iter(files.items()))
    first_ids = kept = _ids(first)
    _check_unique(first)
    notes: list[str] = []
    for name, listed in extra.items():
        if listed.ids is not None:
            _check_unique(listed)
        elif listed.examples != first.examples:
            found = f"{listed.examples:,} rows and no ids"
            expected = f"{first.examples:,} rows, as {first.source} has, or an id column"
            raise fault(listed.source, name, found, expected, f"add the ids that {first.source} has")
        else:
            notes.append(f"{listed.source} has no ids: its rows are taken to be in the order of {first.source}")
    for name, listed in {**files, **extra}.items():
        if name == first_name or listed.ids is None or listed.ids.equals(kept):
            continue
        if name in files:
            _check_unique(listed)
        missing = numpy_of(pc.invert(pc.is_in(first_ids, listed.ids)))
        surplus = len(listed.ids) - (len(first_ids) - int(missing.sum()))
        if missing.all():
            found = f"ids like {listed.ids[0].as_py()!r}, none of which {first.source} has ({first_ids[0].as_py()!r})"
            cure = _cure_of_other_ids(first, listed)
            raise fault(listed.source, name.split()[0], found, "the same ids in all files", cure)
        if common:
            kept = kept.filter(pc.is_in(kept, listed.ids))
        elif missing.any():
            raise _missing(listed, name, first, int(missing.sum()), first_ids[int(np.argmax(missing))].as_py())
        elif surplus and name in files:
            row = int(np.argmax(numpy_of(pc.invert(pc.is_in(listed.ids, first_ids)))))
            raise _missing(first, first_name, listed, surplus, listed.ids[row].as_py())
    if len(kept) == 0:
        raise fault(first.source, "ids", "no example that all files have", "the same ids in all files", ALIKE)
    rows: dict[str, np.ndarray | None] = {}
    left_out: dict[str, int] = {}
    for name, listed in {**files, **extra}.items():
        ids = first_ids if listed.ids is None else listed.ids  # without: in the order of the first file
        rows[name] = None if ids.equals(kept) else numpy_of(pc.index_in(kept, ids)).astype(np.int64)
        left_out[name] = listed.examples - len(kept)
    dropped = {name: count for name, count in left_out.items() if count and name in files}
    if dropped:
        counts = ", ".join(f"{count:,} of {files[name].source}" for name, count in dropped.items())
        notes.append(f"left out, not in all files: {counts}")
    return Matched(len(kept), kept, "id", rows, left_out, tuple(notes))


def _missing(listed: Listed, name: str, other: Listed, count: int, example: str) -> InputError:
    found = f"{count:,} of the examples of {other.source} missing, {example!r} among them"
    cure = "complete the file, or audit the examples that all files have: --common"
    return fault(listed.source, name.split()[0], found, "the same examples in all files", cure)


def _check_unique(listed: Listed) -> None:
    ids = _ids(listed)
    distinct = pc.count_distinct(ids).as_py()
    if distinct == len(ids):
        return
    counted = pc.value_counts(ids)
    repeated = counted.filter(pc.greater(counted.field("counts"), 1))[0]["values"].as_py()
    found = f"{len(ids) - distinct:,} repeated ids, {repeated!r} among them"
    cure = "remove the repeated rows; for several models in one table add a column named model"
    raise fault(listed.source, "ids", found, "an id once", cure)
