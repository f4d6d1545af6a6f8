"""Which trainings part where, and which of those places nobody needs any more; tests/unit/study/test_resuming.py begins there."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_stores import make
from made_studies import changed
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.study.forks import forks_of, unneeded_forks
from piescope.study.parse import load_study, parse_study
from piescope.study.plan import Step, make_plan


def steps_of(study: str) -> dict[str, Step]:
    return {step.label: step for step in make_plan(parse_study(study)).steps}


DIGITS = steps_of(changed("title", "Digits"))


def keys(label: str, steps: dict[str, Step] = DIGITS) -> list[str]:
    return [fork.key for fork in forks_of(steps[label])]


def test_trainings_of_a_seed_and_objective_share_their_forks_and_others_none() -> None:
    late, early = keys("supcon dense, seed 0")
    for sparsity in ("0.5", "0.9", "0.95"):
        assert keys(f"supcon delayed_gmp {sparsity}, seed 0") == [late, early]
        assert keys(f"supcon gmp {sparsity}, seed 0") == [early]
    (supervised,) = keys("supervised gmp 0.9, seed 0")
    assert keys("supervised dense, seed 0") == [supervised]
    assert len({late, early, supervised, *keys("supcon dense, seed 1"), *keys("supervised dense, seed 1")}) == 6
    for label in ("supcon fresh_dense, seed 5", "supcon one_shot 0.5, seed 0", "supcon dense, seed 0: predict"):
        assert keys(label) == []


@pytest.mark.parametrize(
    ("path", "value", "same"),
    [
        ("title", "Another", 2),
        ("pruning.delayed_gmp.encoder.end", 90, 2),
        ("pruning.delayed_gmp.encoder.frequency", 4, 1),
        ("pruning.gmp.encoder.begin", 6, 1),
        ("training.supcon.head.epochs", 9, 0),
        ("training.supcon.encoder.learning_rate", 0.2, 0),
        ("data.train_examples", 900, 0),
        ("model.width", 2, 0),
        ("seed", 1, 0),
    ],
)
def test_what_could_change_a_step_makes_another_fork(path: str, value: object, same: int) -> None:
    label = "supcon delayed_gmp 0.9, seed 0"
    assert len({*keys(label), *keys(label, steps_of(changed(path, value)))}) == 4 - same


def test_a_fork_is_needed_until_every_training_that_could_begin_there_is_done(tmp_path: Path) -> None:
    plan, store = make_plan(load_study("digits")), Store(tmp_path)
    assert unneeded_forks(plan, store) == []
    late, early = (layout.fork(tmp_path, key) for key in keys("supcon dense, seed 0"))
    theirs = layout.fork(tmp_path, "0" * 32)
    layout.forks(tmp_path).mkdir()
    for path in (late, early, theirs):
        path.touch()
    gone: list[tuple[str, list[Path]]] = []
    for step in plan.steps:
        if step.kind == "data" or (step.forks and step.label.endswith("seed 0")):
            make(step, store)
            gone.append((step.label, unneeded_forks(plan, store)))
    by_then = {label: set(paths) for label, paths in gone}
    assert by_then["supcon gmp 0.95, seed 0"] == set()
    assert by_then["supcon delayed_gmp 0.9, seed 0"] == set()
    assert by_then["supcon delayed_gmp 0.95, seed 0"] == {late, early}
