"""Predictions and labels from arrays: what is refused, and what looks wrong and works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from made_predictions import as_csv, as_npy
from made_refusals import GOOD, Cases, Refusal, write
from piescope.audits import audit

CASES = Cases()


@CASES.add
def an_array_without_rows(root: Path) -> Refusal:
    return {"dense": as_npy(np.zeros((0, 10)), root / "d.npy"), "compressed": np.array([1])}, (
        "d.npy: array",
        "shape [0, 10]",
    )


@CASES.add
def a_fraction_among_whole_numbers(root: Path) -> Refusal:
    return {"dense": as_npy(np.array([0, 1, 2.5, 3]), root / "d.npy"), "compressed": np.array([0, 1, 1, 3])}, (
        "d.npy: array, row 2",
        "2.5 among whole numbers",
        "--values logits",
    )


@CASES.add
def one_hot_predictions(root: Path) -> Refusal:
    return {
        "dense": as_npy(np.eye(3, dtype=int)[np.arange(30) % 3], root / "d.npy"),
        "compressed": np.arange(30) % 3,
    }, ("d.npy: array", "one-hot rows", "[30, 3]", "--values probabilities")


@CASES.add
def one_hot_labels(root: Path) -> Refusal:
    labels = as_npy(np.eye(3, dtype=int)[np.arange(30) % 3], root / "l.npy")
    return {"dense": np.arange(30) % 3, "compressed": np.arange(30) % 3, "labels": labels}, (
        "l.npy: array",
        "shape [30, 3]",
        "argmax(1)",
    )


@CASES.add
def probabilities_that_do_not_sum_to_1(root: Path) -> Refusal:
    return {
        "dense": write(root, "d.csv", "id,cat,dog\na,0.5,0.5\nb,0.5,0.9\nc,1.0,0\n"),
        "compressed": write(root, "c.csv", GOOD),
    }, ("d.csv: 'cat', 'dog', row 1", "sum to 1.4", "--values logits")


@CASES.add
def sigmoids(root: Path) -> Refusal:
    return {"dense": as_npy(np.full((10, 4), 0.9), root / "d.npy"), "compressed": np.zeros(10, int)}, (
        "d.npy: array, row 0",
        "sum to 3.6 (10 such of 10",
        "sigmoids",
    )


@CASES.add
def four_axes(root: Path) -> Refusal:
    return {"dense": as_npy(np.zeros((2, 2, 2, 2)), root / "d.npy"), "compressed": np.array([0, 1])}, (
        "d.npy: array",
        "shape [2, 2, 2, 2]",
        "[models, examples, classes]",
    )


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)


def test_one_score_an_example_of_several_models(tmp_path: Path) -> None:
    chance = np.random.default_rng(0).random((3, 40)).astype(np.float32)
    expected = (chance > 0.5).astype(int)
    values = ("probabilities", "labels")  # drawn at random: nothing else tells that these are models
    result = audit(as_npy(chance[..., None], tmp_path / "d.npy"), expected, labels=expected[0], values=values)
    assert result["changed"] == 0
    assert result["inputs"]["dense"]["n_models"] == 3
    long = pa.table(
        {
            "example": [f"e{example}" for _ in range(3) for example in range(40)],
            "model": [f"s{model}" for model in range(3) for _ in range(40)],
            "probability of dog": chance.reshape(-1).astype(np.float64),
        }
    )
    result = audit(as_csv(long, tmp_path / "long.csv"), expected, labels=expected[0], values=values)
    assert result["changed"] == 0
    assert result["inputs"]["dense"]["n_models"] == 3
