"""From a model's description to its parameters, points and cost."""

from __future__ import annotations

import pytest
import torch

from piescope.models.build import ModelSpec, flops_per_sample
from piescope.models.probes import probe
from piescope.models.wide_resnet import WideResNet

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
