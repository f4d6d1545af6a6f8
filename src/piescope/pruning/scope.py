"""Which tensors are pruned, and which of them compete with each other for the same sparsity."""

from __future__ import annotations

from typing import Literal

from torch import nn

from piescope.pruning.method import ScopeName

NetworkPart = Literal["all", "encoder", "head"]


def groups(names: list[str], scope: ScopeName) -> list[list[str]]:
    """Tensors that share one target: all of them (``"global"``), or each on its own (``"layer"``).

    Raises:
        ValueError: an unknown scope.

    Example:
        >>> groups(["a", "b"], "global"), groups(["a", "b"], "layer")
        ([['a', 'b']], [['a'], ['b']])
    """
    if scope == "global":
        return [names] if names else []
    if scope == "layer":
        return [[name] for name in names]
    raise ValueError(f"scope is {scope!r}; expected 'global' or 'layer'")


def prunable_parameters(model: nn.Module, biases: bool = False, part: NetworkPart = "all") -> dict[str, nn.Parameter]:
    """Weights of convolutions and linear layers by name, in the model's order; never of normalisations.

    A weight that several layers share is named once, by the first.

    Args:
        model: any module.
        biases: the layers' biases too.
        part: ``"all"``, or only the submodule ``head`` or all but it.

    Raises:
        ValueError: nothing is left to prune.

    Example:
        >>> list(prunable_parameters(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), biases=True))
        ['0.weight', '0.bias']
    """
    chosen: dict[str, nn.Parameter] = {}
    taken: set[int] = set()
    for prefix, module in model.named_modules():
        if not isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)):
            continue
        in_head = prefix == "head" or prefix.startswith("head.")
        if part != "all" and in_head != (part == "head"):
            continue
        for name, parameter in module.named_parameters(recurse=False):
            if (name == "weight" or (biases and name == "bias")) and id(parameter) not in taken:
                taken.add(id(parameter))
                chosen[f"{prefix}.{name}" if prefix else name] = parameter
    if not chosen:
        raise ValueError(f"nothing to prune: no convolution or linear layer in {type(model).__name__} (part: {part})")
    return chosen
