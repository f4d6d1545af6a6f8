"""Measures and figures, in every document."""

from __future__ import annotations

import copy

from made_audit import CASES, page, text_of
from piescope import wording
from piescope.cli.audit_summary import summary_lines
from piescope.report.audit.markdown import audit_markdown
from piescope.store.audit_record import AuditRecord


def test_a_figure_of_both_sides_is_shown_in_every_document() -> None:
    content = copy.deepcopy(CASES["labels"])
    content["figures"] = {
        "made_up": {"title": "Made-up agreement", "value": 0.5, "low": 0.25, "high": 0.75, "about": "Half of it.", "why_not": ""},
        "silent": {"title": "Silent number", "value": None, "about": "Nothing.", "why_not": "it is never told"},
    }  # fmt: skip
    record = AuditRecord.of(content)
    written = text_of(page(content))
    assert "Made-up agreement: 0.500 [0.250, 0.750]." in written and "Half of it." in written
    assert "Silent number: – (it is never told)." in written
    assert "Made-up agreement  0.500 [0.250, 0.750]" in "\n".join(summary_lines(record, 100))
    assert "made-up agreement 0.500 [0.250, 0.750]" in audit_markdown(record).replace(wording.SPACE, " ").lower()
    assert "Silent" not in audit_markdown(record) + "\n".join(summary_lines(record, 100))
