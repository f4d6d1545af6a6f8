"""Data on the device as one tensor, and the order in which a training epoch walks through it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Generator, Tensor


def epoch_batches(
    examples: int,
    batch_size: int,
    generator: Generator,
    drop_last: bool = False,
    device: torch.device | None = None,
) -> Iterator[Int64[Tensor, " batch"]]:
    """Shuffles ``range(examples)`` and yields it in batches; the last, smaller one too unless drop_last.

    The order goes to the device (None: the generator's) as a whole, and the host does not wait for it.

    Example:
        >>> batches = list(epoch_batches(5, 2, torch.Generator().manual_seed(0)))
        >>> [len(batch) for batch in batches], sorted(torch.cat(batches).tolist())
        ([2, 2, 1], [0, 1, 2, 3, 4])
    """
    order = torch.randperm(examples, generator=generator, device=generator.device)
    order = order.to(device or order.device, non_blocking=True)
    for start in range(0, examples, batch_size):
        batch = order[start : start + batch_size]
        if len(batch) == batch_size or not drop_last:
            yield batch


def as_tensor(images: UInt8[np.ndarray, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """Images as a tensor that is not to be written to: those that are mapped from a file cannot be.

    Example:
        >>> as_tensor(np.zeros((2, 1, 8, 8), np.uint8)).shape
        torch.Size([2, 1, 8, 8])
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(images)


def to_unit(images: UInt8[Tensor, "*batch channels height width"]) -> Float[Tensor, "*batch channels height width"]:
    """uint8 0..255 to float32 0..1."""
    return images.to(torch.float32) / 255


def normalise(
    images: Float[Tensor, "*batch channels height width"], mean: tuple[float, ...], std: tuple[float, ...]
) -> Float[Tensor, "*batch channels height width"]:
    """Subtracts the mean and divides by the std of each channel (both on the 0..1 scale)."""
    centre, spread = (_of_channels(each, images.dtype, images.device) for each in (mean, std))
    return (images - centre) / spread


@lru_cache(maxsize=64)
def _of_channels(numbers: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """On the device once, so that no batch waits for them."""
    return torch.tensor(numbers, dtype=dtype).view(-1, 1, 1).to(device, non_blocking=True)
