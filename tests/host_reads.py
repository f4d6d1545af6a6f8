"""Counts where the host asks for a tensor's values, and what is copied to a device: on a GPU either keeps it waiting."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

OPERATORS = {
    "_local_scalar_dense", "_unique2", "allclose", "bincount", "equal", "is_nonzero", "item", "masked_select", "nonzero",
    "nonzero_numpy", "repeat_interleave", "unique_consecutive", "unique_dim", "unique_dim_consecutive",
}  # fmt: skip
METHODS = {torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.cpu, torch.Tensor.__array__}


def _has_a_mask(arguments: tuple[Any, ...]) -> bool:
    return any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in arguments[1])


def _crosses(arguments: Any, made: Any) -> bool:
    """Whether an operator has tensors of two devices; a number that is a tensor is handed over with the call."""
    given = [each for each in tree_leaves(arguments) if isinstance(each, torch.Tensor) and each.ndim]
    return len({each.device for each in [*given, *tree_leaves(made)] if isinstance(each, torch.Tensor)}) > 1


class HostReads(ExitStack):
    """As a context: counts reads by name, in `Counter.total()` all; operators of the backward pass too.

    On the CPU `tolist` and `numpy` call no operator, so methods are counted as well as operators. Operators between
    devices are counted by their names, too: the device "meta" stands for a GPU where there is none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __enter__(self) -> HostReads:
        seen = self.seen

        class Operators(TorchDispatchMode):
            def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                name = func.overloadpacket.__name__
                made = func(*args, **(kwargs or {}))
                has_a_mask = name in ("index", "index_put", "index_put_") and _has_a_mask(args)
                if name in OPERATORS or has_a_mask or _crosses((args, kwargs), made):
                    seen[name] += 1
                return made

        class Methods(TorchFunctionMode):
            def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                if func in METHODS:
                    seen[func.__name__] += 1
                return func(*args, **(kwargs or {}))

        super().__enter__()
        self.enter_context(Operators())
        self.enter_context(Methods())
        return self
