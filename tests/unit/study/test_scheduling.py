"""Every step once, parents first; what may pass is tried three times; one that failed stops only what hangs on it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import HANG
from made_executors import (
    DATA,
    FIRST,
    SECOND,
    THIRD,
    FakeExecutor,
    Heard,
    lost,
    publish,
    raised,
    scheduled,
    three_models,
)
from piescope.store import failures, layout
from piescope.store.artefacts import Store
from piescope.store.leases import PATIENCE, Holder, lease_of, take
from piescope.study.executors.protocol import Event, Task, Unsuccessful
from piescope.study.plan import Step
from piescope.study.scheduling import Observer, run_steps, together

STEPS = {step.label: step for step in three_models().steps}
LABELS = list(STEPS)


def left_behind(out: Path) -> list[Path]:
    return [path for name in ("work", "failures", "logs") for path in (out / name).rglob("*")]


def test_every_step_once_and_parents_first(tmp_path: Path) -> None:
    executor, heard = FakeExecutor(tmp_path), Heard()
    ended = scheduled(tmp_path, executor, heard)
    assert (ended.ran, ended.found, ended.failed) == (8, 0, [])
    assert sorted(executor.tried) == sorted(heard.done) == sorted(LABELS)
    for label, step in STEPS.items():
        parents = [other for other, own in STEPS.items() if own.ref in step.parent_refs()]
        assert all(heard.done.index(parent) < heard.done.index(label) for parent in parents)
    assert max(executor.at_once) == 2  # what was ready was started
    assert heard.count == 5 * 8
    assert executor.is_stopped and left_behind(tmp_path) == []


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    scheduled(tmp_path, FakeExecutor(tmp_path), Heard())
    again = STEPS[SECOND]
    for path in layout.artefact(tmp_path, again.kind, again.key).iterdir():
        path.unlink()
    executor = FakeExecutor(tmp_path)
    assert scheduled(tmp_path, executor, Heard()).ran == 1
    assert executor.tried == [SECOND]


def test_what_was_noted_of_a_step_is_said_once_it_is_done(tmp_path: Path) -> None:
    def noting(task: Task) -> None:
        failures.note(tmp_path, task.step.key, task.step.label, "its checkpoint is of no use")

    executor, heard = FakeExecutor(tmp_path), Heard()
    executor.script(FIRST, noting)
    scheduled(tmp_path, executor, heard)
    assert heard.lines == [f"{FIRST}: its checkpoint is of no use"]
    assert left_behind(tmp_path) == []


def test_a_lost_worker_costs_a_try_and_no_more_than_three(tmp_path: Path) -> None:
    executor, heard = FakeExecutor(tmp_path), Heard()
    executor.script(FIRST, *[lambda task: lost(task.step.key)] * 2)
    executor.script(SECOND, *[lambda task: lost(task.step.key)] * 3)
    ended = scheduled(tmp_path, executor, heard)
    assert executor.tried.count(FIRST) == executor.tried.count(SECOND) == 3 and executor.tried.count(THIRD) == 1
    assert heard.given_up == {SECOND: "its worker died (tried 3 times)"}
    assert [line for line in heard.lines if FIRST in line] == [
        f"{FIRST}: its worker died; tried again ({number} of 3)" for number in (2, 3)
    ]
    assert ended.ran == 5  # nothing that hangs on the one that failed, all else
    failure = failures.failure_of(tmp_path, STEPS[SECOND].key)
    assert failure is not None and [each.reason for each in failure.tries] == ["its worker died"] * 3
    assert layout.log(tmp_path, STEPS[SECOND].key).read_text().count("no trace") == 3
    assert failures.failure_of(tmp_path, STEPS[FIRST].key) is None  # it succeeded in the end
    assert list(layout.work(tmp_path).rglob("*")) == []


def test_what_will_not_pass_is_tried_once(tmp_path: Path) -> None:
    executor, heard = FakeExecutor(tmp_path), Heard()
    executor.script(FIRST, lambda task: raised(task.step.key))
    scheduled(tmp_path, executor, heard)
    assert heard.given_up == {FIRST: "ValueError: not my day"}
    assert executor.tried.count(FIRST) == 1 and heard.lines == []


def test_a_worker_that_died_after_it_had_published_is_no_failure(tmp_path: Path) -> None:
    executor, heard = FakeExecutor(tmp_path), Heard()

    def publish_and_die(task: Task) -> Unsuccessful:
        publish(task, Store(tmp_path, task.lease))
        return lost(task.step.key)

    executor.script(FIRST, publish_and_die)
    ended = scheduled(tmp_path, executor, heard)
    assert (ended.ran, ended.found, ended.failed, heard.lines) == (8, 0, [], [])
    assert executor.tried.count(FIRST) == 1 and failures.failure_of(tmp_path, STEPS[FIRST].key) is None


def test_each_try_has_a_lease_of_its_own(tmp_path: Path) -> None:
    executor, seen = FakeExecutor(tmp_path), list[Task]()

    def try_it(task: Task) -> Unsuccessful:
        seen.append(task)
        return lost(task.step.key)

    executor.script(FIRST, try_it, try_it)
    scheduled(tmp_path, executor, Heard())
    assert len({task.lease.folder for task in seen}) == 2  # a worker that was given up cannot publish any more


def test_where_memory_ran_out_fewer_run_at_once(tmp_path: Path) -> None:
    executor, heard = FakeExecutor(tmp_path, slots=3), Heard()
    executor.script(FIRST, lambda task: lost(task.step.key, memory=True), lambda task: lost(task.step.key, memory=True))
    ended = scheduled(tmp_path, executor, heard)
    assert "memory ran out: from now on 2 at a time" in heard.lines
    before = executor.tried.index(FIRST) + 3
    assert max(executor.at_once[:before]) == 3 and max(executor.at_once[before:]) <= 2
    assert ended.ran == 8


def test_a_full_disk_ends_the_run_and_names_file_and_step(tmp_path: Path) -> None:
    executor = FakeExecutor(tmp_path)
    full = OSError(28, "No space left on device", "artefacts/model")
    executor.script(FIRST, lambda task: Unsuccessful(task.step.key, "", "", passes=False, full=full))
    with pytest.raises(OSError, match=f"No space left on device, where {FIRST!r} was to be written") as error:
        scheduled(tmp_path, executor, Heard())
    assert error.value.filename == "artefacts/model"
    assert executor.is_wound_down and executor.is_stopped and left_behind(tmp_path) == []


def test_an_interrupt_lets_steps_end_and_gives_leases_back(tmp_path: Path) -> None:
    class Interrupts(Heard):
        def tick(self) -> None:
            if len(self.done) == 1:
                raise KeyboardInterrupt

    executor, heard = FakeExecutor(tmp_path), Interrupts()
    with pytest.raises(KeyboardInterrupt):
        scheduled(tmp_path, executor, heard)
    assert executor.is_wound_down and executor.is_stopped and left_behind(tmp_path) == []
    rest = FakeExecutor(tmp_path)
    assert scheduled(tmp_path, rest, Heard()).ran == 8 - len(heard.done)


def test_what_an_executor_could_not_start_in_full_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executor = FakeExecutor(tmp_path)

    def start(steps: int) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(executor, "start", start)
    with pytest.raises(OSError, match="Too many open files"):
        scheduled(tmp_path, executor, Heard())
    assert executor.is_stopped


@pytest.mark.sampled(8, heavy=True)
@pytest.mark.parametrize("runners", [2, 4])
def test_runners_of_one_folder_do_each_step_once(tmp_path: Path, runners: int) -> None:
    executors, heard = [
        [kind(*given) for _ in range(runners)] for kind, *given in ((FakeExecutor, tmp_path, 1), (Heard,))
    ]
    together = threading.Barrier(runners)

    def run(number: int) -> int:
        store, steps = Store(tmp_path), list(three_models().steps)
        together.wait(HANG)
        with Holder(tmp_path, PATIENCE) as leases:  # whoever begins late finds what it was to do
            ended = run_steps(steps, [], store, executors[number], leases, heard[number])
        assert ended.failed == [] and ended.ran + ended.found == 8
        return ended.ran

    with ThreadPoolExecutor(runners) as pool:
        ran = [each.result(HANG) for each in [pool.submit(run, number) for number in range(runners)]]
    assert sum(ran) == 8
    assert sorted(label for executor in executors for label in executor.tried) == sorted(LABELS)
    assert left_behind(tmp_path) == []


def test_what_another_runner_gave_up_is_not_tried_again(tmp_path: Path) -> None:
    step = STEPS[FIRST]
    for _ in range(3):
        failures.record(tmp_path, step.key, step.label, "it hung", "no trace", may_pass=True)
    executor, heard = FakeExecutor(tmp_path), Heard()
    ended = scheduled(tmp_path, executor, heard)
    assert heard.given_up == {FIRST: "it hung"} and FIRST not in executor.tried
    assert ended.ran == 5
    failures.forgive(tmp_path)  # what a run does that begins alone
    again = FakeExecutor(tmp_path)
    assert scheduled(tmp_path, again, Heard()).ran == 3 and again.tried[0] == FIRST


def test_tries_of_other_runners_count(tmp_path: Path) -> None:
    step = STEPS[FIRST]
    for _ in range(2):
        failures.record(tmp_path, step.key, step.label, "it hung", "no trace", may_pass=True)
    executor, heard = FakeExecutor(tmp_path), Heard()
    executor.script(FIRST, lambda task: lost(task.step.key))
    scheduled(tmp_path, executor, heard)
    assert executor.tried.count(FIRST) == 1 and list(heard.given_up) == [FIRST]


def test_a_step_that_was_taken_over_is_neither_published_nor_failed_here(tmp_path: Path) -> None:
    """Another runner takes this one for dead while it is at a step, and does the step first."""
    executor, heard = FakeExecutor(tmp_path, slots=1), Heard()

    def sleep_too_long(task: Task) -> Event | None:
        assert task.lease.end()
        other = take(tmp_path, task.step.key, "another runner")
        assert other is not None
        with pytest.raises(RuntimeError, match="taken the step over"):
            Store(tmp_path, task.lease).write("train", task.step.key, {"a.json": b"late"}, label="late", spec={})
        Store(tmp_path, other).write("train", task.step.key, {"a.json": b"[]"}, label="other", spec={})
        assert other.end()
        return lost(task.step.key)

    executor.script(FIRST, sleep_too_long)
    ended = scheduled(tmp_path, executor, heard)
    assert heard.elsewhere == [FIRST] and heard.given_up == {} and (ended.ran, ended.found) == (7, 1)
    assert any("taken it over" in line for line in heard.lines)
    assert Store(tmp_path).load("train", STEPS[FIRST].key).manifest.label == "other"


def test_a_step_whose_runner_died_is_taken_over(tmp_path: Path) -> None:
    lease = take(tmp_path, STEPS[DATA].key, DATA)
    assert lease is not None
    owner = lease.owner()
    assert owner is not None
    gone = owner.model_copy(update={"process": 2**22 + 1})
    (lease.folder / "owner.json").write_bytes(gone.as_bytes())
    assert scheduled(tmp_path, FakeExecutor(tmp_path), Heard()).ran == 8
    assert lease_of(tmp_path, STEPS[DATA].key) is None


def test_all_observers_hear_everything_in_their_order() -> None:
    heard: list[str] = []

    class Named(Observer):
        def __init__(self, name: str) -> None:
            self.name = name

        def finished(self, step: Step, seconds: float) -> None:
            heard.append(f"{self.name} {step.label} {seconds}")

        def tick(self) -> None:
            heard.append(self.name)

    (step, *_) = three_models().steps
    both = together(Named("a"), Named("b"))
    both.finished(step, 1.0)
    both.images(5)
    both.tick()
    assert heard == [f"a {step.label} 1.0", f"b {step.label} 1.0", "a", "b"]
