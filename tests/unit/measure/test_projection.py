"""UMAP: what is refused. That it follows its seed is the example of its docstring: compiling it takes seconds."""

from __future__ import annotations

import numpy as np
import pytest

from piescope.measure.projection import umap_projection


def test_umap_needs_fewer_neighbours_than_points() -> None:
    with pytest.raises(ValueError, match="expected 2 to 4"):
        umap_projection(np.zeros((5, 2)), seed=0)
