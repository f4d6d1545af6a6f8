"""Draws of seeds and examples: row 0 is what was observed, and intervals hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from piescope.measure.pies import group_modal_labels, pie_mask
from piescope.measure.resampling import estimate, two_way_draws


def test_row_0_is_what_was_observed() -> None:
    random = np.random.default_rng(5)
    dense, pruned = random.integers(0, 3, (2, 4, 300))
    drawn = two_way_draws(4, 300, 10)
    modal = [group_modal_labels(labels, drawn.models, 3)[0] for labels in (dense, pruned)]
    assert np.array_equal(modal[0] != modal[1], pie_mask(dense, pruned, 3))
    assert drawn.models[0].tolist() == [1] * 4
    assert (drawn.models.sum(1) == 4).all()
    assert len(drawn.models) == len(drawn.examples) == 21
    assert (drawn.examples.sum(1) == 300).all()


def test_intervals_hold_what_they_promise() -> None:
    """Coverage of the mean of effects that have a part of their model, of their example, and of both."""
    random = np.random.default_rng(11)
    held, trials, models, examples = 0, 200, 5, 120
    for trial in range(trials):
        values = (
            1.0
            + 0.5 * random.normal(size=(models, 1))
            + random.normal(size=(1, examples))
            + random.normal(size=(models, examples))
        )
        drawn = two_way_draws(models, examples, 150, seed=trial)
        rows = np.einsum("rm,me,re->r", drawn.models, values, drawn.examples) / (models * examples)
        found = estimate(rows, models)
        held += found.low <= 1.0 <= found.high
        assert found.value == pytest.approx(values.mean(), rel=1e-4)
    # binomial, 3 standard errors below 95 %; a bootstrap of five models runs a little short of t's promise
    assert held / trials > 0.90
