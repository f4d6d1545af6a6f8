"""Scores of examples from the dense models alone, and how well they rank what pruning will lose."""

from __future__ import annotations

import numpy as np

from piescope.measure.intervals import Interval
from piescope.measure.pies import group_modal_labels, vote_entropy, vote_margin
from piescope.measure.ranking import cross_fitted, event_auroc_interval
from piescope.report.study.results import ArmResult

SCORES = {
    "q": "Q-Score",
    "q_aaai24": "Q-Score of AAAI-24",
    "depth_baldock": "prediction depth (Baldock)",
    "depth": "prediction depth (true label)",
    "entropy": "vote entropy",
    "margin": "vote margin",
    "all": "all of these, cross-fitted",
}
"""Scores of the dense models, each turned so that high means trouble (low Q, low margin)."""


class DenseScores:
    """Scores of examples from the dense models alone: before anything is pruned. High: trouble is expected."""

    def __init__(self, dense: ArmResult, classes: int) -> None:
        self._classes = classes
        self._labels = dense.labels
        self._models = len(dense.labels)
        self._others = ~np.eye(self._models, dtype=bool)
        signs = {"q": -1, "q_aaai24": -1, "depth_baldock": 1, "depth": 1}
        self._of_models = {
            name: sign * dense.models[name].astype(np.float64) for name, sign in signs.items() if name in dense.models
        }
        self._votes = {
            "entropy": np.stack([vote_entropy(self._labels[kept], classes) for kept in self._others]),
            "margin": np.stack([-vote_margin(self._labels[kept], classes) for kept in self._others]),
        }
        self._of_all = {
            **{name: score.mean(0) for name, score in self._of_models.items()},
            "entropy": vote_entropy(self._labels, classes),
            "margin": -vote_margin(self._labels, classes),
        }

    def of_each_model(self) -> dict[str, np.ndarray]:
        """``[models, examples]``: each model's own, or all others' votes; depth only where labels are not used."""
        return {name: score for name, score in self._of_models.items() if name != "depth"} | self._votes

    def without(self, name: str) -> np.ndarray:
        """``[models, examples]``: the score of all models but one."""
        if name in self._votes:
            return self._votes[name]
        score = self._of_models[name]
        rows = np.broadcast_to(score.mean(0), (self._models, score.shape[1])).copy()
        if len(score) > 1:
            rows[: len(score)] = (score.sum(0) - score) / (len(score) - 1)
        return rows

    def ranking_of_pies(self, arm: ArmResult) -> dict[str, Interval | None]:
        """The AUROC of each score, and of all of them together, for being a PIE of this arm."""
        is_pie = arm.is_pie
        modal = group_modal_labels(
            self._labels, np.concatenate([np.ones((1, self._models)), self._others]), self._classes
        )
        models = len(arm.labels)
        groups = np.concatenate([np.ones((1, models)), ~np.eye(models, dtype=bool)])
        pruned = group_modal_labels(arm.labels, groups, self._classes)
        together = models == self._models  # of the same seeds
        if together:
            events, strata = modal[1:] != pruned[1:], [models]
        else:
            events = np.concatenate([modal[1:] != pruned[0], modal[0] != pruned[1:]])
            strata = [self._models, models]
        intervals = {}
        for name, score in self._of_all.items():
            without = self.without(name)
            if not together:
                without = np.concatenate([without, np.broadcast_to(score, (models, len(score)))])
            intervals[name] = event_auroc_interval(score, is_pie, without, events, strata)
        combined = cross_fitted(np.stack(list(self._of_all.values()), axis=1), is_pie)
        if combined is not None:
            fixed = np.broadcast_to(combined, events.shape)
            intervals["all"] = event_auroc_interval(combined, is_pie, fixed, events, strata)
        return intervals
