"""How sure the dense side is of each class where the label is that class: what tells likely label errors."""

from __future__ import annotations

from dataclasses import dataclass

from piescope.auditing.block import AuditBlock
from piescope.auditing.tally import Counted
from piescope.measure.label_errors import LEAST_ACCURACY, Thresholds
from piescope.store.audit_answers import AccuracyChange


@dataclass(frozen=True)
class LabelThresholds:
    """How sure the dense side is of labels.

    Attributes:
        thresholds: of each class.
    """

    thresholds: Thresholds

    @classmethod
    def of(cls, block: AuditBlock) -> LabelThresholds | None:
        """Sums of a block; None: labels cannot be suspected."""
        if block.truth is None or not block.audited.can_suspect_labels:
            return None
        return cls(Thresholds.of(block.dense.sureness(block.truth), block.truth, block.classes))

    def __add__(self, other: LabelThresholds) -> LabelThresholds:
        return LabelThresholds(self.thresholds + other.thresholds)


def why_no_suspicion(counted: Counted, accuracy: AccuracyChange | None) -> str:
    """Why no labels can be suspected; empty: they can."""
    if counted.audited.is_right_or_wrong:
        return "right and wrong alone say nothing of the labels"
    if accuracy is None:
        return "there are no true labels"
    if not counted.audited.can_suspect_labels:
        return "labels of few models say nothing of how sure they are: give probabilities, or five models or more"
    if accuracy.dense is None or accuracy.dense < LEAST_ACCURACY:
        return f"the dense side gets less than {LEAST_ACCURACY:.0f} % right: its own errors would be among them"
    return ""
