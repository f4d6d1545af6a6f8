"""Tables as people read them."""

from __future__ import annotations

import dataclasses
import tomllib
from collections import Counter
from importlib import resources

from made_results import CASES, made, with_fewer
from piescope.report.study.claims import check_claims
from piescope.report.study.figures import FIGURES
from piescope.report.study.signal import Signal
from piescope.report.study.signal_tables import signal_tables
from piescope.report.study.signal_words import sentences
from piescope.report.study.tables import paper_tables, rows_of


def test_every_table_and_every_figure_has_its_own_caption_filled_in(case: str) -> None:
    results = CASES[case]
    signal = Signal(results)
    rows = rows_of(results, check_claims(results))
    tables = {**paper_tables(results, rows), **signal_tables(signal)}
    texts = tomllib.loads((resources.files("piescope.report.study") / "captions.toml").read_text(encoding="utf-8"))
    assert set(texts) == {*tables, *(f"figure_{number}" for number in FIGURES)}
    said = [(table.title, table.caption) for table in tables.values()]
    said += [(sketch.title, sketch.caption) for sketch in (make(signal) for make in FIGURES.values())]
    for title, caption in said:
        assert title and caption.endswith((".", ". ")) and not set("{}\n") & {*title, *caption}
    assert len({caption for _, caption in said}) == len(said)


def test_over_how_many_models_a_mean_is_is_told() -> None:
    results = CASES["fewer models in two arms"]
    caption = paper_tables(results, rows_of(results, check_claims(results)))["pies"].caption
    assert caption.endswith("mean ± std over 4 to 6 models.")
    assert any("another study of 4 to 6 models an arm" in said for said in sentences(Signal(with_fewer(results, 4, 2))))


def test_groups_of_other_sizes_are_not_called_equal_nor_what_lasts_a_share() -> None:
    signal = Signal(with_fewer(CASES["six models"], 2, 1))
    sizes = {(row.dense_group, row.pruned_group) for row in signal.rows.noise}
    assert any(dense != pruned for dense, pruned in sizes)
    captions = [signal_tables(signal)["noise"].caption, *(FIGURES[number](signal).caption for number in (8, 11))]
    assert not any("equal size" in caption for caption in captions)
    assert "no share of the excess; it may be above that, or below 0" in captions[0]


def test_effects_behind_the_verdicts_have_their_values_first_and_words_that_wrap() -> None:
    results = CASES["everything"]
    table = paper_tables(results, rows_of(results, check_claims(results)))["claims"]
    assert table.head[:2] == ("Comparison", "This run [95 %]") and str(table.rows[0][0]).startswith("C1: GMP, ")
    assert [table.head[place] for place in table.texts] == ["Comparison", "Effect", "Alone"]


def test_a_missing_sibling_is_a_question_and_no_zero() -> None:
    whole = CASES["everything"]
    without = [arm for arm in whole.arms if (arm.objective, arm.pruning, arm.sparsity) != ("supervised", "gmp", 0.9)]
    results = dataclasses.replace(whole, arms=tuple(without))
    claims = check_claims(results)
    rows = rows_of(results, claims)
    wanted = ("supcon", "gmp", 0.9)
    mine = [row for row in rows.class_distribution if row.arm == wanted]
    assert {row.shared_pies for row in mine} == {None}
    table = paper_tables(results, rows)["class_distribution"]
    line = next(row for row in table.rows if row[0].startswith("SupCon / GMP, 90"))
    assert all(cell.endswith("(?)") for cell in line[1:])


def test_of_very_many_classes_the_table_has_a_line_for_each_of_those_that_lose_most() -> None:
    names = tuple(f"class number {i}" for i in range(150))
    results = made({"supervised": ("gmp",), "supcon": ("gmp",)}, class_names=names, examples=400, maps=False)
    rows = rows_of(results, check_claims(results))
    assert len(rows.class_distribution) == 150 * len(results.studied())
    table = paper_tables(results, rows)["class_distribution"]
    assert len(table.rows) == 40 and table.caption.endswith(" 110 classes with no more are left out.")
    lost = Counter[str]()
    for row in rows.class_distribution:
        lost[row.label] += row.pies
    assert [line[0] for line in table.rows] == [name for name, _ in lost.most_common(40)]
    assert table.head[0] == "Class" and all(len(line) == len(table.head) for line in table.rows)
    first = next(row for row in rows.class_distribution if row.label == table.rows[0][0] and row.arm.sparsity)
    assert str(table.rows[0][1]).split(" ")[0] == str(first.pies)
