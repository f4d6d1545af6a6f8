"""What neighbours refuse."""

from __future__ import annotations

import numpy as np
import pytest

from piescope.measure.neighbours import knn_labels, nearest_by_angle


def test_what_neighbours_refuse() -> None:
    with pytest.raises(ValueError, match="expected 1 to 2"):
        knn_labels(np.zeros((2, 1)), np.zeros(2, int), np.zeros((1, 1)), k=3)
    with pytest.raises(ValueError, match="one label each"):
        knn_labels(np.zeros((2, 1)), np.zeros(3, int), np.zeros((1, 1)), k=1)
    with pytest.raises(ValueError, match=r"\[n, dims\] and \[m, dims\]"):
        knn_labels(np.zeros((2, 1)), np.zeros(2, int), np.zeros((1, 2)), k=1)
    with pytest.raises(ValueError, match="NaN or infinity"):
        knn_labels(np.full((2, 1), np.nan), np.zeros(2, int), np.zeros((1, 1)), k=1)
    with pytest.raises(ValueError, match="expected 1 to 1"):
        nearest_by_angle(np.ones((2, 1)), k=2)
    with pytest.raises(ValueError, match=r"\[examples, dims\]"):
        nearest_by_angle(np.ones(2), k=1)
    with pytest.raises(ValueError, match="NaN or infinite"):
        nearest_by_angle(np.array([[1.0], [np.inf]]), k=1)


def test_duplicates_are_neighbours_and_an_example_is_not_its_own() -> None:
    found = nearest_by_angle(np.array([[1.0, 0.0]] * 100 + [[0.0, 1.0]] * 3), k=2)
    assert all(row not in near and max(near) < 100 for row, near in enumerate(found[:100].tolist()))
    assert [set(near) for near in found[100:].tolist()] == [{101, 102}, {100, 102}, {100, 101}]


def test_labels_may_be_far_apart_and_k_any_whole_number() -> None:
    points = np.array([[0.0], [1.0], [9.0]])
    labels = np.array([10**9, 7, 10**9])
    assert knn_labels(points, labels, points, k=np.uint8(1)).tolist() == [10**9, 7, 10**9]  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"k is 1\.0"):
        knn_labels(points, labels, points, k=1.0)  # type: ignore[arg-type]
