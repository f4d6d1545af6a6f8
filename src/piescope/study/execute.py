"""Runs a study: looks what is done, does the rest, and has the catalogue written. Loads no torch in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from piescope.store import failures, layout, leases, ownership
from piescope.store.artefacts import Store
from piescope.store.durable import FolderLock, folder_lock, write_file
from piescope.study.catalogue import write_catalogue
from piescope.study.executors.protocol import Executor
from piescope.study.folder import check_folder
from piescope.study.parse import study_toml
from piescope.study.plan import Plan, Step, make_plan
from piescope.study.scheduling import Ended, Failed, Observer, run_steps
from piescope.study.spec import Study


class BusyError(RuntimeError):
    """Another run is at work in the folder, and this one cannot join it."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        done_before: steps that were there already.
        ran: steps that this run did.
        found: steps that other runs of the folder did meanwhile.
        failed: steps that are tried no more.
        waiting: steps that hang on a failed one.
    """

    done_before: int
    ran: int
    found: int
    failed: list[Failed]
    waiting: int


def execute(
    study: Study,
    out: Path,
    executor: Executor,
    fresh: bool,
    observer: Observer,
    announce: Callable[[Plan, list[Step], int], None],
    patience: float = leases.PATIENCE,
) -> Outcome:
    """Does every step of the study that is not done, and nothing twice; several runs of one folder share the work.

    Args:
        study: what to run.
        out: its folder; made if missing.
        executor: where steps run.
        fresh: throw away what the folder holds of this study first.
        observer: hears of progress.
        announce: called once before any work with the plan, the steps that are left, and how many finished steps in
            the folder are no part of this study (of an earlier version of it).
        patience: seconds without a sign of life after which the steps of another runner are taken over.

    Raises:
        StudyError: the folder holds another study, or is a file.
        BusyError: a run that is at work there cannot be joined.
        OSError: there is no room to write to.
    """
    check_folder(study, out, fresh)
    with folder_lock(out, patience=1.0) as lock:
        _enter(study, out, lock, fresh)
        store, plan = Store(out), make_plan(study)
        done = {step.ref for step in plan.steps if store.has(step.kind, step.key)}
        left = [step for step in plan.steps if step.ref not in done]
        announce(plan, left, _unused(plan, store))
        ended = Ended()
        try:
            if left:
                with leases.Holder(out, patience) as held:
                    ended = run_steps(left, done, store, executor, held, observer)
        finally:
            write_catalogue(plan, store)
            if lock is not None and lock.be_alone():
                _tidy(out)
        waiting = len(left) - ended.ran - ended.found - len(ended.failed)
        return Outcome(len(done), ended.ran, ended.found, ended.failed, waiting)


def _enter(study: Study, out: Path, lock: FolderLock | None, fresh: bool) -> None:
    """Makes the folder ready if nobody else is at work there, else joins those who are.

    Raises:
        BusyError: they are at work on another version of the study, or the folder was to be emptied.
    """
    if lock is not None and lock.is_alone:
        if fresh:
            ownership.discard(out)
        _tidy(out)
        failures.forgive(out)
        _write_study(study, out)
        lock.share(wait=True)
    elif lock is None or fresh:
        raise BusyError(f"another `piescope run` is at work in {out}; wait for it, or give another --out")
    if layout.study(out).read_bytes() != study_toml(study).encode():
        raise BusyError(
            f"another `piescope run` is at work in {out} on another version of this study: "
            f"run {layout.study(out)} to help it, wait for it, or give another --out"
        )


def _write_study(study: Study, out: Path) -> None:
    """Leaves the resolved study in its folder, untouched if it is there."""
    path, resolved = layout.study(out), study_toml(study).encode()
    if not path.is_file() or path.read_bytes() != resolved:
        write_file(path, resolved)


def _tidy(out: Path) -> None:
    """Removes what runs that are no longer at work left behind; the caller is alone in the folder."""
    Store(out).remove_leftovers()
    leases.tidy(out)
    layout.running(out).unlink(missing_ok=True)


def _unused(plan: Plan, store: Store) -> int:
    wanted = {step.key for step in plan.steps}
    return sum(manifest.parent.name not in wanted for manifest in store.manifests())
