"""How long a study takes here: a second of real training on all workers at once, and rough figures for the rest."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

from piescope.study.plan import Plan
from piescope.study.spec import Objective, Study

SECONDS = 1.0
"""Of training steps, for each objective."""

# Rough, from the digits study on two cores of a Xeon: start-up of workers and report, each step's reading, hashing and
# syncing, UMAP's compilation in each worker, UMAP of an example, a kNN query over forward passes.
START_AND_REPORT, STEP, UMAP_COMPILATION, UMAP_EXAMPLE, KNN = 11.0, 0.01, 8.0, 0.0014, 2.0


def estimate_seconds(plan: Plan, workers: int) -> float:
    """Wall-clock seconds that a study would take from nothing on this machine's CPU.

    All workers train for a moment at the same time, as they will in the run: cores that share caches, memory or
    execution units slow each other down, and a single one would promise too much.
    """
    study = plan.study
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        measured = list(pool.map(seconds_per_image, [study] * workers))
    pace = {objective: sum(each[objective] for each in measured) / workers for objective in study.arms}
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
    return START_AND_REPORT + busy / workers


def seconds_per_image(study: Study) -> dict[Objective, float]:
    """In a worker: seconds of one image forward and backward through the network, at each objective's batch."""
    import torch
    from torch.nn import functional

    from piescope.seeds import Seeds
    from piescope.study.steps import set_up_worker
    from piescope.training.recipe import Training

    set_up_worker("cpu")
    facts = study.data.facts
    pace: dict[Objective, float] = {}
    for objective in study.arms:
        training = study.training_of(objective)
        # two views of each image are one batch to the network
        batch = training.batch_size if isinstance(training, Training) else 2 * training.encoder.batch_size
        seeds = Seeds(study.seed, 0)
        model = study.model.build(facts.image_shape, facts.num_classes, seeds.torch("weights"))
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.SGD(model.parameters(), 1e-4, momentum=0.9)
        images = torch.rand((batch, *facts.image_shape), generator=seeds.torch("calibration"))
        labels = torch.arange(batch) % facts.num_classes
        steps = 0
        began = time.perf_counter()
        while (elapsed := time.perf_counter() - began) < SECONDS or steps < 2:
            optimizer.zero_grad()
            functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
            steps += 1
        pace[objective] = elapsed / (steps * batch)
    return pace
