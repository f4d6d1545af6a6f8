"""kNN by tiles of a matrix product gives the labels of the one by NumPy, and scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from piescope.data.sources import load_digits
from piescope.measure import search
from piescope.measure.neighbours import knn_labels
from piescope.training import nearest
from piescope.training.nearest import knn_labels_by_tiles, knn_labels_on

Label = Callable[..., np.ndarray]
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
WAYS = [partial(knn_labels_on, "cpu"), partial(knn_labels_by_tiles, "cpu"), partial(knn_labels_on, "cuda")]
ON = pytest.mark.parametrize("on", [*WAYS[:2], pytest.param(WAYS[2], marks=CUDA)], ids=["cpu", "tiles", "cuda"])
TILES = pytest.mark.parametrize("tile", [nearest.TILE, (100, 64), (7, 1000)])


@ON
@TILES
@pytest.mark.parametrize("k", [1, 30, 200])
def test_digits_as_numpy_and_scikit_learn_label_them(
    on: Label, tile: tuple[int, int], k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest, "TILE", tile)
    monkeypatch.setattr(search, "TILE", tile)
    splits = load_digits()
    bank, queries = (
        half.images.reshape(len(half), -1).astype(np.float32) / 255 for half in (splits.train, splits.test)
    )
    found = on(bank, splits.train.labels, queries, k)
    assert np.array_equal(found, knn_labels(bank, splits.train.labels, queries, k))
    theirs = KNeighborsClassifier(k, algorithm="brute").fit(bank, splits.train.labels).predict(queries)
    assert np.array_equal(found, theirs)


@ON
@TILES
@pytest.mark.parametrize("k", [1, 3, 60])
def test_duplicates_under_labels_of_their_own(
    on: Label, tile: tuple[int, int], k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole numbers around 0, whose distances have no rounding: of ties the first in the bank are taken."""
    monkeypatch.setattr(nearest, "TILE", tile)
    monkeypatch.setattr(search, "TILE", tile)
    random = np.random.default_rng(0)
    half = random.integers(-2, 3, (600, 3)).astype(np.float32)
    bank, labels = np.concatenate([half, -half]), random.integers(0, 9, 1200)
    queries = half[:250] + random.integers(0, 2, (250, 3)).astype(np.float32)
    squares = ((queries[:, None] - bank) ** 2).sum(-1)
    near = np.argsort(squares, axis=1, kind="stable")[:, :k]
    by_hand = [int(np.bincount(labels[row]).argmax()) for row in near]
    assert on(bank, labels, queries, k).tolist() == by_hand
    assert len(set(by_hand)) > 5


@pytest.mark.parametrize("place", [0, 1])
def test_a_diverged_model_is_refused(place: int) -> None:
    given = [np.ones((3, 2), np.float32), np.ones((3, 2), np.float32)]
    given[place][1] = np.inf
    with pytest.raises(ValueError, match="leave the diverged model out"), np.errstate(invalid="ignore"):
        knn_labels_on("cpu", given[0], np.zeros(3, np.int64), given[1], 1)


def test_without_onednn_the_product_is_another_and_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    rows, columns, offsets = (random.integers(-9, 9, shape).astype(np.float32) for shape in ((5, 3), (70, 3), (70,)))
    for available in (torch.backends.mkldnn.is_available(), False):
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda available=available: available)
        assert np.array_equal(nearest.product(rows, columns, offsets), rows @ columns.T + offsets)
