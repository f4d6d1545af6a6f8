"""Checkpoints of a training under way: what its next step hangs on, copied between two steps and taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Thread

import torch
from torch import Generator, Tensor, nn

from piescope.pruning.pruner import Pruner
from piescope.training.history import Losses
from piescope.training.sgd import Sgd

SHARE = 0.01
"""Of a training's time that checkpoints may take, copied and written on its own core; large ones are rarer."""


class MisfitError(ValueError):
    """A checkpoint is not one of this training."""


class StoppedError(RuntimeError):
    """Somebody asked the training to stop; its last checkpoint is written."""


@dataclass(frozen=True)
class Checkpoint:
    """A training between two steps.

    Attributes:
        stage: which is under way.
        tensors: on the CPU, by name: ``losses.STAGE`` of each stage so far (float64; as many as it has done steps), and
            the names of `Moment.tensors`, of the stage under way.
        is_unpruned: no weight had gone, and nothing of a pruner is in it: of all trainings alike until then.
    """

    stage: str
    tensors: Mapping[str, Tensor]
    is_unpruned: bool = False


@dataclass(frozen=True)
class Moment:
    """All that the next step of a stage hangs on, beside the recipe, the data and the place of the step.

    Attributes:
        network: everything that the loss runs, buffers included.
        optimizer: of its state there is momentum.
        pruner: masks, and what may grow back.
        draws: the augmentation's generator, somewhere in an epoch; None: draws follow from the place of the step.
    """

    network: nn.Module
    optimizer: Sgd
    pruner: Pruner | None
    draws: Generator | None

    def tensors(self) -> dict[str, Tensor]:
        """As they are now, by name; all but ``draws`` go on changing."""
        pruning = {} if self.pruner is None else self.pruner.state()
        return {
            **{f"network.{name}": tensor for name, tensor in self.network.state_dict().items()},
            **{f"pruning.{name}": tensor for name, tensor in pruning.items()},
            **{_momentum(place): tensor for place, tensor in enumerate(self.optimizer.momenta) if tensor is not None},
            **({} if self.draws is None else {"draws": self.draws.get_state()}),
        }

    def restore(self, stored: Mapping[str, Tensor]) -> None:
        """Makes everything as it was, to the bit and to the order of its bytes in memory, on which kernels hang.

        Raises:
            MisfitError: other tensors are stored, or of other shapes; nothing was changed.
        """
        moved = {_momentum(place): parameter for place, parameter in enumerate(self.optimizer.parameters)}
        needed, momentum = self.tensors(), {name: torch.empty_like(parameter) for name, parameter in moved.items()}
        known = {**momentum, **needed}
        if wrong := (needed.keys() - stored.keys()) | (stored.keys() - known.keys()):
            raise MisfitError(f"it lacks, or should not have, {', '.join(sorted(wrong)[:3])}")
        for name, tensor in stored.items():
            if (tensor.shape, tensor.dtype) != (known[name].shape, known[name].dtype):
                raise MisfitError(f"{name} is {tuple(tensor.shape)}, expected {tuple(known[name].shape)}")
        if self.draws is not None:
            try:
                self.draws.set_state(stored["draws"])
            except RuntimeError as error:
                raise MisfitError(f"draws: {error}") from error
        for name, tensor in stored.items():
            known[name].copy_(tensor)
        if self.pruner is not None:
            self.pruner.masks_are_set()
        self.optimizer.momenta = [known[name] if name in stored else None for name in moved]


def _momentum(place: int) -> str:
    """What a parameter's momentum is called; by its place among those that are moved."""
    return f"momentum.{place}"


@dataclass(frozen=True)
class When:
    """When a training leaves checkpoints.

    Attributes:
        seconds: between two, and before the first; more where `SHARE` of the time would not do.
        is_asked: whether it is to leave one now, and stop.
    """

    seconds: float
    is_asked: Callable[[], bool] = lambda: False


class Checkpoints:
    """The checkpoints of one training through its stages: the one that it goes on from, and those that it leaves.

    As a context it ends when the last one is written.

    Args:
        write: keeps a checkpoint; called on a thread of its own, while training goes on, and never twice at a time.
        when: to have one.
        found: the one to go on from.
        forks: after so many steps of the first stage, no weight having gone: keep one that is unpruned, likewise.

    Raises:
        MisfitError: at the end: the one that was found is of a stage that this training has not.
    """

    def __init__(
        self,
        write: Callable[[Checkpoint], None],
        when: When,
        found: Checkpoint | None = None,
        forks: Mapping[int, Callable[[Checkpoint], None]] | None = None,
    ) -> None:
        self._write, self._when, self._found, self._forks = write, when, found, forks or {}
        self._last, self._cost = time.monotonic(), 0.0
        self._losses: dict[str, list[float]] = {}
        self._writer: Thread | None = None

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._wait()
        if kind is None and self._found is not None and self._found.stage not in self._losses:
            raise MisfitError(f"it is of a stage {self._found.stage!r}")

    def resume(self, stage: str, steps: int, moment: Moment) -> list[float]:
        """Begins a stage, or takes it up where the checkpoint left it: its moment is as it was then.

        Args:
            stage: its name; stages come in their order.
            steps: that it has in all.
            moment: of a stage that has done nothing yet.

        Returns:
            the losses of the steps that are done (of a stage before the one that was under way: all); those of the next
            ones are added to it, at the latest when `offer` reads them.

        Raises:
            MisfitError: the checkpoint is of another training.
        """
        stored = {} if self._found is None else dict(self._found.tensors)
        done = stored.get(f"losses.{stage}", torch.empty(0, dtype=torch.float64))
        is_under_way = self._found is not None and self._found.stage == stage
        if not (0 < len(done) <= steps if is_under_way else len(done) in (0, steps)):
            raise MisfitError(f"it has {len(done)} of {steps} steps of {stage}")
        if self._found is not None and is_under_way:
            known = replace(moment, pruner=None) if self._found.is_unpruned else moment
            known.restore({name: tensor for name, tensor in stored.items() if not name.startswith("losses.")})
            self._found = Checkpoint(stage, {})  # its tensors may be large, and are copied
        self._stage, self._moment = stage, moment
        self._losses[stage] = done.tolist()
        return self._losses[stage]

    def offer(self, losses: Losses) -> None:
        """After each step: takes a checkpoint at a fork, and if one is due and the last is written; reads losses then.

        Raises:
            DivergedError: one of the losses is no number; there is no checkpoint of that.
            StoppedError: it was asked for, and is written.
        """
        fork = self._forks.get(len(losses)) if len(self._losses) == 1 else None
        if fork is not None:
            self._take(losses, fork, is_unpruned=True)
        asked = self._when.is_asked()
        if asked or self._is_due():
            self._take(losses, self._write)
            self._last = time.monotonic()
        if asked:
            self._wait()
            raise StoppedError("stopped; the next run goes on from here")

    def _take(self, losses: Losses, write: Callable[[Checkpoint], None], is_unpruned: bool = False) -> None:
        """Copies the moment, and has it written while training goes on."""
        losses.read()
        self._wait()
        began = time.thread_time()
        taken = self._taken(is_unpruned)
        self._cost = time.thread_time() - began
        self._writer = Thread(target=self._written, args=(write, taken))
        self._writer.start()

    def _is_due(self) -> bool:
        since = time.monotonic() - self._last
        is_written = self._writer is None or not self._writer.is_alive()
        return is_written and since >= max(self._when.seconds, self._cost / SHARE)

    def _written(self, write: Callable[[Checkpoint], None], checkpoint: Checkpoint) -> None:
        began = time.thread_time()
        write(checkpoint)
        self._cost += time.thread_time() - began

    def _taken(self, is_unpruned: bool) -> Checkpoint:
        losses = {f"losses.{stage}": torch.tensor(each, dtype=torch.float64) for stage, each in self._losses.items()}
        moment = replace(self._moment, pruner=None) if is_unpruned else self._moment
        copies = {name: _copied(each) for name, each in moment.tensors().items()}
        return Checkpoint(self._stage, losses | copies, is_unpruned)

    def _wait(self) -> None:
        if self._writer is not None:
            self._writer.join()


def _copied(tensor: Tensor) -> Tensor:
    """On the CPU, in the order of bytes that files have."""
    return tensor.to("cpu", copy=True, memory_format=torch.contiguous_format)
