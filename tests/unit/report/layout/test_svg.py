"""Scales and axes of small drawings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from piescope.report.layout import svg


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_are_round_few_and_inside(low: float, span: float) -> None:
    marks = svg.ticks(low, low + span)
    assert 1 <= len(marks) <= 12
    assert marks == sorted(marks)
    if span > 1e-3 * (1 + abs(low)):
        room = 1e-6 * (abs(low) + span)
        assert all(low - room <= mark <= low + span + room for mark in marks)
