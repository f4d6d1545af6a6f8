"""The pruner of one training: what is pruned stays at 0, and what may come back comes back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from piescope.models.wide_resnet import WideResNet
from piescope.pruning.masks import target_zeros
from piescope.pruning.pruner import Pruner
from piescope.pruning.schedules import Gradual
from piescope.pruning.scope import prunable_parameters


def layer(weights: list[float]) -> nn.Linear:
    linear = nn.Linear(len(weights), 1, bias=False)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([weights]))
    return linear


def test_masked_weights_stay_exactly_zero_through_momentum_and_decay() -> None:
    torch.manual_seed(0)
    model = WideResNet(10, 1, 10, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=0.01)
    schedule = Gradual(begin=2, end=8, frequency=2)
    pruner = Pruner(prunable_parameters(model, biases=True), scope="layer", schedule=schedule, final=0.8)
    gone: dict[str, torch.Tensor] = {}
    for step in range(1, 13):
        pruner.before_step(step)
        nn.functional.cross_entropy(model(torch.rand(8, 1, 8, 8)), torch.arange(8)).backward()
        pruner.after_backward()
        optimizer.step()
        optimizer.zero_grad()
        pruner.hold()
        for name, parameter in pruner.parameters.items():
            assert bool((parameter[~pruner.masks[name]] == 0).all())
            if name in gone:
                assert bool((parameter[gone[name]] == 0).all())  # never grows back
            gone[name] = ~pruner.masks[name]
    for name, parameter in pruner.parameters.items():
        assert int((~pruner.masks[name]).sum()) == target_zeros(0.8, parameter.numel())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_what_is_pruned_is_plus_zero_whatever_it_was_and_the_rest_stays_to_the_bit(dtype: torch.dtype) -> None:
    linear = layer([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).to(dtype)
    pruner = Pruner({"weight": linear.weight})
    pruner.prune(0.5)
    linear.weight.grad = torch.tensor([[-1.0, torch.nan, -torch.inf, -0.0, -2.5, torch.inf]], dtype=dtype)
    pruner.after_backward()
    assert linear.weight.grad.tolist() == [[0.0, 0.0, 0.0, 0.0, -2.5, torch.inf]]
    assert torch.signbit(linear.weight.grad).tolist() == [[False, False, False, True, True, False]]
    with torch.no_grad():
        linear.weight.fill_(-3.0)
    pruner.hold()
    assert linear.weight.tolist() == [[0.0, 0.0, 0.0, -3.0, -3.0, -3.0]] and not torch.signbit(linear.weight[0, 0])


@pytest.mark.parametrize("criterion", ["magnitude", "random"])
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_gradual_masks_are_nested(criterion: str, scope: str) -> None:
    model = WideResNet(10, 1, 10, 1, torch.Generator().manual_seed(0))
    pruner = Pruner(
        prunable_parameters(model), criterion=criterion, scope=scope,  # type: ignore[arg-type]
        generator=torch.Generator().manual_seed(1),
    )  # fmt: skip
    before = pruner.masks
    for sparsity in (0.1, 0.4, 0.4, 0.9):
        pruner.prune(sparsity)
        assert all(bool((before[name] | ~pruner.masks[name]).all()) for name in before)
        before = pruner.masks
        with torch.no_grad():  # what is left moves, and may shrink below what is gone
            for parameter in pruner.parameters.values():
                parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)) * 0.1)
        pruner.hold()


def test_regrowth_brings_weights_back_with_their_old_value() -> None:
    linear = layer([1.0, 2.0, 3.0, 4.0])
    pruner = Pruner({"weight": linear.weight}, regrowth=True)
    pruner.prune(0.5)
    assert linear.weight.tolist() == [[0, 0, 3, 4]]
    with torch.no_grad():
        linear.weight[0, 2] = 0.5  # trained away: now weaker than the dormant 1 and 2
    pruner.prune(0.5)
    assert linear.weight.tolist() == [[0, 2, 0, 4]]
    pruner.prune(0.75)
    assert linear.weight.tolist() == [[0, 0, 0, 4]]
    assert pruner._dormant["weight"].tolist() == [[1, 2, 0.5, 0]]


def test_without_regrowth_weights_never_come_back() -> None:
    linear = layer([1.0, 2.0, 3.0, 4.0])
    pruner = Pruner({"weight": linear.weight})
    pruner.prune(0.5)
    with torch.no_grad():
        linear.weight[0, 2] = 0.0  # as small as what is gone
    pruner.prune(0.5)
    assert pruner.masks["weight"].tolist() == [[False, False, True, True]]


def test_a_checkpoint_is_a_plain_state_dict() -> None:
    model = WideResNet(10, 1, 10, 1, torch.Generator().manual_seed(0))
    Pruner(prunable_parameters(model)).prune(0.9)
    unpruned = WideResNet(10, 1, 10, 1)
    unpruned.load_state_dict(model.state_dict())  # strict
    images = torch.rand(4, 1, 8, 8)
    assert torch.equal(model.eval()(images), unpruned.eval()(images))


@pytest.mark.parametrize("counting", ["total", "remaining"])
def test_what_is_pruned_does_not_come_back_by_asking_for_less(counting: Any) -> None:
    weights = nn.Parameter(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    pruner = Pruner({"w": weights}, counting=counting)
    pruner.prune(0.75)
    pruner.prune(0.75)
    with pytest.raises(ValueError, match=r"sparsity is 0\.25 after 0\.75"):
        pruner.prune(0.25)
    assert int(pruner.masks["w"].sum()) == 1
    regrown = Pruner({"w": nn.Parameter(torch.tensor([1.0, 2.0, 3.0, 4.0]))}, regrowth=True)
    regrown.prune(0.75)
    regrown.prune(0.25)
    assert regrown.parameters["w"].tolist() == [0.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    "option",
    [{"criterion": "magnitud"}, {"scope": "globl"}, {"counting": "remainig"}, {"ranked": "last"}, {"regrowth": "no"}, {"final": 90}, {"schedule": "nonsense"},
     {"final": 0.9}, {"final": 0.0, "schedule": Gradual(begin=1, end=3, frequency=1)}],
)  # fmt: skip
def test_options_that_there_are_none_of_are_refused_at_once(option: dict[str, Any]) -> None:
    name = next(iter(option))
    with pytest.raises(ValueError, match=f"{name} is .*expected"):
        Pruner({"w": nn.Parameter(torch.ones(4))}, **option)


@pytest.mark.parametrize(
    "wrong",
    [nn.Linear(2, 2), [("w", torch.ones(3))], {"w": np.ones(3)}, {"w": torch.ones(3, dtype=torch.cfloat)}, {"w": torch.arange(3)}],
    ids=["a module", "pairs", "an array", "complex", "whole numbers"],
)  # fmt: skip
def test_what_are_no_weights_by_name_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        Pruner(wrong)


def test_one_tensor_under_two_names_is_refused() -> None:
    shared = nn.Parameter(torch.randn(10))
    with pytest.raises(ValueError, match="emb and out are one tensor"):
        Pruner({"emb": shared, "out": shared})
    halves = torch.randn(10).split(5)
    Pruner(dict(zip("ab", halves, strict=True)))  # parts of one that do not meet


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("regrowth", [False, True])
@pytest.mark.parametrize("ranked", ["current", "last_forward"])
def test_it_follows_a_model_that_is_cast(dtype: torch.dtype, regrowth: bool, ranked: Any) -> None:
    net = nn.Conv2d(3, 5, 1)
    pruner = Pruner({"w": net.weight}, regrowth=regrowth, ranked=ranked)
    pruner.prune(0.4)
    gone = net.weight == 0
    net.to(dtype)
    with torch.no_grad():
        net.weight.add_(1)
    net(torch.ones(2, 3, 4, 4, dtype=dtype)).sum().backward()
    pruner.after_backward()
    pruner.hold()
    assert torch.equal(net.weight == 0, gone) and torch.equal(net.weight.grad == 0, gone)
    pruner.prune(0.8)
    assert int((net.weight == 0).sum()) == 12


@pytest.mark.parametrize(("grid", "last"), [("begin", 30), ("multiples", 25)])
def test_made_when_its_schedule_is_over_it_prunes_once_to_where_that_ended(grid: Any, last: int) -> None:
    schedule = Gradual(begin=3, end=last + (grid == "multiples"), frequency=5, grid=grid)
    weights = [nn.Parameter(torch.randn(1000)) for _ in range(2)]
    whole, late = (Pruner({"w": each}, schedule=schedule, final=0.9) for each in weights)
    for step in range(1, 40):
        whole.before_step(step)
    with torch.no_grad():
        weights[1].copy_(weights[0])  # a checkpoint of it
    assert [late.is_due(step) for step in (35, 36)] == [True, True]
    late.before_step(35)
    assert torch.equal(late.masks["w"], whole.masks["w"])
    assert not late.is_due(36) and not whole.is_due(36)


def test_a_former_state_goes_on_to_the_bit() -> None:
    def trained(steps: range, pruner: Pruner, optimizer: torch.optim.Optimizer) -> None:
        weights = pruner.parameters["w"]
        for step in steps:
            pruner.before_step(step)
            optimizer.zero_grad()
            (weights - step / 10).square().sum().backward()
            pruner.after_backward()
            optimizer.step()
            pruner.hold()

    schedule, start = Gradual(begin=2, end=20, frequency=3), torch.linspace(-3, 2, 50)
    made = []
    for stop in (0, 9):
        weights = nn.Parameter(start.clone())
        optimizer = torch.optim.SGD([weights], 0.05)
        pruner = Pruner({"w": weights}, schedule=schedule, final=0.8, regrowth=True)
        trained(range(1, stop + 1), pruner, optimizer)
        again = Pruner({"w": weights}, schedule=schedule, final=0.8, regrowth=True)
        for name, tensor in again.state().items():
            tensor.copy_(pruner.state()[name])
        again.masks_are_set()
        trained(range(stop + 1, 30), again, optimizer)
        made.append(weights.detach())
    assert torch.equal(*made)
