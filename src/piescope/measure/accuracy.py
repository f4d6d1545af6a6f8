"""Accuracy and recall of two sides, and their change, with intervals over examples and models, from sums that add up.

The intervals are those of `piescope.measure.intervals.two_way_interval`; here its terms are written out for right and
wrong answers, so that blocks of examples can be added and no array of models x examples has to be held.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int64, Integer, Num
from scipy import special

from piescope.axes import Array
from piescope.measure.flips import change_p, change_test, share_interval
from piescope.measure.further_run import FurtherRun
from piescope.measure.intervals import CONFIDENCE, combined_variance
from piescope.measure.moderation import moderated_shares
from piescope.measure.one_to_one import wider

SideName = Literal["dense", "compressed"]

_Spread = tuple[Float[np.ndarray, " groups"], Float[np.ndarray, " groups"]]
"""Standard error, and its degrees of freedom."""


class Estimates(NamedTuple):
    """One number a group of examples, in percent (points for a change).

    Attributes:
        value: ``[groups]``; NaN where a group has no examples.
        low: of the interval, within what the number can be; NaN where there is none.
        high: of the interval.
        p_value: of "the change is 0", two-sided; NaN for an accuracy, and where it cannot be had. The interval of a
            change holds 0 exactly where the p-value is above 1 - confidence: both are of one test.
        error: standard error; NaN where there is none, and where the interval is of counts (one model).
        freedom: degrees of freedom of its t distribution, likewise.
    """

    value: Float[np.ndarray, " groups"]
    low: Float[np.ndarray, " groups"]
    high: Float[np.ndarray, " groups"]
    p_value: Float[np.ndarray, " groups"]
    error: Float[np.ndarray, " groups"]
    freedom: Float[np.ndarray, " groups"]


@dataclass(frozen=True)
class RightSums:
    """Sums of right answers in groups of examples; sums of disjoint blocks add up with ``+``.

    Attributes:
        sizes: ``[groups]``, examples.
        dense: ``[models, groups]``, how many each dense model gets right.
        compressed: ``[other, groups]``, likewise.
        dense_squares: ``[groups]``, sum over examples of the squared share of dense models that are right.
        compressed_squares: ``[groups]``, likewise.
        products: ``[groups]``, sum of the product of both shares.
        pair_flips: ``[groups]``, how often one of a pair of models is right and the other wrong; None: no pairs.

    Example:
        >>> dense, compressed = np.array([[True, True, False]]), np.array([[True, False, False]])
        >>> sums = RightSums.of(dense, compressed, np.array([0, 0, 1]), 2)
        >>> sums.change().value.tolist(), sums.whole().accuracy("dense").value.round(1).tolist()
        ([-50.0, 0.0], [66.7])
    """

    sizes: Int64[np.ndarray, " groups"]
    dense: Int64[np.ndarray, "models groups"]
    compressed: Int64[np.ndarray, "other groups"]
    dense_squares: Float[np.ndarray, " groups"]
    compressed_squares: Float[np.ndarray, " groups"]
    products: Float[np.ndarray, " groups"]
    pair_flips: Float[np.ndarray, " groups"] | None = None

    @staticmethod
    def of(
        dense: Bool[np.ndarray, "models examples"],
        compressed: Bool[np.ndarray, "other examples"],
        groups: Integer[Array, " examples"],
        num_groups: int,
        paired: bool = False,
    ) -> RightSums:
        """Sums of a block: who is right, and the group of each example.

        Raises:
            ValueError: ``paired``, and other numbers of models.
        """
        if paired and len(dense) != len(compressed):
            raise ValueError(f"{len(compressed)} compressed models for {len(dense)} dense ones; expected pairs")
        group = np.asarray(groups, np.int64)

        def per_group(values: np.ndarray) -> np.ndarray:
            return np.bincount(group, values, num_groups)

        shares = [side.sum(0, dtype=np.int32) / len(side) for side in (dense, compressed)]
        counts = [
            np.stack([np.bincount(group[right], minlength=num_groups) for right in side])
            for side in (dense, compressed)
        ]
        squares = [per_group(share**2) for share in shares]
        sizes = np.bincount(group, minlength=num_groups)
        products = per_group(shares[0] * shares[1])
        flips = per_group((dense != compressed).sum(0)) if paired else None
        return RightSums(sizes, counts[0], counts[1], squares[0], squares[1], products, flips)

    def __add__(self, other: RightSums) -> RightSums:
        return self._each(lambda name: getattr(self, name) + getattr(other, name))

    def whole(self) -> RightSums:
        """All groups as one."""
        return self._each(lambda name: getattr(self, name).sum(-1, keepdims=True))

    def _each(self, change: Callable[[str], np.ndarray]) -> RightSums:
        changed = {name: change(name) for name in self.__dataclass_fields__ if getattr(self, name) is not None}
        return RightSums(**changed)

    def accuracy(self, side: SideName, confidence: float = CONFIDENCE) -> Estimates:
        """Mean accuracy of a side's models in each group; one model: Wilson's interval over examples."""
        right = getattr(self, side)
        value = 100 * _ratio(right.mean(0), self.sizes)
        none = np.full(len(value), np.nan)
        if len(right) == 1:
            low, high = (np.where(self.sizes > 0, end, np.nan) for end in _wilson(right[0], self.sizes, confidence))
            return Estimates(value, low, high, none, none, none)
        squares = getattr(self, f"{side}_squares")
        with np.errstate(divide="ignore", invalid="ignore"):
            both = (right.mean(0) - squares) / (len(right) - 1) / self.sizes.astype(np.float64) ** 2
        own, units = _own(right, self.sizes.astype(np.float64)) / len(right), np.full(len(value), float(len(right)))
        error, freedom = self._error(squares, right.mean(0), [own], [units], both)
        reach = special.stdtrit(freedom, (1 + confidence) / 2) * error
        return Estimates(value, *_within(0.0, value, reach), none, error, freedom)

    def change(self, confidence: float = CONFIDENCE) -> Estimates:
        """Change of the accuracy, compressed minus dense, in points.

        One model a side: Tango's interval, and the larger p-value of the score test behind it and McNemar's exact one;
        over examples (`piescope.measure.flips.change_test`).

        Several on both: a t-interval over examples and models: over pairs of models if they are paired, else with the
        two sides' models as independent (where model k of one comes from model k of the other, it is too wide). Groups
        tell each other how much models vary (`piescope.measure.moderation.moderated_shares`), from three groups on in
        which they do; where a side has two models the p-value is the larger one of this and of the group's own test,
        and the interval spans both.

        One against several: the one is a further run, which may differ from the several as much as these differ among
        each other. The interval spans two, and the p-value is the larger one: that of one further run, ``± t s sqrt(1 +
        1/models)`` around the mean of the several's log odds of a right answer, with ``models - 1`` degrees of freedom
        and ``s`` their standard deviation (recalls near 100 % vary more downwards than upwards, log odds do not), which
        groups tell of each other (`piescope.measure.moderation`); and the two-way one over runs and examples. Error and
        freedom are of the one that reaches further down: bounds of a loss are made of them.

        Args:
            confidence: two-sided, above 0 and below 1.

        Source: Haldane 1956, https://doi.org/10.1111/j.1469-1809.1955.tb01285.x (log odds of counts that may be 0); the
        prediction interval of one further normal observation.
        """
        dense, compressed = self.dense.mean(0), self.compressed.mean(0)
        value = 100 * _ratio(compressed - dense, self.sizes)
        if len(self.dense) == len(self.compressed) == 1:
            return self._change_of_counts(value, confidence)
        if self.pair_flips is None and min(len(self.dense), len(self.compressed)) == 1:
            return self._change_to_one_run(value, compressed - dense, confidence)
        return self._change_of_several(value, compressed - dense, confidence)

    @property
    def change_p(self) -> Float[np.ndarray, " groups"]:
        """``[groups]``, the p-values of `change` alone; no interval has to be searched for them."""
        if len(self.dense) == len(self.compressed) == 1:
            lost, gained = (np.round(count).astype(np.int64) for count in (self.lost, self.gained))
            return np.where(self.sizes > 0, change_p(lost, gained), np.nan)
        return self.change().p_value

    @property
    def least_p(self) -> Float[np.ndarray, " groups"]:
        """``[groups]``, the smallest p-value that `change` could give: one model a side, all flips in one direction."""
        if len(self.dense) > 1 or len(self.compressed) > 1:
            return np.zeros(len(self.sizes))
        flips = np.round(self.lost).astype(np.int64) + np.round(self.gained).astype(np.int64)
        return np.where(self.sizes > 0, change_p(flips, np.zeros_like(flips)), np.nan)

    def _change_of_counts(self, value: np.ndarray, confidence: float) -> Estimates:
        lost, gained = (np.round(count).astype(np.int64) for count in (self.lost, self.gained))
        test = change_test(lost, gained, self.sizes, confidence)
        low, high, p_value = (np.where(self.sizes > 0, number, np.nan) for number in test)
        none = np.full(len(value), np.nan)
        return Estimates(value, low, high, p_value, none, none)

    @property
    def lost(self) -> Float[np.ndarray, " groups"]:
        """Examples that the dense side gets right and the compressed one wrong, mean over pairs of their models."""
        return np.asarray(np.maximum(self.dense.mean(0) - self.products, 0.0))

    @property
    def gained(self) -> Float[np.ndarray, " groups"]:
        """Likewise, those that only the compressed side gets right."""
        return np.asarray(np.maximum(self.compressed.mean(0) - self.products, 0.0))

    def _change_of_several(self, value: np.ndarray, total: np.ndarray, confidence: float) -> Estimates:
        reach, p_value, longer = self._two_way(value, total, confidence)
        low, high = _within(-100.0, value, reach)
        # every example changes in every model: nothing varies, and counts say how sure that is
        is_whole = (np.abs(value) == 100) & ~(longer[0] > 0)
        if is_whole.any():
            counts = self._change_of_counts(value, confidence)
            low, high = np.where(is_whole, counts.low, low), np.where(is_whole, counts.high, high)
            p_value = np.where(is_whole, counts.p_value, p_value)
        return Estimates(value, low, high, p_value, *longer)

    def _change_to_one_run(self, value: np.ndarray, total: np.ndarray, confidence: float) -> Estimates:
        """Where one side is one further run of what the other side has several of."""
        is_dense = len(self.dense) > 1
        several, single = (self.dense, self.compressed[0]) if is_dense else (self.compressed, self.dense[0])
        run = FurtherRun.of(several, single, self.sizes)
        reach, p_value, longer = self._two_way(value, total, confidence)
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = np.stack([value - reach, value + reach, *run.change(value, is_dense, confidence)])
            reach_of_run = value - run.change(value, is_dense, CONFIDENCE)[0]
        of_run = np.where(reach_of_run > 0, reach_of_run, np.nan) / special.stdtrit(run.freedom, (1 + CONFIDENCE) / 2)
        return Estimates(
            value,
            np.clip(np.fmin(ends[0], ends[2]), -100.0, 100.0),
            np.clip(np.fmax(ends[1], ends[3]), -100.0, 100.0),
            np.fmax(p_value, run.p_value),
            *wider(longer, (of_run, run.freedom)),
        )

    def _two_way(
        self, value: np.ndarray, total: np.ndarray, confidence: float
    ) -> tuple[np.ndarray, np.ndarray, _Spread]:
        """Reach and p-value over examples and models, of the tests that must all speak for a change.

        Both are NaN where one of them has no standard error, as nothing varies; p-value 1 where nothing changes either.
        The standard error, with its degrees of freedom, is that of the test which reaches further.
        """
        tests = self._errors_of_change(total)
        with np.errstate(divide="ignore", invalid="ignore"):
            reaches = [special.stdtrit(freedom, (1 + confidence) / 2) * error for error, freedom in tests]
            p_values = [2 * special.stdtr(freedom, -np.abs(value) / error) for error, freedom in tests]
        still = (self.sizes > 0) & (value == 0) & ~(tests[0][0] > 0)
        longer = tests[0] if len(tests) == 1 else wider(*tests)
        return np.maximum.reduce(reaches), np.where(still, 1.0, np.maximum.reduce(p_values)), longer

    def _errors_of_change(self, total: np.ndarray) -> list[_Spread]:
        """Standard errors in points with their degrees of freedom, of tests that must all speak for a change.

        What groups tell each other of seeds' variances is taken for a group's own; where a side has two models, which
        tell hardly anything of how variances differ, beside the group's own.
        """
        squares = self.dense_squares + self.compressed_squares - 2 * self.products
        sizes, sides = self.sizes.astype(np.float64), (self.dense, self.compressed)
        # of both sides: a class in which a side's few models were lucky is expected to vary as much as it does
        shares = np.stack([(side.mean(0) + 0.5) / (sizes + 1) for side in sides])
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.pair_flips is not None:
                pairs = len(self.dense)
                both = (self.pair_flips - pairs * squares) / (pairs * (pairs - 1)) / sizes**2
                drawn = [_Draws.of(self.compressed - self.dense, sizes, 1 / pairs, shares)]
            else:
                both, further = np.zeros(len(sizes)), float(min(map(len, sides)) == 1)
                drawn = []
                for side, share_squares in zip(sides, (self.dense_squares, self.compressed_squares), strict=True):
                    if len(side) > 1:
                        times = further + 1 / len(side)
                        both += times * (side.mean(0) - share_squares) * len(side) / (len(side) - 1) / sizes**2
                        drawn.append(_Draws.of(side, sizes, times, shares))
        units = [np.full(len(sizes), float(draws.models)) for draws in drawn]
        own = self._error(squares, total, [draws.own for draws in drawn], units, both)
        told = self._error(squares, total, [draws.told for draws in drawn], [draws.told_units for draws in drawn], both)
        return [told] if min(draws.models for draws in drawn) > 2 else [own, told]

    def _error(
        self,
        squares: np.ndarray,
        total: np.ndarray,
        over_seeds: Sequence[np.ndarray],
        units: Sequence[np.ndarray],
        over_both: np.ndarray,
    ) -> _Spread:
        """Standard error in points, NaN where there is none, and its degrees of freedom."""
        sizes = self.sizes.astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = squares / sizes - (total / sizes) ** 2
            over_examples = np.where(spread > ROUNDING * squares / sizes, spread, 0.0) / (sizes - 1)
            variance, freedom = combined_variance(
                over_examples, sizes, np.stack(over_seeds, axis=-1), np.stack(units, axis=-1), over_both
            )
            error = 100 * np.sqrt(np.where((variance > NO_SPREAD) & (sizes > 1), variance, np.nan))
        return error, freedom


class _Draws(NamedTuple):
    """Variance over the models of a side, or over pairs, ``[groups]`` each: a group's own, and as they tell each other.

    ``told_units`` are as many models as would tell as much.
    """

    models: int
    own: np.ndarray
    told: np.ndarray
    told_units: np.ndarray

    @classmethod
    def of(cls, counts: np.ndarray, sizes: np.ndarray, times: float, shares: np.ndarray) -> _Draws:
        own = _own(counts, sizes)
        told, freedom = moderated_shares(np.where(sizes > 1, own, np.nan), shares, sizes, len(counts) - 1.0)
        return cls(len(counts), times * own, times * told, freedom + 1)


def _own(counts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Variance over models of counts as shares; 0, and nothing that rounding leaves, where all are equal."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((counts == counts[0]).all(0), 0.0 * counts[0] / sizes, (counts / sizes).var(0, ddof=1))


ROUNDING = 1e-12
"""Of what is subtracted: far more than rounding leaves, far less than one example in a million."""

NO_SPREAD = 1e-24
"""Squared share: far below what two models can differ by, far above what rounding leaves of zero."""


def _within(least: float, value: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends within what the number can be: t-intervals of two models reach far beyond."""
    return np.clip(value - reach, least, 100.0), np.clip(value + reach, least, 100.0)


def _ratio(count: np.ndarray, total: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(count / np.asarray(total, np.float64))


def _wilson(count: np.ndarray, total: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    low, high = share_interval(count, np.maximum(total, 1), confidence)
    return np.asarray(low), np.asarray(high)


def variance_between_classes(
    sizes: Num[Array, "*rows classes"], totals: Num[Array, "*rows classes"], squares: Num[Array, "*rows classes"]
) -> Float[np.ndarray, "*rows"] | float:
    """How much the means of classes vary, beyond what the spread of the examples within them gives by chance.

    The variance of the means minus the mean of the classes' own squared standard errors (for classes of one size the
    between-class variance component of a one-way analysis of variance).

    Args:
        sizes: ``[..., classes]``, examples of each; classes of one or none do not count.
        totals: ``[..., classes]``, sums over the examples of each class.
        squares: ``[..., classes]``, sums of squares.

    Returns:
        ``[...]``, in the square of the unit; below 0 where the means vary less than by chance; NaN of fewer than two
        classes.

    Source: Searle, Casella and McCulloch 1992, Variance Components, section 3.5 (the estimator of ANOVA).

    Example:
        >>> sizes, totals, squares = np.array([4, 4]), np.array([4.0, 0.0]), np.array([4.0, 0.0])
        >>> float(variance_between_classes(sizes, totals, squares))
        0.5
    """
    size, total, square = (np.asarray(each, np.float64) for each in (sizes, totals, squares))
    known = size > 1
    classes = known.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.where(known, total / size, 0.0)
        within = np.where(known, (square / size - means**2) / (size - 1), 0.0)
        apart = np.where(known, means - (means.sum(-1) / classes)[..., None], 0.0)
        found = (apart**2).sum(-1) / (classes - 1) - within.sum(-1) / classes
    return np.where(classes > 1, found, np.nan)[()]
