"""What a model says of all pictures, as predictions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from piescope.adapters.batches import BATCH, batch_note
from piescope.adapters.protocol import Model, outputs_of_classes
from piescope.data.pictures import Pictures
from piescope.reading.array_predictions import part_of_array
from piescope.reading.arrays import Spool, StoredArray, in_memory
from piescope.reading.arrow import texts
from piescope.reading.files import fault, shown
from piescope.reading.hints import Hints, Values
from piescope.reading.inputs import SideInput
from piescope.reading.predictions import LabelColumn

OnExamples = Callable[[str, int, int], None]
"""Hears which side is at work, how many examples are done and how many there are."""


READ_AT_ONCE, MOST_IN_BATCH = 8, 2**30
"""Pictures that are decoded together, and bytes of those that a model sees together."""

RUNNERS = ("torch", "onnxruntime")
"""Libraries that run models."""


def run_model(
    model: Model,
    pictures: Pictures,
    side: str,
    on_examples: OnExamples,
    batch_size: int = BATCH,
    values: Values | None = None,
) -> SideInput:
    """What a model says of all pictures; scores go to a temporary file.

    Args:
        model: opened.
        pictures: that it looks at.
        side: ``dense`` or ``compressed``, for messages.
        on_examples: hears how many pictures are done.
        batch_size: pictures that it sees at once; a model that insists on a number of its own is fed in that.
        values: what its scores are, by the user; where the model itself does not say.

    Raises:
        InputError: damaged pictures, or outputs that change their shape.
    """
    scores: Spool | None = None
    labels: Spool | None = None
    points: Spool | None = None
    stop = 0
    for batch in _batches(pictures, batch_size):
        stop += len(batch)
        said = model.scores(batch)
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
    values = None if scores is None else values if model.values == "unknown" else model.values
    part = part_of_array(stored, model.name, Hints(values=values, examples=len(pictures)))
    if scores is not None and part.values == "labels" and len(stored.shape) == 2:  # a model that is dead: all zeros
        part = part_of_array(stored, model.name, Hints(values="logits", examples=len(pictures)))
    names = model.class_names
    if names is None and pictures.class_names and part.num_classes == len(pictures.class_names):
        names = pictures.class_names
    ids = texts(map(str, pictures.ids))
    part = replace(part, ids=ids, class_names=names if part.values != "labels" else None)
    whole = points is not None and len(points) == len(pictures)
    representation = points.array("representation") if points is not None and whole else None
    note = batch_note(model, pictures, batch_size)
    notes = (*model.notes, note) if note else tuple(model.notes)
    return SideInput(model.name, (part,), representation, notes, tuple(name for name in RUNNERS if name in sys.modules))


def _batches(pictures: Pictures, size: int) -> Iterator[list[np.ndarray]]:
    """So many at once, or fewer where they are so large that a batch would fill the memory."""
    batch, held = list[np.ndarray](), 0
    for start in range(0, len(pictures), READ_AT_ONCE):
        for picture in pictures.batch(start, start + READ_AT_ONCE):
            if len(batch) == size or (batch and held + picture.nbytes > MOST_IN_BATCH):
                yield batch
                batch, held = [], 0
            batch.append(picture)
            held += picture.nbytes
    if batch:
        yield batch


def replace_name(stored: StoredArray, source: str) -> StoredArray:
    """The same array, under another name for messages."""
    return replace(stored, path=Path(source), name="")


def truth_of_pictures(pictures: Pictures, model_names: Sequence[str] | None) -> LabelColumn | None:
    """True labels of pictures, in the words of the model's classes where the names tell which is which."""
    if pictures.labels is None:
        return None
    names: tuple[str, ...] | None = pictures.class_names
    columns = outputs_of_classes(model_names, pictures.class_names)
    if columns is not None and model_names is not None:
        names = tuple(model_names[column] for column in columns)
    elif model_names is not None:
        names = None  # by position
    ids = texts(map(str, pictures.ids))
    codes = in_memory(pictures.labels.astype(np.int32), "labels")
    largest = int(pictures.labels.max(initial=-1))
    return LabelColumn(shown(pictures.name), codes, names, ids, (f"true labels: of {pictures.name}",), largest)
