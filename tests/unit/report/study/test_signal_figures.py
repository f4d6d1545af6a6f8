"""What is drawn of signal and noise are the numbers of its rows."""

from __future__ import annotations

from collections import Counter
from typing import cast

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from made_results import made
from piescope.report.study.figures import draw
from piescope.report.study.signal import Signal
from piescope.report.study.signal_figures import STACKED
from piescope.report.study.signal_rows import ForgottenRow, IntersectionRow, PartRow, ReplicateRow

SIGNAL = Signal(made({"supervised": ("gmp", "one_shot"), "supcon": ("gmp", "one_shot")}, examples=120, models=6))


def heights(axes: Axes) -> list[float]:
    return [round(float(bar.get_height()), 6) for bar in axes.patches]  # type: ignore[attr-defined]


def test_parts_are_stacked_with_their_intervals_and_the_count() -> None:
    drawn = draw(SIGNAL, 8)
    rows = [cast(PartRow, row) for row in drawn.rows]
    parts = [row for row in rows if row.part in STACKED]
    assert Counter(height for axes in drawn.figure.axes for height in heights(axes)) == Counter(
        round(cast(float, row.pies.value), 6) for row in parts
    )
    intervals = [
        segment
        for lines in drawn.figure.findobj(LineCollection)
        for segment in cast(LineCollection, lines).get_segments()
    ]
    lengths = Counter(round(float(segment[1][1] - segment[0][1]), 6) for segment in map(np.asarray, intervals))
    assert lengths == Counter(
        round(row.pies.high - row.pies.low, 6)
        for row in parts
        if row.pies.low is not None and row.pies.high is not None
    )
    rings = [line for axes in drawn.figure.axes for line in axes.lines if line.get_marker() == "o"]
    assert sorted(float(np.asarray(ring.get_ydata())[0]) for ring in rings) == sorted(
        cast(float, row.pies.value) for row in rows if row.part == "all_models"
    )
    assert len({axes.get_ylim() for axes in drawn.figure.axes}) == 1  # one scale: they are compared


def test_an_upset_has_a_bar_for_each_set_and_dots_for_its_members() -> None:
    drawn = draw(SIGNAL, 9)
    rows = [cast(IntersectionRow, row) for row in drawn.rows]
    bars, matrix = drawn.figure.axes
    assert heights(bars) == [row.examples for row in rows]
    (expected,) = (lines for lines in bars.collections if isinstance(lines, LineCollection))
    assert [float(np.asarray(segment)[0][1]) for segment in expected.get_segments()] == [row.by_chance for row in rows]
    (dots,) = bars.lines
    assert np.asarray(dots.get_ydata()).tolist() == [row.if_equally_hard for row in rows]
    marked = {
        (int(x), int(y))
        for line in matrix.lines
        if line.get_marker() == "o" and line.get_zorder() == 3
        for x, y in np.asarray(line.get_xydata())
    }
    families = list(rows[0].members)
    assert marked == {
        (place, families.index(family))
        for place, row in enumerate(rows)
        for family, is_in in row.members.items()
        if is_in
    }


@pytest.mark.parametrize("width", ["column", "page"])
def test_curves_go_through_the_counts(width: str) -> None:
    drawn = draw(SIGNAL, 10, width=width)  # type: ignore[arg-type]
    rows = [cast(ReplicateRow, row) for row in drawn.rows]
    panels = drawn.figure.axes
    families = list(dict.fromkeys(row.arm.family for row in rows))
    assert len(panels) == len(families) == 4
    for axes, family in zip(panels, families, strict=True):
        own = [(row.models, row.pies) for row in rows if row.arm.family == family]
        seen, further = (np.asarray(line.get_xydata()).tolist() for line in axes.lines)
        assert [tuple(point) for point in [*seen, *further[1:]]] == own
        assert further[0] == seen[-1]
        assert axes.lines[0].get_linestyle() == "-" and axes.lines[1].get_linestyle() == "--"


def test_the_curve_goes_through_what_is_forgotten_and_names_its_arms_at_their_ends() -> None:
    drawn = draw(SIGNAL, 11)
    rows = [cast(ForgottenRow, row) for row in drawn.rows]
    (axes,) = drawn.figure.axes
    marks = [np.asarray(line.get_xydata())[0].tolist() for line in axes.lines if line.get_marker() == "o"]
    strength = [line.get_alpha() for line in axes.lines if line.get_marker() == "o"]
    sparsities = sorted({row.arm.sparsity for row in rows})
    assert marks == [[sparsities.index(row.arm.sparsity), row.in_groups.value] for row in rows]
    assert [alpha == 1 for alpha in strength] == [row.is_clear is True for row in rows]
    names = {text.get_text() for text in drawn.figure.texts}
    assert {"Sup / GMP", "Sup / one-shot", "SupCon / GMP", "SupCon / one-shot"} <= names
