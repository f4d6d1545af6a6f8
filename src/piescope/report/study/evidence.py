"""What claims are judged from: votes, scores and depths of the arms, drawn over models and examples."""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np

from piescope.measure.noise_floor import excess_difference
from piescope.measure.pies import group_modal_labels
from piescope.measure.resampling import Draws, Estimate, drawn_means, two_way_draws
from piescope.report.study.claim_parts import Values
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.signal import Signal


class Evidence:
    """The run under every draw of models and examples."""

    def __init__(self, results: Results, draws: int, signal: Signal) -> None:
        self.results, self.signal = results, signal
        self.models = max(len(arm.models["labels"]) for arm in results.arms)
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

    def arm(self, objective: str, pruning: str, sparsity: float) -> ArmResult | None:
        """An arm; at sparsity 0 the dense one."""
        return self.results.find(objective, "dense" if sparsity == 0 else pruning, sparsity)

    def sparsities(self, objective: str, *prunings: str) -> list[float]:
        """At which the run has all of these arms."""
        return [
            sparsity
            for sparsity in self.results.sparsities()
            if all(self.is_the_papers(pruning) for pruning in prunings)
            if all(self.arm(objective, pruning, sparsity) for pruning in prunings) and self.arm(objective, "dense", 0)
        ]

    def is_the_papers(self, pruning: str) -> bool:
        """Whether a pruning is of the paper's kind: by magnitude, and of the schedule that its name says.

        Controls (random masks, a method of the study's own) are no evidence about the paper's methods.
        """
        method = self.results.study.method(pruning)
        kind = {"gmp": "gradual", "delayed_gmp": "gradual", "one_shot": "one_shot"}.get(pruning)
        return method is not None and method.kind == kind and method.criterion == "magnitude"

    def families(self) -> list[tuple[str, str]]:
        """(objective, pruning) of the paper's objectives and prunings, in the study's order."""
        return [(o, p) for o, p in self.results.families() if o in ("supervised", "supcon") and self.is_the_papers(p)]

    def common_prunings(self, *sparsities: float) -> list[str]:
        """The paper's prunings that both objectives have, with their dense arms, at these sparsities or at any."""
        names = dict.fromkeys(pruning for _, pruning in self.families())
        both = {
            name: [s for s in self.sparsities("supervised", name) if s in self.sparsities("supcon", name)]
            for name in names
        }
        return [name for name, found in both.items() if found and set(sparsities) <= set(found)]

    def _modal_labels(self, objective: str, pruning: str, sparsity: float) -> Values:
        arm = self.arm(objective, pruning, sparsity)
        assert arm is not None, "asked for arms that there are"
        return group_modal_labels(arm.models["labels"], self.drawn.models, len(self.results.class_names))

    def _pies(self, objective: str, pruning: str, sparsity: float) -> Values:
        """``[rows, examples]`` PIEs."""
        dense = self._labels(objective, "dense", 0.0)
        mask: Values = self._modal_labels(objective, pruning, sparsity) != dense
        return mask

    def count(self, objective: str, pruning: str, sparsity: float) -> Values:
        """PIEs of each row."""
        return (self.pies(objective, pruning, sparsity) * self.drawn.examples).sum(1, dtype=np.float64)

    def q(self, objective: str, pruning: str, sparsity: float) -> Values:
        """Mean Q-Score of each row."""
        arm = self.arm(objective, pruning, sparsity)
        assert arm is not None, "asked for arms that there are"
        each = drawn_means(arm.models["q"], self.drawn.models)
        return (each * self.drawn.examples).sum(1, dtype=np.float64) / self.examples

    def excess(self, *arms: tuple[str, str, float]) -> Estimate | None:
        """PIEs beyond seed noise of the first arm minus those of the second, % of examples; None without a floor."""
        found = [self.arm(*arm) for arm in arms]
        one, other = (None if arm is None else self.signal.floor(arm) for arm in found)
        if one is None or other is None:
            return None
        each = excess_difference(one, other, same_dense=arms[0][0] == arms[1][0])
        scale = 100 / self.examples
        value, error, low, high = (scale * number for number in (each.value, each.error, each.low, each.high))
        return Estimate(value, error, low, high, each.p_above, each.p_below)

    @property
    def has_depth(self) -> bool:
        """Whether the study measured prediction depth."""
        return bool(self.results.probe_points)

    @property
    def depth_models(self) -> int:
        """Models whose depth every arm has."""
        return min(len(arm.models["depth"]) for arm in self.results.arms if "depth" in arm.models)

    def _depth(self, objective: str, pruning: str, sparsity: float, convention: str = "depth") -> Values:
        """``[rows, examples]`` depth, mean over models; ``depth`` in the paper's convention, or ``depth_baldock``."""
        arm = self.arm(objective, pruning, sparsity)
        assert arm is not None, "asked for arms that there are"
        return drawn_means(arm.models[convention], self.drawn.models)
