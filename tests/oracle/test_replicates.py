"""How many models are enough: against slow subsampling, and against studies of more models than were shown."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from made_votes import votes_of
from piescope.measure.pies import pie_mask, vote_entropy, vote_margin
from piescope.measure.replicates import FEWEST_DRAWN_OUT, FURTHEST, replicate_curve


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


def alike(chance: float) -> np.ndarray:
    """``[2000, 2]``: all examples are equally hard, so that ties make counts zigzag."""
    return np.tile([1 - chance, chance], (2000, 1))


def test_of_four_models_counts_are_told_and_nothing_is_drawn_out() -> None:
    """Of 2, 3 and 4 models about 157, 380 and 119: ties of even numbers go to the smallest id."""
    random = np.random.default_rng(1)
    dense, pruned = (votes_of(random, alike(0.2), 4) for _ in range(2))
    curve = replicate_curve(dense, pruned, 2)
    assert curve.pies[1] > 2 * curve.pies[0] > 2 * curve.pies[2]
    assert [curve.pies_at(models) for models in (2, 3, 4)] == pytest.approx(curve.pies.tolist())
    assert curve.repeat_error_at(4) > 0
    assert np.isnan([curve.limit, curve.limit_low, curve.limit_high, curve.pies_at(5), curve.pies_at(40)]).all()
    assert np.isnan([curve.repeat_error_at(40), curve.error_at(4)]).all()
    assert "from 5 models a side, of which here are 4" in curve.reason
    assert curve.enough(0.5) is None and curve.enough_to_repeat(0.0) is None
    assert curve.furthest == 4
    assert not replicate_curve(*(votes_of(random, alike(0.2), 5) for _ in range(2)), 2).reason


@pytest.mark.parametrize("models", [5, 8, 12])
def test_a_count_that_rises_has_no_limit(models: int) -> None:
    """Votes of 4 to 6 that turn to 6 to 4 on all examples: half are PIEs of single models, all with any number."""
    random = np.random.default_rng(models)
    curve = replicate_curve(votes_of(random, alike(0.4), models), votes_of(random, alike(0.6), models), 2)
    assert np.isnan([curve.limit, curve.limit_low, curve.limit_high, curve.pies_at(models + 1)]).all()
    assert "rises" in curve.reason
    assert curve.pies_at(models) == curve.pies[-1]


def test_a_count_that_never_changes_is_its_limit() -> None:
    dense = np.zeros((6, 50), int)
    pruned = np.repeat(np.arange(50) < 20, 6).reshape(50, 6).T.astype(int)
    curve = replicate_curve(dense, pruned, 2)
    assert (curve.limit_low, curve.limit, curve.limit_high, curve.pies_at(100)) == (20, 20, 20, 20)


@pytest.mark.simulation
@pytest.mark.parametrize("models", [4, 5, 7, 8])
def test_the_truth_lies_between_the_guesses_where_there_are_any(models: int) -> None:
    """10 classes, 300 examples, or two with 1,500: 40 studies whose count with any number of models is known."""
    random = np.random.default_rng(7)
    inside, known = [], []
    for study in range(40):
        if study % 2:
            before = random.dirichlet(np.full(10, 0.1), 300)
            moved = random.random(300) < 0.1
            after = np.where(moved[:, None], random.dirichlet(np.full(10, 0.1), 300), before)
        else:
            logit, shift = random.normal(-2, 2, 1500), 2.5 * (random.random(1500) < 0.1)
            first, second = (1 / (1 + np.exp(-side)) for side in (logit, logit + shift))
            before, after = np.stack([1 - first, first], 1), np.stack([1 - second, second], 1)
        truth = (before.argmax(1) != after.argmax(1)).sum()
        curve = replicate_curve(votes_of(random, before, models), votes_of(random, after, models), before.shape[1])
        known.append(not curve.reason)
        if not curve.reason:
            inside.append(curve.limit_low <= truth <= curve.limit_high)
            assert curve.limit_low < curve.limit_high < curve.pies[-1]
    if models < FEWEST_DRAWN_OUT:
        assert not any(known)
    else:
        assert np.mean(known) > 0.95
        assert np.mean(inside) >= 0.875


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
