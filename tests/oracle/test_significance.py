"""Permutation p-values against enumeration, scipy and statsmodels, and against studies whose truth is known."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from made_votes import votes_of
from piescope.measure import significance
from piescope.measure.pies import pie_mask
from piescope.measure.significance import confirm, confirmed_pies, permutation_p_values, smallest_p_value


def distance(one: np.ndarray, other: np.ndarray, classes: int) -> float:
    return sum(abs(np.mean(one == label) - np.mean(other == label)) for label in range(classes))


def by_enumeration(before: np.ndarray, after: np.ndarray, classes: int, paired: bool) -> float:
    observed, pooled = distance(before, after, classes), np.concatenate([before, after])
    outcomes = []
    if paired:
        for flips in product([False, True], repeat=len(before)):
            swapped = np.array(flips)
            sides = np.where(swapped, after, before), np.where(swapped, before, after)
            outcomes.append(distance(*sides, classes))
    else:
        for chosen in combinations(range(len(pooled)), len(before)):
            inside = np.isin(np.arange(len(pooled)), chosen)
            outcomes.append(distance(pooled[inside], pooled[~inside], classes))
    return float(np.mean(np.array(outcomes) >= observed - 1e-9))


@pytest.mark.parametrize(("dense", "pruned", "classes"), [(4, 4, 3), (5, 3, 3), (4, 6, 4), (5, 5, 2), (1, 4, 3)])
def test_every_deal_by_enumeration(dense: int, pruned: int, classes: int) -> None:
    random = np.random.default_rng(0)
    before, after = (random.integers(0, classes, (models, 15)) for models in (dense, pruned))
    for paired in (False, True) if dense == pruned else (False,):
        expected = [by_enumeration(*each, classes, paired) for each in zip(before.T, after.T, strict=True)]
        assert permutation_p_values(before, after, classes, paired=paired) == pytest.approx(expected)


def test_two_classes_are_fishers_and_mcnemars_tests() -> None:
    random = np.random.default_rng(1)
    before = (random.random((30, 60)) < 0.3).astype(int)
    after = np.where(random.random((30, 60)) < 0.5, before, random.random((30, 60)) < 0.6).astype(int)
    counts = np.stack([before.sum(0), after.sum(0)])
    fisher = [stats.fisher_exact([[a, 30 - a], [b, 30 - b]]).pvalue for a, b in counts.T]
    assert permutation_p_values(before, after, 2) == pytest.approx(fisher)
    tables = [
        [[0, ((x == 0) & (y == 1)).sum()], [((x == 1) & (y == 0)).sum(), 0]]
        for x, y in zip(before.T, after.T, strict=True)
    ]
    paired = [min(1.0, mcnemar(table, exact=True).pvalue) for table in tables]
    assert permutation_p_values(before, after, 2, paired=True) == pytest.approx(paired)


@pytest.mark.parametrize("paired", [False, True])
def test_sampled_p_values_agree_with_exact_ones(paired: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(2)
    before = random.integers(0, 4, (9, 80))
    after = np.where(random.random((9, 80)) < 0.5, before, random.integers(0, 2, (9, 80)))
    exact = permutation_p_values(before, after, 4, paired=paired)
    monkeypatch.setattr(significance, "EXACT_WORK", 0)
    monkeypatch.setattr(significance, "MOST_FLIPS", 0)
    sampled = permutation_p_values(before, after, 4, seed=3, paired=paired)
    error = np.sqrt(exact * (1 - exact) / np.where(exact < 0.03, significance.SAMPLED, significance.FIRST_SAMPLED))
    assert (np.abs(sampled - exact) <= 4.5 * error + 2 / significance.FIRST_SAMPLED).all()
    assert (sampled >= 1 / (significance.SAMPLED + 1)).all()
    if not paired:
        assert (sampled != exact).any()  # it was sampled


def test_the_smallest_p_value_is_reached() -> None:
    for dense, pruned in ((5, 5), (10, 5), (3, 7)):
        before, after = np.zeros((dense, 1), int), np.ones((pruned, 1), int)
        assert permutation_p_values(before, after, 2)[0] == pytest.approx(smallest_p_value(dense, pruned))
        if dense == pruned:
            found = permutation_p_values(before, after, 2, paired=True)[0]
            assert found == pytest.approx(smallest_p_value(dense, pruned, paired=True))


def test_false_discovery_rates_are_scipys_and_confirmed_are_pies() -> None:
    random = np.random.default_rng(4)
    before = (random.random((12, 300)) < 0.2).astype(int)
    after = (random.random((12, 300)) < np.where(np.arange(300) < 60, 0.85, 0.2)).astype(int)
    p, q, confirmed = confirmed_pies(before, after, 2)
    is_pie = pie_mask(before, after, 2)
    assert q == pytest.approx(stats.false_discovery_control(p))
    assert confirmed.any()
    assert not (confirmed & ~is_pie).any()
    assert not (confirmed & (q > 0.05)).any()
    by_hand = stats.false_discovery_control(np.where(is_pie, p, 1.0)) <= 0.05
    assert confirmed.tolist() == by_hand.tolist()
    assert confirm(p, is_pie).confirmed.tolist() == confirmed.tolist()
    assert confirmed_pies(before, after, 2, alpha=1e-9).confirmed.sum() == 0


def test_other_changes_do_not_let_in_false_pies() -> None:
    """A thousand examples that truly changed short of a PIE loosen Benjamini-Hochberg for all; PIEs must not profit."""
    p_values = np.concatenate([np.full(1000, 1e-6), np.full(40, 0.01), np.full(960, 0.5)])
    is_pie = np.concatenate([np.zeros(1000, bool), np.ones(40, bool), np.zeros(960, bool)])
    _, q_values, confirmed = confirm(p_values, is_pie)
    assert (q_values[1000:1040] <= 0.05).all()
    assert not confirmed.any()


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.simulation
def test_p_values_are_uniform_under_the_null(paired: bool) -> None:
    """A discrete p-value is uniform when it is randomised between its own value and the next smaller one."""
    random = np.random.default_rng(5)
    chance = random.dirichlet(np.ones(3), 4000)
    before = votes_of(random, chance, 12)
    after = votes_of(random, chance, 12)
    if paired:  # a pair shares half of its luck
        after = np.where(random.random(after.shape) < 0.5, before, after)
    p = permutation_p_values(before, after, 3, paired=paired)
    for level in (0.01, 0.05, 0.1, 0.2, 0.5):
        assert (p <= level).mean() <= level + 3 * np.sqrt(level * (1 - level) / len(p))
    if not paired:
        below = np.array([_next_smaller(*each) for each in zip(before.T[:800], after.T[:800], strict=True)])
        randomised = below + random.random(800) * (p[:800] - below)
        assert stats.kstest(randomised, "uniform").pvalue > 0.001


def _next_smaller(before: np.ndarray, after: np.ndarray) -> float:
    """P(distance > observed): of the three-class multivariate hypergeometric, summed by hand."""
    total = np.bincount(np.concatenate([before, after]), minlength=3)
    observed = np.abs(2 * np.bincount(before, minlength=3) - total).sum()
    beyond = 0.0
    for first in range(total[0] + 1):
        for second in range(total[1] + 1):
            dealt = np.array([first, second, len(before) - first - second])
            if 0 <= dealt[2] <= total[2] and np.abs(2 * dealt - total).sum() > observed:
                beyond += stats.multivariate_hypergeom.pmf(dealt, total, len(before))
    return float(beyond)


@pytest.mark.simulation
def test_no_effect_gives_no_more_false_discoveries_than_asked_for() -> None:
    """200 studies without an effect: any confirmed PIE is false, so the false discovery rate is the share with any."""
    random = np.random.default_rng(6)
    false = {False: 0, True: 0}
    for _ in range(200):
        chance = random.dirichlet(np.full(4, 0.5), 400)
        before, after = votes_of(random, chance, 10), votes_of(random, chance, 10)
        halfway = np.where(random.random(after.shape) < 0.5, before, after)
        false[False] += confirmed_pies(before, after, 4).confirmed.any()
        false[True] += confirmed_pies(before, halfway, 4, paired=True).confirmed.any()
    for count in false.values():
        assert count / 200 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


@pytest.mark.sampled(8, heavy=True)
@pytest.mark.simulation
def test_with_an_effect_the_rate_of_false_ones_among_the_confirmed_holds_too() -> None:
    random = np.random.default_rng(7)
    shares = []
    for _ in range(60):
        chance = random.dirichlet(np.full(3, 0.5), 600)
        moved = np.arange(600) < 90
        other = np.where(moved[:, None], np.roll(chance, 1, axis=1), chance)
        found = confirmed_pies(votes_of(random, chance, 20), votes_of(random, other, 20), 3).confirmed
        shares.append((found & ~moved).sum() / max(1, found.sum()))
    assert np.mean(shares) <= 0.05 + 3 * np.std(shares) / np.sqrt(len(shares))


@pytest.mark.simulation
def test_a_planted_effect_is_found_with_the_power_that_theory_predicts() -> None:
    """2 % of the examples turn from 90 % one label to 30 %: power by Fisher's tables and the threshold that BH settles on."""
    random = np.random.default_rng(8)
    models, examples, planted = 30, 2000, 40
    before_rate, after_rate = 0.9, 0.3
    found = []
    for _ in range(40):
        rates = np.full(examples, 0.95)
        rates[:planted] = before_rate
        before = (random.random((models, examples)) > rates).astype(int)
        rates[:planted] = after_rate
        after = (random.random((models, examples)) > rates).astype(int)
        found.append(confirmed_pies(before, after, 2).confirmed[:planted].mean())
    ones = np.arange(models + 1)
    chance = np.outer(stats.binom.pmf(ones, models, 1 - before_rate), stats.binom.pmf(ones, models, 1 - after_rate))
    table = np.array([[stats.fisher_exact([[a, models - a], [b, models - b]]).pvalue for b in ones] for a in ones])
    is_pie = (ones[:, None] > models / 2) != (ones[None] > models / 2)  # ties go to the smaller label
    power = 1.0
    for _ in range(20):  # Benjamini-Hochberg: p <= rate * confirmed / examples, with hardly a false one
        threshold = 0.05 * planted * power / examples
        power = float(chance[(table <= threshold) & is_pie].sum())
    assert 0.5 < power < 0.95
    assert np.mean(found) == pytest.approx(power, abs=0.03)


@pytest.mark.parametrize(("fresh", "shared"), [(6, 0.5), (6, 0.95), (0, 0.5)])
def test_sharing_seeds_errs_on_the_safe_side(fresh: int, shared: float) -> None:
    """Without an effect, pruned models that share luck with some of the dense ones: no p-value is too often small."""
    random = np.random.default_rng(9)
    chance = random.dirichlet(np.ones(3), 6000)
    dense = votes_of(random, chance, 6 + fresh)
    pruned = np.where(random.random((6, 6000)) < shared, dense[:6], votes_of(random, chance, 6))
    p = permutation_p_values(dense, pruned, 3)
    for level in (0.005, 0.01, 0.05, 0.1, 0.3):
        assert (p <= level).mean() <= level
