"""Likely label errors against confident learning step by step, and in simulated data whose wrong labels are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from piescope.measure.label_errors import (
    FEWEST_VOTERS,
    LEAST_CONFIDENCE,
    Thresholds,
    suspected,
    vote_probability,
)

CLASSES = 10


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def with_wrong_labels(random: np.random.Generator, truth: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    wrong = random.random(len(truth)) < rate
    moved = (truth + random.integers(1, CLASSES, len(truth))) % CLASSES
    return np.where(wrong, moved, truth), wrong


def one_model(
    seed: int, accuracy: float = 0.9, logits: float = 1.0, rate: float = 0.02, examples: int = 10_000
) -> tuple[np.ndarray, ...]:
    """``[examples, classes]`` probabilities of a calibrated model (the truth is drawn from them), then scaled logits."""
    random = np.random.default_rng(seed)
    evidence = random.normal(size=(examples, CLASSES)) * random.gamma(4, 1 / 4, size=(examples, 1))
    low, high = 0.1, 60.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if softmax(evidence * middle).max(1).mean() < accuracy else (low, middle)
    calibrated = softmax(evidence * low)
    truth = (random.random((examples, 1)) > calibrated.cumsum(1)).sum(1).clip(0, CLASSES - 1)
    assert (calibrated.argmax(1) == truth).mean() == pytest.approx(accuracy, abs=0.02)
    return softmax(evidence * low * logits), *with_wrong_labels(random, truth, rate)


def votes_of(seed: int, models: int, alike: bool) -> tuple[np.ndarray, ...]:
    """``[examples, classes]`` shares of models that are each right on about 90 %; evidence is half or mostly shared."""
    random = np.random.default_rng(seed)
    examples, own = 10_000, 0.5 if alike else 1.0
    truth = random.integers(0, CLASSES, examples)
    signal = np.eye(CLASSES)[truth] * random.gamma(2, 1 / 2, size=(examples, 1)) * (7.25 if alike else 9.1)
    shared = random.normal(size=(examples, CLASSES)) + signal
    chosen = np.stack([(shared + own * random.normal(size=shared.shape)).argmax(1) for _ in range(models)])
    assert (chosen == truth).mean() == pytest.approx(0.9, abs=0.02)
    return np.stack([(chosen == c).mean(0) for c in range(CLASSES)], 1), *with_wrong_labels(random, truth, 0.02)


def flagged(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    own = probabilities[np.arange(len(labels)), labels]
    thresholds = Thresholds.of(own, labels, CLASSES)
    return suspected(probabilities.argmax(1), probabilities.max(1), labels, thresholds)


def precision_and_recall(found: np.ndarray, wrong: np.ndarray) -> tuple[float, float]:
    return (found & wrong).sum() / max(1, found.sum()), (found & wrong).sum() / wrong.sum()


def confident_learning(probabilities: np.ndarray, labels: np.ndarray) -> list[int | None]:
    """The class that each example is counted in, off the diagonal of the confident joint; None: elsewhere."""
    means = []
    for c in range(CLASSES):
        own = [row[c] for row, label in zip(probabilities, labels, strict=True) if label == c]
        means.append(sum(own) / len(own))
    found: list[int | None] = []
    for row, label in zip(probabilities, labels, strict=True):
        above = [c for c in range(CLASSES) if row[c] >= means[c]]
        best = max(above, key=lambda c: row[c]) if above else label
        found.append(best if best != label else None)
    return found


def by_the_rule(probabilities: np.ndarray, labels: np.ndarray) -> list[bool]:
    """The rule with its margin, example by example."""
    needed = []
    for c in range(CLASSES):
        own = [float(row[c]) for row, label in zip(probabilities, labels, strict=True) if label == c]
        odds = [math.log(p / (1 - p)) for p in (min(p, 1 - 1e-6) for p in own) if p > 0.5]
        typical = 1 / (1 + math.exp(-sum(odds) / len(odds))) if odds else math.inf
        needed.append(max(typical, sum(own) / len(own), 0.85))
    return [
        bool(row.argmax() != label and min(row.max(), 1 - 1e-6) >= needed[row.argmax()] - 1e-9)
        for row, label in zip(probabilities, labels, strict=True)
    ]


@pytest.mark.parametrize("logits", [1.0, 2.5, 40.0])
@pytest.mark.parametrize("seed", range(3))
def test_against_the_rule_example_by_example(seed: int, logits: float) -> None:
    probabilities, labels, _ = one_model(seed, logits=logits, rate=0.05, examples=1500)
    found = flagged(probabilities, labels)
    assert found.tolist() == by_the_rule(probabilities, labels)
    assert found.sum() > 10


@pytest.mark.parametrize("seed", range(3))
def test_without_the_margin_it_is_confident_learning(seed: int) -> None:
    probabilities, labels, _ = one_model(seed, rate=0.05, examples=1500)
    thresholds = Thresholds.of(probabilities[np.arange(1500), labels], labels, CLASSES)
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    plain = (predicted != labels) & (confidence >= thresholds.mean_probability[predicted])
    theirs = confident_learning(probabilities, labels)
    # theirs may also take the second best class where the best one is below its threshold: one pass cannot, and need not
    best = [c is not None and c == p for c, p in zip(theirs, predicted, strict=True)]
    assert plain.tolist() == best
    assert plain.sum() >= 0.9 * sum(c is not None for c in theirs)
    ours = flagged(probabilities, labels)
    assert not (ours & ~plain).any() and 0 < ours.sum() < plain.sum()


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("logits", "ours", "plain"), [(1.0, (0.99, 0.42), (0.47, 0.76)), (2.5, (0.91, 0.56), (0.26, 0.89))]
)
def test_wrong_labels_that_one_model_finds(
    logits: float, ours: tuple[float, float], plain: tuple[float, float]
) -> None:
    """2 % of 10,000 labels are wrong, the model is right on 90 %; also where its logits are 2.5 times too large."""
    made = [one_model(seed, logits=logits) for seed in range(5)]
    found = [precision_and_recall(flagged(probabilities, labels), wrong) for probabilities, labels, wrong in made]
    assert np.mean(found, axis=0) == pytest.approx(ours, abs=0.02)
    # what the margin is for
    probabilities, labels, wrong = made[0]
    theirs = np.array([c is not None for c in confident_learning(probabilities, labels)])
    assert precision_and_recall(theirs, wrong) == pytest.approx(plain, abs=0.04)


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("models", "alike", "told"),
    [(5, True, (0.51, 0.89)), (5, False, (0.84, 0.83)), (30, True, (0.81, 0.82)), (30, False, (0.998, 0.755))],
)
def test_wrong_labels_that_votes_find(models: int, alike: bool, told: tuple[float, float]) -> None:
    found = []
    for seed in range(3):
        shares, labels, wrong = votes_of(seed, models, alike)
        found.append(precision_and_recall(flagged(vote_probability(shares, models), labels), wrong))
    assert np.mean(found, axis=0) == pytest.approx(told, abs=0.02)


@pytest.mark.simulation
def test_right_labels_are_rarely_suspected() -> None:
    """No label is wrong: of the 1,000 errors of the model, few are taken for errors of the labels."""
    probabilities, labels, _ = one_model(1, rate=0.0)
    assert flagged(probabilities, labels).sum() <= 10
    probabilities, labels, _ = one_model(1, rate=0.0, logits=2.5)
    assert flagged(probabilities, labels).sum() <= 20


@pytest.mark.parametrize("models", range(1, 12))
def test_how_many_votes_are_confident(models: int) -> None:
    """All for one class, and one against 3 of 5."""
    labels = np.repeat([0, 1], 50)
    predicted, share = labels.copy(), np.ones(100)
    predicted[0], own = 1, np.ones(100)
    own[0] = 0.0
    thresholds = Thresholds.of(vote_probability(own, models), labels, 2)
    found = suspected(predicted, vote_probability(share, models), labels, thresholds)
    assert found.tolist() == [models >= FEWEST_VOTERS] + [False] * 99
    share[0] = 0.6
    assert not suspected(predicted, vote_probability(share, models), labels, thresholds).any()
    assert (vote_probability(np.array(1.0), models) >= LEAST_CONFIDENCE) == (models >= FEWEST_VOTERS)


def test_saturated_probabilities_are_compared_as_equals() -> None:
    """Written with few digits, the probabilities of a class are all 1: another example with 1 is as sure as they are."""
    labels = np.array([0] * 5 + [1] * 5)
    own = np.array([0.0] + [1.0] * 9, np.float32)
    predicted = np.array([1] + [0] * 4 + [1] * 5)
    found = suspected(predicted, np.ones(10, np.float32), labels, Thresholds.of(own, labels, 2))
    assert found.tolist() == [True] + [False] * 9


def test_blocks_add_up_to_the_whole() -> None:
    probabilities, labels, _ = one_model(0, examples=1000)
    own = probabilities[np.arange(1000), labels]
    whole = Thresholds.of(own, labels, CLASSES)
    blocks = [Thresholds.of(own[i : i + 170], labels[i : i + 170], CLASSES) for i in range(0, 1000, 170)]
    summed = sum(blocks[1:], blocks[0])
    assert summed.needed == pytest.approx(whole.needed, rel=1e-12)
    assert summed.mean_probability == pytest.approx(whole.mean_probability, rel=1e-12)
    assert whole.mean_probability == pytest.approx([own[labels == c].mean() for c in range(CLASSES)], rel=1e-12)
