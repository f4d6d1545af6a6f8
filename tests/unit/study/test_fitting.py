"""Children of what is made again with other bits do not fit; of what is made again as it was, they do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import piescope.study.fitting as fitting
from made_stores import MADE, labelled, make, make_all, small_plan
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.leases import Holder, lease_of, take
from piescope.store.quarantine import set_aside
from piescope.study.catalogue import catalogue_of
from piescope.study.fitting import Fitting, fit_of
from piescope.study.fitting import settle as settle_with
from piescope.study.plan import Plan, Step

MODEL = "supervised dense, seed 0"
CHILDREN = [
    "supervised dense, seed 0: predict", "supervised dense, seed 0: prediction depth", "supervised dense: compare with dense",
    "supervised one_shot 0.5, seed 0",
]  # fmt: skip
"""What reads that model."""

OTHERS = {
    "supervised one_shot 0.5, seed 0: predict", "supervised one_shot 0.5, seed 0: prediction depth",
    "supervised one_shot 0.5: compare with dense",
}  # fmt: skip
"""What reads them in turn."""


def settle(plan: Plan, store: Store, said: Callable[[str], None] = str) -> Fitting:
    with Holder(store.out) as leases:
        return settle_with(plan, store, leases, said)


def labels(fit: Fitting) -> list[str]:
    return [unfit.step.label for unfit in fit.unfit]


def folder(step: Step, out: Path) -> Path:
    return layout.artefact(out, step.kind, step.key)


@pytest.fixture
def plan() -> Plan:
    return small_plan()


def test_what_is_finished_and_untouched_fits(plan: Plan, tmp_path: Path) -> None:
    fit = settle(plan, make_all(plan, tmp_path))
    assert not fit.unfit and not fit.left(plan) and not fit.changed
    assert fit.settled == {step.ref for step in plan.steps}
    assert not layout.quarantine(tmp_path).exists()


def test_children_of_a_deleted_parent_wait_for_it_and_fit_if_it_is_made_again_as_it_was(
    plan: Plan, tmp_path: Path
) -> None:
    store, model = make_all(plan, tmp_path), labelled(plan, MODEL)
    shutil.rmtree(folder(model, tmp_path))
    fit = settle(plan, store)
    assert fit.left(plan) == [model] and not fit.unfit
    assert all(labelled(plan, label).ref not in fit.settled for label in (*CHILDREN, *OTHERS))
    make(model, store)
    assert fit_of(plan, store).settled == {step.ref for step in plan.steps}


def test_children_of_a_parent_with_other_bits_do_not_fit(plan: Plan, tmp_path: Path) -> None:
    store, model = make_all(plan, tmp_path), labelled(plan, MODEL)
    shutil.rmtree(folder(model, tmp_path))
    make(model, store, "of another processor")
    fit = fit_of(plan, store)
    assert sorted(labels(fit)) == sorted(CHILDREN)
    assert all(unfit.why == f"made of an earlier result of {MODEL}" for unfit in fit.unfit)
    assert {step.label for step in plan.steps if step.ref in fit.stale} == {*CHILDREN, *OTHERS}
    missing = {(arm.objective, arm.pruning) for arm in catalogue_of(plan, store).missing}
    assert missing == {("supervised", "dense"), ("supervised", "one_shot")}  # nothing stale is reported
    settle(plan, store)
    assert sorted(step.label for step in fit_of(plan, store).left(plan)) == sorted(CHILDREN)
    aside = layout.quarantine(tmp_path)
    assert sum(path.is_dir() for path in aside.iterdir()) == len(CHILDREN)
    assert all(MODEL in path.read_text() for path in aside.glob("*.txt"))
    for label in sorted(CHILDREN, key=lambda label: "compare" in label):
        make(labelled(plan, label), store)
    assert set(labels(fit_of(plan, store))) == OTHERS  # what those gave is other, too


def test_children_of_before_parents_were_recorded_are_accepted_until_a_parent_is_made_again(
    plan: Plan, tmp_path: Path
) -> None:
    store, model = make_all(plan, tmp_path, remembers=False), labelled(plan, MODEL)
    assert not fit_of(plan, store).unfit
    shutil.rmtree(folder(model, tmp_path))
    make(model, store)
    assert sorted(labels(fit_of(plan, store))) == sorted(CHILDREN)


def test_a_changed_file_is_hashed_once_and_set_aside_if_it_is_damaged(plan: Plan, tmp_path: Path) -> None:
    store, model = make_all(plan, tmp_path), labelled(plan, MODEL)
    file = folder(model, tmp_path) / MADE
    content = file.read_bytes()
    file.write_bytes(content)  # as a copy does
    assert fit_of(plan, store).changed == [model]
    lines: list[str] = []
    assert not settle(plan, store, lines.append).unfit
    assert not settle(plan, store, lines.append).changed and lines == [fitting.HASHING]
    file.write_bytes(content[:-2] + b"!\n")
    assert not fit_of(plan, store).unfit
    (unfit,) = settle(plan, store).unfit
    assert unfit.step == model and unfit.damaged and unfit.why.startswith(f"{MADE} has SHA-256")
    make(model, store)
    assert fit_of(plan, store).settled == {step.ref for step in plan.steps}


def test_a_moved_store_fits(plan: Plan, tmp_path: Path) -> None:
    make_all(plan, tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    assert not settle(plan, Store(tmp_path / "there")).left(plan)


def test_what_another_runner_is_at_is_left_to_it(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the lease of a damaged step: this one sets nothing aside, and looks again until the other has."""
    store, model = make_all(plan, tmp_path), labelled(plan, MODEL)
    (folder(model, tmp_path) / MADE).unlink()
    lease = take(tmp_path, model.key, model.label)
    assert lease is not None
    looks: list[float] = []

    def meanwhile(seconds: float) -> None:
        looks.append(seconds)
        set_aside(tmp_path, model.kind, model.key, "the other did")
        make(model, store)
        lease.end()

    monkeypatch.setattr(fitting.time, "sleep", meanwhile)
    fit = settle(plan, store)
    assert len(looks) == 1 and not fit.unfit and fit.settled == {step.ref for step in plan.steps}
    assert len(list(layout.quarantine(tmp_path).glob("*.txt"))) == 1
    assert lease_of(tmp_path, model.key) is None


def test_what_was_made_again_since_it_was_looked_at_stays(plan: Plan, tmp_path: Path) -> None:
    store, model = make_all(plan, tmp_path), labelled(plan, MODEL)
    (folder(model, tmp_path) / MADE).unlink()
    (unfit,) = fit_of(plan, store).unfit
    shutil.rmtree(folder(model, tmp_path))
    make(model, store)
    with Holder(tmp_path) as leases:
        assert not fitting._set_aside(unfit, store, leases)
    assert store.has(model.kind, model.key) and not layout.quarantine(tmp_path).exists()
