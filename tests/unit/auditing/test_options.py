"""One list of options: function, command and fixture have what it has, and nothing else."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pytest
import typer

import piescope
from piescope.auditing.budgets import Budgets
from piescope.auditing.options import Asked, AuditOptions
from piescope.cli.app import app
from piescope.cli.audit import LIMITS, SETTINGS, VERDICTS, command
from piescope.problems import InputError
from piescope.pytest_plugin import AuditAgainstBudgets

OPTIONS = {option.name for option in fields(AuditOptions)}


def test_the_function_has_all_of_them_by_name_with_types_and_a_description() -> None:
    parameters = inspect.signature(piescope.audit).parameters
    assert list(parameters)[:3] == ["dense", "compressed", "dataset"]
    assert set(parameters) == OPTIONS | {"dense", "compressed", "dataset"}
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in OPTIONS)
    described = inspect.getdoc(piescope.audit) or ""
    assert [name for name in parameters if f"    {name}: " not in described] == []
    assert "**options" not in described
    with pytest.raises(TypeError, match=r"audit\(\) got an unexpected keyword argument 'lables'"):
        piescope.audit([0], [0], lables=[0])
    with pytest.raises(TypeError, match="int"):
        piescope.audit([0], [0], data_dir=3)


def test_the_command_has_all_that_can_be_typed() -> None:
    typed = set(inspect.signature(command()).parameters)
    untyped = {"settings", "on_progress"}  # flags make the one; the other is the command's own
    own = {"dense", "compressed", "data", "demo", "card"}  # of the command alone
    assert typed == (OPTIONS - untyped) | own | {*SETTINGS, *LIMITS, *VERDICTS}
    assert set(LIMITS) == set(Budgets.model_fields)
    shown = typer.main.get_command(app).commands["audit"].params  # type: ignore[attr-defined]
    flags = {name for parameter in shown for name in parameter.opts}
    assert {f"--{name.replace('_', '-')}" for name in typed - {"dense", "compressed"}} <= flags


def test_the_fixture_takes_them_beside_limits() -> None:
    audits = AuditAgainstBudgets()
    audit = audits([0, 1, 1, 0] * 50, [0, 1, 1, 0] * 50, [0, 1, 1, 1] * 50, classes=["no", "yes"], seed=3, max_flips=1)
    assert audit["class_names"] == ["no", "yes"] and audit.record.budgets[0].verdict == "kept"
    with pytest.raises(InputError, match="max_flip"):
        audits([0], [0], [0], max_flip=1)
    with pytest.raises(TypeError, match="multiple values"):
        audits([0], [0], [0], options={"seed": 1}, seed=2)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"expect_accuracy": wrong} for wrong in (0.79, 101)),
        *({"batch_size": wrong} for wrong in (0, 1.5)),
        *({"seed": wrong} for wrong in (-1, "x", 1.5, True)),
        *({"right_from": wrong} for wrong in (float("nan"), float("inf"), "0.5", True)),
        {"right_from": 0.5, "labels": [0, 1]},
        *({"id_column": wrong} for wrong in (0, [0, 1])),
        {"score_columns": [0, 1, 2]},
        *({name: "no"} for name in ("paired", "common", "match_tail", "trust_code", "header")),
    ],
)
def test_numbers_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Asked(**wrong)


def test_budgets_by_name_are_checked() -> None:
    assert Asked(budgets={"max_flips": "2 %"}).limits == Budgets(max_flips="2%")
    assert Asked(budgets=Budgets(max_flips=3)).limits == Budgets(max_flips=3)
    assert Asked().limits is None
    with pytest.raises(InputError, match="max_flip"):
        Asked(budgets={"max_flip": 3})


def test_scores_are_not_cut_where_values_are_said_to_be_something_else() -> None:
    assert Asked(right_from=0.5, values="correct").values == "correct"
    for values in ("probabilities", ("correct", "labels")):
        with pytest.raises(InputError, match="--right-from"):
            Asked(right_from=0.5, values=values)
