"""`measure.neighbours.knn_labels` where the network is, by torch's products of matrices. The same labels."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from piescope.measure.neighbours import labels_of_nearest

TILE = (4096, 16384)
"""Queries and points of the bank whose distances a GPU holds at once: 256 MB."""


def knn_labels_on(
    device: str,
    bank: Float[np.ndarray, "n d"],
    bank_labels: Int64[np.ndarray, " n"],
    queries: Float[np.ndarray, "m d"],
    k: int = 30,
) -> Int64[np.ndarray, " m"]:
    """The label of each query by the majority of its k nearest neighbours in the bank, computed on a device.

    Exact, Euclidean, in float32 on centred data; of points equally far away the first in the bank are taken, and of
    labels with as many votes the smallest.

    Args:
        device: as torch names it.
        bank: ``[n, d]``, labelled points.
        bank_labels: ``[n]``, their class ids.
        queries: ``[m, d]``, points to label.
        k: neighbours, 1 to n.

    Returns:
        ``[m]``, class ids.

    Raises:
        ValueError: a coordinate is NaN or infinite.

    Example:
        >>> bank, labels = np.array([[0.0], [1.0], [9.0]]), np.array([1, 1, 0])
        >>> knn_labels_on("cpu", bank, labels, np.array([[0.4], [8.0]]), k=1).tolist()
        [1, 0]
    """
    if torch.device(device).type == "cpu":
        return labels_of_nearest(bank, bank_labels, queries, k, product)
    return knn_labels_by_tiles(device, bank, bank_labels, queries, k)


@torch.no_grad()
def product(rows: np.ndarray, columns: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """A `Multiplied` by oneDNN, twice as fast as other libraries on processors whose maker is not theirs."""
    given = [torch.from_numpy(values) for values in (rows, columns, offsets)]
    if torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return torch.ops.mkldnn._linear_pointwise(*given, "none", [], "").numpy()
    return torch.addmm(given[2], given[0], given[1].T).numpy()


@torch.no_grad()
def knn_labels_by_tiles(
    device: str,
    bank: Float[np.ndarray, "n d"],
    bank_labels: Int64[np.ndarray, " n"],
    queries: Float[np.ndarray, "m d"],
    k: int,
) -> Int64[np.ndarray, " m"]:
    """The same where choosing is as fast as multiplying, on a GPU; the bank is there as a whole, once."""
    centre = bank.mean(0, dtype=np.float64)
    points, asked = (torch.from_numpy((given - centre).astype(np.float32)).to(device) for given in (bank, queries))
    labels = torch.from_numpy(bank_labels).to(device)
    if not (points.isfinite().all() and asked.isfinite().all()):
        raise ValueError("NaN or infinity among the points; leave the diverged model out")
    squares, num_classes = points.square().sum(1), int(bank_labels.max()) + 1
    found = []
    for block in asked.split(TILE[0]):
        far = torch.full((len(block), k), torch.inf, device=device)
        votes = torch.zeros(len(block), k, dtype=torch.long, device=device)
        for tile, of_tile, square in zip(*(whole.split(TILE[1]) for whole in (points, labels, squares)), strict=True):
            # the square of the query itself is left out: it changes no order
            distances = torch.addmm(square, block, tile.T, alpha=-2)
            far = torch.cat([far, distances], dim=1)
            votes = torch.cat([votes, of_tile.expand(len(block), -1)], dim=1)
            chosen = _smallest(far, k)
            far, votes = far[chosen].view(-1, k), votes[chosen].view(-1, k)
        cells = votes + num_classes * torch.arange(len(block), device=device)[:, None]
        counts = torch.bincount(cells.flatten(), minlength=num_classes * len(block)).view(-1, num_classes)
        found.append(counts.cpu().numpy().argmax(1))
    return np.concatenate(found)


def _smallest(values: Tensor, k: int) -> Tensor:
    """Where the k smallest of each row are; of equal ones the first."""
    last = values.topk(k, dim=1, largest=False).values.amax(1, keepdim=True)
    less, equal = values < last, values == last
    return less | (equal & (equal.cumsum(1) <= k - less.sum(1, keepdim=True)))
