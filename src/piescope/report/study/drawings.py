"""The study page's own drawings: small inline SVGs that are legible on a phone and know no script."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from piescope.report.layout.curves import Curve, Mark, MethodCurve
from piescope.report.layout.svg import Frame, element, ticks
from piescope.report.study.forgotten import Forgotten, seeds_at
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.words import HAPPENED, family_name, hues_and_dashes
from piescope.wording import as_percent, count

MOST_POINTS = 1500
"""Of a scatter plot: all PIEs, and as many others, evenly taken, as there is room for."""


def curve(rows: Sequence[Forgotten]) -> Curve | None:
    """Examples that change label against sparsity, a line an arm; None where nothing was pruned.

    Sparsities stand at equal distances, in order.
    """
    if not rows:
        return None
    sparsities = sorted({row.arm.sparsity for row in rows})
    methods = []
    for family, style in hues_and_dashes(list(dict.fromkeys(row.arm.key.family for row in rows))).items():
        own = sorted((row for row in rows if row.arm.key.family == family), key=lambda row: row.arm.sparsity)
        marks = tuple(_mark(row, sparsities.index(row.arm.sparsity)) for row in own)
        methods.append(MethodCurve("/".join(family), family_name(*family), *style, marks))
    known = any(row.seeds.value is not None for row in rows)
    return Curve(
        "examples that change label",
        "weights removed",
        tuple(methods),
        tuple((float(place), as_percent(sparsity)) for place, sparsity in enumerate(sparsities)),
        tuple(seeds_at(rows, sparsity) for sparsity in sparsities) if known else (),
        are_counts=True,
    )


def _mark(row: Forgotten, place: int) -> Mark:
    title = f"{family_name(*row.arm.key.family)} at {as_percent(row.arm.sparsity)}: {count(row.shown)}"
    return Mark(place, row.shown, f"{row.arm.sparsity:g}", title, is_pale=row.is_clear is False)


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
    drawn = []
    for index in [*others.tolist(), *pies[:MOST_POINTS].tolist()]:
        kind = HAPPENED.get(arm.kinds[index], "same")
        x, y = frame.across(float(places[index, 0])), frame.up(float(places[index, 1]))
        drawn.append(element("circle", cx=round(x, 1), cy=round(y, 1), r=1.8 if kind == "same" else 3, class_=kind))
    return drawn
