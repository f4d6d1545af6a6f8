"""Data sets: every layout of CIFAR, the order of places, downloads, users' own folders and arrays, and what is refused."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import http.server
import io
import os
import pickle
import re
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from piescope.data import cifar, locate, sources
from piescope.data.cifar import CIFAR10, CIFAR100, Cifar, load_cifar
from piescope.data.own_data import load_arrays, load_image_folder
from piescope.data.sources import SOURCES, Facts, load_source
from piescope.problems import DataError

# the real data set


def test_the_real_cifar10_against_an_independent_reader(cifar10: Path) -> None:
    splits = load_source("cifar10", cifar10)
    assert Facts.of(splits) == SOURCES["cifar10"].facts
    assert np.bincount(splits.train.labels).tolist() == [5000] * 10
    assert np.bincount(splits.test.labels).tolist() == [1000] * 10
    folder = cifar10 / "cifar-10-batches-bin" if (cifar10 / "cifar-10-batches-bin").is_dir() else cifar10
    names = (folder / "batches.meta.txt").read_text().split()
    assert splits.train.class_names == tuple(names)
    for half, file, first in ((splits.train, "data_batch_3.bin", 20_000), (splits.test, "test_batch.bin", 0)):
        with (folder / file).open("rb") as opened:
            for record in (0, 4_321, 9_999):
                opened.seek(3073 * record)
                label, pixels = opened.read(1)[0], opened.read(3072)
                assert half.labels[first + record] == label
                red = half.images[first + record, 0]
                assert bytes(red[5].tolist()) == pixels[5 * 32 : 6 * 32]  # row by row
                assert half.images[first + record, 2, 31, 31] == pixels[-1]  # blue last
    assert splits.test.ids[7] == "cifar10-test-00007"
    assert splits.duplicates() == 0


def test_a_part_of_the_real_cifar10_made_small(cifar10: Path) -> None:
    small = load_source("cifar10", cifar10, train_examples=8000, image_size=16)
    assert (len(small.train), len(small.test), small.train.image_shape) == (8000, 10_000, (3, 16, 16))
    assert np.bincount(small.train.labels).tolist() == [800] * 10
    whole = load_source("cifar10", cifar10)
    row = whole.train.ids.index(small.train.ids[100])
    means = whole.train.images[row].reshape(3, 16, 2, 16, 2).astype(float).mean((2, 4))
    assert np.abs(small.train.images[100] - means).max() <= 1  # each pixel the mean of the four that it covers


@pytest.mark.parametrize("fault", ["flipped bit", "cut short", "empty", "swapped", "missing"])
def test_damaged_cifar_files_are_named(cifar10: Path, tmp_path: Path, fault: str) -> None:
    folder = cifar10 / "cifar-10-batches-bin" if (cifar10 / "cifar-10-batches-bin").is_dir() else cifar10
    mine = tmp_path / "cifar-10-batches-bin"
    mine.mkdir()
    for file in CIFAR10.layouts[0].files:
        (mine / file).symlink_to((folder / file).resolve())
    victim = mine / "data_batch_2.bin"
    content = bytearray(victim.read_bytes())
    victim.unlink()
    if fault == "flipped bit":
        content[1_000_000] ^= 1
        victim.write_bytes(content)
    elif fault == "cut short":
        victim.write_bytes(content[:-3073])
    elif fault == "empty":
        victim.write_bytes(b"")
    elif fault == "swapped":
        victim.symlink_to((folder / "data_batch_4.bin").resolve())
    with pytest.raises(DataError) as caught:
        load_source("cifar10", tmp_path)
    told = str(caught.value)
    assert "data_batch_2.bin" in told
    assert "data_batch_1.bin: " not in told  # the sound ones are not accused
    wanted = {
        "flipped bit": "5ea93a67294ea407fff1d09f752e9692", "cut short": "it is cut short", "empty": "it is empty",
        "swapped": "that is data_batch_4.bin", "missing": "no data_batch_2.bin",
    }  # fmt: skip
    assert wanted[fault] in told
    assert "cure" in told


# every layout, on a small member of the family


def small_cifar() -> tuple[Cifar, dict[str, dict[str, bytes]]]:
    """A CIFAR of 20 + 10 images in both layouts, with their files."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (30, 3072), dtype=np.uint8)
    labels = np.tile(np.arange(10), 3)
    parts = {"data_batch_1": slice(0, 10), "data_batch_2": slice(10, 20), "test_batch": slice(20, 30)}
    binary = {
        f"{name}.bin": np.concatenate([labels[part, None].astype(np.uint8), images[part]], axis=1).tobytes()
        for name, part in parts.items()
    }
    python = {
        name: pickle.dumps({"data": images[part], "labels": labels[part].tolist(), "filenames": ["x"]}, protocol=2)
        for name, part in parts.items()
    }
    contents = {"cifar-10-batches-bin": binary, "cifar-10-batches-py": python}
    layouts = []
    for layout in CIFAR10.layouts:
        md5 = {file: hashlib.md5(content).hexdigest() for file, content in contents[layout.folder].items()}
        train = {file: value for file, value in md5.items() if not file.startswith("test")}
        test = {file: value for file, value in md5.items() if file.startswith("test")}
        archive_md5 = hashlib.md5(packed(layout.folder, contents[layout.folder])).hexdigest()
        layouts.append(dataclasses.replace(layout, train=train, test=test, archive_md5=archive_md5))
    return dataclasses.replace(CIFAR10, train_examples=20, test_examples=10, layouts=tuple(layouts)), contents


def packed(folder: str, files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0)


@pytest.mark.parametrize("index", [0, 1], ids=["binary", "python"])
@pytest.mark.parametrize("form", ["files", "folder", "archive in a folder", "archive"])
def test_every_layout_gives_the_same_images(tmp_path: Path, index: int, form: str) -> None:
    family, contents = small_cifar()
    layout = family.layouts[index]
    files = contents[layout.folder]
    place = tmp_path
    if form.startswith("archive"):
        (tmp_path / layout.archive).write_bytes(packed(layout.folder, files))
        place = tmp_path if form == "archive in a folder" else tmp_path / layout.archive
    else:
        folder = tmp_path if form == "files" else tmp_path / layout.folder  # the latter is torchvision's
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    found = load_cifar(family, [place])
    random = np.random.default_rng(0)
    expected = random.integers(0, 256, (30, 3072), dtype=np.uint8).reshape(30, 3, 32, 32)
    assert np.array_equal(found.train.images, expected[:20])
    assert np.array_equal(found.test.images, expected[20:])
    assert found.train.labels.tolist() == [*range(10)] * 2


def test_cifar100_binary_takes_the_fine_label(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    folder = tmp_path / "cifar-100-binary"
    folder.mkdir()
    for name, count in (("train", 200), ("test", 100)):
        fine = np.arange(count) % 100
        records = np.concatenate(
            [(fine // 5)[:, None], fine[:, None], random.integers(0, 256, (count, 3072))], axis=1
        ).astype(np.uint8)
        (folder / f"{name}.bin").write_bytes(records.tobytes())
    family = dataclasses.replace(CIFAR100, train_examples=200, test_examples=100)
    found = load_cifar(family, [tmp_path])
    assert found.train.labels.tolist() == [*range(100)] * 2
    assert (len(CIFAR100.class_names), CIFAR100.class_names[0], CIFAR100.class_names[-1]) == (100, "apple", "worm")
    with pytest.raises(DataError, match="expected  50,000 training"):
        load_cifar(CIFAR100, [tmp_path])  # no hash of these files is published: their size gives them away


class Evil:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch " + str(Evil.mark),)

    mark = Path()


def test_an_evil_pickle_is_not_opened_and_would_not_run(tmp_path: Path) -> None:
    family, contents = small_cifar()
    layout = family.layouts[1]
    Evil.mark = tmp_path / "executed"
    evil = pickle.dumps({"data": Evil(), "labels": []}, protocol=2)
    for name, content in {**contents[layout.folder], "data_batch_2": evil}.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"data_batch_2[\s\S]*expected  MD5"):
        load_cifar(family, [tmp_path])
    # even with a hash that fits, nothing but arrays is known
    trusting = {**layout.train, "data_batch_2": hashlib.md5(evil).hexdigest()}
    fooled = dataclasses.replace(family, layouts=(dataclasses.replace(layout, train=trusting),))
    with pytest.raises(DataError, match=r"system, which a CIFAR file has no use for"):
        load_cifar(fooled, [tmp_path])
    assert not Evil.mark.exists()


def test_a_wrong_archive_is_refused_unopened(tmp_path: Path) -> None:
    family, _ = small_cifar()
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"<html>not found</html>")
    with pytest.raises(DataError, match="as published"):
        load_cifar(family, [tmp_path])


# where it lies, and fetching


@pytest.fixture
def no_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("PIESCOPE_DATA", raising=False)
    cache = tmp_path / "cache"
    monkeypatch.setenv("PIESCOPE_CACHE", str(cache))
    return cache


def test_the_order_of_places(no_places: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert locate.places(None) == [no_places]
    monkeypatch.setenv("PIESCOPE_DATA", str(tmp_path))
    assert locate.places(None) == [tmp_path, no_places]
    (tmp_path / "mine").mkdir()
    assert locate.places(tmp_path / "mine") == [tmp_path / "mine"]
    with pytest.raises(DataError, match="--data"):
        locate.places(tmp_path / "nowhere")
    monkeypatch.setenv("PIESCOPE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="PIESCOPE_DATA"):
        locate.places(None)


class Archive(http.server.BaseHTTPRequestHandler):
    content = b""
    cut_after: int | None = None
    asked: list[str]

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        type(self).asked.append(asked or "all")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        body = self.content[start:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.cut_after])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[type[Archive], str]]:
    handler = type("Handler", (Archive,), {"asked": []})
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield handler, f"http://127.0.0.1:{listening.server_address[1]}/"
    listening.shutdown()
    thread.join()


def test_a_download_that_is_cut_off_goes_on_where_it_stopped(
    no_places: Path, server: tuple[type[Archive], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    family, contents = small_cifar()
    layout = family.layouts[0]
    handler, address = server
    handler.content = packed(layout.folder, contents[layout.folder])
    handler.cut_after = 40_000
    monkeypatch.setattr(sources, "OFFICIAL_ADDRESS", address)
    with pytest.raises(DataError) as caught:
        sources.load_or_fetch(family, None, None)
    assert str(no_places / layout.archive) in str(caught.value)  # where to put it by hand
    kept = (no_places / f"{layout.archive}.partial").stat().st_size
    assert 40_000 - locate.CHUNK < kept <= 40_000
    handler.cut_after = None
    heard: list[tuple[int, int]] = []
    found = sources.load_or_fetch(family, None, lambda done, total: heard.append((done, total)))
    assert handler.asked == ["all", f"bytes={kept}-"]
    assert heard[-1] == (len(handler.content), len(handler.content))
    assert len(found.train) == 20
    assert not (no_places / f"{layout.archive}.partial").exists()
    sources.load_or_fetch(family, None, None)  # from the cache
    assert len(handler.asked) == 2


def test_what_comes_with_another_hash_is_thrown_away(
    no_places: Path, server: tuple[type[Archive], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    family, _ = small_cifar()
    handler, address = server
    handler.content = b"<html>please log in</html>"
    monkeypatch.setattr(sources, "OFFICIAL_ADDRESS", address)
    with pytest.raises(DataError, match="another hash"):
        sources.load_or_fetch(family, None, None)
    assert list(no_places.iterdir()) == []


def test_without_a_network_the_message_says_where_to_put_the_file(
    no_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "OFFICIAL_ADDRESS", "http://127.0.0.1:9/")
    with pytest.raises(DataError) as caught:
        load_source("cifar10")
    told = str(caught.value)
    assert str(no_places / "cifar-10-binary.tar.gz") in told
    assert "--data" in told


# users' own data


def write_folder(root: Path, size: int = 12, classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    random = np.random.default_rng(0)
    for half, count in (("train", 3), ("test", 2)):
        for name in classes:
            (root / half / name).mkdir(parents=True)
            for index in range(count):
                pixels = random.integers(0, 256, (size, size + 4, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / half / name / f"{index}.png")
    return root


def test_an_image_folder(tmp_path: Path) -> None:
    root = write_folder(tmp_path)
    found = load_image_folder(root, (3, 6, 6))
    assert Facts.of(found) == Facts(6, 4, (3, 6, 6), 2)
    assert found.train.class_names == ("cat", "dog")
    assert found.test.ids == ("test/cat/0.png", "test/cat/1.png", "test/dog/0.png", "test/dog/1.png")
    with Image.open(root / "train" / "cat" / "0.png") as picture:  # 12 x 16: scaled to 6 x 8, the middle 6 cut out
        expected = np.asarray(picture.resize((8, 6), Image.Resampling.BOX))[:, 1:7].transpose(2, 0, 1)
    assert np.array_equal(found.train.images[0], expected)
    assert load_image_folder(root, (1, 6, 6)).train.image_shape == (1, 6, 6)


def break_folder(root: Path, fault: str) -> None:
    victim = root / "train" / "cat" / "1.png"
    match fault:
        case "no train":
            shutil.rmtree(root / "train")
        case "empty class":
            for file in (root / "train" / "cat").iterdir():
                file.unlink()
        case "one class":
            shutil.rmtree(root / "train" / "dog")
            shutil.rmtree(root / "test" / "dog")
        case "other classes":
            (root / "test" / "dog").rename(root / "test" / "wolf")
        case "truncated":
            victim.write_bytes(victim.read_bytes()[:60])
        case "zero bytes":
            victim.write_bytes(b"")
        case "16-bit":
            Image.fromarray(np.zeros((12, 12), np.uint16)).save(victim)
        case "CMYK":
            Image.new("CMYK", (12, 12)).save(victim.with_suffix(".jpg"))
        case "SVG":
            victim.with_suffix(".svg").write_text("<svg onload='alert(1)'/>")
        case "bomb":
            Image.new("1", (20_000, 20_000)).save(victim)
        case "too small":
            Image.new("RGB", (3, 3)).save(victim)
        case "symlink loop":
            (root / "train" / "loop").symlink_to(root / "train" / "loop")
        case "newline":
            victim.rename(victim.with_name("a\nb.png"))
        case "non-UTF-8":
            victim.rename(os.fsdecode(os.fsencode(victim.parent) + b"/\xff.png"))
        case "a file among classes":
            (root / "train" / "notes.txt").write_text("x")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("no train", "no such folder"), ("empty class", "no pictures"), ("one class", "at least two"),
        ("other classes", "only in train: dog; only in test: wolf"), ("truncated", "no whole picture"),
        ("zero bytes", "0 bytes that are no whole picture"), ("16-bit", "colour mode I;16"), ("CMYK", "colour mode CMYK"),
        ("SVG", "convert it"), ("bomb", "DecompressionBombError"), ("too small", "only ever shrunk"),
        ("symlink loop", "loop"), ("newline", r"a\nb.png"), ("non-UTF-8", r"\udcff.png"), ("a file among classes", "notes.txt"),
    ],
)  # fmt: skip
def test_bad_image_folders_are_refused_by_name(tmp_path: Path, fault: str, told: str) -> None:
    root = write_folder(tmp_path)
    break_folder(root, fault)
    with pytest.raises(DataError) as caught:
        load_image_folder(root, (3, 6, 6))
    assert told in str(caught.value)
    assert all(problem.found and problem.expected and problem.cure for problem in caught.value.problems)


def write_arrays(root: Path, **changes: np.ndarray) -> Path:
    random = np.random.default_rng(0)
    for half, count in (("train", 8), ("test", 4)):
        arrays = {"images": random.integers(0, 256, (count, 3, 8, 8), dtype=np.uint8), "labels": np.arange(count) % 2}
        arrays.update({key.split("_", 1)[1]: value for key, value in changes.items() if key.startswith(half)})
        np.savez(root / f"{half}.npz", **arrays)
    return root


def test_arrays_in_every_order_of_axes(tmp_path: Path) -> None:
    found = load_arrays(write_arrays(tmp_path), (3, 8, 8))
    assert Facts.of(found) == Facts(8, 4, (3, 8, 8), 2)
    last = {f"{half}_images": getattr(found, half).images.transpose(0, 2, 3, 1) for half in ("train", "test")}
    write_arrays(tmp_path, **last)
    assert np.array_equal(load_arrays(tmp_path, (3, 8, 8)).train.images, found.train.images)
    separate = tmp_path / "npy"
    separate.mkdir()
    for half in ("train", "test"):
        np.save(separate / f"{half}_images.npy", getattr(found, half).images[:, 0])
        np.save(separate / f"{half}_labels.npy", getattr(found, half).labels)
    assert np.array_equal(load_arrays(separate, (1, 8, 8)).test.images, found.test.images[:, :1])
    named = write_arrays(
        tmp_path, train_class_names=np.array(["a", "b"]), test_class_names=np.array(["a", "b"]),
        test_ids=np.array(["w", "x", "y", "z"]),
    )  # fmt: skip
    assert load_arrays(named, (3, 8, 8)).test.ids == ("w", "x", "y", "z")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"train_images": np.zeros((8, 3, 8, 8))}, "float64"),
        ({"train_images": np.zeros((8, 3, 9, 8), np.uint8)}, "[8, 3, 9, 8]"),
        ({"train_images": np.zeros((7, 3, 8, 8), np.uint8)}, "7 images, 8 labels"),
        ({"test_labels": np.array([0.0, 1.0, 0.0, 1.0])}, "whole numbers"),
        ({"test_labels": np.array([0.0, np.nan, 0.0, 1.0])}, "whole numbers"),
        ({"test_labels": np.array([0, -1, 0, 1])}, "whole numbers"),
        ({"train_class_names": np.array(["a", "b"]), "test_class_names": np.array(["a", "c"])}, "only in train: b"),
        ({"train_labels": np.zeros(8, int), "test_labels": np.zeros(4, int)}, "at least two"),
        ({"train_labels": np.array([None] * 8, object)}, "Python objects"),
        ({"test_ids": np.array(["x", "x", "y", "z"])}, "repeated"),
        ({"test_ids": np.array("x")}, "one-dimensional"),
        (
            {"train_labels": np.arange(8)[:, None] % 2, "test_labels": np.arange(4)[:, None] % 2},
            "whole numbers [examples]",
        ),
        ({"train_labels": np.array(["a", "b"] * 4), "test_labels": np.array(["a", "b"] * 2)}, "whole numbers"),
        ({"train_labels": np.array([0, 1] * 4) > 0, "test_labels": np.array([0, 1] * 2) > 0}, "whole numbers"),
        ({"train_labels": np.array([0, 10**10] * 4)}, "a class id of 10000000000"),
        ({"train_labels": np.array([0, 2**64 - 1] * 4, np.uint64)}, "a class id of"),
        ({"test_images": np.zeros((), np.uint8)}, "none of them 0"),
        ({"test_images": np.zeros((0, 3, 8, 8), np.uint8), "test_labels": np.zeros(0, int)}, "none of them 0"),
        ({"train_class_names": np.array(["a", "a"]), "test_class_names": np.array(["a", "a"])}, "a name twice"),
        ({"train_class_names": np.array(["a", "\x1b[31m"])}, "printable"),
        ({"train_class_names": np.array("ab")}, "one-dimensional"),
    ],
)
def test_bad_arrays_are_refused(tmp_path: Path, changes: dict[str, np.ndarray], told: str) -> None:
    write_arrays(tmp_path, **changes)
    with pytest.raises(DataError) as caught:
        load_arrays(tmp_path, (3, 8, 8))
    assert told in str(caught.value)


def test_files_that_are_no_arrays_and_headers_that_lie(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images and no labels"):
        load_arrays(tmp_path, (3, 8, 8))
    write_arrays(tmp_path)
    whole = (tmp_path / "train.npz").read_bytes()
    squeezed = io.BytesIO()
    np.savez_compressed(squeezed, images=np.arange(9999), labels=np.arange(9))
    broken = bytearray(squeezed.getvalue())
    broken[200:260] = b"\xff" * 60  # inside the compressed stream
    for content in (b"", b"PK\x03\x04 nothing", whole[:200], b"<html></html>", bytes(broken)):
        (tmp_path / "train.npz").write_bytes(content)
        with pytest.raises(DataError, match=r"no whole (\.npz|array)"):
            load_arrays(tmp_path, (3, 8, 8))
    (tmp_path / "train.npz").unlink()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (1 << 30, 3, 1024, 1024)}
    )
    (tmp_path / "train_images.npy").write_bytes(header.getvalue())
    np.save(tmp_path / "train_labels.npy", np.zeros(3, int))
    with pytest.raises(DataError, match="by its header"):
        load_arrays(tmp_path, (3, 8, 8))


def test_bytes_are_text_and_channels_may_be_last(tmp_path: Path) -> None:
    from piescope.data.own_data import facts_of_arrays

    names = {f"{half}_class_names": np.array([b"cat", b"dog"]) for half in ("train", "test")}
    assert load_arrays(write_arrays(tmp_path, **names), (3, 8, 8)).train.class_names == ("cat", "dog")
    for channels in (1, 2, 3, 4):
        images = {f"{half}_images": np.ones((n, 8, 9, channels), np.uint8) for half, n in (("train", 8), ("test", 4))}
        assert facts_of_arrays(write_arrays(tmp_path, **images))[2] == (channels, 8, 9)
    with pytest.raises(DataError, match="at most 4 channels"):
        facts_of_arrays(write_arrays(tmp_path, train_images=np.ones((8, 7, 8, 9), np.uint8)))


def test_what_piescope_data_prints_is_what_a_study_needs(tmp_path: Path) -> None:
    from piescope.study.inspect import look_at
    from piescope.study.parse import builtin_studies, parse_study

    for name, root, shape in (
        ("arrays", write_arrays(tmp_path), (3, 8, 8)),
        ("image_folder", write_folder(tmp_path / "pictures"), (3, 12, 12)),
    ):
        seen = look_at(name, root)
        assert Facts.of(seen.splits).image_shape == shape
        text = "\n".join(seen.lines())
        table = text[text.index("[data]") :]
        mean = seen.splits.train.images[:, 0].mean() / 255
        assert f"{mean:.4f}".rstrip("0") in table
        digits = builtin_studies()["digits"]
        edited = re.sub(r"\[data\]\n.*?\n\n", table + "\n\n", digits, count=1, flags=re.S)
        edited = edited.replace("batch_size = 50", "batch_size = 2").replace("batch_size = 100", "batch_size = 2")
        edited = re.sub(r"begin = \d+, end = \d+, frequency = \d+", "begin = 2, end = 4, frequency = 1", edited)
        edited = edited.replace("k = 30", "k = 2").replace("[measures.projection]\nsparsities = [0.9, 0.95]", "")
        assert parse_study(edited).data.facts == Facts.of(seen.splits)


def test_duplicates_are_counted(tmp_path: Path) -> None:
    found = load_arrays(write_arrays(tmp_path), (3, 8, 8))
    twice = np.concatenate([found.test.images[:3], found.train.images[:1]])
    write_arrays(tmp_path, test_images=twice)
    assert load_arrays(tmp_path, (3, 8, 8)).duplicates() == 1


def test_the_binary_parser_refuses_a_broken_length() -> None:
    with pytest.raises(ValueError, match="no multiple"):
        cifar.CIFAR10.layouts[0].parse("x.bin", b"\0" * 3074)


@given(st.binary(max_size=300))
def test_broken_pickles_raise_nothing_but_a_plain_error(content: bytes) -> None:
    with contextlib.suppress(ValueError, KeyError):
        CIFAR10.layouts[1].parse("data_batch_1", content)


@given(st.sampled_from([b"", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00", b"PK\x03\x04"]), st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
def test_broken_arrays_raise_nothing_but_a_data_error(tmp_path: Path, start: bytes, content: bytes) -> None:
    for name in ("train_images.npy", "train.npz"):
        root = tmp_path / name
        root.mkdir(exist_ok=True)
        write_arrays(root)
        (root / "train.npz").unlink()
        (root / name).write_bytes(start + content)
        with pytest.raises(DataError):
            load_arrays(root, (3, 8, 8))
