"""From a model's description to its parameters, points and cost."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from piescope.models.build import ModelSpec, flops_per_sample, parameter_count, weight_count
from piescope.models.probes import probe
from piescope.models.wide_resnet import WideResNet
from piescope.pruning.scope import prunable_parameters

pytestmark = pytest.mark.shapes


def test_the_papers_16_points_by_name_and_dims() -> None:
    points = ModelSpec(depth=16, width=2).corti2022_points()
    assert points == (
        "conv1",
        *(f"stage{s}.{part}" for s in (1, 2, 3) for part in ("0.relu2", "0.conv2", "1.relu2", "1.conv2", "1")),
    )
    model = WideResNet(16, 2, 10, 3).eval()
    held = probe(model, torch.rand(2, 3, 32, 32), points)
    assert [points.shape[1] for points in held] == [16] + [32] * 5 + [64] * 5 + [128] * 5


def test_every_listed_point_can_be_probed() -> None:
    spec = ModelSpec(depth=16, width=1)
    held = probe(spec.build((1, 8, 8), 3, None).eval(), torch.rand(1, 1, 8, 8), spec.points())
    assert len(held) == len(spec.points())


def test_flops_of_wrn_16_2() -> None:
    flops = flops_per_sample(ModelSpec(depth=16, width=2), (3, 32, 32), 10)
    macs, size = 32 * 32 * 16 * 3 * 9, 32
    inputs = 16
    for stage, width in enumerate((32, 64, 128)):
        size = 32 >> stage
        macs += size * size * (width * inputs * 9 + width * width * 9 + width * inputs + 2 * width * width * 9)
        inputs = width
    macs += 128 * 10
    assert flops.forward == 2 * macs
    assert flops.forward_backward / 1e9 == pytest.approx(0.606, abs=0.004)


@pytest.mark.parametrize(
    ("depth", "width", "shape", "classes"),
    [
        (10, 1, (1, 8, 8), 10),
        (10, 2, (3, 1, 1), 2),
        (16, 1, (1, 7, 5), 3),
        (22, 3, (4, 9, 64), 2),
        (28, 10, (3, 33, 17), 100),
    ],
)
def test_a_networks_cost_is_what_torch_counts(
    depth: int, width: int, shape: tuple[int, int, int], classes: int
) -> None:
    model = ModelSpec(depth=depth, width=width)
    with torch.device("meta"):
        network, images = model.build(shape, classes, None).eval(), torch.zeros(1, *shape)
    with FlopCounterMode(display=False) as forward:
        output = network(images)
    with FlopCounterMode(display=False) as backward:
        output.sum().backward()
    flops = flops_per_sample(model, shape, classes)
    assert flops.forward == forward.get_total_flops()
    assert flops.forward_backward == forward.get_total_flops() + backward.get_total_flops()
    assert parameter_count(model, shape, classes) == sum(weights.numel() for weights in network.parameters())
    pruned = prunable_parameters(network).values()
    assert weight_count(model, shape, classes) == sum(weights.numel() for weights in pruned)
    windows = [part for part in network.modules() if isinstance(part, torch.nn.Conv2d)]
    assert [layer.weights for layer in model.convolutions(shape)] == [part.weight.numel() for part in windows]
