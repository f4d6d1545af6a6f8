"""Which classes pay: the form of the rows, and what cannot be said."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from made_class_answers import DENSE, LABELS, PRUNED, answers
from piescope.measure.class_impact import class_counts, class_impact
from piescope.measure.intervals import NO_SPREAD

MEANS = ["class", "examples", "dense_recall", "pruned_recall", "change", "impact"]
TESTED = ["low", "high", "effect_size", "p_value", "q_value", "reason"]
METHODS = ["hooker", "paired", "two_way", "two_way_paired"]


@pytest.fixture(autouse=True)
def warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("method", METHODS)
def test_rows_are_plain_in_order_and_end_with_the_classes_that_have_no_examples(method: Any) -> None:
    rows = class_impact(DENSE, PRUNED, LABELS, 6, method)
    assert [list(row) for row in rows] == [MEANS + TESTED] * 6
    assert [row["class"] for row in rows] == [1, 0, 3, 2, 4, 5]
    assert [row["examples"] for row in rows] == [4, 4, 4, 0, 0, 0]
    told = rows[:3]
    if method.startswith("two_way"):  # each of class 3's examples is right in as many models as before
        alike = told.pop()
        assert (alike["low"], alike["high"], alike["p_value"], alike["q_value"]) == (None,) * 4
        assert alike["reason"] == "no interval of examples that all change alike"
        assert alike["change"] == 0 and isinstance(alike["impact"], float) and isinstance(alike["effect_size"], float)
    for row in told:
        assert {type(value) for value in list(row.values())[:2]} == {int}
        assert {type(value) for value in list(row.values())[2:-1]} == {float} and row["reason"] == ""
        assert row["low"] < row["impact"] < row["high"]
        assert 0 <= row["p_value"] <= row["q_value"] <= 1
        assert row["change"] == pytest.approx(row["pruned_recall"] - row["dense_recall"])
    assert all(value is None for row in rows[3:] for value in list(row.values())[2:-1])
    assert {row["reason"] for row in rows[3:]} == {"no examples of this class"}
    json.dumps(rows, allow_nan=False)
    worst = rows[0]
    assert [round(worst[name], 3) for name in ("dense_recall", "pruned_recall", "change")] == [91.667, 41.667, -50.0]
    # 4 of 36 answers wrong before, 10 after
    assert worst["impact"] == pytest.approx(-50 + 100 * 6 / 36)


def test_tensors_and_lists_are_taken_and_nothing_is_changed() -> None:
    before = DENSE.copy(), PRUNED.copy(), LABELS.copy()
    rows = class_impact(DENSE, PRUNED, LABELS, 5, "two_way")
    tensors = class_impact(*map(torch.from_numpy, (DENSE, PRUNED, LABELS)), 5, "two_way")
    lists = class_impact(DENSE.tolist(), PRUNED.astype(np.uint8), LABELS.tolist(), 5, "two_way")
    assert rows == tensors == lists
    for array, was in zip((DENSE, PRUNED, LABELS), before, strict=True):
        np.testing.assert_array_equal(array, was)


def test_two_pairs_have_an_interval_and_no_effect_size() -> None:
    rows = class_impact(DENSE[:2], PRUNED[:2], LABELS, 5, "paired")
    assert [row["effect_size"] for row in rows] == [None] * 5
    assert any(row["low"] is not None for row in rows)


@pytest.mark.parametrize("method", METHODS)
def test_no_change_and_no_spread_is_no_evidence(method: Any) -> None:
    same = answers([[0], [0], [0]], LABELS)
    for row in class_impact(same, same, LABELS, 5, method)[:3]:
        assert row["impact"] == pytest.approx(0, abs=1e-9)
        assert (row["p_value"], row["q_value"]) == (1.0, 1.0)
        assert (row["low"], row["high"], row["effect_size"], row["reason"]) == (None, None, None, NO_SPREAD)


def test_two_way_knows_of_examples_where_seeds_agree() -> None:
    """All models of a group answer alike: the interval is that of the examples alone."""
    dense, pruned = answers([[0]] * 3, LABELS), answers([[4, 5]] * 3, LABELS)
    row = class_impact(dense, pruned, LABELS, 5, "two_way")[0]
    assert (row["class"], row["effect_size"]) == (1, None)
    # variance of the change in its class and in class 0, within each: 4 x 10000/3 and 4 x 10000/4, times weights squared
    expected = (1 / 4 - 1 / 12) ** 2 * 4 * (10000 / 3) + (1 / 12) ** 2 * 4 * 2500
    reach = (row["high"] - row["low"]) / 2
    assert reach > 1.96 * np.sqrt(expected)
    wider = class_impact(answers([[0]] * 30, LABELS), answers([[4, 5]] * 30, LABELS), LABELS, 5, "two_way")[0]
    assert reach == pytest.approx((wider["high"] - wider["low"]) / 2)


def test_a_class_of_one_example_has_no_interval_over_examples_and_breaks_no_others() -> None:
    labels = np.array([0] * 10 + [1])
    dense, pruned = answers([[0], [1], [2]], labels), answers([[0, 10], [1, 3], [2, 10]], labels)
    rows = {row["class"]: row for row in class_impact(dense, pruned, labels, 3, "two_way")}
    assert [rows[1][name] for name in ("low", "high", "p_value", "q_value")] == [None] * 4
    assert rows[1]["effect_size"] < 0 and rows[1]["reason"] == "no interval of one example"
    assert rows[0]["low"] < rows[0]["impact"] < rows[0]["high"]


def test_a_class_of_one_example_adds_its_square_to_the_other_classes() -> None:
    """Seeds agree, class 1 is lost: (100 %)² of its only example, weighted by 1/11, and one of 10 of class 0."""
    labels = np.array([0] * 10 + [1])
    dense, pruned = answers([[]] * 4, labels), answers([[0, 10]] * 4, labels)
    rows = {row["class"]: row for row in class_impact(dense, pruned, labels, 3, "two_way")}
    own, other = (1 / 10 - 1 / 11) ** 2 * 10 * 1000, (1 / 11) ** 2 * 100**2
    freedom = (own + other) ** 2 / (own**2 / 9 + other**2)
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(own + other)
    assert (rows[0]["high"] - rows[0]["low"]) / 2 == pytest.approx(reach)


def test_the_former_name_of_the_two_way_interval_still_works() -> None:
    with pytest.warns(DeprecationWarning, match="two_way"):
        rows = class_impact(DENSE, PRUNED, LABELS, 5, "bootstrap")
    assert rows == class_impact(DENSE, PRUNED, LABELS, 5, "two_way")


@pytest.mark.parametrize("method", ["two_way", "two_way_paired"])
def test_a_class_whose_answers_are_all_alike_has_no_two_way_interval(method: Any) -> None:
    """That others vary says nothing of it; one answer that differs is enough."""
    labels, random = np.repeat([0, 1, 2], [10, 50, 50]), np.random.default_rng(0)
    dense, pruned = (np.where(random.random((5, 110)) < wrong, (labels + 1) % 3, labels) for wrong in (0.1, 0.2))
    for side in (dense, pruned):
        side[:, :10] = 0
    for differs in (False, True):
        pruned[3, 4] = differs
        rows = {row["class"]: row for row in class_impact(dense, pruned, labels, 3, method)}
        assert (rows[0]["low"] is not None, rows[0]["p_value"] is not None) == (differs, differs)
        assert rows[0]["reason"] == ("" if differs else "no interval of examples that all change alike")
        assert rows[0]["impact"] > 0 and all(rows[other]["low"] is not None for other in (1, 2))


def test_two_models_have_no_two_way_interval() -> None:
    rows = class_impact(DENSE[:2], PRUNED, LABELS, 5, "two_way")
    assert {(row["low"], row["reason"]) for row in rows[:3]} == {(None, "no interval of fewer than 3 models")}


@pytest.mark.parametrize("method", METHODS)
def test_one_class_is_all_there_is(method: Any) -> None:
    labels = np.zeros(5, int)
    (row,) = class_impact(
        answers([[0], [1, 2], [3]], labels), answers([[0, 1], [2, 3], [4]], labels), labels, 2, method
    )[:1]
    assert row["change"] == pytest.approx(-20 / 3)
    assert (row["impact"], row["p_value"]) == (pytest.approx(0, abs=1e-9), pytest.approx(1))


def test_classes_are_counted_of_one_label_each() -> None:
    with pytest.raises(ValueError, match="numbers of examples differ"):
        class_counts(np.zeros(2, bool), np.zeros(3, int), 2)
