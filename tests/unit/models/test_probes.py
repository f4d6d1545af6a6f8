"""Probes inside any module."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

from piescope.models.probes import probe
from piescope.models.wide_resnet import WideResNet

pytestmark = pytest.mark.shapes


def test_probe_values_are_pooled_module_outputs() -> None:
    model = WideResNet(10, 1, 5, 1).eval()
    images = torch.rand(3, 1, 8, 8)
    first, inside, block, last, softmax, pixels = probe(
        model, images, ["conv1", "stage1.0.relu2", "stage1.0", "relu", "softmax", "input"]
    )
    maps = model.conv1(images)
    torch.testing.assert_close(first, maps.mean((2, 3)))
    unit = model.stage1[0]
    torch.testing.assert_close(inside, unit.relu2(unit.norm2(unit.conv1(unit.relu1(unit.norm1(maps))))).mean((2, 3)))
    torch.testing.assert_close(block, unit(maps).mean((2, 3)))
    torch.testing.assert_close(last, model.features(images))
    torch.testing.assert_close(softmax, torch.softmax(model(images), 1))
    assert torch.equal(pixels, images.flatten(1))


def test_probes_leave_no_hooks_behind_even_on_failure() -> None:
    class Breaks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.layer(x)
            raise RuntimeError("broken")

    model = Breaks()
    with pytest.raises(RuntimeError, match="broken"):
        probe(model, torch.rand(1, 2), ["layer"])
    assert not model.layer._forward_hooks


def test_probe_errors_hold_the_cure() -> None:
    model = WideResNet(10, 1, 5, 1)
    with pytest.raises(ValueError, match=r"stage1\.0\.relu2"):
        probe(model, torch.rand(1, 1, 8, 8), ["stage1.0.relu3"])
    with pytest.raises(ValueError, match="repeated"):
        probe(model, torch.rand(1, 1, 8, 8), ["conv1", "conv1"])
    shared = nn.ReLU()
    with pytest.raises(ValueError, match="ran twice"):
        probe(nn.Sequential(shared, nn.Identity(), shared), torch.rand(1, 2), ["0"])


def test_tokens_are_not_averaged_over_the_wrong_axis() -> None:
    with pytest.raises(ValueError, match=r"shape \[2, 7, 3\]"):
        probe(nn.Linear(16, 3), torch.rand(2, 7, 16), [""])


@pytest.mark.parametrize("later", [nn.ReLU(inplace=True), nn.Dropout(0.5, inplace=True)])
def test_what_a_later_layer_does_in_place_is_not_seen(later: nn.Module) -> None:
    with torch.random.fork_rng(devices=[]):  # of some weights no first output is below 0
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 4), later, nn.Linear(4, 2))
    images = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    first, second = probe(net, images, ["0", "1"])
    assert torch.equal(first, net[0](images)) and (first < 0).any()
    assert (later(first.clone()) - second).abs().sum() == 0 or isinstance(later, nn.Dropout)
    changed = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 2))
    assert torch.equal(probe(changed, images.clone(), ["input"])[0], images)


@pytest.mark.parametrize("name", ["input", "softmax"])
def test_a_module_of_a_name_that_stands_for_something_else_is_refused(name: str) -> None:
    net = nn.Sequential(OrderedDict([(name, nn.Linear(3, 3))]))
    with pytest.raises(ValueError, match="rename it to probe"):
        probe(net, torch.zeros(2, 3), [name])
