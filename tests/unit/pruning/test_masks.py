"""Masks of an exact sparsity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from torch import nn

from piescope.pruning.masks import magnitude_masks
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


@pytest.mark.parametrize(
    "wrong",
    [torch.ones(3), [("w", torch.ones(3))], {"w": np.array([5j, 1 + 0j])}, {"w": torch.ones(2, dtype=torch.cfloat)}],
)
def test_what_are_no_real_weights_by_name_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        magnitude_masks(wrong, 0.5)


def test_masked_weights_are_refused() -> None:
    hidden = np.ma.masked_array([0.1, 5.0, 6.0, 7.0], mask=[True, False, False, False])
    with pytest.raises(ValueError, match="1 weights are masked"):
        magnitude_masks({"w": hidden}, 0.25)
