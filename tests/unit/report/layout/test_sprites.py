"""Sheets, cut into their pictures again by another hand."""

from __future__ import annotations

import numpy as np
import pytest

from piescope.report.layout import sprites as module
from piescope.report.layout.explorer_data import (
    ArmShown,
    Axis,
    Cells,
    ExplorerData,
    Head,
    Level,
    Packed,
    SideShown,
    Start,
)
from piescope.report.layout.sprites import sprites
from read_explorer import Read

ROOM = 3_000_000


def read(images: list[np.ndarray], ranked: list[int] | None = None, room: int = ROOM) -> tuple[Read, int]:
    packed, ranked = Packed(), list(range(len(images))) if ranked is None else ranked
    label = packed.whole("label", np.zeros(len(images), int), 0)
    pictures, left_out = sprites(packed, lambda example: images[example], ranked, len(images), room)
    arm, side = (
        ArmShown("a", "a", 0, 0, 0, (Level(0, "", 1, Cells(label, label)),)),
        SideShown("s", "s", 1, Cells(label, label)),
    )
    ids = tuple(map(str, range(len(images))))
    head = Head("study", "", Axis("", ""), ("c",), ids, None, (side,), (arm,), pictures, Start("a", 0))
    data = ExplorerData(head, packed)
    return Read(data.head_json(), data.arrays_base64()), left_out


def pixels(tile: object) -> np.ndarray:
    return np.asarray(tile).astype(int)


@pytest.mark.parametrize("count", [1, 5, 300])
def test_few_pixels_are_exact(count: int) -> None:
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (8, 8, 3)).astype(np.uint8) for _ in range(count)]
    found, left_out = read(images)
    pictures = found.head["pictures"]
    assert (pictures["width"], pictures["height"], pictures["sharp"], pictures["tile"], left_out) == (
        8,
        8,
        True,
        None,
        0,
    )
    assert all(np.array_equal(pixels(found.tile(example)), images[example]) for example in range(count))


def smooth(count: int, side: int) -> list[np.ndarray]:
    """SpriteSheets of one colour each, lighter to the right."""
    random, ramp = np.random.default_rng(1), np.linspace(0, 60, side)[None, :, None]
    colours = random.integers(0, 190, (count, 1, 1, 3))
    return [(np.zeros((side, side, 1)) + ramp + colour).astype(np.uint8) for colour in colours]


def test_many_sheets_are_nearly_exact_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOSSLESS", 0)
    monkeypatch.setattr(module, "SHEET", 128)
    images = smooth(90, 32)
    found, left_out = read(images)
    pictures = found.head["pictures"]
    assert (pictures["columns"], pictures["rows"], len(pictures["sheets"]), left_out) == (4, 4, 6, 0)
    assert not pictures["sharp"]
    for example, image in enumerate(images):
        assert np.abs(pixels(found.tile(example)) - image).mean() < 8


@pytest.mark.sampled(3)
def test_without_room_the_first_of_the_ranking_are_kept() -> None:
    random = np.random.default_rng(2)
    images = [random.integers(0, 256, (32, 32, 3)).astype(np.uint8) for _ in range(200)]
    ranked = random.permutation(200).tolist()
    found, left_out = read(images, ranked, room=30_000)
    kept = [example for example in range(200) if found.tile(example) is not None]
    assert 10 < len(kept) == 200 - left_out < 100
    assert set(kept) == set(ranked[: len(kept)])
    assert sum(map(len, found.head["pictures"]["sheets"])) <= 30_000
    for example in kept:  # noise at the lowest quality, yet nearer to itself than to any other
        tile = pixels(found.tile(example))
        assert int(np.argmin([np.abs(tile - image).mean() for image in images])) == example


def test_pictures_of_many_sizes_stand_in_the_middle_of_their_tiles() -> None:
    wide, high = np.full((10, 20, 3), 200, np.uint8), np.full((20, 10, 3), 90, np.uint8)
    huge = np.full((400, 200, 3), 250, np.uint8)
    found, _ = read([wide, high, huge, np.full((1, 1, 3), 255, np.uint8)])
    assert (found.head["pictures"]["width"], found.head["pictures"]["height"]) == (48, 96)
    tile = pixels(found.tile(0))
    assert tile[43:53, 14:34].min() == 200 and tile.sum() == wide.sum()
    assert pixels(found.tile(2)).min() == 250  # shrunk to the whole tile
    assert pixels(found.tile(3)).sum() == 3 * 255


def test_examples_without_a_picture_have_none() -> None:
    image = np.full((8, 8, 3), 7, np.uint8)
    found, left_out = read([image] * 5, ranked=[3, 1])
    assert [found.tile(example) is not None for example in range(5)] == [False, True, False, True, False]
    assert left_out == 0
    for ranked, room in (([], ROOM), ([0, 1], 10)):
        found, left_out = read([image] * 5, ranked, room)
        assert found.head["pictures"] is None and left_out == len(ranked)
