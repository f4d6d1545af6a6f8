"""Accuracy of both sides and its change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from piescope.auditing.audited import Audited
from piescope.auditing.block import AuditBlock
from piescope.auditing.tally import Counted
from piescope.measure.accuracy import Estimates, RightSums
from piescope.store.audit_answers import AccuracyChange


@dataclass(frozen=True)
class AccuracySums:
    """Right answers; there are none without true labels.

    Attributes:
        right: by true class.
        modal: ``[2]`` modal labels of either side that are right.
    """

    right: RightSums
    modal: np.ndarray

    @classmethod
    def of(cls, block: AuditBlock) -> AccuracySums | None:
        """Sums of a block."""
        if block.truth is None:
            return None
        dense, compressed = (side.right for side in block.sides)
        right = RightSums.of(dense, compressed, block.truth, block.classes, block.audited.has_pairs)
        return cls(right, np.array([side.modal_right.sum() for side in block.sides]))

    def __add__(self, other: AccuracySums) -> AccuracySums:
        return AccuracySums(self.right + other.right, self.modal + other.modal)


def accuracy(counted: Counted) -> AccuracyChange | None:
    """Mean over a side's models, with intervals."""
    sums = counted.get(AccuracySums)
    if sums is None:
        return None
    whole = sums.right.whole()
    dense, compressed, change = whole.accuracy("dense"), whole.accuracy("compressed"), whole.change()
    modal = 100 * sums.modal / counted.examples
    return AccuracyChange(
        dense=float(dense.value[0]),
        dense_interval=_ends(dense),
        compressed=float(compressed.value[0]),
        compressed_interval=_ends(compressed),
        change=float(change.value[0]),
        change_interval=_ends(change),
        change_error=float(change.error[0]),
        change_freedom=float(change.freedom[0]),
        change_p=float(change.p_value[0]),
        interval_over=_interval_over(counted.audited),
        dense_modal=float(modal[0]),
        compressed_modal=float(modal[1]),
    )


def _ends(estimates: Estimates) -> tuple[float, float]:
    return float(estimates.low[0]), float(estimates.high[0])


def _interval_over(audited: Audited) -> str:
    if audited.has_pairs:
        return "pairs of models and examples"
    if audited.is_population:
        return "models and examples"
    return "examples" if audited.comparison == "one against one" else "a further run and examples"
