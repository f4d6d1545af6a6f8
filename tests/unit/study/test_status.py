"""What `status` takes for under way: leases of runners that may live, while any runner holds the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_executors import FIRST, SECOND, FakeExecutor, Heard, lost, scheduled, three_models
from piescope.store.durable import folder_lock, write_file
from piescope.store.layout import study as study_file
from piescope.store.leases import OWNER, Lease, take
from piescope.study.parse import load_study, study_toml
from piescope.study.status import status

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
