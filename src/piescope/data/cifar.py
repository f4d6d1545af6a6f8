"""CIFAR-10 and CIFAR-100 in every official layout: binary or Python files, loose or in their tarballs.

No file is believed: each has a published (or, for the binary files, measured) MD5, and the Python layout, which is a
pickle, is opened only after its hash fits and then with an unpickler that knows nothing but NumPy arrays.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from piescope.data.dataset import Dataset, Splits
from piescope.data.kept import keep, name_of
from piescope.problems import DataError

PIXELS = 3 * 32 * 32
OFFICIAL_ADDRESS = "https://www.cs.toronto.edu/~kriz/"


LARGEST_FILE = 2**28
"""Bytes of a file of either data set, tarballs too."""


@dataclass(frozen=True)
class Layout:
    """One official form of a data set.

    Attributes:
        folder: that the tarball unpacks to (torchvision's folder layout keeps that name under its root).
        archive: the tarball's name.
        archive_md5: its published MD5.
        train: files of the training half in order, with their MD5 (None: not known; then sizes and counts decide).
        test: likewise.
        parse: the bytes of a file to images ``[n, 3, 32, 32]`` and labels ``[n]``.
    """

    folder: str
    archive: str
    archive_md5: str
    train: Mapping[str, str | None]
    test: Mapping[str, str | None]
    parse: Callable[[str, bytes], tuple[np.ndarray, np.ndarray]]

    @property
    def files(self) -> dict[str, str | None]:
        """All files and their MD5."""
        return {**self.train, **self.test}


@dataclass(frozen=True)
class Cifar:
    """A member of the family.

    Attributes:
        name: as studies write it.
        class_names: in the order of the labels.
        train_examples: images to learn from.
        test_examples: images to test on.
        layouts: its official forms, the one to prefer first.
    """

    name: str
    class_names: tuple[str, ...]
    train_examples: int
    test_examples: int
    layouts: tuple[Layout, ...]


def load_cifar(cifar: Cifar, places: list[Path]) -> Splits:
    """Reads the data set from the first of these places that holds any of it.

    Args:
        cifar: which one.
        places: folders (with the files, with the official folder, or with a tarball) or tarballs.

    Raises:
        DataError: nothing there, or a file that is missing, truncated, damaged or another one; names it.
    """
    for place in places:
        for layout in cifar.layouts:
            contents = _read_any(layout, place, cifar.name)
            if contents is not None:
                return _splits(cifar, layout, *contents)
    expected = " or ".join(f"{layout.folder}/ or {layout.archive}" for layout in cifar.layouts)
    cure = "give --data-dir DIR, the folder that holds them (a tarball needs its official name), or set PIESCOPE_DATA"
    raise DataError.of(cifar.name, ", ".join(map(str, places)) or "the data set", "none of its files", expected, cure)


def _read_any(layout: Layout, place: Path, name: str) -> tuple[str, dict[str, bytes]] | None:
    """Where the files lie and what they hold; None if this place has none of them."""
    folders = [place / layout.folder, place]
    for folder in folders:
        present = [file for file in layout.files if (folder / file).is_file()]
        # "train" and "test" are CIFAR-100's files but also everybody's folders: a folder is no file
        if present:
            _check_complete(layout, folder, present, name)
            for file in layout.files:
                _check_size(folder / file, layout, name)
            return str(folder), {file: (folder / file).read_bytes() for file in layout.files}
    archive = place if place.name == layout.archive and place.is_file() else place / layout.archive
    if not archive.is_file():
        return None
    _check_size(archive, layout, name)
    with archive.open("rb") as opened:
        md5 = hashlib.file_digest(opened, "md5").hexdigest()
    if md5 != layout.archive_md5:
        found = f"MD5 {md5}, {archive.stat().st_size:,} bytes"
        cure = f"delete it and fetch it again: {OFFICIAL_ADDRESS}{layout.archive}"
        raise DataError.of(name, str(archive), found, f"MD5 {layout.archive_md5}, as published", cure)
    return str(archive), _members(layout, archive, name)


def _check_size(file: Path, layout: Layout, name: str) -> None:
    """Refuses what would take minutes to hash, or all memory to hold."""
    size = file.stat().st_size
    if size > LARGEST_FILE:
        cure = f"unpack or fetch it again: {OFFICIAL_ADDRESS}{layout.archive}"
        raise DataError.of(
            name, str(file), f"{size:,} bytes", f"at most {LARGEST_FILE:,}: the largest has 171 million", cure
        )


def _check_complete(layout: Layout, place: Path, present: list[str], name: str) -> None:
    missing = [file for file in layout.files if file not in present]
    if missing:
        found = f"{', '.join(present) or 'nothing'}, but no {', '.join(missing)}"
        cure = f"unpack or fetch it again: {OFFICIAL_ADDRESS}{layout.archive}"
        raise DataError.of(name, str(place), found, f"all {len(layout.files)} files of {layout.folder}", cure)


def _members(layout: Layout, archive: Path, name: str) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    with tarfile.open(archive, "r:gz") as opened:
        for member in opened:
            file = member.name.removeprefix("./").removeprefix(f"{layout.folder}/")
            if file in layout.files and member.isfile():
                extracted = opened.extractfile(member)
                assert extracted is not None, "it is a file"
                contents[file] = extracted.read()
    _check_complete(layout, archive, list(contents), name)
    return {file: contents[file] for file in layout.files}


def _splits(cifar: Cifar, layout: Layout, where: str, contents: dict[str, bytes]) -> Splits:
    hashes = _check_hashes(cifar, layout, where, contents)
    halves = {}
    sizes = {"train": (layout.train, cifar.train_examples), "test": (layout.test, cifar.test_examples)}
    for half, (files, size) in sizes.items():
        try:
            parsed = [layout.parse(file, contents[file]) for file in files]
        except (ValueError, KeyError) as reason:
            raise _damaged(cifar, layout, where, f"{half}: {reason}") from reason
        labels = np.concatenate([labels for _, labels in parsed]).astype(np.int64)
        counts = np.bincount(labels, minlength=len(cifar.class_names)) if labels.min(initial=0) >= 0 else None
        if len(labels) != size or counts is None or set(counts) != {size // len(cifar.class_names)}:
            raise _damaged(cifar, layout, where, f"{half}: {len(labels)} images, or classes of unequal size")
        ids = tuple(f"{cifar.name}-{half}-{index:05d}" for index in range(size))
        name = name_of([hashes[file] for file in files])
        images = keep(name, (size, 3, 32, 32), lambda parsed=parsed: (images for images, _ in parsed))  # type: ignore[misc]
        assert images is not None, "they were counted"
        halves[half] = Dataset(images, labels, ids, cifar.class_names)
    return Splits(train=halves["train"], test=halves["test"])


def _damaged(cifar: Cifar, layout: Layout, where: str, found: str) -> DataError:
    examples = f"{cifar.train_examples:,} training and {cifar.test_examples:,} test images"
    expected = f"{examples} of {len(cifar.class_names)} classes"
    return DataError.of(cifar.name, where, found, expected, f"unpack {layout.archive} again")


def _check_hashes(cifar: Cifar, layout: Layout, where: str, contents: dict[str, bytes]) -> dict[str, str]:
    """The MD5 of each file, as published where one was."""
    with ThreadPoolExecutor() as pool:  # hashing lets other threads run
        digests = pool.map(lambda content: hashlib.md5(content).hexdigest(), contents.values())
        hashes = dict(zip(contents, digests, strict=True))
    error = DataError(cifar.name)
    owners = {md5: file for file, md5 in layout.files.items() if md5 is not None}
    sizes = {len(content) for file, content in contents.items() if hashes[file] == layout.files[file]}
    for file, md5 in hashes.items():
        expected, size = layout.files[file], len(contents[file])
        if expected is None or md5 == expected:
            continue
        found = f"MD5 {md5}, {size:,} bytes"
        if md5 in owners:
            found += f": that is {owners[md5]}"
        elif size < min(sizes, default=1):
            found += ": it is cut short" if size else ": it is empty"
        error.add(f"{where}: {file}", found, f"MD5 {expected}", f"unpack {layout.archive} again")
    error.raise_if_any()
    return hashes


def _binary(label_bytes: int) -> Callable[[str, bytes], tuple[np.ndarray, np.ndarray]]:
    """Records of so many label bytes, the last of them the class, then 3,072 pixels: red, green, blue, row by row."""

    def parse(file: str, content: bytes) -> tuple[np.ndarray, np.ndarray]:
        length = label_bytes + PIXELS
        if len(content) == 0 or len(content) % length:
            raise ValueError(f"{file} has {len(content):,} bytes, no multiple of {length:,}")
        records = np.frombuffer(content, dtype=np.uint8).reshape(-1, length)
        return records[:, label_bytes:].reshape(-1, 3, 32, 32), records[:, label_bytes - 1]

    return parse


class _ArraysOnly(pickle.Unpickler):
    """Knows NumPy's arrays and nothing else: a pickle that asks for more is refused, not run."""

    ALLOWED: ClassVar = {
        ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
        ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        # how Python 3 writes bytes in old protocols
        ("_codecs", "encode"): lambda text, encoding: text.encode("latin1") if encoding == "latin1" else None,
    }

    def find_class(self, module: str, name: str) -> Any:
        """The few constructors that a CIFAR file needs.

        Raises:
            pickle.UnpicklingError: anything else.
        """
        if (module, name) in self.ALLOWED:
            return self.ALLOWED[module, name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which a CIFAR file has no use for: nothing was run")


def _python(label_key: str) -> Callable[[str, bytes], tuple[np.ndarray, np.ndarray]]:
    def parse(file: str, content: bytes) -> tuple[np.ndarray, np.ndarray]:
        try:
            batch = _ArraysOnly(io.BytesIO(content), encoding="latin1").load()
        except Exception as reason:  # a broken pickle may raise anything
            raise ValueError(f"{file} cannot be read: {reason}") from reason
        if not isinstance(batch, dict) or not isinstance(batch.get("data"), np.ndarray):
            raise ValueError(f"{file} holds no dictionary with an array 'data'")
        data = batch["data"]
        if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != PIXELS:
            raise ValueError(f"{file} holds {data.dtype} {list(data.shape)}, not uint8 [n, {PIXELS}]")
        labels = batch[label_key]
        if not isinstance(labels, list) or len(labels) != len(data) or not all(isinstance(x, int) for x in labels):
            raise ValueError(f"{file} holds no list of {len(data)} whole numbers {label_key!r}")
        return data.reshape(-1, 3, 32, 32), np.array(labels, dtype=np.int64)

    return parse


CIFAR100_CLASSES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup
dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower
leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid
otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray
road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
wardrobe whale willow_tree wolf woman worm
"""

CIFAR10 = Cifar(
    name="cifar10",
    class_names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    train_examples=50_000,
    test_examples=10_000,
    layouts=(
        Layout(
            folder="cifar-10-batches-bin",
            archive="cifar-10-binary.tar.gz",
            archive_md5="c32a1d4ab5d03f1284b67883e8d87530",
            train={
                "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
                "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
                "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
                "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
                "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
            },
            test={"test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d"},
            parse=_binary(1),
        ),
        Layout(
            folder="cifar-10-batches-py",
            archive="cifar-10-python.tar.gz",
            archive_md5="c58f30108f718f92721af3b95e74349a",
            train={
                "data_batch_1": "c99cafc152244af753f735de768cd75f",
                "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
                "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
                "data_batch_4": "634d18415352ddfa80567beed471001a",
                "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
            },
            test={"test_batch": "40351d587109b95175f43aff81a1287e"},
            parse=_python("labels"),
        ),
    ),
)

CIFAR100 = Cifar(
    name="cifar100",
    class_names=tuple(CIFAR100_CLASSES.split()),
    train_examples=50_000,
    test_examples=10_000,
    layouts=(
        Layout(
            folder="cifar-100-binary",
            archive="cifar-100-binary.tar.gz",
            archive_md5="03b5dce01913d631647c71ecec9e9cb8",
            train={"train.bin": None},  # no hash of the loose files is published: sizes and class counts decide
            test={"test.bin": None},
            parse=_binary(2),
        ),
        Layout(
            folder="cifar-100-python",
            archive="cifar-100-python.tar.gz",
            archive_md5="eb9058c3a382ffc7106e4002c42a8d85",
            train={"train": "16019d7e3df5f24257cddd939b257f8d"},
            test={"test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
            parse=_python("fine_labels"),
        ),
    ),
)
