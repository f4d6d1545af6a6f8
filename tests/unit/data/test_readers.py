"""Studies and audits read a user's own files in one way, but for what the documents say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import at_most
from piescope.data.dataset import Splits
from piescope.data.opening import open_pictures
from piescope.data.own_data import facts_of_arrays, load_arrays, load_image_folder
from piescope.data.readers.folder import list_pictures
from piescope.problems import DataError

RNG = np.random.default_rng(0)
SHAPE = (3, 6, 5)


def write_folder(root: Path) -> Path:
    for half in ("train", "test"):
        for name in ("cat", "dog", "eel"):
            place = root / half / name
            place.mkdir(parents=True)
            for index in range(2):
                Image.fromarray(RNG.integers(0, 256, (6, 5, 3), np.uint8)).save(place / f"{index}.png")
            Image.fromarray(RNG.integers(0, 256, (6, 5), np.uint8)).save(place / "grey.bmp")
    return root


def write_arrays(root: Path, **changes: object) -> Path:
    for half in ("train", "test"):
        arrays: dict[str, object] = {
            "images": RNG.integers(0, 256, (4, *SHAPE), dtype=np.uint8),
            "labels": np.array([0, 1, 2, 1]),
            "class_names": np.array(["a", "b", "c"]),
            "ids": np.array([f"{half}{row}" for row in range(4)]),
            **(changes if half == "test" else {}),
        }
        np.savez(root / f"{half}.npz", **{key: value for key, value in arrays.items() if value is not None})
    return root


def study_faults(load: Callable[[Path, tuple[int, int, int]], Splits], root: Path) -> str:
    with pytest.raises(DataError) as caught:
        load(root, SHAPE)
    return str(caught.value)


def audit_faults(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_pictures(str(root))
    return str(caught.value)


@pytest.mark.parametrize(("write", "load"), [(write_folder, load_image_folder), (write_arrays, load_arrays)])
def test_the_same_files_are_the_same_pictures(
    tmp_path: Path, write: Callable[[Path], Path], load: Callable[[Path, tuple[int, int, int]], Splits]
) -> None:
    splits = load(write(tmp_path), SHAPE)
    for half, text in ((splits.test, str(tmp_path)), (splits.train, f"train:{tmp_path}")):
        pictures = open_pictures(text)
        assert tuple(pictures.ids) == half.ids and pictures.class_names == half.class_names
        assert pictures.labels is not None and pictures.labels.tolist() == half.labels.tolist()
        for seen, image in zip(pictures.batch(0, len(pictures)), half.images, strict=True):
            rgb = seen if seen.ndim == 3 else np.stack([seen] * 3, -1)
            assert np.array_equal(rgb.transpose(2, 0, 1), image)


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("x.png", b"", "0 bytes that are no whole picture"),
        ("x.png", b"no picture", "a picture: PNG, JPEG, BMP, WebP or PPM"),
        ("x.svg", b"<svg/>", "no picture that is read here"),
        ("a\nb.png", b"", r"a\nb.png"),
    ],
)
def test_what_is_wrong_in_a_folder_is_told_in_the_same_words(
    tmp_path: Path, name: str, content: bytes, word: str
) -> None:
    (write_folder(tmp_path) / "test" / "dog" / name).write_bytes(content)
    of_study, of_audit = study_faults(load_image_folder, tmp_path), audit_faults(tmp_path)
    assert word in of_study and word in of_audit
    assert [line for line in of_study.splitlines() if line.startswith(" ")] == [
        line for line in of_audit.splitlines() if line.startswith(" ")
    ]


def test_more_faults_than_are_shown_are_counted_over_all_classes(tmp_path: Path) -> None:
    write_folder(tmp_path)
    for name in ("cat", "dog"):
        for index in range(4):
            (tmp_path / "test" / name / f"{index}.txt").write_text("x")
    for told in (study_faults(load_image_folder, tmp_path), audit_faults(tmp_path)):
        assert told.count("no picture that is read here") == 5 and "3 more such files" in told


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": np.array([0, 1, 2, 3])}, ["a label of 3", "give a name for each class"]),
        ({"labels": np.array([0, 1, 2, -1])}, ["a class id of -1"]),
        ({"labels": np.zeros(3, int)}, ["4 images, 3 labels"]),
        ({"ids": np.array(["x", "x", "y", "z"])}, ["4 ids, 3 of them different"]),
        ({"class_names": np.array(["a", "b", "a"])}, ["a name twice"]),
        ({"images": None}, ["no images, but class_names, ids, labels"]),
        ({"labels": np.ones((4, 1)), "ids": np.ones(4)}, ["whole numbers [examples]", "printable text or numbers"]),
    ],
)
def test_what_is_wrong_in_arrays_is_told_in_the_same_words(
    tmp_path: Path, changes: dict[str, object], words: list[str]
) -> None:
    write_arrays(tmp_path, **changes)
    of_study, of_audit = study_faults(load_arrays, tmp_path), audit_faults(tmp_path)
    assert all(word in of_study and word in of_audit for word in words)


def test_a_class_whose_name_cannot_be_printed(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "test" / "cat").rename(tmp_path / "test" / "c\nat")
    for told in (study_faults(load_image_folder, tmp_path), audit_faults(tmp_path)):
        assert r"test/c\nat" in told and "a name that cannot be printed" in told


def test_many_pictures_are_listed_in_time(tmp_path: Path) -> None:
    """A look at each file, not at all files for each."""
    for index in range(6000):
        (tmp_path / f"{index}.png").touch()
    with at_most(0.9):  # it takes 0.1 s; a look at all files for each 2 s
        assert len(list_pictures(tmp_path, tmp_path, DataError("pictures"))) == 6000


def test_a_study_asks_for_more(tmp_path: Path) -> None:
    folder, arrays = write_folder(tmp_path / "folder"), write_arrays(tmp_path)
    (folder / "test" / "notes.txt").write_text("what these are")
    assert "notes.txt" in study_faults(load_image_folder, folder)
    assert len(open_pictures(str(folder))) == 9
    (folder / "test" / "notes.txt").unlink()
    Image.new("CMYK", (5, 6)).save(folder / "test" / "cat" / "print.jpg")
    assert "colour mode CMYK" in study_faults(load_image_folder, folder)
    assert any("1 CMYK" in note for note in open_pictures(str(folder)).notes)
    for labels in (None, np.full(4, -1)):
        write_arrays(arrays, labels=labels)
        assert "labels" in study_faults(load_arrays, arrays)
        assert open_pictures(str(arrays / "test.npz")).labels is None


def test_the_shape_that_is_found_is_the_shape_that_is_read(tmp_path: Path) -> None:
    for channels in (1, 2, 3, 4):
        last = RNG.integers(0, 256, (4, 6, 5, channels), dtype=np.uint8)
        for half in ("train", "test"):
            np.savez(tmp_path / f"{half}.npz", images=last, labels=np.array([0, 1, 0, 1]))
        shape = facts_of_arrays(tmp_path)[2]
        assert shape == (channels, 6, 5)
        made = load_arrays(tmp_path, shape).test.images
        assert made.flags.c_contiguous and np.array_equal(made, last.transpose(0, 3, 1, 2))
        seen = np.stack(open_pictures(str(tmp_path)).batch(0, 4))
        assert np.array_equal(seen, last[..., 0] if channels == 1 else last)
