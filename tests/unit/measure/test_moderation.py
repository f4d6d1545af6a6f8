"""Variances that tell of each other: truth by draws, the limits of the rule, and another way to its numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from made_moderation import slow_moderated
from piescope.measure.moderation import _where_trigamma_is, moderated, moderated_shares


def drawn(groups: int, freedom: int, prior: float, scale: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """True variances, and those that were seen."""
    random = np.random.default_rng(seed)
    true = np.full(groups, scale) if np.isinf(prior) else prior * scale / random.chisquare(prior, groups)
    return true, true * random.chisquare(freedom, groups) / freedom


@pytest.mark.parametrize(("prior", "scale"), [(4.0, 0.3), (10.0, 2.0), (np.inf, 1.0)])
@pytest.mark.parametrize("freedom", [2, 4, 11])
def test_the_common_variance_and_how_far_groups_are_from_it_are_found(prior: float, scale: float, freedom: int) -> None:
    _, seen = drawn(20_000, freedom, prior, scale, 1)
    found, freedoms = moderated(np.r_[seen, 0.0], freedom)
    common, told = found[-1], freedoms[-1]  # of a group that tells nothing itself
    assert common == pytest.approx(scale, rel=0.06)
    assert told > 60 if np.isinf(prior) else told == pytest.approx(prior, rel=0.15)


def test_it_is_the_weighed_mean_of_its_own_and_the_common_one() -> None:
    _, seen = drawn(300, 4, 6.0, 1.0, 2)
    found, freedoms = moderated(np.r_[seen, 0.0], 4)
    prior, common = freedoms[-1], found[-1]
    assert found[:-1] == pytest.approx((prior * common + 4 * seen) / (prior + 4))
    assert freedoms[:-1] == pytest.approx(prior + 4)
    logs = np.log(seen)  # the moments of Smyth 2004, from the logarithm of an F variable
    expected = np.log(common) + stats.f(4, prior).expect(np.log)
    assert logs.mean() == pytest.approx(expected, abs=1e-3)


def test_a_moderated_t_holds_what_it_says_where_a_plain_one_does_and_is_shorter() -> None:
    true, seen = drawn(40_000, 3, 8.0, 1.0, 3)
    off = np.abs(np.random.default_rng(4).normal(0, np.sqrt(true)))
    found, freedom = moderated(seen, 3)
    reach, plain = stats.t.ppf(0.995, freedom) * np.sqrt(found), stats.t.ppf(0.995, 3) * np.sqrt(seen)
    assert np.mean(off > reach) == pytest.approx(0.01, abs=0.002)
    assert reach.mean() < 0.7 * plain.mean()


@pytest.mark.parametrize("seen", [[], [0.5], [0.5, 0.0, np.nan, 2.0]])
def test_of_few_groups_each_stands_alone(seen: list[float]) -> None:
    found, freedom = moderated(np.array(seen), 4)
    assert np.array_equal(found, seen, equal_nan=True) and (freedom == 4).all()


def test_variances_as_alike_as_draws_of_one_are_one() -> None:
    found, freedom = moderated(np.array([1.0, 1.01, 0.99, 1.0]), 4)
    assert len(set(found)) == 1 and (freedom == 16).all()  # of 16 draws' degrees of freedom, and no more
    from scipy import special

    for at in (0.05, 1.0, 30.0):
        assert _where_trigamma_is(float(special.polygamma(1, at))) == pytest.approx(at)


@pytest.mark.parametrize("is_paired", [False, True])
@pytest.mark.parametrize("moves", [0.0, 0.4])
def test_shares_vary_as_much_as_is_told(is_paired: bool, moves: float) -> None:
    """Recalls from 30 to 99 %, of 50 to 800 examples; seeds move the log odds of each class alike, or not at all."""
    random = np.random.default_rng(7)
    sizes, level = np.tile([50, 200, 800, 200], 100), np.linspace(-0.8, 4.5, 400)

    def shares(models: int) -> np.ndarray:
        chance = 1 / (1 + np.exp(-level - moves * random.normal(size=(models, 400))))
        return random.binomial(sizes, chance) / sizes

    truth = (shares(3_000) - (shares(3_000) if is_paired else 0)).var(0)
    ratios = []
    for _ in range(20):
        sides = [shares(4) for _ in range(1 + is_paired)]
        near = np.stack([(side.mean(0) * sizes + 0.5) / (sizes + 1) for side in sides])
        change = sides[0] - (sides[1] if is_paired else 0)
        own = change.var(0, ddof=1)
        found, freedom = moderated_shares(own, near, sizes, 3.0)
        assert (freedom[own > 0] > 3).all() and (freedom <= 7).all() and (freedom[own == 0] <= 4).all()
        ratios.append(found / truth)
    ratio = np.mean(ratios, axis=0)
    for size in (50, 200, 800):
        chosen = ratio[:320][sizes[:320] == size]  # recalls of 90 % and more are known to few errors
        assert 0.85 <= chosen.mean() <= 1.25
    assert 0.85 <= ratio[320:].mean() <= 2.0


def test_shares_of_few_groups_vary_as_each_alone() -> None:
    own = np.array([0.01, 0.02, 0.0])
    found, freedom = moderated_shares(own, np.full((1, 3), 0.8), np.array([10, 12, 5]), 2.0)
    assert found.tolist() == own.tolist() and (freedom == 2).all()


@pytest.mark.parametrize("sides", [1, 2])
def test_the_trend_is_what_a_search_finds(sides: int) -> None:
    random = np.random.default_rng(sides)
    for spread in (0.0, 1.0):
        shares, sizes = random.uniform(0.3, 0.99, (sides, 12)), random.integers(20, 500, 12)
        own = (shares * (1 - shares)).mean(0) ** 1.4 * sizes**-0.3 * np.exp(random.normal(0, spread, 12))
        own *= random.chisquare(4, 12) / 4
        own[3] = 0.0
        found, freedom = moderated_shares(own, shares, sizes, 4.0)
        with np.errstate(divide="ignore"):
            expected = slow_moderated(own, shares, sizes, 4.0)
        assert found == pytest.approx(expected[0], rel=1e-3) and freedom == pytest.approx(expected[1], rel=1e-3)
