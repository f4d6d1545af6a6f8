"""A study as a value: its tables against what it stored."""

from __future__ import annotations

import html
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from piescope.problems import StudyError
from piescope.report.study.frames import class_rows
from piescope.runs import StudyRun
from piescope.store import layout


@pytest.fixture(scope="module")
def run(stored_run: Path) -> StudyRun:
    return StudyRun(stored_run)


def rows(table: object) -> list[dict[str, object]]:
    return list(pa.table(table).to_pylist())


def test_examples_are_a_row_for_each_arm_and_example(run: StudyRun) -> None:
    assert len(run.examples) == 12 * 60
    dense = [row for row in rows(run.examples) if (row["objective"], row["pruning"]) == ("supcon", "dense")]
    assert [row["example_id"] for row in dense] == list(run.results.data.ids)


def test_pies_are_the_examples_that_changed_and_what_happened_to_them(run: StudyRun) -> None:
    pies = rows(run.pies)
    assert len(pies) == sum(int(arm.is_pie.sum()) for arm in run.results.pruned()) > 100
    names = run.results.class_names
    for row in pies:
        arm = run.results.find(str(row["objective"]), str(row["pruning"]), float(str(row["sparsity"])))
        assert arm is not None
        place = run.results.data.ids.index(str(row["example_id"]))
        labels = run.results.labels[place], arm.columns["dense_label"][place], arm.columns["pruned_label"][place]
        assert [row["true"], row["before"], row["after"]] == [names[label] for label in labels]
        truth, before, after = labels
        assert row["kind"] == ("lost" if before == truth else "won back" if after == truth else "moved")
        assert row["confirmed"] == arm.columns["is_confirmed"][place]
    assert {row["kind"] for row in pies} == {"lost", "won back", "moved"}


def test_pies_go_with_examples_by_their_first_four_columns(run: StudyRun) -> None:
    import duckdb

    pies, examples = run.pies, run.examples  # duckdb finds them by name
    joined = duckdb.sql(
        "select count(*), bool_and(is_pie) from pies join examples using (objective, pruning, sparsity, example_id)"
    ).fetchall()
    assert joined == [(len(pies), True)]
    assert len(examples) > len(pies)


def test_classes_are_what_each_lost_in_each_pruned_arm(run: StudyRun) -> None:
    classes = rows(run.classes)
    counted = [row for row in class_rows(run.results) if row.arm.pruning != "dense"]
    assert len(classes) == len(counted) == len(run.results.pruned()) * 10
    assert sum(int(str(row["pies"])) for row in classes) == len(run.pies)
    arm = run.results.pruned()[0]
    right = {int(label): 100 * (arm.labels == label)[:, run.results.labels == label].mean() for label in range(10)}
    for row in classes:
        if (row["objective"], row["pruning"], row["sparsity"]) == tuple(arm.key) and row["examples"]:
            assert np.isclose(float(str(row["pruned_recall"])), right[int(str(row["class"]))])


def test_it_says_in_a_line_what_it_is(run: StudyRun) -> None:
    assert (run.name, run.is_complete) == ("tiny", True)
    assert repr(run) == "StudyRun('tiny': 12 arms, 2 models each, 60 examples, complete)"


def test_a_study_that_is_half_done_says_so_and_gives_what_there_is(stored_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "half"
    shutil.copytree(stored_run, out)  # catalogue.json still tells of a whole one, as after a folder was tidied by hand
    run = StudyRun(out)
    for arm in run.catalogue.arms[3:]:
        shutil.rmtree(layout.artefact(out, "compare", arm.compare))
    half = StudyRun(out)
    assert repr(half) == "StudyRun('tiny': 3 of 12 arms, 2 models each, 60 examples)"
    assert not half.is_complete
    assert len(half.examples) == 3 * 60


def test_a_study_without_an_arm_has_nothing_to_tell_but_how_to_go_on(stored_run: Path, tmp_path: Path) -> None:
    shutil.copy(layout.study(stored_run), layout.study(tmp_path))
    run = StudyRun(tmp_path)
    assert repr(run) == "StudyRun('tiny': 0 of 12 arms, 2 models each)"
    with pytest.raises(StudyError, match=r"piescope run .*study\.toml --out"):
        len(run.pies)


def test_a_folder_with_a_catalogue_and_no_study_is_read_by_what_the_catalogue_says(
    stored_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "published"
    shutil.copytree(stored_run, out)
    layout.study(out).unlink()
    assert len(StudyRun(out).pies) == len(StudyRun(stored_run).pies)


def test_a_notebook_sees_the_first_screen_of_the_page_and_without_frames_the_finding(run: StudyRun) -> None:
    from piescope.report.study.answer import answer
    from piescope.report.study.signal import Signal

    cell, first = run._repr_html_(), answer(run.results, Signal(run.results))
    shown = html.unescape(html.unescape(cell))
    assert first.sentence in shown and 'id="curve"' in shown and "data:image/png" in shown
    assert "<script" not in shown
    assert html.unescape(re.sub("<[^>]*>", "", cell)) == f"{first.verdict.text}: {first.sentence}{run!r}"


def test_a_study_without_an_arm_is_a_line_in_a_notebook(stored_run: Path, tmp_path: Path) -> None:
    shutil.copy(layout.study(stored_run), layout.study(tmp_path))
    assert StudyRun(tmp_path)._repr_html_() == f"<code>{html.escape(repr(StudyRun(tmp_path)))}</code>"


def test_figures_are_matplotlibs_and_nothing_is_shown(run: StudyRun) -> None:
    from matplotlib.figure import Figure

    drawn = run.figure(7, style="talk", width="column")
    assert isinstance(drawn, Figure) and drawn.axes
    assert drawn.get_size_inches()[0] == pytest.approx(6)
    with pytest.raises(ValueError, match="no figure 99"):
        run.figure(99)
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("piescope.notebooks.open_in_browser", lambda page: False)


@pytest.mark.sampled(8, heavy=True)
@pytest.mark.usefixtures("no_browser")
def test_its_page_is_made_where_it_is_missing_or_stale_and_else_left(stored_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(stored_run, out)
    page = Path(StudyRun(out).explore())
    assert page == layout.report(out) and page.read_text().startswith("<!")
    stamp = page.stat().st_mtime_ns
    assert StudyRun(out).explore().path.stat().st_mtime_ns == stamp
    page.write_text("damaged")
    assert StudyRun(out).explore().path.read_text().startswith("<!")


@pytest.mark.usefixtures("no_browser")
def test_a_study_without_an_arm_has_no_page(stored_run: Path, tmp_path: Path) -> None:
    shutil.copy(layout.study(stored_run), layout.study(tmp_path))
    with pytest.raises(StudyError, match="piescope run"):
        StudyRun(tmp_path).explore()


def test_the_curve_has_a_line_an_arm_pale_where_it_is_not_clear_and_the_band_of_seeds(run: StudyRun) -> None:
    from piescope.report.study.forgotten import forgotten, seeds_at
    from piescope.report.study.signal import Signal

    rows = forgotten(Signal(run.results))
    (axes,) = run.plot().axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    drawn = sorted((float(np.ravel(dot.get_ydata())[0]), dot.get_alpha() == 1.0) for dot in dots)
    assert drawn == sorted((float(row.shown), bool(row.is_clear)) for row in rows)
    band = axes.collections[0].get_paths()[0].get_extents()
    reach = [seeds_at(rows, sparsity) for sparsity in run.results.sparsities()]
    assert (band.y0, band.y1) == (min(low for low, _ in reach), max(high for _, high in reach))
    assert band.x0 <= axes.get_xlim()[0] and band.x1 >= axes.get_xlim()[1]


def test_of_a_study_that_prunes_nothing_there_is_no_curve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from made_results import CASES

    run = StudyRun(tmp_path)
    monkeypatch.setitem(run.__dict__, "results", CASES["only dense"])
    assert run.plot().axes == [] and len(run.pies) == 0 and len(run.classes) == 0
