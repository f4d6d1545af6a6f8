"""What models say of all examples, and their true labels, as the rest of an audit sees them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from piescope.reading.arrays import StoredArray, in_memory
from piescope.reading.codes import MOST_CLASSES, whole_ids
from piescope.reading.columns import Column
from piescope.reading.files import fault
from piescope.reading.hints import Values

WRONG_RIGHT = ("wrong", "right")
"""The classes of answers that are known to be right or wrong."""

AXES = Literal["models", "examples", "classes"]


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
        notes: how it was read.
        largest: the largest code.
        distinct: how many different codes there are; 0: it was not counted.
        witnesses: the ids under the name of their column.
        column: that they are from, or array of a file; empty: it has no name.
    """

    source: str
    codes: StoredArray
    names: tuple[str, ...] | None
    ids: pa.Array | None
    notes: tuple[str, ...] = ()
    largest: int = -1
    distinct: int = 0
    witnesses: tuple[Witness, ...] = ()
    column: str = ""

    @property
    def examples(self) -> int:
        """Number of examples."""
        return self.codes.shape[0]

    def ids_that_occur(self) -> tuple[int, ...]:
        """The different codes, in order."""
        return tuple(np.unique(self.codes.part(slice(None))).tolist())


def all_right(source: str, examples: int, ids: pa.Array | None) -> LabelColumn:
    """The true labels of answers that are known to be right or wrong: right."""
    codes = in_memory(np.broadcast_to(np.int32(1), (examples,)), "labels")
    return LabelColumn(source, codes, WRONG_RIGHT, ids, ("right or wrong is known: true labels are not needed",), 1)


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
        notes: how it was read, in words.
        largest: the largest label; -1 for scores.
        is_binary: scores are those of class 1 of two.
        zero: of quantised probabilities, what stands for 0; None: they are not quantised.
        is_correctness: labels say right or wrong.
        witnesses: other columns that name the examples, where there are no ids, or some that count the rows.
        columns: of the table, or arrays of the file, that it is from.
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
    notes: tuple[str, ...] = ()
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
        found, expected = f"{classes:,} scores an example", f"at most {MOST_CLASSES:,}"
        raise fault(path, where, found, expected, "give one score for each class")
