"""What a GPU makes of the paper's trainings, in one call of under ten minutes: piescope's loop, a plain one, candidates.

    python benchmarks/card.py [--device cuda] [--seconds 6] [--json card.json]

Made images of CIFAR-10's shape; samples/s of the paper's two trainings (WRN-16-2; supervised, batch 128; SupCon, batch
1024, two views each) by

- a plain loop: eager float32, a DataLoader with worker processes that augment image by image on the CPU;
- `run`'s own loop, float32 and bfloat16;
- K processes of it at once, in sum (with MPS, if its daemon runs): how many models a card should train side by side;
- candidates that are not built in, forward and backward alone: torch.compile and a captured CUDA graph;
- the neighbours of depth probes, and what the card gives at all: products of matrices, copies.

Each is measured for so many seconds after a warm-up; a candidate that fails is told with why. `--device cpu --tiny`
shows that it runs.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from piescope.losses.contrastive import supcon_loss
from piescope.models.heads import ProjectionHead
from piescope.seeds import Seeds
from piescope.study.parse import load_study
from piescope.study.spec import Objective, Study
from piescope.training.loop import TrainingData
from piescope.training.nearest import knn_labels_on
from piescope.training.recipe import Training
from piescope.training.stages import train_contrastive, train_supervised
from rows import Row, command

OBJECTIVES: tuple[Objective, Objective] = ("supervised", "supcon")
CLASSES, SHAPE = 10, (3, 32, 32)


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        device: as torch names it.
        seconds: of each.
        images: in the made data set.
        batches: images of a step, by objective.
        processes: how many at once.
        probe: points of the bank, queries and dimensions.
        matrix: its side.
    """

    device: str
    seconds: float
    images: int = 50_000
    batches: tuple[int, int] = (128, 1024)
    processes: tuple[int, ...] = (1, 2, 4, 8, 16)
    probe: tuple[int, int, int] = (50_000, 10_000, 2048)
    matrix: int = 8192


def tiny(device: str) -> Scale:
    """To see that it runs."""
    return Scale(device, 0.1, 64, (16, 16), (1, 2), (200, 50, 8), 64)


class EnoughError(Exception):
    """The time of a measurement is up."""


class Meter:
    """Samples a second from the third step on, until the time is up."""

    def __init__(self, device: str, seconds: float) -> None:
        self._device, self._seconds = device, seconds
        self._steps = self._samples = 0
        self.rate = math.nan

    def step(self, samples: int) -> None:
        """After each step.

        Raises:
            EnoughError: the time is up, and the rate known.
        """
        self._steps += 1
        if self._steps <= 2:
            settle(self._device)
            self._began, self._samples = time.perf_counter(), 0
            return
        self._samples += samples
        if time.perf_counter() - self._began >= self._seconds:
            settle(self._device)
            self.rate = self._samples / (time.perf_counter() - self._began)
            raise EnoughError


def settle(device: str) -> None:
    """Until all that was queued is done."""
    if device != "cpu":
        torch.cuda.synchronize()


def metered(device: str, seconds: float, work: Callable[[Meter], None]) -> float:
    """The rate of a work that tells its steps for ever."""
    meter = Meter(device, seconds)
    try:
        while True:
            work(meter)
    except EnoughError:
        return meter.rate


def made_data(scale: Scale, study: Study) -> TrainingData:
    drawn = np.random.default_rng(0)
    images = drawn.integers(0, 256, (scale.images, *SHAPE), np.uint8)
    labels = drawn.integers(0, CLASSES, scale.images)
    return TrainingData(
        torch.from_numpy(images).to(scale.device), torch.from_numpy(labels).to(scale.device), study.data.normalisation
    )


def network(study: Study, device: str) -> Any:
    model = study.model.build(SHAPE, CLASSES, Seeds(0, 0).torch("weights"))
    return model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def own(scale: Scale, objective: Objective, precision: str) -> float:
    """`run`'s loop, as its steps call it."""
    study = load_study("corti2022-paper")
    data, model, recipe = made_data(scale, study), network(study, scale.device), study.training_of(objective)
    batch = scale.batches[OBJECTIVES.index(objective)]
    changed = {"precision": precision, "batch_size": batch}

    def work(meter: Meter) -> None:
        def on_step(_step: int, _steps: int, samples: int) -> None:
            meter.step(samples)

        if isinstance(recipe, Training):
            train_supervised(model, data, recipe.model_copy(update=changed), Seeds(0, 0), on_step=on_step)
        else:
            encoder = recipe.encoder.model_copy(update=changed)
            both = recipe.model_copy(update={"encoder": encoder})
            train_contrastive(model, data, both, Seeds(0, 0), True, on_step=on_step)

    return metered(scale.device, scale.seconds, work)


def one_of_many(scale: Scale, objective: Objective, precision: str, gate: Any) -> float:
    """In a process of its own; all begin together."""
    torch.set_num_threads(1)
    own(Scale(**{**asdict(scale), "seconds": 0.0}), objective, precision)  # warm
    gate.wait()
    return own(scale, objective, precision)


def many(scale: Scale, objective: Objective, precision: str, count: int) -> float:
    """The sum of so many processes on one device."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(count) as pool:
        gate = manager.Barrier(count)
        return sum(pool.starmap(one_of_many, [(scale, objective, precision, gate)] * count))


class ImageByImage(Dataset[tuple[Tensor, int]]):
    """As one writes it first: each image is augmented when it is asked for."""

    def __init__(self, scale: Scale, views: int, study: Study, objective: Objective) -> None:
        on_cpu = made_data(Scale(**{**asdict(scale), "device": "cpu"}), study)
        recipe = study.training_of(objective)
        self._augmentation = (recipe if isinstance(recipe, Training) else recipe.encoder).augmentation
        self._images, self._labels, self._views = on_cpu.images, on_cpu.labels.tolist(), views
        self._normalise = study.data.normalisation.apply

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        draws = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        image = self._images[place][None].float() / 255
        views = [self._normalise(self._augmentation.apply(image, draws))[0] for _ in range(self._views)]
        return views[0] if self._views == 1 else torch.stack(views), self._labels[place]


def plain(scale: Scale, objective: Objective) -> float:
    """Eager float32 with a DataLoader."""
    study, views = load_study("corti2022-paper"), 1 if objective == "supervised" else 2
    workers = 0 if scale.device == "cpu" else len(os.sched_getaffinity(0))
    loader = DataLoader(
        ImageByImage(scale, views, study, objective),
        batch_size=scale.batches[OBJECTIVES.index(objective)],
        shuffle=True,
        num_workers=workers,
        pin_memory=scale.device != "cpu",
        persistent_workers=workers > 0,
    )
    model = study.model.build(SHAPE, CLASSES, torch.Generator().manual_seed(0)).to(scale.device)
    projector = ProjectionHead(model.dims, model.dims, model.dims, torch.Generator().manual_seed(0)).to(scale.device)
    optimizer = torch.optim.SGD([*model.parameters(), *projector.parameters()], 0.05, momentum=0.9, weight_decay=5e-4)

    def work(meter: Meter) -> None:
        for pictures, classes in loader:
            images, labels = pictures.to(scale.device), classes.to(scale.device)
            if views == 1:
                loss = functional.cross_entropy(model(images), labels)
            else:
                projections = projector(model.features(images.transpose(0, 1).flatten(0, 1)))
                loss = supcon_loss(projections.view(2, len(labels), -1).transpose(0, 1), labels, 0.07, 0.07)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
            meter.step(len(labels) * views)

    return metered(scale.device, scale.seconds, work)


def bare(scale: Scale, batch: int, precision: str, how: str) -> float:
    """Forward and backward on one batch that lies there: what compilation or a captured graph could give."""
    model: nn.Module = network(load_study("corti2022-paper"), scale.device)
    images = torch.rand((batch, *SHAPE), device=scale.device).to(memory_format=torch.channels_last)
    rounded = torch.autocast(scale.device, torch.bfloat16) if precision == "bfloat16" else nullcontext()
    called: Any = model
    if how == "compiled":
        called = torch.compile(model, mode="reduce-overhead")
    if how == "graph":
        with rounded:
            called = torch.cuda.make_graphed_callables(model, (images,))

    def work(meter: Meter) -> None:
        model.zero_grad()
        with rounded:
            value = called(images).float().square().mean()
        value.backward()
        meter.step(batch)

    return metered(scale.device, scale.seconds, work)


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


def measured(scale: Scale) -> Iterator[Row]:
    """All of them; what fails is told, and the next one tried."""

    def tried(what: str, unit: str, measure: Callable[..., float], *arguments: Any) -> Iterator[Row]:
        try:
            yield Row(what, f"{unit}/s", (measure(scale, *arguments),))
        except Exception as error:  # a candidate that this card or torch cannot do
            told = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            print(f"{what}: {told}", file=sys.stderr, flush=True)

    for dtype in (torch.float32, torch.bfloat16):
        yield from tried(f"matrix product, {str(dtype)[6:]}", "GFLOP", products, dtype)
    yield from tried("copy in memory", "GB", copies)
    for objective, batch in zip(OBJECTIVES, scale.batches, strict=True):
        yield from tried(f"{objective}, plain loop", "samples", plain, objective)
        for precision in ("float32", "bfloat16"):
            yield from tried(f"{objective}, piescope, {precision}", "samples", own, objective, precision)
            for how in ("eager",) if scale.device == "cpu" else ("eager", "compiled", "graph"):
                name = f"forward and backward of {batch}, {how}, {precision}"
                yield from tried(name, "samples", bare, batch, precision, how)
    for count in scale.processes:
        name = f"supervised, {count} at once, bfloat16"
        yield from tried(name, "samples", many, "supervised", "bfloat16", count)
    yield from tried("supcon, 2 at once, bfloat16", "samples", many, "supcon", "bfloat16", 2)
    yield from tried("neighbours", "queries", neighbours)


def all_of(given: argparse.Namespace) -> Iterator[Row]:
    if given.device != "cpu":
        print(torch.cuda.get_device_name(), flush=True)
    yield from measured(tiny(given.device) if given.tiny else Scale(given.device, given.seconds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    command(parser, all_of, {})
