"""The trainings that a study asks for, each a few calls of the one loop: supervised, contrastive, fine-tuning."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from piescope.losses.contrastive import simclr_loss, supcon_loss
from piescope.losses.q_score import FORMS
from piescope.models.heads import ProjectionHead
from piescope.models.wide_resnet import WideResNet
from piescope.pruning.method import Method
from piescope.pruning.pruner import Pruner
from piescope.pruning.schedules import Gradual
from piescope.pruning.scope import NetworkPart, prunable_parameters
from piescope.seeds import Seeds
from piescope.training.checkpoints import Checkpoints
from piescope.training.loop import OnStep, TrainingData, fit
from piescope.training.recipe import Contrastive, GradualPruning, OneShotPruning, Training

History = dict[str, list[float]]
"""The loss of each step, by stage."""


def train_supervised(
    model: WideResNet,
    data: TrainingData,
    recipe: Training,
    seeds: Seeds,
    pruning: GradualPruning | None = None,
    sparsity: float = 0.0,
    on_step: OnStep | None = None,
    checkpoints: Checkpoints | None = None,
) -> History:
    """Trains the whole network with cross-entropy, in place; dense, or pruned gradually to ``sparsity``."""
    pruner = None
    if pruning is not None:
        part: NetworkPart = "all" if pruning.prune_head else "encoder"
        pruner = _gradual(model, pruning, pruning.supervised, sparsity, seeds, part)
    return _whole(model, data, recipe, seeds, "supervised", pruner, on_step, checkpoints)


def train_contrastive(
    model: WideResNet,
    data: TrainingData,
    recipe: Contrastive,
    seeds: Seeds,
    supervised_pairs: bool,
    pruning: GradualPruning | None = None,
    sparsity: float = 0.0,
    on_step: OnStep | None = None,
    checkpoints: Checkpoints | None = None,
) -> History:
    """Trains in two stages, in place: the encoder under a projection head, then the linear head on it, frozen.

    Args:
        model: its own head is untouched in the first stage; the projection head is thrown away after it.
        data: images and labels on the device.
        recipe: both stages and the loss.
        seeds: the replicate's randomness.
        supervised_pairs: True: SupCon, all images of a class attract; False: SimCLR, the views of an image do.
        pruning: prunes the encoder in the first stage and the head in the second.
        sparsity: where it ends, in both.
        on_step: for progress, over both stages.
        checkpoints: where to go on, and what to leave, likewise.
    """
    hidden, outputs = recipe.projection or (model.dims, model.dims)
    projector = ProjectionHead(model.dims, hidden, outputs, seeds.torch("weights/projection"))
    projector.to(data.images.device)

    def contrast(images: Tensor, labels: Tensor) -> Tensor:
        batch, views = images.shape[:2]
        # one forward pass over all views, so that batch norm sees them together
        stacked = images.transpose(0, 1).flatten(0, 1)
        features = model.features(stacked)
        projections = projector(features).view(views, batch, outputs).transpose(0, 1)
        if supervised_pairs:
            loss = supcon_loss(projections, labels, recipe.temperature, recipe.base_temperature)
        else:
            loss = simclr_loss(projections, recipe.temperature)
        return _regularised(loss, features, recipe.encoder)

    encoder = [parameter for name, parameter in model.named_parameters() if not name.startswith("head.")]
    pruner = None if pruning is None else _gradual(model, pruning, pruning.encoder, sparsity, seeds, "encoder")
    both = nn.ModuleDict({"model": model, "projector": projector})
    moved = [*encoder, *projector.parameters()]
    model.train()
    first = fit(contrast, both, moved, data, recipe.encoder, seeds, "encoder", 2, pruner, on_step, checkpoints)
    return {"encoder": first, **train_head(model, data, recipe.head, seeds, pruning, sparsity, on_step, checkpoints)}


def train_head(
    model: WideResNet,
    data: TrainingData,
    recipe: Training,
    seeds: Seeds,
    pruning: GradualPruning | None = None,
    sparsity: float = 0.0,
    on_step: OnStep | None = None,
    checkpoints: Checkpoints | None = None,
) -> History:
    """Trains the linear head with cross-entropy on the encoder as it is, in place: the second of the two stages."""

    def classify(images: Tensor, labels: Tensor) -> Tensor:
        with torch.no_grad():
            representations = model.features(images)
        return functional.cross_entropy(model.logits(representations), labels)

    pruner = None
    if pruning is not None and pruning.prune_head:
        pruner = _gradual(model, pruning, pruning.head, sparsity, seeds, "head")
    model.eval()
    head = model.head.parameters()
    return {"head": fit(classify, model, head, data, recipe, seeds, "head", 1, pruner, on_step, checkpoints)}


def prune_and_finetune(
    model: WideResNet,
    data: TrainingData,
    pruning: OneShotPruning,
    sparsity: float,
    seeds: Seeds,
    on_step: OnStep | None = None,
    checkpoints: Checkpoints | None = None,
) -> History:
    """Prunes a trained network at once, then fine-tunes all of it with cross-entropy, in place."""
    pruner = _pruner(model, pruning, seeds, "all" if pruning.prune_head else "encoder")
    pruner.prune(sparsity)
    return _whole(model, data, pruning.finetune, seeds, "finetune", pruner, on_step, checkpoints)


def _whole(
    model: WideResNet,
    data: TrainingData,
    recipe: Training,
    seeds: Seeds,
    purpose: str,
    pruner: Pruner | None,
    on_step: OnStep | None,
    checkpoints: Checkpoints | None,
) -> History:
    """The whole network by cross-entropy."""

    def loss(images: Tensor, labels: Tensor) -> Tensor:
        features = model.features(images)
        return _regularised(functional.cross_entropy(model.logits(features), labels), features, recipe)

    model.train()
    moved = model.parameters()
    return {purpose: fit(loss, model, moved, data, recipe, seeds, purpose, 1, pruner, on_step, checkpoints)}


def _regularised(loss: Tensor, features: Tensor, recipe: Training) -> Tensor:
    """The loss less what well formed representations are worth, where the recipe says so."""
    term = recipe.q_score
    return loss if term is None else loss - term.weight * FORMS[term.form](features).mean()


def _gradual(
    model: WideResNet,
    method: GradualPruning,
    schedule: Gradual | None,
    sparsity: float,
    seeds: Seeds,
    part: NetworkPart,
) -> Pruner:
    if schedule is None:
        raise ValueError("this pruning method has no schedule for this stage; add one to the study")
    return _pruner(model, method, seeds, part, schedule, sparsity)


def _pruner(
    model: WideResNet,
    method: Method,
    seeds: Seeds,
    part: NetworkPart,
    schedule: Gradual | None = None,
    final: float = 0.0,
) -> Pruner:
    return Pruner(
        prunable_parameters(model, method.biases, part),
        criterion=method.criterion,
        scope=method.scope,
        regrowth=method.regrowth,
        generator=seeds.torch(f"criterion/{part}"),
        schedule=schedule,
        final=final,
        counting=method.counting if isinstance(method, GradualPruning) else "total",
        ranked=method.ranked if isinstance(method, GradualPruning) else "current",
    )
