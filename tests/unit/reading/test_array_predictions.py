"""Predictions and labels from arrays: what is refused, and what looks wrong and works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from made_predictions import as_csv, as_npy
from made_refusals import GOOD, Cases, Refusal, write
from piescope.audits import audit
from piescope.problems import InputError
from piescope.reading.array_predictions import values_of
from piescope.reading.arrays import in_memory

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


RANDOM = np.random.default_rng(4)
NORMAL = RANDOM.normal(0, 3, (300, 5))
CHANCES = np.exp(NORMAL) / np.exp(NORMAL).sum(1, keepdims=True)


def kind_of(values: np.ndarray) -> str:
    array = in_memory(values, "scores")
    return values_of(values, array, np.arange(max(values.shape[:-1] or values.shape)))


def but(row: int, values: np.ndarray | float | list[float], chances: np.ndarray = CHANCES) -> np.ndarray:
    changed = chances.copy()
    changed[row] = values
    return changed


STRAY = {
    "a little below 0": (but(7, [1.0001, -0.0001, 0, 0, 0]), "row 7"),
    "times 1.5": (but(4, CHANCES[4] * 1.5), "row 4"),
    "percent": (but(0, CHANCES[0] * 100), "row 0"),
    "infinite": (but(299, np.inf), "row 299"),
    "four in ten rows are logits": (np.where(np.arange(300)[:, None] % 5 < 2, NORMAL, CHANCES), "row 0"),
    "several models": (np.stack([but(9, [2, -1, 0, 0, 0]), CHANCES]), "row 9"),
    "one score": (but(8, 1.5, CHANCES[:, 0]), "row 8"),
    "one score in a column": (but(8, -0.5, CHANCES[:, :1]), "row 8"),
}


@pytest.mark.parametrize("name", STRAY)
def test_probabilities_with_a_stray_row_are_no_logits(name: str) -> None:
    values, row = STRAY[name]
    with pytest.raises(InputError) as caught:
        kind_of(values)
    assert f", {row}\n" in str(caught.value)
    assert "--values logits" in str(caught.value) and "mend that row" in str(caught.value)


@pytest.mark.parametrize("factor", [1.3, 1.9, 255.5])
@pytest.mark.parametrize("digits", [9, 2])
def test_rows_of_one_sum_that_is_not_1_are_no_logits(factor: float, digits: int) -> None:
    for values in (CHANCES.round(digits) * factor, CHANCES[:8] * factor, np.stack([CHANCES, CHANCES[::-1]]) * factor):
        with pytest.raises(InputError, match=r"(?s)sum to .* in every row.*--values logits.*divide each row"):
            kind_of(values)


def test_what_are_probabilities_stays_so() -> None:
    for dtype in (np.float16, np.float32, np.float64):
        assert kind_of(CHANCES.astype(dtype)) == "probabilities"
    coarse = (CHANCES.astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32)  # bfloat16, cut
    for values in (coarse, CHANCES.round(2), but(3, [1, 0, 0, 0, 0]), CHANCES[:, 0], np.stack([CHANCES] * 2)):
        assert kind_of(values) == "probabilities"


@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
def test_what_are_logits_stays_so(classes: int) -> None:
    values = np.random.default_rng(classes).normal(0, 3, (300, classes))
    collapsed = np.abs(values[:1])  # a copy that says the same of all examples
    logits = {
        "of either sign": values,
        "small": values / 10,
        "rectified": np.maximum(values, 0),
        "centred": values - values.mean(1, keepdims=True),
        "log-probabilities": values - np.log(np.exp(values).sum(1, keepdims=True)),
        "far above 0": values + 15,
        "alike": np.repeat(collapsed, 300, 0),
        "nearly alike": collapsed + 1e-4 * np.abs(values),
        "around a half": values / 10 + 0.5,
        "few": values[:3],
        "one of two rows sums to 1": np.array([[0.5, 0.5], [0.5, 1.5]]),
        "of class 1": values[:, 0],
        "of class 1, mostly above 0": values[:, 0] / 3 + 1,
    }
    for name, scores in logits.items():
        for dtype in (np.float16, np.float32, np.float64):
            assert kind_of(scores.astype(dtype)) == "logits", name


def test_the_cure_for_a_stray_row_in_a_table(tmp_path: Path) -> None:
    columns = {f"prob_{name}": but(2, CHANCES[2] * 1.5)[:40, place] for place, name in enumerate("abcde")}
    path = as_csv(pa.table({"id": [f"e{row}" for row in range(40)], **columns}), tmp_path / "c.csv")
    with pytest.raises(InputError, match=r"(?s)row 2.*97.5% of 40 rows"):
        audit(path, path, out=tmp_path / "out")
    assert audit(path, path, values="logits", out=tmp_path / "out")["changed"] == 0
