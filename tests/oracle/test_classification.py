"""Measures of classes of unequal size against scikit-learn, their influences against leaving examples out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics

from piescope.measure.classification import (
    FISHER,
    Compared,
    Estimate,
    Influence,
    LabelCounts,
    by_class,
    compared,
    overall,
    ranking_measures,
)


def made(seed: int, examples: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth of unequal classes, and labels of a model and a copy that rarely answers the last class."""
    random = np.random.default_rng(seed)
    share = np.linspace(4, 1, classes)
    truth = random.choice(classes, examples, p=share / share.sum())
    dense = np.where(random.random(examples) < 0.7, truth, random.integers(0, classes, examples))
    compressed = np.where(random.random(examples) < 0.8, dense, random.integers(0, max(1, classes - 1), examples))
    return truth, dense, compressed


@pytest.mark.parametrize("classes", [2, 3, 12])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_values_against_scikit_learn(classes: int, seed: int) -> None:
    truth, dense, compressed = made(seed, 120, classes)
    if seed == 0:
        compressed = np.zeros_like(compressed)  # one answer only
    if seed == 1:
        truth = np.minimum(truth, classes - 2)  # a class that no example has
    counts = LabelCounts.of(truth, dense, compressed, classes)
    whole, each, present = overall(counts), by_class(counts), np.unique(truth)
    for place, labels in enumerate((dense, compressed)):
        wanted = {
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, labels),
            "macro_precision": metrics.precision_score(truth, labels, labels=present, average="macro", zero_division=0),
            "macro_f1": metrics.f1_score(truth, labels, labels=present, average="macro", zero_division=0),
            "mcc": metrics.matthews_corrcoef(truth, labels),
        }
        assert {name: float(found[place].value) for name, found in whole.items()} == pytest.approx(wanted)
        rows = metrics.precision_recall_fscore_support(
            truth,
            labels,
            labels=range(classes),
            zero_division=np.nan,  # type: ignore[arg-type]
        )
        for name, values in (("precision", rows[0]), ("f1", rows[2])):
            np.testing.assert_allclose(each[name][place].value, values, err_msg=name)
    for found in (*whole.values(), *each.values()):
        np.testing.assert_allclose(found.change.value, found.compressed.value - found.dense.value)


@pytest.mark.parametrize("decimals", [0, 1, 6])
@pytest.mark.parametrize("seed", range(5))
def test_rankings_against_scikit_learn_ties_included(decimals: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    positive = random.random(200) < 0.2
    scores = (random.normal(0, 1, 200) + 1.2 * positive).round(decimals)
    auc, average = ranking_measures(positive, scores)
    assert auc.value == pytest.approx(metrics.roc_auc_score(positive, scores))
    assert average.value == pytest.approx(metrics.average_precision_score(positive, scores))


def test_without_an_example_of_the_class_or_of_others_there_is_no_ranking() -> None:
    for positive in (np.zeros(5, bool), np.ones(5, bool)):
        auc, average = ranking_measures(positive, np.arange(5.0))
        assert np.isnan([auc.value, average.value]).all()
    with pytest.raises(ValueError, match="1 scores are NaN"):
        ranking_measures(np.array([True, False]), np.array([0.1, np.nan]))


def slow_placements(positive: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """ROC AUC and its variance by DeLong, Clarke-Pearson 1988, pair by pair."""
    ones, zeros = scores[positive], scores[~positive]
    wins = np.array([[1.0 if one > zero else 0.5 if one == zero else 0.0 for zero in zeros] for one in ones])
    return float(wins.mean()), float(wins.mean(1).var(ddof=1) / len(ones) + wins.mean(0).var(ddof=1) / len(zeros))


@pytest.mark.parametrize("seed", range(4))
def test_spread_of_the_auc_against_pairs(seed: int) -> None:
    random = np.random.default_rng(seed)
    positive = random.random(300) < 0.3
    scores = (random.normal(0, 1, 300) + positive).round(1)
    auc, _ = ranking_measures(positive, scores)
    value, variance = slow_placements(positive, scores)
    assert auc.value == pytest.approx(value)
    # with divisors n of either class instead of n - 1
    assert (auc.of_rows**2).sum() / 300**2 == pytest.approx(variance, rel=0.02)


def without(measure: Callable[[np.ndarray], float], examples: int) -> np.ndarray:
    """What a measure is without each example, one at a time."""
    return np.array([measure(np.delete(np.arange(examples), row)) for row in range(examples)])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ["auc", "average precision"])
@pytest.mark.parametrize("decimals", [1, 6])
def test_influences_on_rankings_against_leaving_examples_out(name: str, decimals: int) -> None:
    random = np.random.default_rng(5)
    positive = random.random(400) < 0.25
    scores = (random.normal(0, 1, 400) + 1.5 * positive).round(decimals)
    place = ["auc", "average precision"].index(name)
    found = ranking_measures(positive, scores)[place]
    score = (metrics.roc_auc_score, metrics.average_precision_score)[place]
    left_out = without(lambda rows: float(score(positive[rows], scores[rows])), 400)
    assert found.of_rows.sum() == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(399 * (found.value - left_out), found.of_rows, rtol=0.05, atol=0.06)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ["balanced_accuracy", "macro_precision", "macro_f1", "mcc"])
def test_influences_on_label_measures_against_leaving_examples_out(name: str) -> None:
    from piescope.measure import classification

    truth, dense, compressed = made(7, 500, 3)
    counts = LabelCounts(truth, dense, compressed, np.ones(500, np.int64), 3)
    found: Influence = getattr(classification, f"_{name}")(counts, counts.dense)

    def value(rows: np.ndarray) -> float:
        return float(overall(LabelCounts.of(truth[rows], dense[rows], compressed[rows], 3))[name].dense.value)

    assert found.of_rows.sum() == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(499 * (found.value - without(value, 500)), found.of_rows, rtol=0.05, atol=0.06)


def test_counted_rows_are_as_good_as_examples() -> None:
    truth, dense, compressed = made(2, 300, 4)
    short = LabelCounts.of(truth, dense, compressed, 4)
    long = LabelCounts(truth, dense, compressed, np.ones(300, np.int64), 4)
    assert len(short.counts) < 65
    for measures in (overall, by_class):
        for name, found in measures(short).items():
            for one, other in zip(found, measures(long)[name], strict=True):
                np.testing.assert_allclose(np.stack(one), np.stack(other), err_msg=name)


def test_precision_where_both_call_the_same_examples_so_is_wilsons_interval() -> None:
    truth, dense = np.array([1] * 30 + [0] * 20), np.ones(50, int)
    found = by_class(LabelCounts.of(truth, dense, np.where(np.arange(50) < 25, 1, 0), 2))["precision"]
    from statsmodels.stats.proportion import proportion_confint

    for side, (right, called) in zip(found, ((30, 50), (25, 25)), strict=False):
        wanted = proportion_confint(right, called, method="wilson")
        assert [side.low[1], side.high[1]] == pytest.approx(list(wanted), abs=1e-9)


def test_f1_follows_from_the_share_of_both_among_either() -> None:
    truth, dense = np.array([1] * 30 + [0] * 20), np.array([1] * 24 + [0] * 6 + [1] * 4 + [0] * 16)
    found = by_class(LabelCounts.of(truth, dense, dense, 2))["f1"].dense
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(24, 34, method="wilson")
    assert [found.low[1], found.high[1]] == pytest.approx([2 * low / (1 + low), 2 * high / (1 + high)], abs=1e-9)
    assert np.isnan(by_class(LabelCounts.of(truth, dense, dense, 2))["f1"].change.low).all()


def newcombe(table: tuple[int, int, int, int]) -> tuple[float, float]:
    """Newcombe 1998, method 8: of paired shares, from right in both, in the first, in the second, in neither."""
    from statsmodels.stats.proportion import proportion_confint

    both, one, two, none = table
    total = sum(table)
    first, second = both + one, both + two
    low1, high1 = proportion_confint(first, total, method="wilson")
    low2, high2 = proportion_confint(second, total, method="wilson")
    phi = (both * none - one * two) / np.sqrt(float(first * (none + two) * second * (none + one)))
    first, second = first / total, second / total
    below = np.sqrt((second - low2) ** 2 + (high1 - first) ** 2 - 2 * phi * (second - low2) * (high1 - first))
    above = np.sqrt((high2 - second) ** 2 + (first - low1) ** 2 - 2 * phi * (high2 - second) * (first - low1))
    return float(second - first - below), float(second - first + above)


@pytest.mark.parametrize("table", [(36, 12, 2, 4), (20, 3, 9, 8)])
def test_balanced_accuracy_of_one_class_changes_by_newcombes_interval(table: tuple[int, int, int, int]) -> None:
    both, one, two, none = table
    dense = np.array([0] * (both + one) + [1] * (two + none))
    compressed = np.array([0] * both + [1] * one + [0] * two + [1] * none)
    found = overall(LabelCounts.of(np.zeros(sum(table), int), dense, compressed, 2))["balanced_accuracy"].change
    assert (float(found.low), float(found.high)) == pytest.approx(newcombe(table), abs=1e-6)


def test_no_interval_where_nothing_varies() -> None:
    truth = np.arange(40) % 4
    counts = LabelCounts.of(truth, truth, truth, 4)
    for found in (overall(counts), by_class(counts)):
        for measure in found.values():
            assert np.isnan(np.stack([measure.change.low, measure.change.high])).all()
            assert (measure.change.value == 0).all()
    perfect = overall(counts)["macro_f1"].dense
    assert (float(perfect.value), np.isnan(perfect.low)) == (1.0, True)
    assert 0.8 < float(overall(counts)["balanced_accuracy"].dense.low) < 1.0
    worse = overall(LabelCounts.of(truth, truth, np.where(np.arange(40) < 5, 3, truth), 4))["macro_f1"].change
    assert worse.low < worse.value < worse.high  # one side has no spread, the change has


def drawn(random: np.random.Generator, examples: int, classes: int) -> tuple[np.ndarray, ...]:
    """Truth, scores of a model and of its copy; two classes: 11 % are of the second."""
    if classes == 2:
        truth = (random.random(examples) < 0.11).astype(int)
        scores = np.where(truth == 1, random.normal(1.5, 1.4, examples), random.normal(-3, 1.4, examples))
        dense = np.stack([np.zeros(examples), scores], axis=1)
        return truth, dense, dense + random.normal(0, 0.6, (examples, 2)) - [0, 0.8]
    share = np.linspace(1, 4, classes) / np.linspace(1, 4, classes).sum()
    truth = random.choice(classes, examples, p=share)
    dense = random.normal(0, 1, (examples, classes))
    dense[np.arange(examples), truth] += 3 * (1 - 0.5 * random.random(examples))
    return truth, dense, dense + random.normal(0, 0.5, dense.shape) + 0.3 * (np.arange(classes) == 0)


def all_measures(truth: np.ndarray, dense: np.ndarray, compressed: np.ndarray) -> dict[str, Compared]:
    counts = LabelCounts.of(truth, dense.argmax(1), compressed.argmax(1), dense.shape[1])
    found = dict(overall(counts))
    for name, each in by_class(counts).items():
        found[name] = Compared(*(Estimate(side.value[1], side.low[1], side.high[1]) for side in each))
    before, after = (ranking_measures(truth == 1, side[:, 1] - side[:, 0]) for side in (dense, compressed))
    found["auc"], found["average precision"] = (compared(one, two) for one, two in zip(before, after, strict=True))
    return found


@pytest.mark.simulation
@pytest.mark.parametrize("classes", [2, 6])
def test_intervals_cover_as_often_as_they_say(classes: int) -> None:
    """400 draws of 1,000 examples: 95 % within 4 standard errors of a simulated share, 1.1 points each."""
    random = np.random.default_rng(0)
    true = all_measures(*drawn(random, 400_000, classes))
    covered: dict[tuple[str, str], list[bool]] = {}
    for _ in range(400):
        for name, found in all_measures(*drawn(random, 1000, classes)).items():
            for part in Compared._fields:
                estimate, truth = getattr(found, part), float(getattr(true[name], part).value)
                covered.setdefault((name, part), []).append(bool(estimate.low <= truth <= estimate.high))
    assert len(covered) == 24
    for which, each in covered.items():
        assert 0.906 <= np.mean(each) <= 0.994, which


def test_scales_are_inverse() -> None:
    both = Influence(0.5, np.array([1.0, -1.0])), Influence(0.4, np.array([1.0, -1.0]))
    found = compared(*both, FISHER)
    assert found.dense.low < 0.5 < found.dense.high < 1
