"""Do two models see the examples alike? Linear CKA, shared neighbours, and labels by the nearest neighbours of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int64

from piescope.axes import Array, ExampleLabels, Points
from piescope.measure.arrays import class_ids, to_numpy
from piescope.measure.neighbours import neighbours_within

HELD = 2**24
"""Numbers of a block that are held at once: 128 MB in float64."""

NOTHING = 1e-12
"""Similarity with itself, relative to its uncorrected value, that is no more than rounding."""


def linear_cka(one: Points, other: Float[Array, "examples others"], debiased: bool = True) -> float:
    """Linear centred kernel alignment: how alike two representations of the same examples are, 0 to 1.

    ``CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L))`` with ``K = X X^T`` and ``L = Y Y^T``. It does not change when
    either is rotated, mirrored, shifted or scaled as a whole; it does when single dims are scaled. The usual estimate
    of HSIC makes any two representations alike that have many dims for their examples: 0.67 for independent noise of
    100 dims and 50 examples. The debiased one (Song et al.) leaves the diagonals out,
    ``n (n - 3) HSIC = tr(K' L') + 1'K'1 1'L'1 / ((n - 1) (n - 2)) - 2 / (n - 2) 1'K'L'1`` with ``K'`` = K without its
    diagonal. For centred X and Y this is exactly, with the squared lengths ``s`` and ``t`` of their rows,
    ``|X^T Y|^2 - n / (n - 2) s't + sum(s) sum(t) / ((n - 1) (n - 2))``: no examples x examples matrix.

    In float64, by blocks, ``O(n d^2)``, or ``O(n^2 d)`` where that is less; it needs no more memory than a copy of
    both in float64. Constant dims count for nothing.

    Args:
        one: ``[examples, dims]``.
        other: ``[examples, others]``, the same examples in the same order; the dims may differ.
        debiased: leave the diagonals out.

    Returns:
        1: alike; 0: nothing in common. Debiased, -1 to 1: around 0, also below it, for independent representations. NaN
        where one of them is constant, or, debiased, has no similarities beyond those of single examples (one outlier).

    Raises:
        ValueError: other numbers of examples, NaN or infinity, or fewer than 4 examples (2 where not debiased).

    Source: Kornblith et al. 2019, https://arxiv.org/abs/1905.00414; debiased: Song et al. 2012, JMLR 13:1393;
    Nguyen, Raghu and Kornblith 2021, https://arxiv.org/abs/2010.15327; Murphy, Zylberberg and Fyshe 2024,
    https://arxiv.org/abs/2405.01012 (the bias).

    Example:
        >>> points = np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 4.0], [5.0, 1.0], [3.0, 3.0]])
        >>> round(linear_cka(points, 10 * points[:, ::-1]), 6)
        1.0
        >>> round(linear_cka(points, points[:, :1]), 3)
        0.728
    """
    first, second = to_numpy(one), to_numpy(other)
    least = 4 if debiased else 2
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second) or len(first) < least:
        raise ValueError(
            f"one is {list(first.shape)} and other {list(second.shape)}; "
            f"expected [examples, dims] of the same examples, {least} or more"
        )
    examples = len(first)
    sides = [_Centred(first, "one"), _Centred(second, "other")]
    lengths = [side.squared_lengths() for side in sides]
    plain = _products(*sides)

    def aligned(i: int, j: int) -> float:
        if not debiased:
            return plain[i][j]
        s, t = lengths[i], lengths[j]
        correction = s.sum() * t.sum() / ((examples - 1) * (examples - 2)) - examples / (examples - 2) * (s @ t)
        return plain[i][j] + float(correction)

    own = [aligned(0, 0), aligned(1, 1)]
    if any(own[i] <= NOTHING * plain[i][i] for i in (0, 1)):
        return float("nan")
    return float(np.clip(aligned(0, 1) / np.sqrt(own[0]) / np.sqrt(own[1]), -1.0 if debiased else 0.0, 1.0))


def neighbourhood_overlap(
    one: Points, other: Float[Array, "examples others"], k: int = 10
) -> Float[np.ndarray, " examples"]:
    """Which share of its k nearest neighbours an example keeps from one representation to the other: 0 to 1.

    ``|A and B| / k``, not Jaccard's ``|A and B| / |A or B|``: k = 10 and 7 common ones are 0.7. Of two unrelated
    representations it is ``k / (examples - 1)`` on average.

    Exact, Euclidean, in float32 on centred data. An example is no neighbour of itself, its duplicates are. Examples
    that are equally far away are taken in the same order on both sides, which may count them as common: constant
    representations, or ones with most examples alike, say nothing. A constant dim changes nothing.

    Args:
        one: ``[examples, dims]``.
        other: ``[examples, others]``, the same examples in the same order; the dims may differ.
        k: neighbours, 1 to examples - 1.

    Returns:
        ``[examples]``.

    Raises:
        ValueError: k is not in 1..examples - 1 (take a smaller k), other numbers of examples, NaN or infinity.

    Source: mutual kNN of Huh et al. 2024, https://arxiv.org/abs/2405.07987.

    Example:
        >>> one = np.array([[0.0], [1.0], [3.0], [7.0]])
        >>> neighbourhood_overlap(one, np.array([[0.0], [1.0], [3.0], [0.4]]), k=1).tolist()
        [0.0, 0.0, 1.0, 0.0]
    """
    first, second = _same_examples(one, other)
    both = np.concatenate([neighbours_within(first, k), neighbours_within(second, k)], axis=1)
    both.sort(axis=1)
    # no side names a neighbour twice, so what stands beside its equal is common
    return np.asarray((both[:, 1:] == both[:, :-1]).sum(1) / k)


class KnnLabels(NamedTuple):
    """What its neighbours would call each example, in two representations.

    Attributes:
        one: ``[examples]``, class ids.
        other: ``[examples]``, class ids.
    """

    one: Int64[np.ndarray, " examples"]
    other: Int64[np.ndarray, " examples"]

    @property
    def agreement(self) -> float:
        """Percent of examples with the same label in both; NaN without examples."""
        return float(100 * (self.one == self.other).mean()) if len(self.one) else float("nan")


def knn_agreement(one: Points, other: Float[Array, "examples others"], labels: ExampleLabels, k: int = 30) -> KnnLabels:
    """The label of each example by its k nearest other examples, in each of two representations.

    Leave one out: no example votes for itself, its duplicates do. Every neighbour has one vote; ties go to the smallest
    label, as in `knn_labels`. The share of examples whose two labels agree is `KnnLabels.agreement`; against the true
    labels each is a kNN accuracy.

    Args:
        one: ``[examples, dims]``.
        other: ``[examples, others]``, the same examples in the same order; the dims may differ.
        labels: ``[examples]``, class ids: true ones, or a model's.
        k: neighbours, 1 to examples - 1.

    Returns:
        ``(one, other)``, each ``[examples]``, class ids.

    Raises:
        ValueError: k is not in 1..examples - 1 (take a smaller k), other numbers of examples, NaN or infinity.

    Source: Baldock et al. 2021, https://arxiv.org/abs/2106.09647 (k = 30).

    Example:
        >>> one = np.array([[0.0], [1.0], [3.0], [4.0]])
        >>> found = knn_agreement(one, -one[[1, 2, 3, 0]], np.array([0, 0, 1, 1]), k=1)
        >>> found.one.tolist(), found.other.tolist(), found.agreement
        ([0, 0, 1, 1], [1, 1, 0, 0], 0.0)
    """
    first, second = _same_examples(one, other)
    given = class_ids(labels, "labels", 1)
    if len(given) != len(first):
        raise ValueError(f"{len(first)} examples and {len(given)} labels; expected one label each")
    return KnnLabels(*(_majority(given[neighbours_within(points, k)]) for points in (first, second)))


def _majority(votes: np.ndarray) -> np.ndarray:
    """The most frequent label of each row, the smallest of equally frequent ones."""
    num_classes = int(votes.max(initial=0)) + 1
    block = max(1, HELD // num_classes)
    parts = []
    for start in range(0, len(votes), block):
        part = votes[start : start + block]
        cells = part + np.arange(len(part))[:, None] * num_classes
        counts = np.bincount(cells.ravel(), minlength=len(part) * num_classes).reshape(-1, num_classes)
        parts.append(counts.argmax(1))
    return np.concatenate(parts)


def _same_examples(one: Any, other: Any) -> tuple[np.ndarray, np.ndarray]:
    first, second = to_numpy(one), to_numpy(other)
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second):
        raise ValueError(
            f"one is {list(first.shape)} and other {list(second.shape)}; expected [examples, dims] of the same examples"
        )
    return first, second


class _Centred:
    """A representation with its mean taken off, in float64, block by block: no second copy is held."""

    def __init__(self, points: np.ndarray, name: str) -> None:
        self._points = points
        self.examples, self.dims = points.shape
        self._block = max(1, HELD // max(self.dims, 1))
        # shifted by a row first: a constant column is then 0, not what rounding leaves of it
        self._origin = points[0].astype(np.float64)
        self._mean, self._size = np.zeros(self.dims), 1.0
        with np.errstate(invalid="ignore", over="ignore"):
            self._mean = np.sum([part.sum(0) for part in self._parts()], axis=0) / self.examples
        if not np.isfinite(self._mean).all():
            raise ValueError(f"NaN or infinity in {name}; leave the diverged model out")
        # fourth powers are summed up: a power of two keeps them in range and moves no bit
        self._size = 2.0 ** float(np.frexp(max(np.abs(part).max(initial=0.0) for part in self._parts()))[1])

    def rows(self, start: int, stop: int) -> np.ndarray:
        return np.asarray((self._points[start:stop] - self._origin - self._mean) / self._size)

    def _parts(self) -> Iterator[np.ndarray]:
        return (self.rows(start, start + self._block) for start in range(0, self.examples, self._block))

    def squared_lengths(self) -> np.ndarray:
        return np.concatenate([np.einsum("nd,nd->n", part, part) for part in self._parts()])


def _products(one: _Centred, other: _Centred) -> list[list[float]]:
    """``|X^T Y|^2`` of each pair of the two sides, the cheaper way."""
    if one.examples * (one.dims + other.dims) < one.dims**2 + one.dims * other.dims + other.dims**2:
        return _products_of_examples(one, other)
    return _products_of_dims(one, other)


def _products_of_dims(one: _Centred, other: _Centred) -> list[list[float]]:
    """By summing X^T Y, ``[dims, others]``, over blocks of examples."""
    sides = (one, other)
    block = max(1, HELD // max(one.dims + other.dims, 1))
    sums = {(i, j): np.zeros((sides[i].dims, sides[j].dims)) for i, j in ((0, 0), (0, 1), (1, 1))}
    for start in range(0, one.examples, block):
        rows = [side.rows(start, start + block) for side in sides]
        for i, j in sums:
            sums[i, j] += rows[i].T @ rows[j]
    return _symmetric({pair: float(np.vdot(total, total)) for pair, total in sums.items()})


def _products_of_examples(one: _Centred, other: _Centred) -> list[list[float]]:
    """By ``sum(X X^T * Y Y^T)``, over blocks of its rows."""
    sides = (one, other)
    whole = [side.rows(0, side.examples) for side in sides]
    totals = {(0, 0): 0.0, (0, 1): 0.0, (1, 1): 0.0}
    block = max(1, HELD // one.examples)
    for start in range(0, one.examples, block):
        kernels = [rows[start : start + block] @ rows.T for rows in whole]
        for i, j in totals:
            totals[i, j] += float(np.vdot(kernels[i], kernels[j]))
    return _symmetric(totals)


def _symmetric(products: dict[tuple[int, int], float]) -> list[list[float]]:
    return [[products[0, 0], products[0, 1]], [products[0, 1], products[1, 1]]]
