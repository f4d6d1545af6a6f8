"""Budgets, copies and representations in rows."""

from __future__ import annotations

import copy

from made_audit import CASES
from piescope.report.audit import tables
from piescope.report.layout.blocks import Tag
from piescope.store.audit_record import AuditRecord


def test_budgets_that_are_broken_come_first_and_each_is_explained() -> None:
    content = copy.deepcopy(CASES["probabilities"])
    content["budgets"].reverse()
    made = tables.budgets(AuditRecord.of(content))
    assert [row[1] for row in made.rows] == [
        Tag("broken", "broken"), Tag("broken", "broken"), Tag("undecided", "undecided"), Tag("kept", "kept"),
    ]  # fmt: skip
    assert {len(row) for row in made.rows} == {len(made.head)}
    for name in ("max_flips: right before, wrong after", "equivalent_within: change of accuracy, either way"):
        assert name in made.caption


def test_a_row_a_copy_numbered_where_the_curve_numbers_them() -> None:
    on_a_line, numbered = (AuditRecord.of(CASES[name]) for name in ("what-if", "what-if without budgets"))
    made = tables.copies(on_a_line)
    assert [row[0] for row in made.rows] == [row.name for row in on_a_line.what_if]
    assert made.head[-1] == "budgets broken" and made.rows[-1][-1] == "max_flips and max_class_drop"
    made = tables.copies(numbered)
    assert [row[0] for row in made.rows] == ["1: magnitude 0.5", "2: magnitude 0.6", "3: int8", "4: 2:4"]
    assert made.head[-1] == "sparsity" and {len(row) for row in made.rows} == {len(made.head)}


def test_representations_before_and_after() -> None:
    made = tables.representations(AuditRecord.of(CASES["population"]))
    assert made is not None and [row[0] for row in made.rows][-1] == "Prediction depth, the others"
    assert tables.representations(AuditRecord.of(CASES["labels"])) is None
