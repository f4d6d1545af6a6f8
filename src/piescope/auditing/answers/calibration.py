"""Whether confidence still means what it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from piescope.auditing.block import AuditBlock
from piescope.auditing.tally import Counted
from piescope.measure.calibration import CalibrationSums
from piescope.store.audit_answers import Calibration, ReliabilityBin, ShiftBin, SideCalibration

SHIFT_BINS = 20


@dataclass(frozen=True)
class ConfidenceSums:
    """Scores of both sides; there are none without true labels.

    Attributes:
        sides: confidence and right answers of either side.
        confidence: ``[2]``, summed over examples.
        true_probability: ``[2]``, likewise.
        shift: ``[bins]`` histogram of the change of the true label's probability.
    """

    sides: tuple[CalibrationSums, CalibrationSums]
    confidence: np.ndarray
    true_probability: np.ndarray
    shift: np.ndarray

    @classmethod
    def of(cls, block: AuditBlock) -> ConfidenceSums | None:
        """Sums of a block."""
        (one, before), (two, after) = ((side.said.confidence, side.probability) for side in block.sides)
        if block.truth is None or one is None or two is None or before is None or after is None:
            return None
        shift = np.clip(((after - before + 1) * SHIFT_BINS / 2).astype(int), 0, SHIFT_BINS - 1)
        return cls(
            (CalibrationSums.of(one, block.dense.right), CalibrationSums.of(two, block.compressed.right)),
            np.array([float(side.mean(0, dtype=np.float64).sum()) for side in (one, two)]),
            np.array([float(side.sum(dtype=np.float64)) for side in (before, after)]),
            np.bincount(shift, minlength=SHIFT_BINS),
        )

    def __add__(self, other: ConfidenceSums) -> ConfidenceSums:
        (one, two), (three, four) = self.sides, other.sides
        return ConfidenceSums(
            (one + three, two + four),
            self.confidence + other.confidence,
            self.true_probability + other.true_probability,
            self.shift + other.shift,
        )


def calibration(counted: Counted) -> Calibration | None:
    """ECE, confidence and the reliability diagram of both sides; None for labels only."""
    sums = counted.get(ConfidenceSums)
    if sums is None or counted.audited.is_right_or_wrong:
        return None
    dense, compressed = (_side(sums, place, counted.examples) for place in range(2))
    width = 200 / SHIFT_BINS
    return Calibration(
        dense=dense,
        compressed=compressed,
        ece_change=sums.sides[1].ece - sums.sides[0].ece,
        confidence_change=_mean(sums.confidence[1], counted.examples) - _mean(sums.confidence[0], counted.examples),
        shift=tuple(
            ShiftBin(low=-100 + width * place, high=-100 + width * (place + 1), examples=int(count))
            for place, count in enumerate(sums.shift)
        ),
    )


def _side(sums: ConfidenceSums, place: int, examples: int) -> SideCalibration:
    return SideCalibration(
        ece=sums.sides[place].ece,
        confidence=_mean(sums.confidence[place], examples),
        true_probability=_mean(sums.true_probability[place], examples),
        bins=tuple(ReliabilityBin(**row) for row in sums.sides[place].bins),
    )


def _mean(total: float, examples: int) -> float:
    """Percent."""
    return float(100 * total / examples)
