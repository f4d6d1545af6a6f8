"""Figures of an audit for papers: what each class or group lost, as bars with their intervals."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from piescope.report.audit import terms
from piescope.report.audit.bars import bars
from piescope.report.layout.blocks import Bars
from piescope.report.layout.canvas import Canvas, Style, Width, extent, fitted, legible, styled
from piescope.report.layout.palette import INK, KINDS, PALE, SOFT
from piescope.report.layout.svg import Scale
from piescope.store.audit_record import AuditRecord

MOST = 24
"""Bars that a figure has: of more, those that lost most."""


def figure(audit: AuditRecord, number: int, style: Style = "paper", width: Width = "column") -> Figure:
    """One figure of an audit.

    Args:
        audit: what was found.
        number: 1: what each class lost; 2: what each group lost.
        style: for a paper's page, or large for a slide.
        width: of a column, or of the whole page.

    Raises:
        ValueError: there is no figure of that number.
    """
    if number not in (1, 2):
        raise ValueError(f"there is no figure {number}: 1 has classes, 2 has groups")
    if number == 1:
        drawn = bars(audit.classes, "class", "recall, points", terms.confidence(audit, "classes"))
    else:
        drawn = bars(audit.groups, "group", "accuracy, points", terms.confidence(audit, "groups"))
    canvas = Canvas(style, width)
    with styled(canvas.look):
        if drawn is None:
            what = "class" if number == 1 else "group"
            canvas.write(canvas.width / 2, 2 * canvas.em, f"no {what} is known", ha="center", va="center")
            canvas.y += 4 * canvas.em
            return canvas.finished()
        return draw_bars(canvas, drawn)


def draw_bars(canvas: Canvas, bars: Bars) -> Figure:
    """The worst first: vermilion a loss, green a gain, pale what is not beyond chance; a whisker is an interval."""
    em, small, line = canvas.em, canvas.look.small, canvas.look.line
    rows, step = bars.rows[:MOST], 1.7 * canvas.em
    left = min(0.35 * canvas.width, max(extent(legible(row.name), small) for row in rows)) + em
    right = max(extent(row.text, small) for row in rows) + em
    scale = Scale.over([end for row in rows for end in (row.value, row.low, row.high)])
    axes = canvas.panel(left, canvas.y, canvas.width - left - right, step * len(rows))
    axes.axvline(0, color=SOFT.light, linewidth=0.6 * line)
    for place, row in enumerate(rows):
        assert row.value is not None, "bars are of changes that are known"
        colour = KINDS["lost" if row.value < 0 else "won back"].light
        axes.barh(place, row.value, height=0.62, color=colour, alpha=1.0 if row.is_clear else PALE, linewidth=0)
        if row.low is not None and row.high is not None:
            axes.hlines(place, row.low, row.high, color=INK.light, linewidth=0.8 * line)
        middle = canvas.y + step * (place + 0.5)
        ink = INK if row.is_clear else SOFT
        canvas.write(left - 0.6 * em, middle, fitted(row.name, left - em, small), colour=ink, ha="right", va="center")
        canvas.write(canvas.width, middle, row.text, colour=ink, ha="right", va="center")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.spines["left"].set_visible(False)
    canvas.numbered(axes, "x", scale.low, scale.high)
    canvas.y += step * len(rows) + 1.4 * em
    canvas.below(f"change of {bars.measure} (line: {bars.level} interval)", left)
    key: list[tuple[list[dict[str, Any]], str]] = [
        ([{"color": SOFT.light, "alpha": PALE, "marker": "s"}], "not beyond chance")
    ]
    if len(rows) < len(bars.rows):
        key.append(([], f"the {len(rows)} that lost most of {len(bars.rows):,}"))
    canvas.key(key)
    return canvas.finished()
