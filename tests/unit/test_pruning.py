from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from torch import nn

from piescope.models.wide_resnet import WideResNet
from piescope.pruning.criteria import CRITERIA
from piescope.pruning.masks import magnitude_masks, masks_from_scores, target_zeros
from piescope.pruning.pruner import Pruner
from piescope.pruning.schedules import Gradual
from piescope.pruning.scope import prunable_parameters

values = npst.arrays(np.float32, npst.array_shapes(max_dims=3, max_side=6), elements=st.floats(-2, 2, width=16))


@given(st.lists(values, min_size=1, max_size=3), st.floats(0, 1))
def test_exactly_round_s_n_zeros(tensors: list[np.ndarray], sparsity: float) -> None:
    parameters = {str(index): tensor for index, tensor in enumerate(tensors)}
    total = sum(tensor.size for tensor in tensors)
    everywhere = magnitude_masks(parameters, sparsity, "global")
    assert sum((~mask).sum() for mask in everywhere.values()) == round(sparsity * total)
    each = magnitude_masks(parameters, sparsity, "layer")
    for name, tensor in parameters.items():
        assert (~each[name]).sum() == round(sparsity * tensor.size)
        assert each[name].shape == tensor.shape


@given(st.lists(values, min_size=1, max_size=3), st.floats(0, 1), st.sampled_from(["global", "layer"]))
def test_the_smallest_go_and_ties_fall_by_index(tensors: list[np.ndarray], sparsity: float, scope: str) -> None:
    parameters = {str(index): tensor for index, tensor in enumerate(tensors)}
    masks = magnitude_masks(parameters, sparsity, scope)  # type: ignore[arg-type]
    groups = [list(parameters)] if scope == "global" else [[name] for name in parameters]
    for group in groups:
        ranked = sorted(
            (abs(float(value)), place, name)
            for place, (name, index) in enumerate((name, i) for name in group for i in range(parameters[name].size))
            for value in [parameters[name].ravel()[index]]
        )
        kept = np.concatenate([masks[name].ravel() for name in group])
        gone = {place for _, place, _ in ranked[: round(sparsity * len(ranked))]}
        assert {int(place) for place in np.flatnonzero(~kept)} == gone


@given(st.lists(values, min_size=1, max_size=3), st.lists(st.floats(0, 1), min_size=2, max_size=4))
def test_masks_are_nested_as_sparsity_grows(tensors: list[np.ndarray], sparsities: list[float]) -> None:
    parameters = {str(index): tensor for index, tensor in enumerate(tensors)}
    previous = None
    for sparsity in sorted(sparsities):
        masks = magnitude_masks(parameters, sparsity)
        if previous is not None:
            assert all((previous[name] | ~masks[name]).all() for name in masks)  # what was gone stays gone
        previous = masks


def test_numpy_in_numpy_out_and_torch_in_torch_out() -> None:
    assert isinstance(magnitude_masks({"w": np.ones(4)}, 0.5)["w"], np.ndarray)
    mask = magnitude_masks({"w": torch.ones(4, requires_grad=True)}, 0.5)["w"]
    assert isinstance(mask, torch.Tensor)
    assert mask.dtype == torch.bool
    assert mask.tolist() == [False, False, True, True]


@pytest.mark.parametrize("sparsity", [-0.1, 1.1, 90.0])
def test_sparsity_is_a_fraction(sparsity: float) -> None:
    with pytest.raises(ValueError, match="fraction from 0 to 1"):
        magnitude_masks({"w": np.ones(4)}, sparsity)


def test_nan_weights_and_nothing_to_mask_are_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        magnitude_masks({"w": np.array([1.0, np.nan])}, 0.5)
    with pytest.raises(ValueError, match="no tensors"):
        magnitude_masks({}, 0.5)
    with pytest.raises(ValueError, match="'global' or 'layer'"):
        magnitude_masks({"w": np.ones(2)}, 0.5, "everywhere")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nothing to prune"):
        prunable_parameters(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(3)))


def test_which_tensors() -> None:
    model = WideResNet(10, 1, 10, 1)
    weights = set(prunable_parameters(model))
    assert "head.weight" in weights
    assert "head.bias" not in weights
    assert not any("norm" in name for name in weights)
    assert set(prunable_parameters(model, biases=True)) - weights == {"head.bias"}
    assert set(prunable_parameters(model, biases=True, part="head")) == {"head.weight", "head.bias"}
    assert set(prunable_parameters(model, part="encoder")) == weights - {"head.weight"}


def test_random_criterion_ignores_the_weights() -> None:
    parameters = {"w": torch.arange(100.0)}
    scores = CRITERIA["random"](parameters, torch.Generator().manual_seed(0))
    again = CRITERIA["random"]({"w": torch.zeros(100)}, torch.Generator().manual_seed(0))
    assert torch.equal(scores["w"], again["w"])
    mask = masks_from_scores(scores, 0.5)["w"]
    assert int(mask.sum()) == 50
    assert not torch.equal(mask, torch.arange(100) >= 50)


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
