"""CIFAR in every official layout, whole, damaged and evil."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import at_most
from made_pictures import packed, small_cifar
from piescope.data import cifar
from piescope.data.cifar import CIFAR10, CIFAR100, load_cifar
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


def test_the_binary_parser_refuses_a_broken_length() -> None:
    with pytest.raises(ValueError, match="no multiple"):
        cifar.CIFAR10.layouts[0].parse("x.bin", b"\0" * 3074)


@given(st.binary(max_size=300))
def test_broken_pickles_raise_nothing_but_a_plain_error(content: bytes) -> None:
    with contextlib.suppress(ValueError, KeyError):
        CIFAR10.layouts[1].parse("data_batch_1", content)


@pytest.mark.parametrize("name", ["data_batch_3.bin", "cifar-10-binary.tar.gz"])
def test_files_larger_than_any_are_not_read(name: str, tmp_path: Path) -> None:
    whole = (
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
        "test_batch.bin",
    )
    for file in (name,) if name.endswith("gz") else whole:
        (tmp_path / file).write_bytes(b"")
    with (tmp_path / name).open("wb") as sparse:
        sparse.truncate(2**40)
    with at_most(5), pytest.raises(DataError, match="1,099,511,627,776 bytes"):
        load_cifar(CIFAR10, [tmp_path])
