"""What is explained is what stands on the page."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from made_audit import CASES, page, text_of
from piescope.report.audit.glossary import glossary
from piescope.report.layout.glossary import words
from piescope.store.audit_record import AuditRecord
from piescope.wording import counted


def terms(name: str) -> dict[str, str]:
    return glossary(AuditRecord.of(CASES[name]))[0]


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
    assert glossary(AuditRecord.of(content))[0]["Made-up agreement"] == "Half of it."


@pytest.mark.parametrize("name", CASES)
def test_limits_are_those_of_the_audit(name: str) -> None:
    audit = AuditRecord.of(CASES[name])
    limits = " ".join(glossary(audit)[1])
    assert "{" not in limits and "None" not in limits
    assert ("There are no true labels" in limits) == (audit.accuracy is None)
    assert ("in different orders" in limits) == (audit.inputs.matched_by == "row")
    assert ("The what-if copies" in limits) == bool(audit.what_if)
    assert ("No calibration: it takes probabilities and true labels" in limits) == (audit.calibration is None)
    assert f"measured on {counted(audit.n_examples, 'example')}" in limits


def test_rows_are_matched_by_position_is_a_limit(pair: dict[str, Any]) -> None:
    assert "different orders" not in text_of(page(pair))
    pair["inputs"]["matched_by"] = "row"
    assert "different orders" in text_of(page(pair))
