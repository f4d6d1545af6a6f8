"""What is called clear is clear among all arms together."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from made_results import CASES
from made_results import made as made_results
from piescope.measure.intervals import t_interval
from piescope.report.study.forgotten import Forgotten, forgotten, headline_arm
from piescope.report.study.results import ArmResult
from piescope.report.study.rows import Bounds
from piescope.report.study.signal import Signal
from piescope.store.catalogue import ControlOf


def test_clear_is_what_scipys_benjamini_hochberg_finds() -> None:
    signal = Signal(CASES["six models"])
    rows = forgotten(signal)
    floors = [signal.floor(row.arm) for row in rows]
    p_values = [2 * min(f.excess.p_above, f.excess.p_below) for f in floors if f is not None and f.excess.error > 0]
    expected = iter((false_discovery_control(p_values) <= 0.05).tolist())
    assert len(p_values) > 4
    for row, floor in zip(rows, floors, strict=True):
        known = floor is not None and floor.excess.error > 0
        assert row.is_clear == (next(expected) and row.excess.value > 0 if known else None)  # type: ignore[operator]
        assert row.changed == int(row.arm.is_pie.sum())
        if floor is not None:
            assert row.excess.value == pytest.approx(row.in_groups.value - row.seeds.value)  # type: ignore[operator]


@pytest.mark.parametrize(("excess", "clear"), [(2.2, False), (2.7, True), (-9.0, False)])
def test_what_is_clear_has_an_interval_above_zero(excess: float, clear: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """2.2 standard errors with five degrees of freedom: one-sided 4 %, two-sided 8 %."""
    found = t_interval(excess, 1.0, 5.0)
    floor: Any = SimpleNamespace(observed=found, floor=found, excess=found)
    monkeypatch.setattr(Signal, "floor", lambda *_: floor)
    for row in forgotten(Signal(CASES["six models"])):
        assert row.is_clear == clear == (row.excess.low > 0)  # type: ignore[operator]


def test_one_dense_model_tells_nothing_of_seeds() -> None:
    (row,) = forgotten(Signal(CASES["one objective, one sparsity, one model"]))
    assert row.is_clear is None and row.seeds.value is None and row.shown == row.changed


def made(sparsity: float, excess: float, is_clear: bool | None, is_beyond: bool | None = None) -> Forgotten:
    arm: Any = SimpleNamespace(sparsity=sparsity, is_pie=np.zeros(9))
    counts = Bounds(excess + 2, None, None), Bounds(2.0, 0, 4), Bounds(excess, 0, 9)
    return Forgotten(arm, int(excess), *counts, is_clear, is_beyond)


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ([made(0.5, 9, False), made(0.9, 5, True), made(0.9, 7, True), made(0.95, 90, True)], 2),  # lowest, then most
        ([made(0.5, 9, False), made(0.95, 3, False), made(0.95, 8, False)], 2),  # none: the highest sparsity
        ([made(0.5, 9, None), made(0.9, 3, None)], 1),
        ([made(0.0, 3, True)], 0),
        ([made(0.3, 99, True, False), made(0.5, 5, True, True), made(0.9, 50, True)], 1),  # 99 may be fine-tuning's
        ([made(0.3, 9, True, False), made(0.5, 9, False, True)], 0),  # no other is clear
    ],
)
def test_the_headline_takes_the_lowest_sparsity_with_a_clear_effect(rows: list[Forgotten], chosen: int) -> None:
    assert headline_arm(rows) is rows[chosen]


def test_nothing_pruned_has_no_headline() -> None:
    assert headline_arm([]) is None


def test_an_interval_above_zero_that_is_not_clear_among_all_arms_says_so() -> None:
    arm = CASES["six models"].pruned()[0]
    told = [
        Forgotten(
            arm, 9, Bounds(20.0, None, None), Bounds(6.0, None, None), Bounds(14.0, low, 23.0), is_clear, is_beyond
        ).doubt
        for low, is_clear, is_beyond in (
            (5.0, True, None),
            (5.0, True, True),
            (5.0, True, False),
            (5.0, False, False),
            (-5.0, False, None),
            (None, None, None),
        )
    ]
    tuned = "may be its fine-tuning"
    assert told == ["", "", tuned, "not clear among so many arms", "not clear", "cannot be told"]


@pytest.mark.parametrize(
    ("tuned_as", "beyond"), [("dense", [True, True]), ("pruned", [False, False]), ("the second", [False, False])]
)
def test_what_is_no_more_than_its_fine_tuning_does_alone_is_not_called_beyond_it(
    tuned_as: str, beyond: list[bool]
) -> None:
    """Fine-tuning alone changes nothing, as much as pruning does, or the very same labels (so without spread)."""
    random, examples, classes = np.random.default_rng(3), 400, 3
    truth = random.integers(0, classes, examples)

    def voted(*, loses_a_class: bool) -> np.ndarray:
        other = random.integers(0, classes, (8, examples))
        said = np.where(random.random((8, examples)) < 0.95, truth, other)
        return np.where((truth == 0) & loses_a_class, 1, said).astype(np.int16)

    def saying(arm: ArmResult, labels: np.ndarray) -> ArmResult:
        return replace(arm, models={**arm.models, "labels": labels})

    plain = made_results({"supervised": ("one_shot",)}, examples=examples, models=8)
    dense, *shots = plain.arms
    dense = saying(dense, voted(loses_a_class=False))
    shots = [saying(shot, voted(loses_a_class=True)) for shot in shots]
    labels = {"dense": dense.models["labels"], "the second": shots[1].models["labels"]}
    control = ControlOf(kind="finetune_only", of="one_shot")
    tuned = replace(shots[0], pruning="finetune_only", sparsity=0.0, control=control)
    tuned = saying(tuned, labels[tuned_as] if tuned_as in labels else voted(loses_a_class=True))
    rows = forgotten(Signal(replace(plain, arms=(dense, *shots, tuned))))
    assert [row.is_clear for row in rows] == [True, True]
    assert [row.is_beyond_tuning for row in rows] == beyond
    assert [row.is_beyond_tuning for row in forgotten(Signal(replace(plain, arms=(dense, *shots))))] == [None, None]
