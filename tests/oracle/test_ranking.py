"""AUROCs, their intervals and the later Q-Score against slow loops and simulated studies with a known truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from made_intervals import freedom_by_search
from piescope.measure.intervals import Interval
from piescope.measure.pies import pie_mask
from piescope.measure.q_score import q_score_aaai24
from piescope.measure.ranking import auroc_shares, cross_fitted, event_auroc_interval, mean_auroc_interval


def slow_placements(score: np.ndarray, event: np.ndarray) -> tuple[list[float], list[float]]:
    """V10 of each event and V01 of each other example, pair by pair."""
    events, others = (
        [s for s, e in zip(score, event, strict=True) if e],
        [s for s, e in zip(score, event, strict=True) if not e],
    )

    def won(one: float, other: float) -> float:
        return 1.0 if one > other else 0.5 if one == other else 0.0

    return (
        [sum(won(e, o) for o in others) / len(others) for e in events],
        [sum(won(e, o) for e in events) / len(events) for o in others],
    )


def scored(random: np.random.Generator, ties: bool, examples: int = 60) -> tuple[np.ndarray, np.ndarray]:
    event = random.random(examples) < 0.3
    event[:2] = True, False
    score = random.normal(event * 0.8)
    return (np.round(score) if ties else score), event


@pytest.mark.parametrize("ties", [False, True])
def test_shares_sum_to_the_auroc_of_scikit_learn(ties: bool) -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        score, event = scored(random, ties)
        assert auroc_shares(score, event).sum() == pytest.approx(roc_auc_score(event, score), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_shares_and_their_spread_against_delong_pair_by_pair(ties: bool) -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        score, event = scored(random, ties)
        v10, v01 = slow_placements(score, event)
        n1, n0, n = len(v10), len(v01), len(score)
        value = sum(v10) / n1
        shares = auroc_shares(score, event)
        assert np.allclose(shares[event], [value / n + (v - value) / n1 for v in v10])
        assert np.allclose(shares[~event], [value / n + (v - value) / n0 for v in v01])
        s10 = sum((v - value) ** 2 for v in v10) / (n1 - 1)
        s01 = sum((v - value) ** 2 for v in v01) / (n0 - 1)
        # DeLong divides by n - 1 on each side, the spread of all shares once
        expected = (s10 / n1 * (n1 - 1) / n1 + s01 / n0 * (n0 - 1) / n0) * n / (n - 1)
        assert n * shares.var(ddof=1) == pytest.approx(expected)


def slow_two_way(rows: list[np.ndarray], left_out: list[list[np.ndarray]], rarer: float) -> tuple[float, float]:
    """Two-way error and its freedom: DeLong's variance, and jackknife minus jackknife of single shares of each group."""
    n = len(rows[0])
    over_examples, over_seeds, alone = n * float(np.var(sum(rows) / len(rows), ddof=1)), [], 0.0
    for group in left_out:
        k = len(group)
        totals = [float(row.sum()) for row in group]
        over_seeds.append(((k - 1) / k * sum((total - sum(totals) / k) ** 2 for total in totals), k - 1))
        alone += (k - 1) / k * sum(float(np.var([row[i] for row in group])) * k for i in range(n))
    together = sum(variance for variance, _ in over_seeds)
    error = math.sqrt(over_examples + max(0.0, together - alone))
    return error, freedom_by_search(over_examples, rarer - 1, over_seeds, alone)


@pytest.mark.parametrize("spread", [0.0, 2.0])
def test_interval_of_the_mean_auroc_against_leaving_each_model_out(spread: float) -> None:
    random = np.random.default_rng(2)
    events = random.random((5, 80)) < 0.3
    scores = random.normal(events * (1 + spread * np.arange(5)[:, None] / 4))
    rows = [auroc_shares(s, e) for s, e in zip(scores, events, strict=True)]
    less = [sum(rows[j] for j in range(5) if j != i) / 4 for i in range(5)]
    found = mean_auroc_interval(scores, events)
    assert found is not None
    assert found.value == pytest.approx(np.mean([roc_auc_score(e, s) for s, e in zip(scores, events, strict=True)]))
    error, freedom = slow_two_way(rows, [less], float(np.mean([e.sum() for e in events])))
    assert found.error == pytest.approx(error)
    assert found.freedom == pytest.approx(freedom)


def test_a_shared_score_is_each_models_own() -> None:
    random = np.random.default_rng(3)
    score, events = random.normal(size=(1, 50)), random.random((4, 50)) < 0.4
    assert mean_auroc_interval(score, events) == mean_auroc_interval(np.repeat(score, 4, 0), events)


@pytest.mark.parametrize("common", [0.0, 0.2])
def test_interval_of_an_event_against_the_parts_it_is_made_of(common: float) -> None:
    random = np.random.default_rng(4)
    score, event = scored(random, ties=False)
    events = event ^ (random.random((7, 60)) < 0.02)
    scores = score + random.normal(0, 0.02, (7, 60)) + common * event * np.arange(-3, 4)[:, None]
    found = event_auroc_interval(score, event, scores, events, [3, 4])
    rows = [auroc_shares(s, e) for s, e in zip(scores, events, strict=True)]
    error, freedom = slow_two_way([auroc_shares(score, event)], [rows[:3], rows[3:]], event.sum())
    assert found is not None
    assert found.value == pytest.approx(roc_auc_score(event, score))
    assert found.error == pytest.approx(error)
    assert found.freedom == pytest.approx(freedom)
    logit = [math.log(x / (1 - x)) for x in (found.low, found.value, found.high)]
    reach = stats.t.ppf(0.975, freedom) * error / (found.value * (1 - found.value))
    assert np.allclose(np.diff(logit), reach)


def test_seeds_that_move_single_examples_alone_leave_the_freedom_of_their_number() -> None:
    """All that they add is what a seed and an example do together; it was 0.2 to 1.5 once, and an interval from 0 to 1."""
    for seed in range(6, 16):
        random = np.random.default_rng(seed)
        score, event = scored(random, ties=False)
        events = event ^ (random.random((7, 60)) < 0.25)
        found = event_auroc_interval(score, event, np.tile(score, (7, 1)), events, [3, 4])
        assert found is not None
        assert found.freedom >= 2
        assert 0.15 < found.low < found.value < found.high < 0.96


# Simulated studies: how often do the intervals hold the truth?

STUDIES = 400


def latent_auroc(correlation: float, threshold: float) -> float:
    """AUROC of a normal score for "a normal latent is above the threshold", by numerical integration."""
    grid = np.linspace(-8, 8, 4001)
    above = (threshold - correlation * grid) / math.sqrt(1 - correlation**2)
    with_event, without = stats.norm.pdf(grid) * stats.norm.sf(above), stats.norm.pdf(grid) * stats.norm.cdf(above)
    with_event, without = with_event / with_event.sum(), without / without.sum()
    return float((with_event * (np.cumsum(without) - without / 2)).sum())


def coverage(intervals: list[Interval], truth: float) -> float:
    return float(np.mean([found.low <= truth <= found.high for found in intervals]))


def of_examples_alone(found: Interval, shares: np.ndarray, truth: float) -> bool:
    """Would DeLong's interval of these models hold the truth?"""
    return abs(found.value - truth) <= 1.96 * math.sqrt(len(shares) * shares.var(ddof=1))


MONTE_CARLO = 3 * math.sqrt(0.95 * 0.05 / STUDIES)
"""Three standard errors of a coverage of 95 %."""


@pytest.mark.simulation
@pytest.mark.parametrize(("threshold", "spread"), [(1.0, 0.0), (1.0, 0.2), (2.0, 0.0)])
def test_intervals_of_the_mean_auroc_hold_the_truth_as_often_as_they_say(threshold: float, spread: float) -> None:
    """10 models whose errors share half of what the score does not explain; with spread, a score fits some models better."""
    random, models, examples = np.random.default_rng(5), 10, 800
    at, weight = np.polynomial.legendre.leggauss(15)
    truth = float(sum(w / 2 * latent_auroc(0.5 + spread * x, threshold) for x, w in zip(at, weight, strict=True)))
    found, narrow = [], []
    for _ in range(STUDIES):
        fit = 0.5 + spread * random.uniform(-1, 1, (models, 1))
        score, shared, own = (
            random.normal(size=(1, examples)),
            random.normal(size=examples),
            random.normal(size=(models, examples)),
        )
        events = fit * score + np.sqrt(1 - fit**2) * math.sqrt(0.5) * (shared + own) > threshold
        each = mean_auroc_interval(score, events)
        assert each is not None
        found.append(each)
        if spread:
            narrow.append(
                of_examples_alone(each, np.mean([auroc_shares(score[0], event) for event in events], axis=0), truth)
            )
    assert coverage(found, truth) == pytest.approx(0.95, abs=MONTE_CARLO)
    values, errors = np.array([each.value for each in found]), np.array([each.error for each in found])
    assert np.mean(values) == pytest.approx(truth, abs=4 * np.std(values) / math.sqrt(STUDIES))
    assert math.sqrt(np.mean(errors**2)) == pytest.approx(np.std(values), rel=0.12)
    assert not spread or np.mean(narrow) < 0.85  # so the simulation can tell that models vary


MARGINS = np.linspace(-2.5, 3.5, 61)
FREQUENT = stats.norm.pdf(MARGINS, 0.7, 1.0) / stats.norm.pdf(MARGINS, 0.7, 1.0).sum()
HARD = -np.abs(MARGINS - 0.5).round(9)
"""A score that needs no model: how near an example's margin is to where pruning will move the boundary."""


def error_rates(random: np.random.Generator, models: int, shift: float, effect: float) -> np.ndarray:
    """How often each model gets examples of each margin wrong, [models, margins]; a model's luck is in all examples."""
    return stats.norm.cdf((shift - MARGINS + effect * random.normal(size=(models, 1))) / 0.7)


def vote_distribution(rates: np.ndarray) -> np.ndarray:
    """Probability of 0, 1, ... models being wrong, [margins, models + 1]: convolved model by model."""
    votes = np.zeros((rates.shape[1], len(rates) + 1))
    votes[:, 0] = 1
    for rate in rates:
        votes[:, 1:], votes[:, 0] = (
            votes[:, 1:] * (1 - rate)[:, None] + votes[:, :-1] * rate[:, None],
            votes[:, 0] * (1 - rate),
        )
    return votes


def auroc_of_endless_examples(random: np.random.Generator, models: int, effect: float, of_votes: bool) -> float:
    """What models of these seeds give on infinitely many examples."""
    dense, pruned = (vote_distribution(error_rates(random, models, shift, effect)) for shift in (0.0, 0.4))
    counts = np.arange(models + 1)
    lost = pruned[:, 2 * counts > models].sum(1)[:, None]  # a tie goes to class 0, which is right here
    cells = FREQUENT[:, None] * dense
    with_event = cells * np.where(2 * counts > models, 1 - lost, lost)
    score = np.broadcast_to(close_vote(counts, models) if of_votes else HARD[:, None], cells.shape)
    levels, level = np.unique(score, return_inverse=True)
    one, other = (np.bincount(level.ravel(), part.ravel(), len(levels)) for part in (with_event, cells - with_event))
    return float((one / one.sum() * (np.cumsum(other) - other / 2) / other.sum()).sum())


def close_vote(wrong: np.ndarray, models: int) -> np.ndarray:
    return -np.abs(2 * wrong - models) / models


def interval_of_a_study(
    random: np.random.Generator, models: int, effect: float, of_votes: bool
) -> tuple[Interval, bool]:
    examples = random.choice(len(MARGINS), 1000, p=FREQUENT)
    dense, pruned = (
        (random.random((models, 1000)) < error_rates(random, models, shift, effect)[:, examples]).astype(int)
        for shift in (0.0, 0.4)
    )

    def score(predictions: np.ndarray) -> np.ndarray:
        return close_vote(predictions.sum(0), len(predictions)) if of_votes else HARD[examples]

    event = pie_mask(dense, pruned, 2)
    less_dense, less_pruned = ([np.delete(labels, i, 0) for i in range(models)] for labels in (dense, pruned))
    events = [pie_mask(less, pruned, 2) for less in less_dense] + [pie_mask(dense, less, 2) for less in less_pruned]
    scores = [score(less) for less in less_dense] + [score(dense)] * models
    found = event_auroc_interval(score(dense), event, np.stack(scores), np.stack(events), [models, models])
    assert found is not None
    return found, event.mean() > 0.05


@pytest.mark.simulation
@pytest.mark.parametrize(("models", "effect"), [(10, 0.1), (5, 0.1), (10, 0.0)])
@pytest.mark.parametrize("of_votes", [False, True])
def test_intervals_of_what_foretells_a_pie_hold_the_truth(models: int, effect: float, of_votes: bool) -> None:
    """PIEs are majority votes of two populations; each model's luck moves its errors on all examples.

    The jackknife takes the jumps of votes for spread over seeds, so the intervals may be wider than they need be, but
    not narrower; how much wider is bounded here.
    """
    random, studies = np.random.default_rng(6), 400
    truth = float(
        np.mean([auroc_of_endless_examples(random, models, effect, of_votes) for _ in range(400 if effect else 1)])
    )
    drawn = [interval_of_a_study(random, models, effect, of_votes) for _ in range(studies)]
    found = [each for each, _ in drawn]
    assert all(frequent for _, frequent in drawn)
    assert coverage(found, truth) >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / studies)
    values, errors = np.array([each.value for each in found]), np.array([each.error for each in found])
    assert 0.85 < math.sqrt(np.mean(errors**2)) / np.std(values) < 1.45  # 1.0 to 1.25 of many more studies
    assert np.mean(values) == pytest.approx(truth, abs=0.3 * np.std(values))


# Cross-fitting


@pytest.mark.simulation
def test_noise_foretells_nothing_once_it_is_cross_fitted() -> None:
    random, crossed, fitted = np.random.default_rng(7), [], []
    event = np.arange(100) < 30
    for seed in range(40):
        features = random.normal(size=(100, 20))
        crossed.append(roc_auc_score(event, cross_fitted(features, event, seed=seed)))  # type: ignore[arg-type]
        predictor = LogisticRegression().fit(features, event)
        fitted.append(roc_auc_score(event, predictor.decision_function(features)))
    assert np.mean(crossed) == pytest.approx(0.5, abs=3 * np.std(crossed) / math.sqrt(40))
    assert np.mean(fitted) > 0.75


@pytest.mark.simulation
def test_few_events_are_not_foretold_worse_than_by_chance() -> None:
    """Probabilities pooled over folds are biased downwards, the more so the fewer events."""
    random, event = np.random.default_rng(8), np.arange(120) < 8
    found = [
        roc_auc_score(event, cross_fitted(random.normal(size=(120, 1)), event, seed=seed))  # type: ignore[arg-type]
        for seed in range(200)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=3 * np.std(found) / math.sqrt(200))


def test_what_features_know_survives_cross_fitting() -> None:
    random = np.random.default_rng(9)
    event = random.random(2000) < 0.2
    features = np.stack([random.normal(event * 1.0), random.normal(event * 1.0), random.normal(size=2000)], axis=1)
    ranked = cross_fitted(features, event)
    best = stats.norm.cdf(
        math.sqrt(2) / math.sqrt(2)
    )  # two independent features, each one std apart: AUROC = Phi(d / sqrt 2)
    assert ranked is not None
    assert roc_auc_score(event, ranked) == pytest.approx(best, abs=0.03)
    assert roc_auc_score(~event, ranked) == pytest.approx(1 - best, abs=0.03)


# Q-Score of AAAI-24


def slow_q_score(h: np.ndarray, deviations: float, low: float, high: float) -> list[float]:
    examples, dims = h.shape
    unit = []
    for row in h:
        length = math.sqrt(math.fsum(float(x) ** 2 for x in row))
        unit.append([float(x) / length if length else 0.0 for x in row])
    means = [math.fsum(row) / dims for row in unit]
    stds = [math.sqrt(math.fsum((x - mean) ** 2 for x in row) / dims) for row, mean in zip(unit, means, strict=True)]
    active = [
        {j for j in range(dims) if row[j] > mean + deviations * std and max(row) > min(row)}
        for row, mean, std in zip(unit, means, stds, strict=True)
    ]
    shares = [sum(j in each for each in active) / examples for j in range(dims)]
    middling = {j for j in range(dims) if low <= shares[j] <= high}
    return [
        math.fsum(row[j] - mean for j in each & middling) / len(each & middling) if each & middling else 0.0
        for row, mean, each in zip(unit, means, active, strict=True)
    ]


@pytest.mark.parametrize(
    ("dims", "deviations", "low", "high"),
    [(64, 4.0, 0.001, 0.5), (64, 2.0, 0.05, 0.2), (12, 1.0, 0.1, 0.3), (6, 0.0, 0.0, 0.5), (6, 0.5, 0.3, 1.0)],
)
def test_later_q_score_against_loops(dims: int, deviations: float, low: float, high: float) -> None:
    random = np.random.default_rng(dims)
    h = np.maximum(random.standard_t(2, size=(40, dims)), 0) + 0.01 * random.random((40, dims))
    h[[3, 5]] = [[0.0], [2.0]]
    found = q_score_aaai24(h, deviations, (low, high))
    assert np.allclose(found, slow_q_score(h, deviations, low, high), atol=1e-12)
    assert (found > 0).any() and (found == 0).any()
    assert found.min() >= 0 and found.max() <= 1
    assert found[3] == found[5] == 0


def test_later_q_score_by_hand() -> None:
    one_hot = np.eye(5, 26)[[0, 1, 1, 2, 2, 2, 3, 3, 3, 3]]  # each stands 5 stds above its mean
    height = 1 - 1 / 26
    wanted = {(0.0, 1.0): [height] * 10, (0.2, 0.3): [0.0] + [height] * 5 + [0.0] * 4, (0.5, 1.0): [0.0] * 10}
    for frequency, scores in wanted.items():
        assert np.allclose(q_score_aaai24(one_hot, frequency=frequency), scores)
    assert not q_score_aaai24(one_hot, deviations=5.01, frequency=(0.0, 1.0)).any()
    # two features at once: the mean over those that are middling alone
    both = np.array([[3.0, 4.0] + [0.0] * 48, [0.0, 4.0] + [0.0] * 48, [0.0, 4.0] + [0.0] * 48])
    mean = (0.6 + 0.8) / 50
    assert np.allclose(q_score_aaai24(both, 2.0, (0.0, 1.0))[0], 0.7 - mean)
    assert np.allclose(q_score_aaai24(both, 2.0, (0.0, 0.5))[0], 0.6 - mean)


def test_no_feature_of_17_can_stand_4_deviations_above_the_mean() -> None:
    spiked = np.full((3, 16), 1e-9)
    spiked[:, 0] = 1
    assert not q_score_aaai24(spiked, frequency=(0.0, 1.0)).any()
    assert q_score_aaai24(np.pad(spiked, ((0, 0), (0, 2))), frequency=(0.0, 1.0)).all()


def test_constant_representations_have_no_last_bit_that_stands_out() -> None:
    h = np.full((2, 64), 0.1, np.float32)
    h[0, 0] = np.nextafter(np.float32(0.1), np.float32(1))
    assert q_score_aaai24(h, frequency=(0.0, 1.0)).tolist() == [0, 0]
    h[0, 0] = 0.2
    assert q_score_aaai24(h, frequency=(0.0, 1.0))[0] > 0


def test_models_are_scored_apart_and_scale_does_not_matter() -> None:
    h = np.random.default_rng(0).standard_t(2, size=(2, 3, 30, 40))
    found = q_score_aaai24(h, 2.0, (0.05, 0.1))
    assert found.shape == (2, 3, 30) and found.any()
    for model in np.ndindex(2, 3):
        assert np.array_equal(found[model], q_score_aaai24(h[model], 2.0, (0.05, 0.1)))
    sizes = np.exp(np.linspace(-300, 300, 30))[:, None]
    assert np.allclose(q_score_aaai24(h * sizes, 2.0, (0.05, 0.1)), found)
