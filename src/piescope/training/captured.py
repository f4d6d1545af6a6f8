"""A step that is captured once and replayed, so that the host does not launch its operators one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

WARM = 3
"""Steps of a batch size before one is captured: what libraries and momentum make at first is there then."""

Step = Callable[..., Tensor]
Captive = tuple[Callable[[], None], Tensor]
"""What does a step again, and the tensor in which its answer is then."""


class Grapher(Protocol):
    """Captures what is done on a device."""

    def warmed(self, step: Callable[[], Tensor]) -> Tensor:
        """Does a step as it comes, where one will be captured."""

    def capture(self, step: Callable[[], Tensor]) -> Captive:
        """Notes what a step would launch, and does none of it."""


class CudaGraphs:
    """Captures CUDA graphs, all on one stream beside the usual one."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()

    def warmed(self, step: Callable[[], Tensor]) -> Tensor:
        """Likewise."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            made = step()
        torch.cuda.current_stream().wait_stream(self._stream)
        return made

    def capture(self, step: Callable[[], Tensor]) -> Captive:
        """Likewise; the thread that writes checkpoints may go on meanwhile."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
            made = step()
        return graph.replay, made


class Captured:
    """A step as a function of tensors, done as it comes until it is captured, for each size of a batch.

    What it reads and is no argument must stay where it is: weights, momentum, masks and data are written to, and never
    replaced. What the host decides in a step, it decides once and for all.

    Args:
        step: takes and returns tensors on the device.
        grapher: captures it.
    """

    def __init__(self, step: Step, grapher: Grapher) -> None:
        self._step, self._grapher = step, grapher
        self._seen: Counter[tuple[torch.Size, ...]] = Counter()
        self._captives: dict[tuple[torch.Size, ...], tuple[tuple[Tensor, ...], Captive]] = {}

    def __call__(self, *given: Tensor) -> Tensor:
        """Does the step; what it returns is overwritten by the next one of the same size."""
        sizes = tuple(each.shape for each in given)
        self._seen[sizes] += 1
        if self._seen[sizes] <= WARM:
            return self._grapher.warmed(partial(self._step, *given))
        if sizes not in self._captives:
            places = tuple(map(torch.clone, given))
            self._captives[sizes] = places, self._grapher.capture(partial(self._step, *places))
        places, (replay, made) = self._captives[sizes]
        for place, each in zip(places, given, strict=True):
            place.copy_(each)
        replay()
        return made
