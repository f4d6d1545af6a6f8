"""The likelihood of votes by counting draws, the best distribution by another optimiser, and truth by simulation."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from piescope.measure.noise_floor import NoiseFloor
from piescope.measure.vote_shares import LIKELIEST, _likelihoods, _shapes, expected_disagreement


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_likelihood_of_votes_is_that_of_all_draws(classes: int) -> None:
    """Every sequence of 4 votes one by one, under every way to name the first two labels."""
    shapes = _shapes(classes)[::17]
    drawn: dict[tuple[int, ...], np.ndarray] = {}
    for votes in product(range(classes), repeat=4):
        chance = np.zeros(len(shapes))
        for one, two in product(range(classes), repeat=2):
            if one != two:
                shares = np.repeat(shapes[:, 2:] / max(classes - 2, 1), classes, axis=1)
                shares[:, one], shares[:, two] = shapes[:, 0], shapes[:, 1]
                chance += shares[:, votes].prod(1)
        counts = tuple(sorted(np.bincount(votes, minlength=classes).tolist(), reverse=True))
        drawn.setdefault(counts, chance)  # one sequence of each kind: others differ by a factor that all shapes have
        assert drawn[counts] == pytest.approx(chance, rel=1e-9)
    patterns = np.array(list(drawn))
    assert _likelihoods(patterns, shapes, classes) == pytest.approx(np.array(list(drawn.values())), rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_distribution_is_as_likely_as_another_optimiser_makes_it(seed: int) -> None:
    """Two classes, 5 models: minus its logarithm, minimised over a softmax of weights by L-BFGS."""
    random = np.random.default_rng(seed)
    wrong = random.binomial(5, random.uniform(0, 0.6, 500) ** 2)
    counts = np.bincount(np.minimum(wrong, 5 - wrong), minlength=3)
    chances = np.unique(np.round(1 - LIKELIEST[LIKELIEST >= 0.5], 9))
    likely = np.stack([stats.binom.pmf(k, 5, chances) + stats.binom.pmf(5 - k, 5, chances) for k in range(3)])

    def cost(logits: np.ndarray) -> float:
        weights = np.exp(logits - logits.max())
        return float(-(counts * np.log(likely @ (weights / weights.sum()))).sum())

    best = optimize.minimize(
        cost, np.zeros(len(chances)), method="L-BFGS-B", options={"maxiter": 3000, "maxfun": 10**6}
    )
    weights = np.exp(best.x - best.x.max())
    weights /= weights.sum()
    wins = stats.binom.sf(2, 5, chances)
    expected = len(wrong) * float(weights @ (2 * wins * (1 - wins)))
    labels = (np.arange(5)[:, None] < wrong).astype(int)
    assert expected_disagreement(labels, 2, (5, 5)).sum() == pytest.approx(expected, rel=0.05)


@pytest.mark.sampled(3, heavy=True)
@pytest.mark.parametrize("models", [5, 10])
def test_no_example_near_the_edge_is_no_damage_and_hides_none(benchmark: Callable[[str], Any], models: int) -> None:
    """The jackknife's floor alone is 26 to 38 % too high there, and intervals held the truth in half of all studies."""
    simulations = benchmark("simulations")
    world = simulations.World("firm", models, models, firm=True)
    counts, floors, held = [], [], 0
    for seed in range(60):
        (dense,), _, _ = simulations.study(world, np.random.default_rng(seed))
        found = NoiseFloor(dense[:models], simulations.CLASSES).under(dense[models:], "independent")
        counts.append(found.observed.value)
        floors.append(found.floor.value)
        held += found.excess.low <= 0 <= found.excess.high
    assert np.mean(floors) / np.mean(counts) == pytest.approx(1.08, abs=0.17)
    assert held >= stats.binom.ppf(1e-4, 60, 0.85)


def test_what_says_nothing_of_shares_is_refused() -> None:
    for labels, classes in ((np.zeros((1, 4), int), 2), (np.zeros((3, 0), int), 2), (np.zeros((3, 4), int), 1)):
        with pytest.raises(ValueError, match="expected"):
            expected_disagreement(labels, classes, (3, 3))


def test_models_that_always_agree_hardly_ever_differ() -> None:
    labels = np.tile(np.arange(400) % 4, (10, 1))
    assert expected_disagreement(labels, 4, (10, 10)).sum() < 0.01
