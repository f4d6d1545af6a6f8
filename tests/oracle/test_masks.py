"""Masks against torch.nn.utils.prune."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from piescope.pruning.masks import magnitude_masks
from piescope.pruning.scope import prunable_parameters


def network(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(32, 10))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.5, 0.9, 0.95, 0.99, 1.0])
def test_global(seed: int, sparsity: float) -> None:
    model = network(seed)
    ours = magnitude_masks(prunable_parameters(model, biases=True), sparsity, "global")
    pairs = [(model[0], "weight"), (model[0], "bias"), (model[4], "weight"), (model[4], "bias")]
    prune.global_unstructured(pairs, pruning_method=prune.L1Unstructured, amount=sparsity)
    for index, (module, name) in zip((0, 0, 4, 4), pairs, strict=True):
        assert torch.equal(ours[f"{index}.{name}"], getattr(module, f"{name}_mask").bool())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.5, 0.9, 0.95, 0.99, 1.0])
def test_layer(seed: int, sparsity: float) -> None:
    model = network(seed)
    ours = magnitude_masks(prunable_parameters(model), sparsity, "layer")
    for index in (0, 4):
        prune.l1_unstructured(model[index], "weight", amount=sparsity)
        assert torch.equal(ours[f"{index}.weight"], model[index].weight_mask.bool())
