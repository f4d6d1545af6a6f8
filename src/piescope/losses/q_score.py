"""Q-Score as a regulariser: `piescope.measure.q_score` in torch, with gradients that are finite everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Form = Literal["v1", "aaai24"]

ROUNDING = 16
"""Units in the last place that equal entries may differ by, as `piescope.measure.q_score` has it."""


def q_scores(representations: Float[Tensor, "batch dims"]) -> Float[Tensor, " batch"]:
    """Q-Score of each representation h, on h / ||h||_2: ``(max(h) - mean(h)) / std(h) / ||h||_1``, higher is better.

    Args:
        representations: ``[batch, dims]``, any scale.

    Returns:
        ``[batch]``, float32, or float64 where representations are; 0, with a gradient of 0, of a representation that
        is all zero or constant up to rounding, where there is no score.

    Source: Corti et al. 2022, equation 2; Kalibhat et al. 2022, https://arxiv.org/abs/2203.01881v1.

    Example:
        >>> q_scores(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).round(decimals=4).tolist()
        [0.7142999768257141, 0.0]
    """
    unit, spread = _unit(representations)
    z = (unit.amax(-1) - unit.mean(-1)) / unit.std(-1, correction=0)
    return (z / unit.abs().sum(-1)).where(spread, 0.0)


def q_scores_aaai24(
    representations: Float[Tensor, "batch dims"],
    deviations: float = 4.0,
    frequency: tuple[float, float] = (0.001, 0.5),
) -> Float[Tensor, " batch"]:
    """Q-Score as AAAI-24 has it: how far an example's discriminative features stand above its mean, on h / ||h||_2.

    Which features are active and how often, over the batch, is counted and has no gradient: what it has is of how far
    those that count stand above the mean. Where none does, score and gradient are 0.

    Args:
        representations: ``[batch, dims]``, any scale.
        deviations: stds above the mean from which on a feature is active.
        frequency: lowest and highest share of the batch's examples that a discriminative feature is active in.

    Returns:
        ``[batch]``, 0 to 1, of the type of `q_scores`.

    Source: Kalibhat et al. 2024, https://doi.org/10.1609/aaai.v38i12.29201; bounds as in `piescope.measure.q_score`.

    Example:
        >>> h = torch.eye(3, 64)[[0, 1, 1]]  # one feature in each: active in 1 of 3, and in 2 of 3
        >>> q_scores_aaai24(h).round(decimals=2).tolist()
        [0.9800000190734863, 0.0, 0.0]
    """
    unit, spread = _unit(representations)
    above = unit - unit.mean(-1, keepdim=True)
    active = (above > deviations * unit.std(-1, correction=0, keepdim=True)) & spread[:, None]
    share = active.to(torch.float64).mean(0)
    counted = active & (share >= frequency[0]) & (share <= frequency[1])
    return above.where(counted, 0.0).sum(-1) / counted.sum(-1).clamp(min=1)


FORMS: dict[Form, Callable[[Tensor], Tensor]] = {"v1": q_scores, "aaai24": q_scores_aaai24}


def _unit(representations: Tensor) -> tuple[Float[Tensor, "batch dims"], Bool[Tensor, " batch"]]:
    """H / ||h||_2, and whether its entries differ by more than rounding; where they do not, it hangs on nothing."""
    precision = torch.finfo(representations.dtype).eps
    with torch.autocast(representations.device.type, enabled=False):
        exact = representations.to(torch.promote_types(representations.dtype, torch.float32))
        largest = exact.detach().abs().amax(-1, keepdim=True)  # the score hangs on no scale: squares do not overflow
        height = exact.detach().amax(-1, keepdim=True) - exact.detach().amin(-1, keepdim=True)
        spread = height > ROUNDING * precision * largest
        stand_in = torch.arange(exact.shape[-1], dtype=exact.dtype, device=exact.device)
        scaled = (exact / largest.where(spread, 1.0)).where(spread, stand_in)
        return scaled / scaled.norm(dim=-1, keepdim=True), spread[:, 0]
