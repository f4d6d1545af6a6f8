"""The audit page's charts as small inline SVGs without style attributes, which the page's policy would not admit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from piescope.report.layout.svg import BOTTOM, LEFT, RIGHT, SIDE, TOP, Frame, element, named, ticks
from piescope.store.audit_answers import Calibration, ShiftBin
from piescope.store.audit_record import CopyRow
from piescope.wording import LONGEST_NAME, count, number, printable


def strip(parts: Sequence[tuple[str, str, float]]) -> Markup:
    """Counts as one strip that is cut into parts.

    Args:
        parts: (CSS class, words, count).
    """
    total = sum(part for _, _, part in parts)
    inside, start = [], 0.0
    for kind, _, part in parts:
        width = 100 * part / total if total else 0.0
        inside.append(element("rect", x=f"{start:.3f}%", width=f"{width:.3f}%", y=0, height=26, class_=kind))
        start += width
    label = ", ".join(f"{count(part)} {words}" for _, words, part in parts)
    return element("svg", *inside, width="100%", height=26, role="img", aria_label=label, class_="strip")


def pair_bars(dense: float | None, compressed: float | None, most: float, *, is_clear: bool = True) -> Markup:
    """Two thin bars, dense above compressed; pale where they do not differ beyond chance."""
    pale = "" if is_clear else " unsure"
    inside = [
        element(
            "rect", x=0, y=top, height=8, rx=1, width=f"{100 * value / most if most else 0:.2f}%", class_=kind + pale
        )
        for kind, top, value in (("dense", 2, dense), ("compressed", 13, compressed))
        if value is not None
    ]
    return element("svg", *inside, width="100%", height=23, aria_hidden="true", class_="bar")


def marker(kind: str, x: float, y: float, radius: float, label: str) -> Markup:
    """A circle for dense, a square for compressed: told apart without colour."""
    text = element("title", label)
    if kind == "dense":
        return element("circle", text, cx=x, cy=y, r=radius, class_=kind)
    half = radius * 0.886  # a square of the circle's area
    return element("rect", text, x=x - half, y=y - half, width=2 * half, height=2 * half, class_=kind)


def reliability(calibration: Calibration) -> Markup | None:
    """Accuracy against confidence for both sides; marks by number of examples. None where no bin has an accuracy."""
    frame = Frame((0, 100), (0, 100))
    drawn = frame.axes("confidence, %", "accuracy, %", named(ticks(0, 100)), named(ticks(0, 100)))
    drawn.append(
        element("line", x1=frame.across(0), y1=frame.up(0), x2=frame.across(100), y2=frame.up(100), class_="ideal")
    )
    drawn_any = False
    for kind, side in (("dense", calibration.dense), ("compressed", calibration.compressed)):
        rows = [row for row in side.bins if row.examples and row.confidence is not None and row.accuracy is not None]
        total = sum(row.examples or 0 for row in rows)
        places = [(frame.across(row.confidence or 0), frame.up(row.accuracy or 0)) for row in rows]
        if len(places) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            drawn.append(element("polyline", points=path, class_=f"{kind} path"))
        for row, (x, y) in zip(rows, places, strict=True):
            label = (
                f"{kind}: {count(row.examples)} examples, {number(row.confidence)} % confident, "
                f"{number(row.accuracy)} % right"
            )
            drawn.append(marker(kind, x, y, 2.5 + 7 * math.sqrt((row.examples or 0) / total), label))
            drawn_any = True
    if not drawn_any:
        return None
    return frame.svg(drawn, "Reliability: accuracy against confidence, dense and compressed")


def shift_histogram(shift: Sequence[ShiftBin]) -> Markup | None:
    """How probabilities moved; heights are square roots of counts, so that few can be seen beside many."""
    rows = [(row.low or 0.0, row.high or 0.0, row.examples) for row in shift if row.examples is not None]
    most = max((examples for _, _, examples in rows), default=0)
    if not most:
        return None
    low, high = min(low for low, _, _ in rows), max(high for _, high, _ in rows)
    frame = Frame((low, high), (0, math.sqrt(most) * 1.03))
    marks = [value for value in (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000) if 0.004 * most < value <= most]
    y_ticks = [(math.sqrt(value), count(value)) for value in (marks or [most])]
    drawn = frame.axes("change of the probability, points", "examples", named(ticks(low, high)), [(0, "0"), *y_ticks])
    for low, high, examples in rows:
        if examples:
            x, right = frame.across(low), frame.across(high)
            y = frame.up(math.sqrt(examples))
            label = f"{number(low, 0)} to {number(high, 0)} points: {count(examples)} examples"
            kind = "lost" if high <= 0 else "rescued" if low >= 0 else "other"
            drawn.append(
                element(
                    "rect",
                    element("title", label),
                    x=x + 0.8,
                    y=y,
                    width=max(right - x - 1.6, 0.5),
                    height=frame.height - BOTTOM - y,
                    class_=kind,
                )
            )
    zero = frame.across(0)
    drawn.append(element("line", x1=zero, x2=zero, y1=TOP, y2=frame.height - BOTTOM, class_="zero"))
    return frame.svg(drawn, "Histogram of the change of each example's probability")


@dataclass(frozen=True)
class CopyPoint:
    """A number of a copy on a what-if curve.

    Attributes:
        copy: whose.
        value: the number.
        low: of its interval; None: none is drawn.
        high: likewise.
    """

    copy: CopyRow
    value: float
    low: float | None = None
    high: float | None = None


def are_on_a_line(copies: Sequence[CopyRow]) -> bool:
    """Whether all have an amount of 0 to 1; else they stand side by side, numbered."""
    return all(row.amount is not None and 0 <= row.amount <= 1 for row in copies)


def places_of(copies: Sequence[CopyRow]) -> list[float]:
    """Where copies stand on a what-if curve: at their amounts, or one after the other."""
    is_line = are_on_a_line(copies)
    return [row.amount or 0.0 if is_line else place + 1.0 for place, row in enumerate(copies)]


def what_places_are(copies: Sequence[CopyRow]) -> str:
    """The name of that axis."""
    if not are_on_a_line(copies):
        return "copy, numbered as in the table"
    return "sparsity" if all(row.realised_sparsity is not None for row in copies) else "amount"


def curve(points: Sequence[CopyPoint], name: str, before: float | None = None, anchor: str = "") -> Markup | None:
    """A what-if curve: a number of the copies against their amount, one line a method.

    Args:
        points: in the order of the copies.
        name: what the upward axis says.
        before: the dense side's number, drawn as a level; None for no level.
        anchor: the drawing's id; empty: none.
    """
    if not points:
        return None
    size = (560.0, 330.0) if anchor else (SIDE * 1.25, SIDE)
    drawn_copies = [point.copy for point in points]
    is_line, places = are_on_a_line(drawn_copies), places_of(drawn_copies)
    ends = [end for point in points for end in (point.value, point.low, point.high, before) if end is not None]
    room = 0.06 * (max(ends) - min(ends)) or 1.0
    margin = 0.07 * ((max(places) - min(places)) or 1)
    room_for_names = 3.2 * margin if anchor else 0.0
    frame = Frame(
        (min(places) - margin, max(places) + margin + room_for_names), (min(ends) - room, max(ends) + room), *size
    )
    different = sorted({round(place, 4) for place in places})
    x_ticks = named(different if len(different) <= 8 else ticks(min(places), max(places)))
    drawn = frame.axes(what_places_are(drawn_copies), name, x_ticks, named(ticks(*frame.y)))
    if before is not None:
        level = frame.up(before)
        drawn.append(element("line", x1=LEFT, x2=frame.width - RIGHT, y1=level, y2=level, class_="level"))
        drawn.append(element("text", "dense", x=frame.width - RIGHT, y=level - 5, text_anchor="end", class_="tick"))
    ends_at: list[tuple[float, float, str, str]] = []
    for index, method in enumerate(dict.fromkeys(point.copy.method for point in points)):
        mine = [(place, point) for place, point in zip(places, points, strict=True) if point.copy.method == method]
        mine.sort(key=lambda at: at[0])
        inside = _method_line(frame, f"hue-{index % 4}", index, mine, is_line)
        drawn.append(element("g", *inside, data_arm=method))
        if anchor:
            ends_at.append((frame.up(mine[-1][1].value), frame.across(mine[-1][0]) + 9, method, f"hue-{index % 4}"))
    for y, (_, x, method, hue) in zip(_apart([y for y, *_ in sorted(ends_at)]), sorted(ends_at), strict=True):
        drawn.append(element("text", printable(method, 20), x=x, y=y + 4, class_=f"direct {hue}"))
    return frame.svg(drawn, f"{name} against the amount of compression", anchor)


def _apart(places: Sequence[float], least: float = 14.0) -> list[float]:
    """Sorted places, moved down so that texts there do not lie on each other."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + least) if moved else place)
    return moved


def _method_line(
    frame: Frame, hue: str, index: int, points: Sequence[tuple[float, CopyPoint]], is_line: bool
) -> list[Markup]:
    drawn = []
    if is_line and len(points) > 1:
        path = " ".join(f"{frame.across(place):.1f},{frame.up(point.value):.1f}" for place, point in points)
        drawn.append(element("polyline", points=path, class_=f"path {hue} dash-{index % 4}"))
    for place, point in points:
        x, y = frame.across(place), frame.up(point.value)
        if point.low is not None and point.high is not None:
            drawn.append(element("line", x1=x, x2=x, y1=frame.up(point.low), y2=frame.up(point.high), class_="whisker"))
        title = element("title", f"{point.copy.name}: {number(point.value)}")
        drawn.append(element("circle", title, cx=x, cy=y, r=4.5, class_=hue, data_level=f"{place:g}"))
    return drawn


def methods(copies: Sequence[CopyRow]) -> tuple[tuple[Markup, str], ...]:
    """The legend of a what-if curve."""
    named = enumerate(dict.fromkeys(row.method for row in copies))
    return tuple((_method_key(index), printable(method, LONGEST_NAME)) for index, method in named)


def _method_key(index: int) -> Markup:
    line = element("line", x1=0, x2=26, y1=8, y2=8, class_=f"path hue-{index % 4} dash-{index % 4}")
    mark = element("circle", cx=13, cy=8, r=4, class_=f"hue-{index % 4}")
    return element("svg", line, mark, width=26, height=16, aria_hidden="true", class_="key")


def side_key(kind: str) -> Markup:
    """A side's mark for the legend."""
    return element("svg", marker(kind, 8, 8, 5, kind), width=16, height=16, aria_hidden="true", class_="key")


def swatch(kind: str) -> Markup:
    """A patch of a colour for the legend."""
    return element("span", class_=f"swatch {kind}")
