"""Pages of made results, with their explorer, without a folder."""

from __future__ import annotations

from collections.abc import Mapping

from piescope.report.audit.document import audit_document
from piescope.report.layout.html import page
from piescope.report.study.claims import check_claims
from piescope.report.study.document import study_document
from piescope.report.study.explorer import study_explorer
from piescope.report.study.forgotten import forgotten
from piescope.report.study.results import Results
from piescope.report.study.signal import Signal
from piescope.report.study.signal_tables import signal_tables
from piescope.report.study.tables import paper_tables, rows_of
from piescope.store.audit_record import AuditRecord


def study_page(results: Results) -> bytes:
    """A study's page; figures for papers are left out."""
    signal = Signal(results)
    claims = check_claims(results, signal=signal)
    tables = {**paper_tables(results, rows_of(results, claims)), **signal_tables(signal)}
    document = study_document(results, signal, claims, tables, (), {"Command": "piescope report"})
    return page(document, study_explorer(results, forgotten(signal)))


def audit_page(audit: AuditRecord, images: Mapping[str, bytes] | None = None) -> bytes:
    """An audit's page."""
    return page(audit_document(audit, images))
