"""What tests and intervals of flips refuse, and what they say where there is nothing to measure."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from piescope.measure.flips import (
    adjusted_p_values,
    change_interval,
    exact_share_interval,
    mcnemar_p,
    share_interval,
)
from refused import refused


def test_what_flips_refuse() -> None:
    refused(lambda: mcnemar_p(-1, 3), "only_first", "-1")
    refused(lambda: mcnemar_p(1, 2.5), "only_second", "float64")  # type: ignore[arg-type]
    refused(lambda: mcnemar_p(np.ones(3, bool), 2), "bool")
    refused(lambda: mcnemar_p(np.ones(3, int), np.ones(2, int)), "only_first [3]", "only_second [2]")
    for interval in (share_interval, exact_share_interval):
        refused(lambda interval=interval: interval(5, 4), "above its total")
        refused(lambda interval=interval: interval(np.array([-5]), 4), "-5")
        for confidence in (0, 1, 95, math.nan):
            refused(lambda interval=interval, given=confidence: interval(1, 4, given), "confidence")
    refused(lambda: exact_share_interval(1, 4, side="top"), "'top'")  # type: ignore[arg-type]
    refused(lambda: change_interval(3, 2, 4), "lost + gained <= total")
    refused(lambda: change_interval(3, 2, 10, 95), "confidence is 95")
    refused(lambda: adjusted_p_values(np.array([0.1, 1.5])), "1.5")
    refused(lambda: adjusted_p_values(np.array([[0.1]])), "[1, 1]")
    with pytest.raises(ValueError, match="only_first holds datetime64"):
        mcnemar_p(np.array(["2020-01-01"], "datetime64[D]"), 1)


def test_classes_without_examples_have_no_interval_and_spoil_no_other() -> None:
    for low, high in (
        share_interval(np.array([0, 1]), np.array([0, 5])),
        exact_share_interval(np.array([0, 1]), np.array([0, 5])),
        exact_share_interval(np.array([0, 1]), np.array([0, 5]), side="upper"),
        change_interval(np.array([0, 1]), 0, np.array([0, 5])),
    ):
        assert np.isnan([low[0], high[0]]).all() and np.isfinite([low[1], high[1]]).all()
    assert np.isnan(change_interval(0, 0, 0)).all()
    assert mcnemar_p(np.zeros(0, int), np.zeros(0, int)).shape == (0,)
    assert change_interval(np.zeros((0, 3), int), 0, 5)[0].shape == (0, 3)


def test_arrays_of_any_shape_and_unsigned_counts() -> None:
    lost, gained = np.array([[3, 0], [9, 2]], np.uint8), np.array([[1], [200]], np.uint8)
    low, high = change_interval(lost, gained, np.int32(255))
    assert low.shape == high.shape == (2, 2)
    for i, j in np.ndindex(2, 2):
        assert (low[i, j], high[i, j]) == pytest.approx(change_interval(int(lost[i, j]), int(gained[i, 0]), 255))
    assert lost.tolist() == [[3, 0], [9, 2]]  # what is given is not changed
    # 200 + 200 is no uint8
    assert mcnemar_p(np.uint8(200), np.uint8(200)) == 1


def test_the_measures_of_the_fast_path_load_nothing_heavy() -> None:
    code = (
        "import sys; from piescope.measure import calibration, flips, label_errors, similarity\n"
        "print([m for m in ('torch', 'pandas', 'sklearn', 'faiss', 'scipy.stats', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
