"""`run --track`: losses and arms into TensorBoard, Weights & Biases or MLflow; never in the run's way.

What is tracked is read from finished steps, so a tracker needs nothing of a training, and one that is slow, missing or
broken costs the run nothing: it works in a thread of its own, and its first failure is its last.
"""

from __future__ import annotations

import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from piescope.problems import InputError
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.step_records import ArmSummary
from piescope.study.plan import Plan, Ref, Step
from piescope.study.scheduling import Observer
from piescope.study.spec import Arm
from piescope.version import install_command
from piescope.wording import printable

MOST_POINTS = 500
"""Of a loss curve; longer ones are means of equal parts."""

PATIENCE = 10.0
"""Seconds that a run waits at its end for what a tracker still has to write."""


class Point(NamedTuple):
    """One value of a curve.

    Attributes:
        curve: its name.
        step: of the training (1-based); of an arm, its sparsity in thousandths.
        value: the loss, or a number of the arm.
    """

    curve: str
    step: int
    value: float


class Tracker(Protocol):
    """A place for curves."""

    def write(self, points: Sequence[Point]) -> None:
        """Adds points."""

    def close(self) -> None:
        """All there is."""


class TensorBoard:
    """Event files in DIR/tensorboard."""

    def __init__(self, out: Path, name: str) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(out / "tensorboard"), comment=name)

    def write(self, points: Sequence[Point]) -> None:
        """Adds points."""
        for curve, step, value in points:
            self._writer.add_scalar(curve, value, step)
        self._writer.flush()

    def close(self) -> None:
        """All there is."""
        self._writer.close()


class WeightsAndBiases:
    """A run in DIR/wandb, offline unless WANDB_MODE says otherwise."""

    def __init__(self, out: Path, name: str) -> None:
        import wandb

        mode = os.environ.get("WANDB_MODE", "offline")
        silent = wandb.Settings(silent=True, console="off")
        self._run = wandb.init(project="piescope", name=name, dir=str(out), mode=mode, settings=silent)
        self._known: set[str] = set()

    def write(self, points: Sequence[Point]) -> None:
        """Adds points; each curve has its own steps, as curves come one after another."""
        for curve, step, value in points:
            if curve not in self._known:
                self._known.add(curve)
                self._run.define_metric(curve, step_metric=f"{curve} (step)")
            self._run.log({curve: value, f"{curve} (step)": step})

    def close(self) -> None:
        """All there is."""
        self._run.finish()


class MLflow:
    """A run of the experiment NAME in DIR/mlruns, or where MLFLOW_TRACKING_URI says."""

    AT_ONCE = 1000
    """Values that a server takes in one call."""

    def __init__(self, out: Path, name: str) -> None:
        from mlflow.tracking import MlflowClient

        where = os.environ.get("MLFLOW_TRACKING_URI") or (out / "mlruns").resolve().as_uri()
        if where.startswith("file:"):
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # from MLflow 3.7 on a folder has to be allowed
        self._client = MlflowClient(where)
        known = self._client.get_experiment_by_name(name)
        experiment = known.experiment_id if known else self._client.create_experiment(name)
        self._id = self._client.create_run(experiment, run_name=name).info.run_id

    def write(self, points: Sequence[Point]) -> None:
        """Adds points."""
        from mlflow.entities import Metric

        now = round(1000 * time.time())
        metrics = [Metric(re.sub(r"[^\w\-. :/]", "_", curve), value, now, step) for curve, step, value in points]
        for first in range(0, len(metrics), self.AT_ONCE):
            self._client.log_batch(self._id, metrics=metrics[first : first + self.AT_ONCE])

    def close(self) -> None:
        """All there is."""
        self._client.set_terminated(self._id)


TRACKERS: dict[str, Callable[[Path, str], Tracker]] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
    "mlflow": MLflow,
}
"""By the names that ``--track`` takes, which are also those of the extras."""


def chosen(text: str | None) -> list[str]:
    """The trackers that an option names.

    Raises:
        InputError: one that there is not.

    Example:
        >>> chosen("wandb, mlflow"), chosen(None)
        (['wandb', 'mlflow'], [])
    """
    names = [] if text is None else list(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in TRACKERS:
            raise InputError.of_unknown("--track", "TRACKERS", "tracker", name, TRACKERS)
    return names


class Tracking(Observer):
    """One tracker of one run, in a thread.

    Args:
        name: of the tracker.
        out: the study's folder.
        complain: told once where the tracker is missing or fails; called from the run's own thread.
    """

    def __init__(self, name: str, out: Path, complain: Callable[[str], None]) -> None:
        self._name, self._out, self._complain = name, out, complain
        self._study = ""
        self._arms: dict[Ref, Arm] = {}
        self._finished: queue.SimpleQueue[Step | None] = queue.SimpleQueue()
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Tracking:
        return self

    def __exit__(self, *_: object) -> None:
        """Waits for what is still to be written, but not for ever."""
        if self._thread.ident is None:  # nothing began
            return
        self._finished.put(None)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            self._complain(f"{self._name}: not all is written after {PATIENCE:g} s; the run does not wait for it")
        self._tell()

    def began(self, plan: Plan, left: list[Step], unused: int) -> None:
        """The thread starts."""
        self._study = plan.study.name
        self._arms = {item.compare.ref: item.arm for item in plan.arms}
        self._thread.start()

    def finished(self, step: Step, seconds: float) -> None:
        """It becomes curves, in the thread."""
        self._finished.put(step)

    def found(self, step: Step) -> None:
        """So does what another runner has done."""
        self._finished.put(step)

    def tick(self) -> None:
        """Whether it has failed meanwhile."""
        self._tell()

    def _tell(self) -> None:
        if self._failure is not None:
            self._complain(f"{self._name}: {self._failure}; the run goes on without it")
            self._failure = None

    def _work(self) -> None:
        try:
            tracker = TRACKERS[self._name](self._out, self._study)
            while (step := self._finished.get()) is not None:
                points = list(self._points(step))
                if points:
                    tracker.write(points)
            tracker.close()
        except ModuleNotFoundError as error:
            self._failure = f"{error.name} is not installed, which this needs: {install_command(self._name)}"
        except BaseException as error:  # whatever a library of others raises, also SystemExit
            self._failure = printable(f"{type(error).__name__}: {error}", 300)

    def _points(self, step: Step) -> Iterator[Point]:
        """The losses of a model; of an arm, its accuracy and how many examples are forgotten, against its sparsity."""
        made = Store(self._out).load(step.kind, step.key)
        if step.kind in ("train", "finetune"):
            for stage, losses in made.tensors(layout.HISTORY).items():
                parts = np.array_split(losses, min(MOST_POINTS, len(losses))) if len(losses) else []
                ends = np.cumsum([len(part) for part in parts], dtype=int)
                for end, part in zip(ends, parts, strict=True):
                    yield Point(f"loss {stage}/{step.label}", int(end), float(part.mean()))
        arm = self._arms.get(step.ref)
        if arm is not None:
            summary = ArmSummary.of(made.read(layout.SUMMARY))
            method, place = f"{arm.objective} {arm.pruning}", round(1000 * arm.sparsity)
            yield Point(f"accuracy/{method}", place, summary.accuracy_mean)
            yield Point(f"PIEs/{method}", place, summary.pies)
            yield Point(f"confirmed PIEs/{method}", place, summary.confirmed)
