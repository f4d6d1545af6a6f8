"""Marks lie at their numbers, and lines are told apart without colour."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from piescope.report.layout.curves import LABELS, Curve, Mark, MethodCurve, legend, svg

LEVELS = ((0.0, "50 %"), (1.0, "90 %"), (2.0, "95 %"))


def method(key: str, values: list[float], hue: int = 0, dash: int = 0, pale: int = -1) -> MethodCurve:
    marks = [Mark(float(x), y, LEVELS[x][1][:2], f"{key}: {y:g}", is_pale=x == pale) for x, y in enumerate(values)]
    return MethodCurve(key, f"the method {key}", hue, dash, tuple(marks))


CURVE = Curve(
    "examples", "weights removed", (method("a", [3, 20, 100], pale=1), method("b", [2, 21, 99], 1, 2)), LEVELS,
    ((0.0, 5.0), (1.0, 6.0), (0.0, 7.0)), are_counts=True,
)  # fmt: skip


def marks(drawn: str) -> dict[tuple[str, str], tuple[float, float]]:
    """Where each mark is, by method and level."""
    return {
        (key, level): (float(x), float(y))
        for key, inside in re.findall(r'<g data-arm="(\w)">(.*?)</g>', drawn)
        for x, y, level in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"[^>]*data-level="(\d+)"', inside)
    }


def test_marks_lie_at_their_numbers_and_lines_lead_from_one_to_the_next() -> None:
    drawn = str(svg(CURVE, "curve"))
    found = marks(drawn)
    assert len(found) == 6 and drawn.startswith('<svg viewBox="0 0 560 330"') and drawn.count('id="curve"') == 1
    heights = {at[1]: value for at, value in zip(found.values(), [3, 20, 100, 2, 21, 99], strict=True)}
    slope, zero = np.polyfit(list(heights.values()), list(heights), 1)
    assert all(zero + slope * value == pytest.approx(y, abs=0.02) for y, value in heights.items())
    at_zero = re.search(r'<text[^>]*y="([\d.]+)"[^>]*class="tick">0<', drawn)
    assert at_zero is not None and float(at_zero[1]) == pytest.approx(zero + 4, abs=0.05)
    pieces = re.findall(r'points="([\d.,]+) ([\d.,]+)" class="path', drawn)
    assert len(pieces) == 4
    ends = {tuple(round(number, 1) for number in at) for at in found.values()}
    assert {tuple(map(float, end.split(","))) for piece in pieces for end in piece} == ends
    assert "<polyline" not in str(svg(replace(CURVE, are_joined=False)))


def test_what_is_not_clear_is_pale_with_the_piece_that_leads_there() -> None:
    drawn = str(svg(CURVE))
    assert re.findall(r'<(circle|polyline)[^>]*class="[^"]* pale"', drawn) == ["polyline", "circle"]


def test_methods_differ_in_hue_and_dashes_and_have_keys() -> None:
    drawn, keys = str(svg(CURVE)), legend(CURVE)
    assert 'class="path hue-0 dash-0' in drawn and 'class="path hue-1 dash-2' in drawn
    assert [name for _, name in keys] == ["the method a", "the method b"]
    assert ["hue-1 dash-2" in str(key) for key, _ in keys] == [False, True]


def test_names_stand_beside_the_first_screens_lines_and_do_not_touch() -> None:
    drawn = str(svg(CURVE, "curve"))
    places = sorted(float(y) for y in re.findall(r'y="([\d.]+)" class="direct', drawn))
    assert len(places) == 2 and min(np.diff(places)) >= 16.9 and places[-1] < 330
    assert "direct" not in str(svg(CURVE))
    many = tuple(method(f"{place}", [1, 2, 3]) for place in range(LABELS + 1))
    assert "direct" not in str(svg(replace(CURVE, methods=many), "curve"))


def test_the_band_of_seeds_and_the_dense_value_are_drawn_where_they_are_known() -> None:
    drawn = str(svg(CURVE))
    assert drawn.count("<polygon") == 1 and 'class="level"' not in drawn
    plain = str(svg(replace(CURVE, seeds=(), before=50.0, are_counts=False)))
    assert "<polygon" not in plain and plain.count('class="level"') == 1 and ">dense<" in plain
    whisker = replace(CURVE.methods[0], marks=(replace(CURVE.methods[0].marks[0], low=1.0, high=5.0),))
    assert str(svg(replace(CURVE, methods=(whisker,)))).count('class="whisker"') == 1


def test_odd_curves() -> None:
    one = replace(CURVE, methods=(method("a", [0.0]),), levels=LEVELS[:1], seeds=())
    for curve in (one, replace(one, are_counts=False), replace(one, seeds=((0.0, 0.0),))):
        assert len(marks(str(svg(curve, "curve")))) == 1 and "nan" not in str(svg(curve))
    many = tuple((float(place), f"{place}") for place in range(40))
    assert str(svg(replace(CURVE, levels=many, seeds=()))).count('text-anchor="middle" class="tick"') < 10
