"""The value that every audit of a model works on: pictures with ids, decoded batch by batch when they are asked for.

A study works on a `Dataset` instead: all images as one array, in memory or mapped, each with a label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Int64

from piescope.data.checks import check_class_ids, described, in_usual_order, numbered
from piescope.data.dataset import Dataset
from piescope.problems import DataError

Read = Callable[[int, int], list[np.ndarray]]
"""From the first picture and the one after the last to the pictures, as `Pictures.batch` gives them."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures with ids, and labels if they are known; pixels are decoded only when they are asked for.

    Attributes:
        name: for people; no private path.
        ids: one stable, unique name per picture.
        labels: ``[examples]``, int64, class ids; None: not known.
        class_names: one name per class; None: not known.
        notes: sentences on what was found and assumed.
    """

    name: str
    ids: Sequence[str]
    labels: Int64[np.ndarray, " examples"] | None
    class_names: tuple[str, ...] | None
    read: Read = field(repr=False)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def batch(self, start: int, stop: int) -> list[np.ndarray]:
        """The pictures ``start`` to ``stop - 1``: uint8, ``[height, width]`` (grey) or ``[height, width, channels]``.

        Sizes may differ. A stop beyond the end is the end.

        Raises:
            DataError: a picture is damaged; names it.
        """
        start, stop = max(0, start), min(stop, len(self))
        return self.read(start, stop) if start < stop else []

    @staticmethod
    def of(data: Pictures | Dataset | tuple[Any, Any] | Any, name: str = "data") -> Pictures:
        """Pictures from Python: a `Dataset`, or images with labels (or None), or images alone.

        Args:
            data: images are a uint8 array ``[n, channels, height, width]``, ``[n, height, width, channels]`` or
                ``[n, height, width]``, or a list of such pictures of any sizes (channels last).
            name: for people.

        Raises:
            DataError: images that are not uint8, or another number of labels.

        Example:
            >>> pictures = Pictures.of((np.zeros((3, 1, 8, 8), np.uint8), np.array([0, 1, 1])))
            >>> len(pictures), pictures.batch(0, 1)[0].shape, pictures.ids[2]
            (3, (8, 8), 'row-000002')
        """
        if isinstance(data, Pictures):
            return data
        if isinstance(data, Dataset):
            return Pictures(name, data.ids, data.labels, data.class_names, reader_of_array(data.images))
        images, labels = data if isinstance(data, tuple) and len(data) == 2 else (data, None)
        if not hasattr(images, "__array__") and not isinstance(images, list | tuple):
            found, cure = f"a {type(images).__name__}", "stack what it gives: (images, labels), both arrays"
            expected = "arrays of uint8 images, with labels or without, or a piescope.Dataset"
            raise DataError.of(name, "images", found, expected, cure)
        if isinstance(images, list | tuple):
            plain = _alike([np.asarray(image) for image in images], name)
            read: Read = partial(_of_list, plain)
            count = len(plain)
        else:
            array = in_usual_order(np.asarray(images), name)
            read, count = reader_of_array(array), len(array)
        error = DataError(name)
        known = None if labels is None else check_class_ids(error, "labels", np.asarray(labels), count, True)
        error.raise_if_any()
        return Pictures(name, numbered("row", count), known, None, read)


def reader_of_array(images: np.ndarray) -> Read:
    """Reads pictures from ``[n, channels, height, width]``; one channel loses its axis."""
    return partial(_of_array, images)


def _of_array(images: np.ndarray, start: int, stop: int) -> list[np.ndarray]:
    return [image[0] if image.shape[0] == 1 else image.transpose(1, 2, 0) for image in images[start:stop]]


def _of_list(images: Sequence[np.ndarray], start: int, stop: int) -> list[np.ndarray]:
    return [image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image for image in images[start:stop]]


def _alike(images: list[np.ndarray], name: str) -> list[np.ndarray]:
    channels = {image.shape[2:] for image in images}
    wrong = [image for image in images if image.dtype != np.uint8 or image.ndim not in (2, 3)]
    if wrong or len(channels) > 1 or not images:
        found = described(wrong[0]) if wrong else f"channels {sorted(map(str, channels))}"
        expected = "uint8 [height, width] or [height, width, channels], alike in channels"
        raise DataError.of(name, "images", found, expected, "convert them to uint8 RGB")
    return images
