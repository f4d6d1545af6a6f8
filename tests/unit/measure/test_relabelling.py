"""What relabelling refuses."""

from __future__ import annotations

import numpy as np
import pytest

from piescope.measure.relabelling import relabelling


def test_pairs_of_classes_come_with_a_count_each() -> None:
    with pytest.raises(ValueError, match="1, 2 and 1 cells; expected as many of each"):
        relabelling(np.array([0]), np.array([1, 1]), np.array([1]), 2)
