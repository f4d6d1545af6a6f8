"""What a study asks of a machine: models, FLOPs and disk, counted from its plan. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from piescope.study.plan import Plan


@dataclass(frozen=True)
class Cost:
    """What a study asks of a machine.

    Attributes:
        models: networks.
        training_flops: floating-point operations of all trainings and fine-tunings (a multiply-add is two).
        shared_flops: those that trainings of a seed would do again if they did not begin where one has been already.
        disk_bytes: of its artefacts.
        steps: how many, by kind.
    """

    models: int
    training_flops: int
    shared_flops: int
    disk_bytes: int
    steps: dict[str, int]


def cost_of(plan: Plan) -> Cost:
    """Counts a study's work, FLOPs and disk; FLOPs from the model's layers."""
    from piescope.models.build import flops_per_sample, parameter_count

    study, facts = plan.study, plan.study.data.facts
    flops = flops_per_sample(study.model, facts.image_shape, facts.num_classes)
    kinds: dict[str, int] = {}
    training = shared = 0
    for step in plan.steps:
        kinds[step.kind] = kinds.get(step.kind, 0) + 1
        if step.kind in ("train", "finetune"):
            training += step.forward_backward * flops.forward_backward + step.forward * flops.forward
            shared += step.taken_over * flops.forward_backward
    weights = 4 * parameter_count(study.model, facts.image_shape, facts.num_classes)
    channels, height, width = facts.image_shape
    bytes_of: dict[str, int] = {
        "data": facts.test_examples * channels * height * width,
        "train": weights,
        "finetune": weights,
        "predict": 4 * facts.test_examples * (facts.num_classes + study.model.dims),
        "depth": 2 * facts.test_examples * len(study.probe_points()),
        "compare": (100 + 6 * len(study.seeds)) * facts.test_examples,
    }
    maps = sum(8 * step.forward for step in plan.steps if step.kind == "project")
    overhead = 4096  # manifest, histories, file-system blocks
    return Cost(
        models=plan.models,
        training_flops=training,
        shared_flops=shared,
        disk_bytes=maps + sum(count * (bytes_of.get(kind, 0) + overhead) for kind, count in kinds.items()),
        steps=kinds,
    )
