"""An objective with Q-Score and the one beside it, without, differ in that alone."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import tomli_w

from made_studies import with_changes
from piescope.problems import Problem, StudyError
from piescope.study.parse import builtin_studies, parse_study, study_toml

BOTH = tomllib.loads(study_toml(parse_study(builtin_studies()["digits-q-score"])))


def told(*changes: tuple[str, Any]) -> list[Problem]:
    """The faults of digits-q-score with keys set, or removed: ...; the cure of each is tried by whoever asks."""
    try:
        parse_study(tomli_w.dumps(with_changes(BOTH, *changes)))
    except StudyError as error:
        return error.problems
    return []


def test_what_ships_is_compared_with_itself_without() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("change", "where", "found", "expected"),
    [
        ("training.supervised_q.learning_rate", "training.supervised_q.learning_rate", "0.2", "0.1"),
        ("training.supcon_q.temperature", "training.supcon_q.temperature", "0.2", "0.1"),
        ("training.supcon_q.head.learning_rate", "training.supcon_q.head.learning_rate", "0.2", "1.0"),
        ("training.supcon_q.base_temperature", "training.supcon_q.base_temperature", "0.2", "nothing"),
        ("training.supcon.base_temperature", "training.supcon_q.base_temperature", "nothing", "0.2"),
        ("training.supcon_q.encoder.weight_decay", "training.supcon_q.encoder.weight_decay", "0.2", "0.0005"),
    ],
)
def test_nothing_else_differs(change: str, where: str, found: str, expected: str) -> None:
    (problem,) = told((change, 0.2))
    assert (problem.where, problem.found) == (where, found)
    assert problem.expected.startswith(f"{expected}, as training.")
    partner = change.replace("_q", "") if "_q" in change else change.replace("supcon", "supcon_q")
    assert told((change, 0.2), (partner, 0.2)) == []  # the cure: the same in both


def test_another_kind_of_schedule_is_one_fault() -> None:
    (problem,) = told(("training.supervised_q.schedule", {"kind": "constant"}))
    assert (problem.where, problem.found) == ("training.supervised_q.schedule.kind", '"constant"')


def test_an_objective_with_q_score_has_it() -> None:
    without = ("training.supervised_q.q_score", ...), ("training.supcon_q.encoder.q_score", ...)
    assert [(problem.where, problem.cure) for problem in told(*without)] == [
        ("training.supervised_q", "add q_score = { weight = 0.1 } to [training.supervised_q], or call it supervised"),
        ("training.supcon_q", "add q_score = { weight = 0.1 } to [training.supcon_q.encoder], or call it supcon"),
    ]


def test_the_one_beside_it_has_none() -> None:
    term = {"weight": 0.1}
    both = told(("training.supervised.q_score", term), ("training.supcon.encoder.q_score", term))
    assert [problem.where for problem in both] == ["training.supervised.q_score", "training.supcon.encoder.q_score"]
    alone = ("training.supervised.q_score", term), ("arms.supervised_q", ...)
    assert told(*alone) == []  # the other cure


def test_it_does_not_stand_alone() -> None:
    (problem,) = told(("arms.supcon", ...))
    assert (problem.where, problem.found) == ("arms.supcon_q", "no arms.supcon")


def test_models_with_and_without_are_fine_tuned_alike() -> None:
    term = ("pruning.one_shot.finetune.q_score", {"weight": 0.1})
    (problem,) = told(term)
    assert (problem.where, problem.cure) == ("pruning.one_shot.finetune.q_score", "leave the key out")
    unpaired = [(f"arms.{loss}_q", ["dense", "gmp"]) for loss in ("supervised", "supcon")]
    assert told(term, *unpaired) == []  # nothing is compared then
