"""What is explained is what stands on the page."""

from __future__ import annotations

import copy

import pytest

from made_audit import CASES
from piescope.report.audit.how_to_read import how_to_read
from piescope.store.audit_record import AuditRecord


def terms(name: str) -> dict[str, str]:
    return {fact.name: fact.value for fact in how_to_read(AuditRecord.of(CASES[name]))}


@pytest.mark.parametrize("name", CASES)
def test_every_audit_explains_its_verdict_and_its_intervals(name: str) -> None:
    assert {"The verdict", "[ , ]"} <= set(terms(name))
    assert ("Accuracy and its change" in terms(name)) == (CASES[name]["accuracy"] is not None)
    assert ("PIE" in terms(name)) != ("Changed" in terms(name))
    assert ("Kept, broken, undecided" in terms(name)) == bool(CASES[name]["budgets"])
    assert ("CKA, neighbours" in terms(name)) == (CASES[name]["embeddings"] is not None)
    assert ("Calibration error (ECE)" in terms(name)) == (CASES[name]["calibration"] is not None)


def test_intervals_of_classes_and_groups_say_how_wide_they_are() -> None:
    assert "Those of classes are made wider (99.5\xa0% here)" in terms("labels")["[ , ]"]
    assert "(99.5\xa0% and 95\xa0% here)" in terms("probabilities")["[ , ]"]
    assert "wider" not in terms("no true labels")["[ , ]"]
    assert "They are over examples." in terms("labels")["[ , ]"]


def test_a_figure_is_explained_by_its_own_words() -> None:
    content = copy.deepcopy(CASES["labels"])
    content["figures"] = {"made_up": {"title": "Made-up agreement", "value": 0.5, "about": "Half of it."}}
    assert ("Made-up agreement", "Half of it.") in [
        (fact.name, fact.value) for fact in how_to_read(AuditRecord.of(content))
    ]
