"""A study as a value: its tables against what it stored."""

from __future__ import annotations

import shutil
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
