"""What label errors refuse, and what is not suspected."""

from __future__ import annotations

import math

import numpy as np
import pytest

from piescope.measure.label_errors import LEAST_CONFIDENCE, RULE, Thresholds, suspected, vote_probability
from refused import refused

SURE = np.full(4, 0.9)
THRESHOLDS = Thresholds.of(SURE, np.array([0, 1, 0, 1]), 2)


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
