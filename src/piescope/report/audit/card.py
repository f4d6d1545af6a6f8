"""The card of an audit: its first screen as one picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from piescope.report.audit import charts
from piescope.report.audit.document import audit_document
from piescope.report.layout.card import Card, Curve, Line
from piescope.store.audit_record import AuditRecord
from piescope.wording import printable


def audit_card(audit: AuditRecord, images: Mapping[str, bytes] | None = None) -> Card:
    """The finding, pictures, and classes or groups; of several copies, whose classes differ, their curve."""
    card, curve = Card.of_document(audit_document(audit, images)), _curve(audit)
    return card if curve is None else replace(card, drawing=curve)


def _curve(audit: AuditRecord) -> Curve | None:
    """What the page draws as its curve; None for fewer than two copies."""
    rows = audit.what_if
    places = charts.places_of(rows)
    changed = {
        (row.method, place): 100 * row.changed / audit.n_examples
        for row, place in zip(rows, places, strict=True)
        if row.changed is not None and audit.n_examples
    }
    if len(changed) < 2:
        return None
    levels, methods = sorted(set(places)), list(dict.fromkeys(row.method for row in rows))
    lines = tuple(
        Line(printable(method), tuple(changed.get((method, level)) for level in levels), (False,) * len(levels), at, at)
        for at, method in enumerate(methods)
    )
    is_line = charts.are_on_a_line(rows)
    title = f"changed examples, %, by {charts.what_places_are(rows) if is_line else 'copy'}"
    return Curve(title, tuple(f"{level:g}" for level in levels) if is_line else tuple(row.name for row in rows), lines)
