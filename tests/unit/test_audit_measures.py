"""What the audit's measures refuse, and what they say where there is nothing to measure."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from piescope.measure.calibration import CalibrationSums, expected_calibration_error
from piescope.measure.flips import (
    adjusted_p_values,
    change_interval,
    exact_share_interval,
    mcnemar_p,
    share_interval,
)
from piescope.measure.label_errors import LEAST_CONFIDENCE, RULE, Thresholds, suspected, vote_probability
from piescope.measure.neighbours import neighbours_within
from piescope.measure.relabelling import relabelling
from piescope.measure.similarity import KnnLabels, knn_agreement, linear_cka, neighbourhood_overlap

POINTS = np.random.default_rng(0).normal(size=(12, 3))
NAN = np.where(np.arange(36).reshape(12, 3) == 7, np.nan, POINTS)
LABELS = np.arange(12) % 3
SURE = np.full(4, 0.9)
RIGHT = np.ones(4, bool)
THRESHOLDS = Thresholds.of(SURE, np.array([0, 1, 0, 1]), 2)


def refused(call: Callable[[], object], *words: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    for word in (*words, "expected"):
        assert word in str(caught.value), caught.value


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


def test_what_label_errors_refuse() -> None:
    labels = np.array([0, 1, 0, 1])
    refused(lambda: Thresholds.of(SURE, labels[:3], 2), "true_probability has 4", "labels has 3")
    refused(lambda: Thresholds.of(SURE, labels, 1), "class id 1")
    refused(lambda: Thresholds.of(100 * SURE, labels, 2), "90")
    refused(lambda: Thresholds.of(np.ones(4, int), labels, 2), "int64")
    refused(lambda: THRESHOLDS + Thresholds.of(SURE, labels, 3), "2 and 3 classes")
    refused(lambda: suspected(labels + 1, SURE, labels, THRESHOLDS), "predicted_label", "class id 2")
    refused(lambda: suspected(labels, SURE[:2], labels, THRESHOLDS), "confidence has 2")
    refused(lambda: vote_probability(SURE, 0), "models is 0")
    refused(lambda: vote_probability(5 * SURE, 5), "4.5")
    with pytest.raises(ValueError, match="2 of confidence are NaN"):
        suspected(labels, np.array([0.9, np.nan, 0.9, np.nan]), labels, THRESHOLDS)


def test_nothing_is_suspected_to_be_a_class_that_the_models_do_not_know() -> None:
    """Class 1 has examples and none of them is recognised, class 2 has no examples."""
    labels = np.array([0, 0, 0, 1, 1])
    thresholds = Thresholds.of(np.array([0.9, 0.9, 0.01, 0.5, 0.1]), labels, 3)
    assert thresholds.needed.tolist()[1:] == [math.inf, math.inf]
    assert thresholds.mean_probability[1] == pytest.approx(0.3) and np.isnan(thresholds.mean_probability[2])
    for other in (1, 2):
        found = suspected(np.array([0, 0, other, 1, 0]), np.array([0.9, 0.9, 1.0, 0.5, 0.95]), labels, thresholds)
        assert found.tolist() == [False, False, False, False, True]


def test_no_examples_have_no_label_errors() -> None:
    empty = Thresholds.of(np.zeros(0), np.zeros(0, int), 2)
    assert suspected(np.zeros(0, int), np.zeros(0), np.zeros(0, int), empty).tolist() == []
    assert np.array_equal((empty + THRESHOLDS).needed, THRESHOLDS.needed)


def test_the_rule_says_the_threshold_that_is_used() -> None:
    assert str(LEAST_CONFIDENCE) in RULE


def test_the_measures_of_the_fast_path_load_nothing_heavy() -> None:
    code = (
        "import sys; from piescope.measure import calibration, flips, label_errors, similarity\n"
        "print([m for m in ('torch', 'pandas', 'sklearn', 'faiss', 'scipy.stats', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_pairs_of_classes_come_with_a_count_each() -> None:
    with pytest.raises(ValueError, match="1, 2 and 1 cells; expected as many of each"):
        relabelling(np.array([0]), np.array([1, 1]), np.array([1]), 2)
