"""examples.parquet and the examples that people look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from made_questions import counted, question
from piescope.auditing import rows
from piescope.auditing.rows import ShownExamples, write_rows

TRUTH = np.array([0, 0, 1, 1, 2, 2])
DENSE = np.array([0, 0, 1, 0, 2, 0])
COPY = np.array([0, 1, 2, 1, 2, 1])
KINDS = ["kept", "lost", "lost", "rescued", "kept", "moved"]


def written(
    folder: Path, dense: Any, compressed: Any, cells: tuple[tuple[int, int], ...] = (), **options: Any
) -> tuple[ShownExamples, dict[str, list[Any]]]:
    """What is shown, and the columns of examples.parquet."""
    extra = {"q_score": np.arange(6.0)}
    path = folder / "examples.parquet"
    shown = write_rows(counted(question(dense, compressed, **options), folder), path, -1.0, None, cells, extra)
    return shown, parquet.read_table(path).to_pydict()


def test_what_became_of_each_example(tmp_path: Path) -> None:
    shown, columns = written(tmp_path, DENSE, COPY, labels=TRUTH)
    assert columns["kind"] == KINDS and columns["is_changed"] == [kind != "kept" for kind in KINDS]
    assert columns["label"] == [str(label) for label in TRUTH] and columns["q_score"] == list(range(6))
    assert columns["dense_probability"] == [None] * 6  # labels have none
    assert columns["harm"] == [0, 1, 1, -1, 0, 0]
    assert [(example.row, example.kind) for example in shown.harmed] == [(1, "lost"), (2, "lost")]
    assert (shown.label_errors, shown.label_error_count) == ((), 0)


def test_without_labels_an_example_is_kept_or_changed(tmp_path: Path) -> None:
    shown, columns = written(tmp_path, DENSE, COPY)
    assert columns["kind"] == ["kept" if kind == "kept" else "changed" for kind in KINDS]
    assert columns["label"] == [None] * 6 and {example.label for example in shown.harmed} == {None}


def test_of_pairs_of_models_what_happens_in_most(tmp_path: Path) -> None:
    """The other copy keeps example 1 and loses 4; of two pairs half is not most, so the first of equals is told."""
    other = np.array([0, 0, 2, 1, 0, 1])
    _, columns = written(tmp_path, DENSE[None], np.stack([COPY, other, other]), labels=TRUTH, values="labels")
    assert columns["kind"] == ["kept", "kept", "lost", "rescued", "lost", "moved"]
    assert columns["lost_share"] == pytest.approx([0, 1 / 3, 1, 0, 2 / 3, 0])
    assert columns["changed_share"] == pytest.approx([0, 1 / 3, 1, 1, 2 / 3, 1])


def test_examples_of_a_cell_are_those_that_moved_there(tmp_path: Path) -> None:
    shown, _ = written(tmp_path, DENSE, COPY, ((0, 1), (1, 2), (2, 0)), labels=TRUTH)
    assert {cell: [example.row for example in examples] for cell, examples in shown.in_cells.items()} == {
        (0, 1): [1], (1, 2): [2], (2, 0): [],
    }  # fmt: skip


def test_the_most_harmed_are_shown_the_first_of_equal_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_HARMED", 2)
    dense = np.tile([0.9, 0.1], (6, 1))
    fall = np.array([0.6, 0.2, 0.7, 0.6, 0.7, 0.0])
    compressed = np.stack([dense[:, 0] - fall, dense[:, 1] + fall], axis=1)
    shown, _ = written(tmp_path, dense, compressed, labels=np.zeros(6, int), classes=["a", "b"])
    assert [example.row for example in shown.harmed] == [2, 4]


def test_pictures_are_kept_of_the_changed_ones_that_were_harmed_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert written(tmp_path, DENSE, COPY, labels=TRUTH)[0].pictured == ()  # there are none
    monkeypatch.setattr(rows, "MOST_PICTURED", 3)
    of = counted(question(DENSE, COPY, labels=TRUTH), tmp_path)
    shown = write_rows(of, tmp_path / "examples.parquet", -1.0, None, (), {}, has_pictures=True)
    assert [(example.row, example.kind) for example in shown.pictured] == [(1, "lost"), (2, "lost"), (5, "moved")]
