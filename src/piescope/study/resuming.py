"""A training step that goes on from its checkpoint, or begins at a fork: where files and tensors of a training meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from piescope.store import layout
from piescope.store.checkpoints import Origin, UnusableCheckpointError, read_checkpoint, write_checkpoint
from piescope.store.failures import note
from piescope.study.forks import forks_of
from piescope.study.parents import Files, Parents
from piescope.study.plan import Step
from piescope.training.checkpoints import Checkpoint, Checkpoints, MisfitError, When
from piescope.version import __version__


def resumed(
    step: Step,
    parents: Parents,
    out: Path,
    environment: Mapping[str, Any],
    when: When | None,
    train: Callable[[Checkpoints | None], Files],
) -> Files:
    """What a training makes, undisturbed or not: it goes on from the step's checkpoint, or from the furthest fork.

    It leaves new ones on its way. A checkpoint that is damaged, or not of this very training (that of a fork: of its
    first steps) on a like machine, is of no use: it is noted why, the run says so, and the training goes on from
    the next, or begins anew.

    Args:
        step: the training.
        parents: what it reads.
        out: the study's folder.
        environment: what a bitwise promise hangs on.
        when: to leave checkpoints; None: never, and none is looked for.
        train: from a network of new, with checkpoints.
    """
    if when is None:
        return train(None)
    like = Origin(key=step.key, parents=parents.contents(), environment={**environment, "piescope": __version__})

    def write(path: Path, checkpoint: Checkpoint) -> None:
        arrays = {name: tensor.numpy() for name, tensor in checkpoint.tensors.items()}
        try:
            write_checkpoint(path, _origin(path, like), checkpoint.stage, arrays)
        except OSError as error:  # a training needs none
            note(out, step.key, step.label, f"no checkpoint could be written: {error}")

    own = layout.checkpoint(out, step.key)
    forks = {layout.fork(out, fork.key): fork.steps for fork in forks_of(step)}
    leave = {steps: partial(write, path) for path, steps in forks.items()}
    for path in filter(Path.is_file, (own, *forks)):
        try:
            with Checkpoints(partial(write, own), when, _found(path, like, path != own), leave) as checkpoints:
                return train(checkpoints)
        except (UnusableCheckpointError, MisfitError) as error:
            note(
                out,
                step.key,
                step.label,
                f"{path.relative_to(out)} is of no use: {error}; the training goes on without it",
            )
    with Checkpoints(partial(write, own), when, None, leave) as checkpoints:
        return train(checkpoints)


def _origin(path: Path, like: Origin) -> Origin:
    """A checkpoint is called as its key."""
    return like.model_copy(update={"key": path.stem})


def _found(path: Path, like: Origin, is_unpruned: bool) -> Checkpoint:
    stage, arrays = read_checkpoint(path, _origin(path, like))
    return Checkpoint(stage, {name: torch.from_numpy(array) for name, array in arrays.items()}, is_unpruned)
