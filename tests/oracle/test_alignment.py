"""aligned_onto against SciPy's Procrustes analysis, and against a search."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial import procrustes

from piescope.measure.alignment import aligned_onto


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dims", [2, 3])
def test_against_scipy(seed: int, dims: int) -> None:
    random = np.random.default_rng(seed)
    target = random.normal(size=(40, dims)) * 5 + 2
    points = target @ random.normal(size=(dims, dims)) + random.normal(size=(40, dims))
    standard, laid, _ = procrustes(target, points)
    size = np.linalg.norm(target - target.mean(0))
    assert np.allclose((target - target.mean(0)) / size, standard)
    # SciPy draws a map together the less it has in common with the target; direction and place are the same
    assert np.allclose((aligned_onto(points, target) - target.mean(0)) / size, laid / np.linalg.norm(laid))


@pytest.mark.parametrize("seed", range(3))
def test_no_other_place_or_direction_is_nearer_at_the_targets_size(seed: int) -> None:
    random = np.random.default_rng(seed)
    target, points = random.normal(size=(2, 25, 2))
    least = ((aligned_onto(points, target) - target) ** 2).sum()

    size = np.linalg.norm(target - target.mean(0)) / np.linalg.norm(points - points.mean(0))

    def error(parameters: np.ndarray, mirrored: int) -> float:
        angle, *shift = parameters
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([1, mirrored])
        return float(((size * points @ turn + shift - target) ** 2).sum())

    starts = [(angle, mirrored) for angle in (0.0, 2.0, 4.0) for mirrored in (1, -1)]
    found = [minimize(error, (angle, 0.0, 0.0), args=(mirrored,)).fun for angle, mirrored in starts]
    assert least == pytest.approx(min(found), rel=1e-4)
