"""Did the labels of this one example change? A permutation test for each example, and a false discovery rate over all.

A modal label says nothing of how close the vote was: 16 against 14 and 30 against 0 look alike. The test asks whether
the votes of the two populations could be one population's, dealt out at random.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy import stats

from piescope.axes import Array, ModelLabels
from piescope.measure.arrays import class_ids, same_length
from piescope.measure.flips import adjusted_p_values
from piescope.measure.intervals import FALSE_DISCOVERIES
from piescope.measure.pies import pie_mask, votes

EXACT_WORK = 2**29
"""Multiply-adds of a call that go into exact tests; the examples that would take more are sampled."""

BLOCK = 2**22
"""Numbers that are held at once."""

SAMPLED = 9999
"""Random permutations where the exact test would take too long; the smallest p-value is then 1 in 10,000."""

FIRST_SAMPLED = 499
"""Of these, so many first ..."""

ENOUGH = 10
"""... and the rest for examples of which fewer than this are as far apart as what was observed."""

MOST_FLIPS = 4096
"""Outcomes that an exact paired test of one example may have."""


class ConfirmedPies(NamedTuple):
    """Which examples' labels changed by more than chance.

    Attributes:
        p_values: ``[examples]``, of "both populations label this example alike".
        q_values: ``[examples]``, Benjamini-Hochberg over all examples: the false discovery rate at which the example
            counts as changed.
        confirmed: ``[examples]``, PIEs whose distribution of votes changed, at a false discovery rate of at most alpha
            among them.
    """

    p_values: Float[np.ndarray, " examples"]
    q_values: Float[np.ndarray, " examples"]
    confirmed: Bool[np.ndarray, " examples"]


def confirmed_pies(
    dense: ModelLabels,
    pruned: Integer[Array, "other examples"],
    num_classes: int,
    alpha: float = FALSE_DISCOVERIES,
    seed: int = 0,
    paired: bool = False,
) -> ConfirmedPies:
    """Permutation tests per example, and the PIEs that survive them.

    The statistic is how far apart the two distributions of votes are, ``sum_c |dense_c / K - pruned_c / L|``. Its
    null distribution is that over all ways to deal the same votes out to the two populations, exact where that is
    cheap, else of 9,999 seeded permutations (p at least 1/10,000). ``paired``: only the two votes of a pair may change
    places.

    ``confirmed`` is stricter than ``is a PIE and q <= alpha``: Benjamini-Hochberg runs over all examples with the
    p-values of those that are no PIEs set to 1. Without that, many true changes short of a PIE would let in false ones
    that are PIEs.

    What is random: the seeds; the examples are those that there are. Assumed: models of a population are exchangeable
    and the seeds independent, the p-values of examples independent or positively dependent (they come from the same
    models). A p-value is discrete and so a little too large, which errs on the safe side. So does the unpaired test
    where pruned models share seeds or parents with some of the dense ones: they agree more than a random deal does.
    Not for few models: K against K can give no p below ``2 / C(2K, K)`` (0.008 for 5), or ``2^(1 - K)`` where paired
    (0.06 for 5), and with 10,000 examples a rate of 5 % needs p below about 0.05 x changed / 10,000 (see
    `smallest_p_value`).

    Args:
        dense: ``[models, examples]``, class ids of the unpruned models.
        pruned: ``[other, examples]``, class ids of the pruned ones.
        num_classes: classes are ``range(num_classes)``.
        alpha: false discovery rate, above 0 and below 1.
        seed: of the sampled permutations.
        paired: pruned model k was made from dense model k (one-shot pruning).

    Returns:
        ``(p_values, q_values, confirmed)``, each ``[examples]``.

    Raises:
        ValueError: an empty population, other numbers of examples, pairs of different numbers, alpha not in (0, 1).

    Source: Fisher's exact test by the distance of the votes; Benjamini and Hochberg 1995.

    Example:
        >>> dense = np.zeros((8, 3), int)
        >>> pruned = np.array([[1, 0, 0]] * 4 + [[1, 1, 0]] * 4)
        >>> p, q, confirmed = confirmed_pies(dense, pruned, num_classes=2)
        >>> p.round(4).tolist(), confirmed.tolist()
        ([0.0002, 0.0769, 1.0], [True, False, False])
    """
    is_pie = pie_mask(dense, pruned, num_classes)
    return confirm(permutation_p_values(dense, pruned, num_classes, seed, paired), is_pie, alpha)


def confirm(
    p_values: Float[Array, " examples"], is_pie: Bool[Array, " examples"], alpha: float = FALSE_DISCOVERIES
) -> ConfirmedPies:
    """Which PIEs survive, given the p-value of each example (of `permutation_p_values`, or a test of your own).

    The p-values may come from other dense models than the PIEs: from such as are not the pruned models' parents, say.

    Raises:
        ValueError: alpha not in (0, 1), or other numbers of examples.

    Example:
        >>> confirm(np.array([0.001, 0.001, 0.5]), np.array([True, False, True])).confirmed.tolist()
        [True, False, False]
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; expected a rate between 0 and 1, 0.05 say")
    p, pies = np.asarray(p_values, np.float64), np.asarray(is_pie, bool)
    same_length(p_values=p, is_pie=pies)
    confirmed = adjusted_p_values(np.where(pies, p, 1.0)) <= alpha
    return ConfirmedPies(p, adjusted_p_values(p), pies & confirmed)


def smallest_p_value(dense: int, pruned: int, paired: bool = False) -> float:
    """The smallest p-value that populations of these sizes can give: all of one mind, and of another when pruned.

    Example:
        >>> round(smallest_p_value(5, 5), 4), smallest_p_value(5, 5, paired=True)
        (0.0079, 0.0625)
    """
    if paired:
        return min(1.0, 2.0 ** (1 - dense))
    return min(1.0, (2 if dense == pruned else 1) / math.comb(dense + pruned, dense))


def permutation_p_values(
    dense: ModelLabels, pruned: Integer[Array, "other examples"], num_classes: int, seed: int = 0, paired: bool = False
) -> Float[np.ndarray, " examples"]:
    """The p-value of each example; arguments, assumptions and errors as `confirmed_pies`.

    Example:
        >>> permutation_p_values(np.zeros((3, 1), int), np.ones((3, 1), int), 2).round(4).tolist()
        [0.1]
    """
    before, after = class_ids(dense, "dense", 2, num_classes), class_ids(pruned, "pruned", 2, num_classes)
    same_length(dense=before, pruned=after)
    if paired and len(before) != len(after):
        raise ValueError(f"{len(after)} pruned models for {len(before)} dense ones; expected pairs: as many, in order")
    if paired:
        return _paired(before, after, num_classes, seed)
    return _independent(votes(before, num_classes), votes(after, num_classes), seed)


def vote_p_values(
    dense: Integer[Array, "examples classes"], pruned: Integer[Array, "examples classes"], seed: int = 0
) -> Float[np.ndarray, " examples"]:
    """The unpaired p-values from votes that are counted already; assumptions as `confirmed_pies`.

    Args:
        dense: ``[examples, classes]``, votes for each label; all rows sum to the number of dense models.
        pruned: likewise, of the pruned models.
        seed: of the sampled permutations.

    Example:
        >>> vote_p_values(np.array([[3, 0]]), np.array([[0, 3]])).round(4).tolist()
        [0.1]
    """
    return _independent(np.asarray(dense, np.int64), np.asarray(pruned, np.int64), seed)


def _distance(one: np.ndarray, total: np.ndarray, first: int, second: int) -> np.ndarray:
    """Votes that would have to change, in units of 1 / lcm of the sizes: half of ``sum_c |one_c/K - (t-one)_c/L|``."""
    shared = math.gcd(first, second)
    return np.maximum(0, one * ((first + second) // shared) - total * (first // shared)).sum(-1)


def _independent(before: np.ndarray, after: np.ndarray, seed: int) -> np.ndarray:
    """Any deal of the votes: they follow a multivariate hypergeometric distribution, the same for equal totals."""
    if len(before) == 0:
        return np.zeros(0)
    sizes = int(before[0].sum()), int(after[0].sum())
    total = before + after
    observed = _distance(before, total, *sizes)
    order = np.argsort(-total, axis=1, kind="stable")
    ranked = np.take_along_axis(total, order, axis=1)
    ranked = ranked[:, : int((ranked > 0).sum(1).max())]
    margins, which = np.unique(ranked, axis=0, return_inverse=True)
    which = which.reshape(-1)
    reach = _Reach(*sizes)
    work = reach.work(margins)
    by_work = np.argsort(work, kind="stable")
    cheap = by_work[np.cumsum(work[by_work]) <= EXACT_WORK]
    p = np.full(len(total), np.nan)
    is_cheap = np.zeros(len(margins), bool)
    is_cheap[cheap] = True
    tails = np.zeros((len(margins), reach.most + 1)) if len(cheap) else np.zeros((0, 0))
    if len(cheap):
        chosen = np.sort(cheap)  # neighbours share their first classes
        tails[chosen] = reach.tails(margins[chosen])
        exact = is_cheap[which]
        p[exact] = tails[which[exact], observed[exact]]
    sampled = np.flatnonzero(~is_cheap[which])
    if len(sampled):
        generator = np.random.default_rng(seed)

        def deals(count: int) -> np.ndarray:
            ranks = generator.random((count, sum(sizes))).argsort(1)
            return ranks < sizes[0]

        votes_shown = _without_absent(before[sampled], after[sampled])
        p[sampled] = _sampled(_ballots(*votes_shown), observed[sampled], sizes, deals)
    return np.minimum(p, 1.0)


def _without_absent(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Without the classes that an example has no vote for; of thousands of classes a few are left, in their order."""
    absent = before + after == 0
    order = np.argsort(absent, axis=1, kind="stable")[:, : int((~absent).sum(1).max(initial=1))]
    return np.take_along_axis(before, order, axis=1), np.take_along_axis(after, order, axis=1)


MANY_VOTES = 1000
"""Of so many, half to each side would be too unlikely for a number, where sides are far from equal."""


class _Reach:
    """The exact distribution of the distance: classes are added one at a time (a sum over what each may deal)."""

    def __init__(self, first: int, second: int) -> None:
        self._first = first
        self._dealt = 0.5 if first + second <= MANY_VOTES else first / (first + second)
        shared = math.gcd(first, second)
        self._step, self._share = (first + second) // shared, first // shared
        self.most = first * (second // shared)

    def work(self, margins: np.ndarray) -> np.ndarray:
        """Multiply-adds of each margin, without what neighbours share."""
        return (np.where(margins > 0, margins + 1, 0).sum(1) * (self._first + 1) * (self.most + 1)).astype(np.int64)

    def tails(self, margins: np.ndarray) -> np.ndarray:
        """``[margins, most + 1]``: probability of this distance or more, for each row of votes per class."""
        block = max(1, BLOCK // ((self._first + 1) * (self.most + 1)))
        return np.concatenate([self._block(margins[i : i + block]) for i in range(0, len(margins), block)])

    def _block(self, margins: np.ndarray) -> np.ndarray:
        ways = np.zeros((1, self._first + 1, self.most + 1))  # [margins so far, votes dealt to the first, distance]
        ways[0, 0, 0] = 1.0
        place = np.zeros(len(margins), int)
        for level in range(margins.shape[1]):
            fresh = np.ones(len(margins), bool)
            fresh[1:] = (margins[1:, : level + 1] != margins[:-1, : level + 1]).any(1)
            rows = np.flatnonzero(fresh)
            added = self._with_class(ways, place[rows], margins[rows, level])
            place, ways = np.cumsum(fresh) - 1, added
        chance = ways[place, self._first]
        tail = chance[:, ::-1].cumsum(1)[:, ::-1]
        return np.asarray(tail / tail[:, :1])

    def _with_class(self, ways: np.ndarray, parents: np.ndarray, votes_of_class: np.ndarray) -> np.ndarray:
        added = np.zeros((len(parents), *ways.shape[1:]))
        for total in np.unique(votes_of_class):
            rows = np.flatnonzero(votes_of_class == total)
            source = ways[parents[rows]]
            sums = np.zeros_like(source)
            for dealt in range(min(int(total), self._first) + 1):
                away = max(0, dealt * self._step - int(total) * self._share)
                if away > self.most:
                    break
                # in proportion to the ways to choose them, for any share: each deal of all classes has the same factor
                chance = float(stats.binom.pmf(dealt, total, self._dealt))
                kept = source[:, : self._first + 1 - dealt, : self.most + 1 - away]
                sums[:, dealt:, away:] += chance * kept
            added[rows] = sums
        return added


def _ballots(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """``[models, examples]``: votes as labels again; who cast them does not matter."""
    examples, classes = before.shape
    labels = np.tile(np.arange(classes), examples)
    sides = [np.repeat(labels, side.ravel()).reshape(examples, -1).T for side in (before, after)]
    return np.concatenate(sides)


def _sampled(labels: np.ndarray, observed: np.ndarray, sizes: tuple[int, int], deals: Any) -> np.ndarray:
    """p-values of random deals ``deals(count) -> [count, models]``, True: to the first population.

    In two stages: examples of which the first deals beat the observed distance often enough need no more. The p-value
    stays valid: it is that of all deals wherever it is small, and that of the first ones elsewhere.
    """
    count = np.zeros(len(observed), int)
    of = np.full(len(observed), FIRST_SAMPLED)
    count += _as_far(labels, observed, sizes, deals(FIRST_SAMPLED))
    unclear = np.flatnonzero(count < ENOUGH)
    more = deals(SAMPLED - FIRST_SAMPLED)
    count[unclear] += _as_far(labels[:, unclear], observed[unclear], sizes, more)
    of[unclear] = SAMPLED
    return np.asarray((1 + count) / (1 + of))


def _as_far(labels: np.ndarray, observed: np.ndarray, sizes: tuple[int, int], deals: np.ndarray) -> np.ndarray:
    """``[examples]``: in how many deals the distance is at least the observed one."""
    models, examples = labels.shape
    classes = int(labels.max(initial=0)) + 1
    count = np.zeros(examples, int)
    block = max(1, BLOCK // (models * classes))
    weights = deals.astype(np.float32)
    for start in range(0, examples, block):
        part = labels[:, start : start + block]
        width = part.shape[1]
        voted = np.zeros((models, classes, width), np.float32)
        voted[np.arange(models)[:, None], part, np.arange(width)] = 1
        total, flat = voted.sum(0), voted.reshape(models, -1)
        rows = max(1, BLOCK // (classes * width))
        for row in range(0, len(weights), rows):
            dealt = (weights[row : row + rows] @ flat).reshape(-1, classes, width)
            away = _distance(dealt.transpose(0, 2, 1), total.T, *sizes)
            count[start : start + width] += (away >= observed[start : start + width]).sum(0)
    return count


def _paired(before: np.ndarray, after: np.ndarray, num_classes: int, seed: int) -> np.ndarray:
    """Only the votes of a pair may change places; pairs that agree do not matter."""
    pairs, examples = before.shape
    sizes = (pairs, pairs)
    counted = votes(before, num_classes)
    observed = _distance(counted, counted + votes(after, num_classes), *sizes)
    differ = before != after
    kind = np.minimum(before, after) * num_classes + np.maximum(before, after)
    most = np.where(differ, kind, -1).max(0, initial=-1)
    least = np.where(differ, kind, num_classes**2).min(0, initial=num_classes**2)
    p = np.ones(examples)
    one_kind = (most == least) & (most >= 0)
    changed = differ.sum(0)
    # votes move between two classes only: the sign test (McNemar), two-sided
    less = (changed - observed)[one_kind] // 2
    p[one_kind] = np.minimum(1.0, 2 * stats.binom.cdf(less, changed[one_kind], 0.5))
    sampled = []
    known: dict[bytes, float] = {}
    for example in np.flatnonzero(most > least):
        chosen = differ[:, example]
        exact = _sign_flips(before[chosen, example], after[chosen, example], int(observed[example]), known)
        if exact is None:
            sampled.append(example)
        else:
            p[example] = exact
    if sampled:
        generator = np.random.default_rng(seed)

        def deals(count: int) -> np.ndarray:
            stay = generator.random((count, pairs)) < 0.5
            return np.concatenate([stay, ~stay], axis=1)

        labels = np.concatenate([before[:, sampled], after[:, sampled]])
        p[sampled] = _sampled(labels, observed[sampled], sizes, deals)
    return p


def _sign_flips(before: np.ndarray, after: np.ndarray, observed: int, known: dict[bytes, float]) -> float | None:
    """The exact p-value over all flips of pairs that differ; None where there are too many."""
    low, high = np.minimum(before, after), np.maximum(before, after)
    kinds, counts = np.unique(np.stack([low, high]), axis=1, return_counts=True)
    if math.prod(int(count) + 1 for count in counts) > MOST_FLIPS:
        return None
    classes, placed = np.unique(kinds, return_inverse=True)  # which classes they are does not matter
    placed = placed.reshape(kinds.shape)
    key = np.concatenate([placed.ravel(), counts, [observed]]).tobytes()
    if key not in known:
        net = np.zeros((1, len(classes)))
        chance = np.ones(1)
        for (first, second), count in zip(placed.T, counts, strict=True):
            moved = np.arange(int(count) + 1)
            shift = np.zeros((len(moved), len(classes)))
            shift[:, first], shift[:, second] = 2 * moved - count, count - 2 * moved
            net = (net[:, None] + shift[None]).reshape(-1, len(classes))
            chance = np.outer(chance, _flips(int(count))).ravel()
        known[key] = float(min(1.0, chance[np.abs(net).sum(1) / 2 >= observed].sum()))
    return known[key]


@cache
def _flips(pairs: int) -> Float[np.ndarray, " outcomes"]:
    """How likely 0, 1 ... of so many pairs are flipped."""
    return np.asarray(stats.binom.pmf(np.arange(pairs + 1), pairs, 0.5))
