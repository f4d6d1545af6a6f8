"""What prediction depth refuses."""

from __future__ import annotations

import numpy as np
import pytest

from piescope.measure.prediction_depth import prediction_depth


def test_what_prediction_depth_refuses() -> None:
    zeros = np.zeros((2, 3), int)
    with pytest.raises(ValueError, match="'baldock' or 'corti2022'"):
        prediction_depth(zeros, np.zeros(3, int), "corti")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one probe"):
        prediction_depth(np.zeros((0, 3), int), np.zeros(3, int))
    with pytest.raises(ValueError, match="numbers of examples differ"):
        prediction_depth(zeros, np.zeros(4, int))
