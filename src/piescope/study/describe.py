"""A study as a report tells it: values where the report compares them, words where it does not. Loads no torch."""

from __future__ import annotations

from typing import Any

from piescope.spec import Spec
from piescope.store.catalogue import DepthRun, Described, MapsRun, MethodRun, ObjectiveRun, TrainingRun
from piescope.study.spec import DepthSpec, Objective, ProjectionSpec, Study
from piescope.training.recipe import Contrastive, GradualPruning, OneShotPruning, Training


def describe(study: Study) -> Described:
    """What was run, for the catalogue.

    Example:
        >>> from piescope.study.parse import load_study
        >>> told = describe(load_study("digits"))
        >>> told.model, told.models_per_arm, told.trainings_of("supervised")[0].epochs
        ('WRN-10-1', 5, 16)
    """
    used = {pruning for prunings in study.arms.values() for pruning in prunings}
    depth, maps = study.measures.prediction_depth, study.measures.projection
    described = Described(
        name=study.name,
        title=study.title,
        seed=study.seed,
        replicates=study.replicates,
        model=study.model.name,
        sparsities=study.sparsities,
        objectives=tuple(_objective(study, objective) for objective in study.arms),
        methods=tuple(_method(name, method) for name, method in study.pruning.items() if name in used),
        depth=None if depth is None else _depth(depth),
        maps=None if maps is None else _maps(maps),
    )
    return described if study.figures is None else described.model_copy(update={"figures": study.figures})


def unused(study: Study) -> list[str]:
    """Tables of a study that none of its arms uses, as they are written; an inherited one may well be there unused.

    Example:
        >>> from piescope.study.parse import load_study
        >>> study = load_study("digits")
        >>> unused(study), unused(study.model_copy(update={"arms": {"supervised": ("dense", "gmp")}}))
        ([], ['training.supcon', 'pruning.delayed_gmp', 'pruning.one_shot'])
    """
    named = {pruning for prunings in study.arms.values() for pruning in prunings}
    methods = named | {getattr(study.control(pruning), "of", pruning) for pruning in named}
    given = [name for name in type(study.training).model_fields if getattr(study.training, name) is not None]
    return [
        *(f"training.{objective}" for objective in given if objective not in study.arms),
        *(f"pruning.{name}" for name in study.pruning if name not in methods),
        *(f"controls.{name}" for name in study.controls if name not in named),
    ]


def _objective(study: Study, objective: Objective) -> ObjectiveRun:
    trainings = _trainings(study.training_of(objective))
    return ObjectiveRun(objective=objective, prunings=study.arms[objective], trainings=trainings)


def _trainings(training: Training | Contrastive) -> tuple[TrainingRun, ...]:
    """The stages of an objective's training, in their order."""
    if isinstance(training, Training):
        return (TrainingRun(stage="supervised", epochs=training.epochs, text=training_text(training)),)
    loss = f"; temperature {training.temperature:g}"
    if training.base_temperature is not None:
        loss += f", loss times temperature / {training.base_temperature:g}"
    encoder, head = training.encoder, training.head
    return (
        TrainingRun(stage="encoder", epochs=encoder.epochs, text=training_text(encoder) + loss),
        TrainingRun(stage="head", epochs=head.epochs, text=training_text(head)),
    )


def training_text(training: Training) -> str:
    """One training in a line.

    Example:
        >>> training_text(Training(epochs=2, batch_size=50, learning_rate=0.1))
        '2 epochs, batch 50, SGD 0.1 (constant), momentum 0.9, weight decay 0; augmentation: none'
    """
    momentum = ("Nesterov " if training.nesterov else "") + f"momentum {training.momentum:g}"
    chosen = [(name, value) for name, value in training.augmentation if value]
    chosen.sort(key=lambda part: isinstance(part[1], Spec))  # those of one number first
    augmentation = ", ".join(f"{name.replace('_', ' ')} {_value_text(value)}" for name, value in chosen)
    return (
        f"{training.epochs} epochs, batch {training.batch_size}, SGD {training.learning_rate:g} "
        f"({training.schedule.kind.replace('_', '-')}), {momentum}, weight decay {training.weight_decay:g}"
        f"{'' if training.precision == 'float32' else f', in {training.precision}'}{_term_text(training)}; "
        f"augmentation: {augmentation or 'none'}"
    )


def _term_text(training: Training) -> str:
    term = training.q_score
    return "" if term is None else f", loss less {term.weight:g} x Q-Score ({term.form})"


def _value_text(value: Any) -> str:
    if isinstance(value, Spec):
        return "(" + ", ".join(f"{name} {part:g}" for name, part in value) + ")"
    return " to ".join(f"{part:g}" for part in value) if isinstance(value, tuple) else f"{value:g}"


def _method(name: str, method: GradualPruning | OneShotPruning) -> MethodRun:
    return MethodRun(name=name, kind=method.kind, criterion=method.criterion, text=method_text(method))


def method_text(method: GradualPruning | OneShotPruning) -> str:
    """One way of pruning in a line."""
    tensors = "convolution and linear weights" + (" and biases" if method.biases else "")
    text = f"{method.criterion}, {method.scope}, {tensors}"
    text += "" if method.prune_head else ", not of the head"
    text += ", weights may come back" if method.regrowth else ""
    if isinstance(method, OneShotPruning):
        return f"{text}; then fine-tuning, whole network, cross-entropy: {training_text(method.finetune)}"
    text += ", counted as a share of what remains" if method.counting == "remaining" else ""
    text += ", ranked as of the last forward pass" if method.ranked == "last_forward" else ""
    return text + _schedules_text(method)


def _schedules_text(method: GradualPruning) -> str:
    text = ""
    for stage, schedule in (("supervised", method.supervised), ("encoder", method.encoder), ("head", method.head)):
        if schedule is not None:
            text += f"; {stage}: steps {schedule.begin} to {schedule.end}, every {schedule.frequency}"
            text += " (at its multiples)" if schedule.grid == "multiples" else ""
    return text


def _depth(depth: DepthSpec) -> DepthRun:
    bank = "the training images" + (" under one draw of the augmentation" if depth.augment_bank else "")
    return DepthRun(models=depth.models, k=depth.k, bank=bank)


def _maps(maps: ProjectionSpec) -> MapsRun:
    settings = f"n_neighbors {maps.neighbours}, min_dist {maps.min_dist:g}, random_state {maps.seed}"
    return MapsRun(of=maps.of, settings=settings)
