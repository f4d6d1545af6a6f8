"""Neighbours against scikit-learn, faiss and loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from piescope.measure.neighbours import knn_labels, nearest_by_angle, neighbours_within


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("k", [1, 5, 30])
@pytest.mark.parametrize(("dims", "offset"), [(2, 0.0), (64, 0.0), (16, 500.0)])
def test_against_scikit_learn(seed: int, k: int, dims: int, offset: float) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 7, 400)
    bank = random.normal(size=(400, dims)) + labels[:, None] * 0.3 + offset
    queries = random.normal(size=(100, dims)) + 0.5 + offset
    theirs = KNeighborsClassifier(k, algorithm="brute").fit(bank, labels).predict(queries)
    assert np.array_equal(knn_labels(bank, labels, queries, k), theirs)


def test_ties_of_votes_go_to_the_smallest_label() -> None:
    bank = np.array([[0.0], [1.0], [10.0], [11.0]])
    assert knn_labels(bank, np.array([3, 1, 2, 0]), np.array([[0.4], [10.4]]), k=2).tolist() == [1, 0]


def test_torch_tensors() -> None:
    bank = torch.tensor([[0.0], [1.0]], requires_grad=True)
    assert knn_labels(bank, torch.tensor([4, 5]), torch.tensor([[0.9]]), k=1).tolist() == [5]


@pytest.mark.parametrize("examples", [2, 11, 64, 65, 700, 3000])
@pytest.mark.parametrize("dims", [2, 64])
def test_nearest_by_angle_against_scikit_learn(examples: int, dims: int) -> None:
    random = np.random.default_rng(examples)
    points = np.abs(random.normal(size=(examples, dims))) * random.lognormal(0, 3, size=(examples, 1))
    k = min(10, examples - 1)
    theirs = NearestNeighbors(n_neighbors=k, metric="cosine", algorithm="brute").fit(points)
    distances, _ = theirs.kneighbors()
    ours = nearest_by_angle(points, k)
    assert ours.shape == (examples, k) and not (ours == np.arange(examples)[:, None]).any()
    assert all(len(set(row)) == k for row in ours.tolist())
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    assert np.allclose(1 - (unit[:, None] * unit[ours]).sum(-1), distances, atol=2e-6)


def test_nearest_by_angle_against_faiss() -> None:
    points = np.random.default_rng(0).normal(size=(5000, 32)).astype(np.float32)
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    assert (nearest_by_angle(points, 10) == neighbours_within(unit, 10)).mean() > 0.999


def test_nearest_by_angle_against_a_loop() -> None:
    points = np.random.default_rng(3).integers(-3, 4, size=(150, 3)).astype(float)
    points[7] = 0  # has no direction: as far from all
    for row, found in enumerate(nearest_by_angle(points, 5).tolist()):
        alike = []
        for other, point in enumerate(points):
            length = float(np.sqrt(points[row] @ points[row]) * np.sqrt(point @ point))
            alike.append(-9.0 if other == row else float(points[row] @ point) / length if length else 0.0)
        assert [alike[place] for place in found] == pytest.approx(sorted(alike, reverse=True)[:5], abs=1e-6)
