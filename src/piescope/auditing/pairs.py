"""Sides with other numbers of models: what is counted when one model is compared with one, over all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from piescope.measure.accuracy import RightSums
from piescope.measure.cells import CellSums
from piescope.measure.one_to_one import FlipSums


@dataclass(frozen=True)
class PairShares:
    """Of each example the share of pairs (a dense model, a compressed one) in which something happens, 0 to 1.

    Attributes:
        changed: ``[examples]``, the labels differ.
        lost: ``[examples]``, the dense one is right and the compressed one wrong; None: no true labels.
        won: ``[examples]``, the other way round.
    """

    changed: np.ndarray
    lost: np.ndarray | None
    won: np.ndarray | None

    @staticmethod
    def of(dense: np.ndarray, compressed: np.ndarray, truth: np.ndarray | None) -> PairShares:
        """Shares of a block, from labels ``[models, examples]`` and true ones ``[examples]``."""
        changed = np.mean([(dense != model).mean(0) for model in compressed], axis=0)
        if truth is None:
            return PairShares(changed, None, None)
        before, after = (dense == truth).mean(0), (compressed == truth).mean(0)
        return PairShares(changed, before * (1 - after), (1 - before) * after)


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

    @staticmethod
    def of(
        dense: np.ndarray, compressed: np.ndarray, truth: np.ndarray | None, shares: PairShares, num_classes: int
    ) -> PairSums:
        """Sums of a block, from labels ``[models, examples]`` and true ones ``[examples]``."""
        several, others = (dense, compressed) if len(dense) > 1 else (compressed, dense)
        changed = FlipSums.of_changes(several, others, num_classes)
        alone = None if len(dense) > 1 else _alone(compressed != dense)
        if truth is None:
            return PairSums(changed, None, alone, None, None, None)
        right = {"dense": dense == truth, "compressed": compressed == truth}
        return PairSums(
            changed,
            _losses(right["dense"], right["compressed"]),
            alone,
            None if len(dense) > 1 else _alone(right["dense"] & ~right["compressed"]),
            np.bincount(truth, shares.changed, num_classes),
            CellSums.of(dense, compressed, truth, num_classes),
        )

    def __add__(self, other: PairSums) -> PairSums:
        both = {name: (getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__}
        summed: dict[str, Any] = {name: None if one is None else one + two for name, (one, two) in both.items()}
        return PairSums(**summed)


def _losses(dense: np.ndarray, compressed: np.ndarray) -> FlipSums:
    """Right to wrong; where the compressed side is the one with several, masks turn and sides change places."""
    return FlipSums.of_losses(dense, compressed) if len(dense) > 1 else FlipSums.of_losses(~compressed, ~dense)


def _alone(happens: np.ndarray) -> RightSums:
    return RightSums.of(np.zeros((1, happens.shape[1]), bool), happens, np.zeros(happens.shape[1], np.int64), 1)
