"""From a text that names pictures to the pictures: which reader has what lies there?

Read are: the data sets that piescope knows (``digits``, ``cifar10``, ``cifar100``); a folder of pictures by class
(``DIR/CLASS/*.png``, or with ``test`` above the classes) or without classes; NumPy files (``images``, ``labels``,
``class_names``, ``ids``); a data set of Hugging Face on disk (``save_to_disk``, or Parquet), through pyarrow alone.
"""

from __future__ import annotations

from pathlib import Path

from piescope.data.halves import Half
from piescope.data.pictures import Pictures
from piescope.data.readers import arrow, folder, numpy_files
from piescope.data.sources import SOURCES, load_source
from piescope.problems import DataError


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
    where = text.removeprefix("train:")
    half: Half = "test" if where == text else "train"
    source = SOURCES.get(where)
    if source is not None and source.facts is not None:
        splits = load_source(where, data_dir)
        name = where if half == "test" else f"{where} (train)"
        return Pictures.of(splits.train if half == "train" else splits.test, name)
    if source is not None:
        if data_dir is None:
            raise DataError.of(text, "--data", where, "a folder", "name the folder itself: --data DIR")
        where = str(data_dir)
    path = place_of(where, data_dir)
    if path is None:
        known = [name for name, source in SOURCES.items() if source.facts is not None]
        raise DataError.of_unknown(text, "--data", "data set or folder", where, known)
    if path.is_dir():
        return _of_folder(path, half)
    if not path.is_file():
        raise DataError.of(text, path.name, "no folder and no file", "pictures", "check the path")
    if path.suffix.lower() == ".npz":
        return numpy_files.pictures_of_npz(path, path.stem)
    if path.suffix.lower() == ".parquet":
        return arrow.pictures_of_parquet([path], path.name, half)
    if path.suffix.lower() == ".arrow":
        return arrow.pictures_of_arrow([path], path.name, half)
    found, expected = "a file of another kind", "a folder of pictures, .npz, .parquet or .arrow"
    raise DataError.of(text, path.name, found, expected, "put the pictures into a folder, one folder per class")


def place_of(text: str, data_dir: Path | None = None) -> Path | None:
    """The folder or file that a text names, as it is or within ``data_dir``; None: a known data set, or nothing there.

    Example:
        >>> place_of("digits") is None
        True
    """
    where = Path(text.removeprefix("train:")).expanduser()
    if (source := SOURCES.get(str(where))) is not None:
        return data_dir if source.facts is None else None
    places = [where] if data_dir is None else [where, data_dir / where]
    return next((place for place in places if place.exists()), None)


def _of_folder(root: Path, half: Half) -> Pictures:
    name = root.name or "data"
    if arrow.is_saved(root):
        return arrow.pictures_of_saved(root, name, half)
    for suffix, reader in (("parquet", arrow.pictures_of_parquet), ("arrow", arrow.pictures_of_arrow)):
        files = sorted(file for file in root.rglob(f"*.{suffix}") if file.is_file())
        if files:
            chosen, which = arrow.files_of_half(files, root, half)
            return reader(chosen, name, which)
    if numpy_files.holds_half(root, half):
        return numpy_files.pictures_of_half(root, half, f"{name}/{half}")
    if any(root.glob("data_batch_*")) or any(root.glob("cifar-10*")):
        raise DataError.of(name, name, "CIFAR's own files", "pictures", "give --data cifar10 --data-dir DIR")
    return folder.pictures_of_folder(root, name, half)
