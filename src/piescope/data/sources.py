"""Where data sets come from. A new source is one function and one line in ``SOURCES``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from piescope.data.dataset import Dataset, Splits

DIGITS_TRAIN = 1000


@dataclass(frozen=True)
class Source:
    """What is known of a data set before it is loaded (so that a study can be checked in milliseconds).

    Attributes:
        load: returns the data; deterministic.
        train_examples: size of the training half.
        test_examples: size of the test half.
        image_shape: ``(channels, height, width)``.
        num_classes: number of classes.
        about: one line on what it is and where it comes from.
    """

    load: Callable[[], Splits]
    train_examples: int
    test_examples: int
    image_shape: tuple[int, int, int]
    num_classes: int
    about: str


def load_digits() -> Splits:
    """The 1,797 handwritten digits of scikit-learn: a fixed stratified split of 1,000 train and 797 test images.

    Images are 8x8 with 17 grey levels; level ``v`` becomes ``round(v * 255 / 16)``. The split follows from the data
    alone: within each class, examples keep their order and every class gives the same share to train (largest
    remainders first), spread evenly over that order, so no random generator is involved and no version of any library
    can change it.

    Example:
        >>> splits = load_digits()
        >>> len(splits.train), len(splits.test), splits.train.image_shape
        (1000, 797, (1, 8, 8))
    """
    from sklearn.datasets import load_digits as bundled

    digits = bundled()
    levels = digits.images.astype(np.float64)
    images = np.round(levels * 255 / 16).astype(np.uint8)[:, None]
    labels = digits.target.astype(np.int64)
    everything = Dataset(
        images=images,
        labels=labels,
        ids=tuple(f"digits-{index:04d}" for index in range(len(labels))),
        class_names=tuple(str(digit) for digit in range(10)),
    )
    train = stratified_choice(labels, DIGITS_TRAIN)
    return Splits(train=subset(everything, train), test=subset(everything, ~train))


def stratified_choice(labels: np.ndarray, size: int) -> np.ndarray:
    """Marks ``size`` of the examples, the same share in each class, evenly spread over each class's order.

    Args:
        labels: ``[examples]``, class ids.
        size: how many to mark, 0 to ``len(labels)``.

    Returns:
        ``[examples]`` booleans with exactly ``size`` True.

    Raises:
        ValueError: size is negative or larger than the number of examples.

    Example:
        >>> stratified_choice(np.array([0, 0, 0, 0, 1, 1]), 3).tolist()
        [False, True, False, True, False, True]
    """
    if not 0 <= size <= len(labels):
        raise ValueError(f"size is {size}; expected 0 to {len(labels)}, the number of examples")
    classes, counts = np.unique(labels, return_counts=True)
    exact = counts * size / len(labels)
    quota = np.floor(exact).astype(int)
    short = size - quota.sum()
    quota[np.argsort(-(exact - quota), kind="stable")[:short]] += 1
    chosen = np.zeros(len(labels), dtype=bool)
    for label, count, take in zip(classes, counts, quota, strict=True):
        members = np.flatnonzero(labels == label)
        steps = np.arange(count + 1) * take // count
        chosen[members[np.diff(steps) == 1]] = True
    return chosen


def subset(dataset: Dataset, keep: np.ndarray) -> Dataset:
    """The examples where ``keep [examples]`` is True, in their order, with their ids."""
    rows = np.flatnonzero(keep)
    return Dataset(
        images=dataset.images[rows],
        labels=dataset.labels[rows],
        ids=tuple(dataset.ids[row] for row in rows),
        class_names=dataset.class_names,
    )


SOURCES: dict[str, Source] = {
    "digits": Source(
        load=load_digits,
        train_examples=DIGITS_TRAIN,
        test_examples=797,
        image_shape=(1, 8, 8),
        num_classes=10,
        about="1,797 handwritten digits, 8x8 grey (UCI; ships with scikit-learn)",
    ),
}
