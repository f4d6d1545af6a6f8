"""What this machine gives at most: products of matrices, convolutions, copies; and what that leaves for a training step.

    python benchmarks/limits.py [--rounds 3] [--seconds 0.3]

Rates are of one process with one thread, alone and beside one on every other core. A step is counted as it runs: each
operator takes as long as its floating-point operations do at the best of the measured rates, or as long as a copy of as
many bytes as it reads and writes, whichever is longer, and nothing comes between two operators. A library that joins
operators could do with less; no operator by itself can. Its convolutions are called alone, too, each as it runs in the
step: what the library makes of those rates, if all else took no time.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

from rows import Row, command

KINDS = ("product of matrices", "convolution")
PRECISIONS = ("float32", "bfloat16")
SIZES = (*(4**power for power in range(6, 14)), 2**28)
"""Bytes of a copied tensor: from what a first cache holds to what none does."""


@dataclass(frozen=True)
class Rates:
    """Of one core.

    Attributes:
        flops: floating-point operations a second, by kind and precision.
        bytes: read and written a second by a copy, by the size of what is copied.
    """

    flops: dict[tuple[str, str], float]
    bytes: dict[int, float]

    def best(self, precision: str) -> float:
        """The fastest kind's."""
        return max(self.flops[kind, precision] for kind in KINDS)

    def copied(self, moved: float) -> float:
        """Bytes a second of a copy that moves about as many."""
        return self.bytes[min(SIZES, key=lambda size: abs(math.log(max(moved, 1) / (2 * size))))]


def has_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16; else it is only slower."""
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def best_rate(work: Callable[[], object], amount: float, seconds: float) -> float:
    """The amount a second of the fastest of all calls in so many seconds; the first is not counted."""
    work()
    fastest, began = math.inf, time.perf_counter()
    while fastest == math.inf or time.perf_counter() - began < seconds:
        calls, start = 0, time.perf_counter()
        while (taken := time.perf_counter() - start) < seconds / 20 or not calls:
            work()
            calls += 1
        fastest = min(fastest, taken / calls)
    return amount / fastest


def rates_here(seconds: float, large: int) -> Rates:
    """Of this process, with one thread."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    flops, copies = {}, {}
    for precision in PRECISIONS:
        kind = getattr(torch, precision)
        matrix = torch.rand(large, large, dtype=kind)
        flops["product of matrices", precision] = best_rate(lambda: matrix @ matrix, 2 * large**3, seconds)  # noqa: B023
        channels = large // 8
        images = torch.rand(8, channels, 32, 32).to(kind).to(memory_format=torch.channels_last)
        kernel = torch.rand(channels, channels, 3, 3).to(kind).to(memory_format=torch.channels_last)
        convolved = partial(functional.conv2d, images, kernel, padding=1)
        with torch.no_grad():
            flops["convolution", precision] = best_rate(convolved, 2 * 8 * 32 * 32 * 9 * channels**2, seconds)
    for size in SIZES:
        source = torch.ones(size // 4)
        copies[size] = best_rate(partial(torch.empty_like(source).copy_, source), 2 * size, seconds)
    return Rates(flops, copies)


def _on_core(core: int, seconds: float, large: int) -> Rates:
    os.sched_setaffinity(0, {core})
    return rates_here(seconds, large)


class Processes:
    """One on each core, started once."""

    def __init__(self) -> None:
        self._cores = sorted(os.sched_getaffinity(0))
        self._pool = ProcessPoolExecutor(len(self._cores), multiprocessing.get_context("spawn"))

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._pool.shutdown()

    def alone(self, seconds: float, large: int) -> Rates:
        """Of one core, while the others rest."""
        return self._pool.submit(_on_core, self._cores[0], seconds, large).result()

    def together(self, seconds: float, large: int) -> Rates:
        """The mean core's, while all are at it."""
        asked = [self._pool.submit(_on_core, core, seconds, large) for core in self._cores]
        found = [each.result() for each in asked]
        return Rates(
            {kind: sum(each.flops[kind] for each in found) / len(found) for kind in found[0].flops},
            {size: sum(each.bytes[size] for each in found) / len(found) for size in SIZES},
        )

    def convolutions(self, operators: Sequence[Operator], seconds: float) -> float:
        """Seconds of the mean core for those of a step, each called alone, while all are at it."""
        calls = Counter(each.call for each in operators if each.call is not None)
        asked = [self._pool.submit(_on_core_of, core, calls, seconds) for core in self._cores]
        return sum(each.result() for each in asked) / len(asked)


@dataclass(frozen=True)
class Like:
    """A tensor that can be made anew: its shape, strides and type."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    kind: str

    def made(self) -> Any:
        """One of small random numbers."""
        import torch

        length = 1 + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        return torch.rand(length, dtype=getattr(torch, self.kind)).as_strided(self.shape, self.strides)


Call = tuple[str, tuple[Any, ...]]
"""Of an operator of torch.ops.aten: its name and its arguments, tensors as `Like`."""

CONVOLUTIONS = ("convolution", "convolution_backward")


def seconds_of(calls: Counter[Call], seconds: float) -> float:
    """What so many calls take with one thread, each as fast as the fastest of its kind in so many seconds."""
    import torch

    torch.set_num_threads(1)
    total = 0.0
    for (name, arguments), times in calls.items():
        given = [
            each.made() if isinstance(each, Like) else list(each) if isinstance(each, tuple) else each
            for each in arguments
        ]
        total += times / best_rate(partial(getattr(torch.ops.aten, name), *given), 1, seconds)
    return total


def _on_core_of(core: int, calls: Counter[Call], seconds: float) -> float:
    os.sched_setaffinity(0, {core})
    return seconds_of(calls, seconds)


@dataclass(frozen=True)
class Operator:
    """One call of one.

    Attributes:
        flops: floating-point operations of products; 0 for what is no product.
        precision: of what it multiplies.
        bytes: that it reads and writes.
        call: of a convolution.
    """

    flops: float
    precision: str
    bytes: float
    call: Call | None = None


def counted(work: Callable[[], object]) -> list[Operator]:
    """Every operator that runs meanwhile, of the backward pass too; those that only look at a tensor in another way not."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves
    from torch.utils.flop_counter import flop_registry

    operators: list[Operator] = []

    class Counted(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
            out = function(*arguments, **(named or {}))
            read = [each for each in tree_leaves((arguments, named)) if isinstance(each, torch.Tensor)]
            made = [each for each in tree_leaves(out) if isinstance(each, torch.Tensor)]
            if not function.is_view and read:
                packet, flops = function._overloadpacket, 0.0
                if packet in flop_registry:
                    flops = flop_registry[packet](*arguments, **(named or {}), out_val=out)
                moved = sum(each.numel() * each.element_size() for each in (*read, *made))
                call = (packet.__name__, tuple(map(like, arguments))) if packet.__name__ in CONVOLUTIONS else None
                operators.append(Operator(flops, str(read[0].dtype).removeprefix("torch."), moved, call))
            return out

    def like(given: Any) -> Any:
        if isinstance(given, torch.Tensor):
            return Like(tuple(given.shape), given.stride(), str(given.dtype).removeprefix("torch."))
        return tuple(given) if isinstance(given, list) else given

    with Counted():
        work()
    return operators


def seconds_at_limit(operators: list[Operator], rates: Rates) -> tuple[float, float]:
    """Of one core for these operators: what the products alone take, and what all take, each at its limit."""
    products = everything = 0.0
    for operator in operators:
        multiplied = operator.flops / rates.best(operator.precision) if operator.flops else 0.0
        products += multiplied
        everything += max(multiplied, operator.bytes / rates.copied(operator.bytes))
    return products, everything


def rows_of(found: list[Rates], beside: str) -> Iterator[Row]:
    """Of rounds."""
    for kind, precision in found[0].flops:
        rates = tuple(each.flops[kind, precision] / 1e9 for each in found)
        yield Row(f"{kind}, {precision}, a core, {beside}", "GFLOP/s", rates)
    rates = tuple(each.bytes[max(SIZES)] / 1e9 for each in found)
    yield Row(f"copy of {max(SIZES) >> 20} MB (read and written), a core, {beside}", "GB/s", rates)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    with Processes() as processes:
        for what, way in (("alone", processes.alone), ("all at it", processes.together)):
            yield from rows_of([way(given.seconds, given.large) for _ in range(given.rounds)], what)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each rate")
    parser.add_argument("--large", type=int, default=2048, help="side of a matrix")
    command(parser, measured, {"rounds": 1, "seconds": 0.001, "large": 64})
