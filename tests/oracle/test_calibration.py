"""Calibration against slow loops and torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from piescope.measure.calibration import CalibrationSums, expected_calibration_error


def slow(confidence: np.ndarray, right: np.ndarray, bins: int) -> tuple[float, list[list[float]]]:
    """ECE in percent and (count, mean confidence, accuracy) of each bin, prediction by prediction."""
    found: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for told, happened in zip(confidence.tolist(), right, strict=True):  # Python floats: NumPy would round the edges
        for b in range(bins):
            if (b / bins < told or b == 0) and told <= (b + 1) / bins:
                found[b].append((told, bool(happened)))
    rows = [[len(f), *(100 * np.mean(f, axis=0) if f else (0, 0))] for f in found]
    return sum(n * abs(sure - accurate) for n, sure, accurate in rows) / len(confidence), rows


def overconfident(random: np.random.Generator, models: int, examples: int) -> tuple[np.ndarray, np.ndarray]:
    confidence = 1 - 0.7 * random.random((models, examples)) ** 2
    return confidence, random.random((models, examples)) < confidence**2


@pytest.mark.parametrize("bins", [1, 10, 15, 100])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_against_a_slow_loop(bins: int, dtype: type) -> None:
    confidence, right = overconfident(np.random.default_rng(bins), 3, 500)
    confidence = confidence.astype(dtype)
    found = CalibrationSums.of(confidence, right, bins)
    each = [slow(*model, bins) for model in zip(confidence, right, strict=True)]
    assert found.model_ece == pytest.approx([ece for ece, _ in each], abs=1e-9)
    assert found.ece == pytest.approx(np.mean([ece for ece, _ in each]), abs=1e-9)
    _, pooled = slow(confidence.ravel(), right.ravel(), bins)
    assert len(found.bins) == bins
    for index, (row, (count, sure, accurate)) in enumerate(zip(found.bins, pooled, strict=True)):
        assert (row["low"], row["high"]) == (index / bins, (index + 1) / bins)
        assert row["examples"] == pytest.approx(count / 3)
        if count:
            assert (row["confidence"], row["accuracy"]) == pytest.approx((sure, accurate), abs=1e-9)
        else:
            assert row["confidence"] is None and row["accuracy"] is None
    assert sum(row["examples"] or 0 for row in found.bins) == pytest.approx(500)
    assert found.mean_confidence == pytest.approx(100 * confidence.astype(np.float64).mean(), abs=1e-9)
    assert found.accuracy == pytest.approx(100 * right.mean(), abs=1e-9)


@pytest.mark.parametrize("bins", [10, 15, 30])
def test_against_torchmetrics(bins: int) -> None:
    functional = pytest.importorskip("torchmetrics.functional.classification")
    random = np.random.default_rng(3)
    logits = random.normal(size=(2000, 7)) * 2
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.where(random.random(2000) < 0.6, logits.argmax(1), random.integers(0, 7, 2000))
    theirs = functional.multiclass_calibration_error(
        torch.tensor(probabilities), torch.tensor(labels), num_classes=7, n_bins=bins, norm="l1"
    )
    found = expected_calibration_error(probabilities.max(1), probabilities.argmax(1) == labels, bins)
    assert found == pytest.approx(100 * float(theirs), abs=1e-4)


def test_confidences_on_an_edge_belong_to_the_bin_below_it() -> None:
    """0.07 x 100 is above 7 in float64: bins are found by comparing, not by multiplying."""
    for bins in (10, 15, 100):
        edges = np.arange(bins + 1) / bins
        counts = CalibrationSums.of(edges[None], np.ones((1, bins + 1), bool), bins).examples[0]
        assert counts.tolist() == [2.0] + [1.0] * (bins - 1)  # the first holds 0 too
        above = np.nextafter(edges[:-1], 1)
        assert (CalibrationSums.of(above[None], np.ones((1, bins), bool), bins).examples == 1).all()


def test_blocks_add_up_to_the_whole() -> None:
    confidence, right = overconfident(np.random.default_rng(5), 4, 1000)
    whole = CalibrationSums.of(confidence, right)
    blocks = [CalibrationSums.of(confidence[:, i : i + 173], right[:, i : i + 173]) for i in range(0, 1000, 173)]
    summed = sum(blocks[1:], blocks[0])
    assert np.array_equal(summed.examples, whole.examples) and np.array_equal(summed.right, whole.right)
    assert summed.confidence == pytest.approx(whole.confidence, rel=1e-12)
    assert summed.ece == pytest.approx(whole.ece, rel=1e-12)


def test_models_are_not_pooled_before_their_errors_are_measured() -> None:
    """One model too sure, one not sure enough: each is off by 45 points, the pool of both by none."""
    confidence = np.full((2, 10), 0.55)
    right = np.stack([np.arange(10) < 1, np.arange(10) < 10])
    assert CalibrationSums.of(confidence, right).model_ece == pytest.approx([45, 45])
    assert CalibrationSums.of(confidence, right).ece == pytest.approx(45)
    assert expected_calibration_error(confidence.ravel(), right.ravel()) == pytest.approx(0, abs=1e-9)


def test_a_calibrated_model_is_off_by_no_more_than_said() -> None:
    random = np.random.default_rng(11)
    found = []
    for _ in range(40):
        confidence = random.random(10_000)
        found.append(expected_calibration_error(confidence, random.random(10_000) < confidence))
    assert 0.9 < np.mean(found) < 40 * np.sqrt(15 / 10_000)


def test_torch_tensors() -> None:
    found = CalibrationSums.of(torch.tensor([[0.75, 0.75]]), torch.tensor([[True, False]]))
    assert found.ece == pytest.approx(25)
