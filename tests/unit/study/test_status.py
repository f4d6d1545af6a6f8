"""What `status` takes for under way: leases of runners that may live, while any runner holds the folder; and for done: what fits."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

import piescope.store.soundness as soundness
import piescope.study.plan as planning
from made_executors import FIRST, SECOND, FakeExecutor, Heard, lost, scheduled, three_models
from made_stores import MADE, SMALL, labelled, make, make_all, small_plan
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.durable import folder_lock, write_file
from piescope.store.failures import record
from piescope.store.layout import study as study_file
from piescope.store.leases import OWNER, Lease, take
from piescope.study.folder import write_study
from piescope.study.parse import load_study, study_toml
from piescope.study.status import CHANGED, status

STEPS = {step.label: step for step in three_models().steps}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    digits = load_study("digits")
    study = digits.model_copy(update={"replicates": 3, "arms": {"supervised": ("dense",)}, "sparsities": ()})
    measures = digits.measures.model_copy(update={"prediction_depth": None, "projection": None})
    write_file(study_file(tmp_path), study_toml(study.model_copy(update={"measures": measures})).encode())
    return tmp_path


def states(out: Path) -> dict[str, str]:
    return {item.step.label: item.state for item in status(out)[1]}


def leased(out: Path, label: str) -> Lease:
    lease = take(out, STEPS[label].key, label)
    assert lease is not None
    return lease


def test_steps_are_under_way_while_their_runner_holds_the_folder(out: Path) -> None:
    leased(out, FIRST)
    assert set(states(out).values()) == {"waiting"}  # nobody holds it: what a killed run left
    with folder_lock(out) as lock:
        assert lock is not None and lock.share()
        assert {label for label, state in states(out).items() if state == "running"} == {FIRST}


def test_a_runner_that_is_gone_is_at_nothing(out: Path) -> None:
    lease = leased(out, FIRST)
    owner = lease.owner()
    assert owner is not None
    (lease.folder / OWNER).write_bytes(owner.model_copy(update={"process": 2**22 + 1}).as_bytes())
    leased(out, SECOND)
    with folder_lock(out) as lock:
        assert lock is not None and lock.share()
        assert {label for label, state in states(out).items() if state == "running"} == {SECOND}


def test_steps_that_failed_say_why_and_what_hangs_on_them_waits(out: Path) -> None:
    executor = FakeExecutor(out)
    executor.script(FIRST, *[lambda task: lost(task.step.key)] * 3)
    scheduled(out, executor, Heard())
    told = {item.step.label: (item.state, item.reason) for item in status(out)[1]}
    assert told[FIRST] == ("failed", "its worker died")
    assert told[f"{FIRST}: predict"] == ("waiting", "a step that it hangs on failed")
    assert told[SECOND][0] == "done"


PLAN = small_plan()
DENSE = labelled(PLAN, "supervised dense, seed 0")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    write_study(load_study(str(SMALL)), tmp_path)
    make_all(PLAN, tmp_path)
    return tmp_path


def counts(made: Path) -> Counter[str]:
    return Counter(step.state for step in status(made)[1])


def test_each_step_costs_a_key_and_a_manifest_and_no_file_is_read(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 20,000 steps that is all there is time for: benchmarks/stores.py."""
    work: Counter[str] = Counter()
    read, key = soundness.read_record, planning.content_key

    def counted_read(path: Path) -> bytes:
        work[path.name] += 1
        return read(path)

    def counted_key(value: object) -> str:
        work["key"] += 1
        return key(value)

    def hashes(path: Path) -> str:
        raise AssertionError(f"{path} was hashed")

    monkeypatch.setattr(soundness, "read_record", counted_read)
    monkeypatch.setattr(planning, "content_key", counted_key)
    monkeypatch.setattr(soundness, "sha256_of", hashes)
    assert counts(made) == {"done": len(PLAN.steps)}
    assert work["manifest.json"] == len(PLAN.steps) and work["key"] <= len(PLAN.steps) + len(PLAN.arms)
    assert set(work) == {"manifest.json", "key"}


def test_a_step_that_does_not_fit_waits_and_says_why(made: Path) -> None:
    shutil.rmtree(layout.artefact(made, DENSE.kind, DENSE.key))
    make(DENSE, Store(made), "other bits")
    compare = next(step for step in PLAN.steps if step.label == "supcon dense: compare with dense")
    (layout.artefact(made, "compare", compare.key) / MADE).unlink()
    waiting = {item.step.label: item.reason for item in status(made)[1] if item.state == "waiting"}
    assert waiting[compare.label] == f"{MADE}: it is not there"
    del waiting[compare.label]
    assert len(waiting) == 4 and set(waiting.values()) == {f"made of an earlier result of {DENSE.label}"}


def test_a_copy_without_its_time_stamps_is_done_and_said_to_be_changed(made: Path) -> None:
    file = layout.artefact(made, DENSE.kind, DENSE.key) / MADE
    file.write_bytes(file.read_bytes())
    assert [item.step for item in status(made)[1] if item.reason == CHANGED] == [DENSE]
    assert counts(made) == {"done": len(PLAN.steps)}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"reason": 3}', b"[" * 10**5, None])
def test_a_damaged_record_of_a_failure_is_named(made: Path, content: bytes | None) -> None:
    shutil.rmtree(layout.artefact(made, DENSE.kind, DENSE.key))
    record(made, DENSE.key, DENSE.label, "it diverged", "trace", may_pass=False)
    path = layout.failure(made, DENSE.key)
    if content is None:
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(content)
    (failed,) = [item for item in status(made)[1] if item.state == "failed"]
    assert failed.reason.startswith(f"{path} is damaged: ") and failed.reason.endswith("the next run tries it again")
