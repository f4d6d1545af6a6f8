"""Q-Score: how well a representation is formed, without labels (Kalibhat et al. 2022 version 1, and AAAI 2024)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from piescope.axes import Array
from piescope.measure.arrays import precision_of, unit_length

ROUNDING = 16
"""Units in the last place that equal numbers may differ by after sums and products."""

MIDDLING = (0.001, 0.5)
"""Activation frequencies of a feature that may stand for one of 2 to 1,000 equally frequent classes."""


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


def is_degenerate(representations: Float[Array, "*models dims"]) -> Bool[np.ndarray, "*models"]:
    """Representations that the formula is not defined for: all zero (no direction) or constant (no spread).

    Constant means up to rounding in the precision of the input: one entry a last bit above the others would
    otherwise have the largest Z-Score of all.

    Raises:
        ValueError: NaN or infinity among them, or no dims.

    Example:
        >>> is_degenerate(np.array([[0.0, 0.0], [2.0, 2.0], [0.0, 1.0]])).tolist()
        [True, True, False]
    """
    return np.asarray(~_has_spread(unit_length(representations), representations))


def q_score(representations: Float[Array, "*models dims"]) -> QScore:
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
    unit = unit_length(representations)
    l1 = np.abs(unit).sum(-1)
    std = unit.std(-1)
    spread = _has_spread(unit, representations)
    z = np.divide(unit.max(-1) - unit.mean(-1), std, out=np.zeros_like(std), where=spread)
    q = np.divide(z, l1, out=np.zeros_like(z), where=spread)
    return QScore(q, z, l1)


def q_score_aaai24(
    representations: Float[Array, "*models examples dims"],
    deviations: float = 4.0,
    frequency: tuple[float, float] = MIDDLING,
) -> Float[np.ndarray, "*models examples"]:
    """Q-Score as AAAI-24 has it: how far an example's discriminative features stand above its mean, on h / ||h||_2.

    A feature is active in an example where it stands more than ``deviations`` population stds above the mean of the
    example's own features. It is discriminative when the share of the model's examples that it is active in is
    middling, so neither noise nor common to all. The score is the mean of ``h_ij - mean_i`` over the features that are
    both; 0 where there is none.

    The bounds of "middling" are ours; the source that we have does not give any. 0.1 % to 50 % is what a feature has
    that stands for one of 2 to 1,000 equally frequent classes. Both bounds count as inside.

    Not for few dims: no feature stands more than sqrt(dims - 1) stds above the mean (7.9 with 64 dims, 11.3 with 128;
    with 17 or fewer no feature is ever active at 4), and at most 3 of 64, or 7 of 128, can be active at once. In our
    CIFAR-10 models with 64 dims most examples (typically 80 to 95 %) have no active feature: they tie at 0, and a rank
    statistic of the score sees little else than whether there is one. Scores depend on which examples are given (their
    frequencies are those of the features): not for a single example, nor to compare scores of different sets.

    Args:
        representations: ``[..., examples, dims]``, any scale; leading axes are models, each on its own.
        deviations: stds above the mean from which on a feature is active; 0 or more.
        frequency: lowest and highest share of examples, 0 to 1.

    Returns:
        ``[..., examples]``, float64, 0 to 1; higher is better formed. A degenerate representation (see `is_degenerate`)
        scores 0.

    Raises:
        ValueError: NaN or infinity among the representations, no examples or dims, or other bounds than those above.

    Source: Kalibhat et al. 2024, https://doi.org/10.1609/aaai.v38i12.29201.

    Example:
        >>> h = np.eye(3, 64)[[0, 1, 1]]  # one feature in each: the first is active in 1 of 3, the second in 2 of 3
        >>> q_score_aaai24(h).round(3).tolist()
        [0.984, 0.0, 0.0]
    """
    low, high = frequency
    if not (0 <= low <= high <= 1 and deviations >= 0):
        raise ValueError(
            f"frequency {frequency} and deviations {deviations}; expected 0 <= low <= high <= 1, and 0 or more"
        )
    unit = unit_length(representations)
    if unit.ndim < 2 or unit.shape[-2] < 1:
        raise ValueError(f"representations have shape {list(unit.shape)}; expected [..., examples, dims]")
    above = unit - unit.mean(-1, keepdims=True)
    active = above > deviations * unit.std(-1, keepdims=True)
    active &= _has_spread(unit, representations)[..., None]
    share = active.mean(-2, keepdims=True)
    counted = active & (share >= low) & (share <= high)
    number = counted.sum(-1)
    total = np.where(counted, above, 0.0).sum(-1)
    return np.divide(total, number, out=np.zeros_like(total), where=number > 0)


def _has_spread(unit: np.ndarray, representations: Any) -> np.ndarray:
    """Whether entries differ by more than the rounding of the precision that they came in."""
    precision = precision_of(representations)
    return np.asarray(unit.max(-1) - unit.min(-1) > ROUNDING * precision * np.abs(unit).max(-1))
