"""Measures and figures, in every document."""

from __future__ import annotations

import copy
import re

from made_audit import CASES, made, page, printed, short, text_of
from piescope import wording
from piescope.report.audit import measures
from piescope.report.layout.blocks import Tag
from piescope.store.audit_record import AuditRecord


def test_a_figure_of_both_sides_is_shown_in_every_document() -> None:
    content = copy.deepcopy(CASES["labels"])
    content["figures"] = {
        "made_up": {"title": "Made-up agreement", "value": 0.5, "low": 0.25, "high": 0.75, "about": "Half of it.", "why_not": ""},
        "silent": {"title": "Silent number", "value": None, "about": "Nothing.", "why_not": "it is never told"},
    }  # fmt: skip
    written = text_of(page(content))
    assert "Made-up agreement 0.500 [0.250, 0.750]" in written and "Half of it." in written
    assert "Silent number: – (it is never told)." in written
    assert re.search(r"Made-up agreement +0\.500 \[0\.250, 0\.750\]", "\n".join(printed(content, 100)))
    assert "**Made-up agreement** 0.500 [0.250, 0.750]" in short(content).replace(wording.SPACE, " ")
    assert "Silent" not in short(content) + "\n".join(printed(content, 100))


def test_short_documents_have_the_measures_that_say_more_than_the_accuracy() -> None:
    equal = measures.before_and_after(AuditRecord.of(CASES["labels"]))
    assert equal is not None
    assert [row[0] for row in equal.rows[: equal.brief]] == ["accuracy, %"]
    assert [row[0] for row in equal.rows[equal.brief :]] == ["balanced accuracy, %", "MCC"]
    content = made(examples=2_000, names=["no", "yes"], probabilities=True)
    content["measures"]["by_class"][1]["examples"] = 10
    unequal = measures.before_and_after(AuditRecord.of(content))
    assert unequal is not None
    names = [row[0] for row in unequal.rows[: unequal.brief]]
    assert names[:2] == ["accuracy, %", "calibration error (ECE), points"]
    assert names[2:] == ["precision of yes, %", "recall of yes, %", "F1 of yes, %", "ROC AUC"]


def test_a_change_whose_interval_excludes_0_is_strong() -> None:
    content = copy.deepcopy(CASES["labels"])
    content["accuracy"].update(change=-1.3, change_interval=[-1.7, -0.9])
    made_table = measures.before_and_after(AuditRecord.of(content))
    assert made_table is not None and made_table.rows[0][3] == Tag("−1.3 [−1.7,\xa0−0.9]", "strong")
    content["accuracy"].update(change_interval=[-1.7, 0.9])
    made_table = measures.before_and_after(AuditRecord.of(content))
    assert made_table is not None and made_table.rows[0][3] == "−1.3 [−1.7,\xa0+0.9]"


def test_classes_are_told_one_by_one_the_largest_loss_of_f1_first() -> None:
    table = measures.by_class(AuditRecord.of(CASES["labels"]))
    assert table is not None and table.rows[0][0] == "cat" and len(table.head) == len(table.rows[0]) == 8
    changes = [row["f1"]["change"] for row in CASES["labels"]["measures"]["by_class"]]
    least = min(changes)
    assert table.rows[0][7] == Tag(wording.with_interval(least, least - 0.1, least + 0.1, signed=True), "strong")
    assert measures.by_class(AuditRecord.of(CASES["nothing"])) is None
