"""Killed, interrupted, corrupted: the same command goes on, and the outcome is the same to the bit."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from conftest import (
    HANG,
    SEEN,
    SMALL,
    Run,
    hashes,
    hear_signals,
    piescope_command,
    run_piescope,
    run_program,
    wait_until,
)
from made_faults import Survived
from piescope.store.manifests import Manifest

pytestmark = pytest.mark.sampled(4, of_file=True)


def artefacts(out: Path) -> int:
    return sum(1 for _ in out.glob("artefacts/*/[!.]*/manifest.json"))


def checkpoints(out: Path) -> int:
    """Trainings under way that have one."""
    return sum(1 for _ in out.glob("checkpoints/*.safetensors"))


def images_behind(losses: Mapping[str, np.ndarray]) -> int:
    """Trained on in so many steps of each stage; the studies have batches of 50, and the encoder sees two views."""
    return sum(50 * len(each) * (2 if stage == "encoder" else 1) for stage, each in losses.items())


def images_in_checkpoints(out: Path) -> int:
    """Trained on already by trainings under way."""
    under_way = [
        path for path in out.glob("checkpoints/*.safetensors") if not list(out.glob(f"artefacts/*/{path.stem}"))
    ]
    tensors = [safetensors.numpy.load_file(path) for path in under_way]
    losses = [(name.partition("."), array) for each in tensors for name, array in each.items()]
    return sum(images_behind({stage: array}) for (part, _, stage), array in losses if part == "losses")


def images_left(out: Path, whole: Path) -> int:
    """Trained on by those trainings of a finished study that are not finished here."""
    histories = whole.glob("artefacts/*/*/history.safetensors")
    left = [path for path in histories if not (out / path.relative_to(whole)).exists()]
    return sum(images_behind(safetensors.numpy.load_file(path)) for path in left)


def start(study: Path, out: Path, workers: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        piescope_command("run", study, "--out", out, "--workers", str(workers), "--checkpoint-seconds", "0"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **SEEN, "PIESCOPE_TEST_RUN": str(out)},
        preexec_fn=hear_signals,
    )  # fmt: skip


def workers_in(out: Path) -> list[int]:
    """The run and its workers, found by a mark in the environment that they inherit."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if f"PIESCOPE_TEST_RUN={out}".encode() in environment:
            found.append(int(entry.name))
    return found


LONG = os.environ.get("PIESCOPE_FAULTS") == "long"
"""`make faults`: the tiny study with all kinds of steps, killed twice; otherwise a smaller one, killed once."""

of_real_steps = pytest.mark.skipif(
    not LONG, reason="`make faults` has it; tests/unit/study/executors/test_local.py has it of steps without torch"
)


def test_kill_9_in_the_middle_then_the_same_hashes(
    request: pytest.FixtureRequest, tmp_path: Path, survived: Survived
) -> None:
    whole: Run = request.getfixturevalue("tiny_run" if LONG else "small_run")  # made by one worker, this one by two
    out = tmp_path / "killed"
    kills = (3, 20) if LONG else (6,)
    for count in kills:
        process = start(whole.study, out, 2)
        wait_until(lambda count=count: artefacts(out) >= count and checkpoints(out), process)
        process.send_signal(signal.SIGKILL)  # the parent alone: its workers must not go on without it
        process.communicate(timeout=HANG)
        patience = time.monotonic() + HANG
        while workers_in(out):
            assert time.monotonic() < patience, "orphans"
            time.sleep(0.1)
    done_before, saved, events = artefacts(out), images_in_checkpoints(out), tmp_path / "events.jsonl"
    left = images_left(out, whole.out)
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("artefacts/*/[!.]*/manifest.json")}
    status = run_piescope("status", out)
    told = re.search(r"^next: piescope (.*)$", status.stdout, re.MULTILINE)
    assert told is not None
    early = run_piescope("report", out)  # what is complete can be read at once
    assert early.returncode == (0 if list(out.glob("artefacts/compare/*")) else 2)
    done = run_piescope(*shlex.split(told[1]), "--events", events)
    assert done.returncode == 0, done.stderr
    trained = sum(json.loads(line).get("images", 0) for line in events.read_text().splitlines())
    assert 0 < trained <= left - saved  # what stood in a checkpoint is not done again
    assert f"{done_before} done, {artefacts(whole.out) - done_before} to run" in done.stdout
    assert all(path.stat().st_mtime_ns == before for path, before in stamps.items())  # nothing done twice
    assert hashes(out) == hashes(whole.out)
    assert not list(out.rglob(".tmp-*"))
    survived("SIGKILL of a run in the middle of a training", len(kills))


@pytest.mark.parametrize(
    ("sent", "code", "word"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGHUP, 129, "its terminal was closed"),
    ],
)
def test_interrupted_by_a_signal(
    tmp_path: Path, sent: signal.Signals, code: int, word: str, survived: Survived
) -> None:
    out = tmp_path / "out"
    process = start(SMALL, out, 1)
    wait_until(lambda: artefacts(out) >= 1, process)
    process.send_signal(sent)
    _, errors = process.communicate(timeout=HANG)
    assert process.returncode == code
    assert errors == f"error: {word}; the same command goes on where it stopped\n"
    assert not list(out.rglob(".tmp-*"))
    assert not (out / "work").exists()
    assert "next: piescope run" in run_piescope("status", out).stdout
    survived("Ctrl-C, SIGTERM, SIGHUP", 1)


@pytest.mark.sampled(8, heavy=True)
def test_bytes_that_change_without_a_trace_are_made_again_when_the_report_reads_them(
    small_run: Run, tmp_path: Path, survived: Survived
) -> None:
    out = small_run.copy(tmp_path / "out")
    compared = sorted(out.glob("artefacts/compare/*/examples.parquet"))
    assert len(compared) > 1
    for path in compared:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        os.utime(path.with_name("manifest.json"))  # nothing was written after it, as far as anyone can tell
    (out / "report.html").unlink()  # else nothing is read: what was made of sound bytes is still right
    done = run_piescope("run", small_run.study, "--out", out, "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "0 to run" in done.stdout and all(str(path.parent) in done.stdout for path in compared)
    assert hashes(out).items() >= hashes(small_run.out).items()
    survived("bit rot that only a reader finds", len(compared))


@of_real_steps
def test_a_killed_worker_does_not_end_the_run(tmp_path: Path) -> None:
    least = tmp_path / "least.toml"
    least.write_text(LEAST)
    out = tmp_path / "out"
    process = start(least, out, 1)
    wait_until(lambda: artefacts(out) >= 1, process)
    wait_until(lambda: checkpoints(out) > 0, process)
    workers = [
        pid for pid in workers_in(out)
        if pid != process.pid and b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]  # fmt: skip
    assert workers
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    printed, errors = process.communicate(timeout=HANG)
    assert process.returncode == 0, errors
    assert "ran 7 steps" in printed
    assert run_piescope("run", least, "--out", tmp_path / "undisturbed", "--workers", "1").returncode == 0
    assert hashes(out) == hashes(tmp_path / "undisturbed")


LEAST = """
name = "least"
title = "least"
replicates = 1
sparsities = [0.5]
[data]
source = "digits"
train_examples = 200
test_examples = 100
normalisation = { mean = [0.3], std = [0.4] }
[model]
depth = 10
width = 1
[arms]
supervised = ["dense", "one_shot"]
[training.supervised]
epochs = 2
batch_size = 50
learning_rate = 0.1
[pruning.one_shot]
kind = "one_shot"
finetune = { epochs = 1, batch_size = 50, learning_rate = 0.01 }
"""


def test_one_failing_step_leaves_the_rest_alone_and_is_told(tmp_path: Path) -> None:
    """Fine-tuning at a learning rate of 1e20 diverges: its arm fails, the dense arm is reported."""
    study = tmp_path / "diverges.toml"
    study.write_text(LEAST.replace("learning_rate = 0.01", "learning_rate = 1e20"))
    out = tmp_path / "out"
    done = run_piescope("run", study, "--out", out, "--workers", "1")
    assert done.returncode == 1
    assert "supervised one_shot 0.5, seed 0" in done.stdout
    assert "lower the learning rate" in done.stdout
    assert "piescope status" in done.stderr
    told = run_piescope("status", out).stdout
    assert "failed: supervised one_shot 0.5, seed 0: DivergedError" in told
    assert "Traceback" in next((out / "logs").iterdir()).read_text()
    with (out / "results" / "tables" / "pies.csv").open() as file:
        assert [row["pruning"] for row in csv.DictReader(file)] == ["dense"]
    assert "This study is not complete." in (out / "report.html").read_text()
    study.write_text(LEAST)  # cured
    done = run_piescope("run", study, "--out", out, "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "4 done, 3 to run" in done.stdout
    assert "This study is not complete." not in (out / "report.html").read_text()


POISONED = """
import sys
from pathlib import Path
from types import SimpleNamespace

from piescope.study import steps
from piescope.training import stages

perform, entropy = steps.perform, stages.functional.cross_entropy

def poisoned(step, *given):
    calls = iter(range(10**6))
    def loss(*args):
        return entropy(*args) * (float("nan") if next(calls) == 2 else 1.0)
    stages.functional = SimpleNamespace(cross_entropy=loss if step.label == "supervised dense, seed 1" else entropy)
    return perform(step, *given)

steps.perform = poisoned  # in each worker, too, which loads this file again

if __name__ == "__main__":
    from piescope.study.execute import execute
    from piescope.study.executors.local import LocalExecutor
    from piescope.study.parse import load_study
    from piescope.study.scheduling import Observer
    out = Path(sys.argv[2])
    print([failed.step.label for failed in execute(load_study(sys.argv[1]), out, LocalExecutor(out, "cpu", 2), False, Observer()).failed])
"""


def test_a_replicate_whose_loss_is_no_number_leaves_those_beside_it_as_they_are(tmp_path: Path) -> None:
    """Models that are trained at the same time have nothing in common but the machine: a process each."""
    study, script, together, alone = (tmp_path / name for name in ("study.toml", "poisoned.py", "together", "alone"))
    study.write_text(LEAST.replace("replicates = 1", "replicates = 2"))
    script.write_text(POISONED)
    done = run_program([sys.executable, script, study, together])
    assert done.stdout == "['supervised dense, seed 1']\n", done.stderr
    assert "the loss is nan at step 3 of 8 (supervised, seed 1)" in run_piescope("status", together).stdout
    assert run_piescope("run", study, "--out", alone, "--workers", "1").returncode == 0
    ours, theirs = hashes(together / "artefacts" / "train"), hashes(alone / "artefacts" / "train")
    shared = [name for name in ours if name.endswith(".safetensors")]
    assert len(shared) == 2 and all(ours[name] == theirs[name] for name in shared)


def test_what_is_damaged_is_found_named_set_aside_and_made_again(
    small_run: Run, tmp_path: Path, survived: Survived
) -> None:
    """One file of every kind of step, in the middle of the file; of one step the manifest."""
    out = small_run.copy(tmp_path / "copy")
    compare = json.loads((out / "catalogue.json").read_text())["arms"][1]["compare"]
    damaged = [next(path for path in kind.glob(f"*/{DAMAGED[kind.name]}")) for kind in (out / "artefacts").iterdir()]
    damaged = [path for path in damaged if path.parts[-3] != "compare"]
    damaged += [out / "artefacts" / "compare" / compare / "examples.parquet"]
    labels = [json.loads((path.parent / "manifest.json").read_text())["label"] for path in damaged]
    for path in damaged:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    broken = run_piescope("report", out)
    assert broken.returncode == 1
    assert "SHA-256" in broken.stderr and f"piescope run {shlex.quote(str(out / 'study.toml'))}" in broken.stderr
    done = run_piescope("run", SMALL, "--out", out, "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert f"{25 - len(damaged)} done, {len(damaged)} to run" in done.stdout  # and nothing else
    (told,) = re.findall("^set aside .*", done.stdout, re.MULTILINE)
    assert all(label in told for label in labels)
    kept = out / "quarantine"
    assert sorted(path.name for path in kept.iterdir() if path.is_dir()) == sorted(
        f"{path.parts[-3]}-{path.parts[-2]}-1" for path in damaged
    )
    shutil.rmtree(kept)
    assert hashes(out) == hashes(small_run.out)
    survived("flipped bit in an artefact of each kind, then the same run", len(damaged))


DAMAGED = {
    "data": "images.safetensors", "train": "model.safetensors", "finetune": "manifest.json", "predict": "predictions.safetensors",
    "depth": "knn_labels.safetensors", "compare": "examples.parquet", "project": "projection.safetensors",
}  # fmt: skip


@pytest.mark.skipif(not LONG, reason="`make faults` has it; tests/unit/study/test_execute.py has it of made-up steps")
def test_a_deleted_model_leaves_no_child_that_does_not_fit(small_run: Run, tmp_path: Path) -> None:
    """Its new bits may be others, with another instruction set; one child read others than these on any processor."""
    out = small_run.copy(tmp_path / "copy")
    made = manifests(out)
    (model,) = [one for one in made.values() if (one.kind, one.label) == ("train", "supervised dense, seed 0")]
    children = {one.kind: one for one in made.values() if model.key in one.parents}
    assert children.keys() == {"predict", "depth", "finetune", "compare"}
    shutil.rmtree(out / "artefacts" / "train" / model.key)
    child = children["finetune"]
    forged = {**(child.parent_contents or {}), model.key: "0" * 64}
    path = out / "artefacts" / "finetune" / child.key / "manifest.json"
    path.write_bytes(child.model_copy(update={"parent_contents": forged}).as_bytes())
    done = run_piescope("run", SMALL, "--out", out, "--workers", "1", env={"ATEN_CPU_CAPABILITY": "default"})
    assert done.returncode == 0, done.stderr
    assert "24 done, 1 to run" in done.stdout
    assert f"{child.label}: made of an earlier result of {model.label}" in done.stdout
    now = manifests(out)
    assert now.keys() == made.keys()
    for one in now.values():
        assert one.parent_contents == {key: now[key].content for key in one.parents}, one.label


def manifests(out: Path) -> dict[str, Manifest]:
    """Of all finished steps, by key."""
    return {path.parent.name: Manifest.of(path.read_bytes()) for path in out.glob("artefacts/*/*/manifest.json")}


def test_damaged_results_are_written_again(small_run: Run, tmp_path: Path) -> None:
    out = small_run.copy(tmp_path / "copy")
    (out / "results" / "tables" / "pies.csv").write_text("forged")
    (out / "report.html").unlink()
    done = run_piescope("run", SMALL, "--out", out)
    assert "25 done, 0 to run" in done.stdout
    assert hashes(out) == hashes(small_run.out)


@of_real_steps
def test_only_the_step_that_kills_its_worker_is_blamed(tmp_path: Path) -> None:
    script = tmp_path / "blame.py"  # a file: spawned workers load it again, with what it changes
    script.write_text(BLAME)
    done = run_program([sys.executable, script, tmp_path / "out"])
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["failed"] == ["supervised dense, seed 1"]
    assert "use fewer --workers" in told["reason"]
    assert told["finished"] >= 3  # the data, the other model and its predictions


BLAME = f"""
import json, os, signal, sys, time
from pathlib import Path
import piescope.study.steps as steps

real = steps.perform

def perform(step, store, device, on_images, checkpoints):
    dying = Path(sys.argv[1]).with_name("dying")
    if step.label == "supervised dense, seed 1":
        dying.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    while step.label == "supervised dense, seed 0" and not dying.exists():
        time.sleep(0.05)  # under way when its neighbour dies
    return real(step, store, device, on_images, checkpoints)

steps.perform = perform

if __name__ == "__main__":
    from piescope.study.execute import execute
    from piescope.study.executors.local import LocalExecutor
    from piescope.study.parse import parse_study
    from piescope.study.scheduling import Observer
    text = {LEAST!r}.replace("replicates = 1", "replicates = 2")
    study = parse_study(text.replace('"dense", "one_shot"', '"dense"'))
    done, out = [], Path(sys.argv[1])
    class Done(Observer):
        def finished(self, step, seconds):
            done.append(step)
    outcome = execute(study, out, LocalExecutor(out, "cpu", 2), False, Done())
    told = [failed.step.label for failed in outcome.failed]
    print(json.dumps({{"failed": told, "reason": outcome.failed[0].reason, "finished": len(done)}}))
"""


def test_fresh_discards_and_starts_again(tmp_path: Path) -> None:
    study = tmp_path / "small.toml"
    study.write_text(LEAST)
    out = tmp_path / "out"
    assert run_piescope("run", study, "--out", out, "--workers", "1").returncode == 0
    before = hashes(out)
    (out / "my notes.txt").write_text("mine")
    done = run_piescope("run", study, "--out", out, "--workers", "1", "--fresh")
    assert "0 done, 7 to run" in done.stdout
    assert (out / "my notes.txt").read_text() == "mine"
    (out / "my notes.txt").unlink()
    assert hashes(out) == before  # the same seed twice: the same bytes
