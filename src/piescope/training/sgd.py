"""Stochastic gradient descent by torch's own functions, in a process that loads no compiler for it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.sgd import sgd

from piescope.training.recipe import Training


class Sgd:
    """What `torch.optim.SGD` does, to the bit, as it calls the same function.

    That class itself loads torch's compiler when the first one is made, which takes a worker most of a second.

    Args:
        parameters: what is moved.
        recipe: momentum, its kind, and weight decay.
        is_fused: one operation does all, for which each has a gradient from the first step on; else one for each thing
            that is done, to lists of tensors.

    Attributes:
        parameters: as given.
        momenta: of each parameter; None before the first step that had a gradient of it.
        rate: of the next step; a tensor where the host is not to write it.

    Example:
        >>> weight = nn.Parameter(torch.tensor([1.0]))
        >>> moved = Sgd([weight], Training(epochs=1, batch_size=2, learning_rate=0.5, momentum=0.0))
        >>> (weight**2).sum().backward()
        >>> moved.step()
        >>> weight.tolist()
        [0.0]
    """

    def __init__(self, parameters: Iterable[nn.Parameter], recipe: Training, is_fused: bool = False) -> None:
        self.parameters = list(parameters)
        self.momenta: list[Tensor | None] = [None] * len(self.parameters)
        self.rate: float | Tensor = recipe.learning_rate
        self._recipe, self._is_fused = recipe, is_fused

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Moves each parameter that has a gradient."""
        gradients = [parameter.grad for parameter in self.parameters]
        places = [place for place, gradient in enumerate(gradients) if gradient is not None]
        momenta = [self.momenta[place] for place in places]
        sgd(
            [self.parameters[place] for place in places],
            [gradient for gradient in gradients if gradient is not None],
            momenta,
            foreach=not self._is_fused,
            fused=self._is_fused,
            weight_decay=self._recipe.weight_decay,
            momentum=self._recipe.momentum,
            lr=self.rate,  # type: ignore[arg-type]
            dampening=0.0,
            nesterov=self._recipe.nesterov,
            maximize=False,
        )
        for place, momentum in zip(places, momenta, strict=True):
            self.momenta[place] = momentum
