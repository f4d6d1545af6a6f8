"""The data sets that studies can name. A new source is one function and one line in ``SOURCES``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np
from PIL import Image

from piescope.data.cifar import CIFAR10, CIFAR100, OFFICIAL_ADDRESS, Cifar, load_cifar
from piescope.data.dataset import Dataset, Splits
from piescope.data.locate import OnBytes, cache_folder, fetch, places
from piescope.data.own_data import facts_of_arrays, facts_of_image_folder, load_arrays, load_image_folder
from piescope.problems import DataError

DIGITS_TRAIN = 1000


@dataclass(frozen=True)
class Facts:
    """What is known of a data set before it is loaded (so that a study can be checked in milliseconds).

    Attributes:
        train_examples: size of the training half.
        test_examples: size of the test half.
        image_shape: ``(channels, height, width)``.
        num_classes: number of classes.
    """

    train_examples: int
    test_examples: int
    image_shape: tuple[int, int, int]
    num_classes: int

    @staticmethod
    def of(splits: Splits) -> Facts:
        """The facts of loaded data."""
        return Facts(len(splits.train), len(splits.test), splits.train.image_shape, splits.train.num_classes)


@dataclass(frozen=True)
class Source:
    """A data set that studies can name.

    Attributes:
        about: one line on what it is and where it comes from.
        facts: what it holds; None: the user's own data, which the study describes.
        load: returns the data, deterministic; takes ``--data-dir``'s folder, what the data should hold, and a listener
            for a download.
        look: for the user's own data: what a folder holds, read off its files.
    """

    about: str
    facts: Facts | None
    load: Callable[[Path | None, Facts, OnBytes | None], Splits]
    look: Callable[[Path], Facts] | None = None


def load_digits() -> Splits:
    """1,797 handwritten digits, which come with piescope: a fixed stratified split of 1,000 train and 797 test images.

    Images are 8x8 with 17 grey levels; level ``v`` becomes ``round(v * 255 / 16)``. The split follows from the data
    alone: within each class, examples keep their order and every class gives the same share to train (largest
    remainders first), spread evenly over that order, so no random generator is involved and no version of any library
    can change it.

    Source: Alpaydin and Kaynak 1998, https://doi.org/10.24432/C50P49 (CC BY 4.0): the half that scikit-learn bundles,
    in its order.

    Example:
        >>> splits = load_digits()
        >>> len(splits.train), len(splits.test), splits.train.image_shape
        (1000, 797, (1, 8, 8))
    """
    with (resources.files("piescope.data") / "digits.npz").open("rb") as file, np.load(file) as digits:
        levels, labels = digits["levels"], digits["labels"].astype(np.int64)
    images = np.round(levels * (255 / 16)).astype(np.uint8)[:, None]
    ids = tuple(f"digits-{index:04d}" for index in range(len(labels)))
    everything = Dataset(images, labels, ids, tuple(map(str, range(10))))
    train = stratified_choice(labels, DIGITS_TRAIN)
    return Splits(train=subset(everything, train), test=subset(everything, ~train))


def _digits_at(where: Path | None) -> Splits:
    if where is not None:
        fault, expected = f"{where}, for digits, which come with piescope", "no place: they are not looked for"
        raise DataError.of("digits", "--data-dir", fault, expected, "leave --data-dir out")
    return load_digits()


def load_or_fetch(cifar: Cifar, where: Path | None, on_bytes: OnBytes | None) -> Splits:
    """CIFAR from ``where``, PIESCOPE_DATA or the cache, whichever has it first; else from its official address."""
    looked = places(where)
    try:
        return load_cifar(cifar, looked)
    except DataError as error:
        absent = where is None and error.problems[0].found == "none of its files"
        if not absent:
            raise
    preferred = cifar.layouts[0]
    return load_cifar(cifar, [fetch(OFFICIAL_ADDRESS, preferred.archive, preferred.archive_md5, on_bytes)])


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
    ids = tuple(dataset.ids[row] for row in rows)
    return replace(dataset, images=dataset.images[rows], labels=dataset.labels[rows], ids=ids)


def shrunk(dataset: Dataset, size: int) -> Dataset:
    """Images of ``size`` x ``size``, each pixel the mean of the area that it covers (Pillow's box filter)."""
    count, channels, height, width = dataset.images.shape
    if (height, width) == (size, size):
        return dataset
    small = np.empty((count, channels, size, size), np.uint8)
    for index, image in enumerate(dataset.images):
        if channels in (1, 3):
            pixels = Image.fromarray(image[0] if channels == 1 else image.transpose(1, 2, 0))
            resized = np.asarray(pixels.resize((size, size), Image.Resampling.BOX))
            small[index] = resized[None] if channels == 1 else resized.transpose(2, 0, 1)
        else:
            for channel in range(channels):
                plane = Image.fromarray(image[channel])
                small[index, channel] = np.asarray(plane.resize((size, size), Image.Resampling.BOX))
    return replace(dataset, images=small)


def load_source(
    name: str,
    where: Path | None = None,
    whole: Facts | None = None,
    train_examples: int | None = None,
    test_examples: int | None = None,
    image_size: int | None = None,
    on_bytes: OnBytes | None = None,
) -> Splits:
    """A data set by name, or a part of it.

    Args:
        name: from ``SOURCES``.
        where: its folder; None: PIESCOPE_DATA, the user's cache, or fetched.
        whole: what a source of the user's own holds.
        train_examples: keep so many training images, the same share of each class, spread evenly over its order.
        test_examples: likewise for the test images.
        image_size: shrink images to this height and width.
        on_bytes: hears of a download.

    Raises:
        DataError: missing, damaged, or not what was asked for.
        KeyError: no such source.

    Example:
        >>> splits = load_source("digits", train_examples=100, image_size=4)
        >>> len(splits.train), splits.test.image_shape
        (100, (1, 4, 4))
    """
    source = SOURCES[name]
    known = source.facts or whole
    if known is None:
        raise ValueError(f"{name} needs to be told what it holds: give whole=Facts(...)")
    splits = source.load(where, known, on_bytes)
    train, test = splits.train, splits.test
    if train_examples is not None:
        train = subset(train, stratified_choice(train.labels, train_examples))
    if test_examples is not None:
        test = subset(test, stratified_choice(test.labels, test_examples))
    if image_size is not None:
        train, test = shrunk(train, image_size), shrunk(test, image_size)
    return Splits(train=train, test=test)


def own_folder(name: str, where: Path | None) -> Path:
    """The folder of a user's own data: ``--data-dir``, or PIESCOPE_DATA.

    Raises:
        DataError: neither is given, or it is no folder.
    """
    given = [place for place in places(where) if place != cache_folder()]
    if not given or not given[0].is_dir():
        found = str(given[0]) if given else "nothing"
        raise DataError.of(name, "--data-dir", found, f"the folder of your {name}", "give --data-dir DIR")
    return given[0]


def _own_source(
    name: str,
    about: str,
    load: Callable[[Path, tuple[int, int, int]], Splits],
    look: Callable[[Path], tuple[int, int, tuple[int, int, int], int]],
) -> Source:
    return Source(
        about=about,
        facts=None,
        load=lambda where, whole, _on_bytes: load(own_folder(name, where), whole.image_shape),
        look=lambda where: Facts(*look(where)),
    )


def _cifar_source(cifar: Cifar, about: str) -> Source:
    return Source(
        about=about,
        facts=Facts(cifar.train_examples, cifar.test_examples, (3, 32, 32), len(cifar.class_names)),
        load=lambda where, _whole, on_bytes: load_or_fetch(cifar, where, on_bytes),
    )


PICTURES = "your own pictures: train/CLASS/*.png and test/CLASS/*.png"
ARRAYS = "your own NumPy arrays: train.npz and test.npz, or *_images.npy and *_labels.npy"

SOURCES: dict[str, Source] = {
    "digits": Source(
        about="1,797 handwritten digits, 8x8 grey (UCI; comes with piescope)",
        facts=Facts(DIGITS_TRAIN, 797, (1, 8, 8), 10),
        load=lambda where, _whole, _on_bytes: _digits_at(where),
    ),
    "cifar10": _cifar_source(CIFAR10, "CIFAR-10: 60,000 photographs of 10 classes, 32x32 (Krizhevsky 2009)"),
    "cifar100": _cifar_source(CIFAR100, "CIFAR-100: 60,000 photographs of 100 classes, 32x32 (Krizhevsky 2009)"),
    "image_folder": _own_source("image_folder", PICTURES, load_image_folder, facts_of_image_folder),
    "arrays": _own_source("arrays", ARRAYS, load_arrays, facts_of_arrays),
}
