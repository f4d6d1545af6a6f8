"""How many PIEs do seeds alone make? The floor under a PIE count, and what is above it.

Two groups of unpruned models that differ only in their seeds disagree on some examples. The floor is their number of
PIEs; the excess is how many more there are when the second group is pruned. Both are counted on groups of one size,
because small groups disagree more: the floor of 15 models against 15 says nothing about 30 against 30.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float, Integer

from piescope.axes import Array, ModelLabels
from piescope.measure.arrays import class_ids, same_length
from piescope.measure.intervals import Interval, two_way_interval
from piescope.measure.pies import group_modal_labels

MOST_SPLITS = 200
"""All splits are taken where there are no more than these; else so many, each model equally often on either side."""

LEFT_OUT_GROUPS = 2500
"""Where all splits have more groups with a model left out than this, the interval takes fewer splits."""

LEFT_OUT_SPLITS = 12
"""About so many then; each model is as often on either side."""

Null = Literal["independent", "same_seeds", "descended"]
"""What pruned model k and dense model k share: nothing, a seed (initial weights and the order of the data), or all that
the dense model has learnt. Where they share anything they never meet."""


@dataclass(frozen=True)
class Floor:
    """PIEs, PIEs that seeds alone make, and the difference, all on groups of equal sizes.

    Attributes:
        observed: PIEs of a pruned group against a dense one, mean over splits.
        floor: PIEs of a dense group, of the pruned group's size, against the same dense one.
        excess: observed minus floor.
        sizes: models of the dense group, and of the group that is compared with it.
        splits: how many were averaged.
        null: ``"independent"``: any pruned models with any dense ones; else: pruned models only with dense models that
            are not their own parents (``"descended"``), or not of their own seed (``"same_seeds"``).
        excess_share: ``[examples]``, each example's part of the excess.
        excess_without: ``[units, examples]``, the same with one seed left out; ``strata`` says how many units each
            independent group has.
        strata: see there.
        dense: dense models; they are the first units.
    """

    observed: Interval
    floor: Interval
    excess: Interval
    sizes: tuple[int, int]
    splits: int
    null: Null
    excess_share: Float[np.ndarray, " examples"]
    excess_without: Float[np.ndarray, "units examples"]
    strata: tuple[int, ...]
    dense: int


def excess_difference(one: Floor, other: Floor, same_dense: bool) -> Interval:
    """How many more excess PIEs one arm has than another on the same examples, with its 95 % interval.

    Args:
        one: an arm.
        other: another.
        same_dense: both were compared with the same dense models, and model k of both arms is of one seed: what they
            share by chance is no part of the difference. Else all seeds are taken as independent.

    Raises:
        ValueError: other numbers of examples.

    Example:
        >>> generator = np.random.default_rng(0)
        >>> dense, less, more = ((generator.random((8, 400)) < rate).astype(int) for rate in (0.1, 0.1, 0.4))
        >>> floors = NoiseFloor(dense, num_classes=2)
        >>> excess_difference(floors.under(more), floors.under(less), same_dense=True).low > 0
        True
    """
    same_length(one=one.excess_share, other=other.excess_share)
    difference = one.excess_share - other.excess_share
    moved = [arm.excess_without - arm.excess_share for arm in (one, other)]
    if not same_dense:
        without = np.concatenate([difference + moved[0], difference - moved[1]])
        return two_way_interval(difference, without, (*one.strata, *other.strata))
    met = [arm.null == "independent" for arm in (one, other)]
    if one.strata == other.strata and met[0] == met[1]:  # model k of both arms is of seed k
        return two_way_interval(difference, difference + moved[0] - moved[1], one.strata)
    dense = max(one.dense, other.dense)
    with_dense = difference + moved[0][:dense] - moved[1][:dense]
    alone = [difference + sign * own[dense:] for sign, own in zip((1, -1), moved, strict=True)]
    strata = [dense, *(len(own) for own in alone if len(own))]
    return two_way_interval(difference, np.concatenate([with_dense, *alone]), strata)


class ExcessPies(NamedTuple):
    """PIEs beyond the noise floor; counts of examples, means over splits of the models.

    Attributes:
        observed: PIEs of pruned groups against dense groups, at the floor's group sizes.
        floor: PIEs of dense groups against dense groups.
        excess: observed minus floor; negative when pruned models agree with dense ones more than other seeds do.
        interval: of the excess, 95 %, over seeds and examples.
    """

    observed: float
    floor: float
    excess: float
    interval: tuple[float, float]


def excess_pies(
    dense: ModelLabels,
    pruned: Integer[Array, "other examples"],
    num_classes: int,
    seed: int = 0,
    null: Null = "independent",
) -> ExcessPies:
    """PIEs beyond those that seeds alone make.

    The dense models are split into two disjoint groups, over and over (all splits where there are at most 200). The
    floor is the mean number of PIEs between the two; observed is that between the first and as many pruned models as
    the second has. So both counts are of equal group sizes: with 30 dense models, groups of 15. They are larger than a
    count of 30 against 30, as smaller groups vote less firmly; what is compared is their difference. The excess is
    not the number of examples whose label truly changes: models that vary more between seeds when pruned have one,
    too, and where a change meets noise it counts once. With fresh
    dense models (twice as many dense as pruned ones) the groups have the size of the real comparison.

    What is random: seeds and examples; the interval speaks about other seeds and other examples of the same kind
    (`piescope.measure.intervals.two_way_interval`). Assumed: seeds are drawn independently, and the dense models
    are exchangeable. Not for fewer than 4 dense models; with fewer than about 8 the groups are so small that ties
    decide much of both counts (the difference stays fair). An interval of some ten PIEs is rough.

    Args:
        dense: ``[models, examples]``, class ids of the unpruned models.
        pruned: ``[other, examples]``, class ids of the pruned ones.
        num_classes: classes are ``range(num_classes)``.
        seed: of the sample of splits.
        null: ``"independent"``: pruned models are runs with seeds of their own. ``"descended"``: pruned model k was
            made from dense model k (one-shot pruning; further dense models have no descendants). ``"same_seeds"``: it
            was trained on its own, with the seed of dense model k (gradual pruning; equal initial weights and data
            order make the two agree more than two seeds do). In either of the two no pruned model is ever compared
            with a group that holds the dense model k (as ``"independent"``, ``excess_pies(dense, dense, ...)`` is
            below 0: models agree with themselves). To subtract the disagreement of *other* seeds from a comparison
            with the *same* seeds would subtract what is not there.

    Returns:
        ``(observed, floor, excess, interval)``.

    Raises:
        ValueError: fewer than 2 dense models, no pruned ones, other numbers of examples, or more descendants than
            dense models.

    Source: the null of Corti et al. 2022's equation 1, which the paper does not have; the splits are those of
    split-half reliability, the interval's of two-way clustering.

    Example:
        >>> generator = np.random.default_rng(0)
        >>> dense = (generator.random((10, 500)) < 0.1).astype(int)
        >>> pruned = (generator.random((10, 500)) < 0.1).astype(int)
        >>> pruned[:, :20] = 1 - pruned[:, :20]
        >>> found = excess_pies(dense, pruned, num_classes=2)
        >>> round(found.excess), found.interval[0] < 20 < found.interval[1]
        (18, True)
    """
    floor = NoiseFloor(dense, num_classes, seed).under(pruned, null)
    ends = (floor.excess.low, floor.excess.high)
    return ExcessPies(floor.observed.value, floor.floor.value, floor.excess.value, ends)


class NoiseFloor:
    """The dense side of the comparison, computed once for all the arms that are compared with it."""

    def __init__(self, dense: ModelLabels, num_classes: int, seed: int = 0) -> None:
        self._dense = class_ids(dense, "dense", 2, num_classes)
        self._classes, self._seed = num_classes, seed
        if len(self._dense) < 2:
            raise ValueError(f"dense holds {len(self._dense)} model; expected at least 2, to split them")
        self._sides: dict[tuple[int, Null], _DenseSide] = {}

    def under(self, pruned: Integer[Array, "other examples"], null: Null = "independent") -> Floor:
        """The floor under this arm's PIEs, and the excess; arguments and errors as `excess_pies`."""
        if null not in get_args(Null):
            raise ValueError(f"null is {null!r}; expected one of {', '.join(get_args(Null))}")
        labels = class_ids(pruned, "pruned", 2, self._classes)
        same_length(dense=self._dense, pruned=labels)
        if len(labels) == 0:
            raise ValueError("pruned holds no models; expected [models, examples] with at least one model")
        if null != "independent" and len(labels) > len(self._dense):
            raise ValueError(
                f"{len(labels)} {null.replace('_', ' ')} models of {len(self._dense)} dense ones; "
                "expected a parent for each, in order"
            )
        key = len(labels), null
        if key not in self._sides:
            self._sides[key] = _DenseSide(self._dense, self._classes, len(labels), null, self._seed)
        return self._sides[key].against(labels)


@dataclass(frozen=True)
class _Splits:
    """Who is in which group: ``[splits, models]`` of 0 and 1."""

    one: np.ndarray
    other: np.ndarray
    pruned: np.ndarray

    @staticmethod
    def of(dense: int, pruned: int, null: Null, generator: np.random.Generator, most: int) -> _Splits:
        size = min(pruned, dense // 2)
        chosen = _choices(dense if null == "independent" else pruned, size, generator, most)
        other = np.zeros((len(chosen), dense), bool)
        other[:, : chosen.shape[1]] = chosen
        if null != "independent":
            return _Splits(~other, other, chosen)
        drawn = _choices(pruned, size, generator, most)
        pairs = [(b, p) for b in range(len(other)) for p in range(len(drawn))]
        if len(pairs) > most:  # each once or more, in an order of its own: the same seeds must not always meet
            longest = max(len(other), len(drawn))
            pairs = [
                (int(b), int(p))
                for _ in range(max(1, most // longest))
                for b, p in zip(*(_shuffled(len(groups), longest, generator) for groups in (other, drawn)), strict=True)
            ]
        first, second = (list(side) for side in zip(*pairs, strict=True))
        return _Splits(~other[first], other[first], drawn[second])


def _shuffled(items: int, length: int, generator: np.random.Generator) -> np.ndarray:
    """``length`` items in random order, each as often as any."""
    repeated = np.resize(np.arange(items), length)
    return generator.permutation(repeated)


def _choices(items: int, size: int, generator: np.random.Generator, most: int) -> np.ndarray:
    """``[choices, items]``: all choices of ``size`` items, or about ``most`` in which each item is as often as any."""
    if math.comb(items, size) <= most:
        listed = [list(chosen) for chosen in combinations(range(items), size)]
    else:  # windows of a shuffled circle, evenly spaced
        windows = next(count for count in range(min(most, items), items + 1) if items % count == 0)
        listed = [
            [int(order[(start + offset) % items]) for offset in range(size)]
            for order in (generator.permutation(items) for _ in range(max(1, most // windows)))
            for start in range(0, items, items // windows)
        ]
    chosen = np.zeros((len(listed), items), bool)
    np.put_along_axis(chosen, np.array(listed, int).reshape(len(listed), size), True, axis=1)
    return chosen


class _LeftOut:
    """Groups with one of their models left out, each in turn."""

    def __init__(self, groups: np.ndarray) -> None:
        self.splits, self.members = np.nonzero(groups)
        self.groups = groups[self.splits]
        self.groups[np.arange(len(self.members)), self.members] = False

    def shares(self, disagree: np.ndarray, before: np.ndarray, units: int) -> np.ndarray:
        """``[units, examples]``: by how much the mean over splits moves when a unit is left out of its groups."""
        moved = np.zeros((units, before.shape[1]))
        for unit in range(units):
            chosen = self.members == unit
            moved[unit] = disagree[chosen].sum(0, dtype=float) - before[self.splits[chosen]].sum(0, dtype=float)
        return moved / len(before)


class _DenseSide:
    """Dense groups and their modal labels, for pruned populations of one size and one null."""

    def __init__(self, dense: np.ndarray, num_classes: int, pruned: int, null: Null, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self._classes, self._null, self._models = num_classes, null, (len(dense), pruned)
        self._splits = _Splits.of(len(dense), pruned, null, generator, MOST_SPLITS)
        self._few = self._splits
        if len(self._splits.one) * (len(dense) + pruned) > LEFT_OUT_GROUPS:
            self._few = _Splits.of(len(dense), pruned, null, generator, LEFT_OUT_SPLITS)
        self._one_without, self._other_without = _LeftOut(self._few.one), _LeftOut(self._few.other)
        modal = [
            group_modal_labels(dense, groups, num_classes)
            for groups in (self._splits.one, self._splits.other, self._few.one, self._few.other)
        ]
        self._one, self._few_one = modal[0], modal[2]
        self._floor_share = (modal[0] != modal[1]).mean(0)
        before = modal[2] != modal[3]
        self._modal_one_without = group_modal_labels(dense, self._one_without.groups, num_classes)
        modal_other = group_modal_labels(dense, self._other_without.groups, num_classes)
        one, other = self._one_without, self._other_without
        self._floor_moved = one.shares(self._modal_one_without != modal[3][one.splits], before, len(dense))
        self._floor_moved += other.shares(modal[2][other.splits] != modal_other, before, len(dense))

    def against(self, pruned: np.ndarray) -> Floor:
        lost = _LeftOut(self._few.pruned)
        groups = np.concatenate([self._splits.pruned, self._few.pruned, lost.groups])
        modal = group_modal_labels(pruned, groups, self._classes)
        splits, few = len(self._splits.pruned), len(self._few.pruned)
        observed_share = (self._one != modal[:splits]).mean(0)
        few_modal, modal_without = modal[splits : splits + few], modal[splits + few :]
        before = self._few_one != few_modal
        one = self._one_without
        by_dense = one.shares(self._modal_one_without != few_modal[one.splits], before, self._models[0])
        by_pruned = lost.shares(self._few_one[lost.splits] != modal_without, before, self._models[1])
        observed_moved, floor_moved, strata = self._by_unit(by_dense, by_pruned)
        observed = _interval(observed_share, observed_moved, strata, self._sizes)
        floor = _interval(self._floor_share, floor_moved, strata, self._sizes)
        share = observed_share - self._floor_share
        excess = _interval(share, observed_moved - floor_moved, strata, self._sizes)
        counts, without = (observed, floor, excess, self._sizes, splits), share + observed_moved - floor_moved
        return Floor(*counts, self._null, share, without, strata, self._models[0])

    @property
    def _sizes(self) -> tuple[int, int]:
        return int(self._splits.one[0].sum()), int(self._splits.other[0].sum())

    def _by_unit(self, by_dense: np.ndarray, by_pruned: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
        """What moves with each unit; a dense model and its descendant are one unit, dense ones without are others."""
        dense, pruned = self._models
        if self._null != "independent":
            both = by_dense.copy()
            both[:pruned] += by_pruned
            return both, self._floor_moved, (pruned,) if dense == pruned else (pruned, dense - pruned)
        still = np.zeros_like(by_pruned)
        moved = np.concatenate([by_dense, by_pruned])
        return moved, np.concatenate([self._floor_moved, still]), (dense, pruned)


def _interval(share: np.ndarray, moved: np.ndarray, strata: tuple[int, ...], sizes: tuple[int, int]) -> Interval:
    if min(sizes) < 2:  # a group of one has nothing left when it is left out
        return Interval(float(share.sum()), np.nan, np.nan, np.nan, 0.0)
    return two_way_interval(share, share + moved, strata)
