"""Pictures from Python values, and their batches."""

from __future__ import annotations

import numpy as np
import pytest

from made_pictures import RNG
from piescope.data.dataset import Dataset
from piescope.data.opening import open_pictures
from piescope.data.pictures import Pictures
from piescope.problems import DataError


def test_batches_end_where_the_pictures_end() -> None:
    digits = open_pictures("digits")
    assert len(digits.batch(790, 10_000)) == 7
    assert digits.batch(797, 800) == [] and digits.batch(5, 5) == []


def test_python_values() -> None:
    images = RNG.integers(0, 256, (4, 3, 6, 5), dtype=np.uint8)
    dataset = Dataset(images, np.array([0, 1, 1, 0]), ("a", "b", "c", "d"), ("no", "yes"))
    of_dataset = Pictures.of(dataset)
    assert of_dataset.class_names == ("no", "yes") and tuple(of_dataset.ids) == ("a", "b", "c", "d")
    for given_images in (images, images.transpose(0, 2, 3, 1), list(images.transpose(0, 2, 3, 1))):
        pictures = Pictures.of((given_images, [0, 1, 1, 0]))
        assert np.array_equal(np.stack(pictures.batch(0, 4)), images.transpose(0, 2, 3, 1))
        assert pictures.labels is not None and pictures.labels.tolist() == [0, 1, 1, 0]
    grey = Pictures.of(images[:, 0])
    assert grey.labels is None and np.array_equal(grey.batch(2, 3)[0], images[2, 0])
    assert Pictures.of(of_dataset) is of_dataset


@pytest.mark.parametrize(
    ("images", "labels", "word"),
    [
        (np.zeros((2, 3, 8, 8), np.float32), None, "uint8"),
        (np.zeros((2, 9, 8, 8), np.uint8), None, "channels"),
        (np.zeros((2, 3, 8, 8), np.uint8), [0], "labels"),
        (np.zeros((2, 3, 8, 8), np.uint8), [0.0, 1.0], "labels"),
        (np.zeros((2, 3, 8, 8), np.uint8), [0, -1], "class ids"),
        ([np.zeros((2, 2), np.float32)], None, "uint8"),
        ([np.zeros((2, 2), np.uint8), np.zeros((2, 2, 3), np.uint8)], None, "channels"),
        ([], None, "uint8"),
    ],
)
def test_wrong_python_values_are_refused(images: object, labels: object, word: str) -> None:
    with pytest.raises(DataError, match=word):
        Pictures.of((images, labels))


def test_what_is_no_array_of_pictures_is_refused_by_its_kind() -> None:
    class Loader:
        def __getitem__(self, place: int) -> object:
            return np.zeros((8, 8), np.uint8), 0

        def __len__(self) -> int:
            return 3

    for given in (Loader(), {"images": np.zeros((3, 8, 8), np.uint8)}):
        with pytest.raises(DataError, match=r"found +a (Loader|dict)"):
            Pictures.of(given)
