"""How sure is a number that comes from some models and some examples? A variance over both, without a model of either.

Another study would have other seeds and other test examples of the same kind. The variance of a statistic over both is
that over seeds plus that over examples minus that of a model and an example together, which stands in either (two-way
clustering). Seeds are left out one at a time (jackknife); examples contribute each their share of the statistic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer
from scipy import special

from piescope.axes import Array

CONFIDENCE = 0.95

FEWEST_UNITS = 3
"""Of two seeds no interval is given: their one difference says too little of how far others lie apart."""

NO_SPREAD = "nothing varies: there is no spread to make an interval from"
"""Why there is no interval where models and examples are enough."""

EPSILON = 1e-9

SLOPE_STEP = 1e-5
"""Relative: how far a sum is moved to see how a function of it moves."""

SLOPE_ERROR = 1e-8
"""Of what the slopes are made of: a standard error below is rounding, as their own are about 1e-10 of it."""

FALSE_DISCOVERIES = 0.05
"""Share of false ones among all that is called beyond chance."""


@dataclass(frozen=True)
class Interval:
    """A number and how sure it is.

    Attributes:
        value: as observed.
        error: standard error; NaN where it cannot be had (one model, say).
        low: of the interval.
        high: of the interval.
        freedom: degrees of freedom of its t distribution (Satterthwaite).
        lasting: what would be left of the error with any number of models; NaN where that is not known.
    """

    value: float
    error: float
    low: float
    high: float
    freedom: float
    lasting: float = np.nan

    @property
    def p_above(self) -> float:
        """One-sided p-value of "it is not above 0"; 1 where there is no error."""
        return float(special.stdtr(self.freedom, -self.value / self.error)) if self.error > 0 else 1.0

    @property
    def p_below(self) -> float:
        """One-sided p-value of "it is not below 0"; 1 where there is no error."""
        return float(special.stdtr(self.freedom, self.value / self.error)) if self.error > 0 else 1.0

    @property
    def p_value(self) -> float:
        """Two-sided p-value of "it is 0": below 5 % where the 95 % interval leaves 0 out; 1 where there is no error."""
        return min(1.0, 2 * min(self.p_above, self.p_below))

    def times(self, factor: float) -> Interval:
        """In other units, by a factor above 0."""
        ends = factor * self.low, factor * self.high
        return Interval(factor * self.value, factor * self.error, *ends, self.freedom, factor * self.lasting)

    def models_to_be_clear(self, models: int, most: int = 1000) -> int | None:
        """With how many models, as many in each population, the interval would be clear of 0, the value staying.

        Args:
            models: that there are.
            most: that are thought of.

        Returns:
            None where so many would not do, or that cannot be known.

        Example:
            >>> t_interval(1.0, 0.75**2, 9.0, lasting=0.1).models_to_be_clear(10)
            25
            >>> t_interval(1.0, 0.75**2, 9.0, lasting=0.6).models_to_be_clear(10) is None
            True
        """
        if not (self.error > 0 and self.lasting >= 0):
            return None
        counts = np.arange(models, most + 1)
        moving = max(0.0, self.error**2 - self.lasting**2) * models / counts
        freedom = max(self.freedom, 1.0) * counts / models
        reach = special.stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(self.lasting**2 + moving)
        clear = np.flatnonzero(reach < abs(self.value))
        return int(counts[clear[0]]) if len(clear) else None


def t_interval(
    value: float, variance: float, freedom: float, confidence: float = CONFIDENCE, lasting: float = np.nan
) -> Interval:
    """Value ± t x standard error; NaN ends where there is no variance or no freedom."""
    if not (np.isfinite(value) and variance > 0 and freedom > 0):
        return Interval(value, np.nan, np.nan, np.nan, freedom)
    error = float(np.sqrt(variance))
    reach = float(special.stdtrit(freedom, (1 + confidence) / 2)) * error
    return Interval(value, error, value - reach, value + reach, freedom, lasting)


def two_way_interval(
    shares: Float[Array, " examples"],
    without: Float[Array, "units examples"],
    strata: Sequence[int],
    confidence: float = CONFIDENCE,
) -> Interval:
    """The interval of a statistic that is a sum of shares over examples, over draws of seeds and of examples.

    ``V = V_examples + max(0, V_seeds - V_both)``: ``V_examples`` from the spread of the shares, ``V_seeds`` from the
    statistic with each seed left out, ``V_both`` from how much each example's share alone moves then. A seed that does
    not push all examples the same way adds nothing to what the examples' spread already holds. How well ``V_examples``
    is known follows from the shares' fourth moment: of m examples that count at all about as well as from 2 m.

    What is random: seeds (drawn independently within a stratum) and examples (drawn independently). Assumed: the
    statistic is smooth in both (sums over many examples; a jackknife of a single median, say, would be wrong). Modal
    labels jump when one vote is missing: what moves are their chances (`piescope.measure.modal_chances`). Not for
    fewer than some 20 examples with a share.

    Args:
        shares: ``[examples]``, sum to the statistic.
        without: ``[units, examples]``, the shares when one seed (a model, or a dense model and its descendants) is left
            out.
        strata: how many units each independent group has (dense seeds and pruned seeds, say), in the order of
            ``without``; they sum to ``units``.
        confidence: of the interval.

    Returns:
        the sum of shares and its interval; NaN ends where a stratum has fewer than 3 units, or nothing varies.

    Raises:
        ValueError: strata do not sum to the units, or other numbers of examples.

    Source: Cameron, Gelbach and Miller 2011, https://doi.org/10.1198/jbes.2010.07136 (two-way clustering); Efron and
    Stein 1981 (jackknife); Satterthwaite 1946 (degrees of freedom).

    Example:
        >>> shares = np.array([0.0, 1.0, 0.0, 1.0, 1.0])
        >>> found = two_way_interval(shares, np.stack([shares, shares, shares]), [3])
        >>> found.value, round(found.error, 3), found.freedom
        (3.0, 1.225, 4.0)
    """
    own, left_out = np.asarray(shares, np.float64), np.asarray(without, np.float64)
    if sum(strata) != len(left_out) or left_out.shape[1:] != own.shape:
        raise ValueError(f"strata {list(strata)} and without {list(left_out.shape)}; expected units and {len(own)}")
    examples, value = len(own), float(own.sum())
    if examples < 2 or min(strata) < FEWEST_UNITS:
        return Interval(value, np.nan, np.nan, np.nan, 0.0)
    centred = own - own.mean()
    squares = float((centred**2).mean())
    over_examples = examples * squares * examples / (examples - 1)
    tails = float((centred**4).mean()) / squares**2 - 1.0 if squares > 0 else 2.0  # 2 for a normal distribution
    known = (examples - 1) * min(1.0, 2.0 / max(tails, EPSILON))
    over_seeds, over_both = np.zeros(len(strata)), 0.0
    start = 0
    for place, units in enumerate(strata):
        moved = left_out[start : start + units] - left_out[start : start + units].mean(0)
        start += units
        scale = (units - 1) / units
        over_seeds[place] = scale * float((moved.sum(1) ** 2).sum())
        over_both += scale * float((moved**2).sum())
    variance, freedom = combined_variance(over_examples, 1.0 + known, over_seeds, strata, over_both)
    # what a model and an example do together is part of what examples do, and goes with the number of models
    lasting = float(np.sqrt(max(0.0, over_examples - over_both)))
    return t_interval(value, float(variance), float(freedom) if variance > 0 else 0.0, confidence, lasting)


def smooth_interval(
    statistic: Callable[..., Float[np.ndarray, ""] | float],
    terms: Sequence[Float[np.ndarray, "rows examples"]],
    groups: Integer[Array, " examples"] | None = None,
    strata: Sequence[int] | None = None,
    is_curved: bool = False,
) -> Interval:
    """The interval of a smooth function of sums over examples (a ratio, a correlation).

    The function is replaced by its slopes at the sums (delta method): then it is a sum of shares, whose interval
    `two_way_interval` is. What is random and assumed: see there. Not where the function bends within an error of its
    sums (ratios of a handful of examples).

    Args:
        statistic: of the sums, one number a term (``[groups]`` a term where there are groups).
        terms: each ``[1 + units, examples]``: what each example adds to a sum, as observed and without each seed.
        groups: ``[examples]``, 0 and up: the sums are of each group (class) apart.
        strata: units of each independent group of seeds, as in `two_way_interval`; one group.
        is_curved: what seeds add to the function by its curvature is taken off (jackknife): a square of a mean over
            seeds has their variance in it, and becomes the mean product of two different seeds.

    Returns:
        the function of what was observed, and its interval; NaN ends where the function or a slope is not finite, there
        are fewer than 3 seeds, or nothing varies.

    Example:
        >>> lost, wrong = np.array([[0.0, 1, 0, 1]] * 4), np.array([[1.0, 1, 0, 1]] * 4)
        >>> share = smooth_interval(lambda both, either: both / either, [lost, wrong])
        >>> round(share.value, 3), round(share.error, 3)
        (0.667, 0.314)
    """
    group = np.zeros(np.shape(terms[0])[1], np.int64) if groups is None else np.asarray(groups, np.int64)
    held = np.array([np.bincount(group, term[0]) for term in terms])

    def at(sums: np.ndarray) -> float:
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(statistic(*(sums[:, 0] if groups is None else sums)))

    shares, made_of = np.zeros(np.shape(terms[0])), np.zeros(np.shape(terms[0])[1])
    for place, term in enumerate(terms):
        slopes = np.zeros(held.shape[1])
        for of in range(len(slopes)):
            step = np.zeros(held.shape)
            step[place, of] = SLOPE_STEP * (abs(held[place, of]) or np.abs(term).max() or 1.0)
            slopes[of] = (at(held + step) - at(held - step)) / (2 * step[place, of])
        shares += slopes[group] * term
        made_of += np.abs(slopes[group] * term[0])
    units = strata or [len(shares) - 1]
    found = two_way_interval(shares[0], shares[1:], units)
    value = at(held)
    if is_curved:
        without = [at(np.array([np.bincount(group, term[seed]) for term in terms])) for seed in range(1, len(shares))]
        value -= sum((len(of) - 1) * float(of.mean() - value) for of in np.split(without, np.cumsum(units)[:-1]))
    is_rounding = found.error < SLOPE_ERROR * np.linalg.norm(made_of)  # NaN where there is no error
    return t_interval(value, 0.0 if is_rounding else found.error**2, found.freedom, lasting=found.lasting)


def combined_variance(
    over_examples: Float[np.ndarray, "*rows"] | float,
    examples: Float[np.ndarray, "*rows"] | float,
    over_seeds: Float[np.ndarray, "*rows strata"],
    strata: Sequence[int],
    over_both: Float[np.ndarray, "*rows"] | float,
) -> tuple[Float[np.ndarray, "*rows"], Float[np.ndarray, "*rows"]]:
    """Variance over seeds and examples, and its degrees of freedom, from the parts of `two_way_interval`.

    Args:
        over_examples: variance over examples.
        examples: how many there are, or as many normal ones as tell as much of the variance.
        over_seeds: variance over the seeds of each stratum; no strata: seeds are taken as fixed.
        strata: units in each.
        over_both: of a unit and an example together, over all strata.

    Returns:
        ``(variance, freedom)``; freedom by Satterthwaite, not below the smallest of examples and units, minus 1; NaN
        where the variance is 0. Seeds count in it with the variance that the part beyond ``over_both`` has as an
        estimate: in full where they move all examples at once, and still some where nothing of it is left.

    Source: Satterthwaite 1946; partial moments of the chi-square distribution.

    Example:
        >>> variance, freedom = combined_variance(4.0, 101.0, np.array([3.0]), [4], 1.0)
        >>> float(variance), round(float(freedom), 1)
        (6.0, 12.2)
    """
    of_examples, of_seeds = np.asarray(over_examples, np.float64), np.asarray(over_seeds, np.float64)
    count, both = np.asarray(examples, np.float64), np.asarray(over_both, np.float64)
    units = np.asarray(strata, np.float64)
    total = np.asarray(of_seeds.sum(-1))
    # the noise of a difference is larger than itself; where nothing is left of it there is none to speak of
    variance = of_examples + np.maximum(0.0, total - both)
    with np.errstate(divide="ignore", invalid="ignore"):
        known = np.asarray(total**2 / (of_seeds**2 / (units - 1)).sum(-1))
        uncertain = of_examples**2 / (count - 1) + np.where(total > 0, _uncertain_beyond(total, known, both), 0.0) / 2
        freedom = np.maximum(variance**2 / uncertain, np.minimum(count, units.min(initial=np.inf)) - 1.0)
    return np.asarray(variance), np.asarray(freedom)


def _uncertain_beyond(total: np.ndarray, freedom: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Variance of ``max(0, total - both)``, total being chi-square with these degrees of freedom, and both known."""
    above = [special.chdtrc(freedom + more, freedom * both / total) for more in (0, 2, 4)]
    mean = total * above[1] - both * above[0]
    square = total**2 * (1 + 2 / freedom) * above[2] - 2 * both * total * above[1] + both**2 * above[0]
    return np.asarray(square - mean**2)
