"""What classes and groups lost, worst first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from made_questions import counted, question
from piescope.auditing.answers.impacts import classes, confidences, groups
from piescope.auditing.tally import Counted

TRUTH = np.repeat([0, 1, 2], [40, 40, 20])
DENSE = TRUTH.copy()
DENSE[78:80] = 0
COPY = TRUTH.copy()
COPY[:20], COPY[80] = 1, 0
NAMES = ["ant", "bee", "cat", "dog"]


def counts(folder: Path, **options: Any) -> Counted:
    path = folder / "groups.parquet"
    camera = ["left"] * 20 + [None] * 20 + ["right"] * 60
    parquet.write_table(pa.table({"camera": camera, "all": ["one"] * 100}), path)
    given = {"labels": TRUTH, "classes": NAMES, "metadata": path} | options
    return counted(question(DENSE, COPY, **given), folder)


def test_classes_come_worst_first_and_those_without_examples_last(tmp_path: Path) -> None:
    rows = classes(counts(tmp_path))
    assert [(row.name, row.examples) for row in rows] == [("ant", 40), ("cat", 20), ("bee", 40), ("dog", 0)]
    assert [row.impact for row in rows[:3]] == pytest.approx([-50, -5, 5])
    assert [(row.correct_to_wrong, row.wrong_to_correct, row.changed) for row in rows] == [
        (20, 0, 20), (1, 0, 1), (0, 2, 2), (0, 0, 0),
    ]  # fmt: skip
    assert [row.relative_impact for row in rows[:3]] == pytest.approx([-50 + 19, -5 + 19, 5 + 19])
    assert rows[3].impact is None and rows[3].q_value is None


def test_groups_of_all_columns_in_one_table(tmp_path: Path) -> None:
    rows = groups(counts(tmp_path))
    assert [(row.column, row.value, row.examples) for row in rows] == [
        ("camera", "left", 20), ("all", "one", 100), ("camera", "(none)", 20), ("camera", "right", 60),
    ]  # fmt: skip
    assert [row.impact for row in rows] == pytest.approx([-100, -19, 0, 100 / 60])
    assert all(row.q_value >= row.p_value for row in rows if row.q_value is not None and row.p_value is not None)


def test_intervals_are_as_sure_as_tests_are_many(tmp_path: Path) -> None:
    sure = confidences(counts(tmp_path))
    assert sure.accuracy == 95 and 95 <= sure.classes < 100 and 95 <= sure.groups < 100
    assert sure.classes == 95  # of three with examples one is beyond chance; 1 and 2 changes can be in none


def test_without_labels_there_are_none(tmp_path: Path) -> None:
    counted_alone = counted(question(DENSE, COPY), tmp_path)
    assert classes(counted_alone) == groups(counted_alone) == ()
    right = counted(question(DENSE == TRUTH, COPY == TRUTH, values="correct"), tmp_path)
    assert classes(right) == ()
