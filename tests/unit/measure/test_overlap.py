"""What overlaps refuse."""

from __future__ import annotations

import numpy as np
import pytest

from piescope.measure.overlap import overlap_test, shared_mask


def test_no_masks_share_nothing() -> None:
    with pytest.raises(ValueError, match="at least one"):
        shared_mask([])


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


@pytest.mark.parametrize("difficulty", [np.zeros((3, 0)), np.zeros((3, 1, 1)), np.float64(1.0)])
def test_a_difficulty_is_a_number_or_some_for_each_example(difficulty: np.ndarray) -> None:
    with pytest.raises(ValueError, match="difficulty has shape"):
        overlap_test(np.ones(3, bool), np.ones(3, bool), difficulty)
