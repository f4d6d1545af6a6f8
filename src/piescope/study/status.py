"""Where a study's steps stand: done, running, failed or waiting, and why. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.durable import is_locked
from piescope.store.failures import Failure
from piescope.store.leases import all_leases
from piescope.store.run_records import DamagedRecordError
from piescope.study.fitting import fit_of
from piescope.study.folder import study_of
from piescope.study.plan import Ref, Step, make_plan
from piescope.study.spec import Study

StepState = Literal["done", "running", "failed", "waiting"]


HANGS = "a step that it hangs on failed"
CHANGED = "changed after they were written, as copies do: the next run compares their bytes with their hashes"


@dataclass(frozen=True)
class StepStatus:
    """Where a step stands, and why."""

    step: Step
    state: StepState
    reason: str = ""


def status(out: Path) -> tuple[Study, list[StepStatus]]:
    """Where every step of a folder's study stands; a finished one that does not fit waits for the next run.

    Raises:
        StudyError: the folder holds no study.
    """
    study = study_of(out)
    plan = make_plan(study)
    fit = fit_of(plan, Store(out))
    reasons = {unfit.step.ref: unfit.why for unfit in fit.unfit} | {step.ref: CHANGED for step in fit.changed}
    running, failed = _running(out), _failed(out)
    listed: list[StepStatus] = []
    states: dict[Ref, StepState] = {}
    for step in plan.steps:
        reason = reasons.get(step.ref, "")
        state: StepState = "waiting"
        if step.ref in fit.manifests:
            state = "done"
        elif step.key in running:
            state = "running"
        elif step.key in failed and not reason:
            state, reason = "failed", failed[step.key]
        elif any(states[parent] == "failed" for parent in step.parent_refs()):
            reason = HANGS
        states[step.ref] = state
        listed.append(StepStatus(step, state, reason))
    return study, listed


def _failed(out: Path) -> dict[str, str]:
    """Why steps failed, by key; of a damaged file, that it is."""
    return {path.stem: _reason(path) for path in layout.failures(out).glob("*.json")}


def _reason(path: Path) -> str:
    try:
        failure = Failure.read(path)
    except DamagedRecordError as error:
        return str(error)
    return "" if failure is None else failure.reason


def _running(out: Path) -> set[str]:
    """Keys that a live run is at; a lock that can be had means that none is."""
    held = {lease.key: lease.owner() for lease in all_leases(out)}
    if not held or not is_locked(out):
        return set()
    return {key for key, owner in held.items() if owner is None or not owner.is_gone()}


def needs_data(study: Study, out: Path) -> bool:
    """Whether a step is left that reads the data set."""
    plan = make_plan(study)
    fit = fit_of(plan, Store(out))
    return any(step.ref not in fit.settled for step in plan.steps if hasattr(step.spec, "data"))
