"""A user's own pictures and arrays as the halves of a study."""

from __future__ import annotations

import io
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from piescope.data.own_data import load_arrays, load_image_folder
from piescope.data.sources import Facts
from piescope.problems import DataError

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
        ("zero bytes", "0 bytes that are no whole picture"), ("16-bit", "colour mode I;16"), ("16-bit", "those of 16 bits by 257"), ("CMYK", "colour mode CMYK"),
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
        ({"test_images": np.zeros((4, 192), np.uint8)}, "[examples, height, width], or 4 axes"),
        ({"test_images": np.zeros((4, 3, 9, 9), np.uint8)}, "resize or reshape them, in both halves alike"),
        ({"test_images": np.zeros((4, 3, 8, 8))}, "scale to 0..255 and convert to uint8"),
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
