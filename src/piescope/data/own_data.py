"""A user's own images as the two halves of a study: folders of pictures, or NumPy arrays, brought to one shape.

Image folder: ``DIR/train/CLASS/*.png`` and ``DIR/test/CLASS/*.png`` (also .jpg, .jpeg, .bmp, .webp, .ppm). Arrays:
``DIR/train.npz`` and ``DIR/test.npz`` with ``images`` and ``labels`` (and ``class_names``, ``ids``, if any), or
``DIR/train_images.npy``, ``train_labels.npy``, ``test_images.npy`` and ``test_labels.npy``.

The files are read by the modules that read them for audits. A study asks for more: both halves with the same two or
more classes, a label for each image, one shape, no picture that is smaller than it, and no CMYK.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from piescope.data.checks import MOST_CHANNELS, SHOWN, described, image_shape_of, in_order
from piescope.data.dataset import Dataset, Splits, blocks
from piescope.data.halves import HALVES, Half
from piescope.data.kept import keep, kept, name_of, state_of
from piescope.data.readers.decoding import PLAIN_MODES, decoded, opened
from piescope.data.readers.folder import ClassedPaths, each_or_faults, list_pictures
from piescope.data.readers.numpy_files import Arrays, checked, images_file, read_half
from piescope.problems import DataError


def load_image_folder(root: Path, image_shape: tuple[int, int, int]) -> Splits:
    """Pictures by class, brought to one shape: the shorter side is scaled, the middle is cut out.

    Args:
        root: holds ``train`` and ``test``, each with one folder per class; ids are the paths below ``root``.
        image_shape: ``(channels, height, width)``; 1 channel: grey, 3: RGB.

    Raises:
        DataError: a half or class is missing, the halves have other classes, a file is no picture, or a picture is
            damaged, too large, 16-bit grey or CMYK; names the files.
    """
    listed = list_image_folder(root)
    names = tuple(sorted({name for name, _ in listed["train"]}))
    error = DataError(str(root))
    images = {half: _pictures(root, [path for _, path in listed[half]], image_shape, error) for half in HALVES}
    error.raise_if_any()
    class_ids = {name: index for index, name in enumerate(names)}
    halves: dict[str, Dataset] = {}
    for half, found in images.items():
        labels = np.array([class_ids[name] for name, _ in listed[half]], dtype=np.int64)
        ids = tuple(path.relative_to(root).as_posix() for _, path in listed[half])
        assert found is not None, "there are no faults"
        halves[half] = Dataset(found, labels, ids, names)
    return Splits(**halves)


def list_image_folder(root: Path) -> dict[Half, ClassedPaths]:
    """The pictures of each half with their class, in the order of their names; opens none.

    Raises:
        DataError: as for `load_image_folder`, but for what is inside the pictures.
    """
    listed: dict[Half, ClassedPaths] = {}
    error = DataError(str(root))
    for half in HALVES:
        if (root / half).is_dir():
            listed[half] = list_pictures(root, root / half, error, only_classes=True)
        else:
            error.add(half, "no such folder", f"{root}/train and {root}/test", "make it, with one folder per class")
    error.raise_if_any()
    _check_classes(error, {half: sorted({name for name, _ in listed[half]}) for half in HALVES})
    error.raise_if_any()
    return listed


def facts_of_image_folder(root: Path) -> tuple[int, int, tuple[int, int, int], int]:
    """Sizes of both halves, the shape of the smallest picture (square, RGB unless all are grey), and the classes."""
    listed = list_image_folder(root)
    sides, channels = [], 1
    for half in HALVES:
        for _, path in listed[half]:
            try:
                with opened(path, path.name) as picture:
                    sides.append(min(picture.size))
                    channels = channels if picture.mode in ("1", "L", "LA") else 3
            except DataError:
                continue  # loading names it
    side = min(sides, default=4)
    classes = len({name for name, _ in listed["train"]})
    return len(listed["train"]), len(listed["test"]), (channels, side, side), classes


def load_arrays(root: Path, image_shape: tuple[int, int, int]) -> Splits:
    """Images and labels from NumPy files; no object arrays, and no array larger than its header is plausible.

    Args:
        root: the folder of the files.
        image_shape: ``(channels, height, width)``; arrays may be ``[n, c, h, w]``, ``[n, h, w, c]`` or, grey,
            ``[n, h, w]``.

    Raises:
        DataError: a file is missing or no array, or holds other shapes, kinds or classes than it should.
    """
    arrays_of, names = _both_halves(root, image_shape)
    error = DataError(str(root))
    halves: dict[str, Dataset] = {}
    for half, arrays in arrays_of.items():
        images = in_order(arrays.images, image_shape)
        assert arrays.labels is not None, half
        if images is not None:
            halves[half] = Dataset(images, arrays.labels, arrays.ids, names)
            continue
        found, expected = described(arrays.images), f"uint8 [examples, {', '.join(map(str, image_shape))}]"
        cure = "scale to 0..255 and convert to uint8; image_shape is channels, height, width"
        if arrays.images.dtype == np.uint8:
            cure = "resize or reshape them, in both halves alike; image_shape is channels, height, width"
        error.add(f"{half}: images", found, expected, cure)
    error.raise_if_any()
    return Splits(**halves)


def facts_of_arrays(root: Path) -> tuple[int, int, tuple[int, int, int], int]:
    """Sizes of both halves, the shape of an image, and the classes.

    Raises:
        DataError: as `load_arrays`; images whose channels cannot be told from height and width.
    """
    arrays_of, names = _both_halves(root)
    images = arrays_of["train"].images
    image_shape = image_shape_of(images.shape[1:])
    if image_shape is None:
        expected = f"[examples, channels, height, width] of at most {MOST_CHANNELS} channels, or channels last"
        raise DataError.of(str(root), "train: images", str(list(images.shape)), expected, "reshape it")
    return len(images), len(arrays_of["test"].images), image_shape, len(names)


def _pictures(
    root: Path, paths: Sequence[Path], image_shape: tuple[int, int, int], error: DataError
) -> np.ndarray | None:
    """``[examples, channels, height, width]``, mapped if many; None: some have faults, which go to the error."""
    name = name_of((image_shape, *map(state_of, paths)))
    look = partial(_picture, root, image_shape)
    return keep(name, (len(paths), *image_shape), lambda: each_or_faults(paths, look, error, str(root)))


def _picture(root: Path, image_shape: tuple[int, int, int], path: Path) -> np.ndarray:
    """``[channels, height, width]``, uint8."""
    channels, height, width = image_shape
    where = path.relative_to(root).as_posix()
    plain = Image.fromarray(decoded(path, where, "L" if channels == 1 else "RGB", PLAIN_MODES))
    scale = max(height / plain.height, width / plain.width)
    if scale > 1:
        cure = "images are only ever shrunk: take a smaller data.holds.image_shape, or leave it out"
        raise DataError.of(where, where, f"{plain.height} x {plain.width} pixels", f"at least {height} x {width}", cure)
    sides = (max(width, round(plain.width * scale)), max(height, round(plain.height * scale)))
    scaled = np.asarray(plain.resize(sides, Image.Resampling.BOX))
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    cut = scaled[top : top + height, left : left + width]
    return cut[None] if channels == 1 else cut.transpose(2, 0, 1)


def _both_halves(
    root: Path, image_shape: tuple[int, int, int] | None = None
) -> tuple[dict[Half, Arrays], tuple[str, ...]]:
    """Both halves' arrays and the class names, every array but the images' shape checked.

    Args:
        root: the folder.
        image_shape: of a study's images, which are then kept in their order (`data.kept`).

    Raises:
        DataError: a file is missing or damaged; labels that are no class ids, names or ids that are no plain text,
            classes that differ.
    """
    read = {half: _read(root, half, image_shape) for half in HALVES}
    error = DataError(str(root))
    arrays_of = {half: checked(arrays, half, error, f"{half}: ", needs_labels=True) for half, arrays in read.items()}
    error.raise_if_any()
    highest = max(int(arrays.labels.max()) for arrays in arrays_of.values() if arrays.labels is not None)
    numbers = tuple(map(str, range(highest + 1)))
    names = {half: arrays.class_names or numbers for half, arrays in arrays_of.items()}
    _check_classes(error, names)
    error.raise_if_any()
    return arrays_of, names["train"]


def _read(root: Path, half: Half, image_shape: tuple[int, int, int] | None) -> dict[str, np.ndarray]:
    file = images_file(root, half)
    name = name_of((image_shape, state_of(file))) if file.is_file() else ""
    found = kept(name, image_shape) if name and image_shape else None
    arrays = read_half(root, half, str(root), found)
    missing = [name for name in ("images", "labels") if name not in arrays]
    if missing:
        expected = f"{half}.npz with images and labels, or {half}_images.npy and {half}_labels.npy"
        cure = "write them with numpy.savez or numpy.save, or give another --data-dir"
        raise DataError.of(str(root), half, f"no {' and no '.join(missing)}", expected, cure)
    ordered = in_order(arrays["images"], image_shape) if image_shape and found is None else None
    if ordered is not None:
        made = keep(name, ordered.shape, partial(blocks, ordered))
        assert made is not None, "they are all there"
        arrays["images"] = made
    return arrays


def _check_classes(error: DataError, classes: Mapping[Half, Sequence[str]]) -> None:
    train, test = list(classes["train"]), list(classes["test"])
    if train != test:
        only = {"train": sorted(set(train) - set(test)), "test": sorted(set(test) - set(train))}
        found = "; ".join(f"only in {half}: {', '.join(names[:SHOWN])}" for half, names in only.items() if names)
        error.add("classes", found or "another order", "the same classes in train and test", "rename or move them")
    elif len(train) < 2:
        error.add("classes", ", ".join(train) or "none", "at least two", "add the others")
