"""Charts show their numbers where they are."""

from __future__ import annotations

import re

import pytest

from piescope.report.audit import charts
from piescope.report.layout import svg
from piescope.store.audit_answers import Calibration, ReliabilityBin, SideCalibration
from piescope.store.audit_record import CopyRow


def test_marks_of_the_reliability_diagram_lie_at_their_numbers() -> None:
    marked = ReliabilityBin(low=0.5, high=0.6, examples=10.0, confidence=50.0, accuracy=25.0)
    nothing = SideCalibration()
    drawn = str(charts.reliability(Calibration(dense=SideCalibration(bins=(marked,)), compressed=nothing)))
    frame = svg.Frame((0, 100), (0, 100))
    ((x, y),) = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', drawn)
    assert float(x) == pytest.approx(frame.across(50), abs=0.01)
    assert float(y) == pytest.approx(frame.up(25), abs=0.01)
    assert frame.up(0) == frame.height - svg.BOTTOM  # the axes' own lines
    assert frame.up(100) == svg.TOP
    assert (frame.across(0), frame.across(100)) == (svg.LEFT, frame.width - svg.RIGHT)
    assert charts.reliability(Calibration(dense=nothing, compressed=nothing)) is None


def copies(*named: tuple[str, float | None]) -> list[charts.CopyPoint]:
    rows = (
        CopyRow(name=f"{method} {amount}", method=method, amount=amount, verdict="safe") for method, amount in named
    )
    return [charts.CopyPoint(row, float(place), place - 1.0, place + 2.0) for place, row in enumerate(rows)]


def test_the_curve_has_a_line_a_method_and_a_mark_a_copy_at_its_numbers() -> None:
    drawn = str(charts.curve(copies(("b", 0.9), ("a", 0.5), ("b", 0.5)), "changed, %", before=1.0, anchor="curve"))
    assert drawn.startswith('<svg viewBox="0 0 560 330"') and 'id="curve"' in drawn
    groups = dict(re.findall(r'<g data-arm="(\w)">(.*?)</g>', drawn))
    assert list(groups) == ["b", "a"]
    assert re.findall(r'data-level="([\d.]+)"', groups["b"]) == ["0.5", "0.9"]
    marks = [tuple(map(float, at)) for at in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', groups["b"])]
    (path,) = re.findall(r'points="([^"]+)"', groups["b"])
    corners = [float(number) for at in path.split() for number in at.split(",")]
    assert corners == pytest.approx([number for mark in marks for number in mark], abs=0.06)
    assert "polyline" not in groups["a"]  # one copy makes no line
    assert drawn.count('class="whisker"') == 3 and drawn.count('class="level"') == 1
    assert re.findall(r'class="direct hue-\d">(\w)<', drawn) in (["a", "b"], ["b", "a"])
    assert charts.curve([], "changed, %") is None


def test_copies_without_amounts_stand_side_by_side() -> None:
    drawn = str(charts.curve(copies(("int8", None), ("2:4", 0.5)), "accuracy, %"))
    assert re.findall(r'data-level="(\d)"', drawn) == ["1", "2"]
    assert "polyline" not in drawn and "numbered as in the table" in drawn and "direct" not in drawn
