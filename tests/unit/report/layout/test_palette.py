"""Colours are seen on their ground, and told apart without red, green or blue cones."""

from __future__ import annotations

import re
from importlib import resources
from itertools import combinations

import numpy as np
import pytest

from piescope.report.layout.palette import HUES, INK, KINDS, LINE, PALE, PAPER, SOFT

SEEN_BY = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
"""Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB."""

XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    x, y, z = np.cbrt(XYZ @ np.clip(rgb, 0, 1) / XYZ.sum(1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(a: str, b: str) -> float:
    dark, light = sorted(float(XYZ[1] @ linear(colour)) for colour in (a, b))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_marks_are_seen_on_their_ground_and_words_are_read(ground: str) -> None:
    paper = getattr(PAPER, ground)
    for colour in (*KINDS.values(), *HUES):
        assert contrast(getattr(colour, ground), paper) >= 3  # WCAG 2.2, 1.4.11
    for colour in (INK, SOFT, *HUES):
        assert contrast(getattr(colour, ground), paper) >= 4.5  # 1.4.3: names of arms are in their colours


@pytest.mark.parametrize("ground", ["light", "dark"])
@pytest.mark.parametrize("eyes", SEEN_BY)
def test_what_happened_and_arms_are_told_apart(ground: str, eyes: str) -> None:
    seen = [lab(np.array(SEEN_BY[eyes]) @ linear(getattr(colour, ground))) for colour in (*KINDS.values(), *HUES)]
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)) > 14


PAGE = (resources.files("piescope.report") / "templates" / "page.css").read_text()
OF_PAGE = {
    "paper": PAPER, "ink": INK, "soft": SOFT, "line": LINE, "lost": KINDS["lost"], "rescued": KINDS["won back"],
    "moved": KINDS["moved"], "arm-0": HUES[0], "arm-1": HUES[1], "dense": HUES[0], "compressed": HUES[1],
}  # fmt: skip


@pytest.mark.parametrize("name", OF_PAGE)
def test_the_page_has_the_colours_of_the_figures(name: str) -> None:
    said = re.findall(rf"--{name}: (#[0-9a-f]{{6}});", PAGE)
    assert said == [OF_PAGE[name].light.lower(), OF_PAGE[name].dark.lower()]


def test_what_is_not_beyond_chance_is_as_pale_on_the_page_as_in_figures() -> None:
    assert f"svg .pale {{ opacity: {PALE:g}".replace("0.", ".") in PAGE
