"""Masks: exactly how many weights go, and which. Deterministic to the last tie."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast, overload

import numpy as np
import torch
from torch import Tensor

from piescope.pruning.criteria import magnitude
from piescope.pruning.method import ScopeName
from piescope.pruning.scope import groups


def target_zeros(sparsity: float, size: int) -> int:
    """``round(sparsity * size)``, Python's rounding (exact halves to even).

    Raises:
        ValueError: sparsity is no fraction in 0..1.

    Example:
        >>> target_zeros(0.9, 10), target_zeros(0.5, 5)
        (9, 2)
    """
    if not 0.0 <= sparsity <= 1.0:
        raise ValueError(f"sparsity is {sparsity}; expected a fraction from 0 to 1 (0.9 for 90 %)")
    return round(sparsity * size)


def masks_from_scores(
    scores: Mapping[str, Tensor],
    sparsity: float,
    scope: ScopeName = "global",
    keep_zero: Mapping[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Masks that drop the lowest scores: exactly ``round(sparsity * n)`` in each group of the scope.

    Args:
        scores: a tensor per name; NaN is an error.
        sparsity: fraction of weights to drop, 0 to 1.
        scope: n counts over all tensors (``"global"``) or in each (``"layer"``).
        keep_zero: masks of an earlier request for at most this sparsity: what they drop is dropped first, so masks are
            nested as sparsity grows.

    Returns:
        boolean tensors, True = kept. Equal scores fall in the order of their index: earlier tensors and earlier
        entries first.

    Raises:
        ValueError: sparsity out of range, a NaN score, or no tensor.
    """
    return masks_with_zeros(scores, lambda size, _dropped: target_zeros(sparsity, size), scope, keep_zero)


def masks_of_what_remains(
    scores: Mapping[str, Tensor], share: float, scope: ScopeName, masks: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Masks that drop ``round(share * remaining)`` more weights in each group, as torch's iterated pruning counts.

    Small tensors lag: of 10 weights a share below 5 % is none, however often it is asked for.

    Args:
        scores: a tensor per name.
        share: of the weights that the masks still keep, 0 to 1.
        scope: groups, as in `masks_from_scores`.
        masks: what is kept so far.
    """
    return masks_with_zeros(scores, lambda size, dropped: dropped + round(share * (size - dropped)), scope, masks)


def masks_with_zeros(
    scores: Mapping[str, Tensor],
    zeros: Callable[[int, int], int],
    scope: ScopeName,
    keep_zero: Mapping[str, Tensor] | None,
) -> dict[str, Tensor]:
    """Masks that drop the lowest ``zeros(size, already dropped)`` scores of each group; the two above are its uses."""
    if not scores:
        raise ValueError("no tensors to mask; expected at least one name with its scores")
    masks: dict[str, Tensor] = {}
    for group in groups(list(scores), scope):
        flat = torch.cat([scores[name].detach().reshape(-1) for name in group])
        if bool(torch.isnan(flat).any()):
            raise ValueError(f"NaN among the scores of {group}: these weights cannot be ranked (did training diverge?)")
        flat = flat.to(torch.float64) if flat.dtype == torch.float64 else flat.to(torch.float32)
        already = 0
        if keep_zero is not None:
            dropped = torch.cat([~keep_zero[name].reshape(-1) for name in group])
            flat = flat.masked_fill(dropped, -torch.inf)
            already = int(dropped.sum())
        kept = ~_lowest(flat, zeros(len(flat), already))
        for name, mask in zip(group, kept.split([scores[name].numel() for name in group]), strict=True):
            masks[name] = mask.view(scores[name].shape)
    return masks


def _lowest(values: Tensor, count: int) -> Tensor:
    """Where the ``count`` lowest of a vector are; of equal ones the first, on every device: as a stable sort has it."""
    if count == 0:
        return torch.zeros_like(values, dtype=torch.bool)
    highest = values.topk(count, largest=False, sorted=False).values.max()
    below, level = values < highest, values == highest
    return below | (level & (level.cumsum(0) <= count - below.sum()))


def _tensor(value: Any) -> Tensor:
    """Of an array too that torch would not take as it lies: reversed, or not to be written to; real numbers alone."""
    if np.ma.is_masked(value):
        raise ValueError(f"{int(np.ma.getmaskarray(value).sum()):,} weights are masked; expected every one")
    if isinstance(value, np.ndarray) and not (value.flags.writeable and value.flags.c_contiguous):
        value = value.copy()
    tensor = torch.as_tensor(value)
    if tensor.is_complex():
        raise ValueError(f"weights are {tensor.dtype}; expected real numbers, a pruning of complex ones is not defined")
    return tensor


@overload
def magnitude_masks(
    parameters: Mapping[str, np.ndarray], sparsity: float, scope: ScopeName = "global"
) -> dict[str, np.ndarray]: ...


@overload
def magnitude_masks(
    parameters: Mapping[str, Tensor], sparsity: float, scope: ScopeName = "global"
) -> dict[str, Tensor]: ...


def magnitude_masks(
    parameters: Mapping[str, np.ndarray] | Mapping[str, Tensor], sparsity: float, scope: ScopeName = "global"
) -> dict[str, np.ndarray] | dict[str, Tensor]:
    """Masks that drop the weights of smallest absolute value.

    Args:
        parameters: a tensor or NumPy array per name, any shape.
        sparsity: fraction to drop, 0 to 1.
        scope: ``"global"`` ranks all weights together, ``"layer"`` each tensor on its own.

    Returns:
        boolean masks of the same kinds and shapes, True = kept; exactly ``round(sparsity * n)`` zeros with n over
        all tensors, or in each; ties by index.

    Raises:
        ValueError: sparsity out of range, NaN, masked or complex weights, an unknown scope, no tensor, or no mapping.

    Source: Paganini and Forde 2020 (global); Zhu and Gupta 2017 (layer).

    Example:
        >>> magnitude_masks({"w": np.array([0.1, -3.0, 0.2, 2.0])}, 0.5)["w"].tolist()
        [False, True, False, True]
    """
    given: object = parameters
    if not isinstance(given, Mapping):
        cure = "{name: weights}; of a module: dict(model.named_parameters())"
        raise ValueError(f"parameters is a {type(given).__name__}; expected weights by name, {cure}")
    tensors = {name: _tensor(value) for name, value in parameters.items()}
    masks = masks_from_scores(magnitude(tensors, torch.Generator()), sparsity, scope)
    kept = {name: mask.numpy() if isinstance(parameters[name], np.ndarray) else mask for name, mask in masks.items()}
    return cast("dict[str, np.ndarray] | dict[str, Tensor]", kept)
