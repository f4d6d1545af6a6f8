"""From what a user gives for a side, files, arrays or a model, to what its models say of each example."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from piescope.auditing.array_parts import label_column, part_of_array
from piescope.auditing.arrays import Spool, StoredArray, in_memory
from piescope.auditing.columns import texts
from piescope.auditing.files import SUFFIXES, fault, named_file, named_files, shown
from piescope.auditing.parts import LabelColumn, Part, Reading
from piescope.auditing.predictions import read_file, read_labels
from piescope.measure.arrays import to_numpy
from piescope.problems import InputError

if TYPE_CHECKING:
    from piescope.auditing.models.interface import Model
    from piescope.auditing.pictures import Pictures

BATCH = 256
"""Pictures that a model sees at once."""

OnExamples = Callable[[str, int, int], None]
"""Hears which side is at work, how many examples are done and how many there are."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What one side says.

    Attributes:
        name: what the user called it, without folders.
        parts: its predictions.
        representation: ``[examples, dims]`` of a single model that was run here; None: there is none.
        notes: what should be known.
    """

    name: str
    parts: tuple[Part, ...]
    representation: StoredArray | None = None
    notes: tuple[str, ...] = ()


def read_side(given: Any, side: str, reading: Reading) -> Answers:
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
        parts = [part for path in paths for part in _read_one(path, paths, reading)]
        return Answers(shown(os.fspath(given)), tuple(_of_one_kind(parts, side)))
    if isinstance(given, dict):
        arrays = [part_of_array(_named(values, str(name)), str(name), reading) for name, values in given.items()]
        if not arrays:
            raise fault(side, side, "an empty dict", "arrays of predictions by model", "give at least one")
        return Answers(side, tuple(_of_one_kind(arrays, side)))
    if isinstance(given, list | tuple) and given and all(map(_is_path, given)):
        found = [read_side(each, side, reading) for each in given]
        return Answers(found[0].name, tuple(_of_one_kind([part for one in found for part in one.parts], side)))
    return Answers(side, (part_of_array(_named(given, side), side, reading),))


def _read_one(path: Path, paths: Sequence[Path], reading: Reading) -> list[Part]:
    """A file's predictions; where it is one of many, it may be there by mistake."""
    try:
        return read_file(path, reading)
    except InputError as error:
        if len(paths) > 1:
            aside = "; if it is no file of predictions, name the others by a pattern: 'runs/*.npy'"
            error.problems = [replace(problem, cure=problem.cure + aside) for problem in error.problems]
        raise


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


def _of_one_kind(parts: Sequence[Part], side: str) -> list[Part]:
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


def read_truth(given: Any, reading: Reading) -> LabelColumn:
    """True labels from a file or an array ``[examples]``.

    Raises:
        InputError: no labels there.
    """
    if isinstance(given, str | os.PathLike):
        return read_labels(named_file(os.fspath(given), "labels"), reading)
    return label_column(_named(given, "labels"), Path("labels"), None)


def run_model(model: Model, pictures: Pictures, side: str, on_examples: OnExamples) -> Answers:
    """What a model says of all pictures; scores go to a temporary file.

    Raises:
        InputError: damaged pictures, or outputs that change their shape.
    """
    scores: Spool | None = None
    labels: Spool | None = None
    points: Spool | None = None
    for start in range(0, len(pictures), BATCH):
        stop = min(start + BATCH, len(pictures))
        said = model.scores(pictures.batch(start, stop))
        if said.scores is not None:
            scores = scores or Spool(np.dtype(np.float32), said.scores.shape[1:])
            scores.append(said.scores)
        elif said.labels is not None:
            labels = labels or Spool(np.dtype(np.int32), ())
            labels.append(said.labels)
        if said.representation is not None:
            points = points or Spool(np.dtype(np.float32), said.representation.shape[1:])
            points.append(said.representation)
        on_examples(side, stop, len(pictures))
    written = scores or labels
    if written is None or len(written) != len(pictures):
        raise fault(model.name, side, "no outputs for some pictures", "scores or labels for each", "check the model")
    stored = replace_name(written.array(side), model.name)
    values = None if model.values == "unknown" else model.values
    part = part_of_array(stored, model.name, Reading(values=values, examples=len(pictures)))
    names = model.class_names
    if (
        names is None
        and part.num_classes is not None
        and pictures.class_names
        and part.num_classes == len(pictures.class_names)
    ):
        names = pictures.class_names
    ids = texts(str(each) for each in pictures.ids)
    part = replace(part, ids=ids, class_names=names if part.values != "labels" else None)
    whole = points is not None and len(points) == len(pictures)
    representation = points.array("representation") if points is not None and whole else None
    return Answers(model.name, (part,), representation, tuple(model.notes))


def replace_name(stored: StoredArray, source: str) -> StoredArray:
    """The same array, under another name for messages."""
    return replace(stored, path=Path(source), name="")


def truth_of_pictures(pictures: Pictures, model_names: Sequence[str] | None) -> LabelColumn | None:
    """True labels of pictures, in the words of the model's classes where the names tell which is which."""
    from piescope.auditing.models.interface import class_columns

    if pictures.labels is None:
        return None
    names: tuple[str, ...] | None = pictures.class_names
    columns = class_columns(model_names, pictures.class_names)
    if columns is not None and model_names is not None:
        names = tuple(model_names[column] for column in columns)
    elif model_names is not None:
        names = None  # by position
    ids = texts(str(each) for each in pictures.ids)
    codes = in_memory(pictures.labels.astype(np.int32), "labels")
    largest = int(pictures.labels.max(initial=-1))
    return LabelColumn(shown(pictures.name), codes, names, ids, (f"true labels: of {pictures.name}",), largest)


def agreed_truth(parts: Sequence[Part]) -> LabelColumn | None:
    """The true labels that stand beside predictions; of several files, the first (all are checked for being alike).

    Raises:
        InputError: two files have other true labels.
    """
    found = [part.truth for part in parts if part.truth is not None]
    if not found:
        return None
    first = found[0]
    for other in found[1:]:
        if first.ids is None and other.ids is None and first.examples == other.examples and first.names == other.names:
            one, two = first.codes.part(slice(None)), other.codes.part(slice(None))
            if (one != two).any():
                row = int(np.flatnonzero(one != two)[0])
                raise fault(
                    other.source,
                    f"labels, row {row}",
                    f"another true label than in {first.source}",
                    "the same labels in all files",
                    "give them in a file of their own: --labels FILE",
                )
    return first


__all__ = [
    "Answers",
    "InputError",
    "OnExamples",
    "agreed_truth",
    "read_side",
    "read_truth",
    "run_model",
    "truth_of_pictures",
]
