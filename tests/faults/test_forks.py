"""Trainings that begin where others have been are to the bit what each of them is alone, whatever becomes of the forks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import tomli_w
from safetensors import safe_open

from conftest import HANG, SEEN, TINY, Run, hashes, piescope_command, run_piescope, wait_until
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.checkpoints import Origin, write_checkpoint
from piescope.study import steps
from piescope.study.forks import forks_of
from piescope.study.parse import load_study
from piescope.study.plan import Step, make_plan

pytestmark = pytest.mark.sampled(3, of_file=True)


def alone(wanted: Iterable[Step], out: Path) -> dict[str, dict[str, str]]:
    """What each training makes that does all its steps; the hashes of its files, by its label."""
    made = {}
    for step in wanted:
        store = Store(out)
        folder = steps.perform(replace(step, forks=()), store, "cpu", lambda _: None).folder
        made[step.label] = hashes(folder)
    assert not layout.forks(out).exists()
    return made


def test_the_golden_study_is_what_its_trainings_make_alone(tiny_run: Run, tmp_path: Path) -> None:
    plan = make_plan(load_study(str(TINY)))
    wanted = [plan.data, *(step for step in plan.steps if step.kind == "train" and step.label.endswith("seed 0"))]
    assert sum(step.taken_over > 0 for step in wanted) == 6
    shared = {step.label: hashes(layout.artefact(tiny_run.out, step.kind, step.key)) for step in wanted}
    assert shared == alone(wanted, tmp_path)
    assert not layout.forks(tiny_run.out).exists() and not layout.logs(tiny_run.out).exists()


def contrastive(folder: Path) -> Path:
    """The part of the golden study in which trainings part twice."""
    content = tomllib.loads(TINY.read_text())
    content |= {"arms": {"supcon": ["dense", "gmp", "delayed_gmp"]}, "measures": {}}
    (folder / "study.toml").write_text(tomli_w.dumps(content))
    return folder / "study.toml"


def damage(fork: Path) -> None:
    fork.write_bytes(fork.read_bytes()[:-1] + b"\0\0")


def make_elsewhere(fork: Path) -> None:
    """As another processor leaves it: whole, and with other bits, which nothing may take up."""
    with safe_open(fork, "np") as file:
        said, arrays = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    origin = Origin.model_validate_json(said["origin"])
    other = origin.model_copy(update={"environment": {**origin.environment, "processor": "another"}})
    changed = {name: 2 * array if array.dtype == "float32" else array for name, array in arrays.items()}
    write_checkpoint(fork, other, said["stage"], changed)


@pytest.mark.sampled(8, heavy=True)
def test_forks_that_others_spoil_and_kills_change_no_bit(tmp_path: Path) -> None:
    study, out = contrastive(tmp_path), tmp_path / "out"
    plan = make_plan(load_study(str(study)))
    trainings = {step.label: step for step in plan.steps if step.kind == "train"}
    dense = [trainings[f"supcon dense, seed {seed}"] for seed in (0, 1)]
    (first, _), (second, _) = ([layout.fork(out, fork.key) for fork in forks_of(step)] for step in dense)
    command = piescope_command("run", study, "--out", out, "--workers", "2", "--checkpoint-seconds", "0")
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **SEEN}
    )
    wait_until(lambda: all(Store(out).has(step.kind, step.key) for step in dense), process)  # else they leave new ones
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=HANG)
    late = [step for label, step in trainings.items() if "delayed" in label]
    for step in late:  # had they begun, on however slow a machine: they are to begin now
        shutil.rmtree(layout.artefact(out, step.kind, step.key), ignore_errors=True)
        layout.checkpoint(out, step.key).unlink(missing_ok=True)
    damage(first)
    make_elsewhere(second)
    done = run_piescope("run", study, "--out", out, "--workers", "2")
    assert done.returncode == 0, done.stderr
    shared = {label: hashes(layout.artefact(out, step.kind, step.key)) for label, step in trainings.items()}
    assert {plan.data.label: hashes(layout.artefact(out, "data", plan.data.key)), **shared} == alone(
        [plan.data, *trainings.values()], tmp_path / "alone"
    )
    assert not layout.forks(out).exists()
