"""Which row of one file is which row of another: by id where there are ids, by row otherwise, and it is said which."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.problems import InputError
from piescope.reading.arrow import column_of, mask_of, numpy_of, texts
from piescope.reading.files import fault, typed

ALIKE = "write the ids alike"


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
    files: dict[str, Listed] = {
        f"{side} {place}": part for side, parts in sides.items() for place, part in enumerate(parts)
    }
    extra = {name: listed for name, listed in others.items() if listed is not None}
    with_ids = {name: listed for name, listed in {**files, **extra}.items() if listed.ids is not None}
    if all(name in with_ids for name in files):
        if match_tail:
            return _by_tail(files, extra, common)
        matched = _by_id(files, extra, common)
        _check_witnesses({**files, **extra}, matched)
        return matched
    if match_tail:
        lacking = next(listed for name, listed in files.items() if name not in with_ids)
        raise fault(lacking.source, "--match-tail", "no ids", "paths in a column of each file", "name it: --id-column")
    matched = _by_row(files, extra, with_ids)
    _check_witnesses({**files, **extra}, matched)
    return matched


def _by_tail(files: dict[str, Listed], extra: dict[str, Listed], common: bool) -> Matched:
    """By the ends of paths: as few parts as tell the examples of each file apart."""
    tails = tails_of({name: listed.ids for name, listed in {**files, **extra}.items() if listed.ids is not None})
    if tails is None:
        first = next(iter(files.values()))
        assert first.ids is not None
        found = f"ids like {first.ids[0].as_py()!r}, whose ends do not tell the examples apart in all files"
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


def _other_spelling(first: Listed, listed: Listed) -> str:
    """The cure of ids that differ by capitals, or by zeros before numbers; empty: they differ by more."""
    assert first.ids is not None and listed.ids is not None
    bare = [{_bare(name): name for name in ids.to_pylist()} for ids in (first.ids, listed.ids)]
    same = next((name for name in bare[0] if name in bare[1]), None)
    if same is None:
        return ""
    return f"write the ids alike: {bare[1][same]!r} here is {bare[0][same]!r} in {first.source}"


def _bare(name: str) -> str:
    """An id in small letters, without the zeros before a number.

    Example:
        >>> _bare("IMG_00133.png"), _bare("0")
        ('img_133.png', '0')
    """
    return re.sub(r"(?<!\d)0+(?=\d)", "", name.lower())


def _tails_that_match(first: Listed, listed: Listed) -> str:
    """What to say where ids have nothing in common but their ends; empty where those differ, too."""
    assert first.ids is not None and listed.ids is not None
    if not any("/" in (ids[0].as_py() or "") or "\\" in (ids[0].as_py() or "") for ids in (first.ids, listed.ids)):
        return ""
    tails = tails_of({"first": first.ids, "other": listed.ids})
    same = 0 if tails is None else pc.sum(pc.is_in(tails["first"], tails["other"])).as_py() or 0
    if not same:
        return ""
    return f"the ends of {same:,} paths are the same: --match-tail matches by them"


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
    raise fault(second[0].source, "rows", found, expected, f"match by that column: --id-column {typed([column])}")


def _by_row(files: dict[str, Listed], extra: dict[str, Listed], with_ids: dict[str, Listed]) -> Matched:
    everything = {**files, **extra}
    first = next(iter(files.values()))
    for name, listed in everything.items():
        if listed.examples != first.examples:
            kind = name.split()[0]
            cure = "give the same examples in the same order, or an id column in every file"
            if abs(listed.examples - first.examples) == 1:
                cure += "; where the first row of a CSV file names its columns, though it looks like data: --header"
            found = f"{listed.examples:,} rows"
            raise fault(listed.source, kind, found, f"{first.examples:,}, as {first.source} has", cure)
    notes = ["matched by row: the files must hold the same examples in the same order; nothing here can check that"]
    if with_ids:
        lacking = next(listed.source for name, listed in files.items() if name not in with_ids)
        notes.append(
            f"{next(iter(with_ids.values())).source} has ids, {lacking} has none, so ids were not used to match"
        )
    ids = next((listed.ids for name, listed in with_ids.items()), None)
    if ids is not None:
        _check_unique(next(iter(with_ids.values())))
    return Matched(first.examples, ids, "row", dict.fromkeys(everything), dict.fromkeys(everything, 0), tuple(notes))


def _by_id(files: dict[str, Listed], extra: dict[str, Listed], common: bool) -> Matched:
    first_name, first = next(iter(files.items()))
    assert first.ids is not None
    _check_unique(first)
    kept = first.ids
    notes: list[str] = []
    matched_extra: dict[str, Listed] = {}
    for name, listed in extra.items():
        if listed.ids is not None:
            _check_unique(listed)
            matched_extra[name] = listed
        elif listed.examples != first.examples:
            found = f"{listed.examples:,} rows and no ids"
            expected = f"{first.examples:,} rows, as {first.source} has, or an id column"
            raise fault(listed.source, name, found, expected, f"add the ids that {first.source} has")
        else:
            notes.append(f"{listed.source} has no ids: its rows are taken to be in the order of {first.source}")
    for name, listed in {**files, **matched_extra}.items():
        if name == first_name or listed.ids is None or listed.ids.equals(kept):
            continue
        if name in files:
            _check_unique(listed)
        missing = numpy_of(pc.invert(pc.is_in(first.ids, listed.ids)))
        surplus = len(listed.ids) - (len(first.ids) - int(missing.sum()))
        if missing.all():
            found = f"ids like {listed.ids[0].as_py()!r}, none of which {first.source} has ({first.ids[0].as_py()!r})"
            cure = (
                _tails_that_match(first, listed)
                or _other_spelling(first, listed)
                or "name the right columns with --id-column, or write the ids alike"
            )
            raise fault(listed.source, name.split()[0], found, "the same ids in all files", cure)
        if common:
            kept = kept.filter(pc.is_in(kept, listed.ids))
        elif missing.any():
            raise _missing(listed, name, first, int(missing.sum()), first.ids[int(np.argmax(missing))].as_py())
        elif surplus and name in files:
            row = int(np.argmax(numpy_of(pc.invert(pc.is_in(listed.ids, first.ids)))))
            raise _missing(first, first_name, listed, surplus, listed.ids[row].as_py())
    if len(kept) == 0:
        raise fault(first.source, "ids", "no example that all files have", "the same ids in all files", ALIKE)
    rows: dict[str, np.ndarray | None] = {}
    left_out: dict[str, int] = {}
    for name, listed in {**files, **extra}.items():
        if listed.ids is None:  # in the order of the first file
            rows[name] = None if kept.equals(first.ids) else _places(kept, first.ids)
        else:
            rows[name] = None if listed.ids.equals(kept) else _places(kept, listed.ids)
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
    assert listed.ids is not None
    distinct = pc.count_distinct(listed.ids).as_py()
    if distinct == len(listed.ids):
        return
    counted = pc.value_counts(listed.ids)
    repeated = counted.filter(pc.greater(counted.field("counts"), 1))[0]["values"].as_py()
    found = f"{len(listed.ids) - distinct:,} repeated ids, {repeated!r} among them"
    cure = "remove the repeated rows; for several models in one table add a column named model"
    raise fault(listed.source, "ids", found, "an id once", cure)


def _places(wanted: pa.Array, ids: pa.Array) -> np.ndarray:
    return numpy_of(pc.index_in(wanted, ids)).astype(np.int64)
