"""The examples that models look at: opened by name, decoded batch by batch. Nothing is guessed and nothing is executed.

Read are: the data sets that piescope knows (``digits``, ``cifar10``, ``cifar100``); a folder of pictures by class
(``DIR/CLASS/*.png``, or with ``test`` above the classes) or without classes; NumPy files (``images``, ``labels``,
``class_names``, ``ids``); a data set of Hugging Face on disk (``save_to_disk``, or Parquet), through pyarrow alone.
"""

from __future__ import annotations

import json
import lzma
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int64
from PIL import Image

from piescope.data.dataset import Dataset
from piescope.data.folders import BROKEN, MOST_CHANNELS, MOST_CLASSES, MOST_PIXELS, PICTURES, SHOWN
from piescope.data.folders import _array as checked_array
from piescope.data.folders import _can_be_told as can_be_told
from piescope.data.folders import _texts as as_texts
from piescope.data.folders import _told as told
from piescope.problems import DataError, data_error

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as parquet

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "PPM")
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK")
"""What is brought to 8-bit grey or RGB without a choice that is the user's; CMYK is converted and said."""

HALVES = ("test", "train")
HELD_OUT = ("test", "validation", "valid", "val", "dev")
"""Names of the half that an audit looks at, the best first."""

IMAGE_COLUMNS = ("image", "img", "images", "picture", "pixel_values")
LABEL_COLUMNS = ("label", "labels", "fine_label", "class", "target")
ID_COLUMNS = ("id", "example_id", "image_id", "ids")

MOST_BYTES_A_GROUP = 8 << 30
"""Of the pictures of one Parquet row group: two of them are held at a time."""

Read = Callable[[int, int], list[np.ndarray]]


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
            return Pictures(name, data.ids, data.labels, data.class_names, partial(_of_array, data.images))
        images, labels = data if isinstance(data, tuple) and len(data) == 2 else (data, None)
        ragged = isinstance(images, list | tuple)
        if ragged:
            plain = [np.asarray(image) for image in images]
            shapes = {image.shape[2:] for image in plain}
            wrong = [image for image in plain if image.dtype != np.uint8 or image.ndim not in (2, 3)]
            if wrong or len(shapes) > 1 or not plain:
                raise data_error(
                    name,
                    "images",
                    f"{wrong[0].dtype} {list(wrong[0].shape)}" if wrong else f"channels {sorted(map(str, shapes))}",
                    "uint8 [height, width] or [height, width, channels], alike in channels",
                    "convert them to uint8 RGB",
                )
            reader: Read = partial(_of_list, plain)
            count = len(plain)
        else:
            array = _ordered(np.asarray(images), name)
            reader, count = partial(_of_array, array), len(array)
        ids = tuple(f"row-{row:06d}" for row in range(count))
        return Pictures(name, ids, _labels(labels, count, name), None, reader)


def open_pictures(text: str, data_dir: Path | None = None) -> Pictures:
    """The pictures that a text names.

    Args:
        text: ``digits``, ``cifar10``, ``cifar100``: their test half; a folder or file: see the head of this module.
            ``train:`` before it: the train half. Folders may also be named relative to ``data_dir``.
        data_dir: where CIFAR lies (else PIESCOPE_DATA, the cache, or fetched).

    Raises:
        DataError: nothing of that name, or a folder or file that holds something else; damaged headers are found
            now, damaged pixels when they are read.

    Example:
        >>> digits = open_pictures("digits")
        >>> len(digits), digits.batch(0, 2)[0].shape, digits.class_names[3]
        (797, (8, 8), '3')
    """
    half, where = ("train", text.removeprefix("train:")) if text.startswith("train:") else ("test", text)
    from piescope.data.sources import SOURCES, load_source

    source = SOURCES.get(where)
    if source is not None and source.facts is not None:
        splits = load_source(where, data_dir)
        name = where if half == "test" else f"{where} (train)"
        return Pictures.of(splits.train if half == "train" else splits.test, name)
    if source is not None:
        if data_dir is None:
            raise data_error(text, "--data", where, "a folder", "name the folder itself: --data DIR")
        where = str(data_dir)
    path = Path(where).expanduser()
    if not path.exists() and data_dir is not None and (data_dir / where).exists():
        path = data_dir / where
    if not path.exists():
        error = DataError(text)
        known = [name for name, each in SOURCES.items() if each.facts is not None]
        error.add_unknown("--data", "data set or folder", where, known)
        raise error
    if path.is_dir():
        return _of_folder(path, half)
    if not path.is_file():
        raise data_error(text, path.name, "no folder and no file", "pictures", "check the path")
    if path.suffix.lower() == ".npz":
        return _of_npz(path, f"{path.stem}")
    if path.suffix.lower() == ".parquet":
        return _of_parquet([path], path.name, half)
    if path.suffix.lower() == ".arrow":
        return _of_arrow([path], path.name, half)
    raise data_error(
        text,
        path.name,
        "a file of another kind",
        "a folder of pictures, .npz, .parquet or .arrow",
        "put the pictures into a folder, one folder per class",
    )


def decoded(content: bytes | Path, where: str) -> np.ndarray:
    """One picture as 8-bit grey ``[height, width]`` or RGB ``[height, width, 3]``.

    Palettes become RGB, alpha is dropped, CMYK becomes RGB.

    Raises:
        DataError: no whole picture of a kind in `FORMATS`, too many pixels, 16 bits, or an unusual colour mode.
    """
    with _opened(content, where) as picture:
        try:
            plain = picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB")
        except (*BROKEN, SyntaxError, Image.DecompressionBombError) as reason:
            raise _no_picture(content, where, reason) from None
        return np.asarray(plain)


def _opened(content: bytes | Path, where: str) -> Image.Image:
    """The picture with its header checked and its pixels not yet decoded."""
    source = BytesIO(content) if isinstance(content, bytes) else content
    try:
        picture = Image.open(source, formats=FORMATS)
    except PermissionError:
        raise data_error(where, where, "a file that may not be read", "a picture", "change its permissions") from None
    except Image.DecompressionBombError:
        raise data_error(where, where, "far too many pixels", f"at most {MOST_PIXELS:,}", "scale it down") from None
    except (*BROKEN, SyntaxError) as reason:
        raise _no_picture(content, where, reason) from None
    if picture.width * picture.height > MOST_PIXELS:
        picture.close()
        raise data_error(
            where,
            where,
            f"{picture.width} x {picture.height} pixels",
            f"at most {MOST_PIXELS:,}",
            "scale it down first",
        )
    if picture.mode not in MODES:
        picture.close()
        raise data_error(
            where, where, f"colour mode {picture.mode}", "8-bit grey, palette, RGB or CMYK", "convert it to 8-bit RGB"
        )
    return picture


def _no_picture(content: bytes | Path, where: str, reason: BaseException) -> DataError:
    try:
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
    except OSError:
        size = 0
    found = f"{size:,} bytes that are no whole picture ({type(reason).__name__})"
    return data_error(where, where, found, "a picture: PNG, JPEG, BMP, WebP or PPM", "replace or remove it")


def _of_array(images: np.ndarray, start: int, stop: int) -> list[np.ndarray]:
    """Of ``[n, channels, height, width]``; one channel loses its axis."""
    return [image[0] if image.shape[0] == 1 else image.transpose(1, 2, 0) for image in images[start:stop]]


def _of_list(images: Sequence[np.ndarray], start: int, stop: int) -> list[np.ndarray]:
    return [image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image for image in images[start:stop]]


def _ordered(images: np.ndarray, where: str) -> np.ndarray:
    """``[n, channels, height, width]`` of images in any usual order.

    Raises:
        DataError: not uint8, or no order that is plain from the shape.
    """
    shape = images.shape[1:]
    fits = images.dtype == np.uint8 and images.ndim in (3, 4) and 0 not in images.shape
    if fits and images.ndim == 3:
        return images[:, None]
    if fits and shape[2] <= MOST_CHANNELS < shape[0]:
        return images.transpose(0, 3, 1, 2)
    if fits and shape[0] <= MOST_CHANNELS:
        return images
    raise data_error(
        where,
        "images",
        f"{images.dtype} {list(images.shape)}",
        f"uint8 [examples, channels, height, width] of at most {MOST_CHANNELS} channels, or channels last",
        "scale to 0..255, convert to uint8, and reshape",
    )


def _labels(labels: Any, count: int, where: str) -> np.ndarray | None:
    """Class ids as int64; None if there are none, or all are -1 (a half whose labels are kept secret).

    Raises:
        DataError: no whole numbers, another length, negative or huge.
    """
    if labels is None:
        return None
    array = np.asarray(labels)
    if array.ndim != 1 or array.dtype.kind not in "iu" or len(array) != count:
        raise data_error(
            where,
            "labels",
            f"{array.dtype} {list(array.shape)}",
            f"{count} whole numbers, one per picture",
            "give class ids",
        )
    if count and bool((array == -1).all()):
        return None
    if count and not 0 <= int(array.min()) <= int(array.max()) < MOST_CLASSES:
        found = f"class ids from {array.min()} to {array.max()}"
        raise data_error(where, "labels", found, f"0 to {MOST_CLASSES - 1}", "number the classes from 0")
    return array.astype(np.int64)


def _checked_names(names: Sequence[str] | None, labels: np.ndarray | None, where: str) -> tuple[str, ...] | None:
    if names is None:
        return None
    if len(set(names)) < len(names) or "" in names or not all(map(can_be_told, names)):
        raise data_error(
            where, "class_names", "a name twice, empty, or not printable", "different names", "rename the classes"
        )
    if labels is not None and len(labels) and int(labels.max()) >= len(names):
        found = f"a label of {labels.max()}"
        raise data_error(
            where, "labels", found, f"below {len(names)}, the number of class names", "give a name for each class"
        )
    return tuple(names)


def _checked_ids(ids: Sequence[str] | None, count: int, half: str, where: str) -> Sequence[str]:
    if ids is None:
        return tuple(f"{half}-{row:06d}" for row in range(count))
    if len(ids) != count or len(set(ids)) < count:
        found = f"{len(ids)} ids, {len(set(ids))} of them different"
        raise data_error(where, "ids", found, f"{count} different ids", "number the examples, or leave ids out")
    return tuple(ids)


# --- a folder ---------------------------------------------------------------------------------------------------


def _of_folder(root: Path, half: str) -> Pictures:
    name = root.name or "data"
    if (root / "dataset_dict.json").is_file() or (root / "state.json").is_file():
        return _of_saved(root, name, half)
    for suffix, reader in (("parquet", _of_parquet), ("arrow", _of_arrow)):
        files = sorted(file for file in root.rglob(f"*.{suffix}") if file.is_file())
        if files:
            chosen, which = _files_of_half(files, root, half)
            return reader(chosen, name, which)
    if (root / f"{half}.npz").is_file():
        return _of_npz(root / f"{half}.npz", f"{name}/{half}", half)
    if (root / f"{half}_images.npy").is_file():
        return _of_npy(root, half, f"{name}/{half}")
    if any(root.glob("data_batch_*")) or any(root.glob("cifar-10*")):
        raise data_error(name, name, "CIFAR's own files", "pictures", "give --data cifar10 --data-dir DIR")
    return _of_pictures(root, name, half)


def _of_pictures(root: Path, name: str, half: str) -> Pictures:
    """``ROOT/CLASS/*``, ``ROOT/test/CLASS/*``, or ``ROOT/*`` without classes; ids are paths below ``ROOT``."""
    folders = {entry.name.lower(): entry for entry in sorted(root.iterdir()) if entry.is_dir()}
    halves = [each for each in (HELD_OUT if half == "test" else ("train",)) if each in folders]
    notes = []
    base = root
    if halves and (len(folders) > 1 or any(entry.is_dir() for entry in folders[halves[0]].iterdir())):
        base = folders[halves[0]]
        if halves[0] not in HALVES:
            notes.append(f"the half is {name}/{base.name}")
    elif half == "train":
        raise data_error(name, "train", "no such folder", f"{name}/train", "leave train: away")
    listed, error = _listed(root, base, name)
    error.raise_if_any()
    converted = {"CMYK": 0, "16-bit": 0}
    more = 0
    for _, path in listed:
        where = told(path.relative_to(root).as_posix())
        try:
            with _opened(path, where) as picture:
                converted["CMYK"] += picture.mode == "CMYK"
                converted["16-bit"] += any("16" in str(tile[3]) for tile in getattr(picture, "tile", ()))
        except DataError as fault:
            if len(error.problems) < SHOWN:
                error.problems += fault.problems
            else:
                more += 1
    if more:
        error.add(name, f"{more} more pictures with faults", "pictures that can be read", "convert them likewise")
    error.raise_if_any()
    notes += [f"{count:,} {kind} pictures are converted to 8-bit RGB" for kind, count in converted.items() if count]
    classes = tuple(sorted({each for each, _ in listed if each is not None}))
    place = {each: index for index, each in enumerate(classes)}
    labels = np.array([place[each] for each, _ in listed if each is not None], np.int64) if classes else None
    paths = [path for _, path in listed]
    ids = tuple(path.relative_to(root).as_posix() for path in paths)
    return Pictures(name, ids, labels, classes or None, partial(_of_paths, root, paths), tuple(notes))


def _listed(root: Path, base: Path, name: str) -> tuple[list[tuple[str | None, Path]], DataError]:
    """The pictures with their class, in the order of their names, and what is wrong with the folder."""
    error = DataError(name)
    listed: list[tuple[str | None, Path]] = []
    entries = [entry for entry in sorted(base.iterdir()) if not entry.name.startswith(".")]
    classes = [entry for entry in entries if entry.is_dir()]
    files = [entry for entry in entries if not entry.is_dir()]
    if classes and any(file.suffix.lower() in PICTURES for file in files):
        error.add(
            told(base.name),
            "pictures beside the folders of classes",
            "all in folders of classes, or all without",
            "move them",
        )
    wrong: list[Path] = []
    for place in classes or [base]:
        inside = [entry for entry in sorted(place.iterdir()) if not entry.name.startswith(".")]
        usable = [file for file in inside if file.suffix.lower() in PICTURES and file.is_file()]
        bad = [file for file in inside if file not in set(usable)]
        if not classes:  # a readme or a table may lie beside pictures without classes
            bad = [file for file in bad if file.suffix.lower() in PICTURES]
        unnamed = [file for file in usable if not can_be_told(file.name)]
        wrong += bad + unnamed
        if classes and not can_be_told(place.name):
            wrong.append(place)
        elif classes and not inside:
            error.add(told(place.name), "no pictures", "at least one", "add some, or remove the class")
        listed += [(place.name if classes else None, file) for file in usable]
    for file in wrong[:SHOWN]:
        error.add(
            told(file.relative_to(root).as_posix()),
            "no picture that is read here",
            "files ending in " + ", ".join(PICTURES) + ", with printable names",
            "convert it (SVG, GIF, TIFF: to PNG), rename it, or move it away",
        )
    if len(wrong) > SHOWN:
        error.add(name, f"{len(wrong) - SHOWN} more such files", "pictures", "likewise")
    if not listed and not error:
        error.add(
            name,
            "no pictures",
            "CLASS/*.png, test/CLASS/*.png, or *.png; .npz; or a Hugging Face data set",
            "check the folder",
        )
    if len({each for each, _ in listed}) == 1 and classes:
        error.add(name, f"one class: {told(classes[0].name)}", "at least two, or pictures without", "add the others")
    return listed, error


def _of_paths(root: Path, paths: Sequence[Path], start: int, stop: int) -> list[np.ndarray]:
    return [decoded(path, path.relative_to(root).as_posix()) for path in paths[start:stop]]


# --- NumPy files ------------------------------------------------------------------------------------------------


def _of_npz(path: Path, name: str, half: str = "row") -> Pictures:
    arrays: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            for key in ("images", "labels", "class_names", "ids"):
                if key in members:
                    with archive.open(members[key]) as file:
                        arrays[key] = checked_array(file, f"{path.name}: {key}", members[key].file_size)
    except DataError:
        raise
    except PermissionError:
        raise data_error(name, path.name, "a file that may not be read", "arrays", "change its permissions") from None
    except (*BROKEN, lzma.LZMAError) as reason:
        raise data_error(
            name, path.name, f"no whole .npz file ({reason})", "what numpy.savez writes", "write it again"
        ) from None
    if "images" not in arrays:
        found = "no images, but " + (", ".join(sorted(members)) or "nothing")
        raise data_error(name, path.name, found, "arrays images and labels", "write them with numpy.savez")
    return _of_arrays(arrays, name, half)


def _of_npy(root: Path, half: str, name: str) -> Pictures:
    arrays: dict[str, np.ndarray] = {}
    for key in ("images", "labels"):
        path = root / f"{half}_{key}.npy"
        if path.is_file():
            try:
                with path.open("rb") as file:
                    arrays[key] = checked_array(file, path.name, path.stat().st_size)
            except PermissionError:
                raise data_error(
                    name, path.name, "a file that may not be read", "an array", "change its permissions"
                ) from None
    return _of_arrays(arrays, name, half)


def _of_arrays(arrays: dict[str, np.ndarray], name: str, half: str) -> Pictures:
    images = _ordered(arrays["images"], name)
    labels = _labels(arrays.get("labels"), len(images), name)
    texts: dict[str, list[str] | None] = {}
    for key in ("class_names", "ids"):
        texts[key] = as_texts(arrays[key]) if key in arrays and arrays[key].ndim == 1 else None
        if key in arrays and texts[key] is None:
            found = f"{arrays[key].dtype} {list(arrays[key].shape)}"
            raise data_error(name, key, found, "printable text or numbers, one-dimensional", "give one name each")
    names = _checked_names(texts["class_names"], labels, name)
    ids = _checked_ids(texts["ids"], len(images), half, name)
    return Pictures(name, ids, labels, names, partial(_of_array, images))


# --- data sets of Hugging Face ----------------------------------------------------------------------------------


def _files_of_half(files: Sequence[Path], root: Path, half: str) -> tuple[list[Path], str]:
    """The shards of a half, by the names of files and folders; files that name no half are all one half."""

    def is_of(path: Path, which: str) -> bool:
        *folders, file = path.relative_to(root).parts
        stem = file.lower().rsplit(".", 1)[0]
        return which in (folder.lower() for folder in folders) or stem == which or stem.startswith(f"{which}-")

    for which in HELD_OUT if half == "test" else ("train",):
        chosen = [path for path in files if is_of(path, which)]
        if chosen:
            return chosen, which
    if half == "train" or any(is_of(path, "train") for path in files):
        names = ", ".join(sorted({path.relative_to(root).as_posix() for path in files})[:SHOWN])
        cure = "give train: before the name for the train half" if half == "test" else "leave train: away"
        raise data_error(root.name, half, names, f"files of a {half} half", cure)
    return list(files), half


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as reason:
        raise data_error(
            path.name, path.name, f"no readable JSON ({type(reason).__name__})", "JSON", "save the data set again"
        ) from None
    if not isinstance(value, dict):
        raise data_error(path.name, path.name, f"a {type(value).__name__}", "a JSON object", "save the data set again")
    return value


def _of_saved(root: Path, name: str, half: str) -> Pictures:
    """What ``datasets``' ``save_to_disk`` writes: one half, or several below ``dataset_dict.json``."""
    which = half
    if (root / "dataset_dict.json").is_file():
        splits = _json(root / "dataset_dict.json").get("splits")
        known = [each for each in splits if isinstance(each, str)] if isinstance(splits, list) else []
        found = [each for each in (HELD_OUT if half == "test" else ("train",)) if each in known]
        if not found:
            cure = "give train: before the name" if half == "test" and "train" in known else "save that half too"
            raise data_error(name, half, ", ".join(known) or "no halves", f"a {half} half", cure)
        which = found[0]
        root = root / which
    state = _json(root / "state.json")
    entries = state.get("_data_files")
    if state.get("_indices_data_files"):
        raise data_error(
            name, "state.json", "an index beside the data", "rows in their own order", "flatten_indices(), save again"
        )
    files = []
    for entry in entries if isinstance(entries, list) else []:
        filename = entry.get("filename") if isinstance(entry, dict) else None
        if not isinstance(filename, str) or Path(filename).name != filename or not (root / filename).is_file():
            raise data_error(name, "state.json", f"a file {filename!r}", "a file beside it", "copy the whole folder")
        files.append(root / filename)
    if not files:
        raise data_error(name, "state.json", "no data files", "data-00000-of-00001.arrow ...", "save it again")
    features = _json(root / "dataset_info.json").get("features") if (root / "dataset_info.json").is_file() else None
    return _of_arrow(files, name, which, features if isinstance(features, dict) else None)


@dataclass(frozen=True)
class _Columns:
    """Which columns of a data set are read, and what is known of them."""

    image: str
    label: str | None
    id: str | None
    names: tuple[str, ...] | None
    notes: tuple[str, ...]


def _columns(schema: pa.Schema, features: dict[str, Any] | None, name: str) -> _Columns:
    """Told by the features that ``datasets`` writes into the schema; without them by kinds and names."""
    import pyarrow as pa

    if features is None:
        held = (schema.metadata or {}).get(b"huggingface")
        try:
            features = json.loads(held)["info"]["features"] if held else {}
        except (ValueError, KeyError, TypeError, RecursionError):
            features = {}
        if not isinstance(features, dict):
            features = {}

    def kind(column: str) -> Any:
        feature = features.get(column)
        return feature.get("_type") if isinstance(feature, dict) else None

    def holds_pictures(column: pa.Field) -> bool:
        of_bytes = pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)
        if pa.types.is_struct(column.type):
            index = column.type.get_field_index("bytes")
            inner = column.type.field(index).type if index >= 0 else None
            of_bytes = inner is not None and (pa.types.is_binary(inner) or pa.types.is_large_binary(inner))
        return of_bytes and kind(column.name) in (None, "Image")

    if len(set(schema.names)) < len(schema.names):
        raise data_error(name, "columns", "a name twice", "different names", "rename one")
    images = [column.name for column in schema if holds_pictures(column)]
    image = _preferred(images, IMAGE_COLUMNS, [each for each in images if kind(each) == "Image"])
    if image is None:
        raise data_error(
            name,
            "columns",
            ", ".join(schema.names) or "none",
            "one column of pictures (struct of bytes and path), named " + " or ".join(IMAGE_COLUMNS[:2]),
            "cast it with datasets.Image(), or rename it",
        )
    numbers = [column.name for column in schema if pa.types.is_integer(column.type)]
    typed = [each for each in numbers if kind(each) == "ClassLabel"]
    label = _preferred(typed or [each for each in numbers if each in LABEL_COLUMNS], LABEL_COLUMNS, typed)
    if label is None and len(typed) > 1:
        raise data_error(
            name, "columns", ", ".join(typed), "one column of labels", f"rename the right one to {LABEL_COLUMNS[0]}"
        )
    known = features[label].get("names") if label is not None and kind(label) == "ClassLabel" else None
    names = tuple(known) if isinstance(known, list) and all(isinstance(each, str) for each in known) else None
    identity = next((each for each in ID_COLUMNS if each in schema.names), None)
    if identity is not None:
        kept = schema.field(identity).type
        if not (pa.types.is_string(kept) or pa.types.is_large_string(kept) or pa.types.is_integer(kept)):
            identity = None
    said = f"pictures from column {image!r}, " + (f"labels from {label!r}" if label else "no labels")
    return _Columns(image, label, identity, names, (said,))


def _preferred(columns: Sequence[str], names: Sequence[str], typed: Sequence[str]) -> str | None:
    """The only one, else the only one of the right type, else the first by name."""
    for choice in (columns, typed):
        if len(choice) == 1:
            return choice[0]
    return next((each for each in names if each in columns), None)


def _of_arrow(files: Sequence[Path], name: str, half: str, features: dict[str, Any] | None = None) -> Pictures:
    """Arrow streams or files, mapped into memory: pages come and go with what is read."""
    import pyarrow as pa

    tables = []
    for file in files:
        try:
            tables.append(_mapped(file))
        except (pa.ArrowException, *BROKEN) as reason:
            raise _no_table(name, file, reason) from None
    if any(not table.schema.equals(tables[0].schema) for table in tables):
        raise data_error(name, "columns", "shards that differ", "the same columns in all files", "save it again")
    columns = _columns(tables[0].schema, features, name)
    wanted = [each for each in (columns.image, columns.label, columns.id) if each is not None]
    table = pa.concat_tables([each.select(wanted) for each in tables])
    try:
        table.validate(full=True)  # offsets that lie would be followed
    except (pa.ArrowException, *BROKEN) as reason:
        raise _no_table(name, files[0], reason) from None

    def read(start: int, stop: int) -> list[np.ndarray]:
        return _decoded_rows(table.column(columns.image).slice(start, stop - start), ids, start)

    labels, ids = _labels_and_ids(table, columns, half, name)
    return _finished(name, half, ids, labels, columns, read)


def _mapped(file: Path) -> pa.Table:
    import pyarrow as pa

    source = pa.memory_map(str(file))
    if source.read(6) == b"ARROW1":
        return pa.ipc.open_file(source).read_all()
    source.seek(0)
    return pa.ipc.open_stream(source).read_all()


class _Shards:
    """Parquet files, read a row group at a time; the last two are kept."""

    def __init__(self, files: Sequence[parquet.ParquetFile], image: str) -> None:
        self.files = files
        self.image = image
        self.groups = [(file, group) for file in files for group in range(file.num_row_groups)]
        sizes = [file.metadata.row_group(group).num_rows for file, group in self.groups]
        self.starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self._kept: dict[int, Any] = {}

    def rows(self, start: int, stop: int) -> list[Any]:
        """Columns of pictures, in parts."""
        first = int(np.searchsorted(self.starts, start, side="right")) - 1
        parts = []
        while start < stop:
            until = min(stop, int(self.starts[first + 1]))
            parts.append(self._group(first).slice(start - int(self.starts[first]), until - start))
            start, first = until, first + 1
        return parts

    def _group(self, index: int) -> Any:
        if index not in self._kept:
            while len(self._kept) > 1:
                del self._kept[next(iter(self._kept))]
            file, group = self.groups[index]
            table = file.read_row_group(group, columns=[self.image], use_threads=False)
            table.validate(full=True)
            self._kept[index] = table.column(0)
        return self._kept[index]


def _of_parquet(files: Sequence[Path], name: str, half: str) -> Pictures:
    import pyarrow as pa
    from pyarrow import parquet

    opened = []
    for file in files:
        try:
            opened.append(parquet.ParquetFile(file))
        except (pa.ArrowException, *BROKEN) as reason:
            raise _no_table(name, file, reason) from None
    schema = opened[0].schema_arrow
    if any(each.schema_arrow.names != schema.names for each in opened):
        raise data_error(name, "columns", "shards that differ", "the same columns in all files", "save it again")
    columns = _columns(schema, None, name)
    for file, each in zip(files, opened, strict=True):
        for group in range(each.num_row_groups):
            told_size = each.metadata.row_group(group).total_byte_size
            if told_size > MOST_BYTES_A_GROUP:
                raise data_error(
                    name,
                    file.name,
                    f"a row group of {told_size:,} bytes",
                    f"at most {MOST_BYTES_A_GROUP:,}",
                    "write it with smaller row groups",
                )
    small = [each for each in (columns.label, columns.id) if each is not None]
    try:
        table = pa.concat_tables([each.read(columns=small, use_threads=False) for each in opened])
        table.validate(full=True)
    except (pa.ArrowException, *BROKEN) as reason:
        raise _no_table(name, files[0], reason) from None
    shards = _Shards(opened, columns.image)
    count = int(shards.starts[-1])

    def read(start: int, stop: int) -> list[np.ndarray]:
        try:
            parts = shards.rows(start, stop)
        except (pa.ArrowException, *BROKEN) as reason:
            raise _no_table(name, files[0], reason) from None
        pictures: list[np.ndarray] = []
        for part in parts:
            pictures += _decoded_rows(part, ids, start + len(pictures))
        return pictures

    labels, ids = _labels_and_ids(table if small else None, columns, half, name, count)
    return _finished(name, half, ids, labels, columns, read)


def _no_table(name: str, file: Path, reason: BaseException) -> DataError:
    if isinstance(reason, PermissionError):
        return data_error(name, file.name, "a file that may not be read", "a table", "change its permissions")
    first = str(reason).split("\n")[0]
    return data_error(name, file.name, f"no whole table ({first})", "Parquet or Arrow", "download or save it again")


def _labels_and_ids(
    table: pa.Table | None, columns: _Columns, half: str, name: str, count: int | None = None
) -> tuple[np.ndarray | None, Sequence[str]]:
    count = count if count is not None else (0 if table is None else table.num_rows)
    if not count:
        raise data_error(name, half, "no rows", "at least one", "take another half")
    labels = None
    if table is not None and columns.label is not None:
        column = table.column(columns.label)
        if column.null_count == count:
            labels = None
        elif column.null_count:
            raise data_error(
                name,
                columns.label,
                f"{column.null_count} rows without a label",
                "a label for all, or for none",
                "drop them",
            )
        else:
            labels = _labels(column.to_numpy(), count, name)
    ids: Sequence[str] = tuple(f"{half}-{row:06d}" for row in range(count))
    if table is not None and columns.id is not None:
        given = [str(each) for each in table.column(columns.id).to_pylist()]
        if len(set(given)) == count and all(map(can_be_told, given)):
            ids = given
    return labels, ids


def _finished(
    name: str, half: str, ids: Sequence[str], labels: np.ndarray | None, columns: _Columns, read: Read
) -> Pictures:
    notes = list(columns.notes)
    if columns.label is not None and labels is None:
        notes.append(f"the {half} half has no labels (all are -1 or empty)")
    if half not in HALVES:
        notes.append(f"the half is {half}")
    return Pictures(name, ids, labels, _checked_names(columns.names, labels, name), read, tuple(notes))


def _decoded_rows(column: Any, ids: Sequence[str], start: int) -> list[np.ndarray]:
    pictures = []
    for offset, value in enumerate(column):
        held = value.as_py()
        where = ids[start + offset]
        content = held.get("bytes") if isinstance(held, dict) else held
        if not isinstance(content, bytes):
            path = held.get("path") if isinstance(held, dict) else None
            raise data_error(
                where,
                where,
                f"a picture that lies elsewhere ({Path(path).name})" if isinstance(path, str) else "no picture",
                "pictures inside the data set",
                "save it with save_to_disk, or to Parquet, from where the pictures are",
            )
        pictures.append(decoded(content, where))
    return pictures
