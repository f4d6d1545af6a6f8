"""Sizes that no honest study has: a zero too many, or a file that is meant to do harm. Loads no torch."""

from __future__ import annotations

import math
from collections.abc import Iterator

from piescope.data.sources import SOURCES
from piescope.models.build import ModelSpec
from piescope.problems import StudyError
from piescope.study.spec import Study, Trainings
from piescope.training.recipe import Contrastive, OneShotPruning, Training

MOST_EPOCHS, MOST_STEPS, MOST_BATCH, MOST_MILESTONES = 100_000, 10**9, 10**6, 1_000
"""Of one training."""

MOST_NAMES = 100
"""Sparsities, and prunings or controls of an objective."""

MOST_SEEDS, MOST_POINTS = 10**6, 10_000
LARGEST_SEED = 2**63
MOST_DEPTH, MOST_WIDTH, MOST_PARAMETERS, MOST_PROJECTED = 1_000, 64, 10**9, 2**16
MOST_IMAGES, MOST_CLASSES, MOST_CHANNELS, MOST_PIXELS, MOST_DATA = 10**9, 10**5, 64, 4_096, 2**40
"""Images and their classes, channels, pixels of a side, and bytes of all, which a study holds in memory."""


def check_sizes(problems: StudyError, study: Study) -> None:
    """Notes what is beyond all measure, before anything is listed or counted that is as large.

    Args:
        problems: gets a fault for each.
        study: its values are sound, its parts need not fit together.

    Example:
        >>> from piescope.study.parse import load_study
        >>> problems = StudyError("huge")
        >>> check_sizes(problems, load_study("digits").model_copy(update={"replicates": 10**9}))
        >>> print(problems)
        huge: replicates
          found     1,000,000,000
          expected  at most 1,000,000
          cure      take less: no study has so much
    """
    for where, found, most in _sizes(study):
        if abs(found) > most:
            shown = f"{found:,}" if abs(found) < 10**30 else "a number of more than thirty digits"
            problems.add(where, shown, f"at most {most:,}", "take less: no study has so much")


def _sizes(study: Study) -> Iterator[tuple[str, int, int]]:
    """Keys, what stands there, and the most that may."""
    seeds = study.replicates if isinstance(study.replicates, tuple) else ()
    yield "replicates", study.replicates if isinstance(study.replicates, int) else len(seeds), MOST_SEEDS
    yield "replicates", max(map(abs, seeds), default=0), LARGEST_SEED
    yield "replicates_of", max(study.replicates_of.values(), default=0), MOST_SEEDS
    yield "seed", study.seed, LARGEST_SEED
    for where, names in {"sparsities": study.sparsities, "pruning": study.pruning, "controls": study.controls}.items():
        yield where, len(names), MOST_NAMES
    yield from ((f"arms.{objective}", len(prunings), MOST_NAMES) for objective, prunings in study.arms.items())
    yield from (
        (f"figures.{name}", len(shown), MOST_NAMES) for name, shown in study.figures or () if isinstance(shown, tuple)
    )
    yield from _of_model(study.model)
    yield from _of_data(study)
    for where, training in trainings_of(study):
        yield from _of_training(where, training, study)
    for objective in ("supcon", "simclr", "supcon_q"):
        contrastive: Contrastive | None = getattr(study.training, objective)
        if contrastive is not None:
            yield f"training.{objective}.projection", max(contrastive.projection or (0,)), MOST_PROJECTED
    depth, projection = study.measures.prediction_depth, study.measures.projection
    if depth is not None and not isinstance(depth.points, str):
        yield "measures.prediction_depth.points", len(depth.points), MOST_POINTS
    if projection is not None:
        yield "measures.projection.sparsities", len(projection.sparsities), MOST_NAMES


def _of_model(model: ModelSpec) -> Iterator[tuple[str, int, int]]:
    yield "model.depth", model.depth, MOST_DEPTH
    yield "model.width", model.width, MOST_WIDTH
    blocks = (model.depth - 4) // 6
    yield "model: weights, about", sum(18 * blocks * width**2 for width in model.stage_widths), MOST_PARAMETERS


def _of_data(study: Study) -> Iterator[tuple[str, int, int]]:
    holds = study.data.holds
    if holds is None:
        return
    channels, *sides = holds.image_shape
    yield "data.holds.train_examples", holds.train_examples, MOST_IMAGES
    yield "data.holds.test_examples", holds.test_examples, MOST_IMAGES
    yield "data.holds.num_classes", holds.num_classes, MOST_CLASSES
    yield "data.holds.image_shape, channels", channels, MOST_CHANNELS
    yield "data.holds.image_shape, pixels of a side", max(sides), MOST_PIXELS
    size = study.data.image_size
    pixels = channels * (size**2 if size is not None else math.prod(sides))
    there = [holds.train_examples, holds.test_examples]
    asked = [study.data.train_examples, study.data.test_examples]
    images = sum(most if some is None else min(some, most) for some, most in zip(asked, there, strict=True))
    yield "data.holds: bytes of all images", images * pixels, MOST_DATA


def trainings_of(study: Study) -> Iterator[tuple[str, Training]]:
    """Every training of a study by its key."""
    for objective in Trainings.model_fields:
        training = getattr(study.training, objective)
        if isinstance(training, Contrastive):
            yield f"training.{objective}.encoder", training.encoder
            yield f"training.{objective}.head", training.head
        elif training is not None:
            yield f"training.{objective}", training
    for name, method in study.pruning.items():
        if isinstance(method, OneShotPruning):
            yield f"pruning.{name}.finetune", method.finetune


def _of_training(where: str, training: Training, study: Study) -> Iterator[tuple[str, int, int]]:
    yield f"{where}.epochs", training.epochs, MOST_EPOCHS
    yield f"{where}.batch_size", training.batch_size, MOST_BATCH
    yield f"{where}.schedule.milestones", len(getattr(training.schedule, "milestones", ())), MOST_MILESTONES
    if study.data.source not in SOURCES or (study.data.holds is None and SOURCES[study.data.source].facts is None):
        return  # told elsewhere
    facts = study.data.facts
    yield f"{where}: steps", training.steps(facts.train_examples), MOST_STEPS
    side = min(facts.image_shape[1:])
    yield f"{where}.augmentation.pad_and_crop", training.augmentation.pad_and_crop, side
