"""The training loop: one, visible in one piece, for every objective, stage and pruning method."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor, nn

from piescope.data.augment import two_views
from piescope.data.batches import epoch_batches, to_unit
from piescope.pruning.pruner import Pruner
from piescope.seeds import Seeds
from piescope.training.checkpoints import Checkpoints, Moment
from piescope.training.history import Losses
from piescope.training.recipe import Normalisation, Training
from piescope.training.sgd import Sgd

Loss = Callable[[Tensor, Tensor], Tensor]
"""(images, labels) of a batch to a scalar; runs the network."""

OnStep = Callable[[int, int, int], None]
"""Called after each step with (step, steps in all, images of the batch)."""


@dataclass(frozen=True)
class TrainingData:
    """The training half on the device: everything a loop reads.

    Attributes:
        images: ``[examples, channels, height, width]``, uint8.
        labels: ``[examples]``, int64.
        normalisation: applied after augmentation.
    """

    images: Tensor
    labels: Tensor
    normalisation: Normalisation


def fit(
    loss: Loss,
    network: nn.Module,
    parameters: Iterable[nn.Parameter],
    data: TrainingData,
    recipe: Training,
    seeds: Seeds,
    purpose: str,
    views: int = 1,
    pruner: Pruner | None = None,
    on_step: OnStep | None = None,
    checkpoints: Checkpoints | None = None,
) -> list[float]:
    """Minimises a loss over a training set by SGD, pruning on the way if a pruner is given.

    Data order and augmentation follow from (seeds, purpose, epoch) alone. Step t (1-based) runs in this order:
    prune if due, augment, forward and backward, optimise, hold the pruned weights at 0. Losses stay on the device; the
    host waits for them every `history.EVERY` steps, and before it prunes, leaves a checkpoint or ends.

    Args:
        loss: closes over the network; the caller sets its train or eval mode.
        network: all that the loss runs.
        parameters: what the optimiser moves.
        data: images and labels on the device.
        recipe: epochs, batches, optimiser, schedule, augmentation.
        seeds: the replicate's randomness.
        purpose: names this training in the seed tree (``"supervised"``, ``"encoder"``, ``"head"``, ``"finetune"``).
        views: 1: the loss gets ``[batch, channels, height, width]``; 2: ``[batch, 2, channels, height, width]``.
        pruner: owns the masks.
        on_step: for progress.
        checkpoints: where to go on, and what to leave.

    Returns:
        the loss of each step, those before a checkpoint included.

    Raises:
        DivergedError: the loss became NaN or infinite; says at which step, when it is read.
        MisfitError: the checkpoint to go on from is of another training.
        StoppedError: the training was asked to stop.
    """
    optimizer = Sgd(parameters, recipe)
    per_epoch, steps = recipe.steps_per_epoch(len(data.labels)), recipe.steps(len(data.labels))
    rounded = torch.autocast(data.labels.device.type, torch.bfloat16, recipe.precision == "bfloat16")
    draws = torch.Generator()
    moment = Moment(network, optimizer, pruner, draws)
    done = [] if checkpoints is None else checkpoints.resume(purpose, steps, moment)
    losses = Losses(done, f"of {steps} ({purpose}, seed {seeds.replicate})")
    step = len(losses)
    for epoch in range(step // per_epoch, recipe.epochs):
        order = seeds.torch(f"order/{purpose}", epoch)
        if step == epoch * per_epoch:  # else this epoch was under way, and the draws are where they were
            draws.manual_seed(seeds.integer(f"augment/{purpose}", epoch))
        batches = epoch_batches(len(data.labels), recipe.batch_size, order, recipe.drop_last, data.labels.device)
        for rows in islice(batches, step - epoch * per_epoch, None):
            optimizer.rate = recipe.learning_rate * recipe.schedule.factor(step / per_epoch, recipe.epochs)
            step += 1
            if pruner is not None and pruner.is_due(step):
                losses.read()  # weights that diverged cannot be ranked
                pruner.before_step(step)

            images = to_unit(data.images[rows])
            if views == 1:
                images = recipe.augmentation.apply(images, draws)
            else:
                images = two_views(images, recipe.augmentation.apply, draws)
            with rounded:
                value = loss(data.normalisation.apply(images), data.labels[rows])

            optimizer.zero_grad()
            value.backward()
            if pruner is not None:
                pruner.after_backward()
            optimizer.step()
            if pruner is not None:
                pruner.hold()

            losses.append(value)
            if on_step is not None:
                on_step(step, steps, len(rows) * views)
            if checkpoints is not None:
                checkpoints.offer(losses)
    return losses.read()
