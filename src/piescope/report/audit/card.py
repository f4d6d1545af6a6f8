"""The card of an audit: its first screen as one picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from piescope.report.audit import charts
from piescope.report.audit.document import audit_document
from piescope.report.layout.card import Card
from piescope.store.audit_record import AuditRecord

MOST_NAMED = 4
"""Copies for whose whole names there is room below the curve."""


def audit_card(audit: AuditRecord, images: Mapping[str, bytes] | None = None) -> Card:
    """The finding, pictures, and classes or groups; of several copies, whose classes differ, their curve."""
    card, curve, copies = Card.of_document(audit_document(audit, images)), charts.changed(audit), audit.what_if
    if curve is None or len(copies) < 2:
        return card
    if not curve.are_joined:  # there is no table beside it that numbers could be looked up in
        is_short = len(copies) > MOST_NAMED  # a method is told by its colour, a copy by what is its own
        short = (row.name.removeprefix(row.method).strip() or row.name if is_short else row.name for row in copies)
        names = zip(charts.places_of(copies), short, strict=True)
        curve = replace(curve, across="copy", levels=tuple(names))
    return replace(card, drawing=curve)
