"""What claims are judged from: votes, scores and depths of the arms, as observed and without each seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property, lru_cache

import numpy as np

from piescope.measure.intervals import FEWEST_CURVED, Interval, is_bent, smooth_interval, t_interval
from piescope.measure.modal_chances import ModalChances, varied_pies
from piescope.measure.noise_floor import excess_difference
from piescope.report.study.claim_parts import ClaimedSide, Part
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.rows import ArmKey
from piescope.report.study.signal import Signal

BOTH = ("supervised", "supcon")
"""The paper's objectives."""

KINDS = {"gmp": "gradual", "delayed_gmp": "gradual", "one_shot": "one_shot"}
"""The paper's prunings."""


FEWEST_PIES = 10
"""That a ratio (of both counts together), a mean or a share is taken of, for an interval."""

Varied = np.ndarray
"""A number of each example, ``[1 + seeds, examples]``: as observed, and without each seed."""


def log_ratio(one: float, other: float) -> float:
    """Of two counts, half a one added to each."""
    return float(np.log((one + 0.5) / (other + 0.5)))


class Evidence:
    """Which arms the run has that speak about the paper, and what a comparison of some of them is made from."""

    def __init__(self, results: Results, signal: Signal) -> None:
        self.results, self._signal = results, signal
        self._compared = lru_cache(maxsize=None)(self._compared_of)

    @cached_property
    def main(self) -> float:
        """The sparsity that the headline is about."""
        return self.results.main_sparsity

    def of(self, *arms: ArmKey) -> InCommon:
        """Of these arms and their dense ones the first so many models that all of them have, with one seed for all.

        Fresh dense models, whose seeds are their own, are as many for each objective, or none.
        """
        dense = dict.fromkeys(ArmKey(arm.objective, "dense", 0.0) for arm in arms)
        found = [_find(self.results, arm) for arm in (*arms, *dense)]
        fresh = [self._signal.fresh(arm.objective) for arm in dense]
        return self._compared(
            min(len(arm.labels) for arm in found),
            min(0 if arm is None else len(arm.labels) for arm in fresh),
            min(len(arm.models.get("depth", ())) for arm in found),
        )

    def _compared_of(self, models: int, fresh: int, depth_models: int) -> InCommon:
        results = self.results.first_models(models, fresh)
        signal = self._signal if results is self.results else Signal(results)
        return InCommon(results, signal, models, min(models, depth_models))

    def sparsities(self, objective: str, *prunings: str) -> list[float]:
        """At which the run has all of these arms."""
        return [
            sparsity
            for sparsity in self.results.sparsities()
            if all(self.is_the_papers(pruning) for pruning in prunings)
            if self.results.find(objective, "dense", 0.0)
            if all(self.results.find(objective, pruning, sparsity) for pruning in prunings)
        ]

    def is_the_papers(self, pruning: str) -> bool:
        """Whether a pruning is of the paper's kind: by magnitude, and of the schedule that its name says.

        Controls (random masks, a method of the study's own) are no evidence about the paper's methods.
        """
        method = self.results.study.method(pruning)
        return method is not None and method.kind == KINDS.get(pruning) and method.criterion == "magnitude"

    def families(self) -> list[tuple[str, str]]:
        """(objective, pruning) of the paper's objectives and prunings, in the study's order."""
        return [(o, p) for o, p in self.results.families() if o in BOTH and self.is_the_papers(p)]

    def arms(self) -> Iterator[ArmKey]:
        """The arms of these families whose dense arm is there."""
        return (ArmKey(*family, sparsity) for family in self.families() for sparsity in self.sparsities(*family))

    def common_prunings(self, *sparsities: float) -> list[str]:
        """The paper's prunings that both objectives have, with their dense arms, at these sparsities or at any."""
        names = dict.fromkeys(pruning for _, pruning in self.families())
        both = {name: self.common_sparsities(name) for name in names}
        return [name for name, shared in both.items() if shared and set(sparsities) <= set(shared)]

    def common_sparsities(self, pruning: str) -> list[float]:
        """Rising, at which both objectives have this pruning, with their dense arms."""
        both_have = self.sparsities("supcon", pruning)
        return [sparsity for sparsity in self.sparsities("supervised", pruning) if sparsity in both_have]

    def has_score(self, name: str) -> bool:
        """Whether it is kept of each model of all arms."""
        return all(name in arm.models for arm in self.results.arms)

    def tuned(self, pruning: str) -> dict[str, str]:
        """For each objective the control trained on like this pruning's models, with all weights; else none."""
        controls = {o: self.results.controls(o, "finetune_only", pruning) for o in BOTH}
        found = {o: next((arm.pruning for arm in of if arm.sparsity == 0), "") for o, of in controls.items()}
        return found if all(found.values()) else {}

    @property
    def has_depth(self) -> bool:
        """Whether the study measured prediction depth."""
        return bool(self.results.probe_points)


class InCommon:
    """What some arms say as it is and without each seed, for models of one seed belong together in all arms.

    Attributes:
        results: the run, with no more models of an arm than these arms have in common.
        models: of each of them.
        depth_models: of these, those whose prediction depth all of them have.
        examples: of the test.
    """

    def __init__(self, results: Results, signal: Signal, models: int, depth_models: int) -> None:
        self.results, self.models, self.depth_models, self._signal = results, models, depth_models, signal
        self.examples = len(results.labels)
        # a cache of each one's own
        self.pies = lru_cache(maxsize=None)(self._pies)
        self._dense = lru_cache(maxsize=4)(self._side)
        self.depth = lru_cache(maxsize=4)(self._depth)

    def _side(self, arm: ArmKey) -> tuple[np.ndarray, ModalChances]:
        labels = _find(self.results, arm).labels
        return labels, ModalChances(labels, len(self.results.class_names), len(labels))

    def _pies(self, arm: ArmKey, before: str = "dense") -> Varied:
        """PIEs, 1 or 0; what moves without a seed is the chance of being one. ``before``: the unpruned arm's name."""
        if arm.sparsity == 0:
            return np.zeros((1 + self.models, self.examples))
        dense = self._dense(ArmKey(arm.objective, before, 0.0))
        return varied_pies(dense, self._side(arm), len(self.results.class_names), self.models)

    def percent(self, arm: ArmKey) -> Varied:
        """PIEs, so that their sum is a percentage of all examples."""
        return 100 / self.examples * self.pies(arm)

    def score(self, arm: ArmKey, name: str) -> Varied:
        """A score of each model, so that the sum is the mean."""
        return self._means(_find(self.results, arm).models[name]) / self.examples

    def lost(self, arm: ArmKey, before: str = "dense") -> Varied:
        """By how much fewer models are right than without pruning, as a share of all; below 0 where more are."""
        dense, pruned = (_find(self.results, key).labels for key in (ArmKey(arm.objective, before, 0.0), arm))
        return self._means(dense == self.results.labels) - self._means(pruned == self.results.labels)

    def _depth(self, arm: ArmKey, convention: str = "depth") -> Varied:
        """Depths, mean over models; ``depth`` in the paper's convention, or ``depth_baldock``."""
        return self._means(_find(self.results, arm).models[convention][: self.depth_models])

    def _means(self, values: np.ndarray) -> Varied:
        """Over models, which may be fewer than seeds: without another's seed nothing moves."""
        total, models = values.sum(0, dtype=np.float64), len(values)
        rows = np.tile(total / models, (1 + self.models, 1))
        rows[1 : 1 + models] = (total - values) / max(models - 1, 1)
        return rows

    def excess(self, *arms: ArmKey) -> tuple[Interval, str] | None:
        """PIEs beyond seed noise of the first arm minus those of the second, % of examples; None without a floor.

        With it why so few models have no interval of it; empty where they are enough.
        """
        one, other = (self._signal.floor(_find(self.results, arm)) for arm in arms)
        if one is None or other is None:
            return None
        return excess_difference(one, other).times(100 / self.examples), one.why_not or other.why_not

    def part(
        self,
        about: str,
        effect: str,
        claimed: ClaimedSide,
        statistic: Callable[..., np.ndarray | float],
        *terms: Varied,
        paper: float | None = None,
        is_ratio: bool = False,
        groups: np.ndarray | None = None,
        fair: str = "",
        of: float = np.inf,
        counted: str = "PIEs",
        is_curved: bool = False,
    ) -> Part:
        """A comparison: a smooth function of the terms' sums over examples (its logarithm where ``is_ratio``).

        ``of``: PIEs, or what is ``counted``, that it divides by; of fewer than `FEWEST_PIES` there is no interval, as
        none is smooth.
        ``is_curved``: as of `smooth_interval`.
        """
        interval, why = smooth_interval(statistic, terms, groups, is_curved=is_curved), ""
        if of < FEWEST_PIES:
            why = f"no interval of fewer than {FEWEST_PIES} {counted}"
        elif is_curved and self.models < FEWEST_CURVED:
            why = f"no interval of fewer than {FEWEST_CURVED} models"
        elif groups is not None and is_bent(interval, statistic, terms, groups):
            why = "no interval of classes too alike"
        if why:
            interval = t_interval(interval.value, np.nan, 0.0)
        return Part(about, effect, claimed, interval, paper, is_ratio, fair, len(terms[0]) - 1, why)

    def ratio_part(
        self,
        about: str,
        effect: str,
        statistic: Callable[..., float],
        *terms: Varied,
        counts: tuple[float, float],
        paper: float | None = None,
        fair: str = "",
    ) -> Part:
        """A ratio of two counts of PIEs, half a PIE added to each, which should be above 1.

        That half is as uncertain as other PIEs (Gart 1966): without its variance 0 PIEs would be 0 for sure.
        """
        part = self.part(
            about, effect, "above", statistic, *terms, paper=paper, is_ratio=True, fair=fair, of=sum(counts)
        )
        added = sum(0.5 / (count + 0.5) ** 2 for count in counts)
        found = part.estimate
        wider = t_interval(
            found.value, found.error**2 + added, found.freedom, lasting=np.hypot(found.lasting, added**0.5)
        )
        return replace(part, estimate=wider)

    def depth_part(
        self,
        about: str,
        effect: str,
        claimed: ClaimedSide,
        statistic: Callable[..., float],
        *terms: Varied,
        paper: float | None = None,
        fair: str = "",
        of: float = np.inf,
        counted: str = "PIEs",
    ) -> Part:
        """Likewise of depths, which fewer models may have: only how these differ tells how sure it is."""
        held = (term[: 1 + self.depth_models] for term in terms)
        return self.part(about, effect, claimed, statistic, *held, paper=paper, fair=fair, of=of, counted=counted)


def _find(results: Results, arm: ArmKey) -> ArmResult:
    """An arm that there is."""
    there = results.find(*arm)
    assert there is not None, "asked for arms that there are"
    return there
