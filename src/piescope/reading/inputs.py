"""From what a user gives for a side, files or arrays, to what its models say of each example."""

from __future__ import annotations

import glob
import os
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.measure.arrays import to_numpy
from piescope.problems import InputError
from piescope.reading.array_predictions import label_column, part_of_array
from piescope.reading.arrays import StoredArray, in_memory, open_arrays
from piescope.reading.data_frames import as_file, ids_of_index, is_frame, is_of_pandas, is_table, named_by_frame
from piescope.reading.files import SUFFIXES, fault, kind_of, named_file, named_files, shown
from piescope.reading.hints import Hints
from piescope.reading.named_arrays import labels_of_arrays, parts_of_arrays
from piescope.reading.names import BOTH_NAMES, ID_NAMES, TRUE_NAMES, key_of
from piescope.reading.predictions import LabelColumn, Predictions
from piescope.reading.table_predictions import labels_of_table, part_of_table
from piescope.reading.tables import read_table
from piescope.wording import listed, printable

ARRAYS = ("npy", "npz", "safetensors")
"""Kinds of files that hold arrays; the others are tables."""


@dataclass(frozen=True, eq=False)
class SideInput:
    """What one side says.

    Attributes:
        name: what the user called it, without folders.
        parts: its predictions.
        representation: ``[examples, dims]`` of a single model that was run here; None: there is none.
        notes: what should be known.
        ran_with: libraries that were loaded when it was run here; empty: it was read.
        file: that has both sides, each as a column by which it is called; None: it has a file or a model of its own.
    """

    name: str
    parts: tuple[Predictions, ...]
    representation: StoredArray | None = None
    notes: tuple[str, ...] = ()
    ran_with: tuple[str, ...] = ()
    file: str | None = None


def read_side(given: Any, side: str, hints: Hints) -> SideInput:
    """Predictions from files, or from arrays of labels or scores.

    Args:
        given: a path, a folder, a glob, several of them, or an array; a mapping of model names to arrays.
        side: ``dense`` or ``compressed``.
        hints: what is known of them.

    Raises:
        InputError: no predictions there.
    """
    if isinstance(given, str | os.PathLike):
        paths = named_files(os.fspath(given), side)
        parts_of = _read_all(paths, hints)
        _check_one_length(parts_of, side)
        _check_no_truth_among(parts_of, hints)
        parts = [part for parts in parts_of.values() for part in parts]
        return SideInput(shown(os.fspath(given)), _of_one_kind(parts, side), notes=_unread(Path(given), paths))
    if isinstance(given, list | tuple) and given and all(map(is_path, given)):
        sides = [read_side(path, side, hints) for path in given]
        of_each = zip(given, sides, strict=True)
        _check_no_truth_among({Path(os.fspath(path)): list(one.parts) for path, one in of_each}, hints)
        return SideInput(sides[0].name, _of_one_kind([part for one in sides for part in one.parts], side))
    if isinstance(given, dict) and not given:
        raise fault(side, side, "an empty dict", "arrays of predictions by model", "give at least one")
    if isinstance(given, list | tuple) and given and all(is_frame(one) or is_of_pandas(one) for one in given):
        given = {f"{side}[{number}]": one for number, one in enumerate(given)} if len(given) > 1 else given[0]
    arrays = given if isinstance(given, dict) else {side: given}
    if len(arrays) > 1:
        _check_models(arrays, side)
    parts = [_part_in_memory(values, str(name), hints) for name, values in arrays.items()]
    return SideInput(side, _of_one_kind(parts, side))


def _part_in_memory(values: Any, name: str, hints: Hints) -> Predictions:
    if is_table(values, hints):
        with as_file(values, name, hints.id_columns) as (path, notes):
            part = read_table(path, "arrow", partial(part_of_table, hints=hints))
            return replace(part, notes=(*notes, *part.notes))
    return named_by_frame(part_of_array(_named(values, name), name, hints), values)


def _check_models(arrays: Mapping[Any, Any], side: str) -> None:
    """Refuses a mapping by whose names something else than models is among them: true labels, or ids."""
    for name in arrays:
        key = key_of(str(name))
        if key in TRUE_NAMES or key in ID_NAMES:
            what = "true labels" if key in TRUE_NAMES else "ids"
            cure = "give true labels as labels=..., ids as the index of a pandas Series or in a table"
            raise fault(side, str(name), f"{what}, by its name", "predictions of models by their names", cure)


def read_file(path: Path, hints: Hints) -> list[Predictions]:
    """The predictions of a file of any layout: the format by its first bytes, the roles of its columns by `roles`.

    Raises:
        InputError: nothing in it can be taken for predictions, or its values are no labels, probabilities or logits.
    """
    kind = kind_of(path)
    if kind not in ARRAYS:
        return [read_table(path, kind, partial(part_of_table, hints=hints), has_header=hints.has_header)]
    arrays = open_arrays(path, kind)
    return [part_of_array(arrays[""], path.stem, hints)] if kind == "npy" else parts_of_arrays(arrays, path, hints)


def read_labels(path: Path, hints: Hints) -> LabelColumn:
    """The true labels of a file: a table with a label column, or an array ``[examples]``.

    Raises:
        InputError: no such column or array, or something else than labels in it.
    """
    kind = kind_of(path)
    if kind not in ARRAYS:
        return read_table(path, kind, partial(labels_of_table, hints=hints), has_header=hints.has_header)
    return labels_of_arrays(open_arrays(path, kind), path, hints)


def _read_all(paths: Sequence[Path], hints: Hints) -> dict[Path, list[Predictions]]:
    """The predictions of each file; where some of many have none, they may be there by mistake."""
    parts: dict[Path, list[Predictions]] = {}
    faults: dict[Path, InputError] = {}
    for path in paths:
        try:
            parts[path] = read_file(path, hints)
        except InputError as error:
            if len(paths) == 1:
                raise
            faults[path] = error
    if faults:
        first = next(iter(faults.values()))
        names = listed([printable(path.name, 40) for path in faults], most=3)
        these = "this is no file" if len(faults) == 1 else f"{names} are no files"
        aside = f"if {these} of predictions, {_without(list(faults), paths)}; else " if parts else ""
        first.problems = [replace(problem, cure=aside + problem.cure) for problem in first.problems]
        raise first
    return parts


def _without(odd: Sequence[Path], paths: Sequence[Path]) -> str:
    """How to name all files but some: by a pattern that fits the others alone, if there is a plain one."""
    folder, others = odd[0].parent, [path.name for path in paths if path not in odd]
    if len(others) == 1:
        return f"name the other: {shlex.quote(str(folder / others[0]))}"
    start, end = _start(others), _start([name[::-1] for name in others])[::-1]
    patterns = [f"*{end[end.rindex('.') :]}"] if "." in end else []
    patterns += [f"{start}*"] if start else []
    fitting = (pattern for pattern in patterns if not any(fnmatchcase(path.name, pattern) for path in odd))
    chosen = next(fitting, None)
    if chosen is None or glob.has_magic(f"{folder}{start}{end}"):
        return f"put {'it' if len(odd) == 1 else 'them'} into another folder"
    return f"name the others by a pattern: {shlex.quote(str(folder / chosen))}"


def _start(names: Sequence[str]) -> str:
    """The letters that all names begin with."""
    return "".join(letters[0] for letters in takewhile(lambda letters: len({*letters}) == 1, zip(*names, strict=False)))


def _check_one_length(parts_of: Mapping[Path, Sequence[Predictions]], side: str) -> None:
    """Refuses one of several files that has another number of rows, and no id that says which examples these are.

    Raises:
        InputError: names the file that is not like the others.
    """
    rows = {path: parts[0].examples for path, parts in parts_of.items() if parts}
    counted = Counter(rows.values())
    if len(counted) < 2:
        return
    usual = max(counted, key=lambda count: (counted[count], count))
    like = next(path for path in rows if rows[path] == usual)
    others = [path for path in rows if rows[path] != usual]
    odd = next((path for path in others if not _share_ids(parts_of[like][0].ids, parts_of[path][0].ids)), None)
    if odd is None:
        return
    cure = f"if this is no file of predictions, {_without([odd], list(rows))}; else give the same examples in all files"
    raise fault(odd, side, f"{rows[odd]:,} rows", f"{usual:,}, as {shown(like)} has", cure)


def _check_no_truth_among(parts_of: Mapping[Path, Sequence[Predictions]], hints: Hints) -> None:
    """Refuses true labels among several files of predictions: they would be a model that is always right.

    A file has them where nothing but its place says that its labels are predicted, though other files' columns say so;
    or where its column is named as true labels are, and no other's is; or where the user named it as the true labels.

    Raises:
        InputError: names the file, and how to name the others.
    """
    if len(parts_of) < 2:
        return
    unsure = [
        path for path, parts in parts_of.items() if all(len(each.models) == 1 and each.is_unsure for each in parts)
    ]
    odd = unsure if len(unsure) < len(parts_of) else []
    if not odd:
        named = [path for path in unsure if {*map(key_of, parts_of[path][0].chosen)} & {*TRUE_NAMES, *BOTH_NAMES}]
        odd = named if len(named) < len(unsure) else []
        odd = odd or [path for path in unsure if _is_same(path, hints.labels_file)]
    if not odd:
        return
    part = parts_of[odd[0]][0]
    column = part.chosen[0] if part.chosen else "labels"
    found, expected = "what may be the true labels", "predictions, named as in the other files"
    cure = f"if this is no model's answer, {_without(odd, list(parts_of))}; else call its column as in the others"
    raise fault(odd[0], column, found, expected, cure)


def _is_same(path: Path, other: Path | None) -> bool:
    try:
        return other is not None and path.samefile(other)
    except OSError:
        return False


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


def is_path(given: Any) -> bool:
    """Whether a text is a path rather than the name of a class."""
    if isinstance(given, os.PathLike):
        return True
    return isinstance(given, str) and (Path(given).suffix.lower() in SUFFIXES or os.sep in given)


def _named(values: Any, name: str) -> StoredArray:
    try:
        array = to_numpy(values)
    except (TypeError, ValueError) as error:  # rows of different lengths
        found = str(error).splitlines()[0]
        raise fault(
            name, name, found, "an array of labels or scores", "give rows of one length, with all values"
        ) from None
    if array.dtype == object and all(isinstance(item, str) for item in array.reshape(-1)):
        array = array.astype(str)
    elif array.dtype == object and all(isinstance(item, int | float) for item in array.reshape(-1)):
        array = np.array(array.tolist())  # as pandas gives columns of its own types of numbers
    elif array.dtype == object and is_of_pandas(values) and bool(np.any(values.isna())):
        found, cure = "missing values", "leave these examples out of all sides, or give them a label"
        raise fault(name, name, found, "a value for each example", cure)
    if array.dtype.kind not in "biufU":
        expected = "labels, probabilities or logits"
        raise fault(name, name, f"values of type {array.dtype}", expected, "give an array of numbers or names")
    return in_memory(array, name)


def _of_one_kind(parts: Sequence[Predictions], side: str) -> tuple[Predictions, ...]:
    """Names of models made unique; files of labels that stand beside files of scores are refused."""
    labels = next((part.source for part in parts if part.values == "labels"), None)
    scores = next((part.source for part in parts if part.values != "labels"), None)
    if labels is not None and scores is not None:
        found = f"labels, where {scores} has scores"
        cure = "leave one of the two kinds out: a pattern like 'runs/*_logits.npy' names some of a folder's files"
        raise fault(labels, side, found, "labels of all models of a side, or scores of all", cure)
    names = [model for part in parts for model in part.models]
    if len(set(names)) == len(names):
        return tuple(parts)
    numbers = count()
    stems = [(part, Path(part.source).stem) for part in parts]
    return tuple(replace(part, models=tuple(f"{next(numbers)}: {stem}" for _ in part.models)) for part, stem in stems)


def read_truth(given: Any, hints: Hints) -> LabelColumn:
    """True labels from a file, a data frame or an array ``[examples]``; InputError: no labels there."""
    if isinstance(given, str | os.PathLike):
        return read_labels(named_file(os.fspath(given), "labels"), hints)
    if is_frame(given) and len(given.columns) > 1:
        with as_file(given, "labels", hints.id_columns) as (path, _):
            return read_table(path, "arrow", partial(labels_of_table, hints=hints))
    return label_column(_named(given, "labels"), Path("labels"), ids_of_index(given))


def check_read_alike(dense: SideInput, compressed: SideInput) -> None:
    """Refuses two tables with the same columns of which other ones were taken for predictions.

    Raises:
        InputError: what the files show is not enough to tell what a column is.
    """
    one, other = dense.parts[0], compressed.parts[0]
    if not one.columns or set(one.columns) != set(other.columns) or set(one.chosen) == set(other.chosen):
        return
    first, second = (", ".join(map(repr, part.chosen[:5])) for part in (one, other))
    found = f"predictions in {second}, where {one.source}, with the same columns, has them in {first}"
    cure = "name them: --prediction-column NAME, or --score-columns A,B,C"
    raise fault(other.source, "columns", found, "the same columns in both files", cure)


def check_label_column(name: str | None, labels: LabelColumn | None, parts: Sequence[Predictions]) -> None:
    """Refuses the name of a column of true labels that no file has; some may lack it, as one is enough.

    Raises:
        InputError: neither the file of true labels nor any of predictions has it.
    """
    columns = list(dict.fromkeys(column for part in parts for column in part.columns))
    columns += [] if labels is None or not labels.column else [labels.column]
    if name is None or name in columns:
        return
    expected, cure = f"one of: {', '.join(map(repr, columns[:12]))}", "check its spelling"
    if not columns:
        expected, cure = "a file with named columns, or arrays", "leave --label-column out"
    raise fault(parts[0].source if parts else "audit", "--label-column", f"no column {name!r}", expected, cure)
