"""Pictures in folders of classes: one walk for studies and audits.

Where they differ: a study has classes, and whatever else lies among their folders is refused, as it may be a class that
is missing; an audit also takes pictures without classes, and passes over a readme or a table beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import compress
from pathlib import Path
from typing import TypeVar

import numpy as np

from piescope.data.checks import SHOWN
from piescope.data.halves import HALVES, Half, called
from piescope.data.pictures import Pictures
from piescope.data.readers.decoding import decoded, has_orientation, opened
from piescope.problems import DataError
from piescope.wording import LONGEST_PART, counted, printable

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm")

ClassedPaths = list[tuple[str, Path]]
"""Pictures with the names of their classes; ``""``: without."""

_Seen = TypeVar("_Seen")


TURNED = "turned"
"""What is noted of a picture with an EXIF orientation."""


def pictures_of_folder(root: Path, name: str, half: Half) -> Pictures:
    """``ROOT/CLASS/*``, ``ROOT/test/CLASS/*``, or ``ROOT/*`` without classes; ids are paths below ``ROOT``.

    Args:
        root: the folder.
        name: of the data set, for people.
        half: which one, where there are several.

    Raises:
        DataError: no such half, files that are no pictures, or headers that are damaged; names the files.
    """
    base, notes = _base(root, name, half)
    error = DataError(name)
    listed = list_pictures(root, base, error)
    error.raise_if_any()
    modes = list(each_or_faults((path for _, path in listed), partial(_noted_modes, root), error, name))
    error.raise_if_any()
    for kind in ("CMYK", "16-bit"):
        count = sum(kind in noted for noted in modes)
        notes += [f"{count:,} {kind} pictures are converted to 8-bit RGB"] if count else []
    turned = sum(TURNED in noted for noted in modes)
    if turned:
        left = "they are as their pixels lie, as torchvision's ImageFolder has them"
        notes.append(f"{counted(turned, 'picture')} with an EXIF orientation: {left}")
    classes = tuple(sorted({label for label, _ in listed if label}))
    place = {label: index for index, label in enumerate(classes)}
    labels = np.array([place[label] for label, _ in listed], np.int64) if classes else None
    paths = [path for _, path in listed]
    ids = tuple(path.relative_to(root).as_posix() for path in paths)
    return Pictures(name, ids, labels, classes or None, partial(_of_paths, root, paths), tuple(notes))


def list_pictures(root: Path, base: Path, error: DataError, only_classes: bool = False) -> ClassedPaths:
    """The pictures of a folder with their classes, in the order of their names; opens none.

    Args:
        root: below which messages name files.
        base: holds folders of classes, or pictures.
        error: gets what is wrong.
        only_classes: as a study: each entry of the folder is a class.
    """
    classes = _classes(root, base, error, only_classes)
    listed: ClassedPaths = []
    wrong: list[Path] = []
    for place in classes or ([] if only_classes else [base]):
        usable, bad = _usable(place, is_class=bool(classes))
        if classes and not usable and not bad:
            error.add(_below(root, place), "no pictures", "at least one", "add some, or remove the class")
        listed += [(place.name if classes else "", file) for file in usable]
        wrong += bad
    _add_no_pictures(error, root, wrong)
    if not only_classes:
        _check_any(error, listed, bool(classes))
    return listed


def each_or_faults(
    paths: Iterable[Path], look: Callable[[Path], _Seen], error: DataError, name: str
) -> Iterator[_Seen]:
    """What is seen in each picture; the faults of the first few go to the error, the rest are counted."""
    more = 0
    for path in paths:
        try:
            yield look(path)
        except DataError as fault:
            if len(error.problems) < SHOWN:
                error.problems += fault.problems
            else:
                more += 1
    if more:
        error.add(name, f"{more} more pictures with faults", "pictures that can be read", "convert them likewise")


def _base(root: Path, name: str, half: Half) -> tuple[Path, list[str]]:
    """The folder of a half, and what is to be said of it."""
    folders = {entry.name.lower(): entry for entry in sorted(root.iterdir()) if entry.is_dir()}
    halves = [name for name in called(half) if name in folders]
    if halves and (len(folders) > 1 or any(entry.is_dir() for entry in folders[halves[0]].iterdir())):
        base = folders[halves[0]]
        return base, [] if halves[0] in HALVES else [f"the half is {name}/{base.name}"]
    if half == "train":
        raise DataError.of(name, "train", "no such folder", f"{name}/train", "leave train: away")
    return root, []


def _classes(root: Path, base: Path, error: DataError, only_classes: bool) -> list[Path]:
    """The folders of classes, in the order of their names; what lies among them and should not is a fault."""
    entries = [entry for entry in sorted(base.iterdir()) if not entry.name.startswith(".")]
    folders = {entry for entry in entries if entry.is_dir()}
    if not only_classes and folders and any(_is_picture(entry) for entry in entries if entry not in folders):
        found, expected = "pictures beside the folders of classes", "all in folders of classes, or all without"
        error.add(base.name, found, expected, "move them")
    classes = []
    for entry in entries:
        if entry in folders and entry.name.isprintable():
            classes.append(entry)
        elif only_classes or entry in folders:
            expected = "one folder per class, its name in printable UTF-8"
            found = "no folder, or a name that cannot be printed"
            error.add(_below(root, entry), found, expected, "move or rename it")
    return classes


def _below(root: Path, place: Path) -> str:
    """A file or folder as messages name it."""
    return printable(place.relative_to(root).as_posix(), LONGEST_PART)


def _usable(place: Path, is_class: bool) -> tuple[list[Path], list[Path]]:
    """The pictures of a folder, and what is none; without classes a readme or a table may lie beside pictures."""
    inside = [entry for entry in sorted(place.iterdir()) if not entry.name.startswith(".")]
    named = [entry for entry in inside if is_class or entry.suffix.lower() in SUFFIXES]
    fits = [_is_picture(entry) for entry in named]
    return list(compress(named, fits)), [entry for entry, fit in zip(named, fits, strict=True) if not fit]


def _is_picture(file: Path) -> bool:
    """Whether a file can be a picture, by its name."""
    return file.suffix.lower() in SUFFIXES and file.name.isprintable() and file.is_file()


def _add_no_pictures(error: DataError, root: Path, wrong: Sequence[Path]) -> None:
    found, expected = "no picture that is read here", f"files ending in {', '.join(SUFFIXES)}, with printable names"
    for file in wrong[:SHOWN]:
        cure = "convert it (SVG, GIF, TIFF: to PNG), rename it, or move it away"
        error.add(_below(root, file), found, expected, cure)
    if len(wrong) > SHOWN:
        error.add(error.source, f"{len(wrong) - SHOWN} more such files", "pictures", "likewise")


def _check_any(error: DataError, listed: ClassedPaths, has_classes: bool) -> None:
    """An audit looks at some pictures, of at least two classes where there are classes."""
    if not listed and not error:
        expected = "CLASS/*.png, test/CLASS/*.png, or *.png; .npz; or a Hugging Face data set"
        error.add(error.source, "no pictures", expected, "check the folder")
    names = {name for name, _ in listed}
    if len(names) == 1 and has_classes:
        found = f"one class: {printable(names.pop(), LONGEST_PART)}"
        error.add(error.source, found, "at least two, or pictures without", "add the others")


def _noted_modes(root: Path, path: Path) -> set[str]:
    """What is to be said of how a picture is converted, by its header."""
    with opened(path, _below(root, path)) as picture:
        is_deep = any("16" in str(tile[3]) for tile in getattr(picture, "tile", ()))
        told = {"CMYK": picture.mode == "CMYK", "16-bit": is_deep, TURNED: has_orientation(picture)}
        return {kind for kind, holds in told.items() if holds}


def _of_paths(root: Path, paths: Sequence[Path], start: int, stop: int) -> list[np.ndarray]:
    return [decoded(path, path.relative_to(root).as_posix()) for path in paths[start:stop]]
