"""Counts where the host asks for a tensor's values: on a GPU it waits there until all that was queued is done."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

OPERATORS = {
    "_local_scalar_dense", "_unique2", "allclose", "bincount", "equal", "is_nonzero", "item", "masked_select", "nonzero",
    "nonzero_numpy", "repeat_interleave", "unique_consecutive", "unique_dim", "unique_dim_consecutive",
}  # fmt: skip
METHODS = {torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.cpu, torch.Tensor.__array__}


def _has_a_mask(arguments: tuple[Any, ...]) -> bool:
    return any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in arguments[1])


class HostReads(ExitStack):
    """As a context: counts reads by name, in `Counter.total()` all; operators of the backward pass too.

    On the CPU `tolist` and `numpy` call no operator, so methods are counted as well as operators. Copies between
    devices there are none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __enter__(self) -> HostReads:
        seen = self.seen

        class Operators(TorchDispatchMode):
            def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                name = func.overloadpacket.__name__
                if name in OPERATORS or (name in ("index", "index_put", "index_put_") and _has_a_mask(args)):
                    seen[name] += 1
                return func(*args, **(kwargs or {}))

        class Methods(TorchFunctionMode):
            def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                if func in METHODS:
                    seen[func.__name__] += 1
                return func(*args, **(kwargs or {}))

        super().__enter__()
        self.enter_context(Operators())
        self.enter_context(Methods())
        return self
