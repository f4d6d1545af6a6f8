"""Drawing beyond the paper's seven: where PIEs come from, what they share, how many models it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from piescope.report.layout.canvas import Canvas, apart, bare, extent, fitted, named, widest
from piescope.report.layout.palette import DASHES, HUES, INK, LINE, OBJECTIVES, PALE, PAPER, SEEDS, SOFT
from piescope.report.layout.svg import spread
from piescope.report.study.forgotten import Forgotten, seeds_at
from piescope.report.study.paper_figures import TINT, heading_of
from piescope.report.study.results import Results
from piescope.report.study.rows import Bounds
from piescope.report.study.signal_rows import IntersectionRow, PartRow, ReplicateRow
from piescope.report.study.words import PARTS, family_name, hues_and_dashes
from piescope.wording import as_percent

STACKED = tuple(part for part in PARTS if part != "random_masks_beyond")
"""Parts that a bar is made of."""


def draw_forgotten(canvas: Canvas, rows: Sequence[Forgotten]) -> Figure:
    """Examples that change label against sparsity: a line an arm, pale where it is not clear, a grey band for seeds."""
    em, small = canvas.em, canvas.look.small
    sparsities = sorted({row.arm.sparsity for row in rows})
    band = [seeds_at(rows, sparsity) for sparsity in sparsities]
    top = 1.06 * max([1.0, *(row.shown for row in rows), *(high for _, high in band)])
    families = hues_and_dashes(list(dict.fromkeys(row.arm.key.family for row in rows)))
    names = {family: fitted(family_name(*family), 0.35 * canvas.width, small) for family in families}
    left, right = 2.2 * em + widest(0, top, 5, small), max(extent(name, small) for name in names.values()) + em
    canvas.y += 0.5 * em
    (axes,) = canvas.line(1, 1, left, 0, height=18 * em, most=canvas.width - left - right)
    canvas.beside(axes, "examples that change label")
    canvas.numbered(axes, "y", 0, top, most=5, whole=True)
    places = np.arange(len(sparsities))
    around = np.array([-0.25, *places, places[-1] + 0.25])
    lows, highs = np.array([band[0], *band, band[-1]]).T
    axes.fill_between(around, lows, highs, color=SEEDS.light, linewidth=0)
    ends = []
    for family, (hue, dash) in families.items():
        own = sorted((row for row in rows if row.arm.key.family == family), key=lambda row: row.arm.sparsity)
        _arm(canvas, axes, own, [sparsities.index(row.arm.sparsity) for row in own], hue, dash)
        ends.append((1 - own[-1].shown / top) * 18 * em)
    x, y, width, height = canvas.box(axes)
    for (family, (hue, _)), end in zip(families.items(), spread(ends, 1.25 * small, height), strict=True):
        canvas.write(x + width + 0.5 * em, y + end, names[family], colour=HUES[hue % len(HUES)], va="center")
    axes.set_xlim(-0.25, len(sparsities) - 0.75)
    _sparsities(canvas, axes, sparsities, canvas.box(axes)[2] / (len(sparsities) - 0.5))
    canvas.y += 1.4 * em
    canvas.below("weights removed (%)", left - right)
    seeds, unclear = {"marker": "s", "color": SEEDS.light}, {"color": SOFT.light, "alpha": PALE}
    canvas.key([([seeds], "seeds alone"), ([unclear], "not clearly more than seeds")])
    return canvas.finished()


def _arm(canvas: Canvas, axes: Axes, rows: Sequence[Forgotten], places: Sequence[int], hue: int, dash: int) -> None:
    """An arm's line; a count that is not clear is pale, and so is the piece that leads to it."""
    style = (0, DASHES[dash % len(DASHES)]) if dash % len(DASHES) else "-"
    look: dict[str, Any] = {
        "color": HUES[hue % len(HUES)].light,
        "linestyle": style,
        "linewidth": 1.4 * canvas.look.line,
    }
    size = 0.55 * canvas.em
    shown, strength = [row.shown for row in rows], [1.0 if row.is_clear else PALE for row in rows]
    for at in range(len(rows)):
        piece = slice(max(at - 1, 0), at + 1)
        axes.plot(places[piece], shown[piece], alpha=strength[at], **look)
        axes.plot(
            places[at], shown[at], "o", color=look["color"], alpha=strength[at], markersize=size, markeredgewidth=0
        )


def draw_decomposition(canvas: Canvas, rows: Sequence[PartRow]) -> Figure:
    """Stacked bars, a panel per objective and pruning, a bar per sparsity."""
    em, small = canvas.em, canvas.look.small
    families = list(dict.fromkeys(row.arm.family for row in rows))
    stacks = {family: _stacks(rows, family) for family in families}
    ends = [end for of in stacks.values() for parts in of.values() for end in _ends(parts)]
    low, high = min(0.0, *ends), max(1.0, *ends)
    low, high = low - 0.03 * (high - low) * (low < 0), high + 0.08 * (high - low)
    left, gap = 2.2 * em + widest(low, high, 4, small), 0.8 * em
    columns = canvas.columns(len(families), 5.5 * em, left, gap)
    for start in range(0, len(families), columns):
        shown = families[start : start + columns]
        canvas.headings([heading_of(family) for family in shown], columns, left, gap)
        panels = canvas.line(len(shown), columns, left, gap, height=16 * em)
        canvas.beside(panels[0], "PIEs")
        for axes, family in zip(panels, shown, strict=True):
            canvas.numbered(axes, "y", low, high)
            axes.axhline(0, color=SOFT.light, linewidth=0.6 * canvas.look.line)
            axes.set_xlim(-0.6, len(stacks[family]) - 0.4)
            pitch = canvas.box(axes)[2] / (len(stacks[family]) + 0.2)
            for place, parts in enumerate(stacks[family].values()):
                _stack(canvas, axes, place, parts, family[0], pitch)
            _sparsities(canvas, axes, list(stacks[family]), pitch)
            if axes is not panels[0]:
                axes.tick_params(labelleft=False)
        canvas.y += 1.4 * em
        canvas.below("weights removed (%)", left)
    canvas.key(_key_of_parts(canvas, rows))
    return canvas.finished()


def _stacks(rows: Sequence[PartRow], family: tuple[str, str]) -> dict[float, dict[str, Bounds]]:
    """The parts of an arm's PIEs at each sparsity."""
    own = [row for row in rows if row.arm.family == family]
    return {
        sparsity: {row.part: row.pies for row in own if row.arm.sparsity == sparsity}
        for sparsity in sorted({row.arm.sparsity for row in own})
    }


def _sparsities(canvas: Canvas, axes: Axes, sparsities: Sequence[float], pitch: float) -> None:
    """Sparsities in percent along an axis, the highest first where there is not room for all."""
    names = [as_percent(sparsity).rstrip(" %\N{NO-BREAK SPACE}") for sparsity in sparsities]
    distance = max(extent(name, canvas.look.small) for name in names) + 1
    shown = apart([pitch * place for place in range(len(names))], distance, range(len(names) - 1, -1, -1))
    named(axes, "x", shown, [names[place] for place in shown])


def _height(pies: Bounds) -> float:
    assert pies.value is not None, "every part has a value"
    return pies.value


def _placed(parts: dict[str, Bounds]) -> list[tuple[str, float, Bounds]]:
    """Each part of a bar with where it starts: what adds stands on what adds, what takes away hangs below 0."""
    up = down = 0.0
    placed = []
    for part in STACKED:
        if part in parts:
            height = _height(parts[part])
            placed.append((part, up if height >= 0 else down, parts[part]))
            up, down = up + max(height, 0), down + min(height, 0)
    return placed


def _ends(parts: dict[str, Bounds]) -> list[float]:
    """What has to be on the axis: bars, their intervals, the count of all models."""
    ends = [_height(parts["all_models"])]
    for _, start, pies in _placed(parts):
        ends += [start + end for end in pies if end is not None]
    return ends


def _stack(canvas: Canvas, axes: Axes, place: int, parts: dict[str, Bounds], objective: str, pitch: float) -> None:
    placed = _placed(parts)
    line, size = 0.7 * canvas.look.line, 0.6 * canvas.em
    halo = patheffects.withStroke(linewidth=2 * line, foreground=PAPER.light)  # a bar may be as dark
    for index, (part, start, pies) in enumerate(placed):
        height = _height(pies)
        axes.bar(place, height, bottom=start, width=0.66, color=_colour(part, objective), linewidth=0)
        if pies.low is not None and pies.high is not None:
            shift = 0.16 * (index - (len(placed) - 1) / 2)  # beside each other, so that none hides another
            ends = start + pies.low, start + pies.high
            axes.vlines(place + shift, *ends, color=INK.light, linewidth=line, path_effects=[halo])
    ring: dict[str, Any] = {
        "path_effects": [halo],
        "markersize": size,
        "markerfacecolor": "none",
        "markeredgewidth": line,
        "zorder": 5,
    }
    axes.plot(place, _height(parts["all_models"]), "o", color=INK.light, **ring)
    random = parts.get("random_masks_beyond")
    if random is None:
        return
    total, top = sum(_height(pies) for _, _, pies in placed) + _height(random), axes.get_ylim()[1]
    axes.plot(place, min(total, top), "x", color=INK.light, clip_on=False, **ring)
    if total > top:  # it would make all bars flat
        text, room = f"{total:.0f}", pitch - 1
        if extent(text, canvas.look.small) < room:
            axes.annotate(
                text, (place, top), xytext=(0, -0.5 * canvas.em), textcoords="offset points", ha="center", va="top",
                fontsize=canvas.look.small, color=SOFT.light,
            )  # fmt: skip


def _colour(part: str, objective: str) -> str:
    hue = OBJECTIVES.get(objective, INK)
    return {"seeds": SEEDS.light, "fine_tuning": hue.tint(TINT)}.get(part, hue.light)


def _key_of_parts(canvas: Canvas, rows: Sequence[PartRow]) -> list[tuple[list[dict[str, Any]], str]]:
    square = {"marker": "s", "markersize": 0.8 * canvas.em}
    items: list[tuple[list[dict[str, Any]], str]] = []
    for part in STACKED:
        objectives = dict.fromkeys(row.arm.objective for row in rows if row.part == part)
        colours = dict.fromkeys(_colour(part, objective) for objective in objectives)
        if colours:
            items.append(([square | {"color": colour} for colour in colours], PARTS[part]))
    open_mark = {"color": INK.light, "markerfacecolor": "none", "markeredgewidth": 0.7 * canvas.look.line}
    items.append(([open_mark | {"marker": "o"}], "count of all models"))
    if any(row.part == "random_masks_beyond" for row in rows):
        items.append(([open_mark | {"marker": "x"}], "with random masks"))
    return items


def draw_intersections(canvas: Canvas, rows: Sequence[IntersectionRow]) -> Figure:
    """An upset plot: bars of exclusive intersections over a matrix of the sets that they are in."""
    em, small, line = canvas.em, canvas.look.small, canvas.look.line
    sets = list(rows[0].members)
    names = [fitted(family_name(*family), 0.35 * canvas.width, small) for family in sets]
    left = max(extent(name, small) for name in names) + 0.8 * em
    canvas.y += 0.5 * em
    (bars,) = canvas.line(1, 1, left, 0, height=12 * em)
    canvas.y += 0.5 * em
    (matrix,) = canvas.line(1, 1, left, 0, height=1.5 * em * len(sets))
    places = np.arange(len(rows))
    bars.bar(places, [row.examples for row in rows], width=0.66, color=[_bar_colour(row) for row in rows])
    bars.hlines([row.by_chance for row in rows], places - 0.4, places + 0.4, color=INK.light, linewidth=1.2 * line)
    hard = [row.if_equally_hard for row in rows]
    dot: dict[str, Any] = {"color": INK.light, "markersize": 0.45 * em, "markeredgewidth": 0.5 * line}
    bars.plot(places, hard, "o", **dot | {"markeredgecolor": "white"})
    top = max(max(row.examples, row.by_chance, row.if_equally_hard) for row in rows)
    canvas.numbered(bars, "y", 0, 1.06 * top, whole=True)
    _, where, _, height = canvas.box(bars)
    room = widest(0, top, 4, small) + 2.2 * em
    canvas.write(left - room, where + height / 2, "examples", rotation=90, va="center", ha="left")
    for axes in (bars, matrix):
        axes.set_xlim(-0.7, max(len(rows), 8) - 0.3)
    _matrix(canvas, matrix, rows, sets, names)
    canvas.key(
        [
            ([{"linestyle": "-", "marker": "", "color": INK.light, "linewidth": 1.2 * line}], "by chance"),
            ([dot], "by chance, equally hard"),
        ]
    )
    return canvas.finished()


def _matrix(
    canvas: Canvas, matrix: Axes, rows: Sequence[IntersectionRow], sets: Sequence[tuple[str, str]], names: Sequence[str]
) -> None:
    size = 0.75 * canvas.em
    for place, row in enumerate(rows):
        levels = [level for level, family in enumerate(sets) if row.members[family]]
        matrix.plot([place, place], [min(levels), max(levels)], color=SOFT.light, linewidth=canvas.look.line, zorder=2)
    for level, family in enumerate(sets):
        inside = [place for place, row in enumerate(rows) if row.members[family]]
        dots: dict[str, Any] = {"marker": "o", "linestyle": "", "markersize": size, "markeredgewidth": 0}
        matrix.plot(range(len(rows)), [level] * len(rows), color=LINE.light, zorder=1, **dots)
        matrix.plot(inside, [level] * len(inside), color=OBJECTIVES.get(family[0], INK).light, zorder=3, **dots)
    named(matrix, "y", range(len(sets)), names)
    matrix.set_ylim(len(sets) - 0.5, -0.5)
    bare(matrix)
    matrix.tick_params(length=0)


def _bar_colour(row: IntersectionRow) -> str:
    objectives = {objective for (objective, _), is_in in row.members.items() if is_in}
    return OBJECTIVES.get(objectives.pop(), INK).light if len(objectives) == 1 else SOFT.light


def draw_replicates(canvas: Canvas, rows: Sequence[ReplicateRow], results: Results) -> Figure:
    """PIE count against models, a panel per objective and pruning."""
    em = canvas.em
    families = list(dict.fromkeys(row.arm.family for row in rows))
    gap = 1.2 * em + extent("000", canvas.look.small)
    left = gap + 1.2 * em
    columns = canvas.columns(len(families), 7 * em, left, gap)
    for start in range(0, len(families), columns):
        shown = families[start : start + columns]
        canvas.headings([heading_of(family) for family in shown], columns, left, gap)
        panels = canvas.line(len(shown), columns, left, gap, height=12 * em)
        canvas.beside(panels[0], f"PIEs at {as_percent(results.main_sparsity)}")
        for axes, family in zip(panels, shown, strict=True):
            _curve(canvas, axes, [row for row in rows if row.arm.family == family])
        canvas.y += 1.4 * em
        canvas.below("models", left)
    grey, band = (
        {"marker": "", "color": SOFT.light, "linewidth": 1.3 * canvas.look.line},
        {"marker": "s", "color": LINE.light},
    )
    canvas.key(
        [
            ([grey | {"linestyle": "-"}], "subsamples"),
            ([grey | {"linestyle": "--"}], "drawn out"),
            ([band | {"markersize": 0.8 * em}], "any number of models"),
        ]
    )
    return canvas.finished()


def _curve(canvas: Canvas, axes: Axes, rows: Sequence[ReplicateRow]) -> None:
    seen, further = ([row for row in rows if row.drawn_out is wanted] for wanted in (False, True))
    colour = OBJECTIVES.get(rows[0].arm.objective, INK).light
    _, least, most = rows[0].limit
    if least is not None and most is not None:
        axes.axhspan(least, most, color=LINE.light, zorder=0, linewidth=0)
    for part, style in ((seen, "-"), ([seen[-1], *further], "--")) if further else ((seen, "-"),):
        models, pies = [row.models for row in part], [row.pies for row in part]
        axes.plot(models, pies, style, color=colour, linewidth=1.3 * canvas.look.line)
        low, high = ([row.pies + sign * row.spread for row in part] for sign in (-1, 1))
        axes.fill_between(models, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.set_xscale("log")
    counts = sorted({seen[0].models, seen[-1].models, rows[-1].models})
    axes.set_xlim(counts[0] / 1.1, counts[-1] * 1.1)
    places = np.log(counts) / np.log(1.21 * counts[-1] / counts[0]) * canvas.box(axes)[2]
    chosen = apart(places.tolist(), extent("000", canvas.look.small), [len(counts) - 1, *range(len(counts) - 1)])
    axes.minorticks_off()
    named(axes, "x", [counts[index] for index in chosen], [f"{counts[index]:,}" for index in chosen])
    axes.minorticks_off()
    top = max(row.pies + row.spread for row in rows)
    canvas.numbered(axes, "y", 0, 1.05 * max(1.0, top, most or 0.0), most=3)
