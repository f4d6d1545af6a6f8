"""From a study to its steps: what depends on what, and what each is known by. Only the count of FLOPs loads torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import Field

from piescope.models.build import ModelSpec
from piescope.spec import Spec, content_key
from piescope.store.artefacts import FORMAT_VERSION
from piescope.study.controls import FreshDense
from piescope.study.spec import DENSE, Arm, DataSpec, DepthSpec, Objective, Study
from piescope.training.recipe import Contrastive, GradualPruning, OneShotPruning, Training


class LoadData(Spec):
    """Load the data set, check it, keep the test images for the report."""

    data: DataSpec


class Train(Spec):
    """Train one model; dense, or pruned gradually on the way."""

    data: DataSpec
    model: ModelSpec
    objective: Objective
    training: Training | Contrastive
    pruning: GradualPruning | None
    sparsity: float
    study_seed: int
    replicate: int


class PruneAndFinetune(Spec):
    """Prune a trained dense model at once and fine-tune it."""

    data: DataSpec
    model: ModelSpec
    pruning: OneShotPruning
    sparsity: float
    study_seed: int
    replicate: int


class Predict(Spec):
    """Logits and representations of the test images."""

    data: DataSpec
    model: ModelSpec


class ProbeDepth(Spec):
    """kNN labels of the test images at every probe point."""

    data: DataSpec
    model: ModelSpec
    k: int
    points: tuple[str, ...]
    augmentation_of: Training | None = Field(description="whose augmentation the kNN bank is drawn under")
    study_seed: int
    replicate: int


class Project(Spec):
    """A UMAP of the mean of the parents' representations (usually one model's)."""

    neighbours: int
    min_dist: float
    seed: int


class Compare(Spec):
    """An arm's population against the dense one: everything that tables and figures need.

    Attributes:
        num_classes: classes are ``range(num_classes)``.
        seeds: of the arm's models.
        descended: model k was made from dense model k (one-shot), so labels are exchangeable within a pair only.
    """

    num_classes: int
    seeds: tuple[int, ...]
    descended: bool


StepSpec = LoadData | Train | PruneAndFinetune | Predict | ProbeDepth | Project | Compare

KINDS: dict[type[Spec], str] = {
    LoadData: "data",
    Train: "train",
    PruneAndFinetune: "finetune",
    Predict: "predict",
    ProbeDepth: "depth",
    Project: "project",
    Compare: "compare",
}
"""The kind of each step, also the folder of its artefacts."""


@dataclass(frozen=True)
class Ref:
    """Names a finished step's artefact."""

    kind: str
    key: str


@dataclass(frozen=True)
class Step:
    """One idempotent unit of work.

    Attributes:
        spec: everything that determines its outcome, but for its parents.
        label: for people: ``supervised gmp 0.9, seed 3``.
        parents: what it reads, by role.
        forward_backward: images it pushes forward and backward through the network (views counted).
        forward: images it only pushes forward.
    """

    spec: StepSpec
    label: str
    parents: Mapping[str, tuple[Ref, ...]] = field(default_factory=dict)
    forward_backward: int = 0
    forward: int = 0

    @property
    def kind(self) -> str:
        """``data``, ``train``, ``finetune``, ``predict``, ``depth``, ``project`` or ``compare``."""
        return KINDS[type(self.spec)]

    @cached_property
    def key(self) -> str:
        """Hash of the format version, the spec and the parents' keys."""
        return content_key(
            {
                "format_version": FORMAT_VERSION,
                "kind": self.kind,
                "spec": self.spec.model_dump(mode="json"),
                "parents": {role: [ref.key for ref in refs] for role, refs in self.parents.items()},
            }
        )

    @property
    def ref(self) -> Ref:
        """Names its artefact."""
        return Ref(self.kind, self.key)

    def parent_refs(self) -> tuple[Ref, ...]:
        """All parents, without their roles."""
        return tuple(ref for refs in self.parents.values() for ref in refs)


@dataclass(frozen=True)
class ArmSteps:
    """Where an arm's outcome will lie.

    Attributes:
        arm: the arm.
        models: one training (or fine-tuning) per replicate.
        compare: the comparison with the dense population.
        project: the UMAP, where the study asks for one.
    """

    arm: Arm
    models: tuple[Step, ...]
    compare: Step
    project: Step | None


@dataclass(frozen=True)
class Plan:
    """All steps of a study, parents before children, and which of them make an arm."""

    study: Study
    data: Step
    steps: tuple[Step, ...]
    arms: tuple[ArmSteps, ...]

    @property
    def models(self) -> int:
        """Networks that will exist."""
        return sum(len(arm.models) for arm in self.arms)


def make_plan(study: Study) -> Plan:
    """Lays out a study.

    Example:
        >>> from piescope.study.parse import load_study
        >>> plan = make_plan(load_study("digits"))
        >>> plan.models == len(plan.arms) * len(plan.study.seeds)
        True
    """
    facts = study.data.facts
    data = Step(LoadData(data=study.data), f"{study.data.source}: load and check")
    steps = [data]
    arms: list[ArmSteps] = []
    measured: dict[Arm, tuple[tuple[Step, ...], tuple[Step, ...], tuple[Step, ...]]] = {}
    for arm in study.arm_list():
        dense = Arm(objective=arm.objective, pruning=DENSE, sparsity=0.0)
        models, predictions, depths = [], [], []
        control = study.control(arm.pruning)
        descended = study.descends(arm.pruning)
        for position, seed in enumerate(study.seeds_of(arm.pruning)):
            parent = measured[dense][0][position] if descended else None
            model = _model_step(study, arm, seed, data, parent)
            predict = Step(
                Predict(data=study.data, model=study.model),
                f"{model.label}: predict",
                {"data": (data.ref,), "model": (model.ref,)},
                forward=facts.test_examples,
            )
            models.append(model)
            predictions.append(predict)
            steps += [model, predict]
            depth = study.measures.prediction_depth
            if depth is not None and position < depth.models and control is None:
                depths.append(_depth_step(study, depth, arm, seed, data, model))
                steps.append(depths[-1])
        measured[arm] = tuple(models), tuple(predictions), tuple(depths)
        project = None
        wanted = study.measures.projection
        if wanted is not None and control is None and arm.sparsity in (0.0, *wanted.sparsities):
            project = Step(
                Project(neighbours=wanted.neighbours, min_dist=wanted.min_dist, seed=wanted.seed),
                f"{arm}: UMAP",
                {"predictions": tuple(step.ref for step in predictions[: None if wanted.of == "mean" else 1])},
                forward=facts.test_examples,
            )
            steps.append(project)
        roles = {
            "data": (data.ref,),
            "models": tuple(step.ref for step in models),
            "dense": tuple(step.ref for step in measured[dense][1]),
            "pruned": tuple(step.ref for step in predictions),
            "fresh": _fresh_predictions(study, arm, measured),
            "dense_depths": tuple(step.ref for step in measured[dense][2]),
            "pruned_depths": tuple(step.ref for step in depths),
        }
        compare = Step(
            Compare(num_classes=facts.num_classes, seeds=study.seeds_of(arm.pruning), descended=descended),
            f"{arm}: compare with dense",
            roles,
            forward=facts.test_examples,
        )
        steps.append(compare)
        arms.append(ArmSteps(arm, tuple(models), compare, project))
    once = {step.ref: step for step in reversed(steps)}  # two names for one method are one method
    return Plan(study, data, tuple(step for step in steps if once[step.ref] is step), tuple(arms))


def _fresh_predictions(study: Study, arm: Arm, measured: Mapping[Arm, tuple[tuple[Step, ...], ...]]) -> tuple[Ref, ...]:
    """Of dense models with other seeds, where the study has them and this arm is not one of them."""
    if arm.pruning == DENSE or isinstance(study.control(arm.pruning), FreshDense):
        return ()
    return tuple(
        step.ref
        for other, (_, predictions, _) in measured.items()
        if other.objective == arm.objective and isinstance(study.control(other.pruning), FreshDense)
        for step in predictions
    )


def _model_step(study: Study, arm: Arm, seed: int, data: Step, dense: Step | None) -> Step:
    examples = study.data.facts.train_examples
    method = study.method(arm.pruning)
    label = f"{arm}, seed {seed}"
    if isinstance(method, OneShotPruning):
        assert dense is not None, "dense arms are laid out first"
        return Step(
            PruneAndFinetune(
                data=study.data,
                model=study.model,
                pruning=method,
                sparsity=arm.sparsity,
                study_seed=study.seed,
                replicate=seed,
            ),
            label,
            {"data": (data.ref,), "model": (dense.ref,)},
            forward_backward=method.finetune.epochs * examples,
        )
    training = study.training_of(arm.objective)
    if method is not None:  # a schedule of another objective's stages is no part of what this step is
        others = ("encoder", "head") if isinstance(training, Training) else ("supervised",)
        method = method.model_copy(update=dict.fromkeys(others))
    spec = Train(
        data=study.data,
        model=study.model,
        objective=arm.objective,
        training=training,
        pruning=method,
        sparsity=arm.sparsity,
        study_seed=study.seed,
        replicate=seed,
    )
    if isinstance(training, Training):
        return Step(spec, label, {"data": (data.ref,)}, forward_backward=training.epochs * examples)
    return Step(
        spec,
        label,
        {"data": (data.ref,)},
        forward_backward=2 * training.encoder.epochs * examples,
        forward=training.head.epochs * examples,
    )


def _depth_step(study: Study, depth: DepthSpec, arm: Arm, seed: int, data: Step, model: Step) -> Step:
    training = study.training_of(arm.objective)
    # the head's loader feeds the bank of contrastive models, as it feeds their classifier
    labelled = training if isinstance(training, Training) else training.head
    return Step(
        ProbeDepth(
            data=study.data,
            model=study.model,
            k=depth.k,
            points=study.probe_points(),
            augmentation_of=labelled if depth.augment_bank else None,
            study_seed=study.seed,
            replicate=seed,
        ),
        f"{model.label}: prediction depth",
        {"data": (data.ref,), "model": (model.ref,)},
        forward=study.data.facts.train_examples + study.data.facts.test_examples,
    )


@dataclass(frozen=True)
class Cost:
    """What a study asks of a machine.

    Attributes:
        models: networks.
        training_flops: floating-point operations of all trainings and fine-tunings (a multiply-add is two).
        disk_bytes: of its artefacts.
        steps: how many, by kind.
    """

    models: int
    training_flops: int
    disk_bytes: int
    steps: dict[str, int]


def cost_of(plan: Plan) -> Cost:
    """Counts a study's work, FLOPs and disk; FLOPs are read off the model (loads torch, runs nothing)."""
    from piescope.models.build import flops_per_sample, parameter_count

    study, facts = plan.study, plan.study.data.facts
    flops = flops_per_sample(study.model, facts.image_shape, facts.num_classes)
    kinds: dict[str, int] = {}
    training = 0
    for step in plan.steps:
        kinds[step.kind] = kinds.get(step.kind, 0) + 1
        if step.kind in ("train", "finetune"):
            training += step.forward_backward * flops.forward_backward + step.forward * flops.forward
    weights = 4 * parameter_count(study.model, facts.image_shape, facts.num_classes)
    channels, height, width = facts.image_shape
    bytes_of: dict[str, int] = {
        "data": facts.test_examples * channels * height * width,
        "train": weights,
        "finetune": weights,
        "predict": 4 * facts.test_examples * (facts.num_classes + study.model.dims),
        "depth": 2 * facts.test_examples * len(study.probe_points()),
        "project": 8 * facts.test_examples,
        "compare": (100 + 6 * len(study.seeds)) * facts.test_examples,
    }
    overhead = 4096  # manifest, histories, file-system blocks
    return Cost(
        models=plan.models,
        training_flops=training,
        disk_bytes=sum(count * (bytes_of[kind] + overhead) for kind, count in kinds.items()),
        steps=kinds,
    )


def plan_json(plan: Plan, cost: Cost, seconds: float, peak_memory_bytes: int) -> dict[str, Any]:
    """What ``piescope plan --json`` prints."""
    return {
        "study": plan.study.name,
        "models": cost.models,
        "training_flops": cost.training_flops,
        "disk_bytes": cost.disk_bytes,
        "seconds": round(seconds, 1),
        "peak_memory_bytes": peak_memory_bytes,
        "trainings": cost.steps.get("train", 0),
        "finetunings": cost.steps.get("finetune", 0),
        "evaluations": sum(cost.steps.get(kind, 0) for kind in ("predict", "depth")),
        "steps": cost.steps,
        "arms": [
            {
                "objective": item.arm.objective,
                "pruning": item.arm.pruning,
                "sparsity": item.arm.sparsity,
                "models": len(item.models),
            }
            for item in plan.arms
        ],
    }
