"""Workers that only count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from made_executors import three_models
from piescope.store.leases import Lease
from piescope.study.executors.protocol import Finished, Started, Task
from piescope.study.executors.virtual import Duration, VirtualTime

FIRST, SECOND, THIRD, FOURTH = (replace(step) for step in three_models().steps if step.kind in ("train", "data"))


def task(step: object) -> Task:
    return Task(step, Lease(Path("work")))  # type: ignore[arg-type]


def test_steps_end_in_the_order_of_their_ends() -> None:
    workers = VirtualTime(2, {FIRST.key: Duration(3.0), SECOND.key: Duration(2.0), THIRD.key: Duration(5.0)})
    workers.start(3)
    workers.submit(task(FIRST))
    workers.submit(task(SECOND))
    assert workers.events(0.0) == [Started(SECOND.key), Finished(SECOND.key, 2.0)]
    workers.submit(task(THIRD))
    assert workers.events(0.0)[-1] == Finished(FIRST.key, 3.0)
    assert workers.events(0.0)[-1] == Finished(THIRD.key, 5.0)
    assert (workers.now, workers.busy) == (7.0, 10.0)


def test_a_training_begins_at_the_furthest_fork_that_another_has_passed() -> None:
    forks = {"near": 1.0, "far": 4.0}
    workers = VirtualTime(1, {step.key: Duration(10.0, forks) for step in (FIRST, SECOND)})
    for step in (FIRST, SECOND):
        workers.submit(task(step))
        workers.events(0.0)
    assert (workers.now, workers.busy) == (16.0, 16.0)


def test_trainings_that_begin_together_share_nothing() -> None:
    workers = VirtualTime(2, {step.key: Duration(10.0, {"near": 1.0}) for step in (FIRST, SECOND)})
    workers.submit(task(FIRST))
    workers.submit(task(SECOND))
    workers.events(0.0)
    workers.events(0.0)
    assert (workers.now, workers.busy) == (10.0, 20.0)


def test_what_a_worker_loads_once_is_counted_once_a_worker() -> None:
    steps = (SECOND, THIRD, FOURTH)
    workers = VirtualTime(2, {step.key: Duration(1.0, first=5.0) for step in steps})
    for step in steps:
        workers.submit(task(step))
        workers.events(0.0)
    assert workers.busy == 6.0 + 6.0 + 1.0
