"""The training loop: one, visible in one piece, for every objective, stage and pruning method."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Generator, Tensor, nn

from piescope.data.batches import epoch_batches
from piescope.pruning.pruner import Pruner
from piescope.seeds import Seeds
from piescope.training.checkpoints import Checkpoints, Moment
from piescope.training.history import Losses
from piescope.training.means import AS_IT_GOES, Means
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
        means: how steps are done with them.
    """

    images: Tensor
    labels: Tensor
    normalisation: Normalisation
    means: Means = AS_IT_GOES


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
    means, examples, device = data.means, len(data.labels), data.labels.device
    optimizer = Sgd(parameters, recipe, means.queued)
    per_epoch, steps = recipe.steps_per_epoch(examples), recipe.steps(examples)
    rounded = torch.autocast(device.type, torch.bfloat16, recipe.precision == "bfloat16")
    generator, augmented = means.generator(), means.augmentation(recipe, views)
    moment = Moment(network, optimizer, pruner, generator)
    done = [] if checkpoints is None else checkpoints.resume(purpose, steps, moment)
    losses = Losses(done, f"of {steps} ({purpose}, seed {seeds.replicate})", recipe.against_divergence)

    def train_on(rows: Tensor, drawn: Generator | Tensor, rate: float | Tensor) -> Tensor:
        images = augmented(data.images[rows], drawn)
        with rounded:
            value = loss(data.normalisation.apply(images), data.labels[rows])
        optimizer.zero_grad()
        value.backward()
        if pruner is not None:
            pruner.after_backward()
        optimizer.rate = rate
        optimizer.step()
        if pruner is not None:
            pruner.hold()
        return value.detach()

    do_step, step = means.done(train_on), len(losses)
    for epoch in range(step // per_epoch, recipe.epochs):
        first, seed = epoch * per_epoch, seeds.integer(f"augment/{purpose}", epoch)
        if generator is not None and step == first:  # else this epoch was under way, and the draws are where they were
            generator.manual_seed(seed)
        order = seeds.torch(f"order/{purpose}", epoch)
        batches = epoch_batches(examples, recipe.batch_size, order, recipe.drop_last, device)
        draws = means.draws(generator, seed, recipe, data.images, views)
        rates = means.rates([recipe.rate(place, examples) for place in range(first, first + per_epoch)], device)
        for rows, drawn, rate in islice(zip(batches, draws, rates, strict=False), step - first, None):
            step += 1
            if pruner is not None and pruner.is_due(step):
                losses.read()  # weights that diverged cannot be ranked
                pruner.before_step(step)
            losses.append(do_step(rows, drawn, rate))
            if on_step is not None:
                on_step(step, steps, len(rows) * views)
            if checkpoints is not None:
                checkpoints.offer(losses)
    return losses.read()
