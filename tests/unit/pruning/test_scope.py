"""Which tensors are pruned."""

from __future__ import annotations

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
