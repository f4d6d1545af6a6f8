"""Cohen's kappa against statsmodels, scikit-learn and simulated classifiers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from piescope.measure.agreement import Kappa, cohen_kappa


def of_labels(first: np.ndarray, second: np.ndarray, classes: int) -> Kappa:
    return cohen_kappa(first, second, np.ones(len(first), np.int64), classes)


@pytest.mark.parametrize("classes", [2, 3, 10, 100])
@pytest.mark.parametrize("wrong", [0.02, 0.3, 1.0])
def test_against_statsmodels_and_scikit_learn(classes: int, wrong: float) -> None:
    random = np.random.default_rng(classes)
    first = np.minimum(random.geometric(0.4, 3000) - 1, classes - 1)
    second = np.where(random.random(3000) < wrong, random.integers(0, classes, 3000), first)
    table = np.zeros((classes, classes))
    np.add.at(table, (first, second), 1)
    expected = cohens_kappa(table)
    kappa = of_labels(first, second, classes)
    assert kappa.value == pytest.approx(expected.kappa, abs=1e-12)
    assert kappa.value == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    assert kappa.error == pytest.approx(expected.std_kappa, rel=1e-9)
    assert kappa.low < kappa.value < kappa.high <= 1
    cells = np.argwhere(table)
    assert cohen_kappa(cells[:, 0], cells[:, 1], table[table > 0].astype(int), classes) == pytest.approx(
        kappa, rel=1e-9
    )


def test_sides_may_change_places_and_classes_may_be_renamed() -> None:
    random = np.random.default_rng(1)
    first, second = random.integers(0, 5, (2, 200))
    order = random.permutation(5)
    assert of_labels(second, first, 5) == pytest.approx(of_labels(first, second, 5))
    assert of_labels(order[first], order[second], 7) == pytest.approx(of_labels(first, second, 5))


def test_what_cannot_be_told() -> None:
    same = of_labels(np.array([0, 1, 1]), np.array([0, 1, 1]), 2)
    assert same.value == 1 and math.isnan(same.low) and math.isnan(same.high)
    assert all(math.isnan(number) for number in of_labels(np.zeros(5, int), np.zeros(5, int), 3))
    one = of_labels(np.zeros(4, int), np.array([0, 0, 0, 1]), 2)
    assert one.value == 0  # one side gives one class: agreement is as by chance
    with pytest.raises(ValueError, match="no examples"):
        cohen_kappa(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int), 2)


@settings(max_examples=200, deadline=None)
@given(some.lists(some.tuples(some.integers(0, 3), some.integers(0, 3), some.integers(1, 50)), min_size=1, max_size=9))
def test_any_counts_give_numbers_in_range(rows: list[tuple[int, int, int]]) -> None:
    first, second, counts = (np.array(column) for column in zip(*rows, strict=True))
    kappa = cohen_kappa(first, second, counts, 4)
    if not math.isnan(kappa.value):
        assert -1 - 1e-9 <= kappa.value <= 1 + 1e-9 and kappa.error >= 0
    if not math.isnan(kappa.low):
        assert -1 <= kappa.low <= kappa.value + 1e-9 and kappa.value <= kappa.high + 1e-9 and kappa.high <= 1


@pytest.mark.simulation
@pytest.mark.parametrize(("changed", "examples"), [(0.01, 1000), (0.05, 500), (0.3, 200)])
def test_intervals_hold_what_they_promise(changed: float, examples: int) -> None:
    random = np.random.default_rng(3)
    chances = np.array([0.5, 0.3, 0.2])
    joint = (1 - changed) * np.diag(chances) + changed * np.outer(chances, [0.2, 0.3, 0.5])
    one, other = joint.sum(1), joint.sum(0)
    truth = (np.trace(joint) - one @ other) / (1 - one @ other)
    cells = np.argwhere(np.ones((3, 3)))
    draws, inside, told = 2000, 0, 0
    for counts in random.multinomial(examples, joint.ravel(), draws):
        kappa = cohen_kappa(cells[:, 0], cells[:, 1], counts, 3)
        if not math.isnan(kappa.low):
            told += 1
            inside += kappa.low <= truth <= kappa.high
    assert told > 0.99 * draws
    assert abs(inside / told - 0.95) <= 0.015 + 3 * math.sqrt(0.05 * 0.95 / told)
