"""What similarity refuses, and points of any size."""

from __future__ import annotations

import math

import numpy as np
import pytest

from piescope.measure.neighbours import neighbours_within
from piescope.measure.similarity import KnnLabels, knn_agreement, linear_cka, neighbourhood_overlap
from refused import refused

POINTS = np.random.default_rng(0).normal(size=(12, 3))
NAN = np.where(np.arange(36).reshape(12, 3) == 7, np.nan, POINTS)
LABELS = np.arange(12) % 3


def test_what_similarity_refuses() -> None:
    for measure in (linear_cka, neighbourhood_overlap):
        refused(lambda measure=measure: measure(POINTS, POINTS[:11]), "[12, 3]", "[11, 3]")
        refused(lambda measure=measure: measure(POINTS, LABELS.astype(float)), "[12]")
        for bad in (NAN, np.where(np.isnan(NAN), np.inf, NAN)):
            for pair in ((POINTS, bad), (bad, POINTS)):
                with pytest.raises(ValueError, match=r"NaN or infinity.*leave the diverged model out"):
                    measure(*pair)
    refused(lambda: linear_cka(POINTS[:3], POINTS[:3]), "4 or more")
    refused(lambda: linear_cka(POINTS[:1], POINTS[:1], debiased=False), "2 or more")
    assert np.isfinite(linear_cka(POINTS[:4], POINTS[:4])) and np.isfinite(linear_cka(POINTS[:2], POINTS[:2], False))
    assert math.isnan(linear_cka(np.zeros((12, 0)), POINTS))
    for k in (0, 12, 13, -1):
        refused(lambda k=k: neighbourhood_overlap(POINTS, POINTS, k), f"k is {k} with 12 points", "1 to 11")
        refused(lambda k=k: knn_agreement(POINTS, POINTS, LABELS, k), f"k is {k} with 12 points", "1 to 11")
    refused(lambda: neighbours_within(np.zeros((5, 0)), 2), "[5, 0]")
    refused(lambda: neighbours_within(np.zeros((0, 5)), 1), "0 points")
    refused(lambda: knn_agreement(POINTS, POINTS, LABELS[:5], 2), "12 examples and 5 labels")
    refused(lambda: knn_agreement(POINTS, POINTS, LABELS.astype(float), 2), "float64")
    assert (neighbourhood_overlap(POINTS, -POINTS, 11) == 1).all()
    assert math.isnan(KnnLabels(np.zeros(0, int), np.zeros(0, int)).agreement)


def test_points_of_any_size_are_neither_lost_nor_overflow() -> None:
    """Squares of these are no float32, of the first and last no float64 either."""
    near = neighbours_within(POINTS, 4)
    for size in (1e-200, 1e-30, 1e30, 1e200):
        assert np.array_equal(neighbours_within(POINTS * size, 4), near)
        assert linear_cka(POINTS * size, POINTS) == pytest.approx(1)
