"""Small inline SVGs without style attributes, which the page's policy would not admit: elements, scales, axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

from piescope.wording import number, printable

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
    body = "".join(escape(printable(part) if type(part) is str else part) for part in inside)
    return Markup(f"<{tag}{written}>{body}</{tag}>")


def _plain(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else printable(value)


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


def tick(value: float) -> str:
    """A number beside a mark of an axis, with as many decimals as it has."""
    decimals = 0 if float(value).is_integer() else min(6, len(f"{value:.6f}".rstrip("0").split(".")[1]))
    return number(value, decimals)


def axis(scale: Scale, unit: str) -> Markup:
    """The line of numbers above the bars."""
    inside = []
    for value in scale.ticks():
        place = scale.at(value)
        anchor = "start" if place < 6 else "end" if place > 94 else "middle"
        inside.append(element("text", tick(value), x=f"{place:.2f}%", y=12, text_anchor=anchor, class_="tick"))
        inside.append(element("line", x1=f"{place:.2f}%", x2=f"{place:.2f}%", y1=16, y2=22, class_="mark"))
    return element("svg", *inside, width="100%", height=22, role="img", aria_label=f"axis: {unit}", class_="bar")


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

    def svg(self, inside: Sequence[Markup], label: str, anchor: str = "") -> Markup:
        """The chart; with an id where it has an anchor, and then as wide as there is room."""
        named = {"id": anchor} if anchor else {"class_": "chart"}
        box = f"0 0 {self.width:g} {self.height:g}"
        return element("svg", *inside, viewBox=box, role="img", aria_label=label, **named)


def named(values: Sequence[float], unit: str = "") -> list[tuple[float, str]]:
    """Marks of an axis with their numbers."""
    return [(value, tick(value) + unit) for value in values]


def spread(places: Sequence[float], distance: float, most: float) -> list[float]:
    """Places moved so that neighbours are so far apart: downwards, and upwards where one would be beyond ``most``.

    Example:
        >>> spread([1.0, 9.0, 9.5], 2.0, 10.0)
        [1.0, 8.0, 10.0]
    """
    order, moved = sorted(range(len(places)), key=lambda index: places[index]), list(places)
    for first, second in pairwise(order):
        moved[second] = max(moved[second], moved[first] + distance)
    for index in reversed(order):
        moved[index] = most = min(moved[index], most)
        most -= distance
    lowest = min(places, default=0.0)  # what was pushed above all others is lowered again
    for index in order:
        moved[index] = lowest = max(moved[index], lowest)
        lowest += distance
    return moved
