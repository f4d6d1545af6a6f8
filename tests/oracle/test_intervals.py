"""A smooth function of sums beside the delta method and the jackknife by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from piescope.measure.intervals import combined_variance, smooth_interval, t_interval


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


def test_the_freedom_is_that_of_the_estimate_as_drawn() -> None:
    """Variances over seeds drawn around what is given, less what a unit and an example do together, none below 0."""
    random = np.random.default_rng(1)
    for over_seeds, strata, both in (
        ([3.0], [4], 1.0),
        ([0.5], [6], 1.0),
        ([2.0, 2.0], [3, 3], 1.5),
        ([2.0], [10], 0.0),
    ):
        units = np.array(strata) - 1
        drawn = (np.array(over_seeds) / units * random.chisquare(units, (400_000, len(strata)))).sum(1)
        variance, freedom = combined_variance(4.0, 1e9, np.array(over_seeds), strata, both)
        assert variance == 4.0 + max(0.0, sum(over_seeds) - both)
        assert freedom == pytest.approx(2 * variance**2 / np.maximum(0.0, drawn - both).var(), rel=0.02)


@pytest.mark.parametrize(("models", "least", "most"), [(3, 0.92, 0.98), (5, 0.935, 0.975), (10, 0.94, 0.97)])
@pytest.mark.parametrize("seeds", [0.0, 0.3, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("both", [0.1, 0.5, 0.9])
def test_the_rule_itself_holds_the_truth_whatever_seeds_do(
    both: float, seeds: float, models: int, least: float, most: float
) -> None:
    """Normal worlds; variance over examples is 1. Few models and seeds that move far more than examples are the worst."""
    random = np.random.default_rng(2)
    over_seeds = (seeds + both) * random.chisquare(models - 1, (40_000, 1)) / (models - 1)
    variance, freedom = combined_variance(1.0, 1e9, over_seeds, [models], both)
    off = np.sqrt(1 + seeds) * np.abs(random.normal(size=len(variance)))
    assert least < np.mean(off <= stats.t.ppf(0.975, freedom) * np.sqrt(variance)) < most
