"""How long a study takes here, and in how much memory: a second of training on all workers; the rest is rough."""

from __future__ import annotations

import math
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from piescope.data.kept import SMALL
from piescope.study.plan import Plan
from piescope.study.spec import Objective, Study

SECONDS = 1.0
"""Of training steps, for each objective."""

# Rough, from the digits study on two cores of a Xeon: start-up of workers and report, each step's reading, hashing and
# syncing, UMAP's compilation in each worker, UMAP of an example, a kNN query over forward passes.
START_AND_REPORT, STEP, UMAP_COMPILATION, UMAP_EXAMPLE, KNN = 11.0, 0.01, 8.0, 0.0014, 2.0


MOST_IMAGES = 256
"""In a step of the calibration: larger batches take about as long an image."""

PARENT_BYTES = 150 << 20
"""Of the process that hands out steps and draws the report."""


@dataclass(frozen=True)
class Forecast:
    """What a study would take here, from nothing, on the CPU.

    Attributes:
        seconds: wall clock.
        peak_memory_bytes: of all processes at their most; each worker's own was measured while it trained, the data and
            arrays of the other steps are counted.
    """

    seconds: float
    peak_memory_bytes: int


def forecast(plan: Plan, workers: int) -> Forecast:
    """Time and memory that a study would take from nothing on this machine's CPU.

    All workers train for a moment at the same time, as they will in the run: cores that share caches, memory or
    execution units slow each other down, and a single one would promise too much.
    """
    study = plan.study
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        measured = list(pool.map(calibrate_worker, [study] * workers))
    pace = {objective: sum(worker.pace[objective] for worker in measured) / workers for objective in study.arms}
    forward = min(pace.values()) / 3
    busy = 0.0
    for item in plan.arms:
        for step in item.models:
            busy += (step.forward_backward + step.forward / 3) * pace[item.arm.objective]
    maps = 0
    for step in plan.steps:
        busy += STEP
        if step.kind == "predict":
            busy += step.forward * forward
        elif step.kind == "depth":
            busy += KNN * step.forward * forward
        elif step.kind == "project":
            busy += step.forward * UMAP_EXAMPLE
            maps += 1
    busy += UMAP_COMPILATION * min(maps, workers)
    peak = max(worker.peak_bytes for worker in measured) + bytes_of_largest_step(plan)
    return Forecast(START_AND_REPORT + busy / workers, PARENT_BYTES + workers * peak)


def bytes_of_largest_step(plan: Plan) -> int:
    """Data and arrays that a worker holds beside a training's: the data set, and what probing or comparing keeps."""
    study, whole, facts = plan.study, plan.study.data.whole, plan.study.data.facts
    pixels = math.prod(whole.image_shape)
    halves = [whole.train_examples * pixels, whole.test_examples * pixels]
    data = sum(half for half in halves if half < SMALL)  # larger ones are mapped
    examples, pixels = facts.train_examples + facts.test_examples, math.prod(facts.image_shape)
    data += examples * pixels if facts != whole else 0
    files = 0 if study.data.holds else sum(halves)  # read whole before it is parsed
    files = max(files, 3 * facts.test_examples * pixels)  # the test half, copied into an artefact
    dims = study.probe_dims()
    # what is kept of every probe, then a copy of the largest in the index
    depth = 4 * (examples * sum(dims) + facts.train_examples * max(dims, default=0)) if dims else 0
    # labels and Q, Z, L1 of each model of two populations, and one model's representations in double precision
    compare = facts.test_examples * (2 * len(study.seeds) * 5 * 8 + 4 * 8 * study.model.dims)
    return data + max(files, depth, compare)


@dataclass(frozen=True)
class WorkerCalibration:
    """One worker's calibration.

    Attributes:
        pace: seconds of one image forward and backward, by objective.
        peak_bytes: of its memory.
    """

    pace: dict[Objective, float]
    peak_bytes: int


def calibrate_worker(study: Study) -> WorkerCalibration:
    """In a worker: trains for a moment with each objective's batch; seconds of an image, and the memory it took."""
    import resource

    import faiss  # noqa: F401  loaded by every worker: it counts
    import torch
    from torch.nn import functional

    from piescope.seeds import Seeds
    from piescope.study.steps import set_up_worker
    from piescope.training.recipe import Training

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    set_up_worker("cpu")
    facts = study.data.facts
    pace: dict[Objective, float] = {}
    most = peak()
    for objective in study.arms:
        training = study.training_of(objective)
        # two views of each image are one batch to the network
        first, views = (training, 1) if isinstance(training, Training) else (training.encoder, 2)
        batch = views * first.batch_size
        rounded = torch.autocast("cpu", torch.bfloat16, first.precision == "bfloat16")
        seeds = Seeds(study.seed, 0)
        model = study.model.build(facts.image_shape, facts.num_classes, seeds.torch("weights"))
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.SGD(model.parameters(), 1e-4, momentum=0.9)
        shown = min(batch, MOST_IMAGES)
        images = torch.rand((shown, *facts.image_shape), generator=seeds.torch("calibration"))
        labels = torch.arange(shown) % facts.num_classes
        before = peak()
        steps = 0
        began = time.perf_counter()
        while (elapsed := time.perf_counter() - began) < SECONDS or steps < 2:
            optimizer.zero_grad()
            with rounded:
                loss = functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            steps += 1
        pace[objective] = elapsed / (steps * shown)
        most = max(most, before + (peak() - before) * batch // shown)  # activations grow with the batch
    return WorkerCalibration(pace, most)
