"""The value that every study works on: images, labels, stable example ids and class names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

BLOCK = 16 << 20
"""Bytes of images that are looked through at a time, where they may be more than memory holds."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images. Rows of all three arrays belong together.

    Attributes:
        images: ``[examples, channels, height, width]``, uint8, 0 to 255.
        labels: ``[examples]``, whole numbers in ``range(len(class_names))``; they are held as int64.
        ids: one stable, unique name per example; it survives subsetting and reordering. They are held as a tuple.
        class_names: one name per class, likewise.

    Raises:
        ValueError: lengths differ, a label is no whole number or out of range, an id or a name is no text or repeated.

    Example:
        >>> tiny = Dataset(np.zeros((2, 1, 8, 8), np.uint8), np.array([0, 1]), ("a-0", "a-1"), ("zero", "one"))
        >>> len(tiny), tiny.num_classes, tiny.image_shape
        (2, 2, (1, 8, 8))
    """

    images: UInt8[np.ndarray, "examples channels height width"]
    labels: Int64[np.ndarray, " examples"]
    ids: tuple[str, ...]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("ids", "class_names"):
            object.__setattr__(self, name, _names(getattr(self, name), name))
        for name in ("images", "labels"):
            if not isinstance(getattr(self, name), np.ndarray):
                object.__setattr__(self, name, np.asarray(getattr(self, name)))
        labels = self.labels
        if labels.dtype.kind not in "iu" or labels.ndim != 1 or np.ma.is_masked(labels):
            found = f"{labels.dtype} {list(labels.shape)}{', masked' if np.ma.is_masked(labels) else ''}"
            raise ValueError(f"labels are {found}; expected whole numbers [examples]")
        object.__setattr__(self, "labels", np.asarray(labels.astype(np.int64, copy=False)))
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            raise ValueError(
                f"images are {self.images.dtype} {list(self.images.shape)}; expected uint8 "
                "[examples, channels, height, width]: scale floats to 0..255 and add a channel axis"
            )
        if not len(self.images) == len(self.labels) == len(self.ids):
            raise ValueError(
                f"{len(self.images)} images, {len(self.labels)} labels and {len(self.ids)} ids: "
                "expected one label and one id per image"
            )
        if len(self.labels) and not (self.labels.min() >= 0 and self.labels.max() < self.num_classes):
            raise ValueError(
                f"labels run from {self.labels.min()} to {self.labels.max()}; "
                f"expected 0 to {self.num_classes - 1} for {self.num_classes} class names"
            )
        if len(set(self.ids)) != len(self.ids):
            raise ValueError(f"{len(self.ids) - len(set(self.ids))} example ids are repeated; ids must be unique")
        if len(set(self.class_names)) != self.num_classes:
            raise ValueError(f"{self.num_classes - len(set(self.class_names))} class names are repeated")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(channels, height, width)``."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def fingerprint(self) -> str:
        """SHA-256 over images, labels, ids and class names: equal exactly when the data are."""
        digest = hashlib.sha256()
        for array in (self.images, self.labels):
            digest.update(repr((array.dtype.str, array.shape)).encode())
            for block in blocks(array):
                digest.update(np.ascontiguousarray(block).tobytes())
        digest.update(repr((self.ids, self.class_names)).encode())
        return digest.hexdigest()


def _names(given: Any, name: str) -> tuple[str, ...]:
    names = () if isinstance(given, str) else tuple(given)
    odd = given if isinstance(given, str) else next((each for each in names if not isinstance(each, str)), None)
    if odd is not None:
        raise ValueError(f"{name} hold {odd!r}; expected several texts")
    return tuple(map(str, names))


@dataclass(frozen=True)
class Splits:
    """A data set's two halves: ``train`` to learn from, ``test`` to find the lost examples in."""

    train: Dataset
    test: Dataset

    def fingerprint(self) -> str:
        """SHA-256 over both halves."""
        return hashlib.sha256((self.train.fingerprint() + self.test.fingerprint()).encode()).hexdigest()

    def duplicates(self) -> int:
        """How many test images stand in the training half too, pixel for pixel.

        Example:
            >>> same = Dataset(np.zeros((1, 1, 8, 8), np.uint8), np.array([0]), ("a",), ("zero", "one"))
            >>> Splits(train=same, test=same).duplicates()
            1
        """
        asked = [hashlib.sha256(image.tobytes()).digest() for image in self.test.images]
        known = set(asked).intersection(hashlib.sha256(image.tobytes()).digest() for image in self.train.images)
        return sum(digest in known for digest in asked)


def blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """An array in parts of some MB along its first axis.

    Example:
        >>> [len(block) for block in blocks(np.zeros((3, 16 << 20), np.uint8))]
        [1, 1, 1]
    """
    step = max(1, BLOCK * len(array) // max(1, array.nbytes))
    return (array[start : start + step] for start in range(0, len(array), step))
