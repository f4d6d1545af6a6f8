"""Bounds of a drop: against a slow form, and how often they are too low."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from made_budgets import slow_upper
from piescope.measure.drops import drop_bounds


def test_bounds_of_a_drop_against_a_slow_form() -> None:
    random = np.random.default_rng(0)
    cases = [(0, 0, 1), (1, 0, 1), (0, 1, 1), (5, 5, 10), (10, 0, 10), (0, 10, 10), (3, 0, 10)]
    cases += [(*random.multinomial(n, (0.1, 0.1, 0.8))[:2], n) for n in (5, 30, 1000, 20_000) for _ in range(10)]
    for level in (0.05, 0.005):
        lower, upper = drop_bounds(*np.array(cases).T, level)
        assert upper == pytest.approx([slow_upper(*case, level) for case in cases])
        assert lower == pytest.approx([-slow_upper(gained, lost, n, level) for lost, gained, n in cases])
        drops = [100 * (lost - gained) / n for lost, gained, n in cases]
        assert (lower <= drops).all() and (drops <= upper).all()


@pytest.mark.sampled(8, heavy=True)
def test_the_bound_of_a_drop_is_too_low_in_at_most_five_percent_of_samples() -> None:
    """Every sample that there can be, weighed by how likely it is, with the true drop exactly at the limit."""
    for level in (0.05, 0.005):
        worst = 0.0
        for limit in (1.0, 3.0, 10.0):
            for examples in (30, 52, 99, 269, 300, 1000):
                for gain in (0.0, 0.002, 0.02, 0.1):
                    loss = limit / 100 + gain
                    lost, gained = np.meshgrid(np.arange(examples + 1), np.arange(examples + 1), indexing="ij")
                    near = (lost + gained <= examples) & (lost < examples * loss + 40) & (gained < examples * gain + 40)
                    lost, gained = lost[near], gained[near]
                    chance = stats.multinomial.pmf(
                        np.stack([lost, gained, examples - lost - gained], -1), examples, [loss, gain, 1 - loss - gain]
                    )
                    assert chance.sum() > 0.99  # the rest lost far more
                    _, upper = drop_bounds(lost, gained, np.full(len(lost), examples), level)
                    worst = max(worst, float(chance[upper <= limit].sum()))
        assert level / 2 < worst <= level
