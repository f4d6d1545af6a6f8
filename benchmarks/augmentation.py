"""Images a second that are augmented, beside the same operations done to every image, as they were written first.

Of the three recipes that studies ship with, on one thread; both ways in turn, equal bit by bit (`tests/plain_augmentation.py`).

    python benchmarks/augmentation.py [--rounds 5] [--seconds 0.5]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import plain_augmentation as plain
from piescope.study.parse import load_study
from piescope.training.recipe import Augmentation, Contrastive, Training
from rows import Row, command, ratios


def recipes() -> dict[str, tuple[Augmentation, int, int, tuple[int, int, int]]]:
    """Augmentation, batch, views, shape of an image."""
    made = {}
    for study, objective in (("digits", "supervised"), ("cifar10-short", "supervised"), ("cifar10-short", "supcon")):
        loaded = load_study(study)
        training = getattr(loaded.training, objective)
        views = 1 if isinstance(training, Training) else 2
        stage = training.encoder if isinstance(training, Contrastive) else training
        shape = loaded.data.facts.image_shape
        made[f"{study}, {objective}"] = (stage.augmentation, stage.batch_size, views, shape)
    return made


def images_a_second(once: Callable[[], object], images: int, seconds: float) -> float:
    """By the processor's time, which other work of the machine changes little."""
    began, rounds = time.process_time(), 0
    while (taken := time.process_time() - began) < seconds:
        once()
        rounds += 1
    return rounds * images / taken


def measured(given: argparse.Namespace) -> Iterator[Row]:
    torch.set_num_threads(1)
    for name, (recipe, batch, views, shape) in recipes().items():
        images = torch.rand(batch, *shape, generator=torch.Generator().manual_seed(0))
        ours, theirs = (
            partial(way, images, torch.Generator().manual_seed(1))
            for way in (recipe.apply, partial(plain.apply, recipe))
        )
        assert torch.equal(ours(), theirs())
        rates = [
            [images_a_second(way, batch * views, given.seconds * views) for way in (ours, theirs)]
            for _ in range(given.rounds)
        ]
        own, other = zip(*rates, strict=True)
        yield Row(f"{name}, batch {batch} x {views}", "images/s", own)
        yield ratios(f"{name}: that / every operation on every image", own, other)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement")
    command(parser, measured, {"rounds": 1, "seconds": 0.001})
