"""Which mix-ups grew, where one model is compared with one? Cells of a confusion matrix as sums that add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64, Integer

from piescope.axes import ModelLabels
from piescope.measure.accuracy import RightSums
from piescope.measure.pies import votes


@dataclass(frozen=True)
class CellSums:
    """Sums in the cells off the diagonal that any model has examples in; sums of disjoint blocks add up with ``+``.

    Attributes:
        codes: ``[cells]``, true class x classes + predicted class, rising.
        sums: as of right answers, with "the model predicts this class" in the place of "the model is right"; its sizes
            are 0, as a cell's examples are those of its true class.
        num_classes: classes are ``range(num_classes)``.

    Example:
        >>> sums = CellSums.of(np.array([[0, 1], [0, 0]]), np.array([[1, 1]]), np.array([0, 0]), 2)
        >>> growth = sums.growth(np.array([2, 0]))
        >>> sums.cells, growth.change().value.tolist()
        ([(0, 1)], [75.0])
    """

    codes: Int64[np.ndarray, " cells"]
    sums: RightSums
    num_classes: int

    @staticmethod
    def of(
        dense: ModelLabels,
        compressed: Integer[Any, "other examples"],
        truth: Integer[Any, " examples"],
        num_classes: int,
    ) -> CellSums:
        """Sums of a block.

        Args:
            dense: ``[models, examples]``, class ids.
            compressed: ``[other, examples]``, class ids.
            truth: true class ids.
            num_classes: classes are ``range(num_classes)``.
        """
        sides = np.asarray(dense), np.asarray(compressed)
        counted = [votes(side, num_classes) for side in sides]
        rows, labels = np.nonzero(counted[0] + counted[1])
        off = labels != truth[rows]
        rows, labels = rows[off], labels[off]
        shares = [votes[rows, labels] / len(side) for votes, side in zip(counted, sides, strict=True)]
        codes, cell = np.unique(truth[rows].astype(np.int64) * num_classes + labels, return_inverse=True)

        def summed(values: np.ndarray) -> np.ndarray:
            return np.bincount(cell.reshape(-1), values, len(codes))

        models = [
            np.stack([_counted(truth.astype(np.int64) * num_classes + model, codes, model != truth) for model in side])
            for side in sides
        ]
        squares = [summed(share**2) for share in shares]
        sizes = np.zeros(len(codes), np.int64)
        sums = RightSums(sizes, models[0], models[1], squares[0], squares[1], summed(shares[0] * shares[1]))
        return CellSums(codes, sums, num_classes)

    def __add__(self, other: CellSums) -> CellSums:
        codes = np.union1d(self.codes, other.codes)
        return CellSums(codes, self._spread_to(codes) + other._spread_to(codes), self.num_classes)

    @property
    def cells(self) -> list[tuple[int, int]]:
        """(true, predicted) of each."""
        return [divmod(int(code), self.num_classes) for code in self.codes]

    def growth(self, class_sizes: Int64[np.ndarray, " classes"]) -> RightSums:
        """The sums with the examples of each cell's true class: `RightSums.change` says by how much a cell grew.

        Args:
            class_sizes: ``[classes]``, examples.
        """
        given = {name: getattr(self.sums, name) for name in self.sums.__dataclass_fields__}
        return RightSums(**{**given, "sizes": class_sizes[self.codes // self.num_classes]})

    def _spread_to(self, codes: np.ndarray) -> RightSums:
        places = np.searchsorted(codes, self.codes)

        def spread(values: np.ndarray) -> np.ndarray:
            wide = np.zeros((*values.shape[:-1], len(codes)), values.dtype)
            wide[..., places] = values
            return wide

        names = self.sums.__dataclass_fields__
        return RightSums(**{name: spread(getattr(self.sums, name)) for name in names if name != "pair_flips"})


def _counted(codes: np.ndarray, known: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(known, codes[mask]), minlength=len(known))
