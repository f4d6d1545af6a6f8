"""Exact nearest neighbours: the classifier behind prediction depth, and the examples that a model holds to be alike."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64, Integer

from piescope.axes import Array
from piescope.measure.arrays import class_ids, to_numpy, unit_length
from piescope.measure.search import Multiplied, multiplied, nearest

HELD = 2**22
"""Numbers of a block of points that are held at once, beside the points themselves."""


def knn_labels(
    bank: Float[Array, "n d"], bank_labels: Integer[Array, " n"], queries: Float[Array, "m d"], k: int = 30
) -> Int64[np.ndarray, " m"]:
    """The label of each query by the majority of its k nearest neighbours in the bank.

    Exact, Euclidean, every neighbour one vote; ties go to the smallest label. Computed in float32 on centred data, from
    squares: distances below about a thousandth of how far points lie from their centre are not told apart (clusters
    that are small and far from each other: standardise them first). Of points equally far away the first in the bank
    are taken, as far as that tells that they are.

    Args:
        bank: ``[n, d]``, labelled points; an array mapped from a file (`numpy.load(..., mmap_mode="r")`) may be larger
            than memory: parts of it are held one after the other, with all queries.
        bank_labels: ``[n]``, their class ids.
        queries: ``[m, d]``, points to label.
        k: neighbours, 1 to n.

    Returns:
        ``[m]``, class ids.

    Raises:
        ValueError: k is not in 1..n, dims differ, or a coordinate is NaN or infinite.

    Source: Baldock et al. 2021 (k = 30); uniform votes and ties as scikit-learn's KNeighborsClassifier.

    Example:
        >>> knn_labels(np.array([[0.0], [1.0], [9.0]]), np.array([1, 1, 0]), np.array([[0.4], [8.0]]), k=1).tolist()
        [1, 0]
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas") as limits:
        threads = limits.get_original_num_threads()["blas"] or 1
        return labels_of_nearest(bank, bank_labels, queries, k, multiplied, threads)


def labels_of_nearest(
    bank: Float[Array, "n d"],
    bank_labels: Integer[Array, " n"],
    queries: Float[Array, "m d"],
    k: int,
    product: Multiplied,
    threads: int = 1,
) -> Int64[np.ndarray, " m"]:
    """`knn_labels`, by a product of matrices that may be another library's than NumPy's, on as many threads."""
    points, asked = to_numpy(bank), to_numpy(queries)
    labels = class_ids(bank_labels, "bank_labels", 1)
    if points.ndim != 2 or asked.ndim != 2 or points.shape[1] != asked.shape[1]:
        raise ValueError(
            f"bank is {list(points.shape)} and queries {list(asked.shape)}; expected [n, dims] and [m, dims]"
        )
    if len(points) != len(labels):
        raise ValueError(f"bank has {len(points)} points and bank_labels {len(labels)}; expected one label each")
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= len(points):
        raise ValueError(f"k is {k!r}; expected 1 to {len(points)}, the size of the bank")
    classes, labels = np.unique(labels, return_inverse=True)  # ids may be far apart
    count = len(classes)
    cells = labels[nearest(points, asked, int(k), product, threads)] + np.arange(len(asked))[:, None] * count
    return classes[np.bincount(cells.ravel(), minlength=len(asked) * count).reshape(-1, count).argmax(1)]


def neighbours_within(points: Float[Array, "examples dims"], k: int) -> Int64[np.ndarray, "examples k"]:
    """The k nearest other points of each point, nearest first.

    Exact, Euclidean, computed in float32 on centred data: distances below about a thousandth of the spread of all
    points are not told apart. A point is left out of its own neighbours by its index, so its duplicates count, at
    distance 0. Of points equally far away those that faiss meets first are taken.

    Args:
        points: ``[examples, dims]``.
        k: neighbours, 1 to examples - 1.

    Returns:
        ``[examples, k]``, indices of points.

    Raises:
        ValueError: k is not in 1..examples - 1, other numbers of axes, no dims, or a coordinate is NaN or infinite.

    Example:
        >>> neighbours_within(np.array([[0.0], [1.0], [3.0], [3.5]]), k=2).tolist()
        [[1, 2], [0, 2], [3, 1], [2, 1]]
    """
    array = to_numpy(points)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"points have shape {list(array.shape)}; expected [examples, dims]")
    examples, dims = array.shape
    if not 1 <= k < examples:
        raise ValueError(f"k is {k} with {examples} points; expected 1 to {max(examples - 1, 0)}, or more points")
    with np.errstate(invalid="ignore", over="ignore"):
        centre = array.mean(0, dtype=np.float64)
    if not np.isfinite(centre).all():
        raise ValueError("NaN or infinity among the points; leave the diverged model out")
    import faiss

    block = max(1, HELD // max(dims, k + 1))
    starts = range(0, examples, block)
    # squared distances must fit into float32; a power of two moves no bit of the points
    farthest = max(float(np.abs(array[start : start + block] - centre).max()) for start in starts)
    size = 2.0 ** float(np.frexp(farthest)[1])

    def placed(start: int) -> np.ndarray:
        return np.ascontiguousarray((array[start : start + block] - centre) / size, dtype=np.float32)

    index = faiss.IndexFlatL2(dims)
    for start in starts:
        index.add(placed(start))
    nearest = np.empty((examples, k), np.int64)
    for start in starts:
        _, nearby = index.search(placed(start), k + 1)
        others = nearby != np.arange(start, start + len(nearby))[:, None]
        # among more than k duplicates a point may not find itself: then the last one goes
        others[others.all(1), -1] = False
        nearest[start : start + len(nearby)] = nearby[others].reshape(-1, k)
    return nearest


TOGETHER = 64
"""Points of which the nearest is found first; among those of the best k lots are the best k points."""


def nearest_by_angle(representations: Float[Array, "examples dims"], k: int) -> Int64[np.ndarray, "examples k"]:
    """The k examples whose representations point most nearly the same way, nearest first.

    By cosine, on h / ||h||_2 as `q_score` scales them; the order of Euclidean distances is the same there. Exact up to
    the rounding of float32: cosines that differ by less than about 1e-6 may change places. An all-zero
    representation is equally far from all. Needs NumPy alone; 60,000 examples of 128 dims take some ten seconds and
    0.1 GB.

    Args:
        representations: ``[examples, dims]`` of one model, any scale.
        k: neighbours, 1 to examples - 1.

    Returns:
        ``[examples, k]``, rows of ``representations``; an example is none of its own neighbours.

    Raises:
        ValueError: k is not in 1..examples - 1, no dims, or NaN or infinity among the representations.

    Example:
        >>> nearest_by_angle(np.array([[1.0, 0.0], [8.0, 1.0], [0.0, 1.0], [1.0, 1.0]]), k=2).tolist()
        [[1, 3], [0, 3], [3, 1], [1, 0]]
    """
    array = to_numpy(representations)
    if array.ndim != 2:
        raise ValueError(f"representations have shape {list(array.shape)}; expected [examples, dims]")
    examples = len(array)
    if not 1 <= k < examples:
        raise ValueError(f"k is {k} with {examples} examples; expected 1 to {max(examples - 1, 0)}, or more examples")
    lots = -(-examples // TOGETHER)
    unit = np.zeros((lots * TOGETHER, array.shape[1]), np.float32)  # point p is in lot p % lots
    unit[:examples] = unit_length(array)
    block = max(1, HELD // len(unit))
    nearest = np.empty((examples, k), np.int64)
    for start in range(0, examples, block):
        rows = np.arange(start, min(start + block, examples))
        alike = unit[rows] @ unit.T
        alike[:, examples:] = -np.inf
        alike[np.arange(len(rows)), rows] = -np.inf
        nearest[rows] = _highest(alike, lots, k)
    return nearest


def _highest(values: np.ndarray, lots: int, k: int) -> np.ndarray:
    """``[rows, k]``: places of the k highest of ``[rows, TOGETHER * lots]``, highest first."""
    best = values.reshape(len(values), TOGETHER, lots).max(1)
    chosen = np.argpartition(-best, k - 1, axis=1)[:, :k] if k < lots else np.broadcast_to(np.arange(lots), best.shape)
    places = (chosen[:, None, :] + lots * np.arange(TOGETHER)[:, None]).reshape(len(values), -1)
    there = np.take_along_axis(values, places, 1)
    first = np.argpartition(-there, k - 1, axis=1)[:, :k]
    order = np.lexsort((np.take_along_axis(places, first, 1), -np.take_along_axis(there, first, 1)))
    return np.take_along_axis(places, np.take_along_axis(first, order, 1), 1)
