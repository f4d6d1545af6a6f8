"""Tables, figures and page of made results of every awkward kind."""

from __future__ import annotations

import re
from functools import cache

import pytest

from made_results import CASES
from piescope.report.layout.latex import latex
from piescope.report.study.claims import check_claims
from piescope.report.study.figures import Drawn, draw_all
from piescope.report.study.page import facts, render_page
from piescope.report.study.signal import Signal
from piescope.report.study.signal_figures import draw_signal
from piescope.report.study.signal_tables import signal_tables
from piescope.report.study.tables import paper_tables, rows_of
from piescope.store.tables import as_csv


@cache
def the_papers_figures(name: str) -> list[Drawn]:
    return draw_all(CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_study_gives_tables_figures_and_a_page(name: str) -> None:
    results = CASES[name]
    claims = check_claims(results, draws=20)
    rows = rows_of(results, claims)
    signal = Signal(results)
    tables = {**paper_tables(results, rows), **signal_tables(signal)}
    for of in (rows, signal.rows):
        for table, lines in of.by_name().items():
            assert len(as_csv([row.cells() for row in lines], of.kinds()[table].columns()).splitlines()) == 1 + len(
                lines
            )
            assert latex(tables[table]).count("\\begin") == 2
            assert all(len(row) == len(tables[table].head) for row in tables[table].rows)
            assert sum(span for _, span in tables[table].groups) in (0, len(tables[table].head))
    figures = [*the_papers_figures(name), *draw_signal(signal)]
    assert [figure.number for figure in figures] == list(range(1, 11))
    page = render_page(results, tables, rows, figures, claims, signal).decode()
    assert "made &amp; &lt;tested&gt;" in page
    assert "<script" not in page
    assert "nan" not in page.lower().split("base64")[0]
    assert "None" not in "".join(part.split('"')[0] for part in page.split("base64,"))


def test_what_was_not_run_is_not_told() -> None:
    def text(name: str) -> str:
        results = CASES[name]
        claims, signal = check_claims(results, draws=20), Signal(results)
        rows = rows_of(results, claims)
        tables = {**paper_tables(results, rows), **signal_tables(signal)}
        page = render_page(results, tables, rows, the_papers_figures(name), claims, signal).decode()
        return re.sub(r"\\s+", " ", re.sub(r"<[^>]+>", " ", page))

    dense = text("only dense")
    for absent in ("Pruning GMP", "fine-tuning", "At 90", "Shared PIEs", "One-shot models", "Signal or noise"):
        assert absent not in dense
    bare = text("no depth, no maps")
    for absent in ("its depth is the probe", "UMAP", "no models", "no sparsity", "Figure 1."):
        assert absent not in bare
    assert "Does the paper hold here?" not in dense  # no arm says anything about it
    single = text("one objective, one sparsity, one model")
    assert "(one model)" in single
    assert "1 models" not in single
    assert "1 to 3. Low is easy" in text("everything")


def test_every_processor_and_library_of_the_results_is_told() -> None:
    told = [value for name, value in facts(CASES["everything"]) if name == "Made on"]
    assert (
        told
        == [
            "a processor that was not recorded (AVX2), device cpu, 1 thread a worker, pack size 1; torch 2",  # of an older run
            "Xeon <of made results> (AVX512), device cpu, 1 thread a worker, pack size 1; torch 2, numpy 2.4.0, umap-learn 0.5.9",
        ]
    )
