"""Contrastive losses as pure functions: SupCon (Khosla et al. 2020) and SimCLR (Chen et al. 2020)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Integer
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

DENSE = 1024
"""Anchors up to which the matrix of all similarities is held: finished studies had no more, and keep their bits."""

TILE_CPU, TILE = 512, 4096
"""Anchors along a tile of that matrix where it is not held: one that stays in a core's cache, or that fills a GPU."""


def supcon_loss(
    projections: Float[Tensor, "batch views dims"],
    labels: Integer[Tensor, " batch"],
    temperature: float,
    base_temperature: float | None = None,
) -> Float[Tensor, ""]:
    """Supervised contrastive loss: every view of an image is drawn to all other views of its class.

    For anchor i with positives P(i) among all other projections A(i):
    ``L_i = -1/|P(i)| * sum_{p in P(i)} log( exp(z_i.z_p / t) / sum_{a in A(i)} exp(z_i.z_a / t) )``,
    averaged over the anchors that have a positive. Computed in float32, or float64 where projections are, also under
    autocast. Up to 1,024 anchors (images x views) by the matrix of all similarities; beyond by its tiles, again for the
    gradient: memory grows with the anchors, not with their square, and there is no second derivative (a RuntimeError
    under ``create_graph=True``). With two views
    or more the host waits for nothing; with one it asks the device whether any anchor has a positive.

    Args:
        projections: ``[batch, views, dims]``, of a length from 1e-12 to 1e19: they are L2-normalised here, in float32.
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
    _check_tensors(projections=projections, labels=labels)
    if projections.ndim != 3 or labels.shape != projections.shape[:1]:
        raise ValueError(
            f"projections are {list(projections.shape)} and labels {list(labels.shape)}; "
            "expected [batch, views, dims] and [batch]"
        )
    if not temperature > 0 or not (base_temperature is None or base_temperature > 0):
        raise ValueError(f"temperatures are {temperature} and {base_temperature}; expected numbers above 0")
    batch, views, _ = projections.shape
    with torch.autocast(projections.device.type, enabled=False):  # half precision is too coarse for similarities
        exact = projections.to(torch.promote_types(projections.dtype, torch.float32))
        anchors = functional.normalize(exact, dim=-1).flatten(0, 1)
        attraction, count = (_dense if len(anchors) <= DENSE else _tiled)(anchors, labels, views, temperature)
        if views < 2 or not batch:  # else each view has the others of its image
            anchored = count > 0
            if not bool(anchored.any()):
                raise ValueError(
                    "no anchor has a positive: one view and no class twice in the batch; "
                    "use two views or batches with several images of a class"
                )
            attraction, count = attraction[anchored], count[anchored]
        scale = 1.0 if base_temperature is None else temperature / base_temperature
        return -scale * (attraction / count).mean()


def _check_tensors(**given: Any) -> None:
    for name, value in given.items():
        if not isinstance(value, Tensor):
            raise ValueError(f"{name}: a {type(value).__name__}; expected a tensor of torch")


def _dense(anchors: Tensor, labels: Tensor, views: int, temperature: float) -> tuple[Tensor, Tensor]:
    """For each anchor the sum of log-probabilities over its positives, and their number, by the whole matrix."""
    # in place where gradients need no more of it, and a mask that is multiplied by: each other pass is longer
    similarity = (anchors @ anchors.T).div_(temperature).fill_diagonal_(-torch.inf)
    log_probability = (similarity + -torch.logsumexp(similarity, dim=1, keepdim=True)).fill_diagonal_(0.0)
    same = (labels[:, None] == labels).to(anchors.dtype).repeat_interleave(views, dim=1)
    positives = same.repeat_interleave(views, dim=0).fill_diagonal_(0.0)
    return (log_probability * positives).sum(1), positives.sum(1)


def _tiled(anchors: Tensor, labels: Tensor, views: int, temperature: float) -> tuple[Tensor, Tensor]:
    """The same: similarities to positives add up to one with their sum, so only the denominator needs all pairs."""
    each = anchors.unflatten(0, (-1, views))
    ordered = labels.sort().values
    first = torch.searchsorted(ordered, labels)  # the number of its class, below that of images
    images = torch.searchsorted(ordered, labels, right=True) - first
    # a class may have all anchors, and float32 would round their sum too much
    sums = torch.zeros_like(each[:, 0], dtype=torch.float64)
    sums = sums.index_put((first,), each.sum(1).double(), accumulate=True)
    others = sums[first].to(anchors.dtype)[:, None] - each
    count = (images * views - 1).repeat_interleave(views)
    denominator: Tensor = _Denominator.apply(anchors, temperature)  # type: ignore[no-untyped-call]
    return (others * each).sum(-1).flatten() / temperature - count * denominator, count


class _Denominator(Function):
    """For each anchor the log of its sum over all others; tiles of similarities are made anew for the gradient.

    The matrix is symmetric, so a tile above the diagonal stands for the one below.
    """

    @staticmethod
    def forward(context: Any, anchors: Tensor, temperature: float) -> Tensor:
        total = anchors.new_full((len(anchors),), -torch.inf)
        for rows, columns, tile in _tiles(anchors, temperature):
            total[rows] = torch.logaddexp(total[rows], tile.logsumexp(1))
            if rows != columns:
                total[columns] = torch.logaddexp(total[columns], tile.logsumexp(0))
        context.save_for_backward(anchors, total)
        context.temperature = temperature
        return total

    @staticmethod
    def backward(context: Any, weights: Tensor) -> tuple[Tensor, None]:
        if torch.is_grad_enabled():  # by create_graph=True; torch's once_differentiable would go on without a word
            raise RuntimeError(f"a loss of more than {DENSE:,} anchors has no second derivative: take fewer")
        anchors, total = context.saved_tensors
        gradient = torch.zeros_like(anchors)
        for rows, columns, tile in _tiles(anchors, context.temperature):
            both = (tile - total[rows, None]).exp_().mul_(weights[rows, None])
            both.addcmul_(tile.sub_(total[columns]).exp_(), weights[columns])
            gradient[rows].addmm_(both, anchors[columns])
            if rows != columns:
                gradient[columns].addmm_(both.T, anchors[rows])
        return gradient / context.temperature, None


def _tiles(anchors: Tensor, temperature: float) -> Iterator[tuple[slice, slice, Tensor]]:
    """Rows, columns and similarities of each tile on and above the diagonal; an anchor's to itself is -inf."""
    side, scaled = TILE_CPU if anchors.device.type == "cpu" else TILE, anchors / temperature
    for row in range(0, len(anchors), side):
        for column in range(row, len(anchors), side):
            rows, columns = slice(row, row + side), slice(column, column + side)
            tile = scaled[rows] @ anchors[columns].T
            yield rows, columns, tile if row < column else tile.fill_diagonal_(-torch.inf)


def simclr_loss(projections: Float[Tensor, "batch views dims"], temperature: float) -> Float[Tensor, ""]:
    """NT-Xent, the unsupervised sibling: the only positives of a view are the other views of its own image.

    Args:
        projections: ``[batch, views, dims]``, at least two views, of lengths as in `supcon_loss`.
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
    _check_tensors(projections=projections)
    if projections.ndim != 3 or projections.shape[1] < 2:
        raise ValueError(
            f"projections are {list(projections.shape)}; expected [batch, views, dims] of two views or more"
        )
    return supcon_loss(projections, torch.arange(len(projections), device=projections.device), temperature)
