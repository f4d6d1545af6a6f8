"""A training step that goes on from its checkpoint: where files of the store and tensors of a training meet."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from piescope.store import layout
from piescope.store.checkpoints import Origin, UnusableCheckpointError, read_checkpoint, write_checkpoint
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
    """What a training makes, undisturbed or not: it goes on from the step's checkpoint, and leaves new ones.

    A checkpoint that is damaged, or not of this very training on a like machine, is of no use: the step's log says why,
    and the training begins anew.

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
    path = layout.checkpoint(out, step.key)
    origin = Origin(key=step.key, parents=parents.contents(), environment={**environment, "piescope": __version__})

    def write(checkpoint: Checkpoint) -> None:
        arrays = {name: tensor.numpy() for name, tensor in checkpoint.tensors.items()}
        try:
            write_checkpoint(path, origin, checkpoint.stage, arrays)
        except OSError as error:  # a training needs none
            _note(out, step, f"no checkpoint could be written: {error}")

    try:
        with Checkpoints(write, when, _found(path, origin)) as checkpoints:
            return train(checkpoints)
    except (UnusableCheckpointError, MisfitError) as error:
        _note(out, step, f"{path} is of no use: {error}; the training begins anew")
    with Checkpoints(write, when) as checkpoints:
        return train(checkpoints)


def _found(path: Path, origin: Origin) -> Checkpoint | None:
    if not path.is_file():
        return None
    stage, arrays = read_checkpoint(path, origin)
    return Checkpoint(stage, {name: torch.from_numpy(array) for name, array in arrays.items()})


def _note(out: Path, step: Step, line: str) -> None:
    path, now = layout.log(out, step.key), datetime.datetime.now(datetime.UTC)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:
        log.write(f"{now.isoformat(timespec='seconds')} {step.label}: {line}\n")
