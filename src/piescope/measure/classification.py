"""Measures that see what accuracy hides where classes are unequal: precision, recall, F1, MCC, AUC, average precision.

Of two sides with one model each, and of their change, with intervals over examples. What an example adds to a measure
(its influence) gives the spread of each side and how the two go together. Values and intervals are fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int64, Integer
from scipy import special

from piescope.axes import Array
from piescope.measure.arrays import class_ids, same_length, to_numpy, yes_or_no
from piescope.measure.flips import share_interval
from piescope.measure.intervals import CONFIDENCE

MOST_FREEDOM = 1e9
"""Degrees of freedom at which a t distribution is as good as normal."""


class Estimate(NamedTuple):
    """A number, or one a class, and its interval; NaN where there is none.

    Attributes:
        value: as observed.
        low: of the 95 % interval.
        high: of the interval.
    """

    value: Float[np.ndarray, "*classes"]
    low: Float[np.ndarray, "*classes"]
    high: Float[np.ndarray, "*classes"]


class Compared(NamedTuple):
    """One measure of two sides.

    Attributes:
        dense: before.
        compressed: after.
        change: compressed minus dense.
    """

    dense: Estimate
    compressed: Estimate
    change: Estimate


@dataclass(frozen=True, eq=False)
class Influence:
    """A measure, and what each row of examples adds to it.

    Attributes:
        value: of the measure.
        of_rows: ``[rows]``, the derivative of the measure by the weight of an example of that kind; 0 on average.
    """

    value: float
    of_rows: Float[np.ndarray, " rows"]


@dataclass(frozen=True, eq=False)
class LabelCounts:
    """How often each (true, dense, compressed) occurs: all that measures of labels come down to.

    Attributes:
        truth: ``[rows]``, class ids.
        dense: ``[rows]``, likewise.
        compressed: ``[rows]``, likewise.
        counts: ``[rows]``, examples.
        num_classes: ids are below it.

    Example:
        >>> truth, dense, compressed = [0, 0, 1, 1], [0, 0, 1, 0], [0, 1, 1, 0]
        >>> counts = LabelCounts.of(truth, dense, compressed, 2)
        >>> found = by_class(counts)["precision"]
        >>> found.dense.value.round(3).tolist(), found.compressed.value.tolist()
        ([0.667, 1.0], [0.5, 0.5])
    """

    truth: Int64[np.ndarray, " rows"]
    dense: Int64[np.ndarray, " rows"]
    compressed: Int64[np.ndarray, " rows"]
    counts: Int64[np.ndarray, " rows"]
    num_classes: int

    @staticmethod
    def of(
        truth: Integer[Array, " examples"],
        dense: Integer[Array, " examples"],
        compressed: Integer[Array, " examples"],
        num_classes: int,
    ) -> LabelCounts:
        """Counts of three labels an example.

        Raises:
            ValueError: other numbers of examples, or ids out of range.
        """
        given = {"truth": truth, "dense": dense, "compressed": compressed}
        labels = {name: class_ids(ids, name, 1, num_classes) for name, ids in given.items()}
        same_length(**labels)
        rows, counts = np.unique(np.stack(list(labels.values())), axis=1, return_counts=True)
        return LabelCounts(rows[0], rows[1], rows[2], counts.astype(np.int64), num_classes)

    @property
    def examples(self) -> int:
        """All of them."""
        return int(self.counts.sum())

    def per_class(self, ids: np.ndarray, where: np.ndarray | None = None) -> Int64[np.ndarray, " classes"]:
        """``[classes]``, examples by some label, of all rows or of some."""
        chosen = slice(None) if where is None else where
        return np.bincount(ids[chosen], self.counts[chosen], self.num_classes).astype(np.int64)

    @property
    def sizes(self) -> Int64[np.ndarray, " classes"]:
        """``[classes]``, examples of each."""
        return self.per_class(self.truth)


def by_class(counts: LabelCounts) -> dict[str, Compared]:
    """Precision and F1 of every class: ``{"precision": ..., "f1": ...}``, ``[classes]`` each (recall: `RightSums`).

    Each side: Wilson's interval, of precision over the examples that it calls so, of F1 = 2J / (1 + J) over those that
    it calls so or that are so (of which the share J is both). The change: from both sides' intervals and the
    correlation of the two (MOVER, which for paired shares of the same examples is Newcombe's method). NaN: precision of
    a class that a side never answers; all of a class that does not occur; the interval of a change where no answer
    about the class changed.

    Source: Wilson 1927; Zou and Donner 2008, https://doi.org/10.1002/sim.3095 (MOVER); Newcombe 1998,
    https://doi.org/10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C.
    """
    sizes, sides = counts.sizes, (counts.dense, counts.compressed)
    said = [counts.per_class(side) for side in sides]
    hits = [counts.per_class(side, side == counts.truth) for side in sides]
    same = counts.dense == counts.compressed
    both_hit = counts.per_class(counts.dense, same & (counts.dense == counts.truth))
    both_false = counts.per_class(counts.dense, same & (counts.dense != counts.truth))
    still = (hits[0] == both_hit) & (hits[1] == both_hit) & (said[0] == said[1]) & (said[0] == both_hit + both_false)
    neither = sizes - hits[0] - hits[1] + both_hit
    by_name = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        right = [hit / called for hit, called in zip(hits, said, strict=True)]
        of_precision = [
            (both_hit * (1 - right[0]) * (1 - right[1]) + both_false * right[0] * right[1]) / said[0] / said[1],
            *(share * (1 - share) / called for share, called in zip(right, said, strict=True)),
        ]
        by_name["precision"] = _paired(
            [_wilson(hit, called) for hit, called in zip(hits, said, strict=True)], _correlation(*of_precision), still
        )
        f1 = [_f1_interval(hit, sizes + called - hit) for hit, called in zip(hits, said, strict=True)]
        value = [side.value for side in f1]
        on, off = [2 - 2 * share for share in value], [-share for share in value]
        together = (
            both_hit * on[0] * on[1]
            + (hits[0] - both_hit) * on[0] * off[1]
            + (hits[1] - both_hit) * off[0] * on[1]
            + (neither + both_false) * off[0] * off[1]
        )
        of_f1 = [
            hit * one**2 + (sizes + called - 2 * hit) * other**2
            for hit, called, one, other in zip(hits, said, on, off, strict=True)
        ]
        by_name["f1"] = _paired(f1, _correlation(together, *of_f1), still)
    return by_name


def overall(counts: LabelCounts) -> dict[str, Compared]:
    """Measures over all classes: ``balanced_accuracy``, ``macro_precision``, ``macro_f1``, ``mcc``.

    The first three are means over the classes that occur as true ones (those of scikit-learn with ``labels`` those
    classes; the mean recall is the balanced accuracy). A class that a side never answers has precision 0 in the mean.
    ``mcc`` is Gorodkin's for several classes; 0 where a side answers one class only.

    Intervals of balanced accuracy and precision: Wilson's of the classes, put together (MOVER: their examples are
    disjoint). Of F1 and MCC: influence functions, on the logit scale and on Fisher's. Of changes: as for classes.
    NaN where nothing varies (no error at all, say).

    Source: Zou, Huang and Zhang 2009, https://doi.org/10.1016/j.csda.2008.09.033 (sums); Gorodkin 2004,
    https://doi.org/10.1016/j.compbiolchem.2004.09.006 (MCC).

    Example:
        >>> counts = LabelCounts.of([0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0], 2)
        >>> {name: float(found.compressed.value.round(3)) for name, found in overall(counts).items()}
        {'balanced_accuracy': 0.5, 'macro_precision': 0.375, 'macro_f1': 0.429, 'mcc': 0.0}
    """
    sides = (counts.dense, counts.compressed)
    is_still = bool((counts.dense == counts.compressed).all())
    by_name = {}
    for name, measure, scale in (
        ("balanced_accuracy", _balanced_accuracy, None),
        ("macro_precision", _macro_precision, None),
        ("macro_f1", _macro_f1, LOGIT),
        ("mcc", _mcc, FISHER),
    ):
        both = [measure(counts, side) for side in sides]
        own = None if scale is not None else [_mean_interval(counts, side, name) for side in sides]
        by_name[name] = compared(both[0], both[1], scale or LOGIT, counts.counts, own, is_still)
    return by_name


def mean_of_models(
    hits: Sequence[Integer[np.ndarray, "_ classes"]],
    said: Sequence[Integer[np.ndarray, "_ classes"]],
    sizes: Integer[np.ndarray, " classes"],
) -> tuple[dict[str, Compared], dict[str, Compared]]:
    """What `overall` and `by_class` give, as means over the models of each side, without intervals.

    A model that never answers a class has no precision there, and is left out of that mean.

    Args:
        hits: of the dense and of the compressed side, ``[models, classes]``: how many of each class it gets right.
        said: likewise: how many it calls so.
        sizes: ``[classes]``, examples of each.
    """
    dense, compressed = (_of_models(hit, called, sizes) for hit, called in zip(hits, said, strict=True))
    whole, by_class = (
        {name: _without_intervals(before[name], after[name]) for name in before}
        for before, after in zip(dense, compressed, strict=True)
    )
    return whole, by_class


def _of_models(
    hits: np.ndarray, said: np.ndarray, sizes: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    occurs, total = sizes > 0, sizes.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        recall, right, f1 = hits / sizes, hits / said, 2 * hits / (sizes + said)
        top = hits.sum(1) / total - said @ sizes / total**2
        scale = np.sqrt((1 - (said**2).sum(1) / total**2) * (1 - (sizes**2).sum() / total**2))
        mcc = np.where(scale > 0, top / scale, 0.0)
        known = (said > 0).sum(0)
        mean_right = np.where(said > 0, right, 0.0).sum(0) / np.where(known > 0, known, np.nan)
    whole = {
        "balanced_accuracy": recall[:, occurs].mean(),
        "macro_precision": np.where(said > 0, right, 0.0)[:, occurs].mean(),
        "macro_f1": f1[:, occurs].mean(),
        "mcc": mcc.mean(),
    }
    return {name: np.asarray(value) for name, value in whole.items()}, {"precision": mean_right, "f1": f1.mean(0)}


def _without_intervals(dense: np.ndarray, compressed: np.ndarray) -> Compared:
    none = np.full(np.shape(dense), np.nan)
    return Compared(*(Estimate(np.asarray(value), none, none) for value in (dense, compressed, compressed - dense)))


def _hits_and_said(counts: LabelCounts, side: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return counts.per_class(side, side == counts.truth), counts.per_class(side), counts.sizes


def _balanced_accuracy(counts: LabelCounts, side: np.ndarray) -> Influence:
    hits, _, sizes = _hits_and_said(counts, side)
    weight = counts.examples / (sizes > 0).sum()
    recall = _ratio(hits, sizes)
    return Influence(
        float(recall[sizes > 0].mean()), weight * ((side == counts.truth) - recall[counts.truth]) / sizes[counts.truth]
    )


def _macro_precision(counts: LabelCounts, side: np.ndarray) -> Influence:
    hits, said, sizes = _hits_and_said(counts, side)
    weight = counts.examples / (sizes > 0).sum()
    right = _ratio(hits, said)
    counted = sizes[side] > 0
    return Influence(
        float(right[sizes > 0].mean()),
        weight * np.where(counted, ((side == counts.truth) - right[side]) / said[side], 0.0),
    )


def _macro_f1(counts: LabelCounts, side: np.ndarray) -> Influence:
    hits, said, sizes = _hits_and_said(counts, side)
    weight = counts.examples / (sizes > 0).sum()
    f1 = _ratio(2 * hits, sizes + said)
    part = np.where(sizes > 0, _ratio(f1, sizes + said), 0.0)
    of_rows = 2.0 * (side == counts.truth) / (sizes + said)[counts.truth] - part[counts.truth] - part[side]
    return Influence(float(f1[sizes > 0].mean()), weight * of_rows)


def _mcc(counts: LabelCounts, side: np.ndarray) -> Influence:
    hits, said, sizes = _hits_and_said(counts, side)
    total = counts.examples
    true, called = sizes / total, said / total
    together = float(true @ called)
    accuracy, spread_called, spread_true = hits.sum() / total, 1 - float(called @ called), 1 - float(true @ true)
    scale = np.sqrt(spread_called * spread_true)
    if scale <= 0:
        return Influence(0.0, np.zeros(len(side)))
    value = float((accuracy - together) / scale)
    of_top = (side == counts.truth) - accuracy - (called[counts.truth] + true[side] - 2 * together)
    of_called = -2 * (called[side] - (1 - spread_called))
    of_true = -2 * (true[counts.truth] - (1 - spread_true))
    return Influence(value, of_top / scale - value / 2 * (of_called / spread_called + of_true / spread_true))


def _mean_interval(counts: LabelCounts, side: np.ndarray, name: str) -> Estimate:
    """The mean of shares of disjoint examples, one a class: Wilson's intervals put together."""
    hits, said, sizes = _hits_and_said(counts, side)
    of = sizes if name == "balanced_accuracy" else said
    occurs, known = sizes > 0, (sizes > 0) & (of > 0)
    recalls = _wilson(hits[known], of[known])
    value = recalls.value.sum() / occurs.sum()
    below, above = (np.sqrt(((end - recalls.value) ** 2).sum()) / occurs.sum() for end in (recalls.low, recalls.high))
    if not known.any():
        return Estimate(np.asarray(0.0), np.asarray(np.nan), np.asarray(np.nan))
    return Estimate(value, value - below, value + above)


def ranking_measures(
    positive: Bool[Array, " examples"], scores: Float[Array, " examples"]
) -> tuple[Influence, Influence]:
    """ROC AUC and average precision of one model's scores for one class, and what each example adds to them.

    Equal scores count half in the AUC, and are one threshold in the average precision (no interpolation), as in
    scikit-learn. The influences of the AUC are DeLong's placements.

    Args:
        positive: whether each example is of the class.
        scores: higher for more likely; any scale.

    Returns:
        ``(auc, average precision)``, each 0 to 1; NaN, and no influences, without an example of the class or of others.

    Raises:
        ValueError: NaN among the scores, or other numbers of examples.

    Source: DeLong et al. 1988, https://doi.org/10.2307/2531595.

    Example:
        >>> auc, precision = ranking_measures([False, True, False, True], [0.1, 0.4, 0.4, 0.8])
        >>> auc.value, round(precision.value, 3)
        (0.875, 0.833)
    """
    is_positive, values = yes_or_no(positive, "positive"), to_numpy(scores)
    same_length(positive=is_positive, scores=values)
    if np.isnan(values).any():
        raise ValueError(f"{int(np.isnan(values).sum())} scores are NaN; leave those examples out")
    total, positives = len(values), int(is_positive.sum())
    if positives in (0, total):
        nothing = Influence(float("nan"), np.zeros(total))
        return nothing, nothing
    negatives = total - positives
    order = np.argsort(values)
    ranked = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))  # of levels of equal scores
    place = np.empty(total, np.int64)
    place[order] = np.repeat(np.arange(len(starts)), np.diff(starts, append=total))
    pos = np.add.reduceat(is_positive[order], starts, dtype=np.float64)
    every = np.diff(starts, append=total).astype(np.float64)
    neg = every - pos
    below = (np.cumsum(neg) - neg / 2) / negatives  # negatives that a positive of this level beats
    above = (positives - np.cumsum(pos) + pos / 2) / positives
    auc = float(pos @ below / positives)
    called = np.cumsum(every[::-1])[::-1]  # with this score or a higher one
    precision = np.cumsum(pos[::-1])[::-1] / called
    average = float(pos @ precision / positives)
    once, weighted = np.cumsum(pos / called), np.cumsum(pos * precision / called)
    of_auc = np.concatenate([(above - auc) / negatives, (below - auc) / positives])
    of_average = np.concatenate([-weighted, precision + once - average - weighted]) / positives
    place += len(starts) * is_positive  # others first, then those of the class
    return Influence(auc, of_auc[place] * total), Influence(average, of_average[place] * total)


class Transform(NamedTuple):
    """Where a measure is closer to normal: a transformation, its derivative and its inverse."""

    there: Callable[[float], float]
    slope: Callable[[float], float]
    back: Callable[[float], float]
    ends: tuple[float, float]


LOGIT = Transform(special.logit, lambda value: 1 / (value * (1 - value)), special.expit, (0.0, 1.0))
FISHER = Transform(np.arctanh, lambda value: 1 / (1 - value**2), np.tanh, (-1.0, 1.0))


def compared(
    dense: Influence,
    compressed: Influence,
    scale: Transform = LOGIT,
    counts: Int64[np.ndarray, " rows"] | None = None,
    own: list[Estimate] | None = None,
    is_still: bool = False,
) -> Compared:
    """One measure of two sides on the same examples, its change, and their 95 % intervals.

    A side: value ± t x standard error on the scale, where t has the degrees of freedom that the spread of the squared
    influences leaves (a few examples decide about an AUC near 1). In simulations of 1,000 examples (ours; 2 and 10
    classes, 11 % positives) all intervals here cover 93 to 97 %.

    Args:
        dense: the measure before, and what each row adds to it.
        compressed: after; of the same rows.
        scale: on which a side's interval is symmetric.
        counts: ``[rows]``, examples in each; None: one.
        own: intervals of both sides, where better ones are known.
        is_still: nothing changed that the measure is about: the change then has no interval.
    """
    weights = np.ones(len(dense.of_rows)) if counts is None else counts.astype(np.float64)
    total = weights.sum()
    covariance = np.array(
        [[weights @ (one.of_rows * other.of_rows) for other in (dense, compressed)] for one in (dense, compressed)]
    ) / (total * max(total - 1, 1))
    sides = own or [
        _on_scale(side.value, covariance[place, place], _deviations(_freedom(side.of_rows, weights)), scale)
        for place, side in enumerate((dense, compressed))
    ]
    correlation = _correlation(covariance[0, 1], covariance[0, 0], covariance[1, 1])
    changed = _paired(sides, correlation, np.bool_(is_still))
    if not is_still and np.isnan(changed.change.low):  # one side without spread: its limits are not known
        variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
        reach = _deviations() * np.sqrt(variance) if variance > 0 else np.nan
        value = changed.change.value
        changed = changed._replace(change=Estimate(value, value - reach, value + reach))
    return changed


def _freedom(of_rows: np.ndarray, weights: np.ndarray) -> float:
    """Of the variance: few examples that weigh much tell it badly (Satterthwaite, from the kurtosis)."""
    square = of_rows**2
    squares = float(weights @ square)
    uncertain = float(weights @ (square * square)) - squares**2 / weights.sum()
    return min(2 * squares**2 / uncertain, MOST_FREEDOM) if uncertain > 0 else MOST_FREEDOM


def _on_scale(value: float, variance: float, deviations: float, scale: Transform) -> Estimate:
    inside = scale.ends[0] < value < scale.ends[1] and variance > 0
    if not inside:
        return Estimate(np.asarray(value), np.asarray(np.nan), np.asarray(np.nan))
    middle, reach = scale.there(value), deviations * np.sqrt(variance) * scale.slope(value)
    return Estimate(np.asarray(value), np.asarray(scale.back(middle - reach)), np.asarray(scale.back(middle + reach)))


def _paired(sides: list[Estimate], correlation: Any, still: Any) -> Compared:
    """The change of two estimates that go together so much, from their intervals (MOVER); none where all is still."""
    before, after = sides
    value = after.value - before.value
    below, above = (
        _joined(after.value - after.low, before.high - before.value, correlation),
        _joined(after.high - after.value, before.value - before.low, correlation),
    )
    low, high = (np.where(still, np.nan, end) for end in (value - below, value + above))
    return Compared(before, after, Estimate(np.asarray(value), low, high))


def _joined(one: Any, other: Any, correlation: Any) -> Any:
    return np.sqrt(np.maximum(0.0, one**2 + other**2 - 2 * correlation * one * other))


def _correlation(together: Any, first: Any, second: Any) -> Any:
    """Of two estimates; 0 where one of them does not vary."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((first > 0) & (second > 0), np.clip(together / np.sqrt(first * second), -1, 1), 0.0)


def _wilson(count: np.ndarray, total: np.ndarray) -> Estimate:
    low, high = (np.asarray(end) / 100 for end in share_interval(count, total))
    with np.errstate(divide="ignore", invalid="ignore"):
        return Estimate(count / total, low, high)


def _f1_interval(hits: np.ndarray, either: np.ndarray) -> Estimate:
    """F1 from the share of examples that are both, of those that are of the class or called so."""
    return Estimate(*(2 * share / (1 + share) for share in _wilson(hits, either)))


def _ratio(part: np.ndarray, whole: np.ndarray) -> Float[np.ndarray, " classes"]:
    """``part / whole``; 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)


def _deviations(freedom: float = MOST_FREEDOM) -> float:
    return float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2))
