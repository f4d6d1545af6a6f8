"""The study page's own drawings: small inline SVGs that are legible on a phone and know no script."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from piescope.report.layout.svg import Frame, element, ticks
from piescope.report.study.forgotten import Forgotten, seeds_at
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.words import family_name, hues_and_dashes
from piescope.wording import as_percent, count, number, printable

LABELS = 8
"""Arms that are named beside their lines; more would not be told apart there."""

LINE = 17.0
"""Room of a line of text, in the curve's units."""

MOST_POINTS = 1500
"""Of a scatter plot: all PIEs, and as many others, evenly taken, as there is room for."""

WIDTH, HEIGHT = 560.0, 330.0


def styles(families: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """CSS classes of each (objective, pruning).

    Example:
        >>> styles([("supervised", "gmp"), ("supcon", "gmp"), ("supcon", "one_shot")])["supcon", "one_shot"]
        'hue-1 dash-1'
    """
    return {family: f"hue-{hue % 4} dash-{dash % 4}" for family, (hue, dash) in hues_and_dashes(families).items()}


def arm_marks(rows: Sequence[Forgotten]) -> tuple[tuple[Markup, str], ...]:
    """The legend of the curve."""
    families = list(dict.fromkeys(row.arm.key.family for row in rows))
    marks = []
    for family, style in styles(families).items():
        line = element("line", x1=0, x2=26, y1=8, y2=8, class_=f"path {style}")
        marks.append(
            (element("svg", line, width=26, height=16, aria_hidden="true", class_="key"), family_name(*family))
        )
    return tuple(marks)


def curve(rows: Sequence[Forgotten]) -> Markup:
    """Examples that change label against sparsity: a line an arm, a grey band for seeds alone.

    Sparsities stand at equal distances, in order. `explorer/README.md` says what its script looks for.
    """
    sparsities = sorted({row.arm.sparsity for row in rows})
    families = list(dict.fromkeys(row.arm.key.family for row in rows))
    places = {sparsity: place for place, sparsity in enumerate(sparsities)}
    band = [seeds_at(rows, sparsity) for sparsity in sparsities]
    top = max([1.0, *(row.shown for row in rows), *(high for _, high in band)])
    named = len(families) <= LABELS
    frame = Frame((-0.25, max(len(sparsities) - 1, 1) + (1.1 if named else 0.25)), (0, 1.06 * top), WIDTH, HEIGHT)
    y_ticks = [(value, number(value, 0)) for value in ticks(0, top) if float(value).is_integer()]
    x_ticks = [(float(place), as_percent(sparsity)) for sparsity, place in places.items()]
    drawn = [_band(frame, band)]
    drawn += frame.axes("weights removed", "examples that change label", x_ticks, y_ticks)
    ends = []
    for family, style in styles(families).items():
        own = sorted((row for row in rows if row.arm.key.family == family), key=lambda row: row.arm.sparsity)
        drawn.append(_line(frame, own, places, style))
        ends.append((frame.across(places[own[-1].arm.sparsity]), frame.up(own[-1].shown), family, style))
    drawn += _labels(ends) if named else []
    label = "Examples that change label against sparsity, one line a method"
    return element("svg", *drawn, id="curve", viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}", role="img", aria_label=label)


def _band(frame: Frame, band: Sequence[tuple[float, float]]) -> Markup:
    reach = [(place, ends) for place, ends in enumerate(band)]
    reach = [(-0.25, reach[0][1]), *reach, (len(band) - 0.75, reach[-1][1])]  # type: ignore[list-item]
    top = [f"{frame.across(place):.1f},{frame.up(high):.1f}" for place, (_, high) in reach]
    bottom = [f"{frame.across(place):.1f},{frame.up(low):.1f}" for place, (low, _) in reversed(reach)]
    title = element("title", "what other seeds alone would change, 95 % interval")
    return element("polygon", title, points=" ".join([*top, *bottom]), class_="seeds")


def _line(frame: Frame, rows: Sequence[Forgotten], places: dict[float, int], style: str) -> Markup:
    at = [(frame.across(places[row.arm.sparsity]), frame.up(row.shown)) for row in rows]
    marks = []
    for before, after, row in zip(at, at[1:], rows[1:], strict=False):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (before, after))
        marks.append(element("polyline", points=points, class_=f"path {style}{_pale(row)}"))
    for (x, y), row in zip(at, rows, strict=True):
        text = f"{family_name(*row.arm.key.family)} at {as_percent(row.arm.sparsity)}: {count(row.shown)}"
        level = f"{row.arm.sparsity:g}"
        title = element("title", text)
        marks.append(element("circle", title, cx=x, cy=y, r=4.2, class_=f"{style}{_pale(row)}", data_level=level))
    return element("g", *marks, data_arm="/".join(rows[0].arm.key.family))


def _pale(row: Forgotten) -> str:
    return " pale" if row.is_clear is False else ""


def _labels(ends: Sequence[tuple[float, float, tuple[str, str], str]]) -> list[Markup]:
    """Names beside the lines' ends, moved apart where they would touch, all within the drawing."""
    ordered = sorted(ends, key=lambda end: end[1])
    rows: list[float] = []
    for _, y, _, _ in ordered:
        rows.append(max(y, rows[-1] + LINE if rows else 0.0))
    over = max(0.0, rows[-1] - (HEIGHT - 44)) if rows else 0.0
    for place in reversed(range(len(rows))):
        rows[place] = (
            min(rows[place], (HEIGHT - 44 if place == len(rows) - 1 else rows[place + 1] - LINE))
            if over
            else rows[place]
        )
    return [
        element("text", printable(family_name(*family), 26), x=x + 10, y=y + 4.5, class_=f"direct {style.split()[0]}")
        for (x, _, family, style), y in zip(ordered, rows, strict=True)
    ]


def pairs(arm: ArmResult, measure: str, name: str) -> Markup | None:
    """Each example's measure in dense against pruned models; None where it was not measured."""
    dense, pruned = arm.columns[f"dense_{measure}"], arm.columns[f"pruned_{measure}"]
    if not (np.isfinite(dense).all() and np.isfinite(pruned).all()):
        return None
    low, high = (float(edge) for edge in (min(dense.min(), pruned.min()), max(dense.max(), pruned.max())))
    room = 0.04 * (high - low) or 1.0
    frame = Frame((low - room, high + room), (low - room, high + room), 360, 330)
    marks = [(value, f"{value:g}") for value in ticks(low, high)]
    drawn = frame.axes("dense", f"pruned: {name}", marks, marks)
    start, end = low - room, high + room
    line = {"x1": frame.across(start), "y1": frame.up(start), "x2": frame.across(end), "y2": frame.up(end)}
    drawn.append(element("line", **line, class_="ideal"))
    drawn += _points(frame, np.stack([dense, pruned], axis=1), arm)
    return frame.svg(drawn, f"{name} of each example, dense against pruned models")


def map_of(arm: ArmResult, of: ArmResult, results: Results) -> Markup | None:
    """A map of an arm's representation, on which the PIEs of another (or of itself) are marked."""
    if arm.embedding is None:
        return None
    low, high = arm.embedding.min(0), arm.embedding.max(0)
    size = float(max(high - low)) or 1.0
    middle = (low + high) / 2
    frame = Frame((-0.54, 0.54), (-0.54, 0.54), 360, 330)
    scaled = (arm.embedding - middle) / size
    where = "dense models" if arm.is_dense else f"pruned models, {as_percent(arm.sparsity)}"
    return frame.svg(_points(frame, scaled, of), f"Map of the representation of {where}")


def _points(frame: Frame, places: np.ndarray, arm: ArmResult) -> list[Markup]:
    """A dot an example: grey, and above them the PIEs in the colour of what happened to them."""
    pies, others = np.flatnonzero(arm.is_pie), np.flatnonzero(~arm.is_pie)
    room = max(MOST_POINTS - len(pies), 100)
    others = others[:: max(1, -(-len(others) // room))]
    truth, dense, pruned = (arm.columns[name] for name in ("label", "dense_label", "pruned_label"))
    drawn = []
    for index in [*others.tolist(), *pies[:MOST_POINTS].tolist()]:
        kind = "same"
        if arm.is_pie[index]:
            kind = "lost" if dense[index] == truth[index] else "rescued" if pruned[index] == truth[index] else "moved"
        x, y = frame.across(float(places[index, 0])), frame.up(float(places[index, 1]))
        drawn.append(element("circle", cx=round(x, 1), cy=round(y, 1), r=1.8 if kind == "same" else 3, class_=kind))
    return drawn
