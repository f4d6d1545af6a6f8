"""Runs a study: looks what is done, does the rest, and has the catalogue written. Loads no torch in this process."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from piescope.store import layout, ownership
from piescope.store.artefacts import Store
from piescope.store.durable import as_json, folder_lock, write_file
from piescope.study.catalogue import write_catalogue
from piescope.study.executors.local import CHECKPOINT_SECONDS, Failed, Observer, run_steps
from piescope.study.folder import check_folder
from piescope.study.parse import study_toml
from piescope.study.plan import Plan, Ref, Step, make_plan
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
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
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
        checkpoint_seconds: between two checkpoints of a training.

    Raises:
        StudyError: the folder holds another study, or is a file.
        BusyError: another run holds the folder.
    """
    check_folder(study, out, fresh)
    with folder_lock(out, patience=1.0) as is_ours:  # `status` holds it for an instant
        if not is_ours:
            raise BusyError(f"another `piescope run` is at work in {out}; wait for it, or give another --out")
        if fresh:
            ownership.discard(out)
        store = Store(out)
        store.remove_leftovers()
        plan = make_plan(study)
        _write_study(study, out)
        done = {step.ref for step in plan.steps if store.has(step.kind, step.key)}
        left = [step for step in plan.steps if step.ref not in done]
        announce(plan, left, _unused(plan, store))
        ran: list[Step] = []
        try:
            books = _Bookkeeper(out).around(observer, ran)
            failed = _work(left, done, store, workers, device, books, checkpoint_seconds) if left else []
        finally:
            write_catalogue(plan, store)
        return Outcome(len(done), len(ran), failed, len(left) - len(ran) - len(failed))


def _write_study(study: Study, out: Path) -> None:
    """Leaves the resolved study in its folder, untouched if it is there."""
    path, resolved = layout.study(out), study_toml(study).encode()
    if not path.is_file() or path.read_bytes() != resolved:
        write_file(path, resolved)


def _work(
    left: list[Step],
    done: set[Ref],
    store: Store,
    workers: int,
    device: str,
    observer: Observer,
    checkpoint_seconds: float,
) -> list[Failed]:
    """Does what is left; nothing says that a run is at work when it ends, however it ends."""
    try:
        return run_steps(left, done, store.out, workers, device, observer, checkpoint_seconds)
    finally:
        layout.running(store.out).unlink(missing_ok=True)
        store.remove_leftovers()


def _unused(plan: Plan, store: Store) -> int:
    wanted = {step.key for step in plan.steps}
    return sum(manifest.parent.name not in wanted for manifest in store.manifests())


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
            record = {"label": failure.step.label, "reason": failure.reason, "time": now}
            write_file(layout.failure(self._out, key), as_json(record))
            observer.failed(failure)

        return replace(observer, started=started, finished=finished, failed=failed)

    def _save(self) -> None:
        # no fsync: it describes a live process, and says nothing once that is gone
        layout.running(self._out).write_text(json.dumps({"pid": os.getpid(), "keys": self._running}))
