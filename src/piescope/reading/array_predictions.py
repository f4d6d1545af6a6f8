"""Predictions and labels from arrays: which axis is which, and whether values are labels, probabilities or logits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from piescope.problems import InputError
from piescope.reading.arrays import StoredArray, in_memory
from piescope.reading.arrow import column_of, texts
from piescope.reading.codes import SIGNS, Coder, are_signs, check_ids, signed_codes
from piescope.reading.columns import LEAST, LOOK
from piescope.reading.evidence import (
    SUM_TOLERANCE,
    are_lists,
    are_percent,
    are_shares,
    check_repeats,
    do_agree,
    no_labels,
    percent,
    sum_of_shares,
    whole_values,
)
from piescope.reading.files import fault, python_line, shown
from piescope.reading.hints import Hints, Values
from piescope.reading.predictions import AXES, WRONG_RIGHT, LabelColumn, Predictions, all_right, check_width

Axes = tuple[AXES, ...]

LEAST_PROBABILITIES = 0.5
"""Share of rows that are probabilities beyond which the others are faults; among logits hardly one row is."""

LEAST_SHARES = 0.9
"""Share of single scores from 0 to 1, likewise."""


def label_column(
    stored: StoredArray, path: Path, ids: pa.Array | None, names: Sequence[str] | None = None
) -> LabelColumn:
    """True labels from an array ``[examples]`` (or with axes of length 1) of ids or names; InputError for others."""
    count = math.prod(stored.shape)
    if count == 0 or count != max(stored.shape, default=0):
        cure = "give class ids: one-hot rows and scores become ids by argmax(1)"
        raise fault(path, stored.label, f"shape {list(stored.shape)}", "[examples], one label each", cure)
    flat = stored.part(slice(None)).reshape(-1)
    if ids is not None and len(ids) != count:
        raise fault(path, stored.label, f"{count:,} labels", f"{len(ids):,}, one an id", "write one for each")
    coder = Coder(path, stored.label, are_signs(flat))
    codes = coder.codes(text_column(flat, path, stored.label) if flat.dtype.kind in "US" else column_of(flat))
    known = tuple(names) if names is not None and coder.names is None else coder.names
    notes, distinct = (f"true labels: {stored.label}",), len(np.unique(codes))
    return LabelColumn(shown(path), in_memory(codes, "labels"), known, ids, notes, int(codes.max()), distinct)


def text_column(values: np.ndarray, path: Path, where: str) -> pa.Array:
    """Text of an array; InputError where it holds what are no letters."""
    try:
        return texts((np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values).tolist())
    except ValueError:
        raise fault(path, where, "text with impossible letters", "names or ids", "write the file again") from None


def part_of_array(array: StoredArray, name: str, hints: Hints) -> Predictions:
    """Predictions from one array: which axis is which, and what its values are.

    ``[examples]`` labels (or probabilities of class 1), ``[models, examples]`` labels, ``[examples, classes]`` scores
    of one model, ``[models, examples, classes]`` scores. Where another file tells the number of examples, axes may
    lie the other way round; else the longer of two axes is taken for the examples. Models must agree with each other
    beyond chance, or it is no axis of models.

    Raises:
        InputError: another number of axes, no values, or values that are neither of the three.
    """
    if not 1 <= len(array.shape) <= 3 or 0 in array.shape:
        expected = "[examples], [models, examples], [examples, classes] or [models, examples, classes]"
        raise _no_shape(array, f"shape {list(array.shape)}", expected, "give predictions, one row an example")
    is_text = array.dtype.kind in "US"
    if is_text and hints.values not in (None, "labels"):
        raise _no_such_values(array, "names", hints)
    if is_text:
        return _named_array(array, name, hints)
    if hints.values == "correct":
        return _right_or_wrong(array, name, hints)
    sample, looked_at = _sample(array)
    is_single = len(array.shape) == 1 and array.dtype.kind in "iu"
    if hints.values == "logits" and is_single and sample.min() >= 0 and sample.max() > 1:
        raise _no_such_values(
            array, f"one whole number an example, from {sample.min()} to {sample.max()}: labels", hints
        )
    values = hints.values or values_of(sample, array, looked_at)
    if values == "labels":
        return _whole_array(array, name, hints, sample)
    axes, notes = _score_axes(array, hints, values)
    is_binary = len(array.shape) == 1 or array.shape[-1] == 1
    if is_binary:
        one = "probability" if values == "probabilities" else "logit"
        notes = (*notes, f"one {one} an example: that of class 1 of two")
    else:
        check_width(array.shape[-1], array.path, array.label)
        notes = (values, *notes)
    return replace(_predictions(array, values, name, axes, notes), is_binary=is_binary)


def _no_shape(array: StoredArray, found: str, expected: str, cure: str) -> InputError:
    return fault(array.path, array.label, found, expected, cure)


def _no_such_values(array: StoredArray, found: str, hints: Hints) -> InputError:
    """The fault of values that cannot be what the user says they are."""
    cure = "leave --values out, or say KIND,KIND where the sides differ"
    if hints.values == "correct":
        cure = f"write 1 for right and 0 for wrong; else {cure}"
    elif array.dtype.kind in "iu":
        cure = f"{cure}; if these are scores of class 1 of two, save them as floats"
    return _no_shape(array, found, f"{hints.values}, as --values says", cure)


def _predictions(array: StoredArray, values: Values, name: str, axes: Axes, notes: tuple[str, ...]) -> Predictions:
    """Of an array whose axes are known; a name for each model."""
    count = array.shape[axes.index("models")] if "models" in axes else 1
    models = (name,) if count == 1 else tuple(f"{name}[{number}]" for number in range(count))
    return Predictions(array.source, values, models, array, axes, notes=notes)


def _whole_array(array: StoredArray, name: str, hints: Hints, sample: np.ndarray) -> Predictions:
    """Whole numbers: labels of one model or several, or quantised scores."""
    path, where = array.path, array.label
    names = SIGNS if are_signs(sample, hints.names) else None
    if names is not None:
        codes = signed_codes(array.part(slice(None)), path, where)
        array, sample = in_memory(codes, array.name).renamed(path), (sample > 0).astype(np.int32)
    if len(array.shape) == 3:
        cure = "leave out the third axis, or say --values logits"
        raise fault(path, where, f"whole numbers of shape {list(array.shape)}", "labels [models, examples]", cure)
    axes, _ = _label_axes(array, hints)
    if len(array.shape) == 2 and hints.values is None and 1 not in array.shape:
        zero = _zero_of_scores(array, axes, sample, hints)
        if zero is not None:
            notes = ("quantised probabilities", f"shape {list(array.shape)} read as [examples, classes]")
            return replace(_predictions(array, "probabilities", name, ("examples", "classes"), notes), zero=zero)
    rows, largest = axes.index("examples"), -1
    for first, block, along in _blocks(array):
        check_ids(block, path, where, first if along == rows else 0, rows)
        largest = max(largest, int(block.max()))
    return _labels(array, name, hints, names, -1 if names else largest)


def _labels(
    array: StoredArray, name: str, hints: Hints, names: tuple[str, ...] | None, largest: int = -1
) -> Predictions:
    """Labels: of several models they may be true ones, where nobody says that they are predicted."""
    axes, notes = _label_axes(array, hints)
    part = _predictions(array, "labels", name, axes, ("labels", *notes))
    return replace(part, class_names=names, largest=largest, is_unsure="models" in axes and hints.values is None)


def _zero_of_scores(array: StoredArray, axes: Axes, sample: np.ndarray, hints: Hints) -> float | None:
    """What stands for 0 in quantised scores ``[examples, classes]``; None: labels; InputError: may be neither."""
    rows = (sample if axes[0] == "examples" else sample.T).astype(np.float64)
    if len(rows) < LEAST:
        return None
    kind, zero = whole_values(rows)
    if axes[0] != "examples" and hints.examples is None and whole_values(rows.T)[0] == "scores":
        kind, zero = whole_values(rows.T)  # more classes than examples
    if kind == "scores":
        return zero
    if are_lists(rows):
        found = f"an array {list(array.shape)} of rows without equal numbers: the best few of one model, or scores"
        cure = "the first of each is the predicted class: values[:, 0]; scores of classes: --values logits"
        raise _no_shape(array, found, "the predicted class, or scores of classes", cure)
    count = hints.num_ids or len(hints.names)
    if kind == "labels" or (kind == "" and count > 2 and rows.min() >= 0 and rows.max() < count):
        return None  # they agree, or all are ids of the classes that the labels know
    raise no_labels(rows, array.path, array.label, f"an array {list(array.shape)}")


def _right_or_wrong(array: StoredArray, name: str, hints: Hints) -> Predictions:
    """Answers that are said to be right or wrong: 0 and 1, or numbers that are right from some number on."""
    if len(array.shape) == 3:
        raise _no_shape(array, f"shape {list(array.shape)}", "[models, examples] of 0 and 1", "drop an axis")
    axes, notes = _label_axes(array, hints)
    values = array.part(slice(None)).astype(np.float32)
    odd = np.isnan(values) if hints.right_from is not None else (values != 0) & (values != 1)
    if odd.any():
        cure = "write 1 for right and 0 for wrong, or say from which number on: --right-from 0.5"
        raise _no_shape(array, f"{values[odd][0]:g}", "0 and 1, true and false", cure)
    if hints.right_from is not None and hints.right_from > 1 >= float(values.max()):
        cure = "write 0.5 for half; --right-from 50 is for scores up to 100"
        raise _no_shape(array, f"scores up to {values.max():g}", f"some from {hints.right_from:g} on", cure)
    right = (values >= (1 if hints.right_from is None else hints.right_from)).astype(np.int32)
    stored = in_memory(right, array.name).renamed(array.path)
    truth = all_right(array.source, array.shape[axes.index("examples")], None)
    part = _predictions(stored, "labels", name, axes, ("right or wrong", *notes))
    return replace(part, class_names=WRONG_RIGHT, truth=truth, is_correctness=True)


def _named_array(array: StoredArray, name: str, hints: Hints) -> Predictions:
    """Labels by name."""
    if len(array.shape) > 2:
        found, expected = f"text of shape {list(array.shape)}", "class names [models, examples]"
        raise _no_shape(array, found, expected, "give one name a prediction")
    text = array.part(slice(None))
    coder = Coder(array.path, array.label)
    codes = coder.codes(text_column(text.reshape(-1), array.path, array.label)).reshape(text.shape)
    part = _labels(in_memory(codes, array.name).renamed(array.path), name, hints, coder.names)
    cure = "give predicted classes; free texts are judged right or wrong first"
    check_repeats(len(coder.names or ()), part.examples, array.path, array.label, cure)
    return part


def _label_axes(array: StoredArray, hints: Hints) -> tuple[Axes, tuple[str, ...]]:
    shape = array.shape
    if len(shape) == 1:
        return ("examples",), ()
    is_known = hints.examples is not None and shape.count(hints.examples) == 1
    rows_first = shape[0] == hints.examples if is_known else shape[0] > shape[1]
    axes: Axes = ("examples", "models") if rows_first else ("models", "examples")
    return axes, (f"shape {list(shape)} read as [{', '.join(axes)}]",)


def _score_axes(array: StoredArray, hints: Hints, values: Values) -> tuple[Axes, tuple[str, ...]]:
    shape = array.shape
    if len(shape) == 1:
        return ("examples",), ()
    if len(shape) == 2:
        if values == "logits" and hints.values is None and hints.examples is None:
            _check_not_wide(array)
        return ("examples", "classes"), (f"shape {list(shape)} read as [examples, classes]",)
    is_known = hints.examples is not None and hints.examples in shape[:2]
    rows_first = shape[1] != hints.examples if is_known else shape[0] > shape[1]
    axes: Axes = ("examples", "models", "classes") if rows_first else ("models", "examples", "classes")
    _check_models(array, axes)
    count = shape[axes.index("models")]
    return axes, (f"shape {list(shape)} read as [{', '.join(axes)}]: {count} model" + ("s" if count != 1 else ""),)


def _check_not_wide(array: StoredArray) -> None:
    """Refuses numbers of many more columns than rows, which nobody says are scores."""
    rows, columns = array.shape
    if columns < 5 * rows or (rows < LEAST and columns < 2 * LEAST):
        return
    found = f"numbers of shape {list(array.shape)}, many more columns than rows"
    expected = "[examples, classes], or something that tells how many examples there are"
    cure = f"give --labels, or say --values logits if these are the scores of {columns:,} classes for {rows:,} examples"
    raise _no_shape(array, found, expected, cure)


def _check_models(array: StoredArray, axes: Axes) -> None:
    """Refuses a third axis along which answers do not agree: positions, boxes or classes, but no models of one task."""
    place = axes.index("examples")
    models, examples = array.shape[axes.index("models")], array.shape[place]
    if models < 2 or examples < LEAST or array.shape[2] < 2:
        return
    spread = np.unique(np.linspace(0, examples - 1, min(examples, LOOK)).astype(int))
    said = array.part(spread, place).argmax(-1)
    array.release()
    if do_agree(said if place == 0 else said.T):
        return
    found = f"shape {list(array.shape)}, whose {models} rows an example agree no better than by chance"
    expected = "[models, examples, classes], or scores of one model [examples, classes]"
    cure = "give one row an example (the mean over positions or crops, say), or each model in a file of its own"
    raise _no_shape(array, found, expected, cure)


def _sample(array: StoredArray) -> tuple[np.ndarray, np.ndarray]:
    """``[..., last axis]`` some of the values, of the beginning, the middle and the end, and the rows they are of."""
    is_labels = len(array.shape) < 3 and array.dtype.kind in "biu"
    axis = 0 if len(array.shape) < 3 and not is_labels else int(np.argmax(array.shape[:2]))
    count = array.shape[axis]
    starts = sorted({0, max(0, count // 2 - LOOK // 2), max(0, count - LOOK)})
    stops = [*(min(start + LOOK, after) for start, after in pairwise(starts)), count]
    ends = list(zip(starts, stops, strict=True))
    sample = np.concatenate([array.part(slice(start, stop), axis) for start, stop in ends], axis=axis)
    array.release()
    return sample, np.concatenate([np.arange(start, stop) for start, stop in ends])


def _blocks(array: StoredArray) -> Iterator[tuple[int, np.ndarray, int]]:
    """All values in parts: where each begins along which axis."""
    axis = int(np.argmax(array.shape))
    step = max(1, 2**24 // max(1, math.prod(array.shape) // array.shape[axis]))
    for start in range(0, array.shape[axis], step):
        yield start, array.part(slice(start, start + step), axis), axis
        array.release()


def values_of(sample: np.ndarray, array: StoredArray, rows: np.ndarray) -> Values:
    """What some values are; ``rows`` says of which rows they are, for messages.

    Raises:
        InputError: NaN, percentages, or numbers that are neither labels, probabilities nor logits.
    """
    if sample.dtype.kind in "biu":
        return "labels"
    with np.errstate(over="ignore", invalid="ignore"):
        values = sample.astype(np.float32)
        total = values.sum(-1)
    if np.isnan(values).any():
        found = f"NaN ({int(np.isnan(values).sum()):,} among the {values.size:,} numbers looked at)"
        cure = "leave the diverged model or the broken examples out"
        raise _of_row(array, rows, np.isnan(values), found, "numbers", cure)
    if values.ndim == 1 or values.shape[-1] == 1:
        return _single_values(values, array, rows)
    if are_shares(values) and (np.abs(total - 1) <= SUM_TOLERANCE).all():
        return "probabilities"
    if (values >= 0).all() and (np.abs(total - 100) <= 100 * SUM_TOLERANCE).all() and (values > 1).any():
        found = f"rows that sum to {total.reshape(-1)[0]:.4g}: percentages"
        cure = "divide them by 100, or say --values logits to go by the largest alone"
        raise _of_row(array, rows, np.ones(len(rows), bool), found, "probabilities that sum to 1", cure)
    if values.ndim == 2 and (values >= 0).all() and _are_whole(values):
        return "labels"
    if are_shares(values):
        off = np.abs(total - 1) > SUM_TOLERANCE
        count, total_off = f"{off.sum():,} such of {off.size:,} rows looked at", total[off][0]
        found = f"values from 0 to 1 that sum to {total_off:.3g} ({count})"
        cure = (
            "scores of independent classes (sigmoids, multi-label tags) are no probabilities of one label: audit one "
            "tag at a time, or say --values logits to take the largest score and a softmax"
        )
        raise _of_row(array, rows, off, found, "rows of probabilities that sum to 1, or logits", cure)
    _check_no_probabilities(values, array, rows)
    return "logits"


def _check_no_probabilities(values: np.ndarray, array: StoredArray, rows: np.ndarray) -> None:
    """Refuses scores ``[..., classes]`` that are probabilities but for some rows, or but for a factor of all rows."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = values.sum(-1)
        are_good = ((values >= -1e-6) & (values <= 1 + 1e-6)).all(-1) & (np.abs(total - 1) <= SUM_TOLERANCE)
    expected = "probabilities from 0 to 1 that sum to 1 in every row, or logits in every row"
    if are_good.mean() > LEAST_PROBABILITIES:
        odd = values[~are_good][0]
        found = f"numbers from {odd.min():.5g} to {odd.max():.5g} that sum to {total[~are_good][0]:.5g}"
        found += f", where {are_good.mean():.1%} of {are_good.size:,} rows looked at are probabilities"
        cure = "mend that row or leave the example out of all files, or say --values logits if all are scores"
        raise _of_row(array, rows, ~are_good, found, expected, cure)
    if sum_of_shares(values) is not None:
        found = f"numbers of 0 or more that sum to {np.median(total):.4g} in every row: probabilities times that"
        divided = "a/a.sum(-1,keepdims=True)"
        line = python_line(f"import numpy as np;a=np.load({array.source!r});np.save('NEW.npy',{divided})")
        by = f": {line}" if array.path.suffix.lower() == ".npy" else ""
        cure = f"say --values logits if they are scores; else divide each row by its sum{by}"
        raise _of_row(array, rows, np.ones(len(rows), bool), found, expected, cure)


def _are_whole(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all() and (values == np.trunc(values)).all())


def _single_values(values: np.ndarray, array: StoredArray, rows: np.ndarray) -> Values:
    """What one number an example is."""
    if _are_whole(values):
        return "labels"
    if ((values >= 0) & (values <= 1)).all():
        return "probabilities"
    fractions = (values != np.trunc(values)) | np.isinf(values)
    if fractions.mean() < 0.5:
        found, cure = f"{values[fractions][0]:g} among whole numbers", "mend it, or say --values logits"
        raise _of_row(array, rows, fractions, found, "class ids, or scores", cure)
    outside = (values < 0) | (values > 1)
    if outside.mean() <= 1 - LEAST_SHARES:
        found = f"{values[outside][0]:.5g}, where {1 - outside.mean():.1%} of the rows looked at are from 0 to 1"
        cure = "mend that row or leave the example out of all files, or say --values logits if all are logits"
        expected = "probabilities of class 1 in every row, or logits"
        raise _of_row(array, rows, outside, found, expected, cure)
    if are_percent(values.reshape(-1)):
        line = python_line(f"import numpy as np;np.save('NEW.npy',np.load('{array.source}')/100)")
        is_npy = array.path.suffix.lower() == ".npy"
        raise percent(array.path, array.label, values, f"by {line}" if is_npy else "values / 100")
    return "logits"


def _of_row(array: StoredArray, rows: np.ndarray, mask: np.ndarray, found: str, expected: str, cure: str) -> InputError:
    """The fault of the first row of some that a mask has."""
    row = rows[np.argwhere(mask)[0][mask.shape.index(len(rows))]]
    return fault(array.path, f"{array.label}, row {row}", found, expected, cure)
