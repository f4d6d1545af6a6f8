"""Variances that tell of each other: truth by draws, the limits of the rule, and another way to its numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

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
    """Recalls from 30 to 99 %, seeds that move the log odds of each class alike, or not at all."""
    random = np.random.default_rng(7)
    sizes, level = np.full(400, 200), np.linspace(-0.8, 4.5, 400)

    def counts(models: int) -> np.ndarray:
        chance = 1 / (1 + np.exp(-level - moves * random.normal(size=(models, 400))))
        return random.binomial(sizes, chance)

    many = (counts(3_000) - (counts(3_000) if is_paired else 0)) / sizes
    truth = many.var(0)
    ratios = []
    for _ in range(20):
        found, freedom = moderated_shares(counts(4), sizes, counts(4) if is_paired else None)
        assert (freedom > 6).all()
        ratios.append(found / truth)
    ratio = np.mean(ratios, axis=0)
    middle, near = ratio[50:250].mean(), ratio[330:].mean()  # log odds of a right answer up to 2.5; from 3.6 on
    assert middle == pytest.approx(1.0, abs=0.15)
    assert 0.9 <= near <= (1.5 if moves == 0 else 4.0)  # near 100 % never taken for less


def test_shares_of_few_groups_vary_as_each_alone() -> None:
    counts, before = np.array([[9, 8, 5], [7, 8, 5], [8, 6, 5]]), np.array([[9, 9, 5], [8, 9, 5], [9, 8, 5]])
    sizes = np.array([10, 12, 5])
    for taken in (None, before):
        found, freedom = moderated_shares(counts, sizes, taken)
        shares = (counts - (0 if taken is None else taken)) / sizes
        assert found == pytest.approx(shares.var(0, ddof=1)) and (freedom == 2).all()
