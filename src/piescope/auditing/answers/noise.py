"""How many PIEs two groups of dense models have, and how many more there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from piescope.auditing.block import AuditBlock
from piescope.auditing.tally import Counted
from piescope.store.audit_answers import Noise


@dataclass(frozen=True)
class LabelSample:
    """Labels of the examples that the noise floor is measured on.

    Attributes:
        dense: blocks ``[models, sampled]``.
        compressed: likewise.
    """

    dense: tuple[np.ndarray, ...]
    compressed: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, block: AuditBlock) -> LabelSample | None:
        """The sampled examples of a block."""
        rows = block.audited.sampled_rows
        chosen = rows[(rows >= block.start) & (rows < block.stop)] - block.start
        if not len(chosen):
            return None
        dense, compressed = ((side.labels[:, chosen].astype(np.int32),) for side in block.sides)
        return cls(dense, compressed)

    def __add__(self, other: LabelSample) -> LabelSample:
        return LabelSample(self.dense + other.dense, self.compressed + other.compressed)


def noise(counted: Counted) -> Noise | None:
    """PIEs beyond those of seeds; None: it cannot be told."""
    sample, audited = counted.get(LabelSample), counted.audited
    if sample is None:
        return None
    from piescope.measure.noise_floor import NoiseFloor

    dense, compressed = (np.concatenate(side, axis=1) for side in (sample.dense, sample.compressed))
    paired = audited.is_paired and len(compressed) <= len(dense)
    floor = NoiseFloor(dense, audited.classes.count, audited.seed).under(
        compressed, "descended" if paired else "independent"
    )
    scale = counted.examples / dense.shape[1]
    return Noise(
        observed=scale * floor.observed.value,
        floor=scale * floor.floor.value,
        excess=scale * floor.excess.value,
        low=scale * floor.excess.low,
        high=scale * floor.excess.high,
        group_sizes=tuple(floor.sizes),
        examples=dense.shape[1],
        paired=paired,
        why_not="",
    )
