"""Tables, figures and page of made results of every awkward kind."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from made_results import CASES
from piescope.report.layout.blocks import Bars, Document
from piescope.report.layout.html import first_screen, page
from piescope.report.layout.latex import latex
from piescope.report.layout.lines import lines
from piescope.report.layout.markdown import escaped, markdown
from piescope.report.study.claims import check_claims
from piescope.report.study.signal import Signal
from piescope.report.study.signal_tables import signal_tables
from piescope.report.study.tables import paper_tables, rows_of
from piescope.store.tables import as_csv
from piescope.wording import plain

from .conftest import document_of, figures_of


def text_of(name: str) -> str:
    made = re.sub(r"<style>.*?</style>", "", page(document_of(name)).decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", made))


@pytest.mark.sampled(3)
def test_every_kind_of_study_gives_tables_figures_and_a_page(case: str) -> None:
    results = CASES[case]
    claims = check_claims(results)
    rows = rows_of(results, claims)
    signal = Signal(results)
    tables = {**paper_tables(results, rows), **signal_tables(signal)}
    for of in (rows, signal.rows):
        for table, listed in of.by_name().items():
            columns = of.kinds()[table].columns()
            assert len(as_csv([row.cells() for row in listed], columns).splitlines()) == 1 + len(listed)
            written = latex(tables[table])
            assert written.count("\\begin{table}") == written.count("\\end{tabular}}") >= 1
            assert all(len(row) == len(tables[table].head) for row in tables[table].rows)
            assert sum(span for _, span in tables[table].groups) in (0, len(tables[table].head))
    assert [figure.number for figure in figures_of(case)] == list(range(1, 12))
    made = page(document_of(case, with_figures=True)).decode()
    assert "made &amp; &lt;tested&gt;" in made and "piescope report &lt;made&gt;" in made
    assert "<script" not in made
    assert "nan" not in made.lower().split("base64")[0]
    assert "None" not in "".join(part.split('"')[0] for part in made.split("base64,"))
    anchors = re.findall(r'href="#([\w-]+)"', made)
    assert set(anchors) <= set(re.findall(r'id="([\w-]+)"', made)) | {"explorer"}
    ids = re.findall(r' id="([^"]+)"', made)
    assert len(ids) == len(set(ids))


def test_the_first_screen_is_a_page_of_its_own(case: str) -> None:
    made = first_screen(document_of(case))
    assert document_of(case).answer.verdict.text in made and "<h2 id=" not in made


def test_what_was_not_run_is_not_told() -> None:
    dense = text_of("only dense")
    for absent in ("Pruning GMP", "fine-tuning", "At 90", "Shared PIEs", "One-shot models", "more than noise"):
        assert absent not in dense
    bare = text_of("no depth, no maps")
    for absent in ("its depth is the probe", "UMAP", "no models", "no sparsity", "Figure 1."):
        assert absent not in bare
    assert "Does the paper hold here?" not in dense  # no arm says anything about it
    single = text_of("one objective, one sparsity, one model")
    assert "1 model an arm" in single
    assert "1 models" not in single
    assert "1 to 3. Low is easy" in text_of("everything")


def test_an_incomplete_study_says_so_first() -> None:
    answer = document_of("everything").answer
    assert answer.warnings == (
        "This study is not complete. Missing from all that follows: Sup / my own 99\N{NO-BREAK SPACE}%.",
    )


@pytest.mark.parametrize("width", [40, 80])
def test_terminals_and_pull_requests_have_the_same_finding(case: str, width: int) -> None:
    document = document_of(case)
    made = markdown(document)
    assert escaped(document.answer.sentence) in made and len(made.splitlines()) <= 70
    shown = lines(document, width)
    assert plain(document.answer.sentence) in " ".join(" ".join(shown).split())
    assert max(map(cell_len, shown)) <= width
    table = noise_table(document)
    assert all(arm in made for arm in table)


def noise_table(document: Document) -> list[str]:
    """The arms that short documents show with what is beyond their seeds."""
    found = [block for section in document.sections for block in section.blocks if isinstance(block, Bars)]
    return [escaped(bar.name) for bars in found for bar in bars.rows if (bar.value or 0) > 0][:5] if found else []
