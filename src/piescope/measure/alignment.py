"""Lays one map of examples onto another: where a map lies, how it is turned and how large it is mean nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Float64

from piescope.measure.arrays import to_numpy


def aligned_onto(
    points: Float[Any, "examples dims"], target: Float[Any, "examples dims"]
) -> Float64[np.ndarray, "examples dims"]:
    """Points shifted, scaled to another map's spread, and turned or mirrored so that they lie nearest to its points.

    Least squares over all examples (Procrustes analysis). Distances between points keep their ratios. The scale is not
    the nearest one, which would draw a map together the less it has in common with the other.

    Args:
        points: ``[examples, dims]``.
        target: the same examples in the other map.

    Returns:
        ``[examples, dims]``; points that all lie in one place go to the target's middle.

    Raises:
        ValueError: other shapes, no examples, or NaN or infinity among the points.

    Source: Schoenemann 1966, https://doi.org/10.1007/BF02289451; Gower 1975, https://doi.org/10.1007/BF02291478.

    Example:
        >>> square = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
        >>> turned = np.array([[5.0, 5.0], [7.0, 5.0], [7.0, 3.0], [5.0, 3.0]])
        >>> np.allclose(aligned_onto(turned, square), square)
        True
    """
    moved, still = (to_numpy(given).astype(np.float64) for given in (points, target))
    if moved.shape != still.shape or moved.ndim != 2 or not len(moved):
        raise ValueError(
            f"maps have shapes {list(moved.shape)} and {list(still.shape)}; expected [examples, dims] twice"
        )
    if not (np.isfinite(moved).all() and np.isfinite(still).all()):
        raise ValueError("NaN or infinity among the points; leave that map out")
    own, others = moved - moved.mean(0), still - still.mean(0)
    left, _, right = np.linalg.svd(own.T @ others)
    spread = (own**2).sum()
    scale = np.sqrt((others**2).sum() / spread) if spread > 0 else 0.0
    return np.asarray(scale * own @ (left @ right) + still.mean(0))
