from __future__ import annotations

import numpy as np
import pytest
import torch

from piescope.measure.class_impact import class_counts
from piescope.measure.neighbours import knn_labels
from piescope.measure.overlap import shared_mask
from piescope.measure.pies import modal_label, pie_mask
from piescope.measure.prediction_depth import prediction_depth
from piescope.measure.projection import umap_projection
from piescope.measure.q_score import q_score


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


def test_other_bad_arguments_are_refused_with_what_was_expected() -> None:
    zeros = np.zeros((2, 3), int)
    with pytest.raises(ValueError, match="'smallest' or 'largest'"):
        modal_label(zeros, 2, ties="first")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'baldock' or 'corti2022'"):
        prediction_depth(zeros, np.zeros(3, int), "corti")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one probe"):
        prediction_depth(np.zeros((0, 3), int), np.zeros(3, int))
    with pytest.raises(ValueError, match="numbers of examples differ"):
        prediction_depth(zeros, np.zeros(4, int))
    with pytest.raises(ValueError, match="2 entries of the representations are NaN or infinite"):
        q_score(np.array([np.nan, np.inf, 1.0]))
    with pytest.raises(ValueError, match="at least one dim"):
        q_score(np.zeros((3, 0)))
    with pytest.raises(ValueError, match="expected 1 to 2"):
        knn_labels(np.zeros((2, 1)), np.zeros(2, int), np.zeros((1, 1)), k=3)
    with pytest.raises(ValueError, match="one label each"):
        knn_labels(np.zeros((2, 1)), np.zeros(3, int), np.zeros((1, 1)), k=1)
    with pytest.raises(ValueError, match=r"\[n, dims\] and \[m, dims\]"):
        knn_labels(np.zeros((2, 1)), np.zeros(2, int), np.zeros((1, 2)), k=1)
    with pytest.raises(ValueError, match="NaN or infinity"):
        knn_labels(np.full((2, 1), np.nan), np.zeros(2, int), np.zeros((1, 1)), k=1)
    with pytest.raises(ValueError, match="expected 2 to 4"):
        umap_projection(np.zeros((5, 2)), seed=0)
    with pytest.raises(ValueError, match="numbers of examples differ"):
        class_counts(np.zeros(2, bool), np.zeros(3, int), 2)
    with pytest.raises(ValueError, match="at least one"):
        shared_mask([])


def test_lists_arrays_and_tensors_are_the_same() -> None:
    dense, pruned = [[0, 1], [0, 1]], [[0, 2]]
    assert pie_mask(dense, pruned, 3).tolist() == [False, True]  # type: ignore[arg-type]
    assert pie_mask(torch.tensor(dense), torch.tensor(pruned), 3).tolist() == [False, True]
    assert pie_mask(np.array(dense, np.uint8), np.array(pruned, np.int16), 3).tolist() == [False, True]
    h = torch.rand(4, 5, requires_grad=True)
    assert np.allclose(q_score(h).q, q_score(h.detach().numpy()).q)


def test_umap_follows_its_seed() -> None:
    points = np.random.default_rng(0).normal(size=(60, 5))
    first = umap_projection(points, seed=1)
    assert np.array_equal(first, umap_projection(points, seed=1))
    assert not np.array_equal(first, umap_projection(points, seed=2))
