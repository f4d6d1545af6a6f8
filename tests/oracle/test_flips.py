"""Tests and intervals of flips against exact integers, statsmodels, SciPy, slow root finding and their true coverage."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from scipy import optimize, special, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from piescope.measure.flips import (
    adjusted_p_values,
    change_interval,
    change_p,
    change_test,
    exact_share_interval,
    largest_confirmed,
    mcnemar_p,
    selected_level,
    share_interval,
)


def fair_coin(first: int, second: int) -> Fraction:
    """Two-sided p-value in exact integers."""
    flips, term, tail = first + second, 1, 1
    for i in range(1, min(first, second) + 1):
        term = term * (flips - i + 1) // i
        tail += term
    return min(Fraction(1), Fraction(2 * tail, 2**flips))


def test_mcnemar_against_statsmodels_and_binomtest() -> None:
    first, second = np.meshgrid(np.arange(0, 60, 3), np.arange(0, 45, 2), indexing="ij")
    found = mcnemar_p(first, second)
    assert found.shape == first.shape
    for b, c, p in zip(first.ravel(), second.ravel(), found.ravel(), strict=True):
        if b + c == 0:
            assert p == 1
            continue
        assert p == pytest.approx(mcnemar([[5, b], [c, 7]], exact=True).pvalue, rel=1e-12)
        assert p == pytest.approx(stats.binomtest(int(b), int(b + c)).pvalue, rel=1e-12)


@pytest.mark.parametrize(
    # the third is where scipy.stats.binom.cdf, and binomtest with it, gives 0
    ("first", "second"),
    [(0, 990), (5, 1040), (30, 1100), (1060, 11), (100, 1300), (1800, 1000), (9109, 10891), (500_000, 503_000)],
)
def test_mcnemar_in_the_far_tail(first: int, second: int) -> None:
    if first + second < 50_000:
        exact = fair_coin(first, second)
        assert 1e-307 < exact < 1e-30
        assert abs(Fraction(float(mcnemar_p(first, second))) / exact - 1) < 1e-12
    else:
        assert mcnemar_p(first, second) == pytest.approx(stats.binomtest(first, first + second).pvalue, rel=1e-9)


def test_mcnemar_is_symmetric_and_single_counts_are_numbers() -> None:
    random = np.random.default_rng(0)
    first, second = random.integers(0, 500, (2, 1000))
    assert np.array_equal(mcnemar_p(first, second), mcnemar_p(second, first))
    assert mcnemar_p(first, 7).shape == (1000,)
    assert isinstance(mcnemar_p(3, 4), float)
    assert mcnemar_p(0, 5000) == 0  # 2^-4999 is no float64


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.999])
def test_share_intervals_against_statsmodels(confidence: float) -> None:
    total = np.repeat([1, 10, 797, 10_000, 1_000_000], 5)
    count = (total * np.tile([0, 0.003, 0.1, 0.5, 1], 5)).astype(int)
    for found, method in ((share_interval, "wilson"), (exact_share_interval, "beta")):
        low, high = found(count, total, confidence)
        theirs = [
            proportion_confint(c, n, alpha=1 - confidence, method=method) for c, n in zip(count, total, strict=True)
        ]
        assert low == pytest.approx([100 * t[0] for t in theirs], rel=1e-9, abs=1e-9)
        assert high == pytest.approx([100 * t[1] for t in theirs], rel=1e-9, abs=1e-9)
        assert ((low <= 100 * count / total) & (100 * count / total <= high)).all()
        assert (low[count == 0] == 0).all() and (high[count == total] == 100).all()


@pytest.mark.parametrize("confidence", [0.95, 1 - 0.05 / 1000])
def test_one_sided_exact_bounds_by_their_definition(confidence: float) -> None:
    """At the upper bound, so few or fewer have a chance of 1 - confidence; at the lower one, so many or more."""
    count, total = np.array([0, 1, 9, 150, 299]), 300
    zero, high = exact_share_interval(count, total, confidence, side="upper")
    assert (zero == 0).all()
    assert stats.binom.cdf(count, total, high / 100) == pytest.approx(np.full(5, 1 - confidence), rel=1e-6)
    low, hundred = exact_share_interval(count[1:], total, confidence, side="lower")
    assert (hundred == 100).all()
    assert stats.binom.sf(count[1:] - 1, total, low / 100) == pytest.approx(np.full(4, 1 - confidence), rel=1e-6)
    assert exact_share_interval(0, 300, side="lower") == (0, 100)
    assert exact_share_interval(300, 300, side="upper") == (0, 100)
    both = exact_share_interval(count, total, 1 - 2 * (1 - confidence))
    assert high == pytest.approx(both[1], rel=1e-9)


def likeliest(lost: int, gained: int, total: int, change: float) -> float:
    """The likeliest share of losses when gains exceed them by ``change``, by maximising the likelihood."""

    def against(share: float) -> float:
        shares = share, share + change, 1 - 2 * share - change
        return -sum(
            special.xlogy(n, max(s, 1e-300)) for n, s in zip((lost, gained, total - lost - gained), shares, strict=True)
        )

    low, high = max(0.0, -change), (1 - change) / 2
    found = optimize.minimize_scalar(against, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
    return min((low, high, found), key=against)


def score(lost: int, gained: int, total: int, change: float) -> float:
    share = likeliest(lost, gained, total, change)
    variance = total * (2 * share + change - change**2)
    distance = gained - lost - total * change
    return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)


TABLES = [
    (0, 1, 10), (1, 0, 10), (3, 1, 10), (4, 6, 10), (5, 5, 10), (2, 9, 20), (12, 3, 100), (1, 1, 100), (40, 30, 100),
    (25, 0, 1000), (0, 3, 797), (210, 80, 10_000),
]  # fmt: skip


@pytest.mark.parametrize(("lost", "gained", "total"), TABLES)
def test_change_against_slow_root_finding_on_the_score_statistic(lost: int, gained: int, total: int) -> None:
    low, high = change_interval(lost, gained, total, 0.95)
    z = float(stats.norm.ppf(0.975))
    seen = (gained - lost) / total
    ends = [
        optimize.brentq(lambda change: score(lost, gained, total, change) - z, -1 + 1e-9, seen, xtol=1e-12),
        optimize.brentq(lambda change: score(lost, gained, total, change) + z, seen, 1 - 1e-9, xtol=1e-12),
    ]
    assert (low / 100, high / 100) == pytest.approx(ends, abs=2e-7)
    # its defining equation, and that there is no second solution: inside it is never rejected, outside always
    for change in np.linspace(-0.99, 0.99, 67):
        far = abs(score(lost, gained, total, change))
        assert (far <= z) == (low / 100 <= change <= high / 100), change


def test_change_without_flips_and_at_the_ends_of_the_scale() -> None:
    square = float(stats.norm.ppf(0.975)) ** 2
    total = np.array([1, 10, 10_000, 1_000_000])
    low, high = change_interval(np.zeros(4, int), 0, total)
    assert high == pytest.approx(100 * square / (total + square), rel=1e-9)
    assert low == pytest.approx(-high, rel=1e-12)
    low, high = change_interval(total, 0, total)
    assert (low == -100).all() and (high[1:] < -30).all() and (high >= -100).all()
    assert np.isnan(change_interval(0, 0, 0)).all()


def test_a_change_is_the_other_way_round_when_the_sides_are() -> None:
    random = np.random.default_rng(2)
    lost, gained = random.integers(0, 50, (2, 500))
    low, high = change_interval(lost, gained, 100)
    flipped_low, flipped_high = change_interval(gained, lost, 100)
    assert np.array_equal(low, -flipped_high) and np.array_equal(high, -flipped_low)
    assert ((low <= gained - lost) & (gained - lost <= high)).all()


def test_a_change_holds_no_0_where_the_score_test_rejects_it() -> None:
    lost, gained = np.meshgrid(np.arange(50), np.arange(50), indexing="ij")
    low, high = change_interval(lost, gained, 2000)
    rejected = np.abs(gained - lost) > stats.norm.ppf(0.975) * np.sqrt(lost + gained)
    assert np.array_equal((low > 0) | (high < 0), rejected)
    exact = mcnemar_p(lost, gained) <= 0.05
    assert not (exact & ~rejected).any() and (rejected & ~exact).any()  # the exact test is the stricter one


def coverage(total: int, confidence: float, shares: list[tuple[float, float]]) -> np.ndarray:
    """How often the interval holds the true change: the sum over all outcomes of their probabilities."""
    lost, gained = np.meshgrid(np.arange(total + 1), np.arange(total + 1), indexing="ij")
    possible = lost + gained <= total
    lost, gained = lost[possible], gained[possible]
    low, high = change_interval(lost, gained, total, confidence)
    held = []
    for loss, gain in shares:
        chance = stats.multinomial.pmf(
            np.stack([lost, gained, total - lost - gained], 1), total, [loss, gain, 1 - loss - gain]
        )
        change = 100 * (gain - loss)
        held.append(chance[(low <= change + 1e-9) & (change <= high + 1e-9)].sum())
    return np.array(held)


@pytest.mark.parametrize("total", [10, 20, 100])
def test_how_often_a_change_is_covered(total: int) -> None:
    """Exactly, over a grid of true shares, few flips among them."""
    rates = sorted({0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 4 / total, 0.5 / total})
    shares = [(loss, gain) for loss in rates for gain in rates if 0 < loss + gain <= 0.9]
    held = coverage(total, 0.95, shares)
    assert held.min() > 0.93 and 0.95 < held.mean() < 0.99
    few = [rate for rate in rates if rate <= 0.02]
    assert coverage(total, 0.95, [(one, other) for one in few for other in few if one + other > 0]).min() > 0.93
    assert coverage(total, 0.9, shares).min() > 0.86


@pytest.mark.parametrize(("loss", "gain"), [(0.002, 0.001), (0.004, 0.0), (0.02, 0.01), (0.05, 0.05)])
def test_how_often_a_change_is_covered_in_simulated_audits(loss: float, gain: float) -> None:
    random = np.random.default_rng(7)
    drawn = random.multinomial(1000, [loss, gain, 1 - loss - gain], size=20_000)
    low, high = change_interval(drawn[:, 0], drawn[:, 1], 1000)
    held = ((low <= 100 * (gain - loss)) & (100 * (gain - loss) <= high)).mean()
    assert 0.925 < held < 0.985


@pytest.mark.parametrize("seed", range(5))
def test_adjusted_p_values_against_scipy(seed: int) -> None:
    random = np.random.default_rng(seed)
    p = random.random(200) ** 3
    p[random.random(200) < 0.3] = 0.04  # ties
    p[:2] = 0, 1
    assert adjusted_p_values(p) == pytest.approx(stats.false_discovery_control(p), rel=1e-12)
    with_gaps = p.copy()
    with_gaps[random.random(200) < 0.2] = np.nan
    known = ~np.isnan(with_gaps)
    found = adjusted_p_values(with_gaps)
    assert np.isnan(found[~known]).all()
    assert found[known] == pytest.approx(stats.false_discovery_control(with_gaps[known]), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_largest_confirmed_p_value_is_that_of_the_adjusted_ones(seed: int) -> None:
    random = np.random.default_rng(seed)
    p = np.concatenate([(random.random(150) ** 4).round(3), np.ones(50)])
    counts = Counter(p[:150].tolist())  # the others are not counted, and have 1
    for rate in (0.01, 0.05, 0.2):
        confirmed = adjusted_p_values(p) <= rate
        assert confirmed.any()
        largest = largest_confirmed(counts, len(p), rate)
        assert (p <= largest).tolist() == confirmed.tolist()
    assert largest_confirmed(counts, 10**9, 1e-6) == (0.0 if 0.0 in counts else -1.0)
    assert largest_confirmed({}, 10, 0.05) == -1.0


def test_no_p_values_are_adjusted_to_none() -> None:
    assert adjusted_p_values(np.zeros(0)).shape == (0,)
    assert np.isnan(adjusted_p_values(np.full(3, np.nan))).all()
    assert adjusted_p_values(np.array([0.02])).tolist() == [0.02]


@pytest.mark.parametrize("seed", range(4))
def test_what_could_never_be_a_discovery_does_not_count(seed: int) -> None:
    """At each p-value anew, by loops; and intervals of the level leave 0 out exactly where the q-value is small."""
    random = np.random.default_rng(seed)
    lost, gained = random.binomial(30, random.choice([0.02, 0.3], 60)), random.binomial(30, 0.05, 60)
    p, least = change_p(lost, gained), change_p(lost + gained, np.zeros(60, int))
    found = adjusted_p_values(p, least)
    for place in range(60):
        above = [value for value in p if value >= p[place]]
        assert found[place] == pytest.approx(
            min(1.0, *(value * sum(least <= value) / sum(p <= value) for value in above))
        )
    level = selected_level(p, 0.05, least)
    ends = change_test(lost, gained, 30, 1 - level)
    assert np.array_equal((ends.low > 0) | (ends.high < 0), found <= 0.05)
    discoveries = int((found <= 0.05).sum())
    assert level * sum(least <= level) <= 0.05 * max(1, discoveries) * (1 + 1e-12)
    assert np.array_equal(adjusted_p_values(p, np.zeros(60)), adjusted_p_values(p))
    assert selected_level(p, 0.05, np.zeros(60)) == selected_level(p)


@pytest.mark.simulation
def test_one_ruined_class_of_many_small_ones_is_found_and_hardly_another() -> None:
    random, hits, plain, false = np.random.default_rng(1), 0, 0, 0
    for _ in range(200):
        lost, gained = random.binomial(20, 0.02, (2, 100))
        lost[0] = random.binomial(20, 0.5)
        p, least = change_p(lost, gained), change_p(lost + gained, np.zeros(100, int))
        found = adjusted_p_values(p, least) <= 0.05
        hits, plain = hits + found[0], plain + (adjusted_p_values(p)[0] <= 0.05)
        false += found[1:].any()
    assert hits > 170 and plain < 60 and false <= 15


def test_a_p_value_that_could_not_be_is_refused() -> None:
    with pytest.raises(ValueError, match="not above its own"):
        adjusted_p_values(np.array([0.01]), np.array([0.02]))
    with pytest.raises(ValueError, match="for each test"):
        selected_level(np.array([0.01, 0.5]), 0.05, np.array([0.0, 0.6]))
