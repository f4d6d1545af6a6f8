"""A curve of a study's arms or of a what-if's copies: a line a method, a mark a level; for the page and its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from piescope.report.layout.svg import LEFT, RIGHT, SIDE, Frame, element, named, spread, ticks
from piescope.wording import LONGEST_NAME, printable

LABELS = 8
"""Methods that are named beside their lines; more would not be told apart there."""

LINE = 17.0
"""Room of a line of text, in the curve's units."""


@dataclass(frozen=True)
class Mark:
    """What a method does at one level.

    Attributes:
        x: where the level stands.
        y: the value.
        level: names it for the explorer.
        title: both in words.
        low: of the value's interval; None: none is drawn.
        high: likewise.
        is_pale: it is not clear.
    """

    x: float
    y: float
    level: str
    title: str
    low: float | None = None
    high: float | None = None
    is_pale: bool = False


@dataclass(frozen=True)
class MethodCurve:
    """One line.

    Attributes:
        key: names it for the explorer.
        name: for people.
        hue: index into `palette.HUES`.
        dash: index into `palette.DASHES`.
        marks: rising in x, at least one.
    """

    key: str
    name: str
    hue: int
    dash: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Curve:
    """What is lost against how much was taken away.

    Attributes:
        up: what the values are.
        across: what the levels are.
        methods: at least one.
        levels: places and names of what stands below.
        seeds: from where to where seeds alone reach, one a level; empty: not known.
        before: the value of the dense side; None: none is drawn.
        are_counts: values begin at 0, and are whole.
        are_joined: marks of a method lie on a line.
    """

    up: str
    across: str
    methods: tuple[MethodCurve, ...]
    levels: tuple[tuple[float, str], ...]
    seeds: tuple[tuple[float, float], ...] = ()
    before: float | None = None
    are_counts: bool = False
    are_joined: bool = True

    @property
    def margin(self) -> float:
        """Room beside the first and the last level: a quarter of the way to the next."""
        return 0.25 * ((self.levels[-1][0] - self.levels[0][0]) / max(1, len(self.levels) - 1) or 1.0)

    @property
    def band(self) -> list[tuple[float, float, float]]:
        """The reach of seeds with its places, a little beyond the first and the last level."""
        inside = [(place, *ends) for (place, _), ends in zip(self.levels, self.seeds, strict=False)]
        first, last = inside[0], inside[-1]
        return [(first[0] - self.margin, *first[1:]), *inside, (last[0] + self.margin, *last[1:])]


def svg(curve: Curve, anchor: str = "") -> Markup:
    """For a page; with an id it is the first screen's, with names beside its lines and what the explorer looks for."""
    marks = [mark for method in curve.methods for mark in method.marks]
    ends = [end for mark in marks for end in (mark.y, mark.low, mark.high) if end is not None]
    ends += [end for reach in curve.seeds for end in reach] + ([] if curve.before is None else [curve.before])
    low, high = (0.0, max(1.0, *ends)) if curve.are_counts else (min(ends), max(ends))
    room, is_named = 0.06 * (high - low) or 1.0, bool(anchor) and len(curve.methods) <= LABELS
    first, last, margin = curve.levels[0][0], curve.levels[-1][0], curve.margin
    right = last + (0.36 * (last - first or 1.0) + margin if is_named else margin)
    size = (560.0, 330.0) if anchor else (SIDE * 1.25, SIDE)
    frame = Frame((first - margin, right), (low if curve.are_counts else low - room, high + room), *size)
    y_ticks = [tick for tick in named(ticks(*frame.y)) if not curve.are_counts or float(tick[0]).is_integer()]
    x_ticks = curve.levels if len(curve.levels) <= 8 else named(ticks(first, last))
    drawn = [_band(frame, curve)] if curve.seeds else []
    drawn += frame.axes(curve.across, curve.up, x_ticks, y_ticks)
    if curve.before is not None:
        y = frame.up(curve.before)
        drawn.append(element("line", x1=LEFT, x2=frame.width - RIGHT, y1=y, y2=y, class_="level"))
        drawn.append(element("text", "dense", x=frame.width - RIGHT, y=y - 5, text_anchor="end", class_="tick"))
    drawn += [_line(frame, method, curve.are_joined) for method in curve.methods]
    drawn += _names(frame, curve.methods) if is_named else []
    return frame.svg(drawn, f"{curve.up} against {curve.across}, one line a method", anchor)


def _band(frame: Frame, curve: Curve) -> Markup:
    top = [f"{frame.across(x):.1f},{frame.up(high):.1f}" for x, _, high in curve.band]
    bottom = [f"{frame.across(x):.1f},{frame.up(low):.1f}" for x, low, _ in reversed(curve.band)]
    title = element("title", "what other seeds alone would change on average, 95 % interval")
    return element("polygon", title, points=" ".join([*top, *bottom]), class_="seeds")


def _line(frame: Frame, method: MethodCurve, is_joined: bool) -> Markup:
    """Its pieces, each as pale as the mark that it leads to; whiskers; marks."""
    hue, drawn = f"hue-{method.hue % 4}", []
    for before, after in pairwise(method.marks if is_joined else ()):
        points = " ".join(f"{frame.across(mark.x):.1f},{frame.up(mark.y):.1f}" for mark in (before, after))
        drawn.append(element("polyline", points=points, class_=f"path {hue} dash-{method.dash % 4}{_pale(after)}"))
    for mark in method.marks:
        x = frame.across(mark.x)
        if mark.low is not None and mark.high is not None:
            ends = {"y1": frame.up(mark.low), "y2": frame.up(mark.high)}
            drawn.append(element("line", x1=x, x2=x, **ends, class_="whisker"))
        title, shown = element("title", mark.title), {"class_": hue + _pale(mark), "data_level": mark.level}
        drawn.append(element("circle", title, cx=x, cy=frame.up(mark.y), r=4.2, **shown))
    return element("g", *drawn, data_arm=method.key)


def _pale(mark: Mark) -> str:
    return " pale" if mark.is_pale else ""


def _names(frame: Frame, methods: Sequence[MethodCurve]) -> list[Markup]:
    """Beside the lines' ends, moved apart where they would touch, all within the drawing."""
    places = spread([frame.up(method.marks[-1].y) for method in methods], LINE, frame.height - 44)
    return [
        element(
            "text", printable(method.name, 26), x=frame.across(method.marks[-1].x) + 10, y=y + 4.5,
            class_=f"direct hue-{method.hue % 4}",
        )
        for method, y in zip(methods, places, strict=True)
    ]  # fmt: skip


def legend(curve: Curve) -> tuple[tuple[Markup, str], ...]:
    """A key a method."""
    return tuple((_key(method), printable(method.name, LONGEST_NAME)) for method in curve.methods)


def _key(method: MethodCurve) -> Markup:
    line = element("line", x1=0, x2=26, y1=8, y2=8, class_=f"path hue-{method.hue % 4} dash-{method.dash % 4}")
    mark = element("circle", cx=13, cy=8, r=4, class_=f"hue-{method.hue % 4}")
    return element("svg", line, mark, width=26, height=16, aria_hidden="true", class_="key")
