"""How many PIEs do seeds alone make? The floor under a PIE count, and what is above it.

Two groups of unpruned models that differ only in their seeds disagree on some examples. The floor is their number of
PIEs; the excess is how many more there are when the second group is pruned. Both are counted on groups of one size,
because small groups disagree more: the floor of 15 models against 15 says nothing about 30 against 30.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float, Integer

from piescope.axes import Array, ModelLabels
from piescope.measure.arrays import class_ids, same_length
from piescope.measure.intervals import (
    FEWEST_UNITS,
    Interval,
    smooth_interval,
    spanning,
    t_interval,
    two_way_interval,
)
from piescope.measure.modal_chances import ModalChances, disagreement
from piescope.measure.pies import group_modal_labels
from piescope.measure.vote_shares import expected_disagreement

MOST_SPLITS = 200
"""All splits are taken where there are no more than these; else so many, each model equally often on either side."""

FEWEST: Mapping[str, int] = {"independent": 5, "same_seeds": 2, "descended": 2}
"""Models in a group from which on there is an interval: the floor is off by too much, or has no other model left."""

Null = Literal["independent", "same_seeds", "descended"]
"""What pruned model k and dense model k share: nothing, a seed (initial weights and the order of the data), or all that
the dense model has learnt. Where they share anything they never meet."""


@dataclass(frozen=True)
class Floor:
    """PIEs, PIEs that seeds alone make, and the difference, all on groups of the same two sizes.

    Attributes:
        observed: PIEs between a dense and a pruned group that share no seeds: floor plus excess.
        floor: PIEs to expect between two dense groups, of the dense and of the pruned group's size, from the shares of
            the votes of all dense models. Of independent models: the middle of two estimates, its interval spans both.
        excess: how many more a pruned group has.
        lasting: how many of the observed would stay with ever more models, whose labels truly moved. No part of the
            excess, which models that only vary more when pruned have, too: it may be above that, or below 0. Drawn out
            from groups of all and of half the size: what goes with size is in proportion to the floor, which goes to
            0. NaN for groups of fewer than 4.
        sizes: models of the dense group, and of the group that is compared with it.
        splits: how many groups the excess is a mean over; 1 where all models could be taken.
        null: ``"independent"``: any pruned models with any dense ones; else: pruned models only with dense models that
            are not their own parents (``"descended"``), or not of their own seed (``"same_seeds"``).
        excess_share: ``[examples]``, each example's part of the excess.
        excess_without: ``[units, examples]``, the same with one seed left out; ``strata`` says how many units each
            independent group has.
        strata: see there.
    """

    observed: Interval
    floor: Interval
    excess: Interval
    lasting: Interval
    sizes: tuple[int, int]
    splits: int
    null: Null
    excess_share: Float[np.ndarray, " examples"]
    excess_without: Float[np.ndarray, "units examples"]
    strata: tuple[int, ...]

    @property
    def why_not(self) -> str:
        """Why so few models have no interval of these; empty where they are enough."""
        if min(self.strata) < FEWEST_UNITS:
            return f"no interval of fewer than {FEWEST_UNITS} models"
        are_few = min(self.sizes) < FEWEST[self.null]
        return f"no interval of groups of {self.sizes[0]} and {self.sizes[1]} models of other seeds" if are_few else ""


def excess_difference(one: Floor, other: Floor) -> Interval:
    """How many more excess PIEs one arm has than another on the same examples, with its 95 % interval.

    Model k of both arms is of one seed, and so are the dense models that they were compared with, which may be the
    same ones: what a seed does to both is no part of the difference. A seed is left out on both sides at once, which is
    as right where the two have nothing in common. Where either excess has too few models for an interval, so has this.

    Raises:
        ValueError: other numbers of examples, or of models (one or two may be lost of one arm).

    Example:
        >>> generator = np.random.default_rng(0)
        >>> dense, less, more = ((generator.random((8, 400)) < rate).astype(int) for rate in (0.1, 0.1, 0.4))
        >>> floors = NoiseFloor(dense, num_classes=2)
        >>> excess_difference(floors.under(more), floors.under(less)).low > 0
        True
    """
    same_length(one=one.excess_share, other=other.excess_share)
    if one.strata != other.strata:
        raise ValueError(f"models {list(one.strata)} and {list(other.strata)}; expected as many of both arms, by seed")
    share, without = one.excess_share - other.excess_share, one.excess_without - other.excess_without
    if one.why_not or other.why_not:
        return t_interval(float(share.sum()), np.nan, 0.0)
    return two_way_interval(share, without, one.strata)


class ExcessPies(NamedTuple):
    """PIEs beyond the noise floor; counts of examples.

    Attributes:
        observed: PIEs of pruned models against dense models of other seeds, at the floor's group sizes.
        floor: PIEs to expect of dense models against dense models.
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

    The floor is computed, not drawn: how likely two groups of models that vote as the dense ones do have different
    modal labels (`modal_chances`), summed over the examples. Shares of few votes are too extreme; the jackknife over
    models takes that off. Independent pruned models are all compared with all dense ones; as their excess hangs on the
    floor, another estimate stands beside it, of the distribution of shares over examples (`vote_shares`): the floor is
    the middle of both, and intervals reach as far as either does. Models that share a seed or a
    parent with a dense model agree with it more than with others, and that shared part is taken off: they are compared
    with dense models of other seeds alone, and what two groups of dense models differ by in the very same comparison is
    subtracted, so that a pruned model that is its parent's copy has an excess of 0. With fresh dense models (twice as
    many dense as pruned ones) the groups have all models; without, the dense models are split in halves, over and over
    (all splits where there are at most 200), and the floor is that of such groups. Halves differ by more than wholes,
    as they vote less firmly; what is compared is the difference. The excess is not the number of examples whose label
    truly changes: models that vary more between seeds when pruned have one, too, and where a change meets noise it
    counts once (`Floor.lasting`).

    What is random: seeds and examples; the interval speaks about other seeds and other examples of the same kind
    (`piescope.measure.intervals.two_way_interval`). Assumed: seeds are drawn independently, and the dense models
    are exchangeable. Not for fewer than 3 models a population (4 dense ones, 5 of independent ones): no interval.
    One or two dense models without a pruned one count as of one group with the others, as they do not tell how such
    models vary (collapsed strata, Cochran 1977). In simulations the floor of groups as large as all dense models is
    right to 6 % from 5 models on; where no example is near the edge and models err on each with a chance of its own
    it is 12 to 21 % too high with 5 and 10, within its interval (the jackknife's alone, that of relatives, 26 to 38
    %; their excess does not hang on it). An interval of some ten PIEs is rough.

    Args:
        dense: ``[models, examples]``, class ids of the unpruned models.
        pruned: ``[other, examples]``, class ids of the pruned ones.
        num_classes: classes are ``range(num_classes)``.
        seed: of the sample of splits, where there are more than 200.
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

    Source: the null of Corti et al. 2022's equation 1, which the paper does not have; Quenouille 1956 (the jackknife's
    bias); the splits are those of split-half reliability, the interval's rule is two-way clustering.

    Example:
        >>> generator = np.random.default_rng(0)
        >>> dense = (generator.random((10, 500)) < 0.1).astype(int)
        >>> pruned = (generator.random((10, 500)) < 0.1).astype(int)
        >>> pruned[:, :20] = 1 - pruned[:, :20]
        >>> found = excess_pies(dense, pruned, num_classes=2)
        >>> round(found.excess), found.interval[0] < 20 < found.interval[1]
        (20, True)
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
        if not self._dense.shape[1]:
            raise ValueError("dense holds no examples; expected [models, examples] with at least one")
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
class _Share:
    """What each example adds to a number, ``[examples]``; how that moves without a unit, ``[units, examples]``."""

    share: np.ndarray
    moved: np.ndarray

    def interval(self, strata: tuple[int, ...], is_known: bool) -> Interval:
        if not is_known:
            return Interval(float(self.share.sum()), np.nan, np.nan, np.nan, 0.0)
        return two_way_interval(self.share, self.share + self.moved, strata)

    def plus(self, other: _Share, sign: int = 1) -> _Share:
        return _Share(self.share + sign * other.share, self.moved + sign * other.moved)


def _differing(*sides: tuple[ModalChances, Sequence[int | None]]) -> _Share:
    """The chance that two groups' modal labels differ, and without each unit: a model of either side, or of both."""
    (one, ones), (other, others) = sides
    whole = one.whole, other.whole
    share = disagreement(*whole)
    moved = np.stack(
        [
            disagreement(
                whole[0] if first is None else one.without(first), whole[1] if second is None else other.without(second)
            )
            - share
            for first, second in zip(ones, others, strict=True)
        ]
    )
    return _Share(share, moved)


def _without_bias(expected: _Share) -> _Share:
    """Shares of few votes are too extreme: the jackknife takes off what that makes, to first order."""
    share = expected.share - (len(expected.moved) - 1) * expected.moved.mean(0)
    return _Share(share if share.sum() > 0 else np.zeros_like(share), expected.moved)


def _drawn_out(observed: float, floor: float, of_halves: float, floor_of_halves: float) -> float:
    """What is left where the floor is 0, on the line through two sizes of groups."""
    falls = floor_of_halves - floor
    return observed - floor * (of_halves - observed) / falls if falls > 0 else np.nan


def _reaching(interval: Interval, by: float) -> Interval:
    """An interval that reaches further on both sides: its value is the middle of two estimates."""
    if not (np.isfinite(interval.low) and by):
        return interval
    ends = {end: getattr(interval, end) for end in ("value", "low", "high")}
    up, down = (replace(interval, **{end: at + sign * by for end, at in ends.items()}) for sign in (1, -1))
    return spanning(up, down)


class _DenseSide:
    """The floor, and the dense groups that pruned ones are compared with, for one size of population and one null."""

    def __init__(self, dense: np.ndarray, num_classes: int, pruned: int, null: Null, seed: int) -> None:
        self._dense, self._classes, self._pruned, self._null = dense, num_classes, pruned, null
        self._groups = _Groups.of(len(dense), pruned, null, np.random.default_rng(seed))
        self._sizes = int(self._groups.one[0].sum()), int(self._groups.pruned[0].sum())
        self._modal = group_modal_labels(dense, self._groups.one, num_classes)
        self._chances = lru_cache(maxsize=None)(self._chances_of)
        models = range(len(dense))
        self._floor = _without_bias(_differing(*((self._chances(tuple(models), size), models) for size in self._sizes)))

    def _chances_of(self, members: tuple[int, ...], size: int) -> ModalChances:
        return ModalChances(self._dense[list(members)], self._classes, size)

    def against(self, pruned: np.ndarray) -> Floor:
        modal = group_modal_labels(pruned, self._groups.pruned, self._classes)
        lost = (self._modal != modal).mean(0)
        chances = ModalChances(pruned, self._classes, self._sizes[1])
        apart = 0.0
        if self._null == "independent":
            excess, floor = self._of_strangers(lost, chances)
            apart = float(self._by_shares.sum() - self._floor.share.sum()) / 2
        else:
            excess, floor = self._of_relatives(lost, chances), self._floor
        observed, strata = floor.plus(excess), self._strata
        is_known = min(self._sizes) >= FEWEST[self._null]
        return Floor(
            observed.interval(strata, is_known),
            _reaching(floor.interval(strata, is_known), apart),
            _reaching(excess.interval(strata, is_known), apart),
            self._lasting(pruned, observed),
            self._sizes,
            len(modal),
            self._null,
            excess.share,
            excess.share + excess.moved,
            strata,
        )

    @property
    def _strata(self) -> tuple[int, ...]:
        """Units: of relatives a dense model with its descendant is one, and a dense model without is another.

        One or two without say nothing of how they vary: they are of one group with the others (collapsed strata).
        """
        dense, pruned = len(self._dense), self._pruned
        if self._null == "independent":
            return dense, pruned
        is_one = dense == pruned or pruned >= FEWEST_UNITS > dense - pruned
        return (dense,) if is_one else (pruned, dense - pruned)

    @cached_property
    def _by_shares(self) -> np.ndarray:
        """``[examples]``, the floor's other estimate."""
        return expected_disagreement(self._dense, max(2, self._classes), self._sizes)

    def _lasting(self, pruned: np.ndarray, observed: _Share) -> Interval:
        size = self._sizes[1] // 2
        if size < 2:
            return Interval(np.nan, np.nan, np.nan, np.nan, 0.0)
        everyone = range(len(self._dense))
        models: list[int | None] = list(everyone)
        of_pruned = [k if k < self._pruned else None for k in everyone]
        if self._null == "independent":
            of_pruned = [*[None] * len(models), *range(self._pruned)]
            models += [None] * self._pruned
        dense = self._chances(tuple(everyone), size)
        halves = [
            _without_bias(_differing((dense, models), other))
            for other in ((ModalChances(pruned, self._classes, size), of_pruned), (dense, models))
        ]
        still = np.zeros((len(observed.moved) - len(self._floor.moved), observed.share.size))
        floor = _Share(self._floor.share, np.concatenate([self._floor.moved, still]))
        terms = [np.concatenate([part.share[None], part.share + part.moved]) for part in (observed, floor, *halves)]
        return smooth_interval(_drawn_out, terms, strata=self._strata)

    def _of_strangers(self, lost: np.ndarray, chances: ModalChances) -> tuple[_Share, _Share]:
        """What there is beyond the floor; and the floor, on which the pruned models have no say."""
        dense, nobody = range(len(self._dense)), [None] * len(self._dense)
        pruned, none = range(self._pruned), [None] * self._pruned
        moved = _differing(
            (self._chances(tuple(dense), self._sizes[0]), [*dense, *none]), (chances, [*nobody, *pruned])
        )
        still = np.zeros((self._pruned, len(lost)))
        middle = self._floor.share / 2 + self._by_shares / 2
        floor = _Share(middle, np.concatenate([self._floor.moved, still]))
        return _Share(lost, moved.moved).plus(floor, -1), floor

    def _of_relatives(self, lost: np.ndarray, chances: ModalChances) -> _Share:
        """What a pruned group has beyond its own dense relatives, both against the same dense strangers."""
        models, pruned, single = range(len(self._dense)), self._pruned, len(self._groups.one) == 1
        strangers, relatives = (models[pruned:], models[:pruned]) if single else (models, models)
        met = self._chances(tuple(strangers), self._sizes[0])
        own = self._chances(tuple(relatives), self._sizes[1])
        of_met, of_own = ([k - who[0] if k in who else None for k in models] for who in (strangers, relatives))
        of_pruned = [k if k < pruned else None for k in models]
        beyond = _differing((met, of_met), (chances, of_pruned)).plus(_differing((met, of_met), (own, of_own)), -1)
        modal = group_modal_labels(self._dense, self._groups.other, self._classes)
        return _Share(lost - (self._modal != modal).mean(0), beyond.moved)


@dataclass(frozen=True)
class _Groups:
    """Who is in which group: ``[splits, models]``, True for a member; ``other``: dense relatives of ``pruned``."""

    one: np.ndarray
    other: np.ndarray
    pruned: np.ndarray

    @staticmethod
    def of(dense: int, pruned: int, null: Null, generator: np.random.Generator) -> _Groups:
        """All of either side where they share nothing; else each dense model is on one side only."""
        if null == "independent":
            return _Groups(np.ones((1, dense), bool), np.zeros((1, dense), bool), np.ones((1, pruned), bool))
        chosen = _choices(pruned, min(pruned, dense // 2), generator)
        other = np.zeros((len(chosen), dense), bool)
        other[:, :pruned] = chosen
        return _Groups(~other, other, chosen)


def _choices(items: int, size: int, generator: np.random.Generator) -> np.ndarray:
    """``[choices, items]``: all choices of ``size`` items, or about 200 in which each item is as often as any."""
    if math.comb(items, size) <= MOST_SPLITS:
        listed = [list(chosen) for chosen in combinations(range(items), size)]
    else:  # windows of a shuffled circle, evenly spaced
        windows = next(count for count in range(min(MOST_SPLITS, items), items + 1) if items % count == 0)
        listed = [
            [int(order[(start + offset) % items]) for offset in range(size)]
            for order in (generator.permutation(items) for _ in range(max(1, MOST_SPLITS // windows)))
            for start in range(0, items, items // windows)
        ]
    chosen = np.zeros((len(listed), items), bool)
    np.put_along_axis(chosen, np.array(listed, int).reshape(len(listed), size), True, axis=1)
    return chosen
