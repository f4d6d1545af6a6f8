"""The few numbers on the first screen."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from made_audit import CASES
from piescope import wording
from piescope.report.audit.cards import cards
from piescope.report.layout.blocks import Fact
from piescope.store.audit_record import AuditRecord


def shown(content: dict[str, Any]) -> dict[str, Fact]:
    return {fact.name: fact for fact in cards(AuditRecord.of(content)).facts}


def test_each_card_has_its_number_and_its_tone() -> None:
    content = CASES["probabilities"]
    found = shown(content)
    assert list(found) == ["Accuracy", "Lost", "Won back", "Changed", "Worst class", "Budgets"]
    assert found["Lost"].value == str(content["flips"]["correct_to_wrong"]) and found["Lost"].tone == "lost"
    assert found["Won back"].value == str(content["flips"]["wrong_to_correct"])
    assert found["Changed"].value == str(content["changed"])
    assert found["Worst class"].details[-1] == "beyond chance" and found["Worst class"].value == "cat"
    assert (found["Budgets"].value, found["Budgets"].details) == ("2 broken", ("1 undecided", "1 kept"))
    assert found["Budgets"].tone == "broken"


def test_what_is_not_known_has_no_card() -> None:
    assert list(shown(CASES["nothing"])) == ["Changed"]
    content = copy.deepcopy(CASES["labels"])
    for row in content["classes"]:
        row["q_value"] = 0.5
    assert shown(content)["Worst class"].details[-1] == "not beyond chance"
    for row in content["classes"]:
        row["q_value"] = None
    assert shown(content)["Worst class"].details[-1] == "no p-value"
    for row in content["classes"]:
        row["impact"] = 0.0
    assert "Worst class" not in shown(content)


@pytest.mark.parametrize("name", CASES)
def test_no_letter_stands_for_a_test_on_the_first_screen(name: str) -> None:
    for fact in cards(AuditRecord.of(CASES[name])).facts:
        assert not any(f"q{wording.SPACE}=" in text or "q <" in text for text in (fact.value, *fact.details))


def test_several_models_have_pies_and_what_seeds_do() -> None:
    content = copy.deepcopy(CASES["population"])
    assert shown(content)["PIEs"].details[-1].endswith(" confirmed one by one")
    changed = {"observed": 9.0, "floor": 4.5}
    content["seeds"] = {"side": "dense", "n_models": 3, "changed": changed, "correct_to_wrong": None, "why_not": ""}
    assert shown(content)["PIEs"].details[-1] == "4.5 by seeds alone"
