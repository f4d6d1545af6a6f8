"""UMAP: its seed, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from piescope.measure.projection import umap_projection


def test_umap_needs_fewer_neighbours_than_points() -> None:
    with pytest.raises(ValueError, match="expected 2 to 4"):
        umap_projection(np.zeros((5, 2)), seed=0)


def test_umap_follows_its_seed() -> None:
    points = np.random.default_rng(0).normal(size=(60, 5))
    first = umap_projection(points, seed=1)
    assert np.array_equal(first, umap_projection(points, seed=1))
    assert not np.array_equal(first, umap_projection(points, seed=2))
