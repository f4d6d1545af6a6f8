"""Q-Score: how well a representation is formed, without labels (Kalibhat et al. 2022, version 1)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from piescope.measure.arrays import to_numpy

ROUNDING = 16
"""Units in the last place that equal numbers may differ by after sums and products."""


class QScore(NamedTuple):
    """Three scores per representation, each of shape [...].

    Attributes:
        q: Z-Score over L1 norm; higher is better formed.
        z: how far the largest entry stands above the mean, in population stds; 0 to sqrt(dims - 1).
        l1: L1 norm of the L2-normalised representation; 1 (one active dimension) to sqrt(dims).
    """

    q: Float[np.ndarray, "*models"]
    z: Float[np.ndarray, "*models"]
    l1: Float[np.ndarray, "*models"]


def is_degenerate(representations: Float[Any, "*models dims"]) -> Bool[np.ndarray, "*models"]:
    """Representations that the formula is not defined for: all zero (no direction) or constant (no spread).

    Constant means up to rounding in the precision of the input: one entry a last bit above the others would
    otherwise have the largest Z-Score of all.

    Raises:
        ValueError: NaN or infinity among them, or no dims.

    Example:
        >>> is_degenerate(np.array([[0.0, 0.0], [2.0, 2.0], [0.0, 1.0]])).tolist()
        [True, True, False]
    """
    return np.asarray(~_has_spread(_unit_length(representations), representations))


def q_score(representations: Float[Any, "*models dims"]) -> QScore:
    """Q-Score, Z-Score and L1 norm of each representation, on h / ||h||_2.

    ``Z = (max(h) - mean(h)) / std(h)`` with the population std, ``Q = Z / ||h||_1``.

    Args:
        representations: ``[..., dims]``, any scale (the paper: 128 dims, never negative).

    Returns:
        ``(q, z, l1)``, each ``[...]``, float64. A degenerate representation has no spread: q and z are 0 there, and
        l1 is 0 (all zero) or sqrt(dims) (constant); count them with `is_degenerate`.

    Raises:
        ValueError: NaN or infinity among the representations, or no dims.

    Source: Corti et al. 2022, algorithm 1 and equation 2; Kalibhat et al. 2022, https://arxiv.org/abs/2203.01881v1.

    Example:
        >>> q, z, l1 = q_score(np.array([[3.0, 4.0], [0.0, 0.0]]))
        >>> z.round(4).tolist(), l1.round(3).tolist(), q.round(4).tolist()
        ([1.0, 0.0], [1.4, 0.0], [0.7143, 0.0])
    """
    unit = _unit_length(representations)
    l1 = np.abs(unit).sum(-1)
    std = unit.std(-1)
    spread = _has_spread(unit, representations)
    z = np.divide(unit.max(-1) - unit.mean(-1), std, out=np.zeros_like(std), where=spread)
    q = np.divide(z, l1, out=np.zeros_like(z), where=spread)
    return QScore(q, z, l1)


def _has_spread(unit: np.ndarray, representations: Any) -> np.ndarray:
    """Whether entries differ by more than the rounding of the precision that they came in."""
    given = to_numpy(representations).dtype
    precision = np.finfo(given).eps if np.issubdtype(given, np.floating) else np.finfo(np.float64).eps
    return np.asarray(unit.max(-1) - unit.min(-1) > ROUNDING * precision * np.abs(unit).max(-1))


def _unit_length(representations: Any) -> np.ndarray:
    """H / ||h||_2 in float64; all-zero rows stay zero."""
    h = to_numpy(representations).astype(np.float64)
    if h.ndim < 1 or h.shape[-1] < 1:
        raise ValueError(f"representations have shape {list(h.shape)}; expected [..., dims] with at least one dim")
    if not np.isfinite(h).all():
        raise ValueError(
            f"{int((~np.isfinite(h)).sum())} entries of the representations are NaN or infinite; "
            "leave the diverged model out"
        )
    largest = np.abs(h).max(-1, keepdims=True)
    scaled = np.divide(h, largest, out=np.zeros_like(h), where=largest > 0)  # squares neither over- nor underflow
    length = np.linalg.norm(scaled, axis=-1, keepdims=True)
    return np.divide(scaled, length, out=np.zeros_like(h), where=length > 0)
