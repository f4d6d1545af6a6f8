"""What is explained is what stands on the page."""

from __future__ import annotations

import copy

import pytest

from made_audit import CASES
from piescope.report.audit.glossary import glossary
from piescope.report.layout.glossary import words
from piescope.store.audit_record import AuditRecord


def terms(name: str) -> dict[str, str]:
    return glossary(AuditRecord.of(CASES[name]))


@pytest.mark.parametrize("name", CASES)
def test_every_audit_explains_its_verdict_and_its_intervals(name: str) -> None:
    assert "[ , ]" in terms(name) and ("The verdict" in terms(name)) != ("The verdict of budgets" in terms(name))
    assert not any("{" in meaning or "None" in meaning for meaning in terms(name).values())
    assert set(terms(name)) <= {word.term for word in words("audit")}
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
    assert glossary(AuditRecord.of(content))["Made-up agreement"] == "Half of it."
