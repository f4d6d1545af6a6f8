"""What is said of models, columns or files that an audit does not have is refused; where one input has them it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from made_questions import question
from piescope.adapters.protocol import Settings
from piescope.problems import InputError

DENSE, COPY, TRUTH = np.array([0, 1, 2, 0] * 9), np.array([0, 1, 2, 1] * 9), np.array([0, 1, 2, 2] * 9)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Both sides, and true labels, as arrays with names and without, and as tables."""
    for name, values in {"dense": DENSE, "copy": COPY}.items():
        np.save(tmp_path / f"{name}.npy", values)
        np.savez(tmp_path / f"{name}.npz", predictions=values)
        frame = pd.DataFrame({"key": np.arange(36), "answer": values})
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        frame.to_parquet(tmp_path / f"{name}.parquet", index=False)
    np.save(tmp_path / "labels.npy", TRUTH)
    pd.DataFrame({"key": np.arange(36)[::-1], "label": TRUTH[::-1]}).to_csv(tmp_path / "labels.csv", index=False)
    return tmp_path


@pytest.mark.parametrize(
    ("kinds", "options", "refused"),
    [
        ("npy npy", {"prediction_column": "answer"}, "--prediction-column"),
        ("npy npy", {"score_columns": ["a", "b"]}, "--score-columns"),
        ("npy npy", {"id_column": "key"}, "--id-column"),
        ("npz npz", {"id_column": "key"}, "--id-column"),
        ("npy npy", {"id_column": "key", "labels": "labels.npy"}, "--id-column"),
        ("npy npy", {"header": True}, "--header"),
        ("parquet npz", {"header": False}, "--no-header"),
        ("npy npy", {"data_dir": "data"}, "--data-dir"),
        ("npy npy", {"device": "cuda"}, "--device"),
        ("csv csv", {"prediction_column": "answer", "settings": Settings(mean=(0.5,))}, "--mean"),
        ("npy npy", {"settings": Settings()}, "--size"),
    ],
)
def test_what_nothing_can_use_is_refused(files: Path, kinds: str, options: dict[str, Any], refused: str) -> None:
    one, other = kinds.split()
    if "labels" in options:
        options = {**options, "labels": files / options["labels"]}
    with pytest.raises(InputError) as refusal:
        question(files / f"dense.{one}", files / f"copy.{other}", **options)
    (problem,) = refusal.value.problems
    assert problem.where == refused and f"leave {refused} out" in problem.cure


@pytest.mark.parametrize(
    ("kinds", "options"),
    [
        ("csv npy", {"prediction_column": "answer", "header": True}),
        ("npy parquet", {"prediction_column": "answer", "id_column": "key"}),
        ("npz npy", {"prediction_column": "predictions"}),
        ("npy npy", {"labels": "labels.csv", "header": True}),
        ("npy npy", {"labels": "labels.csv", "id_column": "key"}),
    ],
)
def test_one_input_that_can_use_it_is_enough(files: Path, kinds: str, options: dict[str, Any]) -> None:
    one, other = kinds.split()
    if "labels" in options:
        options = {**options, "labels": files / options["labels"]}
    asked = question(files / f"dense.{one}", files / f"copy.{other}", **options)
    assert [part.labels(slice(None)).tolist() for side in (asked.dense, asked.compressed) for part in side.parts] == [
        [DENSE.tolist()],
        [COPY.tolist()],
    ]


def test_arrays_too_are_right_from_a_score_on(files: Path) -> None:
    scores = np.linspace(0, 1, 36)
    asked = question(scores, scores[::-1].copy(), right_from=0.5)
    assert asked.is_right_or_wrong
    assert asked.dense.parts[0].labels(slice(None))[0].tolist() == (scores >= 0.5).astype(int).tolist()
    with pytest.raises(InputError, match="some from 50 on"):
        question(scores, scores[::-1].copy(), right_from=50)
    pd.DataFrame({"score": scores}).to_csv(files / "scores.csv", index=False)
    with pytest.raises(InputError, match="some from 50 on"):
        question(files / "scores.csv", files / "scores.csv", right_from=50)
    np.savez(files / "scores.npz", score=scores)
    assert question(files / "scores.npz", scores, right_from=0.25).is_right_or_wrong
