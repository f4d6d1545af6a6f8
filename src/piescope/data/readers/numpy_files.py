"""Images, labels, class names and ids from NumPy files: ``HALF.npz``, or ``HALF_images.npy`` and ``HALF_labels.npy``.

No object arrays, and no array larger than its header is plausible. Where studies and audits differ: a study needs
labels, and knows the shape of its images; an audit finds it out (`data.checks.image_shape_of`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Int64

from piescope import archives
from piescope.data.checks import check_class_ids, check_example_ids, check_names, check_texts, in_usual_order, numbered
from piescope.data.halves import Half
from piescope.data.kept import SMALL
from piescope.data.pictures import Pictures, reader_of_array
from piescope.data.readers.decoding import unreadable, whole_file
from piescope.problems import DataError

KEYS = ("images", "labels", "class_names", "ids")

MOST_BYTES = 64 << 30
"""Of one array, by its header."""


@dataclass(frozen=True, eq=False)
class Arrays:
    """What is known of some images, all of it checked but the order of the images' axes.

    Attributes:
        images: ``[examples, ...]``, at least two axes more.
        labels: ``[examples]``, class ids; None: not known.
        class_names: one for each class; None: not known.
        ids: one for each image.
    """

    images: np.ndarray
    labels: Int64[np.ndarray, " examples"] | None
    class_names: tuple[str, ...] | None
    ids: tuple[str, ...]


def images_file(root: Path, half: Half) -> Path:
    """The file that has a half's images, if it is there."""
    packed = root / f"{half}.npz"
    return packed if packed.is_file() else root / f"{half}_images.npy"


def holds_half(root: Path, half: Half) -> bool:
    """Whether a folder has the images of a half in NumPy files."""
    return images_file(root, half).is_file()


def pictures_of_half(root: Path, half: Half, name: str) -> Pictures:
    """The pictures of a half that a folder holds; see `holds_half`.

    Raises:
        DataError: damaged files, or arrays that are no images, labels, names or ids.
    """
    return _pictures(read_half(root, half, name), half, name)


def pictures_of_npz(path: Path, name: str) -> Pictures:
    """The pictures of one .npz file.

    Raises:
        DataError: as `pictures_of_half`.
    """
    return _pictures(read_npz(path, name), "row", name)


def _pictures(arrays: dict[str, np.ndarray], half: str, name: str) -> Pictures:
    images = in_usual_order(arrays["images"], name)
    error = DataError(name)
    known = checked(arrays, half, error)
    error.raise_if_any()
    return Pictures(name, known.ids, known.labels, known.class_names, reader_of_array(images))


def checked(
    arrays: dict[str, np.ndarray], half: str, error: DataError, prefix: str = "", needs_labels: bool = False
) -> Arrays:
    """Labels, names and ids that fit to the images; what is wrong goes to the error, and is left out.

    Args:
        arrays: by the names in `KEYS`.
        half: begins the ids of images that have none.
        error: gets the faults.
        prefix: of each place in messages.
        needs_labels: as a study; an audit does without, and takes a half whose labels are all -1 (kept secret).
    """
    images = arrays["images"]
    if images.ndim < 3 or 0 in images.shape:
        expected, cure = "[examples, height, width], or 4 axes with channels, none of them 0", "reshape them to images"
        error.add(f"{prefix}images", str(list(images.shape)), expected, cure)
        return Arrays(images, None, None, ())
    count = len(images)
    labels = None
    if "labels" in arrays:
        labels = check_class_ids(error, f"{prefix}labels", arrays["labels"], count, may_be_secret=not needs_labels)
    names, ids = (
        check_texts(error, f"{prefix}{key}", arrays[key]) if key in arrays else None for key in ("class_names", "ids")
    )
    if names is not None:
        check_names(error, f"{prefix}class_names", names, labels)
    if ids is not None:
        check_example_ids(error, f"{prefix}ids", ids, count)
    return Arrays(images, labels, None if names is None else tuple(names), tuple(ids or numbered(half, count)))


def read_half(root: Path, half: Half, source: str, images: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """The arrays of a half, as far as they are there, by the names in `KEYS`.

    Args:
        root: the folder.
        half: of the data set.
        source: for messages.
        images: these, if they are at hand; else they are read, or mapped where they are many in a file of their own.

    Raises:
        DataError: a file is damaged or may not be read, or an .npz has no images.
    """
    packed = root / f"{half}.npz"
    if packed.is_file():
        return read_npz(packed, source, images)
    arrays = {} if images is None else {"images": images}
    paths = {key: root / f"{half}_{key}.npy" for key in ("images", "labels") if key not in arrays}
    return arrays | {key: _read_npy(path, source) for key, path in paths.items() if path.is_file()}


def read_npz(path: Path, source: str, images: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, by the names in `KEYS`; others are not read.

    Raises:
        DataError: damaged, not to be read, or without images.
    """
    arrays = {} if images is None else {"images": images}
    with (
        whole_file(source, path.name, ".npz file", "what numpy.savez writes", "write it again"),
        archives.opened(path) as archive,
    ):
        unpacked = archives.growth(archive, path.stat().st_size)
        if unpacked is not None:
            found, expected = (
                f"arrays that unpack to {unpacked:,} bytes",
                f"at most {archives.MOST_GROWTH} times the file",
            )
            raise DataError.of(source, path.name, found, expected, "write it with numpy.savez, not compressed")
        members = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
        for key in KEYS:
            if key in members and key not in arrays:
                with archive.open(members[key]) as file:
                    arrays[key] = read_array(file, f"{path.name}: {key}", members[key].file_size)
    if "images" not in arrays:
        found = "no images, but " + (", ".join(sorted(members)) or "nothing")
        raise DataError.of(source, path.name, found, "arrays images and labels", "write them with numpy.savez")
    return arrays


def _read_npy(path: Path, source: str) -> np.ndarray:
    try:
        with path.open("rb") as file:
            return read_array(file, path.name, path.stat().st_size, path)
    except PermissionError:
        raise unreadable(source, path.name, "array") from None


def read_array(file: IO[bytes] | Any, where: str, room: int, path: Path | None = None) -> np.ndarray:
    """One array, its header believed only after a look at it; object arrays are refused unread.

    Args:
        file: begins with the array.
        where: for messages.
        room: bytes that are there.
        path: of a file with nothing else: a large one is mapped, not read.
    """
    with whole_file(where, where, "array", "what numpy.save writes", "write it again"):
        version = np.lib.format.read_magic(file)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(file)
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize if shape else dtype.itemsize
        found = f"{size:,} bytes by its header"
        if dtype.hasobject:
            expected, cure = "plain numbers, or text for names and ids", "save plain arrays: np.array(values.tolist())"
            raise DataError.of(where, where, "an array of Python objects", expected, cure)
        if size > room:
            raise DataError.of(where, where, found, f"{room:,}, all that is there", "write it again")
        if path is not None and size >= SMALL:
            return np.lib.format.open_memmap(path, "r")
        if size > MOST_BYTES:
            raise DataError.of(where, where, found, f"at most {MOST_BYTES:,}", "split it")
        file.seek(0)
        array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
    return array
