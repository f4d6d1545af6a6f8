"""What the ranking statistics refuse, leave out, and say of themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from piescope.measure.ranking import auroc, auroc_shares, cross_fitted, event_auroc_interval, mean_auroc_interval

NONE, ALL, HALF = np.zeros(6, bool), np.ones(6, bool), np.array([0, 1, 0, 0, 1, 1], bool)
SCORE = np.arange(6.0)


@pytest.mark.parametrize("event", [NONE, ALL])
def test_without_an_event_or_without_anything_else_nothing_is_ranked(event: np.ndarray) -> None:
    assert auroc(SCORE, event) is None
    assert np.isnan(auroc_shares(SCORE, event)).tolist() == [True] * 6
    assert mean_auroc_interval(SCORE[None], event[None]) is None
    assert event_auroc_interval(SCORE, event, np.stack([SCORE] * 2), np.stack([HALF] * 2), [2]) is None
    assert cross_fitted(SCORE[:, None], event, folds=2) is None


def test_no_examples_are_nothing_to_rank() -> None:
    assert auroc_shares(np.zeros(0), np.zeros(0, bool)).shape == (0,)
    assert mean_auroc_interval(np.zeros((1, 0)), np.zeros((3, 0), bool)) is None
    assert event_auroc_interval(np.zeros(0), np.zeros(0, bool), np.zeros((2, 0)), np.zeros((2, 0), bool), [2]) is None


def test_models_that_cannot_be_ranked_are_left_out() -> None:
    other, third = np.array([[1, 0, 0, 1, 1, 1], [0, 0, 1, 1, 0, 1]], bool)
    with_them = mean_auroc_interval(SCORE[None], np.stack([NONE, HALF, other, third, ALL]))
    assert with_them == mean_auroc_interval(SCORE[None], np.stack([HALF, other, third]))
    assert with_them is not None and with_them.error > 0
    own = np.stack([SCORE, SCORE[::-1], np.sqrt(SCORE), SCORE])
    assert mean_auroc_interval(own, np.stack([HALF, ALL, other, third])) == with_them


def test_one_model_has_a_value_and_no_interval() -> None:
    found = mean_auroc_interval(SCORE[None], HALF[None])
    assert found is not None
    assert found.value == pytest.approx(auroc(SCORE, HALF))
    assert all(math.isnan(end) for end in (found.error, found.low, found.high))


def test_perfect_and_constant_scores_are_not_taken_for_certain() -> None:
    """No spread among the shares is no spread seen, not no doubt: DeLong's variance is 0 there."""
    apart = np.array([0, 0, 0, 1, 1, 1], bool)
    for score, value in ((SCORE, 1.0), (-SCORE, 0.0), (np.ones(6), 0.5)):
        for found in (
            mean_auroc_interval(score[None], np.stack([apart] * 3)),
            event_auroc_interval(score, apart, np.stack([score] * 3), np.stack([apart, HALF, apart]), [3]),
        ):
            assert found is not None and found.value == pytest.approx(value)
            assert math.isnan(found.error) and math.isnan(found.low) and math.isnan(found.high)


def test_an_event_that_hangs_on_one_seed_has_a_value_and_no_interval() -> None:
    scores, events = np.stack([SCORE] * 6), np.stack([HALF] * 6)
    whole = event_auroc_interval(SCORE, HALF, scores, events, [3, 3])
    assert whole is not None and whole.low < whole.value < whole.high
    events[2] = NONE
    found = event_auroc_interval(SCORE, HALF, scores, events, [3, 3])
    assert found is not None and found.value == whole.value
    assert math.isnan(found.error) and math.isnan(found.low) and math.isnan(found.high)


def test_one_event_alone_has_no_interval() -> None:
    once = np.array([0, 0, 0, 0, 1, 0], bool)
    found = event_auroc_interval(SCORE, once, np.stack([SCORE] * 3), np.stack([once] * 3), [3])
    assert found is not None and found.value == pytest.approx(0.8) and math.isnan(found.low)


def test_ends_stay_within_0_and_1_and_hold_the_value() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        events = random.random((3, 12)) < 0.3
        found = mean_auroc_interval(events + random.normal(0, 0.5, (3, 12)), events)
        if found is not None and found.error > 0:
            assert 0 <= found.low < found.value < found.high <= 1


def test_only_the_order_of_a_score_counts() -> None:
    random = np.random.default_rng(0)
    score, event = random.integers(-5, 5, 200), random.random(200) < 0.2
    shares = auroc_shares(score, event)
    assert np.array_equal(shares, auroc_shares(np.exp(score / 3), event))
    ends = np.where(score == score.max(), np.inf, np.where(score == score.min(), -np.inf, score))
    assert np.array_equal(shares, auroc_shares(ends, event))
    assert auroc_shares(-score, event).sum() == pytest.approx(1 - shares.sum())
    assert auroc_shares(score, ~event).sum() == pytest.approx(1 - shares.sum())


def test_bad_arguments_are_refused_with_what_was_expected() -> None:
    two, missing = np.stack([HALF] * 2), np.where(SCORE == 2, np.nan, SCORE)
    with pytest.raises(ValueError, match="1 scores are NaN"):
        auroc_shares(missing, HALF)
    with pytest.raises(ValueError, match="1 scores are NaN"):
        mean_auroc_interval(missing[None], two)
    with pytest.raises(ValueError, match="score has 6, event has 5"):
        auroc_shares(SCORE, HALF[:5])
    with pytest.raises(ValueError, match="scores has 5, events has 6"):
        mean_auroc_interval(SCORE[None, :5], two)
    with pytest.raises(ValueError, match=r"scores have shape \[3, 6\] and events \[2, 6\]"):
        mean_auroc_interval(np.stack([SCORE] * 3), two)
    with pytest.raises(ValueError, match=r"scores have shape \[6\]"):
        mean_auroc_interval(SCORE, two)
    with pytest.raises(ValueError, match=r"without_scores have shape \[1, 6\], without_events \[2, 6\]"):
        event_auroc_interval(SCORE, HALF, SCORE[None], two, [2])
    with pytest.raises(ValueError, match=r"expected \[units, 6\] of both"):
        event_auroc_interval(SCORE, HALF, np.zeros((2, 5)), np.zeros((2, 5), bool), [2])
    with pytest.raises(ValueError, match="strata that sum to the units"):
        event_auroc_interval(SCORE, HALF, np.stack([SCORE] * 2), two, [3])


def test_bad_features_are_refused_with_what_was_expected() -> None:
    features = SCORE[:, None]
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="1 features are NaN or infinite"):
            cross_fitted(np.where(features == 2, bad, features), HALF, folds=2)
    for wrong, folds in ((features[:5], 2), (SCORE, 2), (features[:, :0], 2), (features, 1)):
        with pytest.raises(ValueError, match="and 2 folds or more"):
            cross_fitted(wrong, HALF, folds)


def test_fewer_events_than_folds_are_not_fitted() -> None:
    features = SCORE[:, None]
    assert cross_fitted(features, HALF, folds=4) is None
    ranked = cross_fitted(features, HALF, folds=3)
    assert ranked is not None and ranked.shape == (6,) and (ranked > 0).all() and (ranked < 1).all()


def test_cross_fitting_follows_its_seed() -> None:
    random = np.random.default_rng(0)
    features, event = random.normal(size=(60, 2)), random.random(60) < 0.4
    first = cross_fitted(features, event, seed=1)
    assert first is not None
    assert np.array_equal(first, cross_fitted(features, event, seed=1))  # type: ignore[arg-type]
    assert not np.array_equal(first, cross_fitted(features, event, seed=2))  # type: ignore[arg-type]
    scaled = cross_fitted(features * [1e-6, 1e6] + [0, 1e6], event, seed=1)
    assert np.allclose(first, scaled)  # type: ignore[arg-type]
