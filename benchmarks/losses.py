"""supcon_loss against all pairs at once: seconds and memory of a value with its gradient, 128 dimensions, two views.

The other arm is equation 2 of Khosla et al. as one writes it first, with the matrix of all similarities. Arms alternate
in one process, which on a CPU is a worker's: one thread, freed memory kept, seconds of a processor; small batches are
repeated within a round. Memory is the peak of a process of its own, over what it had before. Up to 1,024 anchors
supcon_loss holds the matrix, too; there its tiles are measured beside it.

    python benchmarks/losses.py [--rounds 7] [--images 128 512 1024 4096] [--large 65536]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from piescope.losses import contrastive
from piescope.study.executors.local import WORKER_VARIABLES
from rows import Row, command, ratios

TEMPERATURE = 0.1
REPEATED = 2**23
"""Similarities in the calls of a round, if one has not more."""


def pairs(projections: Tensor, labels: Tensor) -> Tensor:
    """As one writes it first."""
    anchors = functional.normalize(projections, dim=2).flatten(0, 1)
    owners = labels.repeat_interleave(projections.shape[1])
    itself = torch.eye(len(anchors), dtype=torch.bool, device=anchors.device)
    similarity = (anchors @ anchors.T / TEMPERATURE).masked_fill(itself, -torch.inf)
    same = (owners[:, None] == owners) & ~itself
    return -(similarity.log_softmax(1).where(same, 0).sum(1) / same.sum(1)).mean()


def loss(projections: Tensor, labels: Tensor) -> Tensor:
    return contrastive.supcon_loss(projections, labels, TEMPERATURE)


def tiles(projections: Tensor, labels: Tensor) -> Tensor:
    held, contrastive.DENSE = contrastive.DENSE, 0
    try:
        return loss(projections, labels)
    finally:
        contrastive.DENSE = held


ARMS = {"all pairs": pairs, "supcon_loss": loss, "its tiles": tiles}


def once(arm: str, images: int, device: str) -> tuple[float, float, Tensor]:
    """Seconds, loss and gradient."""
    draws = torch.Generator().manual_seed(0)
    projections = torch.randn(images, 2, 128, generator=draws).to(device).requires_grad_()
    labels = torch.randint(0, 10, (images,), generator=draws).to(device)
    clock = time.process_time if device == "cpu" else time.perf_counter
    began = clock()
    value = ARMS[arm](projections, labels)
    value.backward()
    told, gradient = float(value.detach()), projections.grad
    assert gradient is not None and float(gradient[0, 0, 0]) < float("inf")  # on a GPU this waits for it
    return clock() - began, told, gradient


def peak() -> int:
    """Bytes that this process has had at most; its own, where getrusage begins with its parent's."""
    return 1024 * int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0])


def memory(arm: str, images: int) -> tuple[float, float]:
    """Seconds, and bytes at the peak over those of before, on the CPU."""
    once(arm, 64, "cpu")
    before = peak()
    seconds, _, _ = once(arm, images, "cpu")
    return seconds, peak() - before


def in_turn(images: int, rounds: int, device: str) -> dict[str, list[float]]:
    """Seconds of each arm in each round, the mean of as many calls as take some tenths of a second."""
    taken: dict[str, list[float]] = {arm: [] for arm in ARMS}
    calls = max(1, REPEATED // (2 * images) ** 2)
    _, expected, gradient = once("all pairs", images, device)
    for arm in ARMS:  # what the first call alone does
        _, value, found = once(arm, images, device)
        assert abs(value - expected) < 1e-5, (arm, value, expected)
        assert float((found - gradient).abs().max() / gradient.abs().max()) < 1e-5, arm
    for _ in range(rounds):
        for arm, seconds in taken.items():
            seconds.append(statistics.mean(once(arm, images, device)[0] for _ in range(calls)))
    return taken


def measured(given: argparse.Namespace) -> Iterator[Row]:
    os.environ.update(WORKER_VARIABLES)  # for those that are spawned
    clock = "ms of a processor" if given.device == "cpu" else "ms"
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as alone:
        for images in given.images:
            taken = alone.apply(in_turn, (images, given.rounds, given.device))
            for arm, seconds in taken.items():
                yield Row(f"{images:,} x 2, {arm}", clock, tuple(1e3 * each for each in seconds))
                _, held = alone.apply(memory, (arm, images))
                yield Row(f"{images:,} x 2, {arm}: memory on the CPU", "MB", (held / 1e6,))
            compared = f"{images:,} x 2, all pairs / supcon_loss"
            yield ratios(compared, taken["all pairs"], taken["supcon_loss"], at_least=1.0)
        if given.large:
            spent, held = alone.apply(memory, ("supcon_loss", given.large))
            yield Row(f"{given.large:,} x 2, supcon_loss", "s", (spent,))
            yield Row(f"{given.large:,} x 2, supcon_loss: memory", "MB", (held / 1e6,))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--images", type=int, nargs="*", default=[128, 512, 1024, 4096], help="a batch, two views of each"
    )
    parser.add_argument("--large", type=int, help="images of a batch that supcon_loss has alone, once")
    parser.add_argument("--device", default="cpu")
    command(parser, measured, {"rounds": 1, "images": [64]})
