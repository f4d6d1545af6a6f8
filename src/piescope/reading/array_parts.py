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
from piescope.reading.columns import column_of, texts
from piescope.reading.files import fault, shown
from piescope.reading.labels import Coder, check_ids
from piescope.reading.parts import (
    AXES,
    CLASS_NAME_ARRAYS,
    ID_COLUMNS,
    LABEL_COLUMNS,
    NOT_PREDICTIONS,
    PREDICTION_COLUMNS,
    SCORE_ARRAYS,
    SUM_TOLERANCE,
    TRUTH_COLUMNS,
    Hints,
    LabelColumn,
    Predictions,
    Values,
    as_tuple,
    check_width,
)

LEAST_ONE_HOT = 8
"""Rows with a single 1 that cannot be chance."""

LOOK = 1024
"""Examples from the beginning, the middle and the end of an array that tell what its values are."""


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
    coder = Coder(path, stored.label)
    codes = coder.codes(_text_column(flat, path, stored.label) if flat.dtype.kind in "US" else column_of(flat))
    found = tuple(names) if names is not None and coder.names is None else as_tuple(coder.names)
    return LabelColumn(
        shown(path), in_memory(codes, "labels"), found, ids, (f"true labels: {stored.label}",), int(codes.max())
    )


def part_of_array(array: StoredArray, name: str, reading: Hints, whole_file: bool = True) -> Predictions:
    """Predictions from one array: which axis is which, and what its values are.

    ``[examples]`` labels (or probabilities of class 1), ``[models, examples]`` labels, ``[examples, classes]`` scores
    of one model, ``[models, examples, classes]`` scores. Where another file tells the number of examples, axes may
    lie the other way round; else the longer of two axes is taken for the examples.

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
        return _named_array(array, name, reading)
    sample, looked_at = _sample(array)
    values = reading.values or values_of(sample, array, looked_at)
    if values == "labels":
        if len(array.shape) == 3:
            raise fault(
                path,
                where,
                f"whole numbers of shape {list(array.shape)}",
                "labels [models, examples]",
                "leave out the third axis, or say --values logits",
            )
        if reading.values is None and is_one_hot(sample):
            raise fault(
                path,
                where,
                f"one-hot rows of shape {list(array.shape)}",
                "labels, or scores",
                "give class ids: values.argmax(1), or say --values probabilities",
            )
        axes, told = _label_axes(array, reading)
        largest = -1
        for first, block, along in _blocks(array):
            rows = axes.index("examples")
            check_ids(block, path, where, first if along == rows else 0, rows)
            largest = max(largest, int(block.max()))
        return Predictions(shown(path), "labels", _models(array, axes, name), array, axes, told=told, largest=largest)
    is_binary = len(array.shape) == 1 or array.shape[-1] == 1
    axes, told = (("examples",), ()) if len(array.shape) == 1 else _score_axes(array, reading)
    if is_binary:
        one = "probability" if values == "probabilities" else "logit"
        told = (*told, f"one {one} an example: that of class 1 of two")
    else:
        check_width(array.shape[-1], path, where)
    return Predictions(shown(path), values, _models(array, axes, name), array, axes, told=told, is_binary=is_binary)


def is_one_hot(values: np.ndarray) -> bool:
    """Whether rows ``[rows, columns]`` have a single 1 each, too many of them for labels of models."""
    if values.ndim != 2 or len(values) < LEAST_ONE_HOT or values.shape[1] < 2:
        return False
    return bool(((values == 0) | (values == 1)).all() and (values.sum(1) == 1).all())


def _models(array: StoredArray, axes: tuple[AXES, ...], name: str) -> tuple[str, ...]:
    if "models" not in axes:
        return (name,)
    count = array.shape[axes.index("models")]
    return (name,) if count == 1 else tuple(f"{name}[{number}]" for number in range(count))


def _label_axes(array: StoredArray, reading: Hints) -> tuple[tuple[AXES, ...], tuple[str, ...]]:
    shape = array.shape
    if len(shape) == 1:
        return ("examples",), ()
    rows_first = (
        shape[0] > shape[1]
        if reading.examples is None or shape.count(reading.examples) != 1
        else shape[0] == reading.examples
    )
    if rows_first:
        return ("examples", "models"), (f"shape {list(shape)} read as [examples, models]",)
    return ("models", "examples"), (f"shape {list(shape)} read as [models, examples]",)


def _score_axes(array: StoredArray, reading: Hints) -> tuple[tuple[AXES, ...], tuple[str, ...]]:
    shape = array.shape
    if len(shape) == 2:
        return ("examples", "classes"), (f"shape {list(shape)} read as [examples, classes]",)
    if reading.examples is not None and reading.examples in shape[:2]:
        rows_first = shape[1] != reading.examples
    else:
        rows_first = shape[0] > shape[1]
    axes: tuple[AXES, ...] = ("examples", "models", "classes") if rows_first else ("models", "examples", "classes")
    return axes, (f"shape {list(shape)} read as [{', '.join(axes)}]",)


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
        return "logits"
    with np.errstate(over="ignore", invalid="ignore"):
        total = values.sum(-1)
    within = ((values >= -1e-6) & (values <= 1 + 1e-6)).all()
    if within and (np.abs(total - 1) <= SUM_TOLERANCE).all():
        return "probabilities"
    whole = np.isfinite(values).all() and (values == np.trunc(values)).all() and (values >= 0).all()
    if whole and values.ndim == 2:
        return "labels"
    if within:
        off = np.abs(total - 1) > SUM_TOLERANCE
        raise wrong(
            off,
            f"values from 0 to 1 that sum to {total[off][0]:.3g} ({off.sum():,} such of {off.size:,} rows looked at)",
            "rows of probabilities that sum to 1, or logits",
            "scores of independent classes (sigmoids) are no probabilities of one label: give labels, or say "
            "--values logits to take the largest score and a softmax",
        )
    return "logits"


def _named_array(array: StoredArray, name: str, reading: Hints) -> Predictions:
    if len(array.shape) > 2:
        raise fault(
            array.path,
            array.label,
            f"text of shape {list(array.shape)}",
            "class names [models, examples]",
            "give one name a prediction",
        )
    axes, told = _label_axes(array, reading)
    text = array.part(slice(None))
    coder = Coder(array.path, array.label)
    codes = coder.codes(_text_column(text.reshape(-1), array.path, array.label)).reshape(text.shape)
    assert coder.names is not None
    stored = in_memory(codes, array.name)
    return Predictions(
        shown(array.path), "labels", _models(array, axes, name), stored, axes, tuple(coder.names), told=told
    )


def parts_of_arrays(arrays: dict[str, StoredArray], path: Path, reading: Hints) -> list[Predictions]:
    """Predictions from the arrays of a file, with the ids, true labels and class names that lie beside them.

    Raises:
        InputError: no array of predictions among them, or arrays that do not fit together.
    """
    by_name = {name.lower(): array for name, array in arrays.items()}
    ids = array_ids(by_name, path)
    names = next((texts_of(by_name[name]) for name in CLASS_NAME_ARRAYS if name in by_name), None)
    special = {*ID_COLUMNS, "ids", "example_ids", *CLASS_NAME_ARRAYS, *NOT_PREDICTIONS, *TRUTH_COLUMNS}
    if reading.label_column:
        special.add(reading.label_column.lower())
    preferred = [name for name in by_name if name in SCORE_ARRAYS]
    predicted = [name for name in by_name if name in PREDICTION_COLUMNS]
    rest = [name for name in by_name if name not in special]
    if preferred or predicted:
        special |= {*LABEL_COLUMNS}
        chosen = preferred or predicted
    else:
        others = [name for name in rest if name not in LABEL_COLUMNS]
        chosen = others or rest
    if not chosen:
        raise fault(
            path, "arrays", listed(arrays), "an array of predictions", "name it logits, probabilities or predictions"
        )
    weights = [name for name in chosen if name.endswith((".weight", ".bias", ".running_mean"))]
    if len(weights) > 1:
        raise fault(
            path,
            "tensors",
            f"{len(arrays)} tensors, {weights[0]} among them: weights of a network",
            "predictions",
            "weights need their architecture: WRN-16-2@FILE or timm:NAME@FILE, with --data",
        )
    truth_names = [reading.label_column.lower()] if reading.label_column else [*TRUTH_COLUMNS, *LABEL_COLUMNS]
    truth_array = next((by_name[name] for name in truth_names if name in by_name and name not in chosen), None)
    truth = None if truth_array is None else label_column(truth_array, path, ids, names)
    parts = []
    for name in chosen:
        stem = path.stem if len(chosen) == 1 else by_name[name].name
        hint = reading if truth is None else replace(reading, examples=truth.examples)
        hint = hint if ids is None else replace(hint, examples=len(ids))
        part = part_of_array(by_name[name], stem, hint)
        told = (f"array {by_name[name].name!r}", *part.told)
        parts.append(replace(part, class_names=part.class_names or as_tuple(names), ids=ids, truth=truth, told=told))
    counts = {part.examples for part in parts}
    if truth is not None and truth.examples not in counts:
        raise fault(
            path,
            truth_array.label if truth_array is not None else "labels",
            f"{truth.examples:,} labels for {parts[0].examples:,} examples",
            "a label each",
            "write both anew, or name the array with the labels: --label-column NAME",
        )
    if len(counts) > 1:
        told_counts = ", ".join(f"{name} {list(by_name[name].shape)}" for name in chosen)
        raise fault(
            path, "arrays", told_counts, "as many examples in each", "give one model an array, all of the same examples"
        )
    if ids is not None and len(ids) != parts[0].examples:
        raise fault(
            path, "ids", f"{len(ids)} ids", f"{parts[0].examples}, one an example", "write one id for each example"
        )
    return parts


def array_ids(by_name: dict[str, StoredArray], path: Path) -> pa.Array | None:
    """The ids among the arrays of a file; None where there are none."""
    found = next((by_name[name] for name in ("ids", "example_ids", *ID_COLUMNS) if name in by_name), None)
    if found is None:
        return None
    if not found.shape:
        raise fault(path, found.label, "a single value", "[examples], an id each", "write one id for each example")
    values = found.part(slice(None)).reshape(-1)
    if values.dtype.kind in "US":
        return _text_column(values, path, found.label)
    if values.dtype.kind == "f":
        values = values.astype(np.float64)
        if not (np.abs(values) < 2**53).all() or (values != np.trunc(values)).any():
            raise fault(path, found.label, "fractions", "ids: whole numbers or text", "write ids as integers or text")
        values = values.astype(np.int64)
    return texts(values.astype(np.int64 if values.dtype.kind == "b" else values.dtype).astype(str).tolist())


def texts_of(array: StoredArray) -> tuple[str, ...] | None:
    """The texts of an array ``[any]``; None where it holds none."""
    if array.dtype.kind not in "US" or len(array.shape) != 1:
        return None
    names: list[str] = _text_column(array.part(slice(None)), array.path, array.label).to_pylist()
    return tuple(names)


def _text_column(values: np.ndarray, path: Path, where: str) -> pa.Array:
    """Text of an array; InputError where it holds what are no letters."""
    try:
        held = np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values
        return texts(held.tolist())
    except ValueError:
        raise fault(path, where, "text with impossible letters", "names or ids", "write the file again") from None


def listed(arrays: dict[str, StoredArray]) -> str:
    """Names and shapes, for messages."""
    return ", ".join(f"{array.label} {list(array.shape)}" for array in list(arrays.values())[:6]) or "no arrays"
