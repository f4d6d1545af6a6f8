"""The card of an audit: its first screen as one picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from piescope.report.audit import charts
from piescope.report.audit.document import audit_document
from piescope.report.layout.card import Card
from piescope.store.audit_record import AuditRecord


def audit_card(audit: AuditRecord, images: Mapping[str, bytes] | None = None) -> Card:
    """The finding, pictures, and classes or groups; of several copies, whose classes differ, their curve."""
    card, curve, copies = Card.of_document(audit_document(audit, images)), charts.changed(audit), audit.what_if
    if curve is None or len(copies) < 2:
        return card
    if not curve.are_joined:  # there is no table beside it that numbers could be looked up in
        names = zip(charts.places_of(copies), (row.name for row in copies), strict=True)
        curve = replace(curve, across="copy", levels=tuple(names))
    return replace(card, drawing=curve)
