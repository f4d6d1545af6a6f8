"""The trainings that `card.py` measures, plain and piescope's, and their clock."""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from piescope.losses.contrastive import supcon_loss
from piescope.models.heads import ProjectionHead
from piescope.seeds import Seeds
from piescope.store.arithmetic import Arithmetic
from piescope.study.parse import load_study
from piescope.study.spec import Objective, Study
from piescope.study.steps import Place, network_of
from piescope.study.tuning import USUAL
from piescope.training import captured, stages
from piescope.training.history import Losses
from piescope.training.loop import TrainingData
from piescope.training.means import AS_IT_GOES, Means
from piescope.training.recipe import Training
from piescope.training.stages import train_contrastive, train_supervised
from rows import ROOT

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
        study: what `run` is given, a path; empty: cifar10-short, on made images.
        arithmetic: of what many do at once, and of the study.
    """

    device: str
    seconds: float
    images: int = 50_000
    batches: tuple[int, int] = (128, 1024)
    processes: tuple[int, ...] = (1, 2, 4, 8, 16)
    probe: tuple[int, int, int] = (50_000, 10_000, 2048)
    matrix: int = 8192
    study: str = ""
    arithmetic: Arithmetic = USUAL


def tiny(device: str) -> Scale:
    """To see that it runs."""
    return Scale(device, 0.1, 64, (16, 16), (1, 2), (200, 50, 8), 64, str(ROOT / "tests" / "small.toml"))


@dataclass(frozen=True)
class Way:
    """How a training is done."""

    name: str
    precision: str = "float32"
    is_queued: bool = True
    arithmetic: Arithmetic = USUAL

    def means(self, device: str) -> Means:
        """On a processor there are no graphs."""
        if not self.is_queued:
            return AS_IT_GOES
        return Means(True, self.arithmetic.compiled, self.arithmetic.captured and device != "cpu")


GRAPHS = Arithmetic(captured=True)
WAYS = (
    Way("draws on the CPU", is_queued=False),
    Way("queued"),
    Way("captured", arithmetic=GRAPHS),
    Way("draws on the CPU, bfloat16", "bfloat16", is_queued=False),
    Way("queued, bfloat16", "bfloat16"),
    Way("captured, bfloat16", "bfloat16", arithmetic=GRAPHS),
    Way(
        "captured, default memory format, bfloat16",
        "bfloat16",
        arithmetic=Arithmetic(memory_format="default", captured=True),
    ),
)
FASTEST = WAYS[5]
COMPILED = (
    Way("compiled, bfloat16", "bfloat16", arithmetic=Arithmetic(compiled=True)),
    Way("compiled and captured, bfloat16", "bfloat16", arithmetic=Arithmetic(compiled=True, captured=True)),
)


class EnoughError(Exception):
    """The time of a measurement is up."""


class Meter:
    """Samples a second once the first steps are behind, until the time is up."""

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
        if self._steps <= captured.WARM + 2:
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


def made_images(count: int) -> tuple[np.ndarray, np.ndarray]:
    drawn = np.random.default_rng(count)
    return drawn.integers(0, 256, (count, *SHAPE), np.uint8), np.arange(count) % CLASSES


def made_data(scale: Scale, study: Study, means: Means = AS_IT_GOES) -> TrainingData:
    images, labels = (torch.from_numpy(each).to(scale.device) for each in made_images(scale.images))
    return TrainingData(images, labels, study.data.normalisation, means)


def train(
    scale: Scale,
    objective: Objective,
    way: Way,
    on_step: Callable[[int, int, int], None] | None = None,
    epochs: int = 100,
) -> stages.History:
    """One of the paper's trainings, by `run`'s loop as its steps call it; slowly, as there is nothing to learn."""
    study, batch = load_study("corti2022-paper"), scale.batches[OBJECTIVES.index(objective)]
    data, place = made_data(scale, study, way.means(scale.device)), Place(scale.device, way.arithmetic)
    model = network_of(study.model, SHAPE, CLASSES, place, Seeds(0, 0).torch("weights"))
    changed = {"precision": way.precision, "batch_size": batch, "learning_rate": 1e-4, "epochs": epochs}
    pruning, recipe = (study.pruning["gmp"], 0.5), study.training_of(objective)
    if isinstance(recipe, Training):
        return train_supervised(model, data, recipe.model_copy(update=changed), Seeds(0, 0), *pruning, on_step)
    encoder, head = (stage.model_copy(update=changed) for stage in (recipe.encoder, recipe.head))
    both = recipe.model_copy(update={"encoder": encoder, "head": head})
    return train_contrastive(model, data, both, Seeds(0, 0), True, *pruning, on_step)


def own(scale: Scale, objective: Objective, way: Way) -> float:
    """Its samples a second."""

    def work(meter: Meter) -> None:
        train(scale, objective, way, lambda _step, _steps, samples: meter.step(samples))

    return metered(scale.device, scale.seconds, work)


def plain(scale: Scale, objective: Objective) -> float:
    """Eager float32 with a DataLoader, as one writes it first."""
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
    optimizer = torch.optim.SGD([*model.parameters(), *projector.parameters()], 1e-4, momentum=0.9, weight_decay=5e-4)

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


class ImageByImage(Dataset[tuple[Tensor, int]]):
    """Each image is augmented when it is asked for."""

    def __init__(self, scale: Scale, views: int, study: Study, objective: Objective) -> None:
        on_cpu = made_data(replace(scale, device="cpu"), study)
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


def one_of_many(scale: Scale, objective: Objective, way: Way, gate: Any) -> float:
    """In a process of its own; all begin together."""
    torch.set_num_threads(1)
    own(replace(scale, seconds=0.0), objective, way)  # warm
    gate.wait()
    return own(scale, objective, way)


def many(scale: Scale, objective: Objective, count: int) -> float:
    """The sum of so many processes on one device."""
    context, way = multiprocessing.get_context("spawn"), Way("", "bfloat16", arithmetic=scale.arithmetic)
    with context.Manager() as manager, context.Pool(count) as pool:
        gate = manager.Barrier(count)
        return sum(pool.starmap(one_of_many, [(scale, objective, way, gate)] * count))


STEPS = 40
"""Of a check."""


def unwaited(scale: Scale, objective: Objective, way: Way) -> float:
    """Steps in which whoever waits for the card is told off by torch, but where losses are read or graphs captured."""
    seen = 0

    def on_step(*_: int) -> None:
        nonlocal seen
        seen += 1
        if seen % STEPS == 0:
            raise EnoughError

    def within(mode: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            if scale.device == "cpu":
                return function(*given, **named)
            before = torch.cuda.get_sync_debug_mode()
            torch.cuda.set_sync_debug_mode(mode)
            try:
                return function(*given, **named)
            finally:
                torch.cuda.set_sync_debug_mode(before)

        return called

    def enough() -> None:
        with suppress(EnoughError):
            while True:
                train(scale, objective, way, on_step)

    enough()  # what libraries load at first use may wait
    with (
        mock.patch.object(stages, "fit", within("error", stages.fit)),
        mock.patch.object(Losses, "read", within("default", Losses.read)),
        mock.patch.object(captured.CudaGraphs, "capture", within("default", captured.CudaGraphs.capture)),
    ):
        enough()
    return float(seen - STEPS)


def apart(scale: Scale, objective: Objective, way: Way, other: Way) -> float:
    """The largest difference between the losses of an epoch of twelve steps, one of them smaller; of the first loss."""
    few = replace(scale, images=12 * scale.batches[OBJECTIVES.index(objective)] - 5)
    ours, theirs = (train(few, objective, each, epochs=3)[_stage(objective)] for each in (way, other))
    return max(abs(one - two) for one, two in zip(ours, theirs, strict=True)) / abs(theirs[0])


def _stage(objective: Objective) -> str:
    return "supervised" if objective == "supervised" else "encoder"
