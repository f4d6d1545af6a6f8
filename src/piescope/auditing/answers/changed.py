"""How many labels changed, and from what to what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from piescope.auditing.answers.pairs import PairSums, share_of_pairs
from piescope.auditing.block import AuditBlock
from piescope.auditing.tally import Counted, occurrences
from piescope.measure.flips import share_interval
from piescope.store.audit_answers import Count, Share


@dataclass(frozen=True)
class ChangedSums:
    """Modal labels.

    Attributes:
        changed: examples of which they differ.
        pairs: (dense, compressed) to examples.
    """

    changed: int
    pairs: Counter[tuple[int, int]]

    @classmethod
    def of(cls, block: AuditBlock) -> ChangedSums:
        """Sums of a block."""
        pairs = occurrences(block.dense.modal, block.compressed.modal, classes=block.classes)
        return cls(int(block.changed.sum()), Counter(pairs))

    def __add__(self, other: ChangedSums) -> ChangedSums:
        return ChangedSums(self.changed + other.changed, self.pairs + other.pairs)


def changed(counted: Counted) -> Count:
    """Modal labels that differ; over pairs of models their mean."""
    pairs = counted.get(PairSums)
    return counted[ChangedSums].changed if pairs is None else pairs.changed.observed


def changed_share(counted: Counted) -> Share:
    """The same as a share."""
    pairs = counted.get(PairSums)
    if pairs is None:
        return share(counted[ChangedSums].changed, counted.examples)
    return share_of_pairs(pairs.changed, pairs.changed_alone)


def share(count: int, total: int) -> Share:
    """A share of counted examples, with Wilson's interval."""
    low, high = share_interval(np.array(count), np.array(total))
    return Share(value=100 * count / total, low=float(low), high=float(high))
