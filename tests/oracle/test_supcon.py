"""supcon_loss, by the whole matrix and by its tiles, against pytorch-metric-learning and formulas written out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pytorch_metric_learning.losses import NTXentLoss, SupConLoss
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from host_reads import HostReads
from piescope.losses import contrastive
from piescope.losses.contrastive import simclr_loss, supcon_loss

TILED = {"the whole matrix": None, "tiles of 5": 5, "one tile": 100}


@pytest.fixture(params=TILED)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small batches by the whole matrix, as they are, and by tiles, as only large ones are."""
    if (side := TILED[request.param]) is not None:
        tiled(monkeypatch, side)


def tiled(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    monkeypatch.setattr(contrastive, "DENSE", 0)
    monkeypatch.setattr(contrastive, "TILE_CPU", side)


def drawn(batch: int, views: int, dims: int, classes: int, **kind: Any) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(batch + views)
    labels = torch.randint(-classes, classes or 1, (batch,), generator=generator) * 10**9
    return torch.randn(batch, views, dims, generator=generator, **kind).requires_grad_(), labels


def written_out(projections: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Equation 2 of Khosla et al. with all pairs at once."""
    batch, views, dims = projections.shape
    anchors = functional.normalize(projections.reshape(batch * views, dims), dim=1)
    owners = torch.repeat_interleave(labels, views)
    off_diagonal = 1 - torch.eye(batch * views, dtype=anchors.dtype)
    same = (owners.view(-1, 1) == owners.view(1, -1)).to(anchors.dtype) * off_diagonal
    similarity = anchors.mm(anchors.T) / temperature
    denominator = (similarity.exp() * off_diagonal).sum(1, keepdim=True).log()
    has_one = same.sum(1) > 0
    return -((same * (similarity - denominator)).sum(1)[has_one] / same.sum(1)[has_one]).mean()


def assert_same(ours: Tensor, theirs: Tensor, projections: Tensor, within: float = 1e-5) -> None:
    """In value, and in the gradient as a share of its largest entry."""
    (our_gradient,), (their_gradient,) = (torch.autograd.grad(loss, projections) for loss in (ours, theirs))
    assert float((ours - theirs).detach().abs()) <= within
    assert float((our_gradient - their_gradient).abs().max() / their_gradient.abs().max()) <= within


@pytest.mark.usefixtures("form")
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


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_simclr(temperature: float) -> None:
    projections = torch.randn(7, 2, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    theirs = NTXentLoss(temperature=temperature)(projections.flatten(0, 1), torch.arange(7).repeat_interleave(2))
    torch.testing.assert_close(simclr_loss(projections, temperature), theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("form")
def test_base_temperature_rescales() -> None:
    projections = torch.randn(6, 2, 4, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    plain = supcon_loss(projections, labels, 0.5)
    torch.testing.assert_close(supcon_loss(projections, labels, 0.5, base_temperature=0.07), plain * (0.5 / 0.07))


@pytest.mark.usefixtures("form")
def test_anchors_without_positives_are_left_out() -> None:
    projections = torch.randn(3, 1, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    labels = torch.tensor([0, 0, 1])  # the third image has no positive
    theirs = SupConLoss(temperature=0.5)(projections[:, 0], labels)
    torch.testing.assert_close(supcon_loss(projections, labels, 0.5), theirs)


@pytest.mark.usefixtures("form")
def test_scale_of_projections_does_not_matter() -> None:
    projections = torch.randn(6, 2, 4, generator=torch.Generator().manual_seed(3))
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    torch.testing.assert_close(supcon_loss(projections * 100, labels, 0.1), supcon_loss(projections, labels, 0.1))


@pytest.mark.parametrize(
    ("batch", "views", "classes"),
    [(301, 1, 40), (301, 1, 200), (150, 2, 0), (150, 2, 5), (150, 2, 10_000), (101, 3, 4)],
)
@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_tiles_are_the_whole_matrix(
    batch: int, views: int, classes: int, temperature: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float32; one class (0), many, anchors without a positive, more classes than images."""
    projections, labels = drawn(batch, views, 16, classes)
    tiled(monkeypatch, 64)
    assert_same(
        supcon_loss(projections, labels, temperature), written_out(projections, labels, temperature), projections
    )
    if views == 2:
        rows = torch.arange(batch)
        assert_same(simclr_loss(projections, temperature), written_out(projections, rows, temperature), projections)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("views", [1, 2, 3])
@pytest.mark.parametrize("classes", [1, 3, 20])
def test_the_gradient_is_that_of_the_value(views: int, classes: int) -> None:
    projections, labels = drawn(6, views, 3, classes, dtype=torch.float64)
    labels[:2] = 5  # some anchor has a positive
    assert torch.autograd.gradcheck(lambda each: supcon_loss(each, labels, 0.5), projections)
    if views > 1:
        assert torch.autograd.gradcheck(lambda each: simclr_loss(each, 0.5), projections)


def test_large_batches_go_by_tiles_and_make_no_matrix() -> None:
    projections, labels = drawn(1025, 2, 8, 5)
    made: list[int] = []

    class Sizes(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            made.extend(each.numel() for each in tree_leaves(result) if isinstance(each, Tensor))
            return result

    with Sizes():
        supcon_loss(projections, labels, 0.1).backward()
    assert max(made) == contrastive.TILE_CPU**2 < 2050**2 / 10
    gradient, projections.grad = projections.grad, None
    loss = written_out(projections, labels, 0.1)
    loss.backward()
    assert gradient is not None and projections.grad is not None
    assert float((gradient - projections.grad).abs().max() / projections.grad.abs().max()) <= 1e-5


def test_a_large_class_that_has_collapsed() -> None:
    """Where float32 would add up thousands of equal numbers."""
    projections = torch.tensor([0.1, 0.7, -0.3]).expand(4000, 2, 3)
    loss = supcon_loss(projections, torch.zeros(4000, dtype=torch.long), 0.07)
    assert float(loss) == pytest.approx(math.log(7999), abs=1e-5)


@pytest.mark.parametrize(("batch", "views"), [(50, 2), (64, 2), (100, 2), (128, 2), (512, 2), (60, 1)])
def test_batches_of_finished_studies_keep_their_bits(batch: int, views: int) -> None:
    """The operations that they were made with, in their order."""
    projections, labels = drawn(batch, views, 64, 10)
    anchors = functional.normalize(projections, dim=-1).reshape(batch * views, 64)
    owners = labels.repeat_interleave(views)
    similarity = anchors @ anchors.T / 0.1
    itself = torch.eye(batch * views, dtype=torch.bool)
    log_probability = similarity - torch.logsumexp(similarity.masked_fill(itself, -torch.inf), dim=1, keepdim=True)
    positives = (owners[:, None] == owners[None, :]) & ~itself
    count = positives.sum(1)
    before = -(log_probability.masked_fill(~positives, 0.0).sum(1)[count > 0] / count[count > 0]).mean()
    assert_same(supcon_loss(projections, labels, 0.1), before, projections, within=0.0)


def test_up_to_1024_anchors_there_is_a_second_derivative() -> None:
    projections, labels = drawn(4, 2, 3, 2, dtype=torch.float64)
    assert torch.autograd.gradgradcheck(lambda each: supcon_loss(each, labels, 0.5), projections)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize(("batch", "views"), [(3, 1), (1, 1), (0, 2), (2, 0)])
def test_a_batch_without_a_positive_is_refused(batch: int, views: int) -> None:
    with pytest.raises(ValueError, match="no anchor has a positive"):
        supcon_loss(torch.ones(batch, views, 4), torch.arange(batch), 0.5)


@pytest.mark.usefixtures("form")
def test_with_two_views_the_host_reads_nothing() -> None:
    projections, labels = drawn(12, 2, 4, 3)
    with HostReads() as reads:
        supcon_loss(projections, labels, 0.5, base_temperature=0.07).backward()
        simclr_loss(projections, 0.5).backward()
    assert not reads.seen
    with HostReads() as reads:
        supcon_loss(projections[:, :1], torch.zeros(12, dtype=torch.long), 0.5)
    assert reads.seen["_local_scalar_dense"] == 1  # whether there is a positive


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.usefixtures("form")
def test_on_a_gpu_nothing_waits_and_the_value_is_that_of_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrastive, "TILE", contrastive.TILE_CPU)
    projections, labels = drawn(12, 2, 4, 3)
    there = projections.detach().cuda().requires_grad_(), labels.cuda()
    supcon_loss(*there, 0.1).backward()  # libraries are loaded at first use
    torch.cuda.set_sync_debug_mode("error")
    try:
        loss = supcon_loss(*there, 0.1)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert float(loss) == pytest.approx(float(supcon_loss(projections, labels, 0.1)), abs=1e-5)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("make", [torch.Tensor.half, torch.Tensor.bfloat16])
def test_half_precision_ends_at_the_projections(make: Callable[[Tensor], Tensor]) -> None:
    projections, labels = make(drawn(12, 2, 4, 3)[0]), drawn(12, 2, 4, 3)[1]
    whole = projections.detach().float().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        loss = supcon_loss(projections, labels, 0.07)
        same = supcon_loss(whole, labels, 0.07)
    assert loss.dtype == torch.float32
    assert loss == same
    assert_same(same, written_out(whole, labels, 0.07), whole)


def test_beyond_1024_anchors_a_second_derivative_is_refused_and_not_wrong() -> None:
    projections = torch.randn(600, 2, 4, dtype=torch.float64, requires_grad=True)
    loss = supcon_loss(projections, torch.arange(600) % 10, 0.5)
    with pytest.raises(RuntimeError, match="no second derivative"):
        torch.autograd.grad(loss, projections, create_graph=True)
    loss = supcon_loss(projections, torch.arange(600) % 10, 0.5)
    assert torch.autograd.grad(loss, projections)[0].isfinite().all()
