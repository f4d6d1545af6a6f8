"""knn_labels against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from piescope.measure.neighbours import knn_labels


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
