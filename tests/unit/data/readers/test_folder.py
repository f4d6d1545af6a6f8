"""Folders of pictures, by class or without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from made_pictures import fault, picture, png
from piescope.data.opening import open_pictures


def test_a_folder_of_classes(folder: tuple[Path, dict[str, np.ndarray]]) -> None:
    root, held = folder
    pictures = open_pictures(str(root))
    assert tuple(pictures.ids) == tuple(held) and pictures.class_names == ("cat", "dog")
    assert pictures.labels is not None and pictures.labels.tolist() == [0, 0, 1]
    for made, expected in zip(pictures.batch(0, 3), held.values(), strict=True):
        assert made.dtype == np.uint8 and np.array_equal(made, expected)
    relative = open_pictures("photos", root.parent)
    assert tuple(relative.ids) == tuple(held)


def test_the_half_is_found_inside(folder: tuple[Path, dict[str, np.ndarray]], tmp_path: Path) -> None:
    root, held = folder
    for half in ("train", "val"):
        (tmp_path / "both" / half).parent.mkdir(exist_ok=True)
        (tmp_path / "both" / half).symlink_to(root)
    test, train = open_pictures(str(tmp_path / "both")), open_pictures(f"train:{tmp_path / 'both'}")
    assert test.ids[0] == "val/cat/a.png" and train.ids[0] == "train/cat/a.png"
    assert any("val" in note for note in test.notes) and len(test) == len(train) == len(held)
    assert "leave train: away" in fault(f"train:{root}")


def test_pictures_without_classes_have_no_labels(tmp_path: Path) -> None:
    for name in ("b.png", "a.png"):
        (tmp_path / name).write_bytes(png(picture()))
    (tmp_path / "readme.txt").write_text("what these are")
    pictures = open_pictures(str(tmp_path))
    assert tuple(pictures.ids) == ("a.png", "b.png") and pictures.labels is None and pictures.class_names is None


def test_pixels_are_decoded_only_when_asked(
    folder: tuple[Path, dict[str, np.ndarray]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, _ = folder
    loaded = []
    original = Image.Image.load
    from PIL import ImageFile

    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: (loaded.append(1), original(self))[1])
    pictures = open_pictures(str(root))
    assert not loaded
    monkeypatch.undo()
    assert len(pictures.batch(0, 1)) == 1
