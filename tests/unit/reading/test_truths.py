"""True labels beside predictions: rows that were brought together have the same, or nothing is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from piescope import audit
from piescope.problems import InputError

ROWS = 40
NAMES = np.array(["ant", "bee", "cat"])
TRUTH = np.arange(ROWS) * 7 % 3
DENSE = np.where(np.arange(ROWS) % 10 == 0, (TRUTH + 1) % 3, TRUTH)
COMPRESSED = np.where(np.arange(ROWS) % 8 == 0, (TRUTH + 2) % 3, TRUTH)
ORDER = np.r_[np.arange(8)[::-1], np.arange(8, ROWS)]
CHANGED = int((DENSE != COMPRESSED).sum())


def table(path: Path, order: np.ndarray | None = None, **columns: np.ndarray) -> Path:
    """A CSV file of columns, its rows in an order."""
    rows = np.arange(ROWS) if order is None else order
    lines = [",".join(columns), *(",".join(str(values[row]) for values in columns.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def dense(tmp_path: Path) -> Path:
    return table(tmp_path / "d.csv", y_true=NAMES[TRUTH], y_pred=NAMES[DENSE])


IDS = np.array([f"img_{row * row:04}" for row in range(ROWS)])
"""They do not number the rows: those that do, in another order, are refused whatever the truth."""


def test_rows_in_another_order_are_seen_by_the_truth_where_one_side_has_ids(dense: Path, tmp_path: Path) -> None:
    columns = {"image_id": IDS, "y_true": NAMES[TRUTH], "y_pred": NAMES[COMPRESSED]}
    assert audit(dense, table(tmp_path / "c.csv", **columns))["changed"] == CHANGED
    shuffled = table(tmp_path / "s.csv", ORDER, **columns)
    with pytest.raises(InputError, match=r"s\.csv: labels, row 0\n.*same labels in another order(.|\n)*--id-column"):
        audit(dense, shuffled)
    labels = table(tmp_path / "y.csv", y_true=NAMES[TRUTH])
    with pytest.raises(InputError, match="in another order"):  # a file of labels mends no order
        audit(dense, shuffled, labels=labels)
    both = table(tmp_path / "d2.csv", image_id=IDS, y_true=NAMES[TRUTH], y_pred=NAMES[DENSE])
    assert audit(both, shuffled)["changed"] == CHANGED


def test_so_they_are_where_a_class_is_written_in_two_ways(dense: Path, tmp_path: Path) -> None:
    truth = NAMES[TRUTH].copy()
    truth[20] = truth[20].upper()
    other = table(tmp_path / "c.csv", ORDER, y_true=truth, y_pred=NAMES[COMPRESSED])
    with pytest.raises(InputError, match=r"labels, row 0\n.*another true label(.|\n)*in another order, match by"):
        audit(dense, other)
    other = table(tmp_path / "c.csv", y_true=truth, y_pred=NAMES[COMPRESSED])
    with pytest.raises(InputError, match=r"labels, row 20\n"):
        audit(dense, other)


@pytest.mark.parametrize("names", [NAMES, np.array(["0", "1", "2"])])
def test_names_in_one_file_and_ids_in_the_other_correspond(names: np.ndarray, tmp_path: Path) -> None:
    one = tmp_path / "d.jsonl"
    one.write_text(
        "".join(f'{{"y_true": "{names[t]}", "y_pred": "{names[p]}"}}\n' for t, p in zip(TRUTH, DENSE, strict=True))
    )
    columns = {"y_true": TRUTH, "y_pred": names[COMPRESSED]}
    assert audit(one, table(tmp_path / "c.csv", **columns))["changed"] == CHANGED
    with pytest.raises(InputError, match=r"labels, row \d+\n.*another true label"):
        audit(one, table(tmp_path / "s.csv", ORDER, **columns))


def test_labels_that_were_mended_on_one_side_are_told_and_those_of_a_file_taken(dense: Path, tmp_path: Path) -> None:
    mended = TRUTH.copy()
    mended[[3, 11]] = (mended[[3, 11]] + 1) % 3
    for ids in ({}, {"id": IDS}):
        one = table(tmp_path / "one.csv", **ids, y_true=NAMES[TRUTH], y_pred=NAMES[DENSE])
        other = table(tmp_path / "other.csv", **ids, y_true=NAMES[mended], y_pred=NAMES[COMPRESSED])
        with pytest.raises(InputError, match=r"another true label than in one\.csv(.|\n)*--labels FILE"):
            audit(one, other)
        labels = table(tmp_path / "labels.csv", **ids, y_true=NAMES[mended])
        found = audit(one, other, labels=labels)
        assert found["accuracy"]["compressed"] == pytest.approx(100 * (mended == COMPRESSED).mean())
        note = "one.csv and other.csv have other true labels in 2 rows: those of labels.csv are taken"
        assert note in found["inputs"]["notes"]


def test_two_labels_that_were_exchanged_are_no_other_order_where_there_are_ids(tmp_path: Path) -> None:
    mended = TRUTH.copy()
    mended[[0, 1]] = mended[[1, 0]]
    assert (mended != TRUTH).sum() == 2
    one = table(tmp_path / "one.csv", id=IDS, y_true=NAMES[TRUTH], y_pred=NAMES[DENSE])
    other = table(tmp_path / "other.csv", id=IDS, y_true=NAMES[mended], y_pred=NAMES[COMPRESSED])
    with pytest.raises(InputError, match="--labels FILE"):
        audit(one, other)
    labels = table(tmp_path / "labels.csv", id=IDS, y_true=NAMES[mended])
    assert audit(one, other, labels=labels)["changed"] == CHANGED


def test_ids_that_only_count_the_rows_are_seen_through(tmp_path: Path) -> None:
    count = np.arange(ROWS)
    one = table(tmp_path / "d.csv", id=count, y_true=NAMES[TRUTH], y_pred=NAMES[DENSE])
    columns = {"y_true": NAMES[TRUTH][ORDER], "y_pred": NAMES[COMPRESSED][ORDER]}
    other = table(tmp_path / "c.csv", id=count, **columns)
    with pytest.raises(InputError, match=r"labels, example '0'\n(.|\n)*the ids count the rows, it seems"):
        audit(one, other)


def test_every_file_of_a_side_is_looked_at(dense: Path, tmp_path: Path) -> None:
    seeds = [table(tmp_path / f"c{seed}.csv", y_true=NAMES[TRUTH], y_pred=NAMES[COMPRESSED]) for seed in range(3)]
    assert audit(dense, seeds)["inputs"]["compressed"]["n_models"] == 3
    table(seeds[2], ORDER, y_true=NAMES[TRUTH], y_pred=NAMES[COMPRESSED])
    with pytest.raises(InputError, match=r"c2\.csv: labels, row 0"):
        audit(dense, seeds)
