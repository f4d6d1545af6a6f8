"""Frames, tables, figures and page on made results of every awkward kind."""

from __future__ import annotations

import dataclasses
import re
from functools import cache

import numpy as np
import pytest

from made_results import made
from piescope.report.layout.wide_tables import escape_latex
from piescope.report.study import frames
from piescope.report.study.claims import check_claims
from piescope.report.study.figures import Drawn, draw_all
from piescope.report.study.page import facts, render_page, walls
from piescope.report.study.signal import Signal
from piescope.report.study.signal_figures import draw_signal
from piescope.report.study.signal_tables import signal_tables
from piescope.report.study.tables import rows_of, wide_tables
from piescope.store.tables import as_csv

CASES = {
    "everything": made({"supervised": ("gmp", "my_own"), "supcon": ("gmp", "my_own")}),
    "one objective, one sparsity, one model": made({"supervised": ("my_own",)}, sparsities=(0.995,), models=1),
    "three objectives": made({"supervised": ("gmp",), "supcon": ("gmp",), "simclr": ("gmp",)}),
    "no depth, no maps": made({"supcon": ("gmp",)}, depth=False, maps=False, channels=1),
    "only dense": made({"supervised": ()}),
    "many classes with long names": made(
        {"supervised": ("gmp",)}, class_names=tuple(f"a class named {i}" for i in range(14))
    ),
}


@cache
def the_papers_figures(name: str) -> list[Drawn]:
    return draw_all(CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_study_gives_tables_figures_and_a_page(name: str) -> None:
    results = CASES[name]
    claims = check_claims(results, draws=20)
    rows = rows_of(results, claims)
    signal = Signal(results)
    tables = {**wide_tables(results, rows), **signal_tables(signal)}
    for of in (rows, signal.rows):
        for table, lines in of.by_name().items():
            assert len(as_csv([row.cells() for row in lines], of.kinds()[table].columns()).splitlines()) == 1 + len(
                lines
            )
            assert tables[table].latex().count("\\begin") == 2
            assert all(len(row) == len(tables[table].head) for row in tables[table].rows)
            assert sum(span for _, span in tables[table].groups) == len(tables[table].head)
    figures = [*the_papers_figures(name), *draw_signal(signal)]
    assert [figure.number for figure in figures] == list(range(1, 11))
    page = render_page(results, tables, rows, figures, claims, signal).decode()
    assert "made &amp; &lt;tested&gt;" in page
    assert "<script" not in page
    assert "nan" not in page.lower().split("base64")[0]
    assert "None" not in "".join(part.split('"')[0] for part in page.split("base64,"))


def test_frames_against_loops() -> None:
    results = CASES["everything"]
    arm = results.find("supervised", "gmp", 0.9)
    other = results.find("supcon", "gmp", 0.9)
    assert arm is not None
    assert other is not None
    rows = [row for row in frames.class_rows(results) if row.arm == arm.key]
    for label, row in enumerate(rows):
        mine = [i for i in range(40) if results.labels[i] == label and arm.columns["is_pie"][i]]
        assert row.pies == len(mine)
        assert row.shared_pies == sum(bool(other.columns["is_pie"][i]) for i in mine)
    (depth,) = [row for row in frames.depth_rows(results) if row.arm == arm.key]
    pies = [arm.columns["pruned_depth"][i] for i in range(40) if arm.columns["is_pie"][i]]
    assert depth.pie.mean == pytest.approx(sum(pies) / len(pies))
    assert depth.pie.std == pytest.approx(np.std(pies, ddof=1))
    (score,) = [row for row in frames.q_score_rows(results) if row.arm == arm.key]
    assert score.q.mean == pytest.approx(sum(arm.columns["pruned_q"]) / 40)


def test_what_was_not_run_is_not_told() -> None:
    def text(name: str) -> str:
        results = CASES[name]
        claims, signal = check_claims(results, draws=20), Signal(results)
        rows = rows_of(results, claims)
        tables = {**wide_tables(results, rows), **signal_tables(signal)}
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


def test_a_missing_sibling_is_a_question_and_no_zero() -> None:
    whole = CASES["everything"]
    without = [arm for arm in whole.arms if (arm.objective, arm.pruning, arm.sparsity) != ("supervised", "gmp", 0.9)]
    results = dataclasses.replace(whole, arms=tuple(without))
    claims = check_claims(results, draws=20)
    rows = rows_of(results, claims)
    wanted = ("supcon", "gmp", 0.9)
    mine = [row for row in rows.class_distribution if row.arm == wanted]
    assert {row.shared_pies for row in mine} == {None}
    table = wide_tables(results, rows)["class_distribution"]
    line = next(row for row in table.rows if row[0].startswith("SupCon / GMP, 90"))
    assert all(cell.endswith("(?)") for cell in line[1:])


def test_tied_pies_are_counted_and_marked() -> None:
    results = CASES["everything"]
    for arm, row in zip(results.arms, frames.pies_rows(results), strict=True):
        columns = arm.columns
        expected = sum(
            columns["is_pie"][i] and (columns["dense_tie"][i] or columns["pruned_tie"][i]) for i in range(40)
        )
        assert row.tied_pies == expected
    assert any(tile.is_tie for wall in walls(results) for tile in wall.tiles)


def test_shared_needs_a_sibling() -> None:
    results = CASES["one objective, one sparsity, one model"]
    assert {row.shared_pies for row in frames.class_rows(results)} == {None}


def test_the_dense_row_of_depth_takes_pies_of_any_pruned_arm() -> None:
    results = CASES["everything"]
    dense = results.find("supervised", "dense", 0.0)
    assert dense is not None
    union = np.logical_or.reduce([arm.columns["is_pie"] for arm in results.arms if arm.objective == "supervised"])
    row = frames.depth_rows(results)[0]
    assert row.arm.pruning == "dense"
    assert row.pie.mean == pytest.approx(dense.columns["pruned_depth"][union].mean())


def test_rescued_examples_are_rescued_and_start_at_the_lowest_sparsity() -> None:
    results = CASES["everything"]
    rows = frames.rescued_rows(results)
    assert rows
    assert all(row.label == row.pruned_label != row.dense_label for row in rows)
    sparsities = [row.arm.sparsity for row in rows if row.arm.pruning == "gmp"]
    assert sparsities == sorted(sparsities)


def test_the_gallery_says_what_happened_to_each_example() -> None:
    results = CASES["everything"]
    for wall in walls(results):
        for tile in wall.tiles:
            dense, pruned = tile.dense.rsplit(" (", 1)[0], tile.pruned.rsplit(" (", 1)[0]
            expected = "lost" if dense == tile.label else "rescued" if pruned == tile.label else "moved"
            assert tile.kind == expected
            assert dense != pruned


def test_latex_is_text() -> None:
    assert escape_latex("50 % & $x_1$ {\\input{/etc/passwd}} #~^") == (
        r"50 \% \& \$x\_1\$ \{\textbackslash{}input\{/etc/passwd\}\} \#\textasciitilde{}\textasciicircum{}"
    )


def test_figures_are_the_same_bytes_each_time() -> None:
    results = CASES["one objective, one sparsity, one model"]
    first, second = the_papers_figures("one objective, one sparsity, one model"), draw_all(results)
    assert [(figure.svg, figure.pdf) for figure in first] == [(figure.svg, figure.pdf) for figure in second]


def test_every_processor_and_library_of_the_results_is_told() -> None:
    told = [value for name, value in facts(CASES["everything"]) if name == "Made on"]
    assert (
        told
        == [
            "a processor that was not recorded (AVX2), device cpu, 1 thread a worker, pack size 1; torch 2",  # of an older run
            "Xeon <of made results> (AVX512), device cpu, 1 thread a worker, pack size 1; torch 2, numpy 2.4.0, umap-learn 0.5.9",
        ]
    )
