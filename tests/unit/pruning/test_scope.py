"""Which tensors are pruned."""

from __future__ import annotations

from torch import nn

from piescope.models.wide_resnet import WideResNet
from piescope.pruning.scope import prunable_parameters


def test_which_tensors() -> None:
    model = WideResNet(10, 1, 10, 1)
    weights = set(prunable_parameters(model))
    assert "head.weight" in weights
    assert "head.bias" not in weights
    assert not any("norm" in name for name in weights)
    assert set(prunable_parameters(model, biases=True)) - weights == {"head.bias"}
    assert set(prunable_parameters(model, biases=True, part="head")) == {"head.weight", "head.bias"}
    assert set(prunable_parameters(model, part="encoder")) == weights - {"head.weight"}


def test_a_weight_that_layers_share_is_named_once() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3))
    net[2].weight = net[0].weight
    assert list(prunable_parameters(net, biases=True)) == ["0.weight", "0.bias", "1.weight", "1.bias", "2.bias"]
