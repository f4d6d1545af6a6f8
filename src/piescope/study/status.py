"""Where a study's steps stand: done, running, failed or waiting, and why. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from piescope.store.artefacts import Store
from piescope.store.durable import is_locked
from piescope.store.failures import failure_of
from piescope.store.leases import all_leases
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
        failure = failure_of(out, step.key)
        state: StepState = "waiting"
        if store.has(step.kind, step.key):
            state = "done"
        elif step.key in running:
            state = "running"
        elif failure is not None:
            state, reason = "failed", failure.reason
        elif any(states[parent] == "failed" for parent in step.parent_refs()):
            reason = "a step that it hangs on failed"
        states[step.ref] = state
        listed.append(StepStatus(step, state, reason))
    return study, listed


def _running(out: Path) -> set[str]:
    """Keys that a live run is at; a lock that can be had means that none is."""
    held = {lease.key: lease.owner() for lease in all_leases(out)}
    if not held or not is_locked(out):
        return set()
    return {key for key, owner in held.items() if owner is None or not owner.is_gone()}


def needs_data(study: Study, out: Path) -> bool:
    """Whether a step is left that reads the data set."""
    store = Store(out)
    return any(not store.has(step.kind, step.key) for step in make_plan(study).steps if hasattr(step.spec, "data"))
