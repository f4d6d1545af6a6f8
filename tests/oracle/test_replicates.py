"""How many models are enough: against slow subsampling, and against studies of more models than were shown."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from made_votes import votes_of
from piescope.measure.pies import pie_mask, vote_entropy, vote_margin
from piescope.measure.replicates import FURTHEST, replicate_curve


def truth(examples: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    """Chances of labels before and after: a tenth of the examples get others."""
    random = np.random.default_rng(0)
    before = random.dirichlet(np.full(5, 0.15), examples)
    moved = random.random(examples) < 0.1
    return before, np.where(moved[:, None], random.dirichlet(np.full(5, 0.15), examples), before)


def test_small_numbers_of_models_by_all_subsets() -> None:
    random = np.random.default_rng(1)
    dense, pruned = random.integers(0, 3, (6, 200)), random.integers(0, 3, (6, 200))
    curve = replicate_curve(dense, pruned, 3)
    assert curve.models.tolist() == [2, 3, 4, 5, 6]
    for place, size in enumerate(curve.models):
        counts = [pie_mask(dense[list(s)], pruned[list(s)], 3).sum() for s in combinations(range(6), int(size))]
        assert curve.pies[place] == pytest.approx(np.mean(counts))
        if size <= 4:
            assert curve.spread[place] == pytest.approx(np.std(counts, ddof=1) / np.sqrt(1 - size / 6))
        else:
            assert np.isnan(curve.spread[place])
    assert curve.pies_at(6) == pie_mask(dense, pruned, 3).sum()


@pytest.mark.simulation
def test_what_more_models_would_count_is_foretold() -> None:
    """From 12 and 30 models: the count of 60 and of any number, against studies that have them."""
    before, after = truth()
    random = np.random.default_rng(2)
    many = [pie_mask(votes_of(random, before, 60), votes_of(random, after, 60), 5).sum() for _ in range(40)]
    any_number = (before.argmax(1) != after.argmax(1)).sum()
    for models, within in ((12, 0.15), (30, 0.08)):
        curves = [
            replicate_curve(votes_of(random, before, models), votes_of(random, after, models), 5) for _ in range(8)
        ]
        assert np.mean([curve.pies_at(60) for curve in curves]) == pytest.approx(np.mean(many), rel=within)
        assert np.mean([curve.limit_low <= any_number <= curve.limit_high for curve in curves]) > 0.8
    assert np.mean(many) > 1.4 * any_number  # why a count is not its limit


@pytest.mark.simulation
def test_spread_is_that_of_other_studies() -> None:
    """Seeds of common effect, so that studies differ: 15 of 30 models, against new studies of 15."""
    random = np.random.default_rng(3)
    logit = random.normal(0, 2, 2000)
    shift = np.where(random.random(2000) < 0.1, 2.0, 0.0)

    def said(models: int, moved: np.ndarray) -> np.ndarray:
        seeds = random.normal(0, 0.7, (models, 1))
        return (random.random((models, 2000)) < 1 / (1 + np.exp(-(logit + moved + seeds)))).astype(int)

    fresh = [pie_mask(said(15, 0 * shift), said(15, shift), 2).sum() for _ in range(200)]
    curves = [replicate_curve(said(30, 0 * shift), said(30, shift), 2) for _ in range(12)]
    told = np.mean([curve.spread_at(15) for curve in curves])
    assert 0.75 * np.std(fresh) < told < 1.5 * np.std(fresh)
    assert np.mean([curve.pies_at(15) for curve in curves]) == pytest.approx(np.mean(fresh), rel=0.1)


def test_enough_is_where_the_error_passes() -> None:
    before, after = truth(800)
    random = np.random.default_rng(4)
    curve = replicate_curve(votes_of(random, before, 12), votes_of(random, after, 12), 5)
    for error in (0.05, 0.1, 0.3):
        enough = curve.enough_to_repeat(error)
        if enough is None:
            assert curve.repeat_error_at(curve.furthest) > error
        else:
            assert curve.repeat_error_at(enough) <= error
            assert enough == 2 or curve.repeat_error_at(enough - 1) > error
    assert curve.enough_to_repeat(0.3) is not None
    assert curve.enough(1e-6) is None
    assert curve.furthest == FURTHEST * 12


def test_without_an_effect_no_number_is_enough() -> None:
    random = np.random.default_rng(5)
    before, _ = truth(800)
    curve = replicate_curve(votes_of(random, before, 16), votes_of(random, before, 16), 5)
    assert curve.limit < 0.4 * curve.pies[-1]
    assert curve.enough(0.1) is None


def test_margin_and_entropy_by_loops() -> None:
    random = np.random.default_rng(6)
    said = random.integers(0, 4, (7, 50))
    for example in range(50):
        counts = sorted((said[:, example].tolist().count(label) for label in range(4)), reverse=True)
        assert vote_margin(said, 4)[example] == pytest.approx((counts[0] - counts[1]) / 7)
        shares = [count / 7 for count in counts if count]
        assert vote_entropy(said, 4)[example] == pytest.approx(-sum(share * np.log2(share) for share in shares))
