"""Runs a study: looks what is done, does the rest, and has the catalogue written. Loads no torch in this process."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from piescope.store import failures, layout, leases, ownership
from piescope.store.arithmetic import ArithmeticRecord
from piescope.store.arithmetic import settle as settle_arithmetic
from piescope.store.artefacts import Store
from piescope.store.durable import FolderLock, folder_lock
from piescope.study.catalogue import write_catalogue
from piescope.study.executors.protocol import Executor
from piescope.study.fitting import Unfit, settle
from piescope.study.folder import check_folder, run_again, write_study
from piescope.study.forks import unneeded_forks
from piescope.study.inherit import sealed
from piescope.study.parse import study_toml
from piescope.study.partial import plan_of_what_can_be
from piescope.study.plan import Plan, Ref, Step, make_plan
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
    patience: float = leases.PATIENCE,
    chosen: ArithmeticRecord | None = None,
) -> Outcome:
    """Does every step of the study that is not done, and nothing twice; several runs of one folder share the work.

    A finished step that is damaged, or that was made of an earlier result of a parent, is set aside and done again.

    Args:
        study: what to run.
        out: its folder; made if missing.
        executor: where steps run.
        fresh: throw away what the folder holds of this study first.
        observer: hears of progress.
        patience: seconds without a sign of life after which the steps of another runner are taken over.
        chosen: how networks are to compute, if no training of the folder is finished and nobody else is at work there.

    Raises:
        StudyError: the folder holds another study, or is a file.
        BusyError: a run that is at work there cannot be joined.
        DamagedRecordError: what the folder keeps of how its networks compute is damaged.
        OSError: there is no room to write to.
    """
    check_folder(study, out, fresh)
    with folder_lock(out, patience=1.0) as lock:
        _enter(study, out, lock, fresh, chosen)
        plan, store = make_plan(study), Store(out)
        try:
            with leases.Holder(out, patience) as held:
                rounds = _Rounds(plan, store, held, observer)
                left = rounds.left()
                observer.began(plan, left, _unused(plan_of_what_can_be(plan, store), store))
                while steps := rounds.startable():
                    rounds.add(run_steps(steps, rounds.fit.settled, store, executor, held, observer))
        finally:
            write_catalogue(plan, store)
            if lock is not None and lock.be_alone():
                _tidy(out)
                _remove_forks(plan, store)
        waiting = len(rounds.left()) - len(rounds.failed)
        return Outcome(len(plan.steps) - len(left), rounds.ran, rounds.found, rounds.failed, waiting)


class _Rounds:
    """What is left of a plan, looked at anew after each round of work.

    In it a step may have come out otherwise than what its children were made of, or have turned out to be damaged; or
    a replicate failed for good, so that its arm is to be compared without it.

    Attributes:
        fit: what the last look has shown.
        ran: steps done here.
        found: steps done by other runners.
        failed: steps that are tried no more.
    """

    def __init__(self, plan: Plan, store: Store, held: leases.Holder, observer: Observer) -> None:
        self._whole, self._plan, self._store, self._held, self._observer = plan, plan, store, held, observer
        self._damaged: Counter[Ref] = Counter()
        self.ran = self.found = 0
        self.failed: list[Failed] = []
        self._look()

    def left(self) -> list[Step]:
        """The steps that are not done."""
        return self.fit.left(self._plan)

    def startable(self) -> list[Step]:
        """The steps that are left to try; none where not one of them can start."""
        failed = {failure.step.ref for failure in self.failed}
        left = [step for step in self.left() if step.ref not in failed]
        return left if any(self.fit.settled.issuperset(step.parent_refs()) for step in left) else []

    def add(self, ended: Ended) -> None:
        """Counts what became of a round, and looks at all steps."""
        self.ran += ended.ran
        self.found += ended.found
        self.failed += ended.failed
        self._look()

    def _look(self) -> None:
        """A step whose parent was set aside is tried again; one that is damaged whenever it is made is not."""
        self._plan = plan_of_what_can_be(self._whole, self._store) if self.failed else self._whole
        self.fit = settle(self._plan, self._store, self._held, self._observer.said)
        if not self.fit.unfit:
            return
        self._observer.unfit(self.fit.unfit)
        renewed = {found.step.ref for found in self.fit.unfit}
        again = [failure for failure in self.failed if not renewed.isdisjoint(failure.step.parent_refs())]
        for failure in again:
            self.failed.remove(failure)
            failures.clear(self._store.out, failure.step.key)
        self._damaged.update(found.step.ref for found in self.fit.unfit if found.damaged)
        for found in self.fit.unfit:
            if self._damaged[found.step.ref] > failures.TRIES:
                self._give_up(found)

    def _give_up(self, found: Unfit) -> None:
        step, reason = found.step, f"damaged each time that it was made ({found.why}): look at the disk"
        failures.record(self._store.out, step.key, step.label, reason, reason, False)
        self.failed.append(Failed(step, reason))
        self._observer.failed(self.failed[-1])


def prepare(study: Study, out: Path, fresh: bool) -> None:
    """Makes a folder the study's, for runs that start elsewhere and later.

    Args:
        study: what they are to run.
        out: its folder; made if missing.
        fresh: throw away what the folder holds of this study first.

    Raises:
        StudyError: the folder holds another study, or is a file.
        BusyError: a run that is at work there cannot be joined.
    """
    check_folder(study, out, fresh)
    with folder_lock(out, patience=1.0) as lock:
        _enter(study, out, lock, fresh)


def _enter(
    study: Study, out: Path, lock: FolderLock | None, fresh: bool, chosen: ArithmeticRecord | None = None
) -> None:
    """Makes the folder ready if nobody else is at work there, else joins those who are.

    Raises:
        BusyError: they are at work on another version of the study, or the folder was to be emptied.
    """
    if lock is not None and lock.is_alone:
        if fresh:
            ownership.discard(out)
        _tidy(out)
        failures.forgive(out)
        write_study(study, out)
        settle_arithmetic(out, chosen)
        lock.share(wait=True)
    elif lock is None or fresh:
        raise BusyError(f"another `piescope run` is at work in {out}; wait for it, or give another --out")
    if layout.study(out).read_bytes() != sealed(study_toml(study)).encode():
        raise BusyError(
            f"another `piescope run` is at work in {out} on another version of this study: "
            f"help it (`{run_again(out)}`), wait for it, or give another --out"
        )


def _tidy(out: Path) -> None:
    """Removes what runs that are no longer at work left behind; the caller is alone in the folder."""
    Store(out).remove_leftovers()
    leases.tidy(out)
    layout.running(out).unlink(missing_ok=True)


def _remove_forks(plan: Plan, store: Store) -> None:
    """Those that no training needs which is left, and what is empty then."""
    for path in unneeded_forks(plan, store):
        path.unlink(missing_ok=True)
    for folder in (layout.forks(store.out), layout.checkpoints(store.out)):
        with suppress(OSError):  # there is none, or some are needed
            folder.rmdir()


def _unused(plan: Plan, store: Store) -> int:
    wanted = {step.key for step in plan.steps}
    return sum(manifest.parent.name not in wanted for manifest in store.manifests())
