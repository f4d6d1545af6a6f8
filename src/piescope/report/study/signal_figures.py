"""Figures beyond the paper's seven: where PIEs come from, what they share, how many models it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from piescope.report.study.figures import GREY, LIGHT, STRONG, Drawn, drawn
from piescope.report.study.results import Results
from piescope.report.study.rows import Bounds
from piescope.report.study.signal import Signal
from piescope.report.study.signal_rows import IntersectionRow, PartRow, ReplicateRow
from piescope.report.study.words import OBJECTIVES_IN_FULL, family_name
from piescope.wording import as_percent

FIRST_NUMBER = 8

SEEDS = "#C9CDD3"
PARTS = {
    "seeds": "seeds alone",
    "fine_tuning": "fine-tuning",
    "sparsity": "missing weights",
    "fine_tuning_and_sparsity": "fine-tuning and missing weights",
}


def draw_signal(signal: Signal) -> list[Drawn]:
    """Figures 8 to 10."""
    results = signal.results
    main = as_percent(results.main_sparsity)
    parts = [*signal.rows.decomposition, *_counts(signal)] if signal.rows.decomposition else []
    curves = [row for row in signal.rows.replicates if row.arm.sparsity == results.main_sparsity]
    sets = signal.intersections()
    return [
        drawn(
            FIRST_NUMBER,
            "Where the PIEs come from",
            "PIEs between groups of models of equal size, split: what two dense groups with other seeds would show "
            "(grey), what fine-tuning adds, what the missing weights add; each with its 95 % interval over seeds and "
            "examples. A part below zero makes models agree. Ring: the count of all models, as the paper counts. "
            "Cross: the same with masks drawn at random.",
            parts,
            lambda: draw_decomposition(parts),
        ),
        drawn(
            FIRST_NUMBER + 1,
            f"Which prunings lose the same examples, at {main}",
            "Examples that are PIEs of exactly the marked prunings. Line: expected, were the sets independent; dot: "
            "were they independent among examples that the dense models find equally hard. Sets of one objective are "
            "compared with the same dense models and share their chance labels; the table of overlaps has them apart.",
            sets,
            lambda: draw_intersections(sets),
        ),
        drawn(
            FIRST_NUMBER + 2,
            f"How the PIE count at {main} depends on the number of models",
            "Mean over subsamples of the models, ± the standard deviation over studies with other seeds. Dashed: drawn "
            "out to more models than there are. Band: the count with any number of models, by two laws for the rest.",
            curves,
            lambda: draw_replicates(curves, results),
        ),
    ]


def _counts(signal: Signal) -> list[PartRow]:
    """The count of all models, for the rings."""
    pruned = {arm.key for arm in signal.results.pruned()}
    counted = [row for row in signal.rows.noise if row.arm in pruned]
    return [PartRow(row.arm, "all_models", Bounds(row.pies, None, None)) for row in counted]


def _panels(count: int, height: float, **options: Any) -> tuple[Figure, np.ndarray]:
    size = max(1.55 * count, 4.2), height
    figure, axes = pyplot.subplots(1, count, figsize=size, squeeze=False, layout="constrained", **options)
    return figure, axes


def draw_decomposition(rows: Sequence[PartRow]) -> Figure:
    """Stacked bars, a panel per objective and pruning, a bar per sparsity."""
    families = list(dict.fromkeys(row.arm.family for row in rows))
    figure, grid = _panels(len(families), height=2.9, sharey=True)
    for axes, family in zip(grid[0], families, strict=True):
        own = [row for row in rows if row.arm.family == family]
        sparsities = sorted({row.arm.sparsity for row in own})
        for place, sparsity in enumerate(sparsities):
            parts = {row.part: row.pies for row in own if row.arm.sparsity == sparsity}
            _stack(axes, place, parts, family[0])
        axes.axhline(0, color="black", linewidth=0.6)
        axes.set_xticks(range(len(sparsities)), [as_percent(sparsity) for sparsity in sparsities])
        axes.set_title(family_name(*family))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    grid[0][0].set_ylabel("PIEs")
    figure.legend(handles=_bar_legend(rows), loc="outside lower center", ncols=3, frameon=False)
    return figure


def _colour(part: str, objective: str) -> str:
    return {"seeds": SEEDS, "fine_tuning": LIGHT[objective]}.get(part, STRONG[objective])


def _stack(axes: Axes, place: int, parts: dict[str, Bounds], objective: str) -> None:
    up = down = 0.0
    shown = [(part, parts[part]) for part in PARTS if part in parts]
    for index, (part, pies) in enumerate(shown):
        height = _height(pies)
        start = up if height >= 0 else down
        axes.bar(place, height, bottom=start, width=0.66, color=_colour(part, objective), linewidth=0)
        if pies.low is not None and pies.high is not None:
            ends = [[height - pies.low], [pies.high - height]]
            shift = 0.14 * (index - (len(shown) - 1) / 2)  # beside each other, so that none hides another
            axes.errorbar(place + shift, start + height, yerr=ends, color="black", linewidth=0.7, capsize=1.5)
        up, down = max(up, start + height) if height >= 0 else up, min(down, start + height) if height < 0 else down
    count = _height(parts["all_models"])
    axes.plot(place, count, "o", markersize=4.5, markerfacecolor="none", color="black", zorder=5)
    random = parts.get("random_masks_beyond")
    if random is not None:
        total = sum(_height(pies) for _, pies in shown) + _height(random)
        axes.plot(place, total, "x", markersize=4.5, color="black", zorder=5)


def _height(pies: Bounds) -> float:
    assert pies.value is not None, "every part has a value"
    return pies.value


def _bar_legend(rows: Sequence[PartRow]) -> list[Patch | Line2D]:
    objectives = list(dict.fromkeys(row.arm.objective for row in rows))
    handles: list[Patch | Line2D] = [Patch(color=SEEDS, label=PARTS["seeds"])]
    for objective in objectives:
        name = OBJECTIVES_IN_FULL[objective]
        handles += [
            Patch(color=_colour(part, objective), label=f"{label}, {name}")
            for part, label in PARTS.items()
            if part != "seeds" and part in {row.part for row in rows if row.arm.objective == objective}
        ]
    handles.append(_mark("o", "count of all models"))
    if any(row.part == "random_masks_beyond" for row in rows):
        handles.append(_mark("x", "with random masks"))
    return handles


def _mark(marker: str, label: str) -> Line2D:
    style: dict[str, Any] = {"linestyle": "", "color": "black", "markersize": 4.5, "markerfacecolor": "none"}
    return Line2D([], [], marker=marker, label=label, **style)


def draw_intersections(rows: Sequence[IntersectionRow]) -> Figure:
    """An upset plot: bars of exclusive intersections over a matrix of the sets that they are in."""
    sets = list(rows[0].members)
    size, heights = (max(4.2, 0.3 * len(rows) + 2.0), 2.0 + 0.2 * len(sets)), (1.9, 0.2 * len(sets))
    figure, axes = pyplot.subplots(2, 1, figsize=size, height_ratios=heights, sharex=True, layout="constrained")
    bars, matrix = axes
    places = np.arange(len(rows))
    bars.bar(places, [row.examples for row in rows], width=0.66, color=[_bar_colour(row) for row in rows])
    chance = [row.by_chance for row in rows]
    bars.hlines(chance, places - 0.4, places + 0.4, color="black", linewidth=1.1)
    bars.plot(places, [row.if_equally_hard for row in rows], "o", color="black", markersize=3.2)
    bars.set_ylabel("examples")
    bars.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    handles = [
        Line2D([], [], color="black", linewidth=1.1, label="by chance"),
        Line2D([], [], color="black", marker="o", markersize=3.2, linestyle="", label="by chance, equally hard"),
    ]
    bars.legend(handles=handles, frameon=False, loc="upper right")
    for level, family in enumerate(sets):
        inside = [place for place, row in zip(places, rows, strict=True) if row.members[family]]
        matrix.plot(places, [level] * len(rows), "o", color="#E3E6EA", markersize=5, zorder=1)
        matrix.plot(inside, [level] * len(inside), "o", color=STRONG[family[0]], markersize=5, zorder=3)
    for place, row in zip(places, rows, strict=True):
        levels = [level for level, family in enumerate(sets) if row.members[family]]
        matrix.plot([place, place], [min(levels), max(levels)], color=GREY, linewidth=1, zorder=2)
    matrix.set_yticks(range(len(sets)), [family_name(*family) for family in sets])
    matrix.set_xticks([])
    matrix.set_ylim(len(sets) - 0.5, -0.5)
    for spine in matrix.spines.values():
        spine.set_visible(False)
    matrix.tick_params(length=0)
    return figure


def _bar_colour(row: IntersectionRow) -> str:
    objectives = {objective for (objective, _), is_in in row.members.items() if is_in}
    return STRONG[objectives.pop()] if len(objectives) == 1 else "#3A3F47"


def draw_replicates(rows: Sequence[ReplicateRow], results: Results) -> Figure:
    """PIE count against models, a panel per objective and pruning."""
    families = list(dict.fromkeys(row.arm.family for row in rows))
    figure, grid = _panels(len(families), height=2.3)
    for axes, (objective, pruning) in zip(grid[0], families, strict=True):
        own = [row for row in rows if row.arm.family == (objective, pruning)]
        seen, further = ([row for row in own if row.drawn_out is wanted] for wanted in (False, True))
        colour = STRONG[objective]
        axes.axhspan(*own[0].limit[1:], color="#EEF0F3", zorder=0)
        for part, style in ((seen, "-"), ([seen[-1], *further], "--")):
            models, pies = [row.models for row in part], [row.pies for row in part]
            axes.plot(models, pies, style, color=colour, linewidth=1.2)
            low, high = ([row.pies + sign * row.spread for row in part] for sign in (-1, 1))
            axes.fill_between(models, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.set_xscale("log")
        ticks = sorted({2, seen[-1].models, further[-1].models})
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_title(f"{family_name(objective, pruning)}")
        axes.set_xlabel("models")
    grid[0][0].set_ylabel(f"PIEs at {as_percent(results.main_sparsity)}")
    return figure
