"""What models say, from a file of any layout: labels, probabilities or logits, told apart and said."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from piescope.auditing.arrays import Spool, StoredArray, in_memory, open_npy, open_npz, open_safetensors
from piescope.auditing.columns import column_of, numpy_of, texts
from piescope.auditing.files import fault, kind_of, shown
from piescope.auditing.labels import MOST_CLASSES, Coder, check_ids, whole_ids
from piescope.auditing.tables import NUMBER, TableFile, read_table
from piescope.problems import InputError

Values = Literal["labels", "probabilities", "logits"]
AXES = Literal["models", "examples", "classes"]

SUM_TOLERANCE = 0.02
"""How far from 1 the sum of rounded probabilities may be (100 classes with 4 decimals: 0.005)."""

LEAST_ONE_HOT = 8
"""Rows with a single 1 that cannot be chance."""

LOOK = 1024
"""Examples from the beginning, the middle and the end of an array that tell what its values are."""

ID_COLUMNS = (
    "id",
    "example_id",
    "example",
    "exampleid",
    "image_id",
    "imageid",
    "sample_id",
    "sample",
    "image",
    "img",
    "filename",
    "file_name",
    "file",
    "path",
    "image_path",
    "uid",
    "uuid",
    "key",
    "index",
    "idx",
    "row",
    "example id",
    "image id",
)
MODEL_COLUMNS = ("model", "model_id", "model_name", "run", "seed", "replicate", "checkpoint", "member")
TRUTH_COLUMNS = (
    "true_label",
    "true",
    "target",
    "targets",
    "y_true",
    "ground_truth",
    "groundtruth",
    "truth",
    "gold",
    "actual",
    "true_class",
    "label_true",
    "y",
)
LABEL_COLUMNS = ("label", "labels", "class", "category", "class_id", "class_name", "label_id")
PREDICTION_COLUMNS = (
    "prediction",
    "predictions",
    "predicted",
    "predicted_label",
    "predicted_class",
    "pred",
    "preds",
    "pred_label",
    "y_pred",
    "y_hat",
    "output",
    "answer",
    "dense_label",
    "compressed_label",
    "pruned_label",
)
SCORE_ARRAYS = ("logits", "scores", "probabilities", "probs", "softmax", "outputs")
NOT_PREDICTIONS = ("embeddings", "embedding", "features", "representations", "representation", "images", "x")
CLASS_NAME_ARRAYS = ("class_names", "classes", "names")
CONFIDENCE_COLUMNS = ("confidence", "score", "probability", "prob", "max_prob", "loss", "margin", "entropy")


@dataclass(frozen=True)
class Reading:
    """What the user says of the files, where it is not to be found out.

    Attributes:
        values: what predictions are.
        id_column: the column with ids.
        label_column: the column with true labels.
        examples: how many there are, if another file tells: it says which axis of an array is which.
    """

    values: Values | None = None
    id_column: str | None = None
    label_column: str | None = None
    examples: int | None = None

    def __post_init__(self) -> None:
        if self.values is not None and self.values not in get_args(Values):
            error = InputError("audit")
            error.add_unknown("--values", "kind of values", str(self.values), get_args(Values))
            raise error


@dataclass(frozen=True, eq=False)
class LabelColumn:
    """One label an example: the truth, or a column of metadata.

    Attributes:
        source: the file.
        codes: ``[examples]`` int32.
        names: behind the codes; None: they are class ids.
        ids: of the examples.
        told: how it was read.
        largest: the largest code.
    """

    source: str
    codes: StoredArray
    names: tuple[str, ...] | None
    ids: pa.Array | None
    told: tuple[str, ...] = ()
    largest: int = -1

    @property
    def examples(self) -> int:
        """Number of examples."""
        return self.codes.shape[0]


@dataclass(frozen=True, eq=False)
class Part:
    """What one file, or one array of it, says of all examples.

    Attributes:
        source: the file's name.
        values: what the numbers are.
        models: a name for each model.
        array: the numbers.
        axes: what the array's axes are, in their order.
        class_names: of codes, or of score columns; None: ids.
        ids: of the examples; None: they go by row.
        truth: true labels that stood beside the predictions.
        told: how it was read, in words.
        largest: the largest label; -1 for scores.
        is_binary: scores are those of class 1 of two.
    """

    source: str
    values: Values
    models: tuple[str, ...]
    array: StoredArray
    axes: tuple[AXES, ...]
    class_names: tuple[str, ...] | None = None
    ids: pa.Array | None = None
    truth: LabelColumn | None = None
    told: tuple[str, ...] = ()
    largest: int = -1
    is_binary: bool = False

    @property
    def examples(self) -> int:
        """Number of examples."""
        return self.array.shape[self.axes.index("examples")]

    @property
    def num_classes(self) -> int | None:
        """Number of scores an example; None for labels."""
        if self.values == "labels":
            return None
        return 2 if self.is_binary else self.array.shape[self.axes.index("classes")]

    def labels(self, rows: slice | np.ndarray) -> np.ndarray:
        """``[models, rows]`` codes of some examples."""
        part = self.array.part(rows, self.axes.index("examples"))
        part = part[None] if self.axes == ("examples",) else part
        if self.axes == ("examples", "models"):
            part = part.T
        return whole_ids(part, Path(self.source), self.array.label)

    def scores(self, rows: slice | np.ndarray) -> np.ndarray:
        """``[models, rows, classes]`` scores of some examples, as they lie in the file."""
        part = self.array.part(rows, self.axes.index("examples"))
        part = part[..., None] if "classes" not in self.axes else part
        part = part[None] if "models" not in self.axes else part
        part = part if self.axes[0] != "examples" or "models" not in self.axes else part.transpose(1, 0, 2)
        if not self.is_binary:
            return part
        with np.errstate(over="ignore"):
            part = part.astype(np.float32)
        other = 1 - part if self.values == "probabilities" else np.zeros_like(part)
        return np.concatenate([other, part], axis=2)


def read_file(path: Path, reading: Reading) -> list[Part]:
    """The predictions of a file.

    Raises:
        InputError: nothing in it can be taken for predictions, or its values are no labels, probabilities or logits.
    """
    kind = kind_of(path)
    if kind == "npy":
        return [part_of_array(open_npy(path), path.stem, reading)]
    if kind in ("npz", "safetensors"):
        return _parts_of_arrays(open_npz(path) if kind == "npz" else open_safetensors(path), path, reading)
    return [read_table(path, kind, lambda table: _part_of_table(table, reading))]


def read_labels(path: Path, reading: Reading) -> LabelColumn:
    """The true labels of a file: a table with a label column, or an array ``[examples]``.

    Raises:
        InputError: no such column or array, or something else than labels in it.
    """
    kind = kind_of(path)
    if kind in ("npy", "npz", "safetensors"):
        arrays = {"": open_npy(path)} if kind == "npy" else open_npz(path) if kind == "npz" else open_safetensors(path)
        by_name = {name.lower(): array for name, array in arrays.items()}
        wanted = [reading.label_column.lower()] if reading.label_column else ["", *LABEL_COLUMNS, *TRUTH_COLUMNS]
        found = next((by_name[name] for name in wanted if name in by_name), None)
        flat = [array for array in arrays.values() if len(array.shape) == 1]
        if found is None and len(flat) == 1 and not reading.label_column:
            found = flat[0]
        if found is None:
            raise fault(path, "labels", _listed(arrays), "an array named labels or y", "name it: --label-column NAME")
        names = next((_texts(by_name[name]) for name in CLASS_NAME_ARRAYS if name in by_name), None)
        return label_column(found, path, array_ids(by_name, path), names)
    return read_table(path, kind, lambda table: _labels_of_table(table, reading))


def _labels_of_table(table: TableFile, reading: Reading) -> LabelColumn:
    path = table.path
    roles = _Roles.of(table, reading, for_truth=True)
    assert roles.truth is not None
    coder = Coder(path, roles.truth)
    spool, ids = Spool(np.dtype(np.int32), ()), Ids(path)
    largest = -1
    for batch in table.batches(roles.as_text, roles.used):
        codes = coder.codes(batch.column(roles.truth))
        largest = max(largest, int(codes.max()))
        spool.append(codes)
        ids.add(batch, roles.id)
    if not len(spool):
        raise fault(path, "rows", "none", "at least one example", "write the file again")
    told = (*table.told, f"true labels: column {roles.truth!r}", *_id_told(roles.id))
    return LabelColumn(shown(path), spool.array("labels", path), _tuple(coder.names), ids.array(), told, largest)


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
    found = tuple(names) if names is not None and coder.names is None else _tuple(coder.names)
    return LabelColumn(
        shown(path), in_memory(codes, "labels"), found, ids, (f"true labels: {stored.label}",), int(codes.max())
    )


def part_of_array(array: StoredArray, name: str, reading: Reading, whole_file: bool = True) -> Part:
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
    values = reading.values or _values_of(sample, array, looked_at)
    if values == "labels":
        if len(array.shape) == 3:
            raise fault(
                path,
                where,
                f"whole numbers of shape {list(array.shape)}",
                "labels [models, examples]",
                "leave out the third axis, or say --values logits",
            )
        if reading.values is None and _is_one_hot(sample):
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
        return Part(shown(path), "labels", _models(array, axes, name), array, axes, told=told, largest=largest)
    is_binary = len(array.shape) == 1 or array.shape[-1] == 1
    axes, told = (("examples",), ()) if len(array.shape) == 1 else _score_axes(array, reading)
    if is_binary:
        one = "probability" if values == "probabilities" else "logit"
        told = (*told, f"one {one} an example: that of class 1 of two")
    else:
        check_width(array.shape[-1], path, where)
    return Part(shown(path), values, _models(array, axes, name), array, axes, told=told, is_binary=is_binary)


def check_width(classes: int, path: Path, where: str) -> None:
    """Refuses scores of more classes than there can be; InputError."""
    if classes > MOST_CLASSES:
        raise fault(
            path, where, f"{classes:,} scores an example", f"at most {MOST_CLASSES:,}", "give one score for each class"
        )


def _is_one_hot(values: np.ndarray) -> bool:
    """Whether rows ``[rows, columns]`` have a single 1 each, too many of them for labels of models."""
    if values.ndim != 2 or len(values) < LEAST_ONE_HOT or values.shape[1] < 2:
        return False
    return bool(((values == 0) | (values == 1)).all() and (values.sum(1) == 1).all())


def _models(array: StoredArray, axes: tuple[AXES, ...], name: str) -> tuple[str, ...]:
    if "models" not in axes:
        return (name,)
    count = array.shape[axes.index("models")]
    return (name,) if count == 1 else tuple(f"{name}[{number}]" for number in range(count))


def _label_axes(array: StoredArray, reading: Reading) -> tuple[tuple[AXES, ...], tuple[str, ...]]:
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


def _score_axes(array: StoredArray, reading: Reading) -> tuple[tuple[AXES, ...], tuple[str, ...]]:
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


def _values_of(sample: np.ndarray, array: StoredArray, rows: np.ndarray) -> Values:
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


def _named_array(array: StoredArray, name: str, reading: Reading) -> Part:
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
    return Part(shown(array.path), "labels", _models(array, axes, name), stored, axes, tuple(coder.names), told=told)


def _parts_of_arrays(arrays: dict[str, StoredArray], path: Path, reading: Reading) -> list[Part]:
    by_name = {name.lower(): array for name, array in arrays.items()}
    ids = array_ids(by_name, path)
    names = next((_texts(by_name[name]) for name in CLASS_NAME_ARRAYS if name in by_name), None)
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
            path, "arrays", _listed(arrays), "an array of predictions", "name it logits, probabilities or predictions"
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
        parts.append(replace(part, class_names=part.class_names or _tuple(names), ids=ids, truth=truth, told=told))
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


def _texts(array: StoredArray) -> tuple[str, ...] | None:
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


def _listed(arrays: dict[str, StoredArray]) -> str:
    return ", ".join(f"{array.label} {list(array.shape)}" for array in list(arrays.values())[:6]) or "no arrays"


def _tuple(names: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


def _id_told(column: str | None) -> tuple[str, ...]:
    return () if column is None else (f"ids: column {column!r}",)


def id_column_of(names: Sequence[str], reading: Reading) -> str | None:
    """Which column holds ids: the one that the user names, or one with a usual name, or an index without a name."""
    if reading.id_column in names:
        return reading.id_column
    lower = {name.strip().lower(): name for name in reversed(names)}
    found = next((lower[wanted] for wanted in ID_COLUMNS if wanted in lower), None)
    if found is None and len(names) > 1 and names[0].strip().lower() in ("", "unnamed: 0", "__index_level_0__"):
        return names[0]
    return found


class Ids:
    """The ids of a table, collected batch by batch."""

    def __init__(self, path: Path) -> None:
        self._path, self._parts = path, list[pa.Array]()

    def add(self, batch: pa.RecordBatch, column: str | None) -> None:
        """Keeps the ids of a batch; InputError for an empty one."""
        if column is None:
            return
        values = batch.column(column)
        empty = numpy_of(values.is_null()) == 1 if values.null_count else numpy_of(pc.binary_length(values)) == 0
        if empty.any():
            row = sum(len(part) for part in self._parts) + int(np.argmax(empty))
            raise fault(self._path, f"{column}, row {row}", "an empty id", "an id in each row", "give each example one")
        self._parts.append(values)

    def array(self) -> pa.Array | None:
        """All ids; None where there is no such column."""
        return pa.concat_arrays(self._parts) if self._parts else None


@dataclass(frozen=True)
class _Roles:
    """What each column of a table is."""

    id: str | None
    model: str | None
    truth: str | None
    labels: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    told: tuple[str, ...] = field(default=())

    @property
    def as_text(self) -> tuple[str, ...]:
        return tuple(name for name in (self.id, self.model) if name is not None)

    @property
    def used(self) -> tuple[str, ...]:
        """Columns that are read."""
        named = (self.id, self.model, self.truth)
        return (*(name for name in named if name is not None), *self.labels, *self.scores, *self.vectors)

    @staticmethod
    def of(table: TableFile, reading: Reading, for_truth: bool = False) -> _Roles:
        """Reads the roles off names and types.

        Raises:
            InputError: no column that could hold what is wanted, or several that could.
        """
        schema, path = table.schema, table.path
        names = list(schema.names)
        for wanted, flag in ((reading.id_column, "--id-column"), (reading.label_column, "--label-column")):
            if wanted is not None and wanted not in names and (for_truth or flag == "--id-column"):
                raise fault(
                    path,
                    flag,
                    f"no column {wanted!r}",
                    "one of: " + ", ".join(map(repr, names[:12])),
                    "check its spelling",
                )
        lower = {name: name.strip().lower() for name in names}
        identity = reading.id_column or next(
            (name for wanted in ID_COLUMNS for name in names if lower[name] == wanted), None
        )
        if identity is None and names and lower[names[0]] in ("", "unnamed: 0", "__index_level_0__") and len(names) > 1:
            identity = names[0]
        rest = [name for name in names if name != identity]
        if for_truth:
            return _Roles(identity, None, _truth_column(path, rest, lower, schema, reading))
        model = next((name for wanted in MODEL_COLUMNS for name in rest if lower[name] == wanted), None)
        kinds = {name: _kind(schema.field(name).type, reading.values) for name in rest}
        if model is not None and kinds[model] == "number":
            model = None
        rest = [name for name in rest if name != model]
        labelish = [name for name in rest if kinds[name] == "label"]
        predicted = [name for name in labelish if lower[name] in PREDICTION_COLUMNS]
        truth = reading.label_column if reading.label_column in rest else None
        truth = truth or next((name for wanted in TRUTH_COLUMNS for name in labelish if lower[name] == wanted), None)
        vectors = [name for name in rest if kinds[name] == "vector" and lower[name] not in NOT_PREDICTIONS]
        numbers = [
            name for name in rest if kinds[name] == "number" and lower[name] not in CONFIDENCE_COLUMNS and name != truth
        ]
        if truth is None and (vectors or len(numbers) > 1 or len(predicted) > 0):
            truth = next(
                (
                    name
                    for wanted in LABEL_COLUMNS
                    for name in labelish
                    if lower[name] == wanted and name not in predicted
                ),
                None,
            )
        labelish = [name for name in labelish if name != truth]
        chosen: dict[str, tuple[str, ...]] = {}
        if vectors:
            chosen = {"vectors": tuple(vectors)}
        elif len(numbers) > 1 and len(numbers) >= len(labelish):
            chosen = {"scores": tuple(numbers)}
        elif predicted:
            chosen = {"labels": tuple(predicted)}
        elif labelish:
            chosen = {"labels": tuple(labelish)}
        elif numbers:
            chosen = {"scores": tuple(numbers)}
        else:
            raise fault(
                path,
                "columns",
                ", ".join(map(repr, names[:12])),
                "columns of predictions: labels (one a model) or scores (one a class)",
                "name the id column with --id-column and the true labels with --label-column",
            )
        used = {name for group in chosen.values() for name in group}
        unused = tuple(name for name in rest if name not in used and name != truth)
        if model is not None and len(chosen.get("labels", ("",))) > 1:
            raise fault(
                path,
                "columns",
                ", ".join(map(repr, chosen["labels"][:8])),
                "one column of predictions beside the example and the model",
                "name it prediction",
            )
        return _Roles(identity, model, truth, unused=unused, **chosen)


def _truth_column(path: Path, rest: list[str], lower: dict[str, str], schema: pa.Schema, reading: Reading) -> str:
    if reading.label_column is not None:
        return reading.label_column
    for wanted in (*TRUTH_COLUMNS, *LABEL_COLUMNS):
        for name in rest:
            if lower[name] == wanted:
                return name
    if len(rest) == 1:
        return rest[0]
    found = ", ".join(map(repr, rest[:12])) or "none but ids"
    raise fault(
        path, "columns", found, "a column named label", "name the column with the true labels: --label-column NAME"
    )


def _kind(kind: pa.DataType, values: Values | None) -> Literal["label", "number", "vector", "other"]:
    """What a column of a type may hold; whole numbers are scores where the user says that values are."""
    if pa.types.is_floating(kind) or (pa.types.is_integer(kind) and values in ("probabilities", "logits")):
        return "number"
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind) or pa.types.is_null(kind):
        return "label"
    return "vector" if pa.types.is_nested(kind) else "other"  # of numbers: tables hold no others


def _part_of_table(table: TableFile, reading: Reading) -> Part:
    cells = _cells_of(table, _Roles.of(table, reading), reading)
    roles = cells.roles
    if roles.model is not None:
        return _pivoted(table, roles, cells, reading)
    spool: Spool | None = None
    ids, truth = Ids(table.path), _TruthBeside(table.path, roles.truth)
    largest = -1
    for batch in table.batches(roles.as_text, roles.used):
        rows = cells.rows(batch)
        if spool is None:
            spool = Spool(rows.dtype, rows.shape[1:])
        check_alike(rows, spool.row, table.path)
        largest = max(largest, cells.largest(rows))
        spool.append(rows)
        ids.add(batch, roles.id)
        truth.add(batch)
    if spool is None:
        raise fault(table.path, "rows", "none", "at least one example", "write the file again")
    held = ids.array()
    return cells.part(spool.array("predictions", table.path), largest, held, truth.column(held), reading)


def check_alike(rows: np.ndarray, first: tuple[int, ...], path: Path) -> None:
    """Refuses rows ``[rows, ...]`` that are longer or shorter than those before; InputError."""
    if rows.shape[1:] != first:
        raise fault(
            path,
            "rows",
            f"lists of {rows.shape[-1]} numbers, after lists of {first[-1]}",
            "lists of one length",
            "give one score a class in each row",
        )


class _TruthBeside:
    """True labels that stand beside predictions."""

    def __init__(self, path: Path, name: str | None) -> None:
        self._path, self._name = path, name
        self._coder, self._spool, self._largest = Coder(path, name or ""), Spool(np.dtype(np.int32), ()), -1

    def add(self, batch: pa.RecordBatch) -> None:
        if self._name is not None:
            codes = self._coder.codes(batch.column(self._name))
            self._largest = max(self._largest, int(codes.max(initial=-1)))
            self._spool.append(codes)

    def column(self, ids: pa.Array | None) -> LabelColumn | None:
        if self._name is None:
            return None
        told = (f"true labels: column {self._name!r}",)
        codes = self._spool.array("labels", self._path)
        return LabelColumn(shown(self._path), codes, _tuple(self._coder.names), ids, told, self._largest)


@dataclass
class _Cells:
    """Turns the prediction columns of a batch into rows of an array."""

    table: TableFile
    roles: _Roles
    values: Values
    class_names: tuple[str, ...] | None
    coder: Coder
    told: tuple[str, ...]
    done: int = 0

    def rows(self, batch: pa.RecordBatch) -> np.ndarray:
        """``[rows, models]`` labels or ``[rows, models, classes]`` scores."""
        if self.values == "labels":
            return np.stack([self.coder_of(name).codes(batch.column(name)) for name in self.columns], axis=1)
        if self.roles.vectors:
            held = [vector(batch.column(name), self.table.path, name, self.done) for name in self.roles.vectors]
            odd = next((place for place, each in enumerate(held) if each.shape != held[0].shape), None)
            if odd is not None:
                raise fault(
                    self.table.path,
                    self.roles.vectors[odd],
                    f"lists of {held[odd].shape[1]} numbers",
                    f"{held[0].shape[1]}, as in {self.roles.vectors[0]}",
                    "give all models the same classes",
                )
            check_width(held[0].shape[1], self.table.path, self.roles.vectors[0])
            found = np.stack(held, axis=1)
        else:
            check_width(len(self.roles.scores), self.table.path, "columns")
            held = [numbers(batch.column(name), self.table.path, name, self.done) for name in self.roles.scores]
            found = np.stack(held, axis=1)[:, None, :]
        self.done += len(found)
        return found

    def coder_of(self, name: str) -> Coder:
        self.coder.where = name
        return self.coder

    @property
    def columns(self) -> tuple[str, ...]:
        return self.roles.labels or self.roles.scores

    def largest(self, rows: np.ndarray) -> int:
        return int(rows.max(initial=-1)) if self.values == "labels" else -1

    @property
    def models(self) -> tuple[str, ...]:
        names = self.roles.vectors or (self.columns if self.values == "labels" else ("",))
        return (self.table.path.stem,) if len(names) == 1 else names

    def part(
        self, array: StoredArray, largest: int, ids: pa.Array | None, truth: LabelColumn | None, reading: Reading
    ) -> Part:
        axes: tuple[AXES, ...] = (
            ("examples", "models") if self.values == "labels" else ("examples", "models", "classes")
        )
        names = _tuple(self.coder.names) if self.values == "labels" else self.class_names
        told = (*self.table.told, *self.told, *_id_told(self.roles.id))
        found = Part(
            shown(self.table.path),
            self.values,
            self.models,
            array,
            axes,
            names,
            ids,
            truth,
            told,
            -1 if names else largest,
        )
        if self.values != "labels" and array.shape[2] == 1:
            told = (*told, "one score an example: that of class 1 of two")
            return replace(found, class_names=None, is_binary=True, told=told)
        return found


def _cells_of(table: TableFile, roles: _Roles, reading: Reading) -> _Cells:
    """How the columns are read, from the first rows."""
    path = table.path
    spare = [name for name in roles.unused if table.kind == "csv" or pa.types.is_integer(table.schema.field(name).type)]
    first = next(table.batches(roles.as_text, (*roles.used, *spare)), None)
    if first is None:
        raise fault(path, "rows", "none", "at least one example", "write the file again")
    coder = Coder(path, "predictions")
    if roles.labels:
        _check_not_one_hot(first, roles.labels, path)
    elif roles.scores:
        roles = _with_whole_numbers(first, roles)
        _check_no_text(first, tuple(spare), path)
    unused = (f"not used: {', '.join(map(repr, roles.unused[:8]))}",) if roles.unused else ()
    if roles.labels:
        told = (
            f"labels, one column a model ({len(roles.labels)})"
            if len(roles.labels) > 1
            else f"labels: column {roles.labels[0]!r}"
        )
        return _Cells(table, roles, "labels", None, coder, (told, *unused))
    looked = _Cells(table, roles, "logits", None, coder, ()).rows(first)
    named = ", ".join(map(repr, (roles.scores or roles.vectors)[:3]))
    stored = replace(in_memory(looked[:, 0], named), path=path, name=named)
    values = reading.values or _values_of(looked[:, 0], stored, np.arange(len(looked)))
    if values == "labels":
        if roles.vectors:
            raise fault(
                path,
                roles.vectors[0],
                "lists of whole numbers",
                "scores, one a class",
                "say --values logits if they are scores",
            )
        return _Cells(
            table, roles, "labels", None, coder, (f"labels, one column a model ({len(roles.scores)})", *unused)
        )
    if roles.vectors:
        kind = table.schema.field(roles.vectors[0]).type
        names = tuple(field.name for field in kind) if pa.types.is_struct(kind) else None
        told = f"{values}, a list an example in {', '.join(map(repr, roles.vectors[:4]))}"
    else:
        names = _without_prefix(roles.scores)
        told = f"{values}, one column a class ({len(roles.scores)})"
        if _are_ids(names) or all(name.startswith("column ") for name in names):
            names = None
    return _Cells(table, roles, values, names, coder, (told, *unused))


def _check_not_one_hot(first: pa.RecordBatch, names: tuple[str, ...], path: Path) -> None:
    columns = [first.column(name) for name in names]
    if len(names) < 2 or any(pa.types.is_string(column.type) or column.null_count for column in columns):
        return
    if _is_one_hot(np.stack([numpy_of(column) for column in columns], axis=1)):
        raise fault(
            path,
            "columns",
            f"one-hot rows: a single 1 among {', '.join(map(repr, names[:4]))} ...",
            "labels, one column a model, or scores, one a class",
            "give class ids or names, or say --values probabilities",
        )


def _with_whole_numbers(first: pa.RecordBatch, roles: _Roles) -> _Roles:
    """Classes whose probabilities are all written as 0 and 1, which look like ids: with them the others sum to 1."""
    spare = [
        name
        for name in roles.unused
        if name in first.schema.names and pa.types.is_integer(first.schema.field(name).type)
    ]
    names = tuple(name for name in first.schema.names if name in spare or name in roles.scores)
    columns = {name: first.column(name) for name in names}
    if not spare or any(column.null_count for column in columns.values()):
        return roles
    values = {name: numpy_of(pc.cast(column, pa.float32(), safe=False)) for name, column in columns.items()}
    alone, together = (sum(values[name] for name in group) for group in (roles.scores, names))
    within = all(((column >= 0) & (column <= 1)).all() for column in values.values())
    if within and (np.abs(together - 1) <= SUM_TOLERANCE).all() and (np.abs(alone - 1) > SUM_TOLERANCE).any():
        return replace(roles, scores=names, unused=tuple(name for name in roles.unused if name not in spare))
    return roles


def _check_no_text(first: pa.RecordBatch, unused: tuple[str, ...], path: Path) -> None:
    """Refuses a column of numbers with text among them, which would silently be left out of the scores."""
    for name in unused:
        column = first.column(name)
        if not pa.types.is_string(column.type):
            continue
        cells = [cell or "" for cell in column.slice(0, LOOK).to_pylist()]
        odd = [place for place, cell in enumerate(cells) if not NUMBER.fullmatch(cell.strip())]
        if odd and len(odd) < len(cells) / 2:
            row, found = odd[0], cells[odd[0]]
            cure = "mend that cell, or leave its example out of all files"
            raise fault(path, f"{name}, row {row}", repr(found), "a number in each row", cure)


def replace_path(stored: StoredArray, path: Path) -> StoredArray:
    """The same array under another file's name."""
    other = replace(stored, path=path)
    if "_mapped" in stored.__dict__:
        other.__dict__["_mapped"] = stored.__dict__["_mapped"]
    return other


def _are_ids(names: Sequence[str]) -> bool:
    """Whether columns count classes from 0: ``0, 1, 2`` or ``p0, p1, p2``."""
    stem = names[0].removesuffix("0")
    return all(name == f"{stem}{number}" for number, name in enumerate(names))


def _without_prefix(names: tuple[str, ...]) -> tuple[str, ...]:
    """``prob_cat, prob_dog`` as ``cat, dog``."""
    first, last = min(names), max(names)  # what the extremes share, all share
    same = next((place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    shared = first[:same]
    cut = max(shared.rfind("_"), shared.rfind("."), shared.rfind(":"), shared.rfind(" ")) + 1
    bare = tuple(name[cut:] for name in names)
    return bare if len(names) > 1 and all(bare) else names


def numbers(column: pa.Array, path: Path, name: str, first: int = 0, length: int = 1) -> np.ndarray:
    """A column as float32, ``length`` numbers a row; InputError for an empty cell, which names its row."""
    if column.null_count:
        row = first + int(np.flatnonzero(numpy_of(column.is_null()))[0]) // length
        raise fault(
            path,
            f"{name}, row {row}",
            "an empty cell or NaN",
            "a number in each row",
            "leave that example out of all files",
        )
    return numpy_of(pc.cast(column, pa.float32(), safe=False))


def vector(column: pa.Array, path: Path, name: str, first: int = 0) -> np.ndarray:
    """A column of lists or structs as ``[rows, length]`` float32; InputError where lengths differ."""
    if column.null_count:
        row = first + int(np.flatnonzero(numpy_of(column.is_null()))[0])
        raise fault(
            path,
            f"{name}, row {row}",
            "an empty cell",
            "a list of numbers in each row",
            "leave that example out of all files",
        )
    if pa.types.is_struct(column.type):
        return np.stack(
            [
                numbers(column.field(place), path, f"{name}.{column.type.field(place).name}", first)
                for place in range(column.type.num_fields)
            ],
            axis=1,
        )
    lengths = numpy_of(pc.list_value_length(column))
    length = int(lengths[0])
    if length == 0 or (lengths != length).any():
        odd = int(np.argmax(lengths != length))
        raise fault(
            path,
            f"{name}, row {first + odd}",
            f"a list of {int(lengths[odd])} numbers" + (f", after lists of {length}" if odd else ""),
            "lists of one length",
            "give one number a class, or a dimension, in each row",
        )
    return numbers(pc.list_flatten(column), path, name, first, length).reshape(len(column), length)


def _pivoted(table: TableFile, roles: _Roles, cells: _Cells, reading: Reading) -> Part:
    """Long tables, (example, model, label): two passes, one for the names and one for the cells."""
    path = table.path
    if roles.id is None or roles.model is None:
        raise fault(
            path,
            "columns",
            f"a column {roles.model!r} and no ids",
            "the columns example, model and label",
            "name the ids: --id-column NAME",
        )
    examples, models = dict[str, int](), dict[str, int]()
    count = 0
    for batch in table.batches(roles.as_text, roles.as_text):
        for known, column in ((examples, roles.id), (models, roles.model)):
            values = batch.column(column)
            if values.null_count:
                raise fault(path, column, f"{values.null_count} empty cells", "a value in each row", "fill them in")
            for name in pc.unique(values).to_pylist():
                known.setdefault(name, len(known))
        count += batch.num_rows
    if count != len(examples) * len(models):
        raise fault(
            path,
            "rows",
            f"{count:,} rows for {len(examples):,} examples and {len(models)} models",
            f"{len(examples) * len(models):,}, one for each",
            "write each pair of example and model once, and all of them",
        )
    held: np.memmap[Any, Any] | None = None
    truth: np.ndarray | None = None
    truth_coder = Coder(path, roles.truth or "")
    seen = np.zeros((len(examples), len(models)), bool)
    largest = -1
    for batch in table.batches(roles.as_text, roles.used):
        rows = cells.rows(batch)[:, 0]
        if held is None:
            held = _blank(rows.dtype, (len(examples), len(models), *rows.shape[1:]))
        check_alike(rows, held.shape[2:], path)
        places = [
            _places(batch.column(column), known) for known, column in ((examples, roles.id), (models, roles.model))
        ]
        held[places[0], places[1]] = rows
        seen[places[0], places[1]] = True
        largest = max(largest, cells.largest(rows))
        if roles.truth is not None:
            codes = truth_coder.codes(batch.column(roles.truth))
            truth = np.full(len(examples), -1, np.int32) if truth is None else truth
            unseen = truth[places[0]] < 0
            truth[places[0][unseen]] = codes[unseen]
            conflict = truth[places[0]] != codes
            if conflict.any():
                example = batch.column(roles.id)[int(np.flatnonzero(conflict)[0])].as_py()
                raise fault(path, roles.truth, f"two true labels for example {example!r}", "one", "mend the labels")
    assert held is not None
    if not seen.all():
        example, model = (int(place) for place in np.argwhere(~seen)[0])
        found = f"a pair twice, and none for example {list(examples)[example]!r} and model {list(models)[model]!r}"
        raise fault(path, "rows", found, "each pair of example and model once", "remove the repeated rows")
    ids = texts(examples)
    beside: LabelColumn | None = None
    if truth is not None:
        told = (f"true labels: column {roles.truth!r}",)
        beside = LabelColumn(
            shown(path), in_memory(truth, "labels"), _tuple(truth_coder.names), ids, told, int(truth.max())
        )
    part = cells.part(replace_path(in_memory(held, "predictions"), path), largest, ids, beside, reading)
    told_long = (f"long: one row for each example and model ({len(models)} in column {roles.model!r})", *part.told)
    return replace(part, models=tuple(models), told=told_long)


def _blank(dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    return np.memmap(tempfile.TemporaryFile(prefix="piescope-audit-"), dtype, "w+", 0, shape)


def _places(column: pa.Array, known: dict[str, int]) -> np.ndarray:
    encoded = pc.dictionary_encode(column)
    table = np.array([known[name] for name in encoded.dictionary.to_pylist()], np.int64)
    return table[numpy_of(encoded.indices)]
