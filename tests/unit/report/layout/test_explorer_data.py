"""Arrays and head, read by a decoder that shares nothing with the packer."""

from __future__ import annotations

import json

import numpy as np
import pytest

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
from piescope.wording import printable
from read_explorer import Read

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "]]>&amp;&lt;",
    "line\u2028and\u2029paragraph\r\n\t\x00",
    "quote\"and'back\\slash",
    "\u202egnp.exe\u2066",
    "\ud800 alone",
    "=cmd|' /C calc'!A0",
    "日本語 🐈",
    "",
)


def made(packed: Packed, ids: tuple[str, ...] = ("a",), classes: tuple[str, ...] = ("cat",)) -> ExplorerData:
    label = packed.whole("label", np.zeros(len(ids), int), most=0)
    cells = Cells(label, label)
    arm = ArmShown("arm", "ArmShown", 0, 0, 0, (Level(0.5, "50 %", 1, cells),))
    sides = (SideShown("side", "SideShown", 1, cells),)
    head = Head("audit", "title", Axis("size", "MB"), classes, ids, None, sides, (arm,), None, Start("arm", 0.5))
    return ExplorerData(head, packed)


def read(data: ExplorerData) -> Read:
    return Read(data.head_json(), data.arrays_base64())


@pytest.mark.parametrize(("most", "kind"), [(1, "u8"), (255, "u8"), (256, "u16"), (65535, "u16"), (65536, "u32")])
def test_whole_numbers_come_back_in_the_smallest_type_that_holds_them(most: int, kind: str) -> None:
    packed, values = Packed(), np.random.default_rng(most).integers(0, most, (7, 3), endpoint=True)
    values[0, 0], values[-1, -1] = most, 0
    near = np.where(np.arange(21).reshape(7, 3) % 5, values, most - values)
    packed.whole("odd", np.ones(3, int), most=1)  # what follows begins at a multiple of four
    packed.whole("own", values, most)
    packed.whole("near", near, most, xor="own")
    found = read(made(packed))
    assert found.head["arrays"]["own"] == {"type": kind, "shape": [7, 3], "at": 4}
    assert found.values("own") == values.ravel().tolist() and found.values("near") == near.ravel().tolist()
    assert found.values("odd") == [1, 1, 1]


def test_what_differs_little_takes_little_room() -> None:
    values = np.random.default_rng(0).integers(0, 10, 100_000)  # beyond what deflate remembers
    near = values.copy()
    near[::100] = 3
    sizes = {}
    for xor in (None, "own"):
        packed = Packed()
        packed.whole("own", values, 9)
        alone = len(packed.deflated())
        packed.whole("near", near, 9, xor)
        sizes[xor] = len(packed.deflated()) - alone
    assert sizes["own"] < sizes[None] / 10


def test_numbers_out_of_their_range_are_refused() -> None:
    for wrong in (np.array([0, 3]), np.array([-1])):
        with pytest.raises(ValueError, match="expected 0 to 2"):
            Packed().whole("label", wrong, most=2)


@pytest.mark.parametrize(("kind", "steps"), [("u8", 100), ("u8", 254), ("u16", 255), ("u16", 1023), ("u16", 65534)])
@pytest.mark.parametrize("span", [(0.0, 1.0), (-3.5, 12.25), (1e-9, 2e-9)])
def test_measured_numbers_come_back_to_half_a_step(kind: str, steps: int, span: tuple[float, float]) -> None:
    low, high = span
    values = np.random.default_rng(0).uniform(low, high, (50, 2))
    values[0], values[1, 1] = (low, high), np.nan
    packed = Packed()
    assert packed.measured("q", values, span, steps) == "q"
    near = np.where(np.arange(50)[:, None] % 9, values, np.nan)
    packed.measured("near", near, span, steps, xor="q")
    again = read(made(packed))
    assert again.head["arrays"]["near"]["type"] == kind and again.head["arrays"]["near"]["xor"] == "q"
    expected = [None if np.isnan(value) else pytest.approx(value, abs=(high - low) / steps) for value in near.ravel()]
    assert again.values("near") == expected
    found = read(made(packed)).values("q")
    assert found[3] is None and found.count(None) == 1
    errors = [abs(got - value) for got, value in zip(found, values.ravel(), strict=True) if got is not None]
    assert max(errors) <= (high - low) / steps / 2 * 1.001
    assert found[0] == pytest.approx(low) and found[1] == pytest.approx(high)


def test_equal_numbers_and_numbers_that_nobody_knows() -> None:
    packed = Packed()
    packed.measured("same", np.array([0.7, np.nan, 0.7]), (0.7, 0.7))
    assert packed.measured("depth", np.full(3, np.nan), (0.0, 1.0)) is None
    assert packed.measured("map", None, (0.0, 1.0)) is None
    found = read(made(packed))
    assert found.values("same") == [0.7, None, 0.7] and "depth" not in found.head["arrays"]


def test_any_text_comes_back_with_what_is_hidden_spelt_out_and_none_ends_the_element() -> None:
    data = made(Packed(), ids=HOSTILE, classes=HOSTILE)
    text = data.head_json()
    assert text.isascii() and not set("<>&\n\r") & set(text)
    found = json.loads(text)
    assert found["ids"] == found["classes"] == [printable(text) for text in HOSTILE]
    assert found["examples"] == len(HOSTILE) and found["format"] == 1


def test_an_array_of_a_hostile_name_is_found_by_it() -> None:
    packed = Packed()
    packed.whole("a\x1bb", np.zeros(2), most=1)
    packed.whole("c", np.zeros(2), most=1, xor="a\x1bb")
    arrays = read(made(packed)).head["arrays"]
    assert set(arrays) >= {"a\\x1bb", "c"} and arrays["c"]["xor"] == "a\\x1bb"


def test_the_head_has_the_keys_of_the_format_and_no_others() -> None:
    packed = Packed()
    packed.measured("q", np.array([0.1]), (0.0, 1.0))
    head = read(made(packed)).head
    assert set(head) == {
        "format", "kind", "title", "axis", "classes", "examples", "ids", "truth", "sides", "arms", "pictures", "arrays",
        "start",
    }  # fmt: skip
    (arm,), (side,) = head["arms"], head["sides"]
    assert set(arm) == {"key", "name", "side", "hue", "dash", "levels"}
    assert set(side) == {"key", "name", "models", "cells", "neighbours"}
    assert set(arm["levels"][0]) == {
        "value", "label", "models", "cells", "seeds", "excess", "is_clear", "accuracy", "clear_classes",
            "happened",
    }  # fmt: skip
    assert set(side["cells"]) == {
        "label", "modal", "right", "dense", "confirmed", "score", "q", "depth", "map",
    }  # fmt: skip
    assert set(head["arrays"]["q"]) == {"type", "shape", "at", "scale", "offset"}
