"""Which step is done when, how often it is tried, and what waits for it: once for all executors. Loads no torch."""

from __future__ import annotations

import heapq
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from piescope.store import failures
from piescope.store.artefacts import Store
from piescope.store.leases import Holder, Lease
from piescope.study.executors.protocol import Event, Executor, Finished, Images, Started, Task, Unsuccessful
from piescope.study.fitting import Unfit
from piescope.study.plan import Plan, Ref, Step

TICK = 0.2
"""Seconds between two looks at signals, at most."""

LOOK = 1.0
"""Seconds between two looks at what other runners do."""

WIND_DOWN = 1.2
"""Seconds that steps under way have to end by themselves."""


@dataclass(frozen=True)
class Failed:
    """A step that is tried no more.

    Attributes:
        step: which.
        reason: one line.
    """

    step: Step
    reason: str


class Observer:
    """Hears what happens while steps run, in the caller's own process and thread; here, nothing comes of it."""

    def began(self, plan: Plan, left: list[Step], unused: int) -> None:
        """Before any work: all steps, those that are left, and how many finished ones belong to none of them."""

    def started(self, step: Step) -> None:
        """A worker began with a step."""

    def images(self, count: int) -> None:
        """So many more were pushed through a network."""

    def finished(self, step: Step, seconds: float) -> None:
        """A step is done, after so many seconds."""

    def found(self, step: Step) -> None:
        """Another runner of the folder has done a step."""

    def failed(self, failure: Failed) -> None:
        """A step is tried no more."""

    def unfit(self, unfit: list[Unfit]) -> None:
        """Finished steps were set aside, and are to be done again."""

    def said(self, text: str) -> None:
        """A line for people: what is tried again, and why."""

    def tick(self) -> None:
        """Several times a second; what it raises ends the run."""


def together(*observers: Observer) -> Observer:
    """One that tells all of them, in their order."""

    def to_all(event: str) -> Callable[..., None]:
        def tell(_: Observer, *facts: Any) -> None:
            for observer in observers:
                getattr(observer, event)(*facts)

        return tell

    events = [name for name in vars(Observer) if not name.startswith("_")]
    together: Observer = type("Together", (Observer,), {event: to_all(event) for event in events})()
    return together


@dataclass
class Ended:
    """What became of the steps that were left; the others wait for one that failed.

    Attributes:
        ran: done here.
        found: done by other runners meanwhile.
        failed: tried no more, here or by another runner.
    """

    ran: int = 0
    found: int = 0
    failed: list[Failed] = field(default_factory=list)


def run_steps(
    steps: Sequence[Step], done: Iterable[Ref], store: Store, executor: Executor, leases: Holder, observer: Observer
) -> Ended:
    """Has every step done once its parents are, by this runner or another; goes on after failures with what it can.

    A step that may pass is tried `failures.TRIES` times, every time under a new lease.

    Args:
        steps: parents before children; none of them done.
        done: what is.
        store: of the study.
        executor: runs what it is handed.
        leases: of this runner.
        observer: hears of everything.

    Raises:
        OSError: there is no room to write to.
    """
    run = _Run(steps, done, store, executor, leases, observer)
    try:
        executor.start(len(steps))
        while run.turn():
            pass
    except BaseException:
        run.wind_down()
        raise
    finally:
        executor.stop()
    return run.ended


class _Run:
    """The steps that are left, each waiting, ready, under way here or elsewhere."""

    def __init__(
        self,
        steps: Sequence[Step],
        done: Iterable[Ref],
        store: Store,
        executor: Executor,
        leases: Holder,
        observer: Observer,
    ) -> None:
        self.ended = Ended()
        self._steps = steps
        self._store, self._executor, self._leases, self._observer = store, executor, leases, observer
        finished = set(done)
        self._lacks = [set(step.parent_refs()) - finished for step in steps]
        self._children: defaultdict[Ref, list[int]] = defaultdict(list)
        for place, lacking in enumerate(self._lacks):
            for parent in lacking:
                self._children[parent].append(place)
        self._ready = [place for place, lacking in enumerate(self._lacks) if not lacking]  # a heap: first come first
        self._places = {step.key: place for place, step in enumerate(steps)}
        self._under_way: dict[str, Lease] = {}
        self._elsewhere: set[int] = set()
        self._most = len(steps)
        self._looked = time.monotonic()

    def turn(self) -> bool:
        """Starts what can be started, and hears what happened; False when there is nothing to wait for."""
        if time.monotonic() - self._looked > LOOK:
            self._look_at_others()
        self._start()
        if not (self._under_way or self._elsewhere or self._ready):
            return False
        for event in self._executor.events(TICK):
            self._hear(event)
        self._observer.tick()
        return True

    def wind_down(self) -> None:
        """Lets steps under way end where they can go on later, if they do so soon."""
        self._executor.wind_down()
        until = time.monotonic() + WIND_DOWN
        while self._under_way and time.monotonic() < until:
            for event in self._executor.events(TICK):
                self._hear(event)

    def _start(self) -> None:
        while self._ready and len(self._under_way) < min(self._executor.slots, self._most):
            place = heapq.heappop(self._ready)
            step = self._steps[place]
            if self._is_settled(place):
                continue
            lease = self._leases.take(step.key, step.label)
            if lease is None:
                self._elsewhere.add(place)
            elif self._is_settled(place):  # between the look and the lease
                self._leases.give_back(lease)
            else:
                self._under_way[step.key] = lease
                self._executor.submit(Task(step, lease))

    def _is_settled(self, place: int) -> bool:
        """Whether another runner has done a step, or tries it no more; what follows from it is seen to."""
        step = self._steps[place]
        if self._store.has(step.kind, step.key):
            self.ended.found += 1
            self._observer.found(step)
            self._done(step)
            return True
        failure = failures.failure_of(self._store.out, step.key)
        if failure is None or not failure.is_final:
            return False
        self._failed(step, failure.reason)
        return True

    def _look_at_others(self) -> None:
        """At steps that other runners had, if there is room for them here, and at those that they have taken over."""
        self._looked = time.monotonic()
        for key, lease in self._under_way.items():
            if not lease.is_held():
                self._executor.abandon(key)
        if len(self._under_way) + len(self._ready) >= self._executor.slots:
            return
        for place in sorted(self._elsewhere):
            if self._is_settled(place):
                self._elsewhere.discard(place)
            elif self._leases.is_free(self._steps[place].key):
                self._elsewhere.discard(place)
                heapq.heappush(self._ready, place)

    def _hear(self, event: Event) -> None:
        lease = self._under_way.get(event.key)
        if lease is None:
            return
        step = self._steps[self._places[event.key]]
        match event:
            case Started():
                self._observer.started(step)
                return
            case Images():
                self._observer.images(event.count)
                return
        is_held = lease.is_held()
        del self._under_way[event.key]
        try:
            match event:
                case Finished():
                    self._finished(step, event.seconds)
                case Unsuccessful() if is_held and self._store.has(step.kind, step.key):
                    self._finished(step, 0.0)  # its worker died after it had published, before it could say so
                case Unsuccessful() if is_held:
                    self._unsuccessful(step, event)
        finally:
            self._leases.give_back(lease)
        if isinstance(event, Unsuccessful) and not is_held:  # what became of it here is of no account
            self._elsewhere.add(self._places[step.key])
            self._observer.said(f"{step.label}: another runner has taken it over, this one gave no sign for too long")

    def _finished(self, step: Step, seconds: float) -> None:
        for line in failures.notes(self._store.out, step.key, step.label):
            self._observer.said(f"{step.label}: {line}")
        failures.clear(self._store.out, step.key)
        self.ended.ran += 1
        self._observer.finished(step, seconds)
        self._done(step)

    def _unsuccessful(self, step: Step, event: Unsuccessful) -> None:
        """Tries a step again, or never again; where nothing can be written, the run ends."""
        if event.full is not None:
            why = f"{event.full.strerror}, where {step.label!r} was to be written"
            raise OSError(event.full.errno, why, event.full.filename) from None
        failure = failures.record(self._store.out, step.key, step.label, event.reason, event.trace, event.passes)
        if event.memory:
            self._pack_fewer()
        if failure.is_final:
            tried = f" (tried {failure.counted} times)" if failure.counted > 1 else ""
            self._failed(step, event.reason + tried)
        else:
            self._observer.said(
                f"{step.label}: {event.reason}; tried again ({failure.counted + 1} of {failures.TRIES})"
            )
            heapq.heappush(self._ready, self._places[step.key])

    def _pack_fewer(self) -> None:
        """Where memory ran out, fewer steps at once; never a smaller batch, which would change the result."""
        fewer = max(1, len(self._under_way))  # without the one that ended
        if fewer < self._most:
            self._most = fewer
            self._observer.said(f"memory ran out: from now on {fewer} at a time")

    def _done(self, step: Step) -> None:
        for child in self._children.pop(step.ref, ()):
            self._lacks[child].discard(step.ref)
            if not self._lacks[child]:
                heapq.heappush(self._ready, child)

    def _failed(self, step: Step, reason: str) -> None:
        failure = Failed(step, reason)
        self.ended.failed.append(failure)
        self._observer.failed(failure)
