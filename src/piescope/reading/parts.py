"""What models say of all examples, as the rest of an audit sees it, and what the user says of the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pyarrow as pa

from piescope.problems import InputError
from piescope.reading.arrays import StoredArray
from piescope.reading.columns import Column
from piescope.reading.files import fault
from piescope.reading.labels import MOST_CLASSES, whole_ids

Values = Literal["labels", "probabilities", "logits", "correct"]
"""What the numbers of a file are; ``correct``: right and wrong, as labels of two classes."""

WRONG_RIGHT = ("wrong", "right")
"""The classes of answers that are known to be right or wrong."""

AXES = Literal["models", "examples", "classes"]

SUM_TOLERANCE = 0.02
"""How far from 1 the sum of rounded probabilities may be (100 classes with 4 decimals: 0.005)."""


@dataclass(frozen=True)
class Hints:
    """What the user says of the files, where it is not to be found out, and what other files tell.

    Attributes:
        values: what predictions are.
        id_columns: the column with ids; of several names, each file's is the first that it has.
        label_column: the column with true labels.
        prediction_columns: the columns with predicted classes, one a model.
        score_columns: the columns with scores, one a class.
        right_from: the score from which on an answer is right.
        has_header: whether the first row of a CSV file names its columns.
        examples: how many there are, if another file tells: it says which axis of an array is which.
        names: of classes, as the true labels or the user have them.
        classes_are_all: ``names`` are all that there are.
        num_ids: number of classes, if the true labels are ids and each of them occurs.
        ids: of the true labels, where they do not count from 0 without gaps.
    """

    values: Values | None = None
    id_columns: tuple[str, ...] = ()
    label_column: str | None = None
    prediction_columns: tuple[str, ...] = ()
    score_columns: tuple[str, ...] = ()
    right_from: float | None = None
    has_header: bool | None = None
    examples: int | None = None
    names: tuple[str, ...] = ()
    classes_are_all: bool = False
    num_ids: int | None = None
    ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.values is not None and self.values not in get_args(Values):
            error = InputError("audit")
            error.add_unknown("--values", "kind of values", str(self.values), get_args(Values))
            raise error


@dataclass(frozen=True)
class Roles:
    """What each column of a file is.

    Attributes:
        id: of the examples.
        model: whose answer a row is (long tables).
        truth: true labels.
        labels: predicted classes, or right and wrong, a column a model.
        scores: a column a class; a single one is that of class 1 of two.
        vectors: lists of scores, a column a model.
        class_names: of the scores' columns; None: they count classes from 0.
        values: where it is settled what the numbers are.
        zero: of quantised probabilities: what stands for 0.
        is_correctness: ``labels`` say right or wrong.
        left_out: columns that are not used, with the reason.
        notes: what else is said of it.
        is_unsure: nothing but their place says that ``labels`` are predicted: they may be true labels.
    """

    id: str | None = None
    model: str | None = None
    truth: str | None = None
    labels: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()
    class_names: tuple[str, ...] | None = None
    values: Values | None = None
    zero: float | None = None
    is_correctness: bool = False
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = field(default=())
    is_unsure: bool = False

    @property
    def as_text(self) -> tuple[str, ...]:
        """Columns that are read as text, whatever they look like."""
        return tuple(name for name in (self.id, self.model) if name is not None)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The columns with predictions."""
        return (*self.labels, *self.scores, *self.vectors)

    @property
    def used(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (*(name for name in (self.id, self.model, self.truth) if name is not None), *self.chosen)


@dataclass(frozen=True, eq=False)
class Witness:
    """A column that names the examples beside their ids.

    Attributes:
        column: its name.
        values: ``[examples]`` text.
    """

    column: str
    values: pa.Array


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
        distinct: how many different codes there are; 0: it was not counted.
        witnesses: the ids under the name of their column.
    """

    source: str
    codes: StoredArray
    names: tuple[str, ...] | None
    ids: pa.Array | None
    told: tuple[str, ...] = ()
    largest: int = -1
    distinct: int = 0
    witnesses: tuple[Witness, ...] = ()

    @property
    def examples(self) -> int:
        """Number of examples."""
        return self.codes.shape[0]

    def ids_that_occur(self) -> tuple[int, ...]:
        """The different codes, in order."""
        return tuple(np.unique(self.codes.part(slice(None))).tolist())


@dataclass(frozen=True, eq=False)
class Predictions:
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
        zero: of quantised probabilities, what stands for 0; None: they are not quantised.
        is_correctness: labels say right or wrong.
        witnesses: other columns that name the examples, where there are no ids, or some that count the rows.
        columns: of the table that it is from.
        chosen: those of them that it was made of.
        is_unsure: nothing but their place says that labels are predicted: they may be true labels.
        beside: what the first rows of columns show that may hold the predictions instead.
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
    zero: float | None = None
    is_correctness: bool = False
    witnesses: tuple[Witness, ...] = ()
    columns: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    is_unsure: bool = False
    beside: tuple[Column, ...] = ()

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

    def ids_that_occur(self) -> tuple[int, ...]:
        """The different codes of labels, in order."""
        return tuple(np.unique(self.labels(slice(None))).tolist())

    def scores(self, rows: slice | np.ndarray) -> np.ndarray:
        """``[models, rows, classes]`` scores of some examples, as they lie in the file."""
        part = self.array.part(rows, self.axes.index("examples"))
        part = part[..., None] if "classes" not in self.axes else part
        part = part[None] if "models" not in self.axes else part
        part = part if self.axes[0] != "examples" or "models" not in self.axes else part.transpose(1, 0, 2)
        if self.zero is not None:
            part = part.astype(np.float32) - self.zero
            return np.asarray(part / part.sum(-1, keepdims=True), np.float32)
        if not self.is_binary:
            return part
        with np.errstate(over="ignore"):
            part = part.astype(np.float32)
        other = 1 - part if self.values == "probabilities" else np.zeros_like(part)
        return np.concatenate([other, part], axis=2)


def check_width(classes: int, path: Path, where: str) -> None:
    """Refuses scores of more classes than there can be; InputError."""
    if classes > MOST_CLASSES:
        raise fault(
            path, where, f"{classes:,} scores an example", f"at most {MOST_CLASSES:,}", "give one score for each class"
        )


def as_tuple(names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Names as a tuple; None stays None."""
    return None if names is None else tuple(names)


def replace_path(stored: StoredArray, path: Path) -> StoredArray:
    """The same array under another file's name."""
    other = replace(stored, path=path)
    if "_mapped" in stored.__dict__:
        other.__dict__["_mapped"] = stored.__dict__["_mapped"]
    return other
