"""Predictions and labels from arrays: which axis is which, and whether values are labels, probabilities or logits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from piescope.problems import InputError
from piescope.reading.array_texts import LOOK, text_column
from piescope.reading.arrays import StoredArray, in_memory
from piescope.reading.columns import column_of
from piescope.reading.evidence import (
    LEAST,
    MANY,
    MOST_DISTINCT,
    are_lists,
    are_percent,
    do_agree,
    no_labels,
    percent,
    whole_values,
)
from piescope.reading.files import fault, python_line, shown
from piescope.reading.labels import SIGNS, Coder, are_signs, check_ids, signed_codes
from piescope.reading.parts import (
    AXES,
    SUM_TOLERANCE,
    WRONG_RIGHT,
    Hints,
    LabelColumn,
    Predictions,
    Values,
    as_tuple,
    check_width,
    replace_path,
)


def label_column(
    stored: StoredArray, path: Path, ids: pa.Array | None, names: Sequence[str] | None = None
) -> LabelColumn:
    """True labels from an array ``[examples]`` (or with axes of length 1) of ids or names."""
    if math.prod(stored.shape) == 0 or math.prod(stored.shape) != max(stored.shape, default=0):
        raise fault(
            path,
            stored.label,
            f"shape {list(stored.shape)}",
            "[examples], one label each",
            "give class ids: one-hot rows and scores become ids by argmax(1)",
        )
    flat = stored.part(slice(None)).reshape(-1)
    if ids is not None and len(ids) != len(flat):
        raise fault(path, stored.label, f"{len(flat):,} labels", f"{len(ids):,}, one an id", "write one for each")
    coder = Coder(path, stored.label, are_signs(flat))
    codes = coder.codes(text_column(flat, path, stored.label) if flat.dtype.kind in "US" else column_of(flat))
    found = tuple(names) if names is not None and coder.names is None else as_tuple(coder.names)
    told = (f"true labels: {stored.label}",)
    return LabelColumn(
        shown(path), in_memory(codes, "labels"), found, ids, told, int(codes.max()), len(np.unique(codes))
    )


def part_of_array(array: StoredArray, name: str, hints: Hints) -> Predictions:
    """Predictions from one array: which axis is which, and what its values are.

    ``[examples]`` labels (or probabilities of class 1), ``[models, examples]`` labels, ``[examples, classes]`` scores
    of one model, ``[models, examples, classes]`` scores. Where another file tells the number of examples, axes may
    lie the other way round; else the longer of two axes is taken for the examples. Models must agree with each other
    beyond chance, or it is no axis of models.

    Raises:
        InputError: another number of axes, no values, or values that are neither of the three.
    """
    path, where = array.path, array.label
    if not 1 <= len(array.shape) <= 3 or 0 in array.shape:
        raise fault(
            path,
            where,
            f"shape {list(array.shape)}",
            "[examples], [models, examples], [examples, classes] or [models, examples, classes]",
            "give predictions, one row an example",
        )
    if array.dtype.kind in "US":
        return _named_array(array, name, hints)
    if hints.values == "correct":
        return _right_or_wrong(array, name, hints)
    sample, looked_at = _sample(array)
    values = hints.values or values_of(sample, array, looked_at)
    if values == "labels":
        return _whole_array(array, name, hints, sample)
    is_binary = len(array.shape) == 1 or array.shape[-1] == 1
    axes, told = (("examples",), ()) if len(array.shape) == 1 else _score_axes(array, hints, values)
    if is_binary:
        one = "probability" if values == "probabilities" else "logit"
        told = (*told, f"one {one} an example: that of class 1 of two")
    else:
        check_width(array.shape[-1], path, where)
        told = (values, *told)
    return Predictions(shown(path), values, _models(array, axes, name), array, axes, told=told, is_binary=is_binary)


def _whole_array(array: StoredArray, name: str, hints: Hints, sample: np.ndarray) -> Predictions:
    """Whole numbers: labels of one model or several, or quantised scores."""
    path, where = array.path, array.label
    names = SIGNS if are_signs(sample, hints.names) else None
    if names is not None:
        codes = signed_codes(array.part(slice(None)), path, where)
        array, sample = replace_path(in_memory(codes, array.name), path), (sample > 0).astype(np.int32)
    if len(array.shape) == 3:
        raise fault(
            path,
            where,
            f"whole numbers of shape {list(array.shape)}",
            "labels [models, examples]",
            "leave out the third axis, or say --values logits",
        )
    if len(array.shape) == 2 and hints.values is None and 1 not in array.shape:
        found = _checked_whole(array, sample, hints, name)
        if found is not None:
            return found
    axes, told = _label_axes(array, hints)
    largest = -1
    for first, block, along in _blocks(array):
        rows = axes.index("examples")
        check_ids(block, path, where, first if along == rows else 0, rows)
        largest = max(largest, int(block.max()))
    return Predictions(
        *(shown(path), "labels", _models(array, axes, name), array, axes, names),
        told=("labels", *told),
        largest=-1 if names else largest,
        is_unsure="models" in axes and hints.values is None,
    )


def _checked_whole(array: StoredArray, sample: np.ndarray, hints: Hints, name: str) -> Predictions | None:
    """Quantised scores ``[examples, classes]``; None: labels of models; InputError where it may be neither."""
    axes, _ = _label_axes(array, hints)
    rows = sample if axes[0] == "examples" else sample.T
    rows = rows.astype(np.float64)
    if len(rows) < LEAST:
        return None
    kind, zero = whole_values(rows)
    turned, _ = whole_values(rows.T) if axes[0] != "examples" and hints.examples is None else ("", 0.0)
    if turned == "scores":  # more classes than examples
        kind, zero = whole_values(rows.T)
    if kind == "scores":
        told = ("quantised probabilities", f"shape {list(array.shape)} read as [examples, classes]")
        return Predictions(
            shown(array.path), "probabilities", (name,), array, ("examples", "classes"), told=told, zero=zero
        )
    if are_lists(rows):
        raise fault(
            array.path,
            array.label,
            f"an array {list(array.shape)} of rows without equal numbers: the best few of one model, or scores",
            "the predicted class, or scores of classes",
            "the first of each is the predicted class: values[:, 0]; scores of classes: --values logits",
        )
    count = hints.num_ids or len(hints.names)
    if kind == "labels" or (kind == "" and count > 2 and rows.min() >= 0 and rows.max() < count):
        return None  # they agree, or all are ids of the classes that the labels know
    raise no_labels(rows, array.path, array.label, f"an array {list(array.shape)}")


def _right_or_wrong(array: StoredArray, name: str, hints: Hints) -> Predictions:
    """Answers that are said to be right or wrong: 0 and 1, or numbers that are right from some number on."""
    path = array.path
    if len(array.shape) == 3:
        raise fault(path, array.label, f"shape {list(array.shape)}", "[models, examples] of 0 and 1", "drop an axis")
    axes, told = _label_axes(array, hints)
    values = array.part(slice(None)).astype(np.float32)
    odd = np.isnan(values) if hints.right_from is not None else (values != 0) & (values != 1)
    if odd.any():
        cure = "write 1 for right and 0 for wrong, or say from which number on: --right-from 0.5"
        raise fault(path, array.label, f"{values[odd][0]:g}", "0 and 1, true and false", cure)
    right = (values >= (1 if hints.right_from is None else hints.right_from)).astype(np.int32)
    stored = replace_path(in_memory(right, array.name), path)
    examples = array.shape[axes.index("examples")]
    told = ("right or wrong", *told)
    return Predictions(
        *(shown(path), "labels", _models(array, axes, name), stored, axes, WRONG_RIGHT),
        truth=all_right(shown(path), examples, None),
        told=told,
        is_correctness=True,
    )


def all_right(source: str, examples: int, ids: pa.Array | None) -> LabelColumn:
    """The true labels of answers that are known to be right or wrong: right."""
    codes = in_memory(np.broadcast_to(np.int32(1), (examples,)), "labels")
    return LabelColumn(source, codes, WRONG_RIGHT, ids, ("right or wrong is known: true labels are not needed",), 1)


def _models(array: StoredArray, axes: tuple[AXES, ...], name: str) -> tuple[str, ...]:
    if "models" not in axes:
        return (name,)
    count = array.shape[axes.index("models")]
    return (name,) if count == 1 else tuple(f"{name}[{number}]" for number in range(count))


def _label_axes(array: StoredArray, hints: Hints) -> tuple[tuple[AXES, ...], tuple[str, ...]]:
    shape = array.shape
    if len(shape) == 1:
        return ("examples",), ()
    rows_first = (
        shape[0] > shape[1]
        if hints.examples is None or shape.count(hints.examples) != 1
        else shape[0] == hints.examples
    )
    if rows_first:
        return ("examples", "models"), (f"shape {list(shape)} read as [examples, models]",)
    return ("models", "examples"), (f"shape {list(shape)} read as [models, examples]",)


def _score_axes(array: StoredArray, hints: Hints, values: Values) -> tuple[tuple[AXES, ...], tuple[str, ...]]:
    shape = array.shape
    if len(shape) == 2:
        if values == "logits" and hints.values is None and hints.examples is None and shape[1] >= 5 * shape[0] > 0:
            _refuse_wide(array)
        return ("examples", "classes"), (f"shape {list(shape)} read as [examples, classes]",)
    if hints.examples is not None and hints.examples in shape[:2]:
        rows_first = shape[1] != hints.examples
    else:
        rows_first = shape[0] > shape[1]
    axes: tuple[AXES, ...] = ("examples", "models", "classes") if rows_first else ("models", "examples", "classes")
    _check_models(array, axes)
    count = shape[axes.index("models")]
    return axes, (f"shape {list(shape)} read as [{', '.join(axes)}]: {count} model" + ("s" if count != 1 else ""),)


def _refuse_wide(array: StoredArray) -> None:
    if array.shape[0] < LEAST and array.shape[1] < 2 * LEAST:
        return
    raise fault(
        array.path,
        array.label,
        f"numbers of shape {list(array.shape)}, many more columns than rows",
        "[examples, classes], or something that tells how many examples there are",
        "give --labels, or say --values logits if these are the scores of "
        f"{array.shape[1]:,} classes for {array.shape[0]:,} examples",
    )


def _check_models(array: StoredArray, axes: tuple[AXES, ...]) -> None:
    """Refuses a third axis along which answers do not agree: positions, boxes or classes, but no models of one task."""
    models, examples = array.shape[axes.index("models")], array.shape[axes.index("examples")]
    if models < 2 or examples < LEAST or array.shape[2] < 2:
        return
    place = axes.index("examples")
    spread = np.unique(np.linspace(0, examples - 1, min(examples, LOOK)).astype(int))
    said = array.part(spread, place).argmax(-1)
    array.release()
    if do_agree(said if place == 0 else said.T):
        return
    raise fault(
        array.path,
        array.label,
        f"shape {list(array.shape)}, whose {models} rows an example agree no better than by chance",
        "[models, examples, classes], or scores of one model [examples, classes]",
        "give one row an example (the mean over positions or crops, say), or each model in a file of its own",
    )


def _sample(array: StoredArray) -> tuple[np.ndarray, np.ndarray]:
    """``[..., last axis]`` some of the values, of the beginning, the middle and the end, and the rows they are of."""
    is_labels = len(array.shape) < 3 and array.dtype.kind in "biu"
    axis = 0 if len(array.shape) < 3 and not is_labels else int(np.argmax(array.shape[:2]))
    count = array.shape[axis]
    starts = sorted({0, max(0, count // 2 - LOOK // 2), max(0, count - LOOK)})
    stops = [*(min(start + LOOK, after) for start, after in pairwise(starts)), count]
    ends = list(zip(starts, stops, strict=True))
    found = np.concatenate([array.part(slice(start, stop), axis) for start, stop in ends], axis=axis)
    array.release()
    return found, np.concatenate([np.arange(start, stop) for start, stop in ends])


def _blocks(array: StoredArray) -> Iterator[tuple[int, np.ndarray, int]]:
    """All values in parts: where each begins along which axis."""
    axis = int(np.argmax(array.shape))
    step = max(1, 2**24 // max(1, math.prod(array.shape) // array.shape[axis]))
    for start in range(0, array.shape[axis], step):
        yield start, array.part(slice(start, start + step), axis), axis
        array.release()


def values_of(sample: np.ndarray, array: StoredArray, rows: np.ndarray) -> Values:
    """What some values are; ``rows`` says of which rows they are, for messages."""
    if sample.dtype.kind in "biu":
        return "labels"

    def wrong(mask: np.ndarray, found: str, expected: str, cure: str) -> InputError:
        places = np.argwhere(mask)
        axis = mask.shape.index(len(rows))
        return fault(array.path, f"{array.label}, row {rows[places[0][axis]]}", found, expected, cure)

    with np.errstate(over="ignore", invalid="ignore"):
        values = sample.astype(np.float32)
    if np.isnan(values).any():
        found = f"NaN ({int(np.isnan(values).sum()):,} among the {values.size:,} numbers looked at)"
        cure = "leave the diverged model or the broken examples out"
        raise wrong(np.isnan(values), found, "numbers", cure)
    single = values.ndim == 1 or values.shape[-1] == 1
    if single:
        if (values == np.trunc(values)).all() and np.isfinite(values).all():
            return "labels"
        if ((values >= 0) & (values <= 1)).all():
            return "probabilities"
        fractions = (values != np.trunc(values)) | np.isinf(values)
        if fractions.mean() < 0.5:
            found = f"{values[fractions][0]:g} among whole numbers"
            raise wrong(fractions, found, "class ids, or scores", "mend it, or say --values logits")
        if are_percent(values.reshape(-1)):
            source = shown(array.path)
            line = python_line(f"import numpy as np;np.save('NEW.npy',np.load('{source}')/100)")
            is_npy = array.path.suffix.lower() == ".npy"
            raise percent(array.path, array.label, values, f"by {line}" if is_npy else "values / 100")
        return "logits"
    with np.errstate(over="ignore", invalid="ignore"):
        total = values.sum(-1)
    within = ((values >= -1e-6) & (values <= 1 + 1e-6)).all()
    if within and (np.abs(total - 1) <= SUM_TOLERANCE).all():
        return "probabilities"
    if (values >= 0).all() and (np.abs(total - 100) <= 100 * SUM_TOLERANCE).all() and (values > 1).any():
        found = f"rows that sum to {total.reshape(-1)[0]:.4g}: percentages"
        cure = "divide them by 100, or say --values logits to go by the largest alone"
        raise wrong(np.ones(len(rows), bool), found, "probabilities that sum to 1", cure)
    whole = np.isfinite(values).all() and (values == np.trunc(values)).all() and (values >= 0).all()
    if whole and values.ndim == 2:
        return "labels"
    if within:
        off = np.abs(total - 1) > SUM_TOLERANCE
        raise wrong(
            off,
            f"values from 0 to 1 that sum to {total[off][0]:.3g} ({off.sum():,} such of {off.size:,} rows looked at)",
            "rows of probabilities that sum to 1, or logits",
            "scores of independent classes (sigmoids, multi-label tags) are no probabilities of one label: audit one "
            "tag at a time, or say --values logits to take the largest score and a softmax",
        )
    return "logits"


def _named_array(array: StoredArray, name: str, hints: Hints) -> Predictions:
    if len(array.shape) > 2:
        raise fault(
            array.path,
            array.label,
            f"text of shape {list(array.shape)}",
            "class names [models, examples]",
            "give one name a prediction",
        )
    axes, told = _label_axes(array, hints)
    text = array.part(slice(None))
    coder = Coder(array.path, array.label)
    codes = coder.codes(text_column(text.reshape(-1), array.path, array.label)).reshape(text.shape)
    assert coder.names is not None
    stored = in_memory(codes, array.name)
    names, examples = tuple(coder.names), array.shape[axes.index("examples")]
    if examples >= MANY and len(names) > MOST_DISTINCT * examples:
        found = f"{len(names):,} different texts in {examples:,} rows"
        cure = "give predicted classes; free texts are judged right or wrong first"
        raise fault(array.path, array.label, found, "class names, each of which occurs again", cure)
    told = ("labels", *told)
    return Predictions(
        *(shown(array.path), "labels", _models(array, axes, name), stored, axes, names),
        told=told,
        is_unsure="models" in axes and hints.values is None,
    )
