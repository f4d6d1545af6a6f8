"""From what a user gives for a side, files or arrays, to what its models say of each example."""

from __future__ import annotations

import glob
import os
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.measure.arrays import to_numpy
from piescope.problems import InputError
from piescope.reading.array_predictions import label_column, part_of_array
from piescope.reading.arrays import StoredArray, in_memory
from piescope.reading.columns import column_of, numpy_of
from piescope.reading.files import SUFFIXES, fault, named_file, named_files, shown
from piescope.reading.parts import Hints, LabelColumn, Predictions
from piescope.reading.predictions import read_file, read_labels
from piescope.wording import printable


@dataclass(frozen=True, eq=False)
class SideInput:
    """What one side says.

    Attributes:
        name: what the user called it, without folders.
        parts: its predictions.
        representation: ``[examples, dims]`` of a single model that was run here; None: there is none.
        notes: what should be known.
        ran_with: libraries that were loaded when it was run here; empty: it was read.
    """

    name: str
    parts: tuple[Predictions, ...]
    representation: StoredArray | None = None
    notes: tuple[str, ...] = ()
    ran_with: tuple[str, ...] = ()


def read_side(given: Any, side: str, reading: Hints) -> SideInput:
    """Predictions from files, or from arrays of labels or scores.

    Args:
        given: a path, a folder, a glob, several of them, or an array; a mapping of model names to arrays.
        side: ``dense`` or ``compressed``.
        reading: what the user says of them.

    Raises:
        InputError: no predictions there.
    """
    if isinstance(given, str | os.PathLike):
        paths = named_files(os.fspath(given), side)
        held = {path: _read_one(path, paths, reading) for path in paths}
        _check_one_length(held, side)
        parts = [part for found in held.values() for part in found]
        notes = _unread(Path(given), paths)
        return SideInput(shown(os.fspath(given)), tuple(_of_one_kind(parts, side)), notes=notes)
    if isinstance(given, dict):
        arrays = [part_of_array(_named(values, str(name)), str(name), reading) for name, values in given.items()]
        if not arrays:
            raise fault(side, side, "an empty dict", "arrays of predictions by model", "give at least one")
        return SideInput(side, tuple(_of_one_kind(arrays, side)))
    if isinstance(given, list | tuple) and given and all(map(_is_path, given)):
        found = [read_side(each, side, reading) for each in given]
        return SideInput(found[0].name, tuple(_of_one_kind([part for one in found for part in one.parts], side)))
    return SideInput(side, (part_of_array(_named(given, side), side, reading),))


def _read_one(path: Path, paths: Sequence[Path], reading: Hints) -> list[Predictions]:
    """A file's predictions; where it is one of many, it may be there by mistake."""
    try:
        return read_file(path, reading)
    except InputError as error:
        if len(paths) > 1:
            aside = f"if this is no file of predictions, {_without(path, paths)}; else "
            error.problems = [replace(problem, cure=aside + problem.cure) for problem in error.problems]
        raise


def _without(odd: Path, paths: Sequence[Path]) -> str:
    """How to name all files but one: by a pattern that fits the others alone, if there is a plain one."""
    others = [path.name for path in paths if path != odd]
    if len(others) == 1:
        return f"name the other: {shlex.quote(str(odd.parent / others[0]))}"
    start, end = _start(others), _start([name[::-1] for name in others])[::-1]
    patterns = [f"*{end[end.rindex('.') :]}"] if "." in end else []
    patterns += [f"{start}*"] if start else []
    chosen = next((pattern for pattern in patterns if not fnmatchcase(odd.name, pattern)), None)
    if chosen is None or glob.has_magic(f"{odd.parent}{start}{end}"):
        return "put it into another folder"
    return f"name the others by a pattern: {shlex.quote(str(odd.parent / chosen))}"


def _start(names: Sequence[str]) -> str:
    """The letters that all names begin with."""
    return "".join(letters[0] for letters in takewhile(lambda letters: len({*letters}) == 1, zip(*names, strict=False)))


def _check_one_length(held: Mapping[Path, Sequence[Predictions]], side: str) -> None:
    """Refuses one of several files that has another number of rows, and no id that says which examples these are.

    Raises:
        InputError: names the file that is not like the others.
    """
    rows = {path: parts[0].examples for path, parts in held.items() if parts}
    counted = Counter(rows.values())
    if len(counted) < 2:
        return
    usual = max(counted, key=lambda count: (counted[count], count))
    like = next(path for path in rows if rows[path] == usual)
    others = [path for path in rows if rows[path] != usual]
    odd = next((path for path in others if not _share_ids(held[like][0].ids, held[path][0].ids)), None)
    if odd is None:
        return
    raise fault(
        odd,
        side,
        f"{rows[odd]:,} rows",
        f"{usual:,}, as {shown(like)} has",
        f"if this is no file of predictions, {_without(odd, list(rows))}; else give the same examples in all files",
    )


def _share_ids(one: pa.Array | None, other: pa.Array | None) -> bool:
    return one is not None and other is not None and bool(pc.any(pc.is_in(other, one)).as_py())


def _unread(given: Path, paths: Sequence[Path]) -> tuple[str, ...]:
    """The files of a folder that are of no kind that is read."""
    if not given.is_dir():
        return ()
    left = sorted(path.name for path in given.iterdir() if path.is_file() and path not in paths)
    left = [printable(name, 40) for name in left if not name.startswith(".")]
    more = f" and {len(left) - 5} more" if len(left) > 5 else ""
    return (f"not read: {', '.join(left[:5])}{more} in {shown(given)} (no tables or arrays)",) if left else ()


def _is_path(given: Any) -> bool:
    """Whether a text is a path rather than the name of a class."""
    if isinstance(given, os.PathLike):
        return True
    return isinstance(given, str) and (Path(given).suffix.lower() in SUFFIXES or os.sep in given)


def _named(values: Any, name: str) -> StoredArray:
    try:
        array = to_numpy(values)
    except (TypeError, ValueError) as error:  # rows of different lengths
        told = str(error).splitlines()[0]
        raise fault(name, name, told, "an array of labels or scores", "give rows of one length") from None
    if array.dtype == object and all(isinstance(item, str) for item in array.reshape(-1)):
        array = array.astype(str)
    if array.dtype.kind not in "biufU":
        raise fault(
            name,
            name,
            f"values of type {array.dtype}",
            "labels, probabilities or logits",
            "give an array of numbers or names",
        )
    return in_memory(array, name)


def _of_one_kind(parts: Sequence[Predictions], side: str) -> list[Predictions]:
    """Names of models made unique; files of labels that stand beside files of scores are refused."""
    kinds = {part.values == "labels" for part in parts}
    if len(kinds) > 1:
        labels = next(part.source for part in parts if part.values == "labels")
        scores = next(part.source for part in parts if part.values != "labels")
        raise fault(
            labels,
            side,
            f"labels, where {scores} has scores",
            "labels of all models of a side, or scores of all",
            "leave one of the two kinds out: a pattern like 'runs/*_logits.npy' names some of a folder's files",
        )
    names = [model for part in parts for model in part.models]
    if len(set(names)) == len(names):
        return list(parts)
    numbered, found = count(), []
    for part in parts:
        models = tuple(f"{next(numbered)}: {Path(part.source).stem}" for _ in part.models)
        found.append(replace(part, models=models))
    return found


def read_truth(given: Any, reading: Hints) -> LabelColumn:
    """True labels from a file or an array ``[examples]``.

    Raises:
        InputError: no labels there.
    """
    if isinstance(given, str | os.PathLike):
        return read_labels(named_file(os.fspath(given), "labels"), reading)
    return label_column(_named(given, "labels"), Path("labels"), None)


def check_read_alike(dense: SideInput, compressed: SideInput) -> None:
    """Refuses two tables with the same columns of which other ones were taken for predictions.

    Raises:
        InputError: what the files show is not enough to tell what a column is.
    """
    one, other = dense.parts[0], compressed.parts[0]
    if not one.columns or set(one.columns) != set(other.columns) or set(one.chosen) == set(other.chosen):
        return
    listed = [", ".join(map(repr, part.chosen[:5])) for part in (one, other)]
    raise fault(
        other.source,
        "columns",
        f"predictions in {listed[1]}, where {one.source}, with the same columns, has them in {listed[0]}",
        "the same columns in both files",
        "name them: --prediction-column NAME, or --score-columns A,B,C",
    )


def agreed_truth(parts: Sequence[Predictions]) -> LabelColumn | None:
    """The true labels that stand beside predictions; of several files, the first (all are checked for being alike).

    Raises:
        InputError: two files have other true labels.
    """
    found = [part.truth for part in parts if part.truth is not None]
    if not found:
        return None
    first = found[0]
    for other in found[1:]:
        one, two, ids = _labels_of_both(first, other)
        if first.names == other.names and (one != two).any():
            row = int(np.flatnonzero(one != two)[0])
            where = f"row {row}" if ids is None else f"example {ids[row].as_py()!r}"
            raise fault(
                other.source,
                f"labels, {where}",
                f"another true label than in {first.source}",
                "the same labels in all files",
                "give them in a file of their own: --labels FILE",
            )
    return first


def _labels_of_both(first: LabelColumn, other: LabelColumn) -> tuple[np.ndarray, np.ndarray, pa.Array | None]:
    """``[examples]`` codes of the examples that both have, in one order, and their ids; none where it is open."""
    one, two = first.codes.part(slice(None)), other.codes.part(slice(None))
    if first.ids is None or other.ids is None:
        if first.ids is None and other.ids is None and len(one) == len(two):
            return one, two, None
        return one[:0], two[:0], None
    places = pc.index_in(first.ids, other.ids)
    known = numpy_of(places.is_valid()).astype(bool)
    return one[known], two[numpy_of(places.drop_null())], first.ids.filter(column_of(known))
