"""What compression did to representations: rows found by id, every number against a slow form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from piescope.auditing.answers import embeddings
from piescope.audits import audit
from piescope.measure.q_score import q_score
from piescope.measure.similarity import linear_cka
from piescope.problems import InputError
from piescope.store.audit_record import Embeddings

EXAMPLES, DIMS = 80, 5
TRUTH = np.arange(EXAMPLES) % 4
IDS = [f"img-{row}" for row in range(EXAMPLES)]


def points(seed: int, noise: float) -> np.ndarray:
    """``[examples, dims]`` around a centre for each class."""
    centres = 4 * np.eye(4, DIMS)
    return (centres[TRUTH] + np.random.default_rng(seed).normal(0, noise, (EXAMPLES, DIMS))).astype(np.float32)


def audited(
    folder: Path, dense: np.ndarray, compressed: np.ndarray, **options: Any
) -> tuple[Embeddings, dict[str, Any]]:
    """The answers and the columns of examples.parquet; the compressed file has its rows in another order."""
    random = np.random.default_rng(0)
    labels = np.where(random.random((2, EXAMPLES)) < 0.9, TRUTH, (TRUTH + 1) % 4)
    order = random.permutation(EXAMPLES)
    for name, values, rows in (("dense", dense, slice(None)), ("compressed", compressed, order)):
        ids = pa.array(np.array(IDS)[rows])
        parquet.write_table(pa.table({"id": ids, "embedding": list(values[rows])}), folder / f"{name}-points.parquet")
    sides = []
    for name, said in zip(("dense", "compressed"), labels, strict=True):
        parquet.write_table(pa.table({"id": IDS, "prediction": said, "label": TRUTH}), folder / f"{name}.parquet")
        sides.append(folder / f"{name}.parquet")
    files = {f"{name}_embeddings": folder / f"{name}-points.parquet" for name in ("dense", "compressed")}
    record = audit(*sides, out=folder / "out", **files, **options).record
    assert record.embeddings is not None
    return record.embeddings, parquet.read_table(folder / "out" / "examples.parquet").to_pydict()


def nearest(values: np.ndarray, count: int) -> list[set[int]]:
    """Of each example the nearest others."""
    distances = ((values[:, None].astype(np.float64) - values[None]) ** 2).sum(2)
    np.fill_diagonal(distances, np.inf)
    return [set(row.argsort()[:count].tolist()) for row in distances]


def test_numbers_are_those_of_slow_forms(tmp_path: Path) -> None:
    dense, compressed = points(1, 1.0), points(2, 1.5)
    answers, columns = audited(tmp_path, dense, compressed)
    assert (answers.dims, answers.examples, answers.k, answers.overlap_k) == ((DIMS, DIMS), EXAMPLES, 30, 10)
    assert answers.cka == pytest.approx(linear_cka(dense, compressed), abs=1e-6)
    shared = [len(one & other) / 10 for one, other in zip(nearest(dense, 10), nearest(compressed, 10), strict=True)]
    assert answers.neighbourhood_overlap == pytest.approx(np.mean(shared))
    votes = [
        [np.bincount(TRUTH[list(near)], minlength=4).argmax() for near in nearest(side, 30)]
        for side in (dense, compressed)
    ]
    agree = np.array(votes[0]) == np.array(votes[1])
    assert answers.knn_agreement == pytest.approx(100 * agree.mean())
    assert answers.knn_accuracy is not None
    right = [100 * (np.array(side) == TRUTH).mean() for side in votes]
    assert [answers.knn_accuracy.dense, answers.knn_accuracy.compressed] == pytest.approx(right)
    scores = [q_score(side).q for side in (dense, compressed)]
    assert columns["dense_q"] == pytest.approx(scores[0]) and columns["compressed_q"] == pytest.approx(scores[1])
    changed = np.array(columns["is_changed"])
    assert answers.q_score.changed.compressed == pytest.approx(scores[1][changed].mean())
    assert answers.q_score.other.dense == pytest.approx(scores[0][~changed].mean())
    assert answers.prediction_depth is None


def test_the_same_representations_in_another_order_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "ROWS", 7)
    values = points(1, 1.0)
    answers, columns = audited(tmp_path, values, values)
    assert (answers.neighbourhood_overlap, answers.knn_agreement) == (1.0, 100.0)
    assert answers.cka == pytest.approx(1.0) and columns["dense_q"] == columns["compressed_q"]


def test_many_examples_are_drawn_from_by_the_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "MOST_POINTS", 40)
    dense, compressed = points(1, 1.0), points(2, 1.5)
    first, again, other = (audited(tmp_path, dense, compressed, seed=seed)[0] for seed in (0, 0, 1))
    assert first.examples == 40 and first == again != other
    assert first.q_score == other.q_score  # of all


def test_depth_is_the_layer_from_which_on_neighbours_say_what_the_model_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Classes are apart from layer 1 on in the dense model, from layer 2 on in the copy; before, some are right by chance."""
    monkeypatch.setattr(embeddings, "K", 10)  # of 20 in each class
    mixed = np.random.default_rng(3).normal(0, 1, (EXAMPLES, DIMS)).astype(np.float32)
    apart = [points(seed, 0.1) for seed in (4, 5)]
    for side, layers in (("dense", [mixed, *apart]), ("copy", [mixed, mixed, apart[0]])):
        for place, values in enumerate(layers):
            np.save(tmp_path / f"{side}-{place}.npy", values)
    folders = {"dense_layers": str(tmp_path / "dense-*.npy"), "compressed_layers": str(tmp_path / "copy-*.npy")}
    record = audit(TRUTH, TRUTH, labels=TRUTH, out=tmp_path / "out", **folders).record
    assert record.embeddings is not None and record.embeddings.prediction_depth is not None
    depth = record.embeddings.prediction_depth
    right = [np.bincount(TRUTH[list(near)], minlength=4).argmax() for near in nearest(mixed, 10)] == TRUTH
    assert 0 < right.mean() < 0.5
    assert [depth.dense, depth.compressed] == pytest.approx([(~right).mean(), 2 * (~right).mean()])
    assert depth.layers == 3 and depth.changed.dense is None  # no label changed
    columns = parquet.read_table(tmp_path / "out" / "examples.parquet").to_pydict()
    assert columns["dense_depth"] == (~right).tolist() and columns["compressed_depth"] == (2 * (~right)).tolist()


def test_what_is_no_number_is_refused_with_its_example(tmp_path: Path) -> None:
    broken = points(1, 1.0)
    broken[17, 2] = np.nan
    with pytest.raises(InputError, match="img-17"):
        audited(tmp_path, points(1, 1.0), broken)
