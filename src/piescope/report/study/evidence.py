"""What claims are judged from: votes, scores and depths of the arms, drawn over models and examples."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache

import numpy as np

from piescope.measure.noise_floor import excess_difference
from piescope.measure.pies import group_modal_labels
from piescope.measure.resampling import Draws, ResampledEstimate, drawn_means, estimate, two_way_draws
from piescope.report.study.claim_parts import ClaimedSide, DrawnValues, Part
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.rows import ArmKey
from piescope.report.study.signal import Signal

BOTH = ("supervised", "supcon")
"""The paper's objectives."""

KINDS = {"gmp": "gradual", "delayed_gmp": "gradual", "one_shot": "one_shot"}
"""The paper's prunings."""


class Evidence:
    """The run under every draw of models and examples."""

    def __init__(self, results: Results, draws: int, signal: Signal) -> None:
        results = results.of_common_models()  # one draw of models for all arms
        self.results, self.signal = results, signal
        self.models = max(len(arm.labels) for arm in results.arms if not arm.has_fresh_seeds)
        self.examples = len(results.labels)
        self.drawn: Draws = two_way_draws(self.models, self.examples, draws)
        # a cache of each evidence's own
        self.pies = lru_cache(maxsize=None)(self._pies)
        self._labels = lru_cache(maxsize=2)(self._modal_labels)
        self.depth = lru_cache(maxsize=4)(self._depth)

    @cached_property
    def main(self) -> float:
        """The sparsity that the headline is about."""
        return self.results.main_sparsity

    def find(self, arm: ArmKey) -> ArmResult:
        """An arm that there is; at sparsity 0 the dense one."""
        there = self._arm(arm)
        assert there is not None, "asked for arms that there are"
        return there

    def _arm(self, arm: ArmKey) -> ArmResult | None:
        return self.results.find(arm.objective, "dense" if arm.sparsity == 0 else arm.pruning, arm.sparsity)

    def sparsities(self, objective: str, *prunings: str) -> list[float]:
        """At which the run has all of these arms."""
        return [
            sparsity
            for sparsity in self.results.sparsities()
            if all(self.is_the_papers(pruning) for pruning in prunings)
            if all(self._arm(ArmKey(objective, pruning, at)) for pruning in prunings for at in (sparsity, 0))
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
        both = {
            name: [s for s in self.sparsities("supervised", name) if s in self.sparsities("supcon", name)]
            for name in names
        }
        return [name for name, shared in both.items() if shared and set(sparsities) <= set(shared)]

    def _modal_labels(self, arm: ArmKey) -> DrawnValues:
        return group_modal_labels(self.find(arm).labels, self.drawn.models, len(self.results.class_names))

    def _pies(self, arm: ArmKey) -> DrawnValues:
        """``[rows, examples]`` PIEs."""
        dense = self._labels(ArmKey(arm.objective, "dense", 0.0))
        mask: DrawnValues = self._labels(arm) != dense
        return mask

    def count(self, arm: ArmKey) -> DrawnValues:
        """PIEs of each row."""
        return (self.pies(arm) * self.drawn.examples).sum(1, dtype=np.float64)

    def q(self, arm: ArmKey) -> DrawnValues:
        """Mean Q-Score of each row."""
        means = drawn_means(self.find(arm).models["q"], self.drawn.models)
        return (means * self.drawn.examples).sum(1, dtype=np.float64) / self.examples

    def excess(self, *arms: ArmKey) -> ResampledEstimate | None:
        """PIEs beyond seed noise of the first arm minus those of the second, % of examples; None without a floor."""
        whole = (self.signal.results.find(*self.find(arm).key) for arm in arms)
        one, other = (None if arm is None else self.signal.floor(arm) for arm in whole)
        if one is None or other is None:
            return None
        beyond = excess_difference(one, other, same_dense=arms[0].objective == arms[1].objective)
        scale = 100 / self.examples
        value, error, low, high = (scale * part for part in (beyond.value, beyond.error, beyond.low, beyond.high))
        return ResampledEstimate(value, error, low, high, beyond.p_above, beyond.p_below)

    def part(
        self,
        about: str,
        effect: str,
        claimed: ClaimedSide,
        rows: DrawnValues,
        paper: float | None = None,
        is_ratio: bool = False,
    ) -> Part:
        """A comparison, from its effect in each row; of the logarithm where ``is_ratio``."""
        return Part(about, effect, claimed, estimate(rows, self.models), paper, is_ratio)

    def depth_part(
        self, about: str, effect: str, claimed: ClaimedSide, rows: DrawnValues, paper: float | None = None
    ) -> Part:
        """Likewise of depths, which fewer models may have."""
        return Part(about, effect, claimed, estimate(rows, self.depth_models), paper)

    @property
    def has_depth(self) -> bool:
        """Whether the study measured prediction depth."""
        return bool(self.results.probe_points)

    @property
    def depth_models(self) -> int:
        """Models whose depth every arm has."""
        return min(len(arm.models["depth"]) for arm in self.results.arms if "depth" in arm.models)

    def _depth(self, arm: ArmKey, convention: str = "depth") -> DrawnValues:
        """``[rows, examples]`` depth, mean over models; ``depth`` in the paper's convention, or ``depth_baldock``."""
        return drawn_means(self.find(arm).models[convention], self.drawn.models)
