"""Accuracy and recall of two sides, and their change, with intervals over examples and models, from sums that add up.

The intervals are those of `piescope.measure.intervals.two_way_interval`; here its terms are written out for right and
wrong answers, so that blocks of examples can be added and no array of models x examples has to be held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int64, Integer
from scipy import special

from piescope.measure.flips import change_interval, mcnemar_p, share_interval
from piescope.measure.intervals import CONFIDENCE, combined_variance

Side = Literal["dense", "compressed"]


class Estimates(NamedTuple):
    """One number a group of examples, in percent (points for a change).

    Attributes:
        value: ``[groups]``; NaN where a group has no examples.
        low: of the interval; NaN where there is none.
        high: of the interval.
        p_value: of "the change is 0", two-sided; NaN for an accuracy, and where it cannot be had.
    """

    value: Float[np.ndarray, " groups"]
    low: Float[np.ndarray, " groups"]
    high: Float[np.ndarray, " groups"]
    p_value: Float[np.ndarray, " groups"]


@dataclass(frozen=True)
class RightSums:
    """Sums of right answers in groups of examples; sums of disjoint blocks add up with ``+``.

    Attributes:
        sizes: ``[groups]``, examples.
        dense: ``[models, groups]``, how many each dense model gets right.
        compressed: ``[other, groups]``, likewise.
        dense_squares: ``[groups]``, sum over examples of the squared share of dense models that are right.
        compressed_squares: ``[groups]``, likewise.
        products: ``[groups]``, sum of the product of both shares.
        pair_flips: ``[groups]``, how often one of a pair of models is right and the other wrong; None: no pairs.

    Example:
        >>> dense, compressed = np.array([[True, True, False]]), np.array([[True, False, False]])
        >>> sums = RightSums.of(dense, compressed, np.array([0, 0, 1]), 2)
        >>> sums.change().value.tolist(), sums.whole().accuracy("dense").value.round(1).tolist()
        ([-50.0, 0.0], [66.7])
    """

    sizes: Int64[np.ndarray, " groups"]
    dense: Int64[np.ndarray, "models groups"]
    compressed: Int64[np.ndarray, "other groups"]
    dense_squares: Float[np.ndarray, " groups"]
    compressed_squares: Float[np.ndarray, " groups"]
    products: Float[np.ndarray, " groups"]
    pair_flips: Float[np.ndarray, " groups"] | None = None

    @staticmethod
    def of(
        dense: Bool[np.ndarray, "models examples"],
        compressed: Bool[np.ndarray, "other examples"],
        groups: Integer[Any, " examples"],
        num_groups: int,
        paired: bool = False,
    ) -> RightSums:
        """Sums of a block: who is right, and the group of each example.

        Raises:
            ValueError: ``paired``, and other numbers of models.
        """
        if paired and len(dense) != len(compressed):
            raise ValueError(f"{len(compressed)} compressed models for {len(dense)} dense ones; expected pairs")
        group = np.asarray(groups, np.int64)

        def per_group(values: np.ndarray) -> np.ndarray:
            return np.bincount(group, values, num_groups)

        shares = [side.sum(0, dtype=np.int32) / len(side) for side in (dense, compressed)]
        counts = [
            np.stack([np.bincount(group[right], minlength=num_groups) for right in side])
            for side in (dense, compressed)
        ]
        squares = [per_group(share**2) for share in shares]
        sizes = np.bincount(group, minlength=num_groups)
        products = per_group(shares[0] * shares[1])
        flips = per_group((dense != compressed).sum(0)) if paired else None
        return RightSums(sizes, counts[0], counts[1], squares[0], squares[1], products, flips)

    def __add__(self, other: RightSums) -> RightSums:
        return self._each(lambda name: getattr(self, name) + getattr(other, name))

    def whole(self) -> RightSums:
        """All groups as one."""
        return self._each(lambda name: getattr(self, name).sum(-1, keepdims=True))

    def _each(self, change: Callable[[str], np.ndarray]) -> RightSums:
        changed = {name: change(name) for name in self.__dataclass_fields__ if getattr(self, name) is not None}
        return RightSums(**changed)

    def accuracy(self, side: Side, confidence: float = CONFIDENCE) -> Estimates:
        """Mean accuracy of a side's models in each group; one model: Wilson's interval over examples."""
        right = getattr(self, side)
        value = 100 * _ratio(right.mean(0), self.sizes)
        none = np.full(len(value), np.nan)
        if len(right) == 1:
            low, high = (np.where(self.sizes > 0, end, np.nan) for end in _wilson(right[0], self.sizes, confidence))
            return Estimates(value, low, high, none)
        squares = getattr(self, f"{side}_squares")
        error, freedom = self._spread([right], squares, right.mean(0))
        reach = special.stdtrit(freedom, (1 + confidence) / 2) * error
        return Estimates(value, value - reach, value + reach, none)

    def change(self, confidence: float = CONFIDENCE) -> Estimates:
        """Change of the accuracy, compressed minus dense, in points.

        One model a side: Tango's interval and McNemar's exact test, over examples. Else a t-interval over examples and,
        on a side with several models, over models: over pairs of models if they are paired, else with the two sides'
        models as independent (where model k of one comes from model k of the other, that interval is too wide).
        """
        dense, compressed = self.dense.mean(0), self.compressed.mean(0)
        value = 100 * _ratio(compressed - dense, self.sizes)
        if len(self.dense) == len(self.compressed) == 1:
            lost, gained = self.lost, self.gained
            low, high = change_interval(lost, gained, self.sizes, confidence)
            known = self.sizes > 0
            return Estimates(
                value,
                np.where(known, low, np.nan),
                np.where(known, high, np.nan),
                np.where(known, mcnemar_p(lost, gained), np.nan),
            )
        squares = self.dense_squares + self.compressed_squares - 2 * self.products
        if self.pair_flips is None:
            error, freedom = self._spread([self.dense, self.compressed], squares, compressed - dense)
        else:
            error, freedom = self._spread_of_pairs(self.pair_flips, squares, compressed - dense)
        reach = special.stdtrit(freedom, (1 + confidence) / 2) * error
        with np.errstate(divide="ignore", invalid="ignore"):
            p_value = 2 * special.stdtr(freedom, -np.abs(value) / error)
        still = (self.sizes > 0) & (value == 0) & ~(error > 0)
        return Estimates(value, value - reach, value + reach, np.where(still, 1.0, p_value))

    @property
    def lost(self) -> Int64[np.ndarray, " groups"]:
        """Examples that only the dense side gets right; of one model a side."""
        return np.round(self.dense_squares - self.products).astype(np.int64)

    @property
    def gained(self) -> Int64[np.ndarray, " groups"]:
        """Examples that only the compressed side gets right; of one model a side."""
        return np.round(self.compressed_squares - self.products).astype(np.int64)

    def _spread(
        self, sides: list[np.ndarray], squares: np.ndarray, total: np.ndarray
    ) -> tuple[Float[np.ndarray, " groups"], Float[np.ndarray, " groups"]]:
        """Standard error in points, NaN where there is none, and its degrees of freedom."""
        sizes = self.sizes.astype(np.float64)
        several = [side for side in sides if len(side) > 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            over_seeds = np.stack([(side / sizes).var(0, ddof=1) / len(side) for side in several], axis=-1)
            over_both = np.zeros(len(sizes))
            for side in several:
                share_squares = self.dense_squares if side is self.dense else self.compressed_squares
                over_both += (side.mean(0) - share_squares) / (len(side) - 1) / sizes**2
        return self._error(squares, total, over_seeds, [len(side) for side in several], over_both)

    def _spread_of_pairs(
        self, flips: np.ndarray, squares: np.ndarray, total: np.ndarray
    ) -> tuple[Float[np.ndarray, " groups"], Float[np.ndarray, " groups"]]:
        """Likewise, of a change whose models come in pairs: a pair is one draw."""
        pairs = len(self.dense)
        with np.errstate(divide="ignore", invalid="ignore"):
            sizes = self.sizes.astype(np.float64)
            over_pairs = ((self.compressed - self.dense) / sizes).var(0, ddof=1) / pairs
            over_both = (flips - pairs * squares) / (pairs * (pairs - 1)) / sizes**2
        return self._error(squares, total, over_pairs[:, None], [pairs], over_both)

    def _error(
        self, squares: np.ndarray, total: np.ndarray, over_seeds: np.ndarray, strata: list[int], over_both: np.ndarray
    ) -> tuple[Float[np.ndarray, " groups"], Float[np.ndarray, " groups"]]:
        sizes = self.sizes.astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            over_examples = np.maximum(0.0, squares / sizes - (total / sizes) ** 2) / (sizes - 1)
            variance, freedom = combined_variance(over_examples, sizes, over_seeds, strata, over_both)
            error = 100 * np.sqrt(np.where((variance > NO_SPREAD) & (sizes > 1), variance, np.nan))
        return error, freedom


NO_SPREAD = 1e-24
"""Squared share: far below what two models can differ by, far above what rounding leaves of zero."""


def _ratio(count: np.ndarray, total: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(count / np.asarray(total, np.float64))


def _wilson(count: np.ndarray, total: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    low, high = share_interval(count, np.maximum(total, 1), confidence)
    return np.asarray(low), np.asarray(high)
