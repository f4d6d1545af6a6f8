"""How right two groups of models are, class by class, and how much that varies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64, Shaped
from scipy import stats

from piescope.axes import Array
from piescope.measure.arrays import class_ids, same_length
from piescope.measure.intervals import NO_SPREAD

NEGLIGIBLE = 1e-20
"""In squared percentage points: far below what two models can differ by, far above what rounding leaves of zero."""


@dataclass(frozen=True)
class RightAnswers:
    """Which answers of two groups of models are right; examples lie class by class, classes without any are left out.

    Attributes:
        dense: ``[models, examples]``, 100 where right, else 0: means are percentages.
        pruned: ``[other, examples]``, likewise.
        classes: ``[present]``, class ids.
        sizes: ``[present]``, examples of each.
    """

    dense: Float[np.ndarray, "models examples"]
    pruned: Float[np.ndarray, "other examples"]
    classes: Int64[np.ndarray, " present"]
    sizes: Int64[np.ndarray, " present"]

    @property
    def groups(self) -> tuple[Float[np.ndarray, "_ examples"], Float[np.ndarray, "_ examples"]]:
        """Dense, then pruned."""
        return self.dense, self.pruned

    @property
    def recalls(self) -> list[Float[np.ndarray, "_ present"]]:
        """Of each group ``[models, present]``, in percent."""
        return [self.means(group) for group in self.groups]

    def sums(self, values: Float[np.ndarray, "*rows examples"]) -> Float[np.ndarray, "*rows present"]:
        """Over the examples of each class."""
        starts = np.cumsum(self.sizes) - self.sizes
        return np.add.reduceat(values, starts, axis=-1)

    def means(self, values: Float[np.ndarray, "*rows examples"]) -> Float[np.ndarray, "*rows present"]:
        """Over the examples of each class."""
        return np.asarray(self.sums(values) / self.sizes)

    def spread(self, values: Float[np.ndarray, "*rows present"]) -> Float[np.ndarray, "*rows examples"]:
        """Each class's value at each of its examples."""
        return np.repeat(values, self.sizes, axis=-1)


def right_answers(dense: Array, pruned: Array, labels: Array, num_classes: int) -> RightAnswers:
    """Of predicted class ids, ``[models, examples]`` each, and true ones, ``[examples]``.

    Raises:
        ValueError: other numbers of examples, no models or examples, or class ids out of range.
    """
    groups = {"dense": class_ids(dense, "dense", 2, num_classes), "pruned": class_ids(pruned, "pruned", 2, num_classes)}
    truth = class_ids(labels, "labels", 1, num_classes)
    same_length(**groups, labels=truth)
    if not len(truth):
        raise ValueError("labels hold no examples; expected at least one")
    for name, group in groups.items():
        if not len(group):
            raise ValueError(f"{name} holds no models; expected [models, examples] with at least one model")
    order = np.argsort(truth, kind="stable")
    right = [100.0 * (group == truth)[:, order] for group in groups.values()]
    classes, sizes = np.unique(truth, return_counts=True)
    return RightAnswers(right[0], right[1], classes, sizes)


@dataclass(frozen=True)
class ChangeSpread:
    """How much the change of each class would vary.

    Attributes:
        variance: ``[present]``, squared percentage points; NaN where it cannot be had.
        freedom: ``[present]``, of its t distribution.
        unknown: ``[present]``, why the variance cannot be had; empty where it can.
    """

    variance: Float[np.ndarray, " present"]
    freedom: Float[np.ndarray, " present"]
    unknown: Shaped[np.ndarray, " present"]

    @property
    def why_not(self) -> Shaped[np.ndarray, " present"]:
        """``[present]``, why there is no interval; empty where there is one."""
        return np.where(self.is_zero, NO_SPREAD, self.unknown)

    @property
    def error(self) -> Float[np.ndarray, " present"]:
        """Standard error; NaN without a variance."""
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.where(self.variance > NEGLIGIBLE, self.variance, np.nan))

    @property
    def is_zero(self) -> Bool[np.ndarray, " present"]:
        """Where nothing varies."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.variance <= NEGLIGIBLE)

    def reach(self, confidence: float) -> Float[np.ndarray, " present"]:
        """Half the length of the interval."""
        return np.asarray(stats.t.ppf((1 + confidence) / 2, self.freedom) * self.error)

    def p_above(self, value: Float[np.ndarray, " present"]) -> Float[np.ndarray, " present"]:
        """One-sided p-values of "it is not above 0"."""
        return np.asarray(stats.t.sf(value / self.error, self.freedom))


def variance_of_mean(values: Float[np.ndarray, "models present"]) -> Float[np.ndarray, " present"]:
    """Over models; NaN of one."""
    if len(values) < 2:
        return np.full(values.shape[1], np.nan)
    return np.asarray(values.var(0, ddof=1) / len(values))


def satterthwaite(
    variance: Float[np.ndarray, " present"], squares: Float[np.ndarray, " present"]
) -> Float[np.ndarray, " present"]:
    """Satterthwaite's: ``squares`` is the sum of each term's square over its own freedom."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(variance**2 / squares)


def spread_of(samples: Sequence[Float[np.ndarray, "_ present"]]) -> ChangeSpread:
    """Of a difference of means of samples (Welch), or of the mean of one sample (of pairs' differences)."""
    terms = [variance_of_mean(sample) for sample in samples]
    squares = [term**2 / max(len(sample) - 1, 1) for term, sample in zip(terms, samples, strict=True)]
    variance = np.sum(terms, axis=0)
    unknown = "" if min(len(sample) for sample in samples) > 1 else "no interval of one model"
    return ChangeSpread(variance, satterthwaite(variance, np.sum(squares, axis=0)), np.full(len(variance), unknown))


def differences(sides: Sequence[Float[np.ndarray, "_ columns"]]) -> Float[np.ndarray, "models columns"]:
    """Pruned model k less dense model k.

    Raises:
        ValueError: other numbers of models.
    """
    dense, pruned = sides
    if len(dense) != len(pruned):
        raise ValueError(
            f"dense has {len(dense)} models, pruned has {len(pruned)}; expected as many, model k of one belonging to "
            "model k of the other: leave out models without a partner, or compare independent groups "
            "(class_impact: method='hooker' or 'two_way'; class_equivalence: paired=False)"
        )
    return np.asarray(pruned - dense)


def rows_of_classes(
    answers: RightAnswers, num_classes: int, columns: dict[str, np.ndarray], order: Float[np.ndarray, " present"]
) -> list[dict[str, Any]]:
    """Smallest of ``order`` first, ties by class id; then the classes without examples. NaN becomes None.

    The last column is ``reason``, why there is no interval.
    """
    columns = {"class": answers.classes, "examples": answers.sizes, **columns}
    values = [[None if value != value else value for value in column.tolist()] for column in columns.values()]
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]
    ranks = np.lexsort((answers.classes, order.round(10)))
    absent = sorted(set(range(num_classes)) - set(answers.classes.tolist()))
    none = {**dict.fromkeys(columns), "examples": 0, "reason": "no examples of this class"}
    empty = [{**none, "class": label} for label in absent]
    return [rows[rank] for rank in ranks] + empty
