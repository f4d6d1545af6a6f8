"""What the noise floor refuses, and what it says of few models. (Formulas: tests/oracle.)"""

from __future__ import annotations

import numpy as np
import pytest

from piescope.measure.noise_floor import NoiseFloor, Null, excess_difference, excess_pies

CLASSES = 3


def test_noise_floor_of_few_models_has_no_interval_and_refuses_bad_input() -> None:
    random = np.random.default_rng(5)
    before, after = (random.integers(0, CLASSES, (3, 60)) for _ in range(2))
    assert np.isnan(excess_pies(before[:2], after[:2], CLASSES).interval).all()
    assert np.isnan(excess_pies(before, after, CLASSES, null="descended").interval).all()
    assert np.isnan(excess_pies(np.concatenate([before, before]), after[:1], CLASSES).interval).all()
    for wrong, match in [
        ((before[:1], after), "at least 2"),
        ((before, after[:0]), "no models"),
        ((before, after[:, :-1]), "numbers of examples differ"),
        ((before, after + 5), "below num_classes"),
    ]:
        with pytest.raises(ValueError, match=match):
            excess_pies(*wrong, CLASSES)
    with pytest.raises(ValueError, match="a parent for each"):
        excess_pies(before, np.concatenate([after, after]), CLASSES, null="descended")
    with pytest.raises(ValueError, match="expected one of independent"):
        excess_pies(before, after, CLASSES, null="paired")  # type: ignore[arg-type]


def test_of_few_strangers_the_floor_is_too_rough_for_an_interval() -> None:
    random = np.random.default_rng(6)
    before, after = (random.integers(0, CLASSES, (5, 60)) for _ in range(2))
    assert np.isnan(excess_pies(before[:4], after, CLASSES).interval).all()
    assert np.isfinite(excess_pies(before, after, CLASSES).interval).all()
    assert np.isnan(NoiseFloor(before[:3], CLASSES).under(after[:3], "descended").lasting.value)


@pytest.mark.parametrize(("dense", "pruned"), [(8, 7), (8, 6), (9, 8), (10, 8), (4, 3), (5, 3)])
def test_a_lost_model_or_a_fresh_one_does_not_take_the_interval_away(dense: int, pruned: int) -> None:
    """It is no surer than where none is lost, and about as sure as with three dense models more."""
    random = np.random.default_rng(7)
    hard = random.beta(0.5, 2, 2000)
    before = (random.random((dense + 3, 2000)) < hard).astype(int)
    after = (random.random((dense, 2000)) < hard).astype(int)
    floors = NoiseFloor(before[:dense], CLASSES)
    found = floors.under(after[:pruned], "same_seeds")
    whole = floors.under(after, "same_seeds")
    fresh = NoiseFloor(before, CLASSES).under(after[:pruned], "same_seeds")
    assert found.excess.low < found.excess.value < found.excess.high
    assert found.strata == (dense,)
    assert 0.9 * whole.excess.error < found.excess.error < 1.6 * fresh.excess.error
    assert excess_difference(found, whole).error > 0


@pytest.mark.parametrize(
    ("dense", "pruned", "null", "why"),
    [
        (3, 3, "same_seeds", "no interval of groups of 2 and 1 models of other seeds"),
        (6, 2, "descended", "no interval of fewer than 3 models"),
        (4, 5, "independent", "no interval of groups of 4 and 5 models of other seeds"),
        (4, 4, "same_seeds", ""),
        (4, 3, "same_seeds", ""),
        (5, 5, "independent", ""),
    ],
)
def test_a_difference_of_excesses_has_an_interval_where_each_has_one(
    dense: int, pruned: int, null: Null, why: str
) -> None:
    random = np.random.default_rng(8)
    before, *after = ((random.random((models, 900)) < 0.3).astype(int) for models in (dense, pruned, pruned))
    one, other = (NoiseFloor(before, CLASSES).under(labels, null) for labels in after)
    found = excess_difference(one, other)
    assert {one.why_not, other.why_not} == {why}
    assert {bool(np.isnan(each.low)) for each in (one.excess, other.excess, found)} == {bool(why)}
    assert found.value == pytest.approx(one.excess.value - other.excess.value)


def test_no_examples_have_no_floor() -> None:
    with pytest.raises(ValueError, match="dense holds no examples"):
        excess_pies(np.zeros((5, 0), int), np.zeros((5, 0), int), 2)
