"""What stands on an encoder for a while: the projection head of contrastive training."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn


class ProjectionHead(nn.Module):
    """Linear, ReLU, Linear: thrown away after contrastive training (the paper: 128-128-128).

    Its output is not normalised here: the contrastive losses do that.

    Args:
        dims: length of the representation.
        hidden: width of the hidden layer.
        outputs: length of a projection.
        generator: the initial weights' only randomness (torch's Linear defaults otherwise).

    Example:
        >>> ProjectionHead(128, 128, 128)(torch.zeros(4, 128)).shape
        torch.Size([4, 128])
    """

    def __init__(self, dims: int, hidden: int, outputs: int, generator: Generator | None = None) -> None:
        with torch.random.fork_rng(devices=[]):
            super().__init__()
            self.hidden = nn.Linear(dims, hidden)
            self.relu = nn.ReLU()
            self.output = nn.Linear(hidden, outputs)
        for layer in (self.hidden, self.output):
            bound = layer.in_features**-0.5
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)

    def forward(self, features: Float[Tensor, "batch dims"]) -> Float[Tensor, "batch outputs"]:
        """Representations to projections."""
        return self.output(self.relu(self.hidden(features)))
