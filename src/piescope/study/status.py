"""Where a study's steps stand: done, running, failed or waiting, and why. Loads no torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.durable import folder_lock
from piescope.study.folder import study_of
from piescope.study.plan import Ref, Step, make_plan
from piescope.study.spec import Study

StepState = Literal["done", "running", "failed", "waiting"]


@dataclass(frozen=True)
class StepStatus:
    """Where a step stands, and why."""

    step: Step
    state: StepState
    reason: str = ""


def status(out: Path) -> tuple[Study, list[StepStatus]]:
    """Where every step of a folder's study stands.

    Raises:
        StudyError: the folder holds no study.
    """
    study = study_of(out)
    store = Store(out)
    plan = make_plan(study)
    running = _running(out)
    listed: list[StepStatus] = []
    states: dict[Ref, StepState] = {}
    for step in plan.steps:
        reason = ""
        failure = layout.failure(out, step.key)
        state: StepState = "waiting"
        if store.has(step.kind, step.key):
            state = "done"
        elif step.key in running:
            state = "running"
        elif failure.is_file():
            state, reason = "failed", json.loads(failure.read_bytes())["reason"]
        elif any(states[parent] == "failed" for parent in step.parent_refs()):
            reason = "a step that it hangs on failed"
        states[step.ref] = state
        listed.append(StepStatus(step, state, reason))
    return study, listed


def _running(out: Path) -> set[str]:
    """Keys that a live run is at; a lock that can be had means that none is."""
    path = layout.running(out)
    if not path.is_file():
        return set()
    with folder_lock(out) as nobody_runs:
        if nobody_runs:
            return set()
        try:
            return set(json.loads(path.read_bytes())["keys"])
        except (OSError, ValueError):
            return set()  # it ended between the two looks


def needs_data(study: Study, out: Path) -> bool:
    """Whether a step is left that reads the data set."""
    store = Store(out)
    return any(not store.has(step.kind, step.key) for step in make_plan(study).steps if hasattr(step.spec, "data"))
