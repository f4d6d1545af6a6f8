"""How many examples changed sides, and could it be chance? Exact tests and intervals of counts and of paired shares.

Everything here works on counts, for any number of classes or groups at once, and loads no more than scipy.special.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy import special

from piescope.measure.arrays import to_numpy
from piescope.measure.intervals import CONFIDENCE

HALVINGS = 64
"""Of an interval at most 1 wide: past the last bit of any share of up to 10^12 examples."""

Counts = Integer[Any, "..."] | int
"""One count, or an array of them; arrays are broadcast against each other."""

Shares = Float[Any, "..."]
"""As many numbers as there are counts: a NumPy float for a count, an array for an array."""

Answers = Bool[Any, "..."]
"""As many answers."""


def mcnemar_p(only_first: Counts, only_second: Counts) -> Shares:
    """McNemar's exact test: are as many examples lost as won? Two-sided p-values.

    Of the examples that only one of two classifiers has right, each side has as many as a fair coin gives:
    ``p = min(1, 2 P(X <= min(first, second)))`` with ``X ~ Binomial(first + second, 1/2)``.

    What is random: which examples there are. Assumed: they are independent. A p-value is discrete and so a little too
    large, which errs on the safe side. It is about these two classifiers, not about others trained with other seeds.

    Args:
        only_first: examples that only the first has right, any shape.
        only_second: examples that only the second has right.

    Returns:
        p-values in the counts' shape, 0 to 1, as accurate in the far tail (1e-300) as elsewhere; 0 where a p-value is
        too small for a float64, and 1 where both counts are 0.

    Raises:
        ValueError: counts that are negative or not integers, or shapes that do not go together.

    Source: McNemar 1947, https://doi.org/10.1007/BF02295996; exact: Fagerland et al. 2013,
    https://doi.org/10.1186/1471-2288-13-91.

    Example:
        >>> mcnemar_p(np.array([10, 0, 5]), np.array([1, 0, 5])).round(4).tolist()
        [0.0117, 1.0, 1.0]
    """
    first, second = _counts(only_first=only_first, only_second=only_second)
    fewer, flips = np.minimum(first, second), first + second
    # P(X <= fewer) as an incomplete beta function. Its complement, which is the same thing with the arguments swapped,
    # and scipy.stats.binom.cdf with it, breaks down below 1e-280
    tail = special.betaincc(fewer + 1.0, np.where(flips > 0, flips - fewer, 1.0), 0.5)
    return np.where(flips > 0, np.minimum(1.0, 2.0 * tail), 1.0)[()]


def share_interval(count: Counts, total: Counts, confidence: float = CONFIDENCE) -> tuple[Shares, Shares]:
    """Wilson's score interval of a share, in percent.

    Covers about as often as it says, on average over true shares; it may cover less often for some of them (a share
    near 0 of few examples). Where it must not, take `exact_share_interval`.

    Args:
        count: examples that have it, any shape.
        total: of so many.
        confidence: two-sided, above 0 and below 1.

    Returns:
        ``(low, high)``, each in the counts' shape, 0 to 100; NaN where the total is 0.

    Raises:
        ValueError: counts that are negative, not integers or above the total, or a confidence that is none.

    Source: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953; Brown, Cai and DasGupta 2001,
    https://doi.org/10.1214/ss/1009213286 (how often it covers).

    Example:
        >>> low, high = share_interval(np.array([0, 210]), np.array([10, 10_000]))
        >>> low.round(2).tolist(), high.round(2).tolist()
        ([0.0, 1.84], [27.75, 2.4])
    """
    some, all_of = _part_of(count, total)
    z = _deviations(confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = some / all_of
        middle = some + z**2 / 2
        reach = z * np.sqrt(some * (1 - share) + z**2 / 4)
        low, high = (middle - reach) / (all_of + z**2), (middle + reach) / (all_of + z**2)
    # at the ends of the scale the formula is exact, its rounding is not
    return _in_percent(np.where(some == 0, 0.0, low), np.where(some == all_of, 1.0, high), all_of > 0)


def exact_share_interval(
    count: Counts, total: Counts, confidence: float = CONFIDENCE, side: Literal["both", "lower", "upper"] = "both"
) -> tuple[Shares, Shares]:
    """Clopper and Pearson's interval of a share, in percent: covers at least as often as it says, for every true share.

    Args:
        count: examples that have it, any shape.
        total: of so many.
        confidence: above 0 and below 1.
        side: "both" ends share what may go wrong; "upper": ``(0, high)``, all of it goes to the upper end, as for a
            budget that must not be passed; "lower": ``(low, 100)``.

    Returns:
        ``(low, high)``, each in the counts' shape, 0 to 100; NaN where the total is 0.

    Raises:
        ValueError: counts that are negative, not integers or above the total, a confidence that is none, or an
            unknown side.

    Source: Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404.

    Example:
        >>> low, high = exact_share_interval(2, 100)
        >>> round(float(low), 2), round(float(high), 2)
        (0.24, 7.04)
        >>> round(float(exact_share_interval(0, 300, side="upper")[1]), 2)
        0.99
    """
    some, all_of = _part_of(count, total)
    if side not in ("both", "lower", "upper"):
        raise ValueError(f"side is {side!r}; expected 'both', 'lower' or 'upper'")
    miss = _miss(confidence) / (2 if side == "both" else 1)
    inner_low = (some > 0) & (side != "upper")
    inner_high = (some < all_of) & (side != "lower")
    low = special.betaincinv(np.where(inner_low, some, 1.0), all_of - some + 1.0, miss)
    high = special.betainccinv(some + 1.0, np.where(inner_high, all_of - some, 1.0), miss)
    return _in_percent(np.where(inner_low, low, 0.0), np.where(inner_high, high, 1.0), all_of > 0)


def change_interval(
    lost: Counts, gained: Counts, total: Counts, confidence: float = CONFIDENCE
) -> tuple[Shares, Shares]:
    """Tango's score interval of the change of a share on the same examples, in percentage points.

    The change is ``(gained - lost) / total``: of an accuracy, say, where ``lost`` examples went from right to wrong and
    ``gained`` ones from wrong to right. The interval holds each change ``delta`` that the score test does not reject,
    ``|gained - lost - total delta| <= z sqrt(total (lost~ + gained~ - delta^2))``, where ``lost~`` and ``gained~`` are
    the likeliest shares that differ by ``delta``. It needs no large counts: without any flip among n examples it is
    ``± z^2 / (n + z^2)``, not 0. It holds 0 exactly where McNemar's test without correction does not reject, which is
    a little more eager than `mcnemar_p`.

    What is random: which examples there are, not the models' seeds. Assumed: they are independent. Over true shares up
    to 45 % and 10 to 1000 examples, 95 % intervals cover in 95 to 98 % of samples on average and in 93 % at worst, 90 %
    ones in 90 to 93 % and in 86 %; the worst is where some four examples are lost and none is won.

    Args:
        lost: examples that only the first classifier has right, any shape.
        gained: examples that only the second has right.
        total: all examples, those without a flip among them.
        confidence: two-sided, above 0 and below 1. One-sided at 5 %: the end of the 90 % interval.

    Returns:
        ``(low, high)``, each in the counts' shape, -100 to 100; NaN where the total is 0.

    Raises:
        ValueError: counts that are negative or not integers, more flips than examples, or a confidence that is none.

    Source: Tango 1998, https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8%3C891::AID-SIM780%3E3.0.CO;2-B;
    Fagerland et al. 2014, https://doi.org/10.1002/sim.6148 (how it compares).

    Example:
        >>> low, high = change_interval(np.array([210, 0]), np.array([80, 0]), np.array([10_000, 10]))
        >>> low.round(2).tolist(), high.round(2).tolist()
        ([-1.64, -27.75], [-0.97, 27.75])
    """
    losses, gains, examples = _counts(lost=lost, gained=gained, total=total)
    if (losses + gains > examples).any():
        raise ValueError("more examples lost and gained than there are; expected lost + gained <= total")
    z = _deviations(confidence)
    known = examples > 0
    examples = np.where(known, examples, 1.0)
    # the upper end is the lower end of the opposite change; both are searched for at once
    low, opposite = _lower_end(np.stack([losses, gains]), np.stack([gains, losses]), examples, z)
    return np.where(known, 100 * low, np.nan)[()], np.where(known, -100 * opposite, np.nan)[()]


class ChangeTest(NamedTuple):
    """Could the change be 0? Interval and p-value of one test.

    Attributes:
        low: of the interval, in percentage points.
        high: of the interval.
        p_value: two-sided; above ``1 - confidence`` exactly where the interval holds 0.
    """

    low: Shares
    high: Shares
    p_value: Shares


def change_test(lost: Counts, gained: Counts, total: Counts, confidence: float = CONFIDENCE) -> ChangeTest:
    """Interval and p-value of the change of a share on the same examples that never contradict each other.

    ``p_value`` is the larger of two: McNemar's exact test (`mcnemar_p`) and the score test behind `change_interval`,
    ``2 P(Z > |gained - lost| / sqrt(gained + lost))``. For few flips the exact one is larger, far out in the tail the
    other. The interval holds every change that the score test does not reject, and 0 unless both reject.

    Args:
        lost: examples that only the first classifier has right, any shape.
        gained: examples that only the second has right.
        total: all examples, those without a flip among them.
        confidence: two-sided, above 0 and below 1.

    Returns:
        ``(low, high, p_value)``, each in the counts' shape; ends are NaN where the total is 0.

    Raises:
        ValueError: as `change_interval`.

    Example:
        >>> found = change_test(np.array([5, 6]), np.array([0, 0]), np.array([100, 100]))
        >>> found.low.round(1).tolist(), found.high.round(1).tolist(), found.p_value.round(3).tolist()
        ([-11.2, -12.5], [0.0, -2.1], [0.062, 0.031])
    """
    low, high = change_interval(lost, gained, total, confidence)
    p_value = change_p(lost, gained)
    holds_0 = p_value > _miss(confidence)
    lowest, highest = np.where(holds_0, np.minimum(low, 0.0), low), np.where(holds_0, np.maximum(high, 0.0), high)
    return ChangeTest(np.asarray(lowest)[()], np.asarray(highest)[()], p_value)


def change_p(lost: Counts, gained: Counts) -> Shares:
    """The p-value of `change_test`: the larger of McNemar's exact test and the score test.

    Args:
        lost: examples that only the first classifier has right, any shape.
        gained: examples that only the second has right.

    Raises:
        ValueError: as `mcnemar_p`.

    Example:
        >>> change_p(np.array([5, 47]), np.array([0, 2])).tolist()
        [0.0625, 1.288087235026728e-10]
    """
    losses, gains = _counts(lost=lost, gained=gained)
    flips = np.maximum(losses + gains, 1.0)
    by_score = 2 * special.ndtr(-np.abs(gains - losses) / np.sqrt(flips))
    return np.maximum(mcnemar_p(lost, gained), by_score)[()]


def adjusted_p_values(
    p_values: Float[Any, " tests"], least: Float[Any, " tests"] | None = None
) -> Float[np.ndarray, " tests"]:
    """Benjamini and Hochberg's q-values: the false discovery rate at which each test counts as a discovery.

    ``q_(i) = min over j >= i of m p_(j) / j`` over the m tests that have a p-value. Valid for independent or positively
    dependent tests. Where some could not have had as small a p-value, whatever happened (a class of which two examples
    changed), m counts those that could: ``m(p_(j))`` tests whose smallest possible p-value is at most ``p_(j)``. Of a
    thousand small classes one that is ruined is found then, as all others do not count against it.

    Args:
        p_values: ``[tests]``, 0 to 1; NaN where there was nothing to test.
        least: ``[tests]``, the smallest p-value that each could have had, given what does not depend on whether it is a
            discovery (the number of changes, not their direction); None: 0.

    Returns:
        ``[tests]``, 0 to 1, never below the p-value; NaN where that is NaN, and these count for nothing.

    Raises:
        ValueError: not one axis, or p-values outside of 0 to 1.

    Source: Benjamini and Hochberg 1995, https://doi.org/10.1111/j.2517-6161.1995.tb02031.x; which tests count: Tarone
    1990, https://doi.org/10.2307/2531456, and Gilbert 2005, https://doi.org/10.1111/j.1467-9876.2005.00475.x, here at
    each p-value anew (Heyse 2011).

    Example:
        >>> adjusted_p_values(np.array([0.01, np.nan, 0.04, 0.03])).round(3).tolist()
        [0.03, nan, 0.04, 0.04]
        >>> adjusted_p_values(np.array([0.01, 1.0, 1.0]), least=np.array([0.001, 0.5, 0.5])).tolist()
        [0.01, 1.0, 1.0]
    """
    p = to_numpy(p_values).astype(np.float64)
    if p.ndim != 1:
        raise ValueError(f"p_values have shape {list(p.shape)}; expected [tests]")
    if ((p < 0) | (p > 1)).any():
        raise ValueError(f"p_values lie in {np.nanmin(p)} to {np.nanmax(p)}; expected 0 to 1, and NaN for no test")
    adjusted = np.full(len(p), np.nan)
    falling = np.argsort(-p, kind="stable")[: int((~np.isnan(p)).sum())]  # NaN sorts last
    ranks = np.arange(len(falling), 0, -1)
    counted = _could_be(p, least).searchsorted(p[falling], side="right")
    adjusted[falling] = np.minimum.accumulate(np.minimum(1.0, p[falling] * (counted / ranks)))
    return adjusted


APART = 1e-9
"""Of a p-value: a level that is meant to be below it is so by this share at least."""


def _could_be(p_values: np.ndarray, least: Float[Any, " tests"] | None) -> np.ndarray:
    """The smallest possible p-values of the tests that have one, in order."""
    possible = np.zeros(len(p_values)) if least is None else to_numpy(least).astype(np.float64)
    if possible.shape != p_values.shape or (possible > p_values).any():
        raise ValueError("least: expected for each test a p-value that is not above its own")
    return np.sort(possible[~np.isnan(p_values)])


def largest_confirmed(p_values: Mapping[float, int], tests: int, rate: float) -> float:
    """Up to which p-value tests are discoveries of Benjamini and Hochberg's, from counts of p-values.

    The same discoveries as ``adjusted_p_values(...) <= rate``, where there are too many tests to keep apart.

    Args:
        p_values: how many tests have each p-value; tests that are not counted here have 1.
        tests: how many there are, those not counted among them.
        rate: of false discoveries.

    Returns:
        the largest p-value of a discovery; -1 where there is none.

    Example:
        >>> largest_confirmed({0.001: 2, 0.4: 3}, tests=100, rate=0.05), largest_confirmed({0.4: 3}, 3, 0.05)
        (0.001, -1.0)
    """
    rank, largest = 0, -1.0
    for p_value in sorted(p_values):
        rank += p_values[p_value]
        if p_value * tests / rank <= rate:
            largest = p_value
    return largest


def selected_level(
    p_values: Float[Any, " tests"], rate: float = 0.05, least: Float[Any, " tests"] | None = None
) -> float:
    """At which level intervals agree with Benjamini and Hochberg's tests: ``rate x max(1, discoveries) / tests``.

    Tests that could not have had a p-value of that level do not count (`adjusted_p_values`): it is the largest
    level at which level x those that could is at most rate x discoveries. Intervals of ``1 - level`` exclude 0
    exactly where `adjusted_p_values` is at most ``rate``, if interval and p-value are of one test. Of the intervals
    of discoveries a share of at most ``rate`` misses on average (false coverage).

    Args:
        p_values: ``[tests]``, 0 to 1; NaN where there was nothing to test.
        rate: of false discoveries, and of false coverage.
        least: ``[tests]``, the smallest p-value that each could have had; None: 0.

    Returns:
        above 0, up to ``rate``; ``rate`` where there is nothing to test.

    Source: Benjamini and Yekutieli 2005, https://doi.org/10.1198/016214504000001907.

    Example:
        >>> round(selected_level(np.array([0.001, 0.02, 0.4, np.nan, 0.9])), 4)
        0.025
    """
    adjusted = adjusted_p_values(p_values, least)
    possible = _could_be(to_numpy(p_values).astype(np.float64), least)
    if not len(possible):
        return rate
    allowed = rate * max(1, int((adjusted <= rate).sum()))
    # up to there as many could be as stand before; not the next number, which 1 - (1 - level) would not keep apart
    below = np.append(possible, np.inf) * (1 - APART)
    levels = np.minimum(allowed / np.maximum(np.arange(len(possible) + 1), 1), below)
    is_reached = levels >= np.insert(possible, 0, 0.0)
    return float(min(rate, levels[is_reached].max()))


def _lower_end(lost: Shares, gained: Shares, examples: Shares, z: float) -> Shares:
    """The smallest change that is not rejected, by halving: the statistic falls as the change grows."""
    low, high = np.full(lost.shape, -1.0), (gained - lost) / examples
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        distance = gained - lost - examples * middle
        rejected = distance > z * np.sqrt(examples * _variance(lost, gained, examples, middle))
        low, high = np.where(rejected, middle, low), np.where(rejected, high, middle)
    return high


def _variance(lost: Shares, gained: Shares, examples: Shares, change: Shares) -> Shares:
    """Of one example's change (-1, 0 or 1), with the likeliest shares whose difference is ``change``.

    The rarer of the two shares is the root of a quadratic; written for that one nothing cancels.
    """
    size = np.abs(change)
    rarer, other = np.where(change < 0, gained, lost), np.where(change < 0, lost, gained)
    linear = (2 * examples - other + rarer) * size - lost - gained
    root = np.sqrt(linear**2 + 8 * examples * rarer * size * (1 - size))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(
            linear > 0,
            2 * rarer * size * (1 - size) / np.maximum(root + linear, 1e-300),
            (root - linear) / 4 / examples,
        )
    return np.maximum(2 * share + size - size**2, 0.0)


def _counts(**given: Any) -> list[np.ndarray]:
    """Counts as float64 of one shape, checked; float64 holds every count below 2^53."""
    arrays = []
    for name, values in given.items():
        array = to_numpy(values)
        if not np.issubdtype(array.dtype, np.integer):
            raise ValueError(f"{name} holds {array.dtype}; expected counts, which are integers")
        if array.size and array.min() < 0:
            raise ValueError(f"{name} holds {array.min()}; expected counts, 0 or more")
        arrays.append(array.astype(np.float64))
    try:
        return [np.array(array) for array in np.broadcast_arrays(*arrays)]
    except ValueError:
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in zip(given, arrays, strict=True))
        raise ValueError(f"shapes are {shapes}; expected one shape, or single numbers") from None


def _part_of(count: Any, total: Any) -> list[np.ndarray]:
    some, all_of = _counts(count=count, total=total)
    if (some > all_of).any():
        raise ValueError("a count is above its total; expected count <= total")
    return [some, all_of]


def _miss(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; expected a share between 0 and 1, 0.95 say")
    return 1 - confidence


def _deviations(confidence: float) -> float:
    """How many standard deviations a normal variable stays within, so confidently."""
    return float(-special.ndtri(_miss(confidence) / 2))


def _in_percent(low: Shares, high: Shares, known: Answers) -> tuple[Shares, Shares]:
    return np.where(known, 100 * low, np.nan)[()], np.where(known, 100 * high, np.nan)[()]
