"""Charts show their numbers where they are."""

from __future__ import annotations

import re

import pytest

from piescope.report.audit import charts
from piescope.report.layout import svg
from piescope.store.audit_answers import Calibration, ImpactRow, ReliabilityBin, SideCalibration


def test_bars_start_at_zero_and_end_at_the_impact() -> None:
    row = ImpactRow(impact=-5.0, low=-8.0, high=-2.0, q_value=0.01)
    scale = svg.Scale(-10.0, 10.0)
    drawn = str(charts.impact_bar(row, scale))
    assert 'x="25.00%" width="25.00%"' in drawn  # from -5 to 0 on a line from -10 to 10
    assert 'x1="10.00%" x2="40.00%"' in drawn  # the interval
    assert "unsure" not in drawn and 'class="lost"' in drawn
    assert "unsure" in str(charts.impact_bar(ImpactRow(impact=5.0, q_value=0.3), scale))
    assert "<rect" not in str(charts.impact_bar(ImpactRow(), scale))


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
