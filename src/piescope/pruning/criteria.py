"""Criteria: a score for every weight; the lowest scores are pruned first. A new criterion is one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Generator, Tensor

from piescope.pruning.method import CriterionName

Criterion = Callable[[Mapping[str, Tensor], Generator], dict[str, Tensor]]


def magnitude(parameters: Mapping[str, Tensor], generator: Generator) -> dict[str, Tensor]:
    """The absolute value of each weight (Zhu and Gupta 2017; Paganini and Forde 2020)."""
    del generator
    real = {name: tensor.detach() for name, tensor in parameters.items()}
    # the least whole number of a type has no absolute value in it
    return {name: (each if each.is_floating_point() else each.double()).abs() for name, each in real.items()}


def random(parameters: Mapping[str, Tensor], generator: Generator) -> dict[str, Tensor]:
    """A uniform draw for each weight: the control that knows nothing of the network."""
    return {
        name: torch.rand(tensor.shape, generator=generator, device=generator.device).to(tensor.device)
        for name, tensor in parameters.items()
    }


CRITERIA: dict[CriterionName, Criterion] = {"magnitude": magnitude, "random": random}
