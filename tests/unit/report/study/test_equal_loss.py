"""PIEs at equal loss of accuracy: drawn on a line and on a cubic, in made populations whose counts are known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from made_results import made, with_fewer
from piescope.report.study.claim_parts import CONFOUNDED, SUPPORTED, Part
from piescope.report.study.claims import check_claims
from piescope.report.study.equal_loss import AT_EQUAL_LOSS, at_equal_loss
from piescope.report.study.evidence import Evidence
from piescope.report.study.results import Results
from piescope.report.study.signal import Signal

GRID = (0.5, 0.7, 0.9, 0.95)
LOSSES = {"supervised": [0.02, 0.04, 0.10, 0.2], "supcon": [0.05, 0.15, 0.25, 0.35]}
CURVED = [0.05, 0.25, 0.30, 0.36]
"""PIEs rise fast first: a cubic lies above the line between 50 and 70 %."""


def counted(
    own: float,
    losses: dict[str, list[float]] = LOSSES,
    curve: list[float] = CURVED,
    grid: tuple[float, ...] = GRID,
    examples: int = 4000,
    models: int = 6,
    noise: float = 0.01,
    seed: int = 3,
) -> Results:
    """One-shot networks that lose such shares of the examples, and answer more otherwise: supervised ones ``own`` at 90 %."""
    random, order = np.random.default_rng(seed), np.arange(examples)
    base = made({o: ("one_shot",) for o in LOSSES}, grid, tuple("abcd"), 1, examples, models, False, False)
    truth, arms = random.integers(0, 4, examples), []
    pies = {"supervised": [0.03, 0.08, own, 0.3], "supcon": curve}
    for arm in base.arms:
        place = GRID.index(arm.sparsity) if arm.sparsity else None
        lost, moved = (0.0, 0.0) if place is None else (losses[arm.objective][place], pies[arm.objective][place])
        wrong = (order >= 0.5 * examples) + (order < lost * examples) + 0  # half of them always
        wrong += (order >= 0.5 * examples) & (order < (0.5 + moved - lost) * examples)  # and otherwise
        flips = random.random((models, examples)) < noise
        said = {**arm.models, "labels": ((truth + wrong + flips) % 4).astype(np.int16)}
        arms.append(dataclasses.replace(arm, models=said))
    return dataclasses.replace(base, arms=tuple(arms), labels=truth)


def found(results: Results) -> Part:
    evidence = Evidence(results, Signal(results))
    (part,) = at_equal_loss(evidence, "one_shot", dict.fromkeys(LOSSES, "dense"))
    return part


def drawn(results: Results, sparsities: tuple[float, ...]) -> tuple[float, float]:
    """Logarithms of the ratio by a line and by a cubic, from counts of examples whose most frequent answer changes."""
    kept = {(arm.objective, arm.sparsity): arm.labels for arm in results.arms}

    def modal(labels: np.ndarray) -> np.ndarray:
        return np.array([np.bincount(votes, minlength=4).argmax() for votes in labels.T])

    def counts(objective: str, sparsity: float) -> tuple[float, float]:
        dense, pruned = kept[objective, 0.0], kept[objective, sparsity]
        less = (dense == results.labels).mean() - (pruned == results.labels).mean()
        return float(less), float((modal(dense) != modal(pruned)).sum())

    loss, count = counts("supervised", 0.9)
    lost, pies = np.array([counts("supcon", sparsity) for sparsity in sparsities]).T
    both = np.interp(loss, lost, pies), float(PchipInterpolator(lost, pies)(loss))
    return float(np.log(both[0] / count)), float(np.log(both[1] / count))


@pytest.mark.parametrize("own", [0.12, 0.145, 0.16, 0.22])
def test_the_interval_spans_that_of_a_line_and_that_of_a_cubic(own: float) -> None:
    results = counted(own)
    part = found(results)
    line, cubic = drawn(results, GRID[:3])
    assert cubic - line > 0.1
    reach = (part.estimate.high - part.estimate.low - (cubic - line)) / 2
    assert 0.03 < reach < 0.08
    assert (part.estimate.low, part.estimate.high) == pytest.approx((line - reach, cubic + reach), abs=0.01)


@pytest.mark.sampled(8, heavy=True)
def test_a_verdict_follows_from_that_interval_and_does_not_come_and_go() -> None:
    """Supported if it is so by the line as well as by the cubic; with ever more PIEs of the other it changes once."""
    told = []
    for own in (0.12, 0.13, 0.145, 0.155, 0.165, 0.175, 0.19, 0.22):
        results = counted(own)
        claim = {claim.id: claim for claim in check_claims(results)}["C1"]
        (part,) = (part for part in claim.parts if part.fair == AT_EQUAL_LOSS)
        assert (part.p_for <= 0.025) == (claim.verdict == SUPPORTED) == (part.estimate.low > 0)
        assert claim.verdict == SUPPORTED or claim.verdict == CONFOUNDED, claim.reason
        told.append((claim.verdict == SUPPORTED, min(drawn(results, GRID[:3])) > 0.03))
    supported = [verdict for verdict, _ in told]
    assert supported == sorted(supported, reverse=True) and supported[0] and not supported[-1]
    assert all(by_both or not verdict for verdict, by_both in told)


def test_a_neighbour_with_fewer_models_costs_no_other_any_and_is_left_out() -> None:
    whole = counted(0.14)
    places = {arm.sparsity: place for place, arm in enumerate(whole.arms) if arm.objective == "supcon"}
    full = found(whole)
    for at, models in ((0.9, 3), (0.9, 1)):  # beside 50 and 70 %, between which it is drawn
        cut = found(with_fewer(whole, models, places[at]))
        assert cut.models == full.models == 6 and np.isfinite(cut.estimate.error)
        assert cut.estimate.value == pytest.approx(drawn(whole, GRID[:3])[0], abs=0.02), "the line alone"


def test_where_losses_do_not_rise_there_is_only_the_line() -> None:
    falling = {**LOSSES, "supcon": [0.05, 0.15, 0.14, 0.35]}
    part = found(counted(0.22, falling))
    assert np.exp(part.estimate.value) == pytest.approx(0.15 / 0.22, rel=0.05) and np.isfinite(part.estimate.error)


@pytest.mark.parametrize(("examples", "models"), [(360, 5), (1000, 7), (4000, 6)])
def test_losses_that_are_equal_but_for_rounding_are_not_taken_to_rise(examples: int, models: int) -> None:
    """In sums of shares of models an equal number of answers differs in its last digits."""
    tied, told = {**LOSSES, "supcon": [0.05, 0.15, 0.15, 0.35]}, []
    for seed in range(12):
        results = counted(0.14, tied, examples=examples, models=models, seed=seed)
        (one,), (other,) = (
            [a for a in results.arms if a.objective == "supcon" and a.sparsity == at] for at in (0.7, 0.9)
        )
        more, less = sorted((one, other), key=lambda arm: -(arm.labels == results.labels).sum())
        labels, truth = more.labels.copy(), np.tile(results.labels, (models, 1))
        right = np.flatnonzero(labels == truth)
        equal = np.random.default_rng(seed).choice(right, len(right) - (less.labels == truth).sum(), replace=False)
        labels.flat[equal] = (truth.flat[equal] + 1) % 4
        changed = dataclasses.replace(more, models={**more.models, "labels": labels})
        part = found(dataclasses.replace(results, arms=tuple(changed if arm is more else arm for arm in results.arms)))
        assert np.isfinite(part.estimate.error)
        told.append(part.estimate.value)
    assert np.isfinite(told).all()


def test_of_two_sparsities_there_is_only_the_line() -> None:
    results = counted(0.14, {**LOSSES, "supcon": [0.05, 0.15, 0.15, 0.35]}, [0.05, 0.3, 0.25, 0.36], grid=(0.5, 0.9))
    part = found(results)
    assert part.estimate.value == pytest.approx(drawn(results, (0.5, 0.9))[0], abs=0.02)


def test_few_pies_or_models_have_no_interval_and_their_own_reason() -> None:
    part = found(with_fewer(counted(0.16), 2, *range(10)))
    assert part.reason == "no interval of fewer than 3 models"
    tiny = {"supervised": [0.001, 0.002, 0.003, 0.005], "supcon": [0.002, 0.004, 0.005, 0.006]}
    part = found(counted(0.004, tiny, [0.002, 0.005, 0.006, 0.007], examples=1000, noise=0.0))
    assert part.reason == "no interval of fewer than 10 PIEs"
