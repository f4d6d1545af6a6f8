"""A smooth function of sums beside the delta method and the jackknife by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from made_intervals import freedom_by_search
from piescope.measure.accuracy import variance_between_classes
from piescope.measure.class_impact import same_class_probability
from piescope.measure.intervals import Interval, bent_variance, combined_variance, is_bent, smooth_interval, t_interval

Coverage = Callable[..., float]


def terms() -> list[np.ndarray]:
    random = np.random.default_rng(2)
    models = (random.random((2, 6, 300)) < np.array([0.3, 0.6])[:, None, None]).astype(float)
    without = (models.sum(1, keepdims=True) - models) / 5
    return [np.concatenate([own.mean(0)[None], rest]) for own, rest in zip(models, without, strict=True)]


def ratio(one: float, other: float) -> float:
    return one / other


def test_a_ratio_by_hand() -> None:
    one, other = terms()
    a, b = one[0].sum(), other[0].sum()
    share = one / b - a * other / b**2  # the slopes 1 / b and -a / b**2
    over_examples = 300 * share[0].var(ddof=1)
    moved = share[1:] - share[1:].mean(0)
    over_seeds, over_both = 5 / 6 * (moved.sum(1) ** 2).sum(), 5 / 6 * (moved**2).sum()
    found = smooth_interval(ratio, terms())
    assert found.value == pytest.approx(a / b)
    assert found.error**2 == pytest.approx(over_examples + max(0.0, over_seeds - over_both))
    assert found.lasting**2 == pytest.approx(max(0.0, over_examples - over_both))
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, found.freedom) * found.error)


@pytest.mark.parametrize("unit", [1e-9, 1e-3, 1e6])
def test_units_are_no_matter(unit: float) -> None:
    usual, other = smooth_interval(ratio, terms()), smooth_interval(ratio, [unit * term for term in terms()])
    assert (other.value, other.error, other.freedom) == pytest.approx(
        (usual.value, usual.error, usual.freedom), rel=1e-5
    )


def test_so_many_models_are_clear_in_half_of_studies() -> None:
    """A mean over models whose seeds move it, and examples that do nothing."""
    value, spread, random = 0.6, 2.0, np.random.default_rng(0)
    enough = t_interval(value, spread**2 / 10, 9.0, lasting=0.0).models_to_be_clear(10)
    assert enough is not None
    drawn = random.normal(value, spread, (4000, enough))
    clear = np.abs(drawn.mean(1)) > stats.t.ppf(0.975, enough - 1) * drawn.std(1, ddof=1) / enough**0.5
    assert clear.mean() == pytest.approx(0.5, abs=0.04)


def test_so_many_models_are_clear_as_the_rule_has_it_of_more_models() -> None:
    """What seeds do goes with the number of models, what examples do stays."""
    random, told, never = np.random.default_rng(1), [], 0
    for models in range(3, 13):
        for moves in (0.0, 0.3, 1.0, 3.0, 10.0):
            both = random.uniform(0.05, 0.95)
            over_seeds = both * (1 + moves) * random.chisquare(models - 1) / (models - 1)

            def reach(of: int, both: float = both, over_seeds: float = over_seeds, models: int = models) -> Interval:
                share = models / of
                parts = 1 - both + both * share, 2001.0, np.array([over_seeds * share]), [of], both * share
                variance, freedom = combined_variance(*parts)
                return t_interval(0.0, float(variance), float(freedom), lasting=float(np.sqrt(1 - both)))

            now = reach(models)
            value = random.uniform(0.5, 1.0) * now.high
            found = t_interval(value, now.error**2, now.freedom, lasting=now.lasting).models_to_be_clear(models)
            if found is None:
                never += 1
                assert reach(1000).high > value
            else:
                told.append((reach(found).high / value, reach(found - 1).high / value))
    at, before = np.array(told).T
    assert len(told) > 25 and never > 5
    assert at.max() < 1.02 and before.min() > 0.88, "hardly ever too few, and few too many"
    assert (at <= 1).mean() > 0.9 and (before > 1).mean() > 0.4


@pytest.fixture
def coverage(benchmark: Callable[[str], Any]) -> Coverage:
    """Of normal worlds, integrated; a draw below agrees."""
    held: Coverage = benchmark("simulations").normal_coverage
    return held


@pytest.mark.parametrize(
    ("models", "least", "most"), [(3, 0.930, 0.980), (4, 0.935, 0.975), (5, 0.937, 0.972), (10, 0.942, 0.966)]
)
def test_the_rule_itself_holds_the_truth_whatever_seeds_do(
    coverage: Coverage, models: int, least: float, most: float
) -> None:
    """Nothing that seeds do, and nothing that they do with examples, is worse than that. Few models are the worst."""
    for both in (1e-6, 0.1, 0.3, 0.5, 0.9, 1.0):
        for seeds in (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0):
            assert least < coverage([models], [seeds], both) < most, (both, seeds)


@pytest.mark.parametrize("models", [3, 4, 5, 10, 30])
def test_seeds_that_move_much_more_than_examples_leave_what_is_said(coverage: Coverage, models: int) -> None:
    """The case that decides how much of the examples' variance is kept beside the seeds'."""
    assert coverage([models], [30.0], 0.1) == pytest.approx(0.95, abs=5e-4)
    plain = stats.t.ppf(0.975, models - 1)  # of the seeds alone
    assert coverage([models], [1e6], 0.1) == pytest.approx(0.95, abs=1e-5)
    _, freedom = combined_variance(1.0, 1e9, np.array([1e8]), [models], 0.1)
    assert stats.t.ppf(0.975, freedom) == pytest.approx(plain, rel=1e-6)


@pytest.mark.sampled(8, heavy=True)
def test_a_draw_of_normal_worlds_agrees_with_the_integral(coverage: Coverage) -> None:
    random = np.random.default_rng(2)
    for models, seeds, both in ((3, 3.0, 0.5), (5, 0.3, 0.9), (10, 10.0, 0.1)):
        over_seeds = (seeds + both) * random.chisquare(models - 1, (200_000, 1)) / (models - 1)
        variance, freedom = combined_variance(1.0, 1e9, over_seeds, [models], both)
        off = np.sqrt(1 + seeds) * np.abs(random.normal(size=len(variance)))
        held = np.mean(off <= stats.t.ppf(0.975, freedom) * np.sqrt(variance))
        assert held == pytest.approx(coverage([models], [seeds], both), abs=0.002)


def test_what_no_rule_exceeds_is_an_oracle_s_where_all_is_known_and_never_less_than_student_s(
    benchmark: Callable[[str], Any],
) -> None:
    """The lemma's own case, and that of a variance of which nothing is known but what few models show."""
    power = benchmark("power")
    known = power.best_power([3], 0.0, both=1e-6, nulls=1)
    assert known == pytest.approx(power.ORACLES, abs=0.01), "one hypothesis against one: the lemma itself"
    for models in (3, 5, 10):
        edge, effect = stats.t.ppf(0.975, models - 1), power.effect_of(1.0)
        student = stats.nct.sf(edge, models - 1, effect) + stats.nct.cdf(-edge, models - 1, effect)
        best = power.best_power([models], 1.0, both=1e-9, examples=1e-9, cells=(90, 60), nulls=40)
        assert student - 0.01 < best < min(student + 0.1, power.ORACLES), models


@pytest.mark.parametrize(("models", "seeds", "most"), [(3, 0.3, 0.02), (3, 5.0, 0.0), (5, 1.0, 0.02), (10, 5.0, 0.0)])
def test_the_rule_finds_about_as_much_as_any_can(
    benchmark: Callable[[str], Any], models: int, seeds: float, most: float
) -> None:
    """A rule that were above what is possible would break its promise elsewhere."""
    power = benchmark("power")
    best, ours = power.best_power([models], seeds), power.our_power([models], seeds)
    assert best - 0.1 < ours < best + most


def test_power_agrees_with_a_draw(benchmark: Callable[[str], Any]) -> None:
    power, random = benchmark("power"), np.random.default_rng(3)
    seeds, both = 1.0, power.BOTH
    over_seeds = (seeds + both) / 2 * random.chisquare(4, (100_000, 2)) / 4
    variance, freedom = combined_variance(1.0, 1e9, over_seeds, [5, 5], both)
    off = np.abs(random.normal(power.effect_of(1 + seeds), np.sqrt(1 + seeds), len(variance)))
    found = np.mean(off > stats.t.ppf(0.975, freedom) * np.sqrt(variance))
    assert found == pytest.approx(power.our_power([5, 5], seeds), abs=0.006)


@pytest.mark.parametrize(
    ("strata", "least", "most"),
    [((3, 3), 0.935, 0.98), ((5, 5), 0.938, 0.969), ((3, 12), 0.925, 0.977), ((2, 12), 0.919, 0.987)],
)
def test_two_groups_of_seeds_hold_the_truth_whatever_they_do(
    coverage: Coverage, strata: tuple[int, int], least: float, most: float
) -> None:
    for both in (0.1, 1.0):
        for one in (0.0, 1.0, 10.0):
            for other in (0.0, 0.3, 3.0):
                assert least < coverage(strata, (one, other), both) < most, (both, one, other)


@pytest.mark.parametrize("both", [0.0, 0.1, 1.0, 3.0])
@pytest.mark.parametrize("examples", [1e9, 40.0, 8.0])
@pytest.mark.parametrize("strata", [[3], [12], [2, 2], [5, 3], [3, 12], [12, 3]])
def test_seeds_that_differ_more_never_make_an_interval_shorter(strata: list[int], examples: float, both: float) -> None:
    seen = np.geomspace(1e-4, 1e4, 400)
    for still in (0.0, 0.03, 1.0, 30.0) if len(strata) == 2 else (0.0,):
        parts = np.stack([np.full(400, still), seen][-len(strata) :], -1)
        variance, freedom = combined_variance(1.0, examples, parts, strata, both)
        reach = stats.t.ppf(0.975, freedom) * np.sqrt(variance)
        assert (np.diff(reach) >= -1e-9 * reach[1:]).all()
        assert (reach >= stats.t.ppf(0.975, examples - 1) * np.sqrt(variance) * (1 - 1e-9)).all()
        assert ((min(*strata, examples) - 1 <= freedom) & (freedom <= examples - 1)).all()
        np.testing.assert_allclose(variance, 1.0 + np.maximum(0.0, seen + still - both), rtol=1e-12)


def test_the_rule_by_search() -> None:
    random = np.random.default_rng(9)
    for strata in ([3], [5, 3], [2, 12], [4, 4, 9]):
        parts, both = 4 * random.random((30, len(strata))) ** 3, 2 * random.random(30) ** 2
        _, freedom = combined_variance(1.0, 41.0, parts, strata, both)
        for own, seeds, b in zip(freedom, parts, both, strict=True):
            expected = freedom_by_search(1.0, 40, [(v, k - 1) for v, k in zip(seeds, strata, strict=True)], b)
            assert own == pytest.approx(expected, rel=1e-6)


def test_one_unit_alone_or_what_is_without_end_tells_no_freedom() -> None:
    for over_seeds, strata in (([1.0, 1.0], [1, 3]), ([np.inf], [3]), ([np.nan], [3])):
        _, freedom = combined_variance(1.0, 100.0, np.array(over_seeds), strata, 0.1)
        assert np.isnan(freedom)


def test_without_seeds_examples_are_all_and_nothing_has_no_freedom() -> None:
    for strata in ([], [5], [3, 4]):
        variance, freedom = combined_variance(4.0, 101.0, np.zeros(len(strata)), strata, 0.0)
        assert float(variance) == 4.0 and float(freedom) == 100.0
    variance, freedom = combined_variance(0.0, 101.0, np.zeros(1), [5], 0.0)
    assert variance == 0.0 and np.isnan(freedom)


def by_group(term: np.ndarray, groups: np.ndarray) -> np.ndarray:
    return np.array([np.bincount(groups, row) for row in term])


def test_a_sum_that_cancels_out_is_moved_as_far_as_others() -> None:
    """What is left of such a sum is rounding: steps in proportion to it once gave standard errors a million times too large."""
    random = np.random.default_rng(3)
    half = random.normal(size=50) * 100 / 3
    signed = np.tile(np.concatenate([half, -half]), (6, 1))
    signed[1:] += random.normal(size=(5, 100))
    assert 0 < abs(signed[0].sum()) < 1e-10
    found = smooth_interval(lambda total, size: total / 7 + size**2, [signed, np.ones((6, 100))])
    expected = smooth_interval(lambda total: total / 7, [signed])
    assert found.error == pytest.approx(expected.error, rel=1e-6)


def test_the_variance_from_curvature_by_matrices() -> None:
    """A quadratic form of the sums of two terms in three groups; its curvature and the sums' covariance written out."""
    random = np.random.default_rng(4)
    groups = random.integers(0, 3, 400)
    luck = random.normal(size=(2, 8, 400)) + 0.5 * random.normal(size=(2, 8, 1)) * (groups == 1)
    terms = [np.concatenate([own.mean(0)[None], (own.sum(0) - own) / 7]) for own in luck]
    form = random.normal(size=(6, 6))
    curvature = form + form.T
    adds = np.zeros((400, 2, 3))
    for place in range(2):
        adds[np.arange(400), place, groups] = terms[place][0]
    examples = 400 * np.cov(adds.reshape(400, 6).T, ddof=0)
    scaled = []
    for term in terms:
        moved = term[1:] - term[1:].mean(0)
        sums = by_group(moved, groups)
        scaled.append(sums * np.sqrt(7 / 8 * max(0, 1 - (moved**2).sum() / (sums**2).sum())))
    every = np.concatenate(scaled, 1)
    seeds, freedom = every.T @ every, 7
    assert np.trace(seeds) > 0.5 * np.trace(examples), "a test of neither alone"
    (of_seeds, own), (of_examples, _) = ((curvature @ each, np.trace(curvature @ each)) for each in (seeds, examples))
    known = freedom**2 / ((freedom + 2) * (freedom - 1)) * (np.trace(of_seeds @ of_seeds) - own**2 / freedom)
    expected = (np.trace(of_examples @ of_examples) + 2 * np.trace(of_examples @ of_seeds) + max(0.0, known)) / 2

    def statistic(*sums: np.ndarray) -> Any:
        every = np.concatenate(sums, -1)
        return np.einsum("...i,ij,...j->...", every, form, every)

    assert bent_variance(statistic, terms, groups) == pytest.approx(expected, rel=0.3)  # 500 draws
    slopes = random.normal(size=6)
    straight = bent_variance(lambda *sums: statistic(*sums) + np.concatenate(sums, -1) @ slopes, terms, groups)
    assert straight == pytest.approx(bent_variance(statistic, terms, groups), rel=1e-9)


def test_the_variance_from_curvature_is_what_many_studies_have_where_slopes_are_nothing() -> None:
    """Squares of sums whose expectation is 0, of examples and of seeds that move a group at once."""
    random = np.random.default_rng(5)
    groups, values, told = np.arange(200) % 4, [], []
    for _ in range(200):
        luck = random.normal(size=(10, 200)) + 0.3 * random.normal(size=(10, 4))[:, groups] + random.normal(size=200)
        term = np.concatenate([luck.mean(0)[None], (luck.sum(0) - luck) / 9])
        values.append(float((by_group(term, groups)[0] ** 2).sum()))
        told.append(bent_variance(lambda sums: (sums**2).sum(-1), [term], groups))
    assert np.mean(told) == pytest.approx(np.var(values), rel=0.3)


def test_an_interval_that_curvature_makes_too_long_is_none_where_it_contains_0() -> None:
    random = np.random.default_rng(6)
    groups, luck = np.arange(2000) % 4, random.normal(size=(6, 2000))

    def bent(shift: float, of: float, less: float = 0.0) -> bool:
        term = np.concatenate([luck.mean(0)[None], (luck.sum(0) - luck) / 5]) + shift

        def unevenness(sums: np.ndarray) -> Any:
            return ((sums - of) ** 2).sum(-1) - less

        found = smooth_interval(unevenness, [term], groups)
        assert (found.low <= 0 <= found.high) == (less == 0.0 == shift or less > 1e5)
        return is_bent(found, unevenness, [term], groups)

    assert bent(0.0, 0.0), "even: no slope"
    assert not bent(0.5, 0.0), "uneven: the slope is what moves it"
    assert not bent(0.5, 0.0, 4 * 250.0**2), "likewise about 0"
    assert not bent(0.0, 0.0, -1e5), "far from 0 for all that is too long"
    few = np.ones((3, 2000))
    assert not is_bent(smooth_interval(np.sum, [few], groups), np.sum, [few], groups), "there is no interval"
    assert np.isnan(bent_variance(np.sum, [few], groups)), "of two seeds"
    assert is_bent(t_interval(1.0, 1.0, 5.0), lambda sums: np.nan * sums[..., 0], [np.ones((7, 2000))], groups), (
        "not known"
    )


@pytest.mark.parametrize("classes", [10, 100])
def test_few_examples_a_class_bend_no_further_than_what_can_be_counted(classes: int) -> None:
    """Ten PIEs at one end (draws of fewer than two have no share), and six examples a class: steps are small."""
    random = np.random.default_rng(8)
    truth = np.arange(classes * 6) % classes
    marked = [np.where(np.arange(len(truth)) < number, 1.0, 0.0) for number in (10, 5 * classes)]
    terms = [np.tile(each, (6, 1)) for each in marked]

    def growth(high: np.ndarray, low: np.ndarray) -> Any:
        return same_class_probability(high) - same_class_probability(low)

    assert np.isfinite(bent_variance(growth, terms, truth))
    lost = 100.0 * (random.random((6, len(truth))) < np.where(truth % 2, 0.7, 0.1))
    lost = np.concatenate([lost.mean(0)[None], (lost.sum(0) - lost) / 5])
    sums = [np.ones_like(lost), lost, lost**2]
    found = smooth_interval(variance_between_classes, sums, truth)
    assert bent_variance(variance_between_classes, sums, truth) < 0.25 * found.error**2
