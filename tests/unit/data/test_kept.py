"""Images that are decoded once and mapped by all workers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import run_python
from piescope.data import kept, own_data
from piescope.data.dataset import Splits
from piescope.data.own_data import load_arrays, load_image_folder
from piescope.data.readers import numpy_files
from piescope.problems import DataError

SHAPE = (3, 6, 5)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where images are kept, however few they are."""
    for module in (kept, numpy_files):
        monkeypatch.setattr(module, "SMALL", 0)
    monkeypatch.setenv("PIESCOPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "images"


def write(root: Path, form: str) -> Path:
    """Two halves of four images."""
    random = np.random.default_rng(0)
    root.mkdir(exist_ok=True)
    for half in ("train", "test"):
        images, labels = random.integers(0, 256, (4, *SHAPE), np.uint8), np.array([0, 0, 1, 1])
        if form == "folder":
            for row, image in enumerate(images):
                file = root / half / "ab"[labels[row]] / f"{row}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image.transpose(1, 2, 0)).save(file)
        elif form == "npz":
            np.savez_compressed(root / f"{half}.npz", images=images, labels=labels)
        else:
            channels_last = np.asfortranarray(images.transpose(0, 2, 3, 1)) if form == "channels last" else images
            np.save(root / f"{half}_images.npy", channels_last)
            np.save(root / f"{half}_labels.npy", labels)
    return root


def load(root: Path) -> Splits:
    return (load_image_folder if (root / "train").is_dir() else load_arrays)(root, SHAPE)


FORMS = ("folder", "npz", "npy", "channels last")


@pytest.mark.parametrize("form", FORMS)
def test_kept_images_are_the_same_and_are_made_once(
    tmp_path: Path, form: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(tmp_path / "data", form)
    monkeypatch.setattr(kept, "SMALL", 1 << 20)
    in_memory = load(root)
    assert not isinstance(in_memory.train.images, np.memmap) and not cache.exists()
    monkeypatch.setattr(kept, "SMALL", 0)
    made, again = load(root), load(root)
    assert made.fingerprint() == again.fingerprint() == in_memory.fingerprint()
    assert len(list(cache.iterdir())) == 2
    for splits in (made, again):
        assert isinstance(splits.train.images, np.memmap) and splits.train.images.flags.c_contiguous
        assert Path(str(splits.train.images.filename)).parent == cache


def test_pictures_that_are_kept_are_not_decoded(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "data", "folder")
    before = load(root).fingerprint()
    decoded: list[Path] = []
    picture = own_data._picture

    def seen(root: Path, image_shape: tuple[int, int, int], path: Path) -> np.ndarray:
        decoded.append(path)
        return picture(root, image_shape, path)

    monkeypatch.setattr(own_data, "_picture", seen)
    assert load(root).fingerprint() == before and not decoded
    Image.new("RGB", (5, 6)).save(root / "test" / "b" / "3.png")
    assert load(root).fingerprint() != before and len(decoded) == 4  # of this half alone


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[7] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, flip, lambda file: file.write_bytes(b"")])
def test_what_is_damaged_is_made_again(tmp_path: Path, cache: Path, damage: Callable[[Path], None]) -> None:
    root = write(tmp_path / "data", "npz")
    before = load(root).fingerprint()
    for file in cache.iterdir():
        damage(file)
    assert load(root).fingerprint() == before
    assert all(len(file.read_bytes()) == 4 * 90 + 32 for file in cache.iterdir())


def test_without_a_cache_images_are_held_in_memory(tmp_path: Path, cache: Path) -> None:
    root = write(tmp_path / "data", "npy")
    cache.parent.write_text("no folder")
    assert not isinstance(load(root).train.images, np.memmap)


def test_faults_of_both_halves_are_told_and_nothing_is_kept(tmp_path: Path, cache: Path) -> None:
    root = write(tmp_path / "data", "folder")
    for half in ("train", "test"):
        (root / half / "b" / "3.png").write_bytes(b"no picture")
    with pytest.raises(DataError) as caught:
        load(root)
    assert "train/b/3.png" in str(caught.value) and "test/b/3.png" in str(caught.value)
    assert list(cache.iterdir()) == []


def test_what_a_killed_process_left_goes_after_a_day(tmp_path: Path, cache: Path) -> None:
    cache.mkdir(parents=True)
    old, young = cache / ".tmp-old", cache / ".tmp-young"
    for file in (old, young):
        file.write_bytes(b"1")
    os.utime(old, (1e9, 1e9))
    load(write(tmp_path / "data", "npy"))
    assert young.exists() and not old.exists()


def test_fewer_images_than_were_promised(cache: Path) -> None:
    assert kept.keep("0" * 32, (2, 1, 1, 1), lambda: [np.zeros(1, np.uint8)]) is None


@pytest.mark.sampled(3)
@pytest.mark.skipif(sys.platform != "linux", reason="a limit of a process's own memory")
def test_memory_does_not_grow_with_the_images(tmp_path: Path) -> None:
    """150 MB of images, made, mapped, looked through and learnt from by a process that may take 80 MB more."""
    for half, count in (("train", 48_000), ("test", 100)):
        images = np.lib.format.open_memmap(tmp_path / f"{half}_images.npy", "w+", np.uint8, (count, 3, 32, 32))
        images[:] = np.arange(count, dtype=np.uint8)[:, None, None, None]
        np.save(tmp_path / f"{half}_labels.npy", np.arange(count) % 10)
    code = (
        "import resource\n"
        "from pathlib import Path\n"
        "import torch\n"
        "from piescope.data.batches import as_tensor\n"
        "from piescope.data.own_data import load_arrays\n"
        "held = int(Path('/proc/self/status').read_text().split('VmData:')[1].split()[0]) << 10\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (held + (80 << 20),) * 2)\n"
        "splits = load_arrays(Path('.'), (3, 32, 32))\n"
        "seen = int(as_tensor(splits.train.images)[torch.arange(0, 48_000, 100)].sum())\n"
        "print(type(splits.train.images).__name__, splits.fingerprint(), splits.duplicates(), seen)\n"
    )
    told = []
    for _ in range(2):
        done = run_python(code, cwd=tmp_path, env={**os.environ, "PIESCOPE_CACHE": str(tmp_path / "cache")})
        assert done.returncode == 0 and not done.stderr, done.stderr
        told.append(done.stdout.split())
    assert told[0] == told[1] and told[0][0] == "memmap" and told[0][2] == "100"
