"""What calibration refuses, and no examples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from piescope.measure.calibration import CalibrationSums, expected_calibration_error
from piescope.measure.label_errors import Thresholds
from refused import refused

SURE = np.full(4, 0.9)
RIGHT = np.ones(4, bool)


def test_what_calibration_refuses() -> None:
    refused(lambda: CalibrationSums.of(SURE, RIGHT), "[4]")
    refused(lambda: CalibrationSums.of(SURE[None], RIGHT[None, :3]), "[1, 4]", "[1, 3]")
    refused(lambda: CalibrationSums.of(SURE[None], RIGHT[None], bins=0), "bins is 0")
    refused(lambda: expected_calibration_error(SURE[None], RIGHT), "[1, 4]")
    refused(lambda: expected_calibration_error(SURE, RIGHT[:3]), "confidence has 4", "right has 3")
    refused(lambda: expected_calibration_error(100 * SURE, RIGHT), "90", "percent")
    refused(lambda: expected_calibration_error(-SURE, RIGHT), "-0.9")
    refused(lambda: expected_calibration_error(np.ones(4, int), RIGHT), "int64")
    refused(lambda: expected_calibration_error(SURE, np.arange(4)), "not labels")
    for wrong, word in ((math.nan, "1 confidences are NaN"), (math.inf, "inf")):
        given = np.array([0.5, wrong, 0.5, 0.5])
        with pytest.raises(ValueError, match=word):
            expected_calibration_error(given, RIGHT)
    one = CalibrationSums.of(SURE[None], RIGHT[None])
    refused(lambda: one + CalibrationSums.of(np.stack([SURE] * 2), np.stack([RIGHT] * 2)), "[1, 15]", "[2, 15]")
    refused(lambda: one + CalibrationSums.of(SURE[None], RIGHT[None], bins=10), "[1, 10]")


def test_probabilities_a_rounding_above_1_are_1() -> None:
    over = np.array([1.001, 0.5], np.float16)
    assert over[0] > 1
    assert CalibrationSums.of(over[None], np.ones((1, 2), bool)).examples[0, -1] == 1
    Thresholds.of(over, np.array([0, 0]), 1)
    with pytest.raises(ValueError, match=r"1\.001"):
        CalibrationSums.of(np.array([[1.001, 0.5]]), np.ones((1, 2), bool))


def test_no_examples_have_no_calibration() -> None:
    empty = CalibrationSums.of(np.zeros((2, 0)), np.zeros((2, 0), bool), bins=3)
    assert all(math.isnan(number) for number in (empty.ece, empty.mean_confidence, empty.accuracy))
    assert empty.bins[1] == {"low": 1 / 3, "high": 2 / 3, "examples": 0.0, "confidence": None, "accuracy": None}
    whole = empty + CalibrationSums.of(np.full((2, 4), 0.9), np.ones((2, 4), bool), bins=3)
    assert whole.ece == pytest.approx(10)
    assert math.isnan(CalibrationSums.of(np.zeros((0, 5)), np.zeros((0, 5), bool)).ece)
