"""The audit page's charts as small inline SVGs without style attributes, which the page's policy would not admit."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from piescope.report.layout.curves import Curve, Mark, MethodCurve
from piescope.report.layout.svg import BOTTOM, TOP, Frame, element, named, ticks
from piescope.store.audit_answers import Calibration, ShiftBin
from piescope.store.audit_record import AuditRecord, CopyRow
from piescope.wording import count, number, printable


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


def changed(audit: AuditRecord) -> Curve | None:
    """Changed examples of the copies of a what-if; None where there is none, or nothing is known."""
    known = [(row, row.changed) for row in audit.what_if if row.changed is not None and audit.n_examples]
    values = [(row, 100 * changes / audit.n_examples, None, None) for row, changes in known]
    return _curve(audit.what_if, values, "changed examples, %")


def accuracies(audit: AuditRecord) -> Curve | None:
    """Likewise of accuracies, with their intervals and the dense model's."""
    values = [(row, row.accuracy, row.low, row.high) for row in audit.what_if if row.accuracy is not None]
    return _curve(audit.what_if, values, "accuracy, %", None if audit.accuracy is None else audit.accuracy.dense)


def method_name(copies: Sequence[CopyRow], method: str) -> str:
    """A method as the curve calls it: of weights n of m as it was typed (2:4), where there is one."""
    names = [row.name for row in copies if row.method == method]
    return printable(names[0] if method == "n:m" and len(names) == 1 else method)


Value = tuple[CopyRow, float, float | None, float | None]
"""A number of a copy, with the ends of its interval."""


def _curve(copies: Sequence[CopyRow], values: Sequence[Value], name: str, before: float | None = None) -> Curve | None:
    """A number of the copies against their amount, a line a method; hues and dashes are those of all copies."""
    if not values:
        return None
    places = {row.name: place for row, place in zip(copies, places_of(copies), strict=True)}
    marks: dict[str, list[Mark]] = {row.method: [] for row in copies}
    for row, value, low, high in sorted(values, key=lambda of: places[of[0].name]):
        title, place = f"{row.name}: {number(value)}", places[row.name]
        marks[row.method].append(Mark(place, value, f"{place:g}", title, low, high))
    methods = tuple(
        MethodCurve(name, method_name(copies, name), index, index, tuple(own))
        for index, (name, own) in enumerate(marks.items())
        if own
    )
    levels = tuple(named(sorted({round(mark.x, 4) for method in methods for mark in method.marks})))
    return Curve(name, what_places_are(copies), methods, levels, before=before, are_joined=are_on_a_line(copies))


def side_key(kind: str) -> Markup:
    """A side's mark for the legend."""
    return element("svg", marker(kind, 8, 8, 5, kind), width=16, height=16, aria_hidden="true", class_="key")


def swatch(kind: str) -> Markup:
    """A patch of a colour for the legend."""
    return element("span", class_=f"swatch {kind}")
