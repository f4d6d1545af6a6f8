"""A run makes again what is damaged and what does not fit, until all of it fits."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import piescope.study.execute as executing
from made_stores import MADE, SMALL, MadeSteps, held, labelled, make_all, small_plan
from piescope.store import layout
from piescope.store.arithmetic import Arithmetic, ArithmeticRecord, record_in
from piescope.store.artefacts import Store
from piescope.store.failures import TRIES
from piescope.store.leases import Holder
from piescope.study.execute import Outcome, execute
from piescope.study.executors.protocol import Task
from piescope.study.fitting import Fitting, Unfit, fit_of
from piescope.study.forks import forks_of
from piescope.study.parse import load_study
from piescope.study.plan import Plan, Step
from piescope.study.scheduling import Failed, Observer
from piescope.study.spec import Study

PLAN = small_plan()
MODEL = labelled(PLAN, "supervised dense, seed 0")


class Heard(Observer):
    """A run of the small study whose steps are made up, and what it said."""

    def __init__(self, out: Path, bits: str = "", study: Study | None = None) -> None:
        self.ran: list[str] = []
        self.aside: list[str] = []
        self.given_up: list[str] = []
        made = MadeSteps(out, lambda step: bits if step == MODEL else "")
        self.outcome = execute(study or load_study(str(SMALL)), out, made, False, self)

    def finished(self, step: Step, seconds: float) -> None:
        self.ran.append(step.label)

    def failed(self, failure: Failed) -> None:
        self.given_up.append(failure.step.label)

    def unfit(self, unfit: list[Unfit]) -> None:
        self.aside += [found.step.label for found in unfit]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    assert Heard(tmp_path / "out").outcome == Outcome(0, len(PLAN.steps), 0, [], 0)
    return tmp_path / "out"


def test_a_deleted_model_that_comes_out_as_it_was_is_all_that_is_made(out: Path) -> None:
    before = held(out)
    shutil.rmtree(layout.artefact(out, MODEL.kind, MODEL.key))
    again = Heard(out)
    assert again.ran == [MODEL.label] and again.aside == []
    assert held(out) == before


def test_more_replicates_of_one_arm_and_of_all_leave_what_is_there_as_it_was(out: Path) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in layout.artefacts(out).rglob("*") if path.is_file()}
    before, study = held(out), load_study(str(SMALL))
    one, all_arms = (
        Heard(out, study=study.model_copy(update=wanted))
        for wanted in ({"replicates_of": {"supcon dense": 4}}, {"replicates": 3})
    )
    dense = [f"supcon dense, seed {seed}" for seed in (2, 3)]
    compared = ["supcon dense: compare with dense", "supcon gmp 0.5: compare with dense"]
    assert sorted(one.ran) == sorted([*dense, *(f"{label}: predict" for label in dense), *compared])
    trained = [label for label in all_arms.ran if label.endswith("seed 2")]
    assert sorted(trained) == ["supcon gmp 0.5, seed 2", "supervised dense, seed 2", "supervised one_shot 0.5, seed 2"]
    assert one.aside == all_arms.aside == []
    assert stamps and before.items() <= held(out).items()
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps


def test_a_deleted_model_that_comes_out_otherwise_has_all_that_hangs_on_it_made_again(
    out: Path, tmp_path: Path
) -> None:
    shutil.rmtree(layout.artefact(out, MODEL.kind, MODEL.key))
    catalogue = layout.catalogue(out).read_bytes()
    again = Heard(out, bits="of another processor")
    hanging = {MODEL.ref}
    for step in PLAN.steps:
        hanging |= {step.ref} if not hanging.isdisjoint(step.parent_refs()) else set()
    expected = sorted(step.label for step in PLAN.steps if step.ref in hanging)
    assert sorted(again.ran) == expected and len(expected) == 8  # each once
    assert sorted([MODEL.label, *again.aside]) == expected
    assert again.outcome == Outcome(len(PLAN.steps) - 1, 8, 0, [], 0)
    whole = tmp_path / "from the start"
    Heard(whole, bits="of another processor")
    assert held(out) == held(whole)
    assert layout.catalogue(out).read_bytes() == layout.catalogue(whole).read_bytes() != catalogue


def test_forks_that_no_training_needs_go_at_the_end(out: Path) -> None:
    pruned = labelled(PLAN, "supcon gmp 0.5, seed 1")
    own, others = (
        layout.fork(out, fork.key)
        for label in (pruned.label, "supcon dense, seed 0")
        for fork in forks_of(labelled(PLAN, label))
    )
    own.parent.mkdir()
    for path in (own, others):
        path.write_text("begun")
    shutil.rmtree(layout.artefact(out, pruned.kind, pruned.key))

    class Stops(MadeSteps):
        def submit(self, task: Task) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(load_study(str(SMALL)), out, Stops(out), False, Observer())
    assert own.exists() and not others.exists()
    layout.checkpoints(out).mkdir()
    Heard(out)
    assert not own.parent.exists() and not layout.checkpoints(out).exists()


def test_a_parent_that_turns_out_to_be_damaged_is_made_again_in_the_same_run(out: Path) -> None:
    """No look shows it: its stamps are those of a sound file. Its child's read does."""
    before = held(out)
    child = labelled(PLAN, "supervised dense, seed 0: predict")
    shutil.rmtree(layout.artefact(out, child.kind, child.key))
    folder = layout.artefact(out, MODEL.kind, MODEL.key)
    (folder / MADE).write_bytes((folder / MADE).read_bytes().replace(b"seed 0", b"seed 7"))
    (folder / layout.MANIFEST).touch()
    again = Heard(out)
    assert again.given_up == [child.label] and again.aside == [MODEL.label]
    assert sorted(again.ran) == [MODEL.label, child.label]
    assert again.outcome.failed == [] and held(out) == before
    assert not list(layout.failures(out).iterdir())


def test_a_step_that_is_damaged_whenever_it_is_made_ends_as_failed(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = layout.artefact(out, MODEL.kind, MODEL.key)
    shutil.rmtree(folder)
    real = executing.settle

    def on_a_bad_disk(plan: Plan, store: Store, leases: Holder, said: Callable[[str], None]) -> Fitting:
        if folder.is_dir():
            (folder / MADE).write_bytes(b"x")
        return real(plan, store, leases, said)

    monkeypatch.setattr(executing, "settle", on_a_bad_disk)
    again = Heard(out)
    (failure,) = again.outcome.failed
    assert again.given_up == [MODEL.label]
    assert failure.step == MODEL and failure.reason.endswith("look at the disk")
    assert len(list(layout.quarantine(out).glob("*.txt"))) == TRIES + 1


def test_what_lies_in_the_place_of_a_step_is_moved_out_of_the_way(out: Path) -> None:
    before = held(out)
    folder = layout.artefact(out, MODEL.kind, MODEL.key)
    (folder / layout.MANIFEST).unlink()
    (folder / "notes.txt").write_text("mine")
    assert Heard(out).ran == [MODEL.label]
    assert held(out) == before
    assert [path.read_text() for path in layout.quarantine(out).glob("*/notes.txt")] == ["mine"]
    assert not fit_of(PLAN, Store(out)).unfit


def test_make_all_is_what_a_run_makes(out: Path, tmp_path: Path) -> None:
    make_all(PLAN, tmp_path / "made")
    assert held(tmp_path / "made") == held(out)


def test_how_networks_compute_is_settled_when_a_folder_begins_and_stays(out: Path) -> None:
    study, chosen = load_study(str(SMALL)), ArithmeticRecord(arithmetic=Arithmetic(compiled=True), why="so", day="1")
    new = out.parent / "new"
    for place, wanted, expected in (
        (new, chosen, chosen),
        (new, None, chosen),
        (new, chosen.model_copy(update={"arithmetic": Arithmetic()}), chosen),
        (out, chosen, None),  # its trainings are finished
    ):
        execute(study, place, MadeSteps(place, lambda step: ""), False, Observer(), chosen=wanted)
        assert record_in(place) == expected
    execute(study, new, MadeSteps(new, lambda step: ""), True, Observer())
    assert record_in(new) is None
