"""Mix-ups that grew: cells off the diagonal of the confusion matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from piescope.auditing.answers.accuracy import AccuracySums
from piescope.auditing.answers.pairs import PairSums, count_of, tidy
from piescope.auditing.block import AuditBlock
from piescope.auditing.tally import Counted, occurrences
from piescope.measure.flips import adjusted_p_values, mcnemar_p
from piescope.store.audit_answers import Confusion

MOST_CELLS = 20

Cell = tuple[int, int]
"""A true class and what it is taken for."""


@dataclass(frozen=True)
class ConfusionSums:
    """By modal label; there are none without true labels.

    Attributes:
        cells: of the dense side, (true, predicted) to examples.
        moved: changed examples, (true, dense, compressed) to examples.
    """

    cells: Counter[Cell]
    moved: Counter[tuple[int, int, int]]

    @classmethod
    def of(cls, block: AuditBlock) -> ConfusionSums | None:
        """Sums of a block."""
        if block.truth is None:
            return None
        changed, dense, classes = block.changed, block.dense.modal, block.classes
        moved = (block.truth[changed], dense[changed], block.compressed.modal[changed])
        return cls(
            Counter(occurrences(block.truth, dense, classes=classes)), Counter(occurrences(*moved, classes=classes))
        )

    def __add__(self, other: ConfusionSums) -> ConfusionSums:
        return ConfusionSums(self.cells + other.cells, self.moved + other.moved)

    @property
    def compressed(self) -> Counter[Cell]:
        """Of the compressed side."""
        after = Counter(self.cells)
        for (true, dense, compressed), count in self.moved.items():
            after[true, dense] -= count
            after[true, compressed] += count
        return +after


def confusions(counted: Counted) -> list[tuple[Cell, Confusion]]:
    """Cells that grew most, first; p by McNemar: examples that moved in against those that moved out."""
    sums, pairs = counted.get(ConfusionSums), counted.get(PairSums)
    if sums is None or counted.audited.is_right_or_wrong:
        return []
    if pairs is not None:
        return _of_pairs(counted, pairs)
    moved_in, moved_out = Counter[Cell](), Counter[Cell]()
    for (true, dense, compressed), count in sums.moved.items():
        moved_in[true, compressed] += count
        moved_out[true, dense] += count
    cells = sorted(cell for cell in {*moved_in, *moved_out} if cell[0] != cell[1])
    gained, left = (np.array([side[cell] for cell in cells], np.int64) for side in (moved_in, moved_out))
    before = np.array([sums.cells[cell] for cell in cells], np.int64)
    return _grown(counted, cells, before, gained, left, np.asarray(mcnemar_p(gained, left), np.float64))


def _of_pairs(counted: Counted, pairs: PairSums) -> list[tuple[Cell, Confusion]]:
    """Likewise, mean over pairs of models; p as of a class's recall."""
    assert pairs.cells is not None
    growth = pairs.cells.growth(counted[AccuracySums].right.sizes)
    before = growth.dense.mean(0)
    return _grown(counted, pairs.cells.cells, before, growth.gained, growth.lost, growth.change().p_value)


def _grown(
    counted: Counted,
    cells: Sequence[Cell],
    before: np.ndarray,
    gained: np.ndarray,
    left: np.ndarray,
    p_values: np.ndarray,
) -> list[tuple[Cell, Confusion]]:
    q_values = adjusted_p_values(p_values)
    names = counted.audited.classes.names
    grown = [
        (
            cell,
            Confusion(
                true=names[cell[0]],
                predicted=names[cell[1]],
                dense=count_of(before[place]),
                compressed=count_of(before[place] + gained[place] - left[place]),
                growth=count_of(gained[place] - left[place]),
                moved_in=count_of(gained[place]),
                moved_out=count_of(left[place]),
                p_value=float(p_values[place]),
                q_value=float(q_values[place]),
                examples=(),
            ),
        )
        for place, cell in enumerate(cells)
        if tidy(float(gained[place] - left[place])) > 0
    ]
    return sorted(grown, key=_largest_first)[:MOST_CELLS]


def _largest_first(grown: tuple[Cell, Confusion]) -> Any:
    cell, row = grown
    return -(row.growth or 0), 2.0 if row.p_value is None else row.p_value, cell
