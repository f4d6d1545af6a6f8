"""How fast this machine is: a few real training steps of the study's own model, timed."""

from __future__ import annotations

import time

from piescope.study.plan import Plan

PASSES = 8
OTHER = 1.25
"""Everything that is no training, as a factor: predictions, kNN probes, UMAP, report. Measured on ``digits``."""


def estimate_seconds(plan: Plan, workers: int) -> float:
    """Wall-clock seconds that a study would take from nothing on this machine's CPU.

    Times a few training steps of one single-threaded process per objective and takes the workers as equally fast;
    a rough figure: cores that share a memory bus slow each other down.
    """
    import torch
    from torch.nn import functional

    from piescope.seeds import Seeds
    from piescope.training.recipe import Training

    study = plan.study
    facts = study.data.facts
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds = 0.0
        for objective in study.arms:
            training = study.training_of(objective)
            batch = training.batch_size if isinstance(training, Training) else 2 * training.encoder.batch_size
            seeds = Seeds(study.seed, 0)
            model = study.model.build(facts.image_shape, facts.num_classes, seeds.torch("weights"))
            model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            images = torch.rand((batch, *facts.image_shape), generator=seeds.torch("calibration"))
            labels = torch.arange(batch) % facts.num_classes
            taken = []
            for _ in range(PASSES):
                began = time.perf_counter()
                functional.cross_entropy(model(images), labels).backward()
                taken.append(time.perf_counter() - began)
            per_image = sorted(taken)[PASSES // 2] / batch
            seconds += sum(
                (step.forward_backward + step.forward / 3) * per_image
                for item in plan.arms
                if item.arm.objective == objective
                for step in item.models
            )
    finally:
        torch.set_num_threads(threads)
    return OTHER * seconds / workers
