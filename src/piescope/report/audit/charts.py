"""The audit page's charts as small inline SVGs without style attributes, which the page's policy would not admit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from piescope.store.audit_answers import Calibration, ImpactRow, ShiftBin
from piescope.store.audit_record import CopyRow
from piescope.wording import count, number

SIDE = 340
"""Height of a chart in its own units."""

LEFT, RIGHT, TOP, BOTTOM = 48, 14, 30, 40
"""Room for axes."""


def element(tag: str, *inside: str | Markup, **attributes: object) -> Markup:
    """An SVG element; text and attributes are escaped, underscores in names become hyphens.

    Example:
        >>> str(element("text", "a < b", x=1.25, class_="tick", text_anchor="end"))
        '<text x="1.25" class="tick" text-anchor="end">a &lt; b</text>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"' for key, value in attributes.items()
    )
    body = "".join(escape(part) for part in inside)
    return Markup(f"<{tag}{written}>{body}</{tag}>")


def _plain(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Scale:
    """A line from low to high, with 0 always on it.

    Attributes:
        low: value at its left end.
        high: value at its right end.
    """

    low: float
    high: float

    @classmethod
    def over(cls, values: Sequence[float | None], margin: float = 0.04) -> Scale:
        """The scale that holds these values and 0."""
        known = [value for value in values if value is not None and math.isfinite(value)]
        low, high = min([0.0, *known]), max([0.0, *known])
        room = margin * (high - low) or 1.0
        return cls(low - room if low < 0 else low, high + room if high > 0 else (0.0 if low < 0 else 1.0))

    def at(self, value: float) -> float:
        """Where a value lies, 0 to 100."""
        return 100 * (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)

    def ticks(self, most: int = 5) -> list[float]:
        """Round values to mark."""
        return ticks(self.low, self.high, most)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values between two ends.

    Example:
        >>> ticks(-9.3, 2.1), ticks(0, 1)
        ([-8, -6, -4, -2, 0, 2], [0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    """
    span = high - low
    if not math.isfinite(span) or span <= 1e-9 * max(1.0, abs(low), abs(high)):
        return [low]
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if span / (factor * power) <= most + 1)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [
        round(step * index, decimals) + 0.0 if decimals else round(step * index) for index in range(first, last + 1)
    ]


def _tick(value: float) -> str:
    decimals = 0 if float(value).is_integer() else min(6, len(f"{value:.6f}".rstrip("0").split(".")[1]))
    return number(value, decimals)


def impact_bar(row: ImpactRow, scale: Scale) -> Markup:
    """A bar from 0 to the impact, its interval as a whisker; pale where it is not beyond chance."""
    value, low, high = row.impact, row.low, row.high
    inside = [element("line", x1=f"{scale.at(0):.2f}%", x2=f"{scale.at(0):.2f}%", y1=0, y2=24, class_="zero")]
    if value is not None:
        start, end = sorted((scale.at(0), scale.at(value)))
        kind = "lost" if value < 0 else "won"
        inside.append(
            element(
                "rect",
                x=f"{start:.2f}%",
                width=f"{end - start:.2f}%",
                y=5,
                height=14,
                rx=1,
                class_=f"{kind}{'' if row.is_clear else ' unsure'}",
            )
        )
    if low is not None and high is not None:
        inside.append(
            element("line", x1=f"{scale.at(low):.2f}%", x2=f"{scale.at(high):.2f}%", y1=12, y2=12, class_="whisker")
        )
        inside += [
            element("line", x1=f"{scale.at(end):.2f}%", x2=f"{scale.at(end):.2f}%", y1=8, y2=16, class_="whisker")
            for end in (low, high)
        ]
    return element("svg", *inside, width="100%", height=24, aria_hidden="true", class_="bar")


def axis(scale: Scale, unit: str) -> Markup:
    """The line of numbers above the bars."""
    inside = []
    for value in scale.ticks():
        place = scale.at(value)
        anchor = "start" if place < 6 else "end" if place > 94 else "middle"
        inside.append(element("text", _tick(value), x=f"{place:.2f}%", y=12, text_anchor=anchor, class_="tick"))
        inside.append(element("line", x1=f"{place:.2f}%", x2=f"{place:.2f}%", y1=16, y2=22, class_="mark"))
    return element("svg", *inside, width="100%", height=22, role="img", aria_label=f"axis: {unit}", class_="bar")


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


def pair_bars(dense: float | None, compressed: float | None, most: float) -> Markup:
    """Two thin bars, dense above compressed."""
    inside = [
        element("rect", x=0, y=top, height=8, rx=1, width=f"{100 * value / most if most else 0:.2f}%", class_=kind)
        for kind, top, value in (("dense", 2, dense), ("compressed", 13, compressed))
        if value is not None
    ]
    return element("svg", *inside, width="100%", height=23, aria_hidden="true", class_="bar")


@dataclass(frozen=True)
class Frame:
    """A chart's plane: values to places, with its axes.

    Attributes:
        x: (low, high) across.
        y: (low, high) upwards.
        width: of the whole chart.
        height: of the whole chart.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    width: float = SIDE * 1.25
    height: float = SIDE

    def across(self, value: float) -> float:
        """The place of a value across."""
        low, high = self.x
        return LEFT + (self.width - LEFT - RIGHT) * (value - low) / ((high - low) or 1)

    def up(self, value: float) -> float:
        """The place of a value upwards."""
        low, high = self.y
        return self.height - BOTTOM - (self.height - TOP - BOTTOM) * (value - low) / ((high - low) or 1)

    def axes(
        self, x_name: str, y_name: str, x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]]
    ) -> list[Markup]:
        """Grid, numbers and names."""
        drawn = []
        for value, text in y_ticks:
            y = self.up(value)
            drawn.append(element("line", x1=LEFT, x2=self.width - RIGHT, y1=y, y2=y, class_="grid"))
            drawn.append(element("text", text, x=LEFT - 6, y=y + 4, text_anchor="end", class_="tick"))
        for value, text in x_ticks:
            x = self.across(value)
            drawn.append(
                element("line", x1=x, x2=x, y1=self.height - BOTTOM, y2=self.height - BOTTOM + 5, class_="mark")
            )
            drawn.append(element("text", text, x=x, y=self.height - BOTTOM + 17, text_anchor="middle", class_="tick"))
        middle = (LEFT + self.width - RIGHT) / 2
        drawn.append(element("text", x_name, x=middle, y=self.height - 5, text_anchor="middle", class_="axis"))
        drawn.append(element("text", y_name, x=2, y=TOP - 14, text_anchor="start", class_="axis"))
        return drawn

    def svg(self, inside: Sequence[Markup], label: str) -> Markup:
        """The chart."""
        return element(
            "svg", *inside, viewBox=f"0 0 {self.width:g} {self.height:g}", role="img", aria_label=label, class_="chart"
        )


def _named(values: Sequence[float], unit: str = "") -> list[tuple[float, str]]:
    return [(value, _tick(value) + unit) for value in values]


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
    drawn = frame.axes("confidence, %", "accuracy, %", _named(ticks(0, 100)), _named(ticks(0, 100)))
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
    drawn = frame.axes("change of the probability, points", "examples", _named(ticks(low, high)), [(0, "0"), *y_ticks])
    for low, high, examples in rows:
        if examples:
            x, right = frame.across(low), frame.across(high)
            y = frame.up(math.sqrt(examples))
            label = f"{number(low, 0)} to {number(high, 0)} points: {count(examples)} examples"
            kind = "lost" if high <= 0 else "won" if low >= 0 else "other"
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


def curve(points: Sequence[CopyPoint], name: str, before: float | None) -> Markup | None:
    """A what-if curve: a number of the copies against their amount, one line a method.

    Args:
        points: copies without an amount, or with one above 1, stand side by side instead.
        name: what the upward axis says.
        before: the dense side's number, drawn as a level; None for no level.
    """
    if not points:
        return None
    amounts = [point.copy.amount for point in points]
    is_line = all(amount is not None and 0 <= amount <= 1 for amount in amounts)
    places = [amount or 0.0 for amount in amounts] if is_line else [float(place) for place in range(len(points))]
    ends = [end for point in points for end in (point.value, point.low, point.high) if end is not None]
    ends += [] if before is None else [before]
    bottom, top = min(ends), max(ends)
    room = 0.06 * (top - bottom) or 1.0
    margin = 0.07 * ((max(places) - min(places)) or 1)
    frame = Frame((min(places) - margin, max(places) + margin), (bottom - room, top + room))
    x_ticks: Sequence[tuple[float, str]] = [(place, str(place + 1)) for place in range(len(points))]
    if is_line:
        different = sorted({round(place, 4) for place in places})
        x_ticks = _named(different if len(set(places)) <= 8 else ticks(min(places), max(places)))
    is_sparsity = all(point.copy.realised_sparsity is not None for point in points)
    x_name = ("sparsity" if is_sparsity else "amount") if is_line else "copy, numbered as in the table"
    drawn = frame.axes(x_name, name, x_ticks, _named(ticks(*frame.y)))
    if before is not None:
        level = frame.up(before)
        drawn.append(element("line", x1=LEFT, x2=frame.width - RIGHT, y1=level, y2=level, class_="level"))
        drawn.append(element("text", "dense", x=frame.width - RIGHT, y=level - 5, text_anchor="end", class_="tick"))
    for index, method in enumerate(dict.fromkeys(point.copy.method for point in points)):
        mine = [(place, point) for place, point in zip(places, points, strict=True) if point.copy.method == method]
        drawn += _method_line(frame, index, sorted(mine, key=lambda at: at[0]), is_line)
    return frame.svg(drawn, f"{name} against the amount of compression")


def _method_line(frame: Frame, index: int, points: Sequence[tuple[float, CopyPoint]], is_line: bool) -> list[Markup]:
    kind, drawn = f"method-{index % 4}", []
    if is_line and len(points) > 1:
        path = " ".join(f"{frame.across(place):.1f},{frame.up(point.value):.1f}" for place, point in points)
        drawn.append(element("polyline", points=path, class_=f"{kind} path"))
    for place, point in points:
        x, y = frame.across(place), frame.up(point.value)
        if point.low is not None and point.high is not None:
            ends = {"y1": frame.up(point.low), "y2": frame.up(point.high)}
            drawn.append(element("line", x1=x, x2=x, **ends, class_="whisker"))
        drawn.append(_method_marker(index, x, y, kind, f"{point.copy.name}: {number(point.value)}"))
    return drawn


def _method_marker(index: int, x: float, y: float, kind: str, label: str) -> Markup:
    """Circle, square, diamond, triangle: methods told apart without colour."""
    text = element("title", label)
    if index % 4 == 0:
        return element("circle", text, cx=x, cy=y, r=4.5, class_=kind)
    if index % 4 == 1:
        return element("rect", text, x=x - 4, y=y - 4, width=8, height=8, class_=kind)
    points = ((0, -6), (6, 0), (0, 6), (-6, 0)) if index % 4 == 2 else ((0, -6), (5.5, 4.5), (-5.5, 4.5))
    return element("polygon", text, points=" ".join(f"{x + a:.1f},{y + b:.1f}" for a, b in points), class_=kind)


def method_key(index: int) -> Markup:
    """A method's mark for the legend."""
    return element(
        "svg",
        _method_marker(index, 8, 8, f"method-{index % 4}", ""),
        width=16,
        height=16,
        aria_hidden="true",
        class_="key",
    )


def side_key(kind: str) -> Markup:
    """A side's mark for the legend."""
    return element("svg", marker(kind, 8, 8, 5, kind), width=16, height=16, aria_hidden="true", class_="key")
