"""What the user says of the files, where it is not to be found out, and what files tell of those read after them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from piescope.problems import InputError

if TYPE_CHECKING:
    from piescope.reading.predictions import LabelColumn, Predictions

Values = Literal["labels", "probabilities", "logits", "correct"]
"""What the numbers of a file are; ``correct``: right and wrong, as labels of two classes."""


@dataclass(frozen=True)
class Hints:
    """What is known of a file before it is read; InputError for values of another kind.

    Attributes:
        values: what predictions are; ``correct`` where ``right_from`` is given.
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
        labels_file: that has the true labels; None: it is not known, or they are an array.
        side: whose predictions they are; None: it is not known.
        other_side: of a table that has both sides, the column of the other: neither a truth nor anything else here.
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
    labels_file: Path | None = None
    side: Literal["dense", "compressed"] | None = None
    other_side: str | None = None

    def __post_init__(self) -> None:
        if self.values is not None and self.values not in get_args(Values):
            raise InputError.of_unknown("audit", "--values", "kind of values", str(self.values), get_args(Values))
        if self.right_from is not None and self.values is None:
            object.__setattr__(self, "values", "correct")

    @property
    def has_labels(self) -> bool:
        """Whether true labels are given in a file of their own, or known from another one."""
        return self.labels_file is not None or bool(self.names or self.ids) or self.num_ids is not None

    def with_labels(self, labels: LabelColumn | None) -> Hints:
        """The same, and what true labels tell."""
        if labels is None:
            return self
        hints = replace(self, examples=labels.examples)
        if labels.names is not None:
            return hints if self.classes_are_all else replace(hints, names=labels.names)
        if labels.distinct == labels.largest + 1:
            return replace(hints, num_ids=labels.distinct)
        return replace(hints, ids=labels.ids_that_occur())

    def with_side(self, part: Predictions) -> Hints:
        """The same, and what the first predictions of one side tell of the other."""
        hints = replace(self, examples=self.examples or part.examples)
        if self.names or part.is_correctness:
            return hints
        if part.class_names is not None:
            return replace(hints, names=part.class_names, classes_are_all=part.values != "labels")
        return hints.with_labels(part.truth)
