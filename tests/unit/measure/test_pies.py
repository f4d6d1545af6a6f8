"""Modal labels and PIEs: what is refused, what is taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from piescope.measure.pies import group_modal_labels, modal_label, pie_mask, taxicab_distance


@pytest.mark.parametrize(
    ("dense", "pruned", "message"),
    [
        (np.zeros((2, 3), int), np.zeros((2, 4), int), "numbers of examples differ: dense has 3, pruned has 4"),
        (np.zeros((0, 3), int), np.zeros((2, 3), int), "at least one model"),
        (np.zeros((2, 3)), np.zeros((2, 3), int), "integer class ids"),
        (np.full((2, 3), 5), np.zeros((2, 3), int), "below num_classes = 5"),
        (np.full((2, 3), -1), np.zeros((2, 3), int), "0 or more"),
        (np.zeros(3, int), np.zeros((2, 3), int), "expected 2 axes"),
    ],
)
def test_bad_predictions_are_refused(dense: np.ndarray, pruned: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pie_mask(dense, pruned, 5)


def test_ties_are_the_smallest_or_the_largest() -> None:
    with pytest.raises(ValueError, match="'smallest' or 'largest'"):
        modal_label(np.zeros((2, 3), int), 2, ties="first")  # type: ignore[arg-type]


def test_lists_arrays_and_tensors_are_the_same() -> None:
    dense, pruned = [[0, 1], [0, 1]], [[0, 2]]
    assert pie_mask(dense, pruned, 3).tolist() == [False, True]  # type: ignore[arg-type]
    assert pie_mask(torch.tensor(dense), torch.tensor(pruned), 3).tolist() == [False, True]
    assert pie_mask(np.array(dense, np.uint8), np.array(pruned, np.int16), 3).tolist() == [False, True]


def test_groups_have_the_same_labels_however_many_classes_there_are() -> None:
    random = np.random.default_rng(1)
    labels, groups = random.integers(0, 5, (6, 80)).astype(np.uint8), random.integers(0, 3, (50, 6))
    groups[7] = 0
    found = group_modal_labels(labels, groups, 5)
    assert not found[7].any() and len(np.unique(found)) == 5
    for classes in (7, 256, 1000):
        assert np.array_equal(group_modal_labels(labels, groups, classes), found)
    far = group_modal_labels(labels * np.int32(200), groups, 1000)
    assert np.array_equal(far, found.astype(int) * 200)


def test_taxicab_distance_by_loops_and_of_populations_of_other_sizes() -> None:
    random = np.random.default_rng(4)
    dense, pruned = random.integers(0, 4, (6, 30)), random.integers(0, 4, (5, 30))
    expected = [sum(abs((dense[:, i] == c).mean() - (pruned[:, i] == c).mean()) for c in range(4)) for i in range(30)]
    assert taxicab_distance(dense, pruned, 4) == pytest.approx(expected)
    assert not taxicab_distance(dense, dense[::-1], 4).any()


@pytest.mark.parametrize("count", [np.uint8(10), np.int16(10), True])
def test_a_number_of_classes_that_would_overflow_is_refused(count: Any) -> None:
    votes = np.zeros((3, 300), np.uint8)
    with pytest.raises(ValueError, match=r"num_classes is .*expected a whole number, an int"):
        pie_mask(votes, votes, count)
    assert not pie_mask(votes, votes, np.int64(10)).any()  # type: ignore[arg-type]


def test_masked_votes_are_no_votes() -> None:
    votes = np.ma.array([[0, 1], [2, 1], [2, 1]], mask=[[0, 0], [1, 0], [1, 0]])
    with pytest.raises(ValueError, match="2 values are masked"):
        modal_label(votes, 3)
