"""What lies onto what."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from piescope.measure.alignment import aligned_onto

POINTS = np.random.default_rng(0).normal(size=(30, 2))


@pytest.mark.parametrize("mirrored", [1, -1])
@pytest.mark.parametrize("angle", [0.0, 1.0, 3.0])
def test_a_map_that_was_turned_mirrored_scaled_and_shifted_comes_back(angle: float, mirrored: int) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([1, mirrored])
    assert np.allclose(aligned_onto(7 * POINTS @ turn + [100, -3], POINTS), POINTS)


def test_a_map_of_something_else_is_as_wide_as_the_other_and_turned_as_scipy_turns_it() -> None:
    other = 9 * np.random.default_rng(1).normal(size=(30, 2)) + 4
    laid = aligned_onto(other, POINTS)
    own, still = (points - points.mean(0) for points in (other, POINTS))
    assert np.linalg.norm(laid - laid.mean(0)) == pytest.approx(np.linalg.norm(still))
    turn, _ = orthogonal_procrustes(own, still)
    assert np.allclose(laid - POINTS.mean(0), own @ turn * np.linalg.norm(still) / np.linalg.norm(own))


def test_points_in_one_place_go_to_the_middle() -> None:
    assert np.allclose(aligned_onto(np.ones((30, 2)), POINTS), POINTS.mean(0))
    assert np.allclose(aligned_onto(POINTS, np.ones((30, 2))), 1)
    assert aligned_onto(POINTS[:1], POINTS[5:6]).tolist() == POINTS[5:6].tolist()


def test_what_cannot_be_laid_onto_each_other_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        aligned_onto(POINTS, POINTS[1:])
    with pytest.raises(ValueError, match="twice"):
        aligned_onto(np.zeros((0, 2)), np.zeros((0, 2)))
    with pytest.raises(ValueError, match="NaN"):
        aligned_onto(np.where(POINTS > 1, np.nan, POINTS), POINTS)
