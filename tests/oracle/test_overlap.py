"""Overlap against chance: scipy, statsmodels, R's definition by loops, and sets whose truth is known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from piescope.measure.overlap import difficulty_strata, expected_intersections, overlap_test
from piescope.measure.pies import pie_mask, vote_entropy


def table(a: np.ndarray, b: np.ndarray, inside: np.ndarray) -> list[list[int]]:
    return [[int((x & y & inside).sum()) for y in (b, ~b)] for x in (a, ~a)]


def test_without_difficulty_it_is_fishers_exact_test() -> None:
    random = np.random.default_rng(0)
    for rate in (0.02, 0.2, 0.6):
        a, b = random.random(120) < rate, random.random(120) < 0.3
        found = overlap_test(a, b)
        assert found.p_value == pytest.approx(stats.fisher_exact(table(a, b, np.ones(120, bool))).pvalue)
        assert found.observed == (a & b).sum()
        assert found.expected == pytest.approx(stats.hypergeom(120, a.sum(), b.sum()).mean())
        assert found.ratio == pytest.approx(found.observed / found.expected)


def test_with_difficulty_by_all_outcomes_of_all_strata() -> None:
    random = np.random.default_rng(1)
    hard = random.integers(0, 3, 45)
    a, b = random.random(45) < 0.2 + 0.2 * hard, random.random(45) < 0.2 + 0.2 * hard
    found = overlap_test(a, b, hard)
    strata = [stats.hypergeom((hard == k).sum(), (a & (hard == k)).sum(), (b & (hard == k)).sum()) for k in range(3)]
    chance: dict[int, float] = {}
    for outcome in product(*(range(20) for _ in range(3))):
        probability = np.prod([each.pmf(count) for each, count in zip(strata, outcome, strict=True)])
        if probability:
            chance[sum(outcome)] = chance.get(sum(outcome), 0.0) + float(probability)
    own = chance[found.observed]
    assert found.p_value == pytest.approx(sum(each for each in chance.values() if each <= own * (1 + 1e-7)))
    assert found.expected == pytest.approx(sum(each.mean() for each in strata))


def test_with_difficulty_it_is_near_cochran_mantel_haenszel() -> None:
    random = np.random.default_rng(2)
    hard = random.integers(0, 6, 8000)
    a, b = random.random(8000) < 0.05 + 0.08 * hard, random.random(8000) < 0.02 + 0.1 * hard
    strata = [np.array(table(a, b, hard == k)) for k in range(6)]
    near = StratifiedTable(strata).test_null_odds(correction=False).pvalue
    assert overlap_test(a, b, hard).p_value == pytest.approx(near, abs=0.02)


@pytest.mark.simulation
def test_hard_examples_overlap_more_than_chance_but_not_more_than_equally_hard_ones() -> None:
    random = np.random.default_rng(3)
    against = {"any": [], "equally hard": []}  # type: ignore[var-annotated]
    for _ in range(200):
        hard = random.beta(0.3, 1, 1500)
        a, b = random.random(1500) < 0.4 * hard, random.random(1500) < 0.4 * hard
        against["any"].append(overlap_test(a, b).p_value)
        against["equally hard"].append(overlap_test(a, b, np.round(hard, 1)).p_value)
    assert np.mean(np.array(against["any"]) < 0.05) > 0.95
    assert np.mean(np.array(against["equally hard"]) < 0.05) < 0.05 + 3 * 0.0154


def test_sets_that_avoid_each_other_are_below_chance() -> None:
    a = np.arange(200) < 60
    found = overlap_test(a, ~a & (np.arange(200) < 120))
    assert found.observed == found.ratio == 0
    assert found.p_value < 1e-6
    empty = overlap_test(np.zeros(9, bool), a[:9])
    assert (empty.observed, empty.p_value) == (0, 1.0)
    assert np.isnan(empty.ratio)


def test_strata_keep_equal_values_together_and_are_of_about_equal_size() -> None:
    random = np.random.default_rng(4)
    even = difficulty_strata(random.random(1000))
    assert np.bincount(even).tolist() == [100] * 10
    many = np.concatenate([np.zeros(900), random.random(100)])
    strata = difficulty_strata(many)
    assert len(set(strata[:900].tolist())) == 1
    assert difficulty_strata(np.array([3, 1, 1, 2])).tolist() == [2, 0, 0, 1]
    both = difficulty_strata(np.array([[0, 0], [0, 1], [1, 0], [0, 0]]))
    assert len(set(both.tolist())) == 3
    assert both[0] == both[3]
    with pytest.raises(ValueError, match="NaN"):
        difficulty_strata(np.array([0.0, np.nan]))


def test_expected_intersections_by_loops() -> None:
    random = np.random.default_rng(5)
    masks, hard = random.random((3, 90)) < 0.3, random.integers(0, 2, 90)
    for difficulty in (None, hard):
        found = expected_intersections(masks, difficulty)
        assert found.sum() == pytest.approx(90)
        for members, inside in enumerate(product([False, True], repeat=3)):
            chosen = inside[::-1]  # the first set is the lowest bit
            expected = 0.0
            for stratum in [np.ones(90, bool)] if difficulty is None else [hard == 0, hard == 1]:
                rates = masks[:, stratum].mean(1)
                expected += stratum.sum() * np.prod([r if c else 1 - r for r, c in zip(rates, chosen, strict=True)])
            assert found[members] == pytest.approx(expected)
    with pytest.raises(ValueError, match="at most 16"):
        expected_intersections(np.ones((17, 2), bool))


@pytest.mark.simulation
def test_the_known_weakness_of_few_votes_as_difficulty() -> None:
    """Sets with nothing in common but hardness, that votes of five models measure roughly: the ratio stays above 1."""
    random = np.random.default_rng(6)
    found = []
    for _ in range(12):
        logit = random.normal(-2, 2, 4000)
        dense, fresh, one, other = ((random.random((5, 4000)) < 1 / (1 + np.exp(-logit))).astype(int) for _ in range(4))
        hard = np.stack([vote_entropy(dense, 2), vote_entropy(fresh, 2)], axis=1)
        found.append(overlap_test(pie_mask(dense, one, 2), pie_mask(fresh, other, 2), hard).ratio)
    assert 1.05 < np.mean(found) < 1.4
