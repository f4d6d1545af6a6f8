"""What the measures behind "signal or noise" refuse, and what they say of too little. (Formulas: tests/oracle.)"""

from __future__ import annotations

import numpy as np
import pytest

from piescope.measure.noise_floor import excess_pies
from piescope.measure.overlap import overlap_test
from piescope.measure.replicates import replicate_curve
from piescope.measure.significance import confirmed_pies

CLASSES = 3


def test_noise_floor_of_few_models_has_no_interval_and_refuses_bad_input() -> None:
    random = np.random.default_rng(5)
    before, after = (random.integers(0, CLASSES, (3, 60)) for _ in range(2))
    assert np.isnan(excess_pies(before, after, CLASSES).interval).all()
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


def test_significance_refuses_bad_input_and_nothing_is_nothing() -> None:
    labels = np.zeros((3, 4), int)
    with pytest.raises(ValueError, match="expected a rate"):
        confirmed_pies(labels, labels, 2, alpha=1.5)
    with pytest.raises(ValueError, match="expected pairs"):
        confirmed_pies(labels, labels[:2], 2, paired=True)
    with pytest.raises(ValueError, match="numbers of examples differ"):
        confirmed_pies(labels, labels[:, :2], 2)
    empty = confirmed_pies(labels[:, :0], labels[:, :0], 2)
    assert [len(part) for part in empty] == [0, 0, 0]
    assert confirmed_pies(labels, labels, 2).p_values.tolist() == [1.0] * 4


def test_replicates_refuse_bad_input() -> None:
    said = np.zeros((5, 4), int)
    for wrong, match in [
        ((said[:3], said[:3]), "at least 4"),
        ((said, said[:4]), "as many"),
        ((said, said[:, :2]), "differ"),
    ]:
        with pytest.raises(ValueError, match=match):
            replicate_curve(*wrong, 2)
    agreed = replicate_curve(said, said, 2)
    assert agreed.pies.tolist() == [0.0] * 4
    assert agreed.enough() is None


def test_overlap_refuses_other_lengths() -> None:
    for wrong in ((3, 4, 3), (3, 3, 4)):
        with pytest.raises(ValueError, match="numbers of examples differ"):
            overlap_test(np.ones(wrong[0], bool), np.ones(wrong[1], bool), np.zeros(wrong[2]))


@pytest.mark.parametrize(
    ("mask", "match"),
    [
        ([3, 7, 9], "not indices"),
        ([1.0, np.nan, 0.0], "0 and 1"),
        ([-1, 1, 1], "0 and 1"),
        (np.ones((3, 3), bool), "shape"),
    ],
)
def test_overlap_takes_yes_and_no_only(mask: object, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        overlap_test(mask, np.ones(3, bool))  # type: ignore[arg-type]
    assert overlap_test([1, 0, 1], [True, False, False]).observed == 1  # type: ignore[arg-type]
