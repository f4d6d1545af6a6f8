"""Several runners on one folder: each step once, whoever is killed or sleeps, and nothing of theirs is left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from conftest import HANG, SEEN, SMALL, Run, hashes, piescope_command, wait_until
from made_executors import FIRST, three_models
from made_faults import Survived
from piescope.store.leases import all_leases

LONG = os.environ.get("PIESCOPE_FAULTS") == "long"

of_real_steps = pytest.mark.skipif(not LONG, reason="`make faults` has it; here are runners without torch")

RUNNER = """
import json, multiprocessing, os, sys, time, types
from pathlib import Path

folder, name, sleeps = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "sleeps"
dawdles = 2.0 if sys.argv[3] == "dawdles" else 0.0

locks = []

def perform(step, store, device, on_images, checkpoints):
    if sleeps and step.label == "supervised dense, seed 0":
        (folder.parent / "at work").touch()
        while not (folder.parent / "wake").exists():
            time.sleep(0.05)
    on_images(5)
    locks.append(multiprocessing.RLock())  # as numba and tqdm do; nothing may be said of it when the worker is killed
    time.sleep(dawdles)
    store.write(step.kind, step.key, {"a.json": b"[]"}, label=name, spec={})

# a file of its own: spawned workers load it again, and with it steps that need no torch
stand_in = types.ModuleType("piescope.study.steps")
stand_in.perform, stand_in.set_up_worker = perform, lambda device: None
sys.modules["piescope.study.steps"] = stand_in
sys.modules["piescope.training.checkpoints"] = types.ModuleType("piescope.training.checkpoints")
sys.modules["piescope.training.checkpoints"].When = lambda seconds, is_asked: None

if __name__ == "__main__":
    from made_executors import Heard, scheduled
    from piescope.study.executors.local import LocalExecutor
    heard = Heard()
    scheduled(folder, LocalExecutor(folder, "cpu", 1), heard, patience=float(sys.argv[4]))
    print(json.dumps({"done": heard.done, "found": heard.elsewhere, "failed": heard.given_up, "said": heard.lines}))
"""


class Runner:
    """A program of its own, in a group of processes of its own, that does the three models' steps without torch."""

    def __init__(self, folder: Path, out: Path, name: str, how: str = "works", patience: float = 2.0) -> None:
        script = folder / f"{name}.py"  # one each: another may be reading its own at this moment
        script.write_text(RUNNER)
        self.process = subprocess.Popen(
            [sys.executable, script, out, name, how, str(patience)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )  # fmt: skip

    def signal(self, number: signal.Signals) -> None:
        os.killpg(self.process.pid, number)

    def is_at_work(self, out: Path) -> bool:
        owners = [lease.owner() for lease in all_leases(out)]
        return any(owner is not None and owner.process == self.process.pid for owner in owners)

    def told(self) -> dict[str, Any]:
        printed, errors = self.process.communicate(timeout=HANG)
        assert (self.process.returncode, errors) == (0, "")
        return dict(json.loads(printed))


def authors(out: Path) -> dict[str, str]:
    """Who made each step."""
    return {path.parent.name: json.loads(path.read_text())["label"] for path in out.glob("artefacts/*/*/manifest.json")}


@pytest.mark.sampled(8, heavy=True)
def test_runners_that_are_programs_do_each_step_once(tmp_path: Path, survived: Survived) -> None:
    out = tmp_path / "out"
    told = [runner.told() for runner in [Runner(tmp_path, out, name) for name in ("one", "other", "third")]]
    steps = [step.label for step in three_models().steps]
    assert sorted(label for each in told for label in each["done"]) == sorted(steps)
    for each in told:  # one that began late was not told of what was done before
        assert set(each["done"]).isdisjoint(each["found"]) and {*each["done"], *each["found"]} <= set(steps)
        assert each["failed"] == {}
    assert not list(out.glob("work/*"))
    survived("runner beside others on one folder", len(told))


@pytest.mark.sampled(3)
def test_a_runner_that_slept_too_long_cannot_publish_when_it_wakes(tmp_path: Path, survived: Survived) -> None:
    out = tmp_path / "out"
    sleeper = Runner(tmp_path, out, "sleeper", "sleeps")
    wait_until((tmp_path / "at work").exists, sleeper.process)
    sleeper.signal(signal.SIGSTOP)
    other = Runner(tmp_path, out, "other", patience=0.5).told()  # nobody else is awake
    assert FIRST in other["done"]
    (tmp_path / "wake").touch()
    sleeper.signal(signal.SIGCONT)
    woken = sleeper.told()
    assert FIRST in woken["found"] and FIRST not in woken["done"] and woken["failed"] == {}
    assert any("another runner has taken it over" in line for line in woken["said"])
    key = next(step.key for step in three_models().steps if step.label == FIRST)
    assert authors(out)[key] == "other" and len(authors(out)) == 8
    assert sorted(other["done"] + woken["done"]) == sorted(step.label for step in three_models().steps)
    assert not list(out.glob("work/*"))
    survived("runner that slept until another had taken over, and woke", 1)


@pytest.mark.sampled(8, heavy=True)
def test_what_a_killed_runner_was_at_is_done_by_another(tmp_path: Path, survived: Survived) -> None:
    out = tmp_path / "out"
    killed = Runner(tmp_path, out, "killed", "sleeps")
    wait_until((tmp_path / "at work").exists, killed.process)
    other = Runner(tmp_path, out, "other")
    wait_until(lambda: len(authors(out)) >= 5, other.process)  # all that does not hang on the first model
    killed.signal(signal.SIGKILL)
    killed.process.communicate(timeout=HANG)
    told = other.told()
    assert FIRST in told["done"] and len(authors(out)) == 8
    assert not list(out.glob("work/*"))
    survived("SIGKILL of a runner at a step, beside another", 1)


@pytest.mark.skipif(not LONG, reason="`make faults` has it")
def test_one_runner_after_the_other_is_killed_at_a_random_time(tmp_path: Path, survived: Survived) -> None:
    """Each is killed while it is at a step, as long as there are steps that nobody has done; the next one takes over."""
    out, chance, kills = tmp_path / "out", random.Random(0), 0
    while len(authors(out)) < 8:
        runner = Runner(tmp_path, out, str(kills), "dawdles")
        wait_until(lambda runner=runner: runner.is_at_work(out) or len(authors(out)) == 8, runner.process)
        time.sleep(chance.random() * 6)  # a step takes two seconds, and a worker some to begin
        runner.signal(signal.SIGKILL)
        runner.process.communicate(timeout=HANG)
        kills += 1
    assert Runner(tmp_path, out, "last").told()["failed"] == {}
    assert kills > 3 and set(authors(out)) == {step.key for step in three_models().steps}
    assert not list(out.glob("work/*/*")) and not list(out.rglob(".tmp-*"))
    survived("SIGKILL of a runner at a step, again and again", kills)


def started(out: Path, events: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        piescope_command("run", SMALL, "--out", out, "--workers", "1", "--events", events),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **SEEN},
    )  # fmt: skip


def finished_in(*events: Path) -> list[str]:
    """The keys of the steps that runs finished."""
    lines = [json.loads(line) for path in events for line in path.read_text().splitlines()]
    return [line["key"] for line in lines if line["event"] == "finished"]


@of_real_steps
def test_two_runs_of_one_folder_share_its_steps(small_run: Run, tmp_path: Path) -> None:
    out, events = tmp_path / "out", [tmp_path / "one.jsonl", tmp_path / "other.jsonl"]
    for process in [started(out, path) for path in events]:
        _, errors = process.communicate(timeout=HANG)
        assert process.returncode == 0, errors
    assert all(finished_in(path) for path in events)
    assert len(finished_in(*events)) == len(set(finished_in(*events))) == 25
    assert hashes(out) == hashes(small_run.out)


@of_real_steps
def test_one_of_two_runs_is_killed_and_the_other_ends_the_study(
    small_run: Run, tmp_path: Path, survived: Survived
) -> None:
    out, events = tmp_path / "out", [tmp_path / "one.jsonl", tmp_path / "other.jsonl"]
    killed, other = (started(out, path) for path in events)
    wait_until(lambda: events[0].exists() and '"train"' in events[0].read_text(), killed)
    killed.kill()
    killed.communicate(timeout=HANG)
    _, errors = other.communicate(timeout=HANG)
    assert other.returncode == 0, errors
    assert len(finished_in(*events)) == len(set(finished_in(*events))) == 25
    assert hashes(out) == hashes(small_run.out)
    survived("SIGKILL of one of two runs of a study", 1)
