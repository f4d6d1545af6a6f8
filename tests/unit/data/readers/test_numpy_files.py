"""Images and labels from NumPy files, whole and damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_pictures import RNG, fault
from piescope.data.opening import open_pictures


@pytest.mark.parametrize("last", [False, True])
def test_npz(tmp_path: Path, last: bool) -> None:
    images = RNG.integers(0, 256, (5, 3, 8, 9), dtype=np.uint8)
    held = images.transpose(0, 2, 3, 1) if last else images
    path = tmp_path / "mine.npz"
    np.savez_compressed(
        path, images=held, labels=np.array([0, 1, 2, 1, 0], np.uint8), class_names=["a", "b", "c"], ids=list("vwxyz")
    )
    pictures = open_pictures(str(path))
    assert np.array_equal(np.stack(pictures.batch(1, 4)), images[1:4].transpose(0, 2, 3, 1))
    assert pictures.class_names == ("a", "b", "c") and tuple(pictures.ids) == tuple("vwxyz")
    np.savez(tmp_path / "test.npz", images=held[:2])
    inside = open_pictures(str(tmp_path))
    assert len(inside) == 2 and inside.labels is None and inside.ids[0] == "test-000000"


@pytest.mark.parametrize(
    "arrays",
    [
        {"labels": np.zeros(2, int)},
        {"images": np.zeros((2, 8, 8, 3), np.float32)},
        {"images": np.zeros((2, 8, 8, 3), np.uint8), "labels": np.array([0, 5]), "class_names": ["a", "b"]},
        {"images": np.zeros((2, 8, 8, 3), np.uint8), "labels": np.array([0, 1]), "class_names": ["a", "a"]},
        {"images": np.zeros((2, 8, 8, 3), np.uint8), "ids": ["x", "x"]},
        {"images": np.zeros((2, 8, 8, 3), np.uint8), "ids": ["x", "y\n"]},
        {"images": np.zeros((2, 8, 8, 3), np.uint8), "labels": np.array([[0], [1]])},
        {"images": np.zeros((0, 8, 8, 3), np.uint8)},
        {"images": np.array([{}, {}], dtype=object)},
    ],
)
def test_wrong_npz(tmp_path: Path, arrays: dict[str, object]) -> None:
    np.savez(tmp_path / "mine.npz", **arrays)
    fault(tmp_path / "mine.npz")
