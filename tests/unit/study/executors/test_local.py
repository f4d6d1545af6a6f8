"""What becomes of steps whose worker dies, with steps that do nothing else; tests/faults has the same of trainings."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import hear_ctrl_c, run_program

SCRIPT = """
import json, os, signal, sys, time, types
from pathlib import Path

folder, dies, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def perform(step, store, device, on_images, checkpoints):
    deaths = folder / "deaths"
    before = len(deaths.read_text()) if deaths.exists() else 0
    if step.label == dies and before < times:
        deaths.write_text("x" * (before + 1))
        os.kill(os.getpid(), signal.SIGKILL)
    while step.label == "supervised dense, seed 0" and not deaths.exists():
        time.sleep(0.02)  # under way when its neighbour dies
    if step.label == "supervised dense, seed 2":
        raise ValueError("not my day")
    on_images(5)

# a file of its own: spawned workers load it again, and with it steps that need no torch
stand_in = types.ModuleType("piescope.study.steps")
stand_in.perform, stand_in.set_up_worker = perform, lambda device: None
sys.modules["piescope.study.steps"] = stand_in
sys.modules["piescope.training.checkpoints"] = types.ModuleType("piescope.training.checkpoints")
sys.modules["piescope.training.checkpoints"].When = lambda seconds, is_asked: (seconds, is_asked)

if __name__ == "__main__":
    from piescope.study.executors.local import Observer, run_steps
    from piescope.study.parse import load_study
    from piescope.study.plan import make_plan
    digits = load_study("digits")
    study = digits.model_copy(update={"replicates": 3, "arms": {"supervised": ("dense",)}, "sparsities": ()})
    steps = [step for step in make_plan(study).steps if step.kind in ("data", "train", "predict")]
    images, done = [], []
    observer = Observer(lambda step: None, images.append, lambda step, _: done.append(step), lambda failed: None, lambda: None)
    failed = run_steps(steps, [], folder, 2, "cpu", observer)
    print(json.dumps({
        "steps": len(steps), "failed": {each.step.label: each.reason for each in failed},
        "done": [step.kind for step in done], "images": sum(images),
    }))
"""


def outcome(folder: Path, dies: str, times: int) -> dict[str, Any]:
    script = folder / "steps.py"
    script.write_text(SCRIPT)
    done = run_program([sys.executable, script, folder, dies, str(times)])
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_step_whose_worker_dies_is_blamed_after_three_times_and_its_neighbour_never(
    tmp_path: Path, times: int
) -> None:
    told = outcome(tmp_path, "supervised dense, seed 1", times)
    assert told["steps"] == 7  # the data, three models and their predictions
    assert told["failed"].pop("supervised dense, seed 2") == "ValueError: not my day"
    if times == 3:
        assert "died 3 times" in told["failed"]["supervised dense, seed 1"]
        assert "use fewer --workers" in told["failed"].pop("supervised dense, seed 1")
    assert told["failed"] == {}
    assert len(told["done"]) == 5 - 2 * (times == 3)  # nothing that hangs on a step that failed
    assert told["images"] <= 5 * len(told["done"])


INTERRUPTED = """
import os, signal, sys, time, types
from pathlib import Path

folder, heeds = Path(sys.argv[1]), sys.argv[2] == "heeds"

def perform(step, store, device, on_images, checkpoints):
    seconds, is_asked = checkpoints
    assert seconds == 7.0
    on_images(5)
    while not is_asked():
        time.sleep(0.25)
        on_images(5)
    if not heeds:
        os.kill(os.getppid(), signal.SIGINT)  # Ctrl-C again
        time.sleep(3600)
    (folder / step.kind).touch()

stand_in = types.ModuleType("piescope.study.steps")
stand_in.perform, stand_in.set_up_worker = perform, lambda device: None
sys.modules["piescope.study.steps"] = stand_in
sys.modules["piescope.training.checkpoints"] = types.ModuleType("piescope.training.checkpoints")
sys.modules["piescope.training.checkpoints"].When = lambda seconds, is_asked: (seconds, is_asked)

if __name__ == "__main__":
    from piescope.study.executors import local
    from piescope.study.parse import load_study
    from piescope.study.plan import make_plan

    local.STOPPING = 3600.0
    train = next(step for step in make_plan(load_study("digits")).steps if step.kind == "train")

    def heard(images):
        raise KeyboardInterrupt

    nothing = lambda *_: None
    try:
        observer = local.Observer(nothing, heard, nothing, nothing, nothing)
        local.run_steps([train], train.parent_refs(), folder, 1, "cpu", observer, 7.0)
    except KeyboardInterrupt:
        print("stopped")
"""


@pytest.mark.parametrize("worker", ["heeds", "hangs"])
def test_trainings_are_asked_to_stop_and_a_second_interrupt_does_not_wait_for_them(tmp_path: Path, worker: str) -> None:
    script = tmp_path / "steps.py"
    script.write_text(INTERRUPTED)
    done = run_program([sys.executable, script, tmp_path, worker], preexec_fn=hear_ctrl_c)
    assert (done.returncode, done.stdout) == (0, "stopped\n"), done.stderr
    assert (tmp_path / "train").exists() == (worker == "heeds")
