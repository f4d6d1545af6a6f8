"""An executor without processes, and steps without work: for what is decided about steps, whoever runs them."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from pathlib import Path

from piescope.store.artefacts import Store
from piescope.store.leases import PATIENCE, Holder
from piescope.study.executors.protocol import (
    Event,
    Executor,
    Finished,
    Images,
    Started,
    Stopped,
    Task,
    Unsuccessful,
)
from piescope.study.parse import load_study
from piescope.study.plan import Plan, Step, make_plan
from piescope.study.scheduling import Ended, Failed, Observer, run_steps

DATA, FIRST, SECOND, THIRD = "digits: load and check", *(f"supervised dense, seed {seed}" for seed in range(3))


def three_models() -> Plan:
    """Data, three dense models, their predictions, and the comparison of the arm with itself."""
    digits = load_study("digits")
    changed = {"replicates": 3, "arms": {"supervised": ("dense",)}, "sparsities": ()}
    measures = digits.measures.model_copy(update={"prediction_depth": None, "projection": None})
    return make_plan(digits.model_copy(update={**changed, "measures": measures}))


def lost(key: str, memory: bool = False) -> Unsuccessful:
    """A try whose worker died."""
    return Unsuccessful(key, "its worker died", "no trace", passes=True, memory=memory)


def raised(key: str) -> Unsuccessful:
    """A try that will end the same way each time."""
    return Unsuccessful(key, "ValueError: not my day", "Traceback ...", passes=False)


Script = Callable[[Task], Event | None]
"""What becomes of a task: an event, or None: it is done."""


class FakeExecutor:
    """Does what it is told of a step, by its label, the first time, the second, ...; then, and all others, at once.

    Attributes:
        tried: labels of the steps that were submitted.
        most: steps that were under way at once, at most.
        at_once: of each step, how many were under way with it.
    """

    def __init__(self, out: Path, slots: int = 2, make: Callable[[Task, Store], object] | None = None) -> None:
        self.slots, self._make = slots, make or publish
        self._store_of = lambda task: Store(out, task.lease)
        self._scripts: defaultdict[str, deque[Script]] = defaultdict(deque)
        self._under_way: list[Task] = []
        self.tried: list[str] = []
        self.at_once: list[int] = []
        self.abandoned: list[str] = []
        self.is_wound_down = self.is_stopped = False

    def script(self, label: str, *scripts: Script) -> None:
        self._scripts[label].extend(scripts)

    def start(self, steps: int) -> None:
        assert steps > 0

    def submit(self, task: Task) -> None:
        self._under_way.append(task)
        self.tried.append(task.step.label)
        self.at_once.append(len(self._under_way))
        assert len(self._under_way) <= self.slots

    def events(self, patience: float) -> list[Event]:
        under_way, self._under_way = self._under_way, []
        return [event for task in under_way for event in self.events_of(task)]

    def events_of(self, task: Task) -> list[Event]:
        key, scripts = task.step.key, self._scripts[task.step.label]
        ended = scripts.popleft()(task) if scripts else None
        if self.is_wound_down:
            ended = Stopped(key)
        if ended is None:
            self._make(task, self._store_of(task))
            ended = Finished(key, 1.0)
        return [Started(key), Images(key, 5), ended]

    def abandon(self, key: str) -> None:
        self.abandoned.append(key)

    def wind_down(self) -> None:
        self.is_wound_down = True

    def stop(self) -> None:
        self.is_stopped = True


def publish(task: Task, store: Store) -> None:
    """An artefact with nothing in it."""
    step = task.step
    store.write(step.kind, step.key, {"a.json": b"[]"}, label=step.label, spec={})


class Heard(Observer):
    """What an observer was told."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.elsewhere: list[str] = []
        self.given_up: dict[str, str] = {}
        self.lines: list[str] = []
        self.count = 0

    def images(self, count: int) -> None:
        self.count += count

    def finished(self, step: Step, seconds: float) -> None:
        self.done.append(step.label)

    def found(self, step: Step) -> None:
        self.elsewhere.append(step.label)

    def failed(self, failure: Failed) -> None:
        self.given_up[failure.step.label] = failure.reason

    def said(self, text: str) -> None:
        self.lines.append(text)


def scheduled(out: Path, executor: Executor, heard: Heard, patience: float = PATIENCE) -> Ended:
    """Runs the three models' steps, those that are not there."""
    store, steps = Store(out), three_models().steps
    done = [step.ref for step in steps if store.has(step.kind, step.key)]
    left: list[Step] = [step for step in steps if step.ref not in done]
    with Holder(out, patience) as leases:
        return run_steps(left, done, store, executor, leases, heard)
