"""Stands for CUDA graphs on the CPU: a tape of the operators that a step called, on the very tensors that it had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Call = tuple[Any, tuple[Any, ...], dict[str, Any], Any]


class Tape(TorchDispatchMode):
    """Notes each operator with the tensors that it read and made."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, made))
        return made

    @torch.no_grad()
    def play(self) -> None:
        """Calls them again: no line of Python of the step is run, and what is made is where it was."""
        for func, args, kwargs, made in self.calls:
            for before, now in zip(tree_leaves(made), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(before, Tensor) and before.data_ptr() != now.data_ptr():
                    before.copy_(now)


class Tapes:
    """As `CudaGraphs`. A step that is taped is done, so that it is not played the first time."""

    def __init__(self) -> None:
        self.captured = self.played = self.warm = 0

    def warmed(self, step: Callable[[], Tensor]) -> Tensor:
        self.warm += 1
        return step()

    def capture(self, step: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        self.captured += 1
        tape, is_done = Tape(), True
        with tape:
            made = step()

        def replay() -> None:
            nonlocal is_done
            if not is_done:
                self.played += 1
                tape.play()
            is_done = False

        return replay, made
