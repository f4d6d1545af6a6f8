"""What becomes of steps whose worker dies, hangs or is stopped, with steps that do nothing else; tests/faults has the same of trainings."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import hear_signals, run_program
from made_executors import three_models
from piescope.machine import one_thread_a_core
from piescope.processes import Silence
from piescope.study.executors import local
from piescope.study.executors.local import LocalExecutor, core_of, variables_of

STEP = three_models().steps[0]

SCRIPT = """
import json, os, signal, sys, time, types
from pathlib import Path

folder, label, deed, times = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])

def misbehave():
    if deed == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if deed == "is stopped":
        os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(3600)

def perform(step, store, device, on_images, checkpoints):
    tries = folder / "tries"
    before = len(tries.read_text()) if tries.exists() else 0
    if step.label == label and before < times:
        tries.write_text("x" * (before + 1))
        on_images(5)
        misbehave()
    if step.label == label and before:
        (folder / "again").touch()
    while step.label == "supervised dense, seed 0" and not tries.exists():
        time.sleep(0.02)  # under way when its neighbour misbehaves
    while step.label == "supervised dense, seed 0" and deed != "dies" and not (folder / "again").exists():
        time.sleep(0.02)
        on_images(5)
    if step.label == "supervised dense, seed 2":
        raise ValueError("not my day")
    (folder / "places").open("a").write(f"{os.environ['OMP_NUM_THREADS']} {sorted(os.sched_getaffinity(0))}\\n")
    on_images(5)
    store.write(step.kind, step.key, {"a.json": b"[]"}, label=step.label, spec={})

# a file of its own: spawned workers load it again, and with it steps that need no torch
stand_in = types.ModuleType("piescope.study.steps")
stand_in.perform, stand_in.set_up_worker = perform, lambda device: None
sys.modules["piescope.study.steps"] = stand_in
sys.modules["piescope.training.checkpoints"] = types.ModuleType("piescope.training.checkpoints")
sys.modules["piescope.training.checkpoints"].When = lambda seconds, is_asked: (seconds, is_asked)

if __name__ == "__main__":
    from made_executors import Heard, scheduled
    from piescope.processes import Silence
    from piescope.study.executors import local
    heard, seconds = Heard(), [0.0]

    def clock():  # what the neighbour trains on makes the time, until somebody is found to be silent
        if not heard.lines:
            seconds[0] = heard.count / 50
        return seconds[0]

    local.LOOK = 0.1
    executor = local.LocalExecutor(folder, "cpu", 2, hung_after=2)
    executor._silence = Silence(clock=clock)
    scheduled(folder, executor, heard)
    print(json.dumps({"failed": heard.given_up, "done": heard.done, "said": heard.lines, "images": heard.count}))
"""

FIRST, SECOND, THIRD = (f"supervised dense, seed {seed}" for seed in range(3))


TESTS = {"PYTHONPATH": str(Path(__file__).parents[3])}


def outcome(folder: Path, label: str, deed: str, times: int) -> dict[str, Any]:
    script = folder / "steps.py"
    script.write_text(SCRIPT)
    done = run_program([sys.executable, script, folder, label, deed, str(times)], env={**os.environ, **TESTS})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = dict(json.loads(done.stdout))
    assert told["failed"].pop(THIRD) == "ValueError: not my day"
    return told


def check_places(folder: Path) -> None:
    """Workers have one thread and, where there is one for each, a core of their own."""
    places = {line.rstrip() for line in (folder / "places").read_text().splitlines()}
    cores = sorted(os.sched_getaffinity(0))
    own = next((each for each in (cores, one_thread_a_core(cores)) if len(each) == 2), None)
    expected = {f"1 {cores}"} if own is None else {f"1 [{core}]" for core in own}
    assert places <= expected


@pytest.mark.sampled(3)
@pytest.mark.parametrize("times", [1, 3])
def test_a_step_whose_worker_dies_is_tried_three_times_and_its_neighbour_once(tmp_path: Path, times: int) -> None:
    told = outcome(tmp_path, SECOND, "dies", times)
    check_places(tmp_path)
    assert all(line.startswith(f"{SECOND}: its worker was killed (SIGKILL)") for line in told["said"])
    assert len(told["said"]) == min(times, 2)
    if times == 3:
        assert "use fewer --workers" in told["failed"][SECOND] and "tried 3 times" in told["failed"].pop(SECOND)
    assert told["failed"] == {}
    assert len(told["done"]) == 5 - 2 * (times == 3)  # nothing that hangs on a step that failed
    assert 5 * len(told["done"]) <= told["images"] <= 5 * (len(told["done"]) + times)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("deed", ["hangs", "is stopped"])
def test_a_worker_without_a_sign_of_life_is_killed(tmp_path: Path, deed: str) -> None:
    told = outcome(tmp_path, SECOND, deed, 1)
    assert told["said"] == [f"{SECOND}: its worker gave no sign of life for 2 s and was killed; tried again (2 of 3)"]
    assert told["failed"] == {}
    assert len(told["done"]) == 5


def test_a_training_that_stands_still_is_silent_and_another_step_that_computes_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seconds = [0.0]
    executor = LocalExecutor(tmp_path, "cpu", 5, hung_after=2.0)
    executor._silence = Silence(clock=lambda: seconds[0])

    def worker(number: int, images: int, is_training: bool) -> SimpleNamespace:
        process = SimpleNamespace(pid=number, kill=lambda: killed.append(number))
        step = SimpleNamespace(forward_backward=float(is_training))
        return SimpleNamespace(process=process, images=images, task=SimpleNamespace(step=step), killed_because="")

    killed: list[int] = []
    stands_still, trains, loads, computes, of_another_system = workers = [
        worker(1, 5, True), worker(2, 5, True), worker(3, 0, True), worker(4, 0, False), worker(5, 0, False)
    ]  # fmt: skip
    executor._workers = [*workers]  # type: ignore[list-item]
    computed = {1: 0.0, 2: 0.0, 3: 0.0, 4: 0.0, 5: None}
    monkeypatch.setattr(local, "processor_seconds", computed.__getitem__)
    for _ in range(4):
        executor._kill_the_hung()
        assert killed == ([1] if seconds[0] > 2 else [])
        seconds[0] += 1
        trains.images += 5
        computed |= {number: seconds[0] for number in (1, 3, 4)}
    assert "no sign of life for 2 s" in stands_still.killed_because
    assert {each.killed_because for each in (trains, loads, computes, of_another_system)} == {""}


def test_each_worker_has_a_gpu_of_its_own_as_long_as_there_are_some() -> None:
    seen = [variables_of(place, ["GPU-a", "GPU-b"])["CUDA_VISIBLE_DEVICES"] for place in range(3)]
    assert seen == ["GPU-a", "GPU-b", "GPU-a"]
    assert "CUDA_VISIBLE_DEVICES" not in variables_of(0, ["0"])


def test_workers_keep_to_a_core_each_or_to_one_of_its_threads_and_else_to_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local.os, "sched_getaffinity", lambda process: {0, 1, 2, 3})
    monkeypatch.setattr(local, "one_thread_a_core", lambda numbers: [0, 1])
    assert [[core_of(place, workers) for place in range(workers)] for workers in (4, 2, 3)] == [
        [0, 1, 2, 3],
        [0, 1],
        [None, None, None],
    ]


@pytest.mark.parametrize(
    ("counted", "code", "memory"), [((3, 4), -9, True), ((3, 3), -9, False), ((None, None), -9, True), ((3, 4), -15, False)]
)  # fmt: skip
def test_a_worker_that_the_system_killed_for_memory_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, counted: tuple[int | None, int | None], code: int, memory: bool
) -> None:
    """Where the system does not count whom it kills for memory, a kill may be one."""
    counts = iter(counted)
    monkeypatch.setattr(local, "killed_for_memory", lambda: next(counts))
    worker = SimpleNamespace(process=SimpleNamespace(exitcode=code), killed_because="", task=SimpleNamespace(step=STEP))
    ended = LocalExecutor(tmp_path, "cpu", 1)._death(worker)  # type: ignore[arg-type]
    assert (ended.passes, ended.memory, ended.key) == (True, memory, STEP.key)


def test_nothing_is_started_for_steps_that_are_not_there(tmp_path: Path) -> None:
    executor = LocalExecutor(tmp_path, "cpu", 64)
    executor.stop()
    assert executor.events(0.0) == []
    executor.stop()


INTERRUPTED = """
import os, signal, sys, time, types
from pathlib import Path

folder, heeds = Path(sys.argv[1]), sys.argv[2] == "heeds"

class StoppedError(Exception):
    pass

def perform(step, store, device, on_images, checkpoints):
    seconds, is_asked = checkpoints
    assert seconds == 7.0
    on_images(5)
    if step.kind == "train":
        while not is_asked():
            time.sleep(0.25)
            on_images(5)
        if not heeds:
            os.kill(os.getppid(), signal.SIGINT)  # Ctrl-C again
            time.sleep(3600)
        (folder / step.kind).touch()
        raise StoppedError
    store.write(step.kind, step.key, {"a.json": b"[]"}, label=step.label, spec={})

stand_in = types.ModuleType("piescope.study.steps")
stand_in.perform, stand_in.set_up_worker = perform, lambda device: None
sys.modules["piescope.study.steps"] = stand_in
sys.modules["piescope.training.checkpoints"] = types.ModuleType("piescope.training.checkpoints")
sys.modules["piescope.training.checkpoints"].When = lambda seconds, is_asked: (seconds, is_asked)

if __name__ == "__main__":
    from made_executors import Heard, scheduled
    from piescope.study import scheduling
    from piescope.study.executors.local import LocalExecutor, core_of, variables_of

    scheduling.WIND_DOWN = 3600.0
    class Interrupts(Heard):
        def tick(self):
            if self.count > 5:
                raise KeyboardInterrupt

    executor = LocalExecutor(folder, "cpu", 1, checkpoint_seconds=7.0)
    try:
        scheduled(folder, executor, Interrupts())
    except KeyboardInterrupt:
        print("stopped", sorted(path.name for path in (folder / "work").iterdir()))
"""


@pytest.mark.sampled(8, heavy=True)
@pytest.mark.parametrize("worker", ["heeds", "hangs"])
def test_trainings_are_asked_to_stop_and_a_second_interrupt_does_not_wait_for_them(tmp_path: Path, worker: str) -> None:
    script = tmp_path / "steps.py"
    script.write_text(INTERRUPTED)
    command, environment = [sys.executable, script, tmp_path, worker], {**os.environ, **TESTS}
    done = run_program(command, env=environment, preexec_fn=hear_signals)
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped []\n", "")
    assert (tmp_path / "train").exists() == (worker == "heeds")
    assert not list(tmp_path.glob("failures/*"))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the variables are glibc's")
def test_memory_that_a_worker_frees_is_not_fetched_from_the_system_again() -> None:
    program = """if True:
        import numpy as np, resource
        faults = []
        for _ in range(4):
            blocks = [np.ones(2**20, np.uint8) for _ in range(32)]
            del blocks
            faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
        print(faults[3] - faults[2])"""
    environment = {**os.environ, **local.WORKER_VARIABLES}
    done = run_program([sys.executable, "-c", program], env=environment)
    pages = 2**25 // os.sysconf("SC_PAGE_SIZE")
    assert int(done.stdout) < pages // 8, done.stderr
