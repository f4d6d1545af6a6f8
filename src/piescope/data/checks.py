"""What images, labels, class names and ids of others must be, for a study and an audit alike.

Each check adds what is wrong to an error, so that all faults are listed together, and returns what is right. It is
told where it looks (``"train: labels"``, ``"labels"``), as its user knows the place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from piescope.problems import DataError

SHOWN = 5
"""Faults listed one by one; the rest are counted."""

MOST_CLASSES = 100_000

MOST_CHANNELS = 4
"""By which channels are told from height and width; a study may say otherwise."""


def described(array: np.ndarray) -> str:
    """An array as messages name it.

    Example:
        >>> described(np.zeros((5, 8, 8), np.uint8))
        'uint8 [5, 8, 8]'
    """
    return f"{array.dtype} {list(array.shape)}"


def image_shape_of(shape: Sequence[int]) -> tuple[int, int, int] | None:
    """``(channels, height, width)`` of an image that is stored in any usual order; None: no order is plain.

    Example:
        >>> image_shape_of((8, 9)), image_shape_of((3, 8, 9)), image_shape_of((8, 9, 3)), image_shape_of((7, 8, 9))
        ((1, 8, 9), (3, 8, 9), (3, 8, 9), None)
    """
    sides = tuple(int(side) for side in shape)
    if len(sides) == 2:
        return 1, sides[0], sides[1]
    if len(sides) != 3:
        return None
    first, second, third = sides
    if third <= MOST_CHANNELS < first:
        return third, first, second
    return (first, second, third) if first <= MOST_CHANNELS else None


def in_order(images: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray | None:
    """``[examples, channels, height, width]`` of uint8 images that are of a shape in some order; None: they are not.

    Args:
        images: channels first, last, or without their axis.
        image_shape: ``(channels, height, width)``.

    Returns:
        a view.

    Example:
        >>> in_order(np.zeros((5, 8, 9, 3), np.uint8), (3, 8, 9)).shape
        (5, 3, 8, 9)
    """
    channels, height, width = image_shape
    if images.dtype != np.uint8:
        return None
    if images.shape[1:] == (channels, height, width):
        return images
    if images.shape[1:] == (height, width, channels):
        return images.transpose(0, 3, 1, 2)
    if channels == 1 and images.shape[1:] == (height, width):
        return images[:, None]
    return None


def in_usual_order(images: np.ndarray, source: str) -> np.ndarray:
    """``[examples, channels, height, width]`` of uint8 images whose order is plain from their shape.

    Raises:
        DataError: not uint8, none, or no order that is plain.
    """
    shape = image_shape_of(images.shape[1:])
    ordered = None if shape is None or 0 in images.shape else in_order(images, shape)
    if ordered is None:
        expected = f"uint8 [examples, channels, height, width] of at most {MOST_CHANNELS} channels, or channels last"
        raise DataError.of(
            source, "images", described(images), expected, "scale to 0..255, convert to uint8, and reshape"
        )
    return ordered


def check_class_ids(
    error: DataError, where: str, labels: np.ndarray, count: int, may_be_secret: bool
) -> Int64[np.ndarray, " examples"] | None:
    """Class ids of ``count`` images as int64.

    Args:
        error: gets the fault.
        where: for messages.
        labels: as they were found.
        count: of images.
        may_be_secret: labels that are all -1, as of a test half whose labels are kept secret, are none.

    Returns:
        ``[examples]``; None: they are wrong or secret.
    """
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        error.add(where, described(labels), "whole numbers [examples], 0 or more", "give class ids")
    elif len(labels) != count:
        error.add(where, f"{count} images, {len(labels)} labels", "one label per image", "give class ids, one each")
    elif may_be_secret and bool((labels == -1).all()):
        return None
    elif count and not 0 <= int(labels.min()) <= int(labels.max()) < MOST_CLASSES:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        expected = f"whole numbers, 0 to {MOST_CLASSES - 1}"
        error.add(where, f"a class id of {wrong}", expected, "give class ids, numbered from 0")
    else:
        return labels.astype(np.int64)
    return None


def check_texts(error: DataError, where: str, array: np.ndarray) -> list[str] | None:
    """An array's entries as text; None: they are something else, or cannot be printed."""
    entries = as_texts(array) if array.ndim == 1 else None
    if entries is None:
        error.add(where, described(array), "printable text or numbers, one-dimensional", "give one name each")
    return entries


def check_names(error: DataError, where: str, names: Sequence[str], labels: np.ndarray | None) -> None:
    """Class names are different, can be printed, and there is one for each label."""
    if len(set(names)) < len(names) or "" in names or not all(map(str.isprintable, names)):
        error.add(where, "a name twice, empty, or not printable", "different names", "rename the classes")
    if labels is not None and len(labels) and int(labels.max()) >= len(names):
        expected = f"below {len(names)}, the number of class names"
        error.add(where, f"a label of {labels.max()}", expected, "give a name for each class")


def check_example_ids(error: DataError, where: str, ids: Sequence[str], count: int) -> None:
    """There is an id for each image, and none twice."""
    if len(ids) != count or len(set(ids)) < count:
        found = f"{len(ids)} ids, {len(set(ids))} of them different"
        error.add(where, found, f"{count} ids, none of them repeated", "number the examples, or leave ids out")


def as_texts(array: np.ndarray) -> list[str] | None:
    """An array's entries as text; None if it holds something else, or what cannot be printed.

    Example:
        >>> as_texts(np.array([b"cat", b"dog"])), as_texts(np.array([0, 7])), as_texts(np.array([0.5]))
        (['cat', 'dog'], ['0', '7'], None)
    """
    if array.dtype.kind == "S":
        try:
            array = np.char.decode(array, "utf-8")
        except UnicodeDecodeError:
            return None
    if array.dtype.kind not in "Uiu":
        return None
    entries = [str(entry) for entry in array.ravel().tolist()]
    return entries if all(map(str.isprintable, entries)) else None


def numbered(half: str, count: int) -> tuple[str, ...]:
    """Ids for images that have none.

    Example:
        >>> numbered("test", 2)
        ('test-000000', 'test-000001')
    """
    return tuple(f"{half}-{row:06d}" for row in range(count))
