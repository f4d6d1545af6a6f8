"""Training throughput of `piescope run` against a plain PyTorch loop, and against what the machine can do at most.

The plain loop is what one writes first: one process, torch's default threads and memory format, tensors in memory (no
loader's overhead), pad, crop and mirror, SGD with Nesterov momentum, float32. `run` is the whole command, from its start
until its last model is trained, on a study of dense supervised models; *once workers are up* counts from the moment at
which the first of them begins to train. Rounds alternate, so that a machine that changes pace changes all.

    python benchmarks/throughput.py [--rounds 3] [--only digits]

Images of 3x32x32 are CIFAR-10's where they lie (PIESCOPE_DATA), else made. The limit is that of limits.py, in the same rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import limits
from rows import PIESCOPE, Row, command, ratios

WITH_START = 1.2
"""Times the plain loop's throughput that `run` promises with its start-up, in a study of 8 models."""


@dataclass(frozen=True)
class Case:
    """A training.

    Attributes:
        name: of it.
        depth: of the Wide ResNet.
        width: its factor.
        shape: channels, height and width of an image.
        examples: in the training half.
        epochs: of `run`.
        plain_epochs: of the plain loop's one model: its pace hangs on neither.
        batch: images of a step.
        padding: of the crop.
        mirrored: with which chance an image is.
        at_least: times the plain loop's throughput, promised once workers are up.
        precision: of `run`.
        models: of the study.
        tune: as of `run`; ``"full"`` is measured before the rounds, as it is once for a machine.
    """

    name: str
    depth: int
    width: int
    shape: tuple[int, int, int]
    examples: int
    epochs: int
    plain_epochs: int
    batch: int
    padding: int
    mirrored: float
    at_least: float
    precision: str = "float32"
    models: int = 8
    tune: str = "auto"

    @property
    def images(self) -> int:
        """Trained on by `run`."""
        return self.models * self.epochs * self.examples


DIGITS = Case("digits, 1x8x8, WRN-10-1, batch 50", 10, 1, (1, 8, 8), 1000, 16, 64, 50, 1, 0.0, 1.6)
LARGE = Case("3x32x32, WRN-16-2, batch 128", 16, 2, (3, 32, 32), 2560, 1, 2, 128, 4, 0.5, 1.5)
ROUNDED = replace(LARGE, name=f"{LARGE.name}, bfloat16", at_least=2.3, precision="bfloat16")
COMPILED = replace(LARGE, name=f"{LARGE.name}, --tune full", epochs=3, models=4, tune="full")
CASES = {"digits": DIGITS, "large": LARGE, "bfloat16": ROUNDED, "full": COMPILED}
USUAL = ("digits", "large", "bfloat16")

STUDY = """
name = "throughput"
title = "Throughput"
replicates = {models}
sparsities = [0.5]

[data]
source = "{source}"
train_examples = {examples}
test_examples = 10
normalisation = {{ mean = {mean}, std = {std} }}
{holds}

[model]
depth = {depth}
width = {width}

[arms]
supervised = ["dense"]

[training.supervised]
epochs = {epochs}
batch_size = {batch}
learning_rate = 0.1
nesterov = true
weight_decay = 5e-4
schedule = {{ kind = "cosine" }}
augmentation = {{ pad_and_crop = {padding}, horizontal_flip = {mirrored} }}
precision = "{precision}"
"""


def plain_loop(case: Case, images: Any, labels: Any) -> float:
    """Images a second of ``[examples, channels, height, width]`` floats as one writes it first, in float32."""
    import torch
    from torch.nn import functional

    from piescope.models.wide_resnet import WideResNet

    model = WideResNet(case.depth, case.width, 10, case.shape[0])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    steps = case.plain_epochs * -(-len(labels) // case.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    size, padding = case.shape[1], case.padding
    began = time.perf_counter()
    for _ in range(case.plain_epochs):
        for rows in torch.randperm(len(labels)).split(case.batch):
            padded = functional.pad(images[rows], (padding,) * 4)
            places = torch.randint(0, 2 * padding + 1, (len(rows), 2)).tolist()
            cut = [image[:, y : y + size, x : x + size] for image, (y, x) in zip(padded, places, strict=True)]
            batch = torch.stack(cut)
            if case.mirrored:
                batch = torch.where(torch.rand(len(rows), 1, 1, 1) < case.mirrored, batch.flip(3), batch)
            loss = functional.cross_entropy(model(batch), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return case.plain_epochs * len(labels) / (time.perf_counter() - began)


def made(case: Case, folder: Path) -> None:
    """Images of the case's shape, as a user's own arrays."""
    import numpy as np

    random = np.random.default_rng(0)
    for half, count in (("train", case.examples), ("test", 10)):
        images = random.integers(0, 256, (count, *case.shape), np.uint8)
        np.savez(folder / f"{half}.npz", images=images, labels=np.arange(count) % 10)


def has_cifar() -> bool:
    from piescope.data.cifar import CIFAR10, load_cifar
    from piescope.data.locate import places
    from piescope.problems import DataError

    with suppress(DataError):
        load_cifar(CIFAR10, places(None))
        return True
    return False


def study_of(case: Case, source: str) -> str:
    channels, height, width = case.shape
    holds = f"holds = {{ train_examples = {case.examples}, test_examples = 10, image_shape = [{channels}, {height}, {width}], num_classes = 10 }}"
    each = {"mean": [0.5] * channels, "std": [0.25] * channels, "holds": holds if source == "arrays" else ""}
    names = ("depth", "width", "examples", "epochs", "batch", "padding", "mirrored", "precision", "models")
    return STUDY.format(source=source, **each, **{name: getattr(case, name) for name in names})


def run(case: Case, source: str, data: Path) -> tuple[float, float]:
    """Images a second of the command: once workers are up, and with their start-up."""
    with tempfile.TemporaryDirectory() as scratch:
        study, events = Path(scratch) / "study.toml", Path(scratch) / "events.jsonl"
        study.write_text(study_of(case, source))
        where = ["--device", "cpu", "--tune", case.tune, *(["--data-dir", str(data)] if source == "arrays" else [])]
        if case.tune == "full":
            subprocess.run([PIESCOPE, "plan", str(study), *where], stdout=subprocess.DEVNULL, check=True)
        words = [PIESCOPE, "run", str(study), "--out", f"{scratch}/out", "--events", str(events), *where]
        began = time.time()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            first, last = trained(case.models, events, process)
        finally:
            process.kill()  # what comes after the last training is not measured
            process.communicate()
    return case.images / (last - first), case.images / (last - began)


def trained(models: int, events: Path, process: subprocess.Popen[bytes]) -> tuple[float, float]:
    """When the first model began to be trained, and when the last was."""
    while True:
        over = process.poll() is not None
        lines = events.read_text().splitlines() if events.exists() else []
        told = [line for line in map(json.loads, lines) if line.get("kind") == "train"]
        times = {
            event: [datetime.fromisoformat(line["time"]).timestamp() for line in told if line["event"] == event]
            for event in ("started", "finished")
        }
        if len(times["finished"]) == models:
            return min(times["started"]), max(times["finished"])
        assert not over, process.stderr and process.stderr.read().decode()
        time.sleep(0.1)


def operators_of(case: Case) -> list[limits.Operator]:
    """Of one step of `run`'s own loop."""
    import torch

    from piescope.models.wide_resnet import WideResNet
    from piescope.seeds import Seeds
    from piescope.training.loop import TrainingData
    from piescope.training.recipe import Augmentation, Normalisation, Training
    from piescope.training.stages import train_supervised

    channels = case.shape[0]
    images = torch.zeros(case.batch, *case.shape, dtype=torch.uint8)
    normalisation = Normalisation(mean=(0.5,) * channels, std=(0.25,) * channels)
    data = TrainingData(images, torch.arange(case.batch) % 10, normalisation)
    augmentation = Augmentation(pad_and_crop=case.padding, horizontal_flip=case.mirrored)
    recipe = Training(
        epochs=1, batch_size=case.batch, learning_rate=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4,
        augmentation=augmentation, precision=case.precision,
    )  # fmt: skip
    model = WideResNet(case.depth, case.width, 10, channels).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return limits.counted(lambda: train_supervised(model, data, recipe, Seeds(0, 0)))


def rounds_of(case: Case, given: argparse.Namespace, data: Path, processes: limits.Processes) -> Iterator[Row]:
    import torch

    from piescope.data.sources import load_digits

    source = "digits" if case.shape[0] == 1 else "cifar10" if has_cifar() else "arrays"
    made(case, data)
    operators, cores = operators_of(case), len(os.sched_getaffinity(0))
    images = torch.rand(case.examples, *case.shape)
    labels = torch.arange(case.examples) % 10
    if source == "digits":
        train = load_digits().train
        images = torch.from_numpy(train.images[: case.examples]).float() / 255
        labels = torch.from_numpy(train.labels[: case.examples])
    images = (images - 0.5) / 0.25
    plain_loop(replace(case, plain_epochs=1), images, labels)  # warm-up
    plain, steady, whole, products, everything, convolved = columns = [], [], [], [], [], []
    for _ in range(given.rounds):
        rates = processes.together(given.seconds, given.matrix)
        found = (plain_loop(case, images, labels), *run(case, source, data))
        taken = *limits.seconds_at_limit(operators, rates), processes.convolutions(operators, given.seconds)
        at_limit = (cores * case.batch / seconds for seconds in taken)
        for column, value in zip(columns, (*found, *at_limit), strict=True):
            column.append(value)
    yield Row(f"{case.name}: plain loop", "images/s", tuple(plain))
    yield Row(f"{case.name}: run", "images/s", tuple(steady))
    yield ratios(f"{case.name}: run / plain loop", steady, plain, case.at_least)
    yield ratios(f"{case.name}: run with its start-up, {case.models} models / plain loop", whole, plain, WITH_START)
    yield Row(f"{case.name}: limit by products", "images/s", tuple(products))
    yield Row(f"{case.name}: limit by operators", "images/s", tuple(everything))
    yield Row(f"{case.name}: limit by the library's convolutions", "images/s", tuple(convolved))
    yield ratios(f"{case.name}: run / limit by products", steady, products)
    yield ratios(f"{case.name}: run / limit by operators", steady, everything)
    yield ratios(f"{case.name}: run / limit by the library's convolutions", steady, convolved)


def tiny(case: Case) -> Case:
    """To see that it works."""
    return replace(case, models=1, epochs=1, plain_epochs=1, examples=20, batch=10)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    with limits.Processes() as processes, tempfile.TemporaryDirectory() as data:
        for name in given.only:
            case = tiny(CASES[name]) if given.tiny else CASES[name]
            if case.precision == "bfloat16" and not limits.has_bfloat16():
                print(f"{case.name}: left out, as this processor does not multiply in bfloat16")
                continue
            yield from rounds_of(case, given, Path(data), processes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=CASES, default=USUAL, help="of the trainings")
    parser.add_argument("--seconds", type=float, default=0.2, help="of each of the machine's rates")
    parser.add_argument("--matrix", type=int, default=2048, help="side of the matrices for them")
    command(parser, measured, {"rounds": 1, "only": ["digits"], "seconds": 0.001, "matrix": 64})
