"""Contrastive losses as pure functions: SupCon (Khosla et al. 2020) and SimCLR (Chen et al. 2020)."""

from __future__ import annotations

import torch
from jaxtyping import Float, Integer
from torch import Tensor
from torch.nn import functional


def supcon_loss(
    projections: Float[Tensor, "batch views dims"],
    labels: Integer[Tensor, " batch"],
    temperature: float,
    base_temperature: float | None = None,
) -> Float[Tensor, ""]:
    """Supervised contrastive loss: every view of an image is drawn to all other views of its class.

    For anchor i with positives P(i) among all other projections A(i):
    ``L_i = -1/|P(i)| * sum_{p in P(i)} log( exp(z_i.z_p / t) / sum_{a in A(i)} exp(z_i.z_a / t) )``,
    averaged over the anchors that have a positive.

    Args:
        projections: ``[batch, views, dims]``, any scale: they are L2-normalised here.
        labels: ``[batch]``, one class id per image.
        temperature: t, above 0.
        base_temperature: multiplies the loss by ``temperature / base_temperature`` when given, as
            HobbitLong/SupContrast does with 0.07; None leaves it unscaled.

    Returns:
        a scalar, 0 or more.

    Raises:
        ValueError: shapes do not fit, a temperature is not positive, or no anchor has a positive (one view and no
            class twice in the batch), where the loss would be 0 / 0.

    Source: Khosla et al. 2020, equation 2 (L_out), https://arxiv.org/abs/2004.11362.

    Example:
        >>> views = torch.tensor([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])
        >>> round(float(supcon_loss(views, torch.tensor([0, 1]), temperature=0.5)), 4)
        0.2395
    """
    if projections.ndim != 3 or labels.shape != projections.shape[:1]:
        raise ValueError(
            f"projections are {list(projections.shape)} and labels {list(labels.shape)}; "
            "expected [batch, views, dims] and [batch]"
        )
    if temperature <= 0 or (base_temperature is not None and base_temperature <= 0):
        raise ValueError(f"temperatures are {temperature} and {base_temperature}; expected numbers above 0")
    batch, views, dims = projections.shape
    anchors = functional.normalize(projections, dim=-1).reshape(batch * views, dims)
    owners = labels.repeat_interleave(views)
    similarity = anchors @ anchors.T / temperature
    itself = torch.eye(batch * views, dtype=torch.bool, device=projections.device)
    log_probability = similarity - torch.logsumexp(similarity.masked_fill(itself, -torch.inf), dim=1, keepdim=True)
    positives = (owners[:, None] == owners[None, :]) & ~itself
    count = positives.sum(1)
    anchored = count > 0
    if not bool(anchored.any()):
        raise ValueError(
            "no anchor has a positive: one view and no class twice in the batch; "
            "use two views or batches with several images of a class"
        )
    attraction = log_probability.masked_fill(~positives, 0.0).sum(1)[anchored] / count[anchored]
    scale = 1.0 if base_temperature is None else temperature / base_temperature
    return -scale * attraction.mean()


def simclr_loss(projections: Float[Tensor, "batch views dims"], temperature: float) -> Float[Tensor, ""]:
    """NT-Xent, the unsupervised sibling: the only positives of a view are the other views of its own image.

    Args:
        projections: ``[batch, views, dims]``, at least two views, any scale.
        temperature: above 0.

    Returns:
        a scalar, 0 or more.

    Raises:
        ValueError: fewer than two views, or the temperature is not positive.

    Source: Chen et al. 2020, equation 1, https://arxiv.org/abs/2002.05709.

    Example:
        >>> views = torch.tensor([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])
        >>> round(float(simclr_loss(views, temperature=0.5)), 4)
        0.2395
    """
    return supcon_loss(projections, torch.arange(len(projections), device=projections.device), temperature)
