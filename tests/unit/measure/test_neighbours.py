"""What neighbours refuse."""

from __future__ import annotations

import numpy as np
import pytest

from piescope.measure.neighbours import knn_labels


def test_what_neighbours_refuse() -> None:
    with pytest.raises(ValueError, match="expected 1 to 2"):
        knn_labels(np.zeros((2, 1)), np.zeros(2, int), np.zeros((1, 1)), k=3)
    with pytest.raises(ValueError, match="one label each"):
        knn_labels(np.zeros((2, 1)), np.zeros(3, int), np.zeros((1, 1)), k=1)
    with pytest.raises(ValueError, match=r"\[n, dims\] and \[m, dims\]"):
        knn_labels(np.zeros((2, 1)), np.zeros(2, int), np.zeros((1, 2)), k=1)
    with pytest.raises(ValueError, match="NaN or infinity"):
        knn_labels(np.full((2, 1), np.nan), np.zeros(2, int), np.zeros((1, 1)), k=1)
