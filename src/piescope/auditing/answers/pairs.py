"""Sides with other numbers of models: what is counted when one model is compared with one, over all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from piescope.auditing.block import AuditBlock
from piescope.auditing.tally import Counted
from piescope.measure.accuracy import RightSums
from piescope.measure.cells import CellSums
from piescope.measure.one_to_one import FEWEST, FlipSums
from piescope.store.audit_answers import Count, SeedFlips, SeedNoise, Share


@dataclass(frozen=True)
class PairSums:
    """What pairs of models count together; sums of disjoint blocks add up with ``+``.

    Attributes:
        changed: labels that differ; the side with several models (the dense one, if both have) tells what seeds do.
        lost: right answers that are lost; None: no true labels.
        changed_alone: of each compressed model against the one dense model, as "right answers" of one group; None: the
            dense side has several.
        lost_alone: likewise.
        class_changed: ``[classes]`` labels that differ, mean over pairs, by true class; None: no true labels.
        cells: of the confusion matrices; None: no true labels.
    """

    changed: FlipSums
    lost: FlipSums | None
    changed_alone: RightSums | None
    lost_alone: RightSums | None
    class_changed: np.ndarray | None
    cells: CellSums | None

    @classmethod
    def of(cls, block: AuditBlock) -> PairSums | None:
        """Sums of a block; None where modal labels are compared."""
        shares, truth, classes = block.pairs, block.truth, block.classes
        if shares is None:
            return None
        dense, compressed = block.dense.labels, block.compressed.labels
        several, others = (dense, compressed) if len(dense) > 1 else (compressed, dense)
        changed = FlipSums.of_changes(several, others, classes)
        changed_alone = None if len(dense) > 1 else _alone(compressed != dense)
        if truth is None:
            return cls(changed, None, changed_alone, None, None, None)
        before, after = block.dense.right, block.compressed.right
        lost_alone = None if len(dense) > 1 else _alone(before & ~after)
        class_changed = np.bincount(truth, shares.changed, classes)
        cells = CellSums.of(dense, compressed, truth, classes)
        return cls(changed, _losses(before, after), changed_alone, lost_alone, class_changed, cells)

    def __add__(self, other: PairSums) -> PairSums:
        both = {name: (getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__}
        summed: dict[str, Any] = {name: None if one is None else one + two for name, (one, two) in both.items()}
        return PairSums(**summed)


def _losses(dense: np.ndarray, compressed: np.ndarray) -> FlipSums:
    """Right to wrong; where the compressed side is the one with several, masks turn and sides change places."""
    return FlipSums.of_losses(dense, compressed) if len(dense) > 1 else FlipSums.of_losses(~compressed, ~dense)


def _alone(happens: np.ndarray) -> RightSums:
    return RightSums.of(np.zeros((1, happens.shape[1]), bool), happens, np.zeros(happens.shape[1], np.int64), 1)


def share_of_pairs(sums: FlipSums, alone: RightSums | None) -> Share:
    """A mean over pairs as a share; with one dense model an interval over compressed models and examples."""
    value = 100 * sums.observed / sums.examples
    if alone is None:  # how far it is from what seeds do is told by the excess over these, not by an interval here
        return Share(value=value, low=None, high=None, error=None, freedom=None)
    of = alone.accuracy("compressed")
    return Share(
        value=value,
        low=float(of.low[0]),
        high=float(of.high[0]),
        error=float(of.error[0]),
        freedom=float(of.freedom[0]),
    )


def seeds(counted: Counted) -> SeedNoise | None:
    """What seeds alone do: flips among the models of one side; None where both sides have equally many models."""
    sums, audited = counted.get(PairSums), counted.audited
    if sums is None:
        return None
    side = audited.dense if len(audited.dense.models) > 1 else audited.compressed
    models = len(side.models)
    return SeedNoise(
        side=side.name,
        n_models=models,
        changed=_excess(sums.changed),
        correct_to_wrong=None if sums.lost is None else _excess(sums.lost),
        why_not="" if models >= FEWEST else "two models cannot tell how much the flips of seeds vary; three can",
    )


def _excess(sums: FlipSums) -> SeedFlips:
    excess = sums.excess()
    return SeedFlips(
        observed=tidy(excess.observed),
        floor=tidy(excess.floor),
        excess=tidy(excess.value),
        low=excess.low,
        high=excess.high,
        error=excess.error,
        freedom=excess.freedom,
        p_value=excess.p_value,
    )


def tidy(count: float) -> float:
    """A mean of counts without what is left of rounding."""
    return round(count, 9)


def count_of(value: Any) -> Count:
    """A count as it is; a mean over pairs of models without what is left of rounding.

    Example:
        >>> count_of(np.int64(3)), count_of(0.1 + 0.2)
        (3, 0.3)
    """
    return int(value) if np.issubdtype(type(value), np.integer) else tidy(float(value))
