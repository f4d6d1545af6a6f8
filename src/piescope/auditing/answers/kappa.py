"""How far both sides agree beyond chance: Cohen's kappa between their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from piescope.auditing.answers.changed import ChangedSums
from piescope.auditing.block import AuditBlock
from piescope.auditing.tally import Counted
from piescope.measure.agreement import cohen_kappa
from piescope.measure.intervals import NO_SPREAD
from piescope.store.audit_measures import Figure

ABOUT = (
    "Of the labels before and after: 1 if they are always alike, 0 if they are alike only as often as labels of two "
    "models would be that have nothing in common but how often they give each class. Where most examples are of one "
    "class, labels are mostly alike by that alone; this is what is left. True labels are not needed."
)


@dataclass(frozen=True)
class KappaSums:
    """What each model says, where models are compared in pairs; of modal labels `ChangedSums` has all.

    Attributes:
        equal: ``[dense models, compressed models]`` examples to which both give one label.
        dense: ``[dense models, classes]``, how often each gives each class.
        compressed: ``[compressed models, classes]``, likewise.
    """

    name: ClassVar[str] = "cohen_kappa"

    equal: np.ndarray
    dense: np.ndarray
    compressed: np.ndarray

    @classmethod
    def of(cls, block: AuditBlock) -> KappaSums | None:
        """Sums of a block; None where no answer is a class."""
        if block.audited.is_right_or_wrong:
            return None
        if block.pairs is None:  # then modal labels are compared, of which all is counted already
            return cls(*(np.zeros((0, 0), np.int64) for _ in range(3)))
        dense, compressed = (
            np.stack([np.bincount(labels, minlength=block.classes) for labels in side.labels]) for side in block.sides
        )
        equal = np.stack([(block.compressed.labels == labels).sum(1) for labels in block.dense.labels])
        return cls(equal, dense, compressed)

    def __add__(self, other: KappaSums) -> KappaSums:
        return KappaSums(self.equal + other.equal, self.dense + other.dense, self.compressed + other.compressed)

    def figure(self, counted: Counted) -> Figure:
        """Of modal labels, with an interval over examples; over pairs of models the mean."""
        title = "Cohen's kappa"
        if counted.audited.comparison == "mean over pairs of models":
            why_not = "the mean over pairs of models; its interval is not computed"
            return Figure(title=title, value=self._mean(counted.examples), about=ABOUT, why_not=why_not)
        pairs = counted[ChangedSums].pairs
        cells = np.array(list(pairs), np.int64).reshape(-1, 2)
        counts = np.array(list(pairs.values()), np.int64)
        kappa = cohen_kappa(cells[:, 0], cells[:, 1], counts, counted.audited.classes.count)
        why_not = ""
        if np.isnan(kappa.value):
            why_not = "both sides give one and the same class only"
        elif np.isnan(kappa.low):
            why_not = "no answer changed" if kappa.value == 1 else NO_SPREAD
        return Figure(title=title, value=kappa.value, low=kappa.low, high=kappa.high, about=ABOUT, why_not=why_not)

    def _mean(self, examples: int) -> float:
        """Over pairs of models; NaN where some pair gives one and the same class only."""
        chance = (self.dense / examples) @ (self.compressed / examples).T
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(((self.equal / examples - chance) / (1 - chance)).mean())
