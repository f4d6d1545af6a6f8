"""Budgets in words."""

from __future__ import annotations

import copy

from made_audit import CASES, headline, page, short, text_of
from piescope import wording
from piescope.report.audit import budget_rows
from piescope.store.audit_record import AuditRecord


def test_budgets_are_counted_and_broken_ones_named() -> None:
    content = copy.deepcopy(CASES["probabilities"])
    assert budget_rows.budgets(AuditRecord.of(content).budgets) == (
        "Of 4 budgets, 2 are broken: max_flips and max_class_drop; 1 is undecided: equivalent_within; 1 is kept."
    )
    assert 'class="finding broken"' in page(content)
    assert headline(content)[0].startswith(
        "The compressed model should not be shipped: of 4 budgets, 2 are broken: max_flips and max_class_drop;"
    )
    assert '<p class="chip">BUDGET BROKEN</p>' in page(content)
    for row in content["budgets"]:
        row["verdict"] = "kept"
    assert budget_rows.budgets(AuditRecord.of(content).budgets) == "All 4 budgets are kept."
    first = headline(content)[0]
    assert first.startswith(
        "The compressed model can be shipped as far as its budgets go: all 4 budgets are kept. Harm is shown all the same: "
        "accuracy ("
    )
    assert 'class="finding kept"' in page(content)
    content["budgets"][1]["verdict"] = "undecided"
    assert headline(content)[0] == (
        "The compressed model should not be shipped yet: of 4 budgets, 1 is undecided: max_class_drop; 3 are kept."
    )
    assert '<p class="chip">TOO FEW TO TELL</p>' in page(content)
    assert 'class="finding undecided"' in page(content)
    content["budgets"] = []
    assert budget_rows.budgets(AuditRecord.of(content).budgets) == ""
    assert headline(content)[0].startswith("The compressed model should not be shipped. It lost more than chance ")
    assert '<p class="chip">HARM SHOWN</p>' in page(content)
    assert "udget" not in text_of(page(content)) + short(content)


def test_budgets_are_told_in_their_units() -> None:
    rows = {row.budget: row for row in AuditRecord.of(CASES["probabilities"]).budgets}
    assert [budget_rows.observed(rows[name]).replace(wording.SPACE, " ") for name in ("max_flips", "max_class_drop", "max_changed")] == [
        "2.1 % (up to 2.4)", "−9.0 points (down to −11.2)", "320",
    ]  # fmt: skip
    assert [budget_rows.limit(rows[name]).replace(wording.SPACE, " ") for name in ("max_flips", "max_class_drop", "max_changed", "equivalent_within")] == [
        "2 %", "−3 points", "400", "±2 points",
    ]  # fmt: skip
    for said in (text_of(page(CASES["probabilities"])), short(CASES["probabilities"])):
        assert "±2 points" in said.replace(wording.SPACE, " ")
