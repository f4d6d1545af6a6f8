"""Documents of made results, each made once."""

from __future__ import annotations

from functools import cache

import pytest

from made_results import CASES
from piescope.report.layout.blocks import Document
from piescope.report.study.claims import check_claims
from piescope.report.study.document import study_document
from piescope.report.study.figures import Drawn, draw_all
from piescope.report.study.signal import Signal
from piescope.report.study.signal_tables import signal_tables
from piescope.report.study.tables import paper_tables, rows_of


@cache
def figures_of(name: str) -> list[Drawn]:
    return draw_all(Signal(CASES[name]))


@cache
def document_of(name: str, with_figures: bool = False) -> Document:
    """Figures take seconds to draw: only those who look at them ask for them."""
    results = CASES[name]
    claims, signal = check_claims(results), Signal(results)
    tables = {**paper_tables(results, rows_of(results, claims)), **signal_tables(signal)}
    return study_document(
        results, signal, claims, tables, figures_of(name) if with_figures else [], {"Command": "piescope report <made>"}
    )


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)
