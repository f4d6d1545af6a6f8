"""The card of an audit: of copies their curve, else classes or groups."""

from __future__ import annotations

from made_audit import CASES
from piescope.report.audit.card import audit_card
from piescope.report.layout.blocks import Bars
from piescope.report.layout.card import draw_card
from piescope.report.layout.curves import Curve
from piescope.store.audit_record import AuditRecord


def of_copies(**amounts: float | None) -> AuditRecord:
    """A what-if's answers; a copy a method, of these amounts."""
    record = AuditRecord.of(CASES["what-if"])
    rows = zip(record.what_if, amounts.items(), strict=False)
    copies = [row.model_copy(update={"name": name, "method": name, "amount": of}) for row, (name, of) in rows]
    return record.with_answers(what_if=tuple(copies))


def test_of_copies_it_draws_the_curve_and_no_classes_of_the_last_alone() -> None:
    record = AuditRecord.of(CASES["what-if"])
    drawn = audit_card(record).drawing
    assert isinstance(drawn, Curve) and (drawn.up, drawn.across) == ("changed examples, %", "sparsity")
    assert drawn.levels == ((0.5, "0.5"), (0.7, "0.7"), (0.9, "0.9"))
    assert [method.name for method in drawn.methods] == ["magnitude", "random"]
    shown = [mark.y for method in drawn.methods for mark in method.marks]
    assert shown == [100 * (row.changed or 0) / record.n_examples for row in record.what_if]


def test_copies_without_amounts_are_named() -> None:
    drawn = audit_card(of_copies(magnitude=0.5, int8=None)).drawing
    assert isinstance(drawn, Curve) and drawn.levels == ((1.0, "magnitude"), (2.0, "int8")) and drawn.across == "copy"
    assert [[mark.x for mark in method.marks] for method in drawn.methods] == [[1.0], [2.0]]
    assert draw_card(audit_card(of_copies(**{f"copy of a long name {place}": None for place in range(6)})))


def test_of_one_copy_and_of_none_it_draws_classes() -> None:
    for record in (of_copies(int8=None), AuditRecord.of(CASES["labels"])):
        assert isinstance(audit_card(record).drawing, Bars)
