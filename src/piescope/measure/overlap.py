"""Do two ways of training lose the same examples?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int64, Num
from scipy import stats

from piescope.axes import Array, ExampleMask
from piescope.measure.arrays import same_length, to_numpy, yes_or_no


def shared_mask(masks: Sequence[ExampleMask]) -> Bool[np.ndarray, " examples"]:
    """Examples that every mask marks: the paper's strong colours in Figures 4 and 7.

    Raises:
        ValueError: no mask, or other lengths.

    Example:
        >>> shared_mask([np.array([True, True]), np.array([True, False])]).tolist()
        [True, False]
    """
    if not masks:
        raise ValueError("no masks; expected at least one")
    arrays = [to_numpy(mask).astype(bool) for mask in masks]
    same_length(**{f"mask {index}": array for index, array in enumerate(arrays)})
    return np.logical_and.reduce(arrays)


def jaccard(both: float | int, one: float | int, other: float | int) -> float:
    """How much of what either mask marks both mark: 0 (nothing in common) to 1 (the same); NaN where neither marks any.

    Args:
        both: examples that both mark.
        one: examples that the one marks (PIEs of one objective, say).
        other: that the other marks.

    Example:
        >>> round(jaccard(1, 2, 2), 4)
        0.3333
    """
    either = one + other - both
    return both / either if either else np.nan


def chance_jaccard(one: float | int, other: float | int, examples: int) -> float:
    """The overlap of two independent random sets of these sizes, to first order: it grows with their sizes.

    Args:
        one: size of the one set.
        other: of the other.
        examples: what both are drawn from.

    Example:
        >>> round(chance_jaccard(50, 50, 100), 4)
        0.3333
    """
    return jaccard(one * other / examples, one, other)


STRATA = 10
"""Groups of equal size that a difficulty of many values is cut into."""


class OverlapTest(NamedTuple):
    """How many examples two sets share, against chance.

    Attributes:
        observed: examples in both.
        expected: by chance, given the sizes of both (in every stratum of difficulty, where one is given).
        ratio: observed over expected: above 1, more than chance; NaN where nothing is expected.
        p_value: two-sided.
    """

    observed: int
    expected: float
    ratio: float
    p_value: float


def overlap_test(
    a: ExampleMask, b: ExampleMask, difficulty: Num[Array, " examples *measures"] | None = None
) -> OverlapTest:
    """Do two sets of examples share more, or fewer, than chance gives?

    Chance: ``b`` is any set of its size (hypergeometric; Fisher's exact test). Hard examples are lost by any pruning,
    so sets of PIEs share more than that without having anything to do with each other; with ``difficulty``, chance is
    any set that has as many examples of each stratum of difficulty as ``b`` has (the exact test of Cochran, Mantel
    and Haenszel: a sum of independent hypergeometric counts).

    What is random: which examples are in a set, given the sizes. Assumed: within a stratum all examples are equally
    likely. Not for two sets that have a population of models in common without saying so: PIEs of two prunings against
    one dense population share that population's chance labels. Strata are only as good as the difficulty: votes of
    few models measure it roughly, and among examples on which all of them agree some are harder than others. So two
    sets that share nothing but hardness have a ratio above 1 (1.1 to 1.3 in simulations with 5 models) and, with
    thousands of examples, a tiny p-value: it says that independence given this measure of difficulty fails, no more.
    Read the ratio. Strata of one example each have nothing to tell (ratio 1, p-value 1).

    Args:
        a: ``[examples]``, True: in the set.
        b: likewise.
        difficulty: ``[examples]`` or ``[examples, measures]``; each is cut into at most 10 groups of about equal size
            (few values: one group each), and a stratum is a combination of groups.

    Returns:
        ``(observed, expected, ratio, p_value)``; the p-value sums all outcomes that are no likelier than the observed.

    Raises:
        ValueError: other lengths, other values than yes and no, or NaN among the difficulties.

    Source: Fisher 1935; Mantel and Haenszel 1959 (its exact form: Agresti 1992, section 3.2).

    Example:
        >>> a, b = np.arange(100) < 20, np.arange(100) % 5 == 0
        >>> overlap_test(a, b)
        OverlapTest(observed=4, expected=4.0, ratio=1.0, p_value=1.0)
        >>> overlap_test(a, a).ratio
        5.0
    """
    one, other = yes_or_no(a, "a"), yes_or_no(b, "b")
    same_length(a=one, b=other)
    stratum = np.zeros(len(one), int) if difficulty is None else difficulty_strata(difficulty)
    same_length(a=one, difficulty=stratum)
    sizes, in_one, in_other = (
        np.bincount(stratum[chosen], minlength=int(stratum.max(initial=0)) + 1)
        for chosen in (np.ones(len(one), bool), one, other)
    )
    observed = int((one & other).sum())
    expected = float((in_one * in_other / np.maximum(sizes, 1)).sum())
    chance = np.ones(1)
    for size, marked, drawn in zip(sizes, in_one, in_other, strict=True):
        possible = np.arange(min(marked, drawn) + 1)
        chance = np.convolve(chance, stats.hypergeom.pmf(possible, size, marked, drawn))
    at_most = chance[observed] * (1 + 1e-7)  # outcomes as likely as the observed one, up to rounding
    p_value = float(min(1.0, chance[chance <= at_most].sum() / chance.sum()))
    return OverlapTest(observed, expected, observed / expected if expected else np.nan, p_value)


def difficulty_strata(difficulty: Num[Array, " examples *measures"]) -> Int64[np.ndarray, " examples"]:
    """Which examples are equally hard: one number per combination of groups.

    Example:
        >>> difficulty_strata(np.array([0.0, 0.0, 0.5, 1.0])).tolist()
        [0, 0, 1, 2]
    """
    values = to_numpy(difficulty).astype(np.float64)
    if values.ndim not in (1, 2) or (values.ndim == 2 and not values.shape[1]):
        raise ValueError(f"difficulty has shape {list(values.shape)}; expected [examples] or [examples, measures]")
    if np.isnan(values).any():
        raise ValueError(f"{int(np.isnan(values).sum())} difficulties are NaN; expected a number for every example")
    columns = [_cut(column) for column in (values[:, None] if values.ndim == 1 else values).T]
    _, stratum = np.unique(np.stack(columns), axis=1, return_inverse=True)
    return np.asarray(stratum).reshape(-1).astype(np.int64)


def _cut(values: np.ndarray) -> np.ndarray:
    """Groups of about equal size; equal values are never parted."""
    kept, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(kept) <= STRATA:
        return np.asarray(place)
    middle = counts.cumsum() - (counts + 1) / 2
    return np.asarray((middle * STRATA // len(values)).astype(int)[place])


def expected_intersections(
    masks: Bool[Array, "sets examples"], difficulty: Num[Array, " examples *measures"] | None = None
) -> Float[np.ndarray, " members"]:
    """How many examples would be in exactly these sets and no others, were the sets independent of each other.

    Args:
        masks: ``[sets, examples]``.
        difficulty: as in `overlap_test`; independent then means among equally hard examples.

    Returns:
        ``[2 ** sets]``; place ``sum_k 2**k`` over the sets k of an intersection. They sum to the examples.

    Raises:
        ValueError: more than 16 sets, or other lengths.

    Example:
        >>> expected_intersections(np.array([[True, True, False, False], [True, False, True, False]])).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    sets = to_numpy(masks).astype(bool)
    if len(sets) > 16:
        raise ValueError(f"{len(sets)} sets; expected at most 16 (they have 2 ** sets intersections)")
    stratum = np.zeros(sets.shape[1], int) if difficulty is None else difficulty_strata(difficulty)
    same_length(masks=sets, difficulty=stratum)
    expected = np.zeros(2 ** len(sets))
    for level in np.unique(stratum):
        inside = sets[:, stratum == level]
        share = np.ones(1)
        for rate in inside.mean(1):  # the first set is the lowest bit
            share = np.concatenate([share * (1 - rate), share * rate])
        expected += inside.shape[1] * share
    return expected
