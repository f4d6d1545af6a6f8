"""What Cohen's kappa refuses; its numbers are in tests/oracle."""

from __future__ import annotations

import numpy as np
import pytest

from piescope.measure.agreement import cohen_kappa


def test_cells_and_counts_go_together() -> None:
    with pytest.raises(ValueError, match="counts"):
        cohen_kappa(np.zeros(2, int), np.zeros(2, int), np.ones(3, int), 2)
