"""Runs a study: looks what is done, does the rest, and writes down what there is. Loads no torch in this process."""

from __future__ import annotations

import datetime
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from piescope.problems import StudyError
from piescope.store import layout, ownership
from piescope.store.artefacts import Store, as_json, folder_lock, write_file
from piescope.study.executors.local import Failed, Observer, run_steps
from piescope.study.parse import parse_study, study_toml
from piescope.study.plan import Plan, Ref, Step, make_plan
from piescope.study.provenance import TEXT, departures, load_recipe
from piescope.study.spec import Study


class BusyError(RuntimeError):
    """Another run is at work in the folder."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        done_before: steps that were there already.
        ran: steps that this run did.
        failed: steps that raised.
        waiting: steps that hang on a failed one.
    """

    done_before: int
    ran: int
    failed: list[Failed]
    waiting: int


def execute(
    study: Study,
    out: Path,
    workers: int,
    device: str,
    fresh: bool,
    observer: Observer,
    announce: Callable[[Plan, list[Step], int], None],
) -> Outcome:
    """Does every step of the study that is not done, and nothing twice.

    Args:
        study: what to run.
        out: its folder; made if missing.
        workers: processes.
        device: ``"cpu"`` or ``"cuda"``.
        fresh: throw away what the folder holds of this study first.
        observer: hears of progress.
        announce: called once before any work with the plan, the steps that are left, and how many finished steps in
            the folder are no part of this study (of an earlier version of it).

    Raises:
        StudyError: the folder holds another study, or is a file.
        BusyError: another run holds the folder.
    """
    _check_folder(study, out, fresh)
    with folder_lock(out, patience=1.0) as held:  # `status` holds it for an instant
        if not held:
            raise BusyError(f"another `piescope run` is at work in {out}; wait for it, or give another --out")
        if fresh:
            ownership.discard(out)
        store = Store(out)
        store.remove_leftovers()
        plan = make_plan(study)
        resolved = study_toml(study).encode()
        if not layout.study(out).is_file() or layout.study(out).read_bytes() != resolved:
            write_file(layout.study(out), resolved)
        done = {step.ref for step in plan.steps if store.has(step.kind, step.key)}
        left = [step for step in plan.steps if step.ref not in done]
        announce(plan, left, _unused(plan, store))
        failed: list[Failed] = []
        ran: list[Step] = []
        if left:
            bookkeeper = _Bookkeeper(out)
            observer = bookkeeper.around(observer, ran)
            try:
                failed = run_steps(left, done, out, workers, device, observer)
            finally:
                layout.running(out).unlink(missing_ok=True)
                store.remove_leftovers()
                _write_catalogue(plan, store)
        else:
            _write_catalogue(plan, store)
        return Outcome(len(done), len(ran), failed, len(left) - len(ran) - len(failed))


def needs_data(study: Study, out: Path) -> bool:
    """Whether a step is left that reads the data set."""
    store = Store(out)
    return any(not store.has(step.kind, step.key) for step in make_plan(study).steps if hasattr(step.spec, "data"))


def _unused(plan: Plan, store: Store) -> int:
    wanted = {step.key for step in plan.steps}
    return sum(manifest.parent.name not in wanted for manifest in store.manifests())


def refresh_catalogue(out: Path) -> None:
    """Writes down what the folder holds now, also after a run that was killed, or while one is at work."""
    _write_catalogue(make_plan(study_of(out)), Store(out))


def _write_catalogue(plan: Plan, store: Store) -> None:
    path, content = layout.catalogue(store.out), as_json(catalogue(plan, store))
    if not path.is_file() or path.read_bytes() != content:
        write_file(path, content)


def catalogue(plan: Plan, store: Store) -> dict[str, Any]:
    """What the study has produced so far: all that a report needs to find it."""
    complete, missing = [], []
    environments: dict[str, dict[str, Any]] = {}
    for item in plan.arms:
        named = {"objective": item.arm.objective, "pruning": item.arm.pruning, "sparsity": item.arm.sparsity}
        if not store.has("compare", item.compare.key):
            missing.append(named)
            continue
        project = item.project.key if item.project is not None and store.has("project", item.project.key) else None
        control = plan.study.control(item.arm.pruning)
        complete.append(
            {
                **named,
                "compare": item.compare.key,
                "project": project,
                "control": None if control is None else control.model_dump(mode="json"),
                "seeds": list(plan.study.seeds_of(item.arm.pruning)),
                "descended": plan.study.descends(item.arm.pruning),
            }
        )
    for step in plan.steps:
        if store.has(step.kind, step.key):
            environment = store.load(step.kind, step.key).manifest["environment"]
            environments[json.dumps(environment, sort_keys=True)] = environment
    data = plan.data.key if store.has("data", plan.data.key) else None
    return {
        "study": plan.study.name,
        "recipe": _recipe_of(plan.study),
        "data": data,
        "probe_points": list(plan.study.probe_points()),
        "arms": complete,
        "missing": missing,
        "environments": list(environments.values()),
    }


def _recipe_of(study: Study) -> dict[str, Any] | None:
    """The recipe that the study names, and where the study departs from the paper's text."""
    if study.recipe is None:
        return None
    paper = load_recipe(TEXT)
    return {
        "name": study.recipe,
        "title": load_recipe(study.recipe).title,
        "departures": [
            {
                "id": each.id,
                "key": each.key,
                "paper": each.values[0],
                "from": each.origins[0],
                "here": each.values[1],
                "why": each.why,
            }
            for each in departures(study, paper)
        ],
    }


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


def study_of(out: Path) -> Study:
    """The study that a folder holds.

    Raises:
        StudyError: none.
    """
    path = layout.study(out)
    if not path.is_file():
        error = StudyError(str(out))
        error.add("DIR", "no study.toml", "the folder of a study", "give the folder that `piescope run` wrote (--out)")
        raise error
    return parse_study(path.read_text(encoding="utf-8"), str(path))


def _check_folder(study: Study, out: Path, fresh: bool) -> None:
    """A run takes a folder that is new, empty or a study's; --fresh only what it can empty without touching more."""
    error = StudyError(str(out))
    if out.exists() and not out.is_dir():
        error.add("--out", "a file", "a folder", "give another path")
    elif out.is_dir() and not ownership.holds_a_study(out):
        if not ownership.is_as_good_as_empty(out):
            error.add("--out", "a folder with other files", "a new or empty folder, or a study's", "give another --out")
    elif out.is_dir() and fresh:
        _check_discard(out, error)
    elif layout.study(out).is_file():
        held = study_of(out).name
        if held != study.name:
            error.add(
                "--out",
                f"the study {held!r}",
                f"a new folder, or one of the study {study.name!r}",
                "give another --out, or --fresh to discard what it holds",
            )
    error.raise_if_any()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as reason:
        error.add(
            "--out", reason.strerror or str(reason), "a folder that can be made and written to", "give another --out"
        )
        raise error from None


def _check_discard(out: Path, error: StudyError) -> None:
    """Refuses to empty a folder where that would follow a link, or leave something where a step is to be written."""
    linked = ownership.linked_folders(out)
    if linked:
        found = f"{linked[0].relative_to(out)} is a link to another place"
        error.add("--fresh", found, "folders of its own", "remove what is there yourself, or give another --out")
        return
    foreign = ownership.in_the_way(out)
    if foreign:
        found = f"{foreign[0].relative_to(out)}, which piescope did not write, and {len(foreign) - 1} more"
        error.add("--fresh", found, "steps without other files in them", "move it elsewhere, or give another --out")


def _running(out: Path) -> set[str]:
    """Keys that a live run is at; a lock that can be had means that none is."""
    path = layout.running(out)
    if not path.is_file():
        return set()
    with folder_lock(out) as held:
        if held:
            return set()
        try:
            return set(json.loads(path.read_bytes())["keys"])
        except (OSError, ValueError):
            return set()  # it ended between the two looks


class _Bookkeeper:
    """Keeps `running.json`, failures and logs true to what happens."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._running: list[str] = []

    def around(self, observer: Observer, ran: list[Step]) -> Observer:
        """The same observer, with the books kept."""

        def started(step: Step) -> None:
            self._running = [*(key for key in self._running if key != step.key), step.key]
            self._save()
            observer.started(step)

        def finished(step: Step, seconds: float) -> None:
            ran.append(step)
            self._running = [key for key in self._running if key != step.key]
            layout.failure(self._out, step.key).unlink(missing_ok=True)
            layout.log(self._out, step.key).unlink(missing_ok=True)
            observer.finished(step, seconds)

        def failed(failure: Failed) -> None:
            key = failure.step.key
            self._running = [other for other in self._running if other != key]
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            write_file(layout.log(self._out, key), f"{now} {failure.step.label}\n{failure.trace}".encode())
            told = {"label": failure.step.label, "reason": failure.reason, "time": now}
            write_file(layout.failure(self._out, key), as_json(told))
            observer.failed(failure)

        return replace(observer, started=started, finished=finished, failed=failed)

    def _save(self) -> None:
        # no fsync: it describes a live process, and says nothing once that is gone
        layout.running(self._out).write_text(json.dumps({"pid": os.getpid(), "keys": self._running}))
