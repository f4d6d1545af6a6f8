"""Examples that changed by more than chance, tested one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from piescope.auditing.block import AuditBlock
from piescope.auditing.tally import Counted
from piescope.measure.flips import largest_confirmed
from piescope.measure.intervals import FALSE_DISCOVERIES
from piescope.store.audit_answers import Confirmed


@dataclass(frozen=True)
class VotePValues:
    """Of changed examples; the others count as p = 1.

    Attributes:
        counts: p-value to examples.
    """

    counts: Counter[float]

    @classmethod
    def of(cls, block: AuditBlock) -> VotePValues:
        """Those of a block."""
        return cls(Counter(block.p_values[np.isfinite(block.p_values)].tolist()))

    def __add__(self, other: VotePValues) -> VotePValues:
        return VotePValues(self.counts + other.counts)


def confirmed(counted: Counted) -> tuple[Confirmed, float]:
    """How many PIEs are more than chance, and the largest p-value that counts as such (-1: none does)."""
    audited = counted.audited
    if not audited.is_population:
        why_not = (
            "one model on a side: nothing here tells a change by compression from a change by another seed; "
            "train or compress several and give them all"
        )
        return Confirmed(pies=None, alpha=FALSE_DISCOVERIES, smallest_p=None, why_not=why_not), -1.0
    from piescope.measure.significance import smallest_p_value

    smallest = smallest_p_value(len(audited.dense.models), len(audited.compressed.models))
    counts = counted[VotePValues].counts
    largest = largest_confirmed(counts, counted.examples, FALSE_DISCOVERIES)
    pies = sum(count for p_value, count in counts.items() if p_value <= largest)
    why_not = "too few models: no vote could be clear enough" if smallest > FALSE_DISCOVERIES else ""
    return Confirmed(pies=pies, alpha=FALSE_DISCOVERIES, smallest_p=smallest, why_not=why_not), largest
