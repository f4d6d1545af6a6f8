"""Masks against torch.nn.utils.prune."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
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


@pytest.mark.parametrize(
    "weights", [np.array([-128, 1, 50, 3], np.int8), torch.tensor([-128, 1, 50, 3], dtype=torch.int8)]
)
def test_the_least_whole_number_is_the_largest_magnitude(weights: Any) -> None:
    assert magnitude_masks({"w": weights}, 0.25)["w"].tolist() == [True, False, True, True]


def test_arrays_that_lie_in_any_way_are_ranked() -> None:
    plain = np.array([0.1, -3.0, 0.2, 2.0])
    still = plain.copy()
    still.flags.writeable = False
    assert magnitude_masks({"w": plain[::-1]}, 0.5)["w"].tolist() == [True, False, True, False]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert magnitude_masks({"w": still}, 0.5)["w"].tolist() == [False, True, False, True]
    for kind in (np.uint16, bool):
        assert magnitude_masks({"w": np.array([0, 1, 1], kind)}, 0.4)["w"].tolist() == [False, True, True]
