"""A user's own images: a folder of folders of pictures, or NumPy arrays. Nothing is guessed and nothing is executed.

Image folder: ``DIR/train/CLASS/*.png`` and ``DIR/test/CLASS/*.png`` (also .jpg, .jpeg, .bmp, .webp, .ppm). Arrays:
``DIR/train.npz`` and ``DIR/test.npz`` with ``images`` and ``labels`` (and ``class_names``, ``ids``, if any), or
``DIR/train_images.npy``, ``train_labels.npy``, ``test_images.npy`` and ``test_labels.npy``.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from piescope.data.dataset import Dataset, Splits
from piescope.problems import DataError, data_error

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm")
HALVES = ("train", "test")
SHOWN = 5
"""Faults listed one by one; the rest are counted."""

MOST_PIXELS = 64_000_000
"""Of one picture: more is a bomb, or no data set for small networks."""

MOST_BYTES = 64 << 30
"""Of one array, by its header."""

MOST_CLASSES = 100_000

MOST_CHANNELS = 4
"""By which `piescope data` tells channels from height and width; a study may say otherwise."""

BROKEN = (ValueError, EOFError, OSError, RuntimeError, NotImplementedError, MemoryError, zipfile.BadZipFile, zlib.error)
"""What damaged, encrypted or lying files make the readers raise (lzma's own error is caught with them)."""


def load_image_folder(root: Path, image_shape: tuple[int, int, int]) -> Splits:
    """Pictures by class, brought to one shape: the shorter side is scaled, the middle is cut out.

    Args:
        root: holds ``train`` and ``test``, each with one folder per class; ids are the paths below ``root``.
        image_shape: ``(channels, height, width)``; 1 channel: grey, 3: RGB.

    Raises:
        DataError: a half or class is missing, the halves have other classes, a file is no picture, or a picture is
            damaged, too large, 16-bit or CMYK; names the files.
    """
    listed = list_image_folder(root)
    names = tuple(sorted({name for name, _ in listed["train"]}))
    halves = {}
    error = DataError(str(root))
    more = 0
    for half in HALVES:
        pictures = []
        for _, path in listed[half]:
            try:
                pictures.append(_picture(path, image_shape))
            except DataError as fault:
                if len(error.problems) < SHOWN:
                    error.problems += fault.problems
                else:
                    more += 1
        if not error:
            halves[half] = Dataset(
                images=np.stack(pictures),
                labels=np.array([names.index(name) for name, _ in listed[half]], dtype=np.int64),
                ids=tuple(str(path.relative_to(root).as_posix()) for _, path in listed[half]),
                class_names=names,
            )
    if more:
        error.add(str(root), f"{more} more pictures with faults", "pictures that can be read", "convert them likewise")
    error.raise_if_any()
    return Splits(train=halves["train"], test=halves["test"])


def list_image_folder(root: Path) -> dict[str, list[tuple[str, Path]]]:
    """The pictures of each half with their class, in the order of their names; opens none.

    Raises:
        DataError: as for `load_image_folder`, but for what is inside the pictures.
    """
    listed: dict[str, list[tuple[str, Path]]] = {}
    error = DataError(str(root))
    for half in HALVES:
        folder = root / half
        if not folder.is_dir():
            error.add(half, "no such folder", f"{root}/train and {root}/test", "make it, with one folder per class")
            continue
        listed[half] = []
        for place in sorted(folder.iterdir()):
            if place.name.startswith("."):
                continue
            if not _can_be_told(place.name) or not place.is_dir():
                error.add(
                    f"{half}/{_told(place.name)}",
                    "no folder, or a name that cannot be printed",
                    "one folder per class, its name in printable UTF-8",
                    "move or rename it",
                )
                continue
            pictures = [file for file in sorted(place.iterdir()) if not file.name.startswith(".")]
            wrong = [
                file
                for file in pictures
                if file.suffix.lower() not in PICTURES or not file.is_file() or not _can_be_told(file.name)
            ]
            for file in wrong[:SHOWN]:
                error.add(
                    f"{half}/{place.name}/{_told(file.name)}",
                    "no picture that is read here",
                    "files ending in " + ", ".join(PICTURES) + ", with printable names",
                    "convert it (SVG, GIF, TIFF: to PNG), rename it, or move it away",
                )
            if not pictures:
                error.add(f"{half}/{place.name}", "no pictures", "at least one", "add some, or remove the class")
            listed[half] += [(place.name, file) for file in pictures]
    error.raise_if_any()
    classes = {half: sorted({name for name, _ in listed[half]}) for half in HALVES}
    _check_classes(error, classes["train"], classes["test"])
    error.raise_if_any()
    return listed


def _check_classes(error: DataError, train: Sequence[str], test: Sequence[str]) -> None:
    if list(train) != list(test):
        only = {"train": sorted(set(train) - set(test)), "test": sorted(set(test) - set(train))}
        told = "; ".join(f"only in {half}: {', '.join(names[:SHOWN])}" for half, names in only.items() if names)
        error.add("classes", told or "another order", "the same classes in train and test", "rename or move them")
    elif len(train) < 2:
        error.add("classes", ", ".join(train) or "none", "at least two", "add the others")


def _picture(path: Path, image_shape: tuple[int, int, int]) -> np.ndarray:
    channels, height, width = image_shape
    where = "/".join(path.parts[-3:])

    def fault(found: str, expected: str, cure: str) -> DataError:
        return data_error(where, where, found, expected, cure)

    try:
        with Image.open(path, formats=("PNG", "JPEG", "BMP", "WEBP", "PPM")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise fault(
                    f"{picture.width} x {picture.height} pixels", f"at most {MOST_PIXELS:,}", "scale it down first"
                )
            if picture.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
                raise fault(f"colour mode {picture.mode}", "8-bit grey, palette or RGB", "convert it to 8-bit RGB")
            plain = picture.convert("L" if channels == 1 else "RGB")
    except DataError:
        raise
    except PermissionError:
        raise fault("a file that may not be read", "a picture", "change its permissions") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, zipfile.BadZipFile) as reason:
        size = path.stat().st_size
        raise fault(
            f"{size:,} bytes that are no whole picture ({type(reason).__name__})", "a picture", "replace or remove it"
        ) from None
    scale = max(height / plain.height, width / plain.width)
    if scale > 1:
        raise fault(
            f"{plain.height} x {plain.width} pixels",
            f"at least {height} x {width}",
            "images are only ever shrunk: take a smaller data.holds.image_shape, or leave it out",
        )
    sides = (max(width, round(plain.width * scale)), max(height, round(plain.height * scale)))
    scaled = np.asarray(plain.resize(sides, Image.Resampling.BOX))
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    cut = scaled[top : top + height, left : left + width]
    return cut[None] if channels == 1 else cut.transpose(2, 0, 1)


def load_arrays(root: Path, image_shape: tuple[int, int, int]) -> Splits:
    """Images and labels from NumPy files; no object arrays, and no array larger than its header is plausible.

    Args:
        root: the folder of the files.
        image_shape: ``(channels, height, width)``; arrays may be ``[n, c, h, w]``, ``[n, h, w, c]`` or, grey,
            ``[n, h, w]``.

    Raises:
        DataError: a file is missing or no array, or holds other shapes, kinds or classes than it should.
    """
    held, names = _checked(root)
    error = DataError(str(root))
    halves = {}
    for half, arrays in held.items():
        images = _in_order(arrays["images"], image_shape)
        if images is None:
            error.add(
                f"{half}: images",
                f"{arrays['images'].dtype} {list(arrays['images'].shape)}",
                f"uint8 [examples, {', '.join(map(str, image_shape))}]",
                "scale to 0..255 and convert to uint8; image_shape is channels, height, width",
            )
        if error or images is None:
            continue
        told = _texts(arrays.get("ids", np.array([f"{half}-{index:06d}" for index in range(len(images))]))) or []
        try:
            halves[half] = Dataset(
                images=images, labels=arrays["labels"].astype(np.int64), ids=tuple(told), class_names=names
            )
        except ValueError as reason:
            error.add(half, str(reason), "arrays that fit together", "correct them")
    error.raise_if_any()
    return Splits(train=halves["train"], test=halves["test"])


def _checked(root: Path) -> tuple[dict[str, dict[str, np.ndarray]], tuple[str, ...]]:
    """Both halves' arrays and the class names, every array but the images' shape checked.

    Raises:
        DataError: labels that are no class ids, names or ids that are no plain text, classes that differ.
    """
    held = {half: _read_half(root, half) for half in HALVES}
    error = DataError(str(root))
    for half, arrays in held.items():
        images, labels = arrays["images"], arrays["labels"]
        if images.ndim < 3 or 0 in images.shape:
            error.add(f"{half}: images", str(list(images.shape)), "[examples, ...], none of them 0", "give images")
        if not (labels.ndim == 1 and labels.dtype.kind in "iu" and len(labels) and int(labels.min()) >= 0):
            error.add(
                f"{half}: labels",
                f"{labels.dtype} {list(labels.shape)}",
                "whole numbers [examples], 0 or more",
                "give class ids",
            )
        elif int(labels.max()) >= MOST_CLASSES:
            error.add(f"{half}: labels", f"a class id of {labels.max()}", f"below {MOST_CLASSES}", "number the classes")
        for name in ("class_names", "ids"):
            if name in arrays and (arrays[name].ndim != 1 or _texts(arrays[name]) is None):
                error.add(
                    f"{half}: {name}",
                    f"{arrays[name].dtype} {list(arrays[name].shape)}",
                    "printable text or numbers, one-dimensional",
                    "give one name each",
                )
    error.raise_if_any()
    highest = max(int(arrays["labels"].max()) for arrays in held.values())
    names = {
        half: _texts(arrays["class_names"]) if "class_names" in arrays else [str(n) for n in range(highest + 1)]
        for half, arrays in held.items()
    }
    train, test = names["train"] or [], names["test"] or []
    _check_classes(error, train, test)
    for half, listed in (("train", train), ("test", test)):
        if len(set(listed)) < len(listed) or "" in listed:
            error.add(f"{half}: class_names", "a name twice, or an empty one", "different names", "rename the classes")
    error.raise_if_any()
    return held, tuple(train)


def _texts(array: np.ndarray) -> list[str] | None:
    """An array's entries as text; None if it holds something else, or what cannot be printed."""
    if array.dtype.kind == "S":
        try:
            array = np.char.decode(array, "utf-8")
        except UnicodeDecodeError:
            return None
    if array.dtype.kind not in "Uiu":
        return None
    told = [str(entry) for entry in array.ravel().tolist()]
    return told if all(map(_can_be_told, told)) else None


def _in_order(images: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray | None:
    channels, height, width = image_shape
    if images.dtype != np.uint8:
        return None
    if images.shape[1:] == (channels, height, width):
        return images
    if images.shape[1:] == (height, width, channels):
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    if channels == 1 and images.shape[1:] == (height, width):
        return images[:, None]
    return None


def _read_half(root: Path, half: str) -> dict[str, np.ndarray]:
    packed = root / f"{half}.npz"
    wanted = ("images", "labels")
    if packed.is_file():
        try:
            with zipfile.ZipFile(packed) as archive:
                members = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
                arrays = {}
                for name in (*wanted, "class_names", "ids"):
                    if name in members:
                        with archive.open(members[name]) as file:
                            arrays[name] = _array(file, f"{packed.name}: {name}", members[name].file_size)
        except PermissionError as reason:
            raise _unreadable(root, packed.name) from reason
        except (*BROKEN, lzma.LZMAError) as reason:
            raise data_error(
                str(root), packed.name, f"no whole .npz file ({reason})", "what numpy.savez writes", "write it again"
            ) from None
    else:
        paths = {name: root / f"{half}_{name}.npy" for name in wanted}
        arrays = {}
        for name, path in paths.items():
            if path.is_file():
                try:
                    with path.open("rb") as file:
                        arrays[name] = _array(file, path.name, path.stat().st_size)
                except PermissionError as reason:
                    raise _unreadable(root, path.name) from reason
    missing = [name for name in wanted if name not in arrays]
    if missing:
        raise data_error(
            str(root),
            half,
            f"no {' and no '.join(missing)}",
            f"{half}.npz with images and labels, or {half}_images.npy and {half}_labels.npy",
            "write them with numpy.savez or numpy.save, or give another --data-dir",
        )
    return arrays


def _array(file: IO[bytes] | Any, where: str, held: int) -> np.ndarray:
    """One array, its header believed only after a look at it; object arrays are refused unread."""
    try:
        version = np.lib.format.read_magic(file)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(file)
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize if shape else dtype.itemsize
        if dtype.hasobject:
            raise data_error(where, where, "an array of Python objects", "plain numbers or text", "save plain arrays")
        if size > held:
            raise data_error(
                where, where, f"{size:,} bytes by its header", f"{held:,}, all that is there", "write it again"
            )
        if size > MOST_BYTES:
            raise data_error(where, where, f"{size:,} bytes by its header", f"at most {MOST_BYTES:,}", "split it")
        file.seek(0)
        array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
    except (*BROKEN, lzma.LZMAError) as reason:
        raise data_error(
            where, where, f"no whole array ({reason})", "what numpy.save writes", "write it again"
        ) from None
    return array


def _unreadable(root: Path, name: str) -> DataError:
    return data_error(str(root), name, "a file that may not be read", "an array", "change its permissions")


def _can_be_told(name: str) -> bool:
    return name.isprintable() and not any("\ud800" <= character <= "\udfff" for character in name)


def _told(name: str) -> str:
    return "".join(character if _can_be_told(character) else "?" for character in name)


def facts_of_image_folder(root: Path) -> tuple[int, int, tuple[int, int, int], int]:
    """Sizes of both halves, the shape of the smallest picture (square, RGB unless all are grey), and the classes."""
    listed = list_image_folder(root)
    sides, channels = [], 1
    for half in HALVES:
        for _, path in listed[half]:
            try:
                with Image.open(path) as picture:
                    sides.append(min(picture.size))
                    channels = channels if picture.mode in ("1", "L", "LA") else 3
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
                continue  # loading names it
    side = min(sides, default=4)
    classes = len({name for name, _ in listed["train"]})
    return len(listed["train"]), len(listed["test"]), (channels, side, side), classes


def facts_of_arrays(root: Path) -> tuple[int, int, tuple[int, int, int], int]:
    """Sizes of both halves, the shape of an image, and the classes."""
    held, names = _checked(root)
    shape = tuple(int(side) for side in held["train"]["images"].shape[1:])
    if len(shape) == 2:
        image_shape = (1, *shape)
    elif len(shape) == 3 and shape[2] <= MOST_CHANNELS < shape[0]:
        image_shape = (shape[2], shape[0], shape[1])
    elif len(shape) == 3 and shape[0] <= MOST_CHANNELS:
        image_shape = shape
    else:
        raise data_error(
            str(root),
            "train: images",
            str([len(held["train"]["images"]), *shape]),
            f"[examples, channels, height, width] of at most {MOST_CHANNELS} channels, or channels last",
            "reshape it",
        )
    sizes = [len(held[half]["images"]) for half in HALVES]
    return sizes[0], sizes[1], (image_shape[0], image_shape[1], image_shape[2]), len(names)
