"""Budgets in words."""

from __future__ import annotations

import copy

from made_audit import CASES, headline, page, text_of
from piescope import wording
from piescope.report.audit import budget_rows
from piescope.report.audit.markdown import audit_markdown
from piescope.store.audit_record import AuditRecord


def test_budgets_are_counted_and_broken_ones_named() -> None:
    content = copy.deepcopy(CASES["probabilities"])
    assert budget_rows.budgets(AuditRecord.of(content).budgets) == (
        "Of 4 budgets, 2 are broken: max_flips and max_class_drop; 1 is undecided: equivalent_within; 1 is kept."
    )
    assert 'class="verdict broken"' in page(content)
    assert headline(content)[0].startswith("BUDGET BROKEN: of 4 budgets, 2 are broken: max_flips and max_class_drop;")
    for row in content["budgets"]:
        row["verdict"] = "kept"
    assert budget_rows.budgets(AuditRecord.of(content).budgets) == "All 4 budgets are kept."
    first = headline(content)[0]
    assert first.startswith("WITHIN BUDGET: all 4 budgets are kept. Harm is shown all the same: accuracy (")
    assert 'class="verdict kept"' in page(content)
    content["budgets"][1]["verdict"] = "undecided"
    assert headline(content)[0] == "TOO FEW TO TELL: of 4 budgets, 1 is undecided: max_class_drop; 3 are kept."
    assert 'class="verdict undecided"' in page(content)
    content["budgets"] = []
    assert budget_rows.budgets(AuditRecord.of(content).budgets) == ""
    assert headline(content)[0].startswith("HARM SHOWN: ")
    assert "udget" not in text_of(page(content)) + audit_markdown(AuditRecord.of(content))


def test_budgets_are_told_in_their_units() -> None:
    rows = {row.budget: row for row in AuditRecord.of(CASES["probabilities"]).budgets}
    assert [budget_rows.observed(rows[name]).replace(wording.SPACE, " ") for name in ("max_flips", "max_class_drop", "max_changed")] == [
        "2.1 % (up to 2.4)", "−9.0 points (down to −11.2)", "320",
    ]  # fmt: skip
    assert [budget_rows.limit(rows[name]).replace(wording.SPACE, " ") for name in ("max_flips", "max_class_drop", "max_changed", "equivalent_within")] == [
        "2 %", "−3 points", "400", "±2 points",
    ]  # fmt: skip
    for said in (text_of(page(CASES["probabilities"])), audit_markdown(AuditRecord.of(CASES["probabilities"]))):
        assert "±2 points" in said.replace(wording.SPACE, " ")
