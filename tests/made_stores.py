"""Stores of studies whose steps nobody computes: a step's file tells what it was made of, so that other parents give other bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from made_executors import FakeExecutor
from piescope.store.artefacts import CorruptArtefactError, Store
from piescope.store.durable import as_json
from piescope.study.executors.protocol import Event, Finished, Task
from piescope.study.executors.worker import told
from piescope.study.parents import Parents
from piescope.study.parse import load_study
from piescope.study.plan import Plan, Step, make_plan

SMALL = Path(__file__).parent / "small.toml"
MADE = "made.json"
ENVIRONMENT = {"device": "cpu", "torch": "made", "pack_size": 1, "threads": 1, "cpu": "made"}


def small_plan() -> Plan:
    return make_plan(load_study(str(SMALL)))


def make(step: Step, store: Store, bits: str = "", remembers: bool = True) -> None:
    """Does a step; with other bits its file is another, and one of an earlier version remembers no parents."""
    parents = Parents(step, store)
    read = {ref.key: json.loads(parents.load(ref).read(MADE))["bits"] for ref in step.parent_refs()}
    files = {MADE: as_json({"of": read, "bits": f"{step.label} {bits} {sorted(read.items())}"})}
    contents = parents.contents() if remembers else None
    keys = tuple(ref.key for ref in step.parent_refs())
    store.write(step.kind, step.key, files, step.label, {}, keys, ENVIRONMENT, contents)


def make_all(plan: Plan, out: Path, remembers: bool = True) -> Store:
    for step in plan.steps:
        make(step, Store(out), remembers=remembers)
    return Store(out)


def labelled(plan: Plan, label: str) -> Step:
    (found,) = (step for step in plan.steps if step.label == label)
    return found


class MadeSteps(FakeExecutor):
    """Makes steps in this process.

    Args:
        out: the study's folder.
        bits: of a step, that make it another.
    """

    def __init__(self, out: Path, bits: Callable[[Step], str] = lambda _: "") -> None:
        super().__init__(out)
        self._out, self._bits = out, bits

    def events_of(self, task: Task) -> list[Event]:
        try:
            make(task.step, Store(self._out, task.lease), self._bits(task.step))
        except CorruptArtefactError as error:
            return [told(task.step.key, error)]
        return [Finished(task.step.key, 1.0)]


def held(out: Path) -> dict[str, Any]:
    """What the artefacts are, by their path."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.glob("artefacts/*/*/*"))}
