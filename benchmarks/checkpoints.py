"""What checkpoints cost a training: the same steps with and without them, in turn, on one core.

A worker of `piescope run` has one core, so the thread that writes a checkpoint takes its time from the training's. Both
are counted as seconds of the processor: the difference between the same steps with a checkpoint after (almost) each
and with none, over the number of checkpoints, is what one costs; over the seconds between two it is their share.
Waiting for the disk is no part of it, as the training goes on meanwhile.

    python benchmarks/checkpoints.py [--rounds 5] [--seconds 60] [--folder /tmp]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch.nn import functional

from piescope.models.wide_resnet import WideResNet
from piescope.pruning.pruner import Pruner
from piescope.pruning.scope import prunable_parameters
from piescope.seeds import Seeds
from piescope.store.checkpoints import Origin, write_checkpoint
from piescope.training import checkpoints
from piescope.training.checkpoints import Checkpoint, Checkpoints, When
from piescope.training.loop import TrainingData, fit
from piescope.training.recipe import Augmentation, Normalisation, Training
from rows import Row, command

TRAININGS = {  # depth, width, pixels, batch, steps
    "digits: WRN-10-1, 8 x 8, batch 50": (10, 1, 8, 50, 100),
    "paper: WRN-16-2, 32 x 32, batch 128": (16, 2, 32, 128, 10),
    "large: WRN-28-10, 32 x 32, batch 4": (28, 10, 32, 4, 5),
}


def trained(training: tuple[int, int, int, int, int], path: Path | None) -> tuple[float, int, int]:
    """Seconds of the processor that so many steps of a pruned training take, checkpoints written, bytes of one."""
    depth, width, pixels, batch, steps = training
    seeds, written = Seeds(0, 0), 0
    channels = 1 if pixels == 8 else 3
    draws = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (batch * steps, channels, pixels, pixels), generator=draws, dtype=torch.uint8)
    labels = torch.randint(0, 10, (batch * steps,), generator=draws)
    data = TrainingData(images, labels, Normalisation(mean=(0.5,) * channels, std=(0.25,) * channels))
    net = WideResNet(depth, width, 10, channels, seeds.torch("weights")).to(memory_format=torch.channels_last)
    pruner = Pruner(prunable_parameters(net, biases=True))
    recipe = Training(epochs=1, batch_size=batch, learning_rate=0.01, augmentation=Augmentation(pad_and_crop=1))

    def write(checkpoint: Checkpoint) -> None:
        nonlocal written
        written += 1
        arrays = {name: tensor.numpy() for name, tensor in checkpoint.tensors.items()}
        write_checkpoint(path, Origin(key="0" * 32, parents={}, environment={}), checkpoint.stage, arrays)

    def loss(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(net(images), labels)

    net.train()
    began = time.process_time()
    with Checkpoints(write, When(0 if path else float("inf"))) as kept:
        fit(loss, net, net.parameters(), data, recipe, seeds, "supervised", pruner=pruner, checkpoints=kept)
    return time.process_time() - began, written, path.stat().st_size if path else 0


def measured(given: argparse.Namespace) -> Iterator[Row]:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    checkpoints.SHARE = float("inf")  # as many as can be: the share is what is measured
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for name in given.only:
            training = TRAININGS[name]
            trained(training, None)  # warm-up
            costs = []
            for _ in range(given.rounds):
                plain, _, _ = trained(training, None)
                kept, written, size = trained(training, Path(folder) / "checkpoint")
                costs.append((kept - plain) / written)
            yield Row(
                f"{name}: a checkpoint of {size / 1e6:.1f} MB", "ms of a processor", tuple(1e3 * each for each in costs)
            )
            shares = tuple(100 * each / given.seconds for each in costs)
            yield Row(f"{name}: of the time, with one each {given.seconds:g} s", "%", shares)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=TRAININGS, default=list(TRAININGS), help="of the trainings")
    parser.add_argument("--seconds", type=float, default=60.0, help="between two checkpoints")
    parser.add_argument("--folder", help="where checkpoints are written; else the usual one for temporary files")
    command(parser, measured, {"rounds": 1, "only": [next(iter(TRAININGS))]})
