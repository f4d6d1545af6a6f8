"""How right two groups are by class: what impacts and equivalence have in common, and both refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from made_class_answers import DENSE, LABELS, PRUNED, answers
from piescope.measure.class_equivalence import class_equivalence
from piescope.measure.class_impact import class_impact
from piescope.measure.intervals import NO_SPREAD

NUMBERS = ["low", "high", "effect_size", "p_value", "q_value"]


def test_ties_go_to_the_smaller_class() -> None:
    labels = np.repeat(np.arange(3), 7)
    dense, pruned = answers([[0], [7], [14]], labels), answers([[1], [8], [15]], labels)
    assert [row["class"] for row in class_impact(dense, pruned, labels, 4)] == [0, 1, 2, 3]
    assert [row["class"] for row in class_equivalence(dense, pruned, labels, 4)] == [0, 1, 2, 3]


def test_ties_are_seen_through_rounding() -> None:
    """The same changes in both classes, by other models: the means differ in their last digit."""
    labels = np.repeat([0, 1], [3, 6])
    dense = answers([[2, *range(3, 9)], [], [0, 1, 2, 3, 4], [2, 3, 4]], labels)
    pruned = answers([[1, 2], [1, 2, *range(3, 7)], [3, 4], [0, *range(3, 7)]], labels)
    changes = [row["change"] for row in class_equivalence(dense, pruned, labels, 3)][:2]
    assert changes[0] != changes[1]
    assert changes[0] == pytest.approx(changes[1], abs=1e-9)
    assert [row["class"] for row in class_equivalence(dense, pruned, labels, 3)][:2] == [0, 1]


@pytest.mark.parametrize(
    ("dense", "pruned", "method"),
    [(DENSE[:1], PRUNED, "hooker"), (DENSE, PRUNED[:1], "hooker"), (DENSE[:1], PRUNED, "two_way"), (DENSE, PRUNED[:1], "two_way"), (DENSE[:1], PRUNED[:1], "paired")],
)  # fmt: skip
def test_one_model_tells_the_change_and_no_more(dense: np.ndarray, pruned: np.ndarray, method: Any) -> None:
    rows = class_impact(dense, pruned, LABELS, 5, method)
    assert all(row[name] is None for row in rows for name in NUMBERS)
    assert all(row[name] is not None for row in rows[:3] for name in ("dense_recall", "change", "impact"))
    verdicts = class_equivalence(dense, pruned, LABELS, 5, paired=method == "paired")
    assert all(list(row.values())[3:-1] == [None] * 6 and row["change"] is not None for row in verdicts[:3])
    few = "no interval of one model" if method in ("hooker", "paired") else "no interval of fewer than 3 models"
    assert {row["reason"] for row in rows[:3]} == {few}
    assert {row["reason"] for row in verdicts[:3]} == {"no interval of one model"}


@pytest.mark.parametrize("method", ["hooker", "paired"])
def test_a_change_without_any_spread_has_no_test(method: Any) -> None:
    """Class 0 is 1/7 right in each of 7 models: the mean is not exact in floating point, so the variance is not 0."""
    labels = np.repeat([0, 1], [7, 8])
    dense = answers([[], [7], [], [], [], [], []], labels)
    pruned = answers([[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6, 8, 9], *[[0, 1, 2, 3, 4, 5]] * 5], labels)
    assert np.full(7, 100 / 7).var() > 0
    rows = {row["class"]: row for row in class_impact(dense, pruned, labels, 3, method)}
    assert rows[0]["impact"] < -5
    assert all(rows[0][name] is None for name in NUMBERS)
    assert rows[1]["q_value"] == rows[1]["p_value"]  # the only class that has one
    verdicts = {row["class"]: row for row in class_equivalence(dense, pruned, labels, 3, paired=method == "paired")}
    assert (verdicts[0]["lost_less"], verdicts[0]["equivalent"], verdicts[0]["low"]) == (None, None, None)
    assert verdicts[1]["lost_less"] is False
    assert (rows[0]["reason"], rows[1]["reason"]) == (verdicts[0]["reason"], verdicts[1]["reason"]) == (NO_SPREAD, "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "welch"}, "method is 'welch'; expected 'hooker', 'paired', 'two_way' or 'two_way_paired'"),
        ({"method": "paired", "pruned": PRUNED[:2]}, "dense has 3 models, pruned has 2; expected as many.*method='hooker'"),
        ({"pruned": PRUNED[:, :5]}, "numbers of examples differ: dense has 12, pruned has 5, labels has 12"),
        ({"labels": LABELS[:5]}, "numbers of examples differ"),
        ({"labels": LABELS + 3}, "labels holds class id 6; expected below num_classes = 5"),
        ({"dense": DENSE - 1}, "dense holds class id -1; expected 0 or more"),
        ({"pruned": PRUNED.astype(float)}, "pruned holds float64; expected integer class ids"),
        ({"labels": DENSE}, "labels has shape .*; expected 1 axes"),
        ({"dense": [[0] * 12, [0] * 11]}, "dense: lists of other lengths"),
        ({"num_classes": 5.0}, "num_classes is 5.0; expected a whole number"),
        ({"num_classes": "5"}, "num_classes is '5'; expected a whole number"),
        ({"dense": torch.zeros(3, 12, dtype=torch.bfloat16)}, "dense holds torch.bfloat16; expected integer class ids"),
        ({"pruned": PRUNED[:0]}, "pruned holds no models; expected .* at least one model"),
        ({"dense": DENSE[:, :0], "pruned": PRUNED[:, :0], "labels": LABELS[:0]}, "no examples; expected at least one"),
    ],
)  # fmt: skip
def test_what_is_refused(change: dict[str, Any], message: str) -> None:
    given = {"dense": DENSE, "pruned": PRUNED, "labels": LABELS, "num_classes": 5, **change}
    with pytest.raises(ValueError, match=message):
        class_impact(**given)
    if change.get("method") == "welch":
        return
    given["paired"] = given.pop("method", "") == "paired"
    with pytest.raises(ValueError, match=message):
        class_equivalence(**given)


@pytest.mark.parametrize("method", ["hooker", "paired", "two_way", "two_way_paired"])
def test_an_only_class_has_no_impact_and_so_no_interval(method: Any) -> None:
    labels, random = np.zeros(200, int), np.random.default_rng(0)
    dense, pruned = ((random.random((5, 200)) < wrong).astype(int) for wrong in (0.2, 0.25))
    row = class_impact(dense, pruned, labels, 2, method)[0]
    assert (row["low"], row["high"], row["p_value"]) == (None, None, 1.0)
    assert row["reason"] == "the only class has no impact" and row["change"] != 0
