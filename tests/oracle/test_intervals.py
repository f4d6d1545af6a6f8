"""A smooth function of sums beside the delta method and the jackknife by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from piescope.measure.intervals import smooth_interval, t_interval


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
