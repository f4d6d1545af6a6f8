"""What a GPU makes of the paper's trainings, in one call of under ten minutes: a plain loop, piescope's, and a study.

    python benchmarks/card.py [--device cuda] [--seconds 5] [--minutes 9] [--only PART ...] [--json card.json]

Made images of CIFAR-10's shape; samples/s of the paper's two trainings (WRN-16-2; supervised, batch 128; SupCon, batch
1024, two views each). Its parts, in their order:

- `limits`: products of matrices, copies: what the card gives at all;
- `checks`: that no step waits for the card, and that captured steps have the losses of others;
- `supervised`, `supcon`: a plain loop (eager float32, a DataLoader with processes that augment image by image), and
  `run`'s own: draws on the CPU; steps queued, draws on the card; captured as CUDA graphs; in bfloat16; in torch's
  default memory format;
- `shared`: K processes of it at once, in sum (with MPS, if its daemon runs): how many models a card should train;
- `neighbours` of depth probes;
- `compiled`: the same trainings through torch.compile, as they come and captured;
- `study`: `piescope run` of cifar10-short on made images, as far as the time goes: what each kind of step takes.

Each part is a process, and each measurement takes so many seconds after a warm-up. What fails is told with why, and the
next one tried; a part that takes too long is ended, and rows are written as they come. `--device cpu --tiny` shows that
all of it runs.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from card_loops import (
    CLASSES,
    COMPILED,
    FASTEST,
    GRAPHS,
    OBJECTIVES,
    WAYS,
    Meter,
    Scale,
    apart,
    made_images,
    many,
    metered,
    own,
    plain,
    tiny,
    unwaited,
)
from piescope.machine import today
from piescope.store.arithmetic import ArithmeticRecord
from piescope.study.execute import execute
from piescope.study.executors.local import LocalExecutor
from piescope.study.parse import load_study
from piescope.study.plan import Plan, Step
from piescope.study.scheduling import Failed, Observer
from piescope.study.spec import Objective
from piescope.study.tuning import has_mps
from piescope.training.nearest import knn_labels_on
from rows import Row, command

GOALS = {"supervised": 100_000, "supcon": 150_000}
"""Samples/s on an H100; and ten times the plain loop."""


def neighbours(scale: Scale) -> float:
    """Queries a second against a bank, from and to the host's memory."""
    drawn, (points, queries, dims) = np.random.default_rng(0), scale.probe
    bank, asked = (drawn.standard_normal((n, dims), np.float32) for n in (points, queries))
    labels = drawn.integers(0, CLASSES, points)

    def work(meter: Meter) -> None:
        knn_labels_on(scale.device, bank, labels, asked)
        meter.step(queries)

    return metered(scale.device, scale.seconds, work)


def products(scale: Scale, dtype: torch.dtype) -> float:
    """GFLOP/s of a product of matrices."""
    side = scale.matrix
    matrix = torch.rand(side, side, device=scale.device, dtype=dtype)

    def work(meter: Meter) -> None:
        matrix @ matrix
        meter.step(2 * side**3)

    return metered(scale.device, min(scale.seconds, 2.0), work) / 1e9


def copies(scale: Scale) -> float:
    """GB/s of copying within the device's memory, read and written."""
    source = torch.rand(scale.matrix, scale.matrix, device=scale.device)
    target = torch.empty_like(source)

    def work(meter: Meter) -> None:
        target.copy_(source)
        meter.step(2 * source.nbytes)

    return metered(scale.device, min(scale.seconds, 2.0), work) / 1e9


def tried(what: str, unit: str, measure: Callable[..., float], *arguments: Any) -> Iterator[Row]:
    """A row, or a word why there is none."""
    try:
        yield Row(what, unit, (measure(*arguments),))
    except Exception as error:  # what this card or torch cannot do
        tell(what, error)


def tell(what: str, error: Exception) -> None:
    told = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    print(f"{what}: {told}", file=sys.stderr, flush=True)


def limits(scale: Scale, _until: float) -> Iterator[Row]:
    for dtype in (torch.float32, torch.bfloat16):
        yield from tried(f"matrix product, {str(dtype)[6:]}", "GFLOP/s", products, scale, dtype)
    yield from tried("copy in memory", "GB/s", copies, scale)


def checks(scale: Scale, _until: float) -> Iterator[Row]:
    for objective in OBJECTIVES:
        for way in WAYS[1:3]:
            name = f"{objective}, {way.name}: steps without waiting"
            yield from tried(name, "steps", unwaited, scale, objective, way)
        name = f"{objective}: captured beside queued, largest difference of a loss"
        yield from tried(name, "of it", apart, scale, objective, WAYS[2], WAYS[1])


def loops(objective: Objective, scale: Scale, _until: float) -> Iterator[Row]:
    yield from tried(f"{objective}, plain loop", "samples/s", plain, scale, objective)
    for way in WAYS:
        yield from tried(f"{objective}, {way.name}", "samples/s", own, scale, objective, way)


def shared(scale: Scale, _until: float) -> Iterator[Row]:
    told = "with MPS" if has_mps() else "without MPS"
    for count in scale.processes:
        name = f"supervised, bfloat16, {count} at once {told}"
        yield from tried(name, "samples/s", many, scale, "supervised", count)
    yield from tried(f"supcon, bfloat16, 2 at once {told}", "samples/s", many, scale, "supcon", 2)


def of_neighbours(scale: Scale, _until: float) -> Iterator[Row]:
    yield from tried("neighbours", "queries/s", neighbours, scale)


def compiled(scale: Scale, _until: float) -> Iterator[Row]:
    for objective in OBJECTIVES:
        for way in COMPILED:
            yield from tried(f"{objective}, {way.name}", "samples/s", own, scale, objective, way)


MADE = """
extends = "cifar10-short"
name = "made-images"
title = "cifar10-short on made images"
[data]
source = "arrays"
holds = { train_examples = 50000, test_examples = 10000, image_shape = [3, 32, 32], num_classes = 10 }
"""
WORKERS = 8


class Heard(Observer):
    """What a run tells, which ends when its time is up."""

    def __init__(self, until: float) -> None:
        self._until, self.steps, self.trained = until, 0, 0
        self.taken: defaultdict[str, list[float]] = defaultdict(list)

    def began(self, plan: Plan, left: list[Step], unused: int) -> None:
        self.steps = len(left)

    def finished(self, step: Step, seconds: float) -> None:
        self.taken[step.kind].append(seconds)

    def failed(self, failure: Failed) -> None:
        tell(failure.step.label, RuntimeError(failure.reason))

    def images(self, count: int) -> None:
        self.trained += count

    def tick(self) -> None:
        if time.monotonic() > self._until:
            raise KeyboardInterrupt


def of_study(scale: Scale, until: float) -> Iterator[Row]:
    """`run`, interrupted when the time is up: what its steps took, and how much was trained."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, heard = Path(scratch), Heard(until - 20)
        os.environ.update(PIESCOPE_DATA=scratch, PIESCOPE_CACHE=f"{scratch}/cache")
        if not scale.study:
            (folder / "made.toml").write_text(MADE)
            for half, count in (("train", 50_000), ("test", 10_000)):
                images, labels = made_images(count)
                np.savez(folder / f"{half}.npz", images=images, labels=labels)
        study, out = load_study(scale.study or str(folder / "made.toml")), folder / "out"
        executor = LocalExecutor(out, scale.device, min(WORKERS, len(os.sched_getaffinity(0))))
        record = ArithmeticRecord(arithmetic=scale.arithmetic, why="card.py chose it", day=today())
        began = time.monotonic()
        with suppress(KeyboardInterrupt):
            execute(study, out, executor, False, heard, chosen=record)
        seconds = time.monotonic() - began
    for kind, each in heard.taken.items():
        yield Row(f"study, a step of {kind}", "s", tuple(each))
    yield Row(f"study, finished of {heard.steps} steps", "steps", (float(sum(map(len, heard.taken.values()))),))
    yield Row(f"study, images trained on in {seconds:.0f} s", "images/s", (heard.trained / seconds,))


Part = Callable[[Scale, float], Iterator[Row]]
PARTS: dict[str, tuple[Part, float]] = {
    "limits": (limits, 40.0),
    "checks": (checks, 90.0),
    "supervised": (partial(loops, "supervised"), 90.0),
    "supcon": (partial(loops, "supcon"), 90.0),
    "shared": (shared, 150.0),
    "neighbours": (of_neighbours, 30.0),
    "compiled": (compiled, 120.0),
    "study": (of_study, math.inf),
}
"""Each with seconds that it may take."""


def serve(name: str, scale: Scale, until: float, pipe: Any) -> None:
    """A part, in a process of its own, which is the first of a group: its children end with it."""
    os.setsid()
    for row in PARTS[name][0](scale, until):
        pipe.send(row)


def of_part(name: str, scale: Scale, until: float) -> Iterator[Row]:
    """Its rows as they come, until it or its time is at an end, whichever way."""
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe(duplex=False)
    process = context.Process(target=serve, args=(name, scale, until, theirs))
    process.start()
    theirs.close()
    try:
        while pipe.poll(max(0.0, until - time.monotonic())):
            yield pipe.recv()
        print(f"{name}: its time is up", file=sys.stderr, flush=True)
    except EOFError:
        process.join(10)
        if process.exitcode:
            print(f"{name}: ended with code {process.exitcode}", file=sys.stderr, flush=True)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()


def goals(rates: dict[str, float]) -> Iterator[Row]:
    """The best of each training, and beside the plain loop."""
    for objective, goal in GOALS.items():
        ours = [rate for what, rate in rates.items() if what.startswith(objective) and "plain" not in what]
        if ours:
            yield Row(f"{objective}, best", "samples/s", (max(ours),), goal)
        if ours and (theirs := rates.get(f"{objective}, plain loop")):
            yield Row(f"{objective}, best beside the plain loop", "x", (max(ours) / theirs,), 10.0)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """All parts, and what they come to."""
    scale, ends = given.scale(given), time.monotonic() + 60 * given.minutes
    if scale.device != "cpu":
        print(torch.cuda.get_device_name(), flush=True)
    rates: dict[str, float] = {}
    for name in given.only or PARTS:
        for row in of_part(name, scale, min(ends, time.monotonic() + PARTS[name][1])):
            yield row
            if row.unit == "samples/s":
                rates[row.what] = row.median
        queued, graphs = (rates.get(f"supervised, {way.name}", 0.0) for way in (WAYS[4], FASTEST))
        if graphs > queued and scale.device != "cpu":
            scale = replace(scale, arithmetic=GRAPHS)
    yield from goals(rates)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--minutes", type=float, default=9.0, help="of all")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART")
    parser.set_defaults(scale=lambda given: Scale(given.device, given.seconds))
    command(parser, measured, {"scale": lambda given: tiny(given.device)})
