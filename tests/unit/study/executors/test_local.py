"""What becomes of steps whose worker dies, with steps that do nothing else; tests/faults has the same of trainings."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import run_program

SCRIPT = """
import json, os, signal, sys, time, types
from pathlib import Path

folder, dies, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def perform(step, store, device, on_images):
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
