"""Answers that were lost, won back or moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from piescope.auditing.answers.accuracy import AccuracySums
from piescope.auditing.answers.changed import share
from piescope.auditing.answers.pairs import PairSums, share_of_pairs, tidy
from piescope.auditing.block import AuditBlock
from piescope.auditing.tally import Counted
from piescope.measure.flips import mcnemar_p
from piescope.store.audit_answers import Flips


@dataclass(frozen=True)
class ModalFlips:
    """Modal labels that went from right to wrong and so on; there are none without true labels.

    Attributes:
        by_class: ``[classes, 3]`` lost, rescued and changed, by true class.
    """

    by_class: np.ndarray

    @classmethod
    def of(cls, block: AuditBlock) -> ModalFlips | None:
        """Sums of a block."""
        if block.truth is None:
            return None
        masks = (block.lost, block.rescued, block.changed)
        return cls(np.stack([np.bincount(block.truth[mask], minlength=block.classes) for mask in masks], axis=1))

    def __add__(self, other: ModalFlips) -> ModalFlips:
        return ModalFlips(self.by_class + other.by_class)


def flips(counted: Counted) -> Flips | None:
    """By modal label; over pairs of models the means."""
    sums, pairs = counted.get(ModalFlips), counted.get(PairSums)
    if sums is None:
        return None
    if pairs is not None and pairs.lost is not None:
        return _mean_flips(counted[AccuracySums], pairs)
    lost, rescued, changed = (int(total) for total in sums.by_class.sum(0))
    return Flips(
        correct_to_wrong=lost,
        wrong_to_correct=rescued,
        wrong_to_wrong=changed - lost - rescued,
        mcnemar_p=float(mcnemar_p(np.array(lost), np.array(rescued))),
        correct_to_wrong_share=share(lost, counted.examples),
    )


def _mean_flips(right: AccuracySums, pairs: PairSums) -> Flips:
    whole = right.right.whole()
    lost, won = float(whole.lost[0]), float(whole.gained[0])
    assert pairs.lost is not None
    return Flips(
        correct_to_wrong=tidy(lost),
        wrong_to_correct=tidy(won),
        wrong_to_wrong=tidy(max(0.0, pairs.changed.observed - lost - won)),
        mcnemar_p=None,
        correct_to_wrong_share=share_of_pairs(pairs.lost, pairs.lost_alone),
    )
