"""supcon_loss against pytorch-metric-learning: value and gradient."""

from __future__ import annotations

import pytest
import torch
from pytorch_metric_learning.losses import NTXentLoss, SupConLoss

from piescope.losses.contrastive import simclr_loss, supcon_loss


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("temperature", [0.07, 0.5, 1.0])
@pytest.mark.parametrize(("batch", "views", "classes"), [(8, 2, 3), (5, 3, 5), (12, 1, 3)])
def test_value_and_gradient(seed: int, temperature: float, batch: int, views: int, classes: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    projections = torch.randn(batch, views, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.arange(batch) % classes
    ours = supcon_loss(projections, labels, temperature)
    (our_gradient,) = torch.autograd.grad(ours, projections)
    theirs = SupConLoss(temperature=temperature)(projections.flatten(0, 1), labels.repeat_interleave(views))
    (their_gradient,) = torch.autograd.grad(theirs, projections)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(our_gradient, their_gradient, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_simclr(temperature: float) -> None:
    projections = torch.randn(7, 2, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    theirs = NTXentLoss(temperature=temperature)(projections.flatten(0, 1), torch.arange(7).repeat_interleave(2))
    torch.testing.assert_close(simclr_loss(projections, temperature), theirs, rtol=1e-9, atol=1e-9)


def test_base_temperature_rescales() -> None:
    projections = torch.randn(6, 2, 4, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    plain = supcon_loss(projections, labels, 0.5)
    torch.testing.assert_close(supcon_loss(projections, labels, 0.5, base_temperature=0.07), plain * (0.5 / 0.07))


def test_anchors_without_positives_are_left_out() -> None:
    projections = torch.randn(3, 1, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    labels = torch.tensor([0, 0, 1])  # the third image has no positive
    theirs = SupConLoss(temperature=0.5)(projections[:, 0], labels)
    torch.testing.assert_close(supcon_loss(projections, labels, 0.5), theirs)


def test_scale_of_projections_does_not_matter() -> None:
    projections = torch.randn(6, 2, 4, generator=torch.Generator().manual_seed(3))
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    torch.testing.assert_close(supcon_loss(projections * 100, labels, 0.1), supcon_loss(projections, labels, 0.1))
