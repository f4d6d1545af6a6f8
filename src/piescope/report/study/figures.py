"""Drawing: rows in, a matplotlib figure out, in colours that colour-blind readers tell apart."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import matplotlib

matplotlib.use("Agg")  # a report is written, never shown in a window

import numpy as np
from matplotlib import patheffects, pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from piescope.report.layout.standalone import data_uri
from piescope.report.study import frames
from piescope.report.study.frames import ClassRow, MapRow, PairRow, RescuedRow
from piescope.report.study.results import Results
from piescope.report.study.rows import Row
from piescope.report.study.words import OBJECTIVES_IN_FULL, family_name, pruning_name
from piescope.wording import as_percent

R = TypeVar("R", MapRow, PairRow, ClassRow)

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "savefig.dpi": 220,
    "svg.hashsalt": "piescope",  # equal figures have equal bytes
    "pdf.fonttype": 42,
}

NAMES: dict[str, Any] = {"fontsize": 7, "weight": "bold", "color": "black", "ha": "left", "va": "bottom"}
"""How names stand beside groups."""

STRONG = {"supervised": "#0072B2", "supcon": "#D55E00", "simclr": "#009E73"}  # Okabe and Ito
LIGHT = {"supervised": "#A6CEE6", "supcon": "#F4C7A4", "simclr": "#A6DBCB"}
GREY = "#8A8F98"
SMALLEST_WIDTH = 3.6
"""Inches; one panel alone needs room for its title."""

LONGEST_NAME = 14
"""Characters of a class name on an axis."""

LEGEND_MOST = 20
"""Classes that a legend names."""

CLASSES = ("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd")
"""Petroff 2021, ten colours chosen for colour-blind readers, https://arxiv.org/abs/2107.02270."""


@dataclass(frozen=True)
class Drawn:
    """A figure with the numbers behind it.

    Attributes:
        number: in the paper's order.
        title: a few words.
        caption: what is to be seen.
        rows: the frame that it was drawn from.
        svg: vector graphics (dense point clouds are embedded pixels).
        pdf: the same.
    """

    number: int
    title: str
    caption: str
    rows: Sequence[Row]
    svg: bytes
    pdf: bytes

    @property
    def image(self) -> str:
        """The vector graphics as a data URI."""
        return data_uri("image/svg+xml", self.svg)


def draw_all(results: Results) -> list[Drawn]:
    """The paper's seven figures from this run's results."""
    sparsities = results.sparsities()
    mapped = sorted({arm.sparsity for arm in results.arms if arm.embedding is not None and not arm.is_dense})
    main = as_percent(results.main_sparsity)
    one_shot = _shown_pruning(results)
    few = sparsities if len(sparsities) <= 3 else sorted({sparsities[0], results.main_sparsity, sparsities[-1]})
    top = mapped[-1:]
    whose = (
        "the mean over models of their representations" if results.study.maps_of_mean else "one model's representation"
    )
    shown_objective = OBJECTIVES_IN_FULL[frames.contrastive_objective(results)].capitalize()
    maps, all_maps = frames.map_rows(results, top), frames.map_rows(results, mapped) if mapped else []
    scores, depths = frames.pair_rows(results, "q"), frames.pair_rows(results, "depth")
    classes = [row for row in frames.class_rows(results) if row.arm.pruning != "dense"]
    of_one_shot = [row for row in classes if row.arm.pruning == one_shot and row.arm.sparsity in few]
    rescued = frames.rescued_rows(results)
    plans: list[tuple[str, str, Sequence[Row], Callable[[], Figure]]] = [
        (
            "What pruning does to the representation",
            f"UMAP of {whose} of the test examples, dense"
            + (f" and at {as_percent(top[0])} sparsity" if top else "")
            + ", coloured by the population's modal label. Each panel is a fit of its own: only the grouping within a "
            "panel means something.",
            maps,
            lambda: draw_maps_by_objective(maps, results),
        ),
        (
            f"Q-Score of each example, dense against pruned, at {main}",
            f"Each point is a test example; mean over models. Below the line: pruned models ({main}) form its "
            "representation less clearly than dense ones. Dark: PIEs.",
            scores,
            lambda: draw_pairs(scores, "Q-Score (no unit)", results),
        ),
        (
            f"Prediction depth of each example, dense against pruned, at {main}",
            "Each point is a test example; mean over models, in the paper's convention (against the true label, "
            "1-based; a little jitter separates equal points). Above the line: decided later, or never, when pruned.",
            depths,
            lambda: draw_pairs(depths, "Prediction depth (index of the probe)", results, jitter=0.12),
        ),
        (
            f"Which classes lose examples: {pruning_name(one_shot)}",
            "PIEs by true class. " + _shared_words(results),
            of_one_shot,
            lambda: draw_classes(of_one_shot, results, by_objective=True),
        ),
        (
            "The representation at rising sparsity",
            "As Figure 1, for all mapped sparsities and every pruning.",
            all_maps,
            lambda: draw_maps_by_sparsity(all_maps, results),
        ),
        (
            "Examples that dense models get wrong and pruned ones right",
            f"{shown_objective} models, the first gradual and the first one-shot pruning, from the lowest sparsity up. "
            "U: modal label of the uncompressed models, S: of the sparse ones, which is the true class.",
            rescued,
            lambda: draw_rescued(rescued, results),
        ),
        (
            "Which classes lose examples, at every sparsity",
            "As Figure 4, for every pruning. Hatched: no other objective has that pruning, so nothing can be shared.",
            classes,
            lambda: draw_classes(classes, results, by_objective=False),
        ),
    ]
    return [drawn(number, *plan) for number, plan in enumerate(plans, start=1)]


def drawn(number: int, title: str, caption: str, rows: Sequence[Row], draw: Callable[[], Figure]) -> Drawn:
    """Draws a figure of these rows, in the report's style; where there are none, it says so."""
    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        figure = draw() if rows else draw_nothing()
        made = Drawn(number, title, caption, rows, _save(figure, "svg"), _save(figure, "pdf"))
        pyplot.close(figure)
    return made


def _shared_words(results: Results) -> str:
    if len(results.objectives()) == 1:
        return "Hatched: this study has one objective, so nothing can be shared."
    return "Strong: PIEs under every objective that has this pruning; light: under this one, but not under all."


def _shown_pruning(results: Results) -> str:
    prunings = [pruning for _, pruning in results.families()]
    return "one_shot" if "one_shot" in prunings or not prunings else prunings[0]


def _save(figure: Figure, suffix: str) -> bytes:
    sink = io.BytesIO()
    metadata: dict[str, Any] = {"Date": None} if suffix == "svg" else {"CreationDate": None}
    figure.savefig(sink, format=suffix, metadata=metadata)
    return sink.getvalue()


def draw_nothing() -> Figure:
    """A figure that says that there is nothing to draw."""
    figure, axes = pyplot.subplots(figsize=(7, 1))
    axes.axis("off")
    axes.text(0.5, 0.5, "nothing of this kind in this run", ha="center", va="center", color=GREY)
    return figure


def _grid(rows: int, columns: int, width: float, height: float) -> tuple[Figure, np.ndarray]:
    size = max(width * columns, SMALLEST_WIDTH), height * rows + 0.3
    figure, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    return figure, axes


def _class_colours(results: Results) -> dict[str, Any]:
    names = results.class_names
    if len(names) <= len(CLASSES):
        return dict(zip(names, CLASSES, strict=False))
    return dict(zip(names, matplotlib.colormaps["turbo"](np.linspace(0, 1, len(names))), strict=True))


def _map(axes: Axes, rows: Sequence[MapRow], results: Results) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color("#D0D3D8")
    colours = _class_colours(results)
    points = np.array([[row.x, row.y] for row in rows])
    labels = np.array([row.modal_label for row in rows])
    shades = [colours[label] for label in labels]
    axes.scatter(points[:, 0], points[:, 1], s=7, linewidths=0, c=shades, alpha=0.75, rasterized=True)
    axes.margins(0.1)
    if not _names_fit(results):
        return
    for name in results.class_names:
        if (labels == name).sum() >= 3:
            # beside the group, not on it: a good representation is a dot, and the name would hide it
            middle, halo = (
                np.median(points[labels == name], axis=0),
                patheffects.withStroke(linewidth=1.6, foreground="white"),
            )
            label = axes.annotate(name, middle, xytext=(5, 5), textcoords="offset points", path_effects=[halo], **NAMES)
            label.set_in_layout(False)


def _names_fit(results: Results) -> bool:
    """Whether class names are short and few enough to stand beside their groups."""
    return len(results.class_names) <= len(CLASSES) and max(map(len, results.class_names)) <= 2


def _legend(figure: Figure, results: Results) -> None:
    if _names_fit(results):
        return
    colours = _class_colours(results)
    shown = list(colours.items())[:LEGEND_MOST]
    handles = [
        Line2D([], [], linestyle="", marker="o", markersize=4, color=colour, label=_short(name))
        for name, colour in shown
    ]
    title = f"the first {LEGEND_MOST} of {len(colours)} classes" if len(colours) > len(shown) else None
    figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False, title=title)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _of(rows: Sequence[R], family: tuple[str, str], sparsity: float | None = None) -> list[R]:
    return [row for row in rows if row.arm.family == family and sparsity in (None, row.arm.sparsity)]


Maps = list[tuple[str, list[MapRow]]]
"""A line of maps: the title of each, and its rows."""


def _maps(lines: list[tuple[str, Maps]], results: Results, size: tuple[float, float], **title: Any) -> Figure:
    """Lines of maps, each line with a name and each map with a title; no map where there are no rows."""
    figure, grid = _grid(len(lines), len(lines[0][1]), *size)
    for places, (name, maps) in zip(grid, lines, strict=True):
        for axes, (text, rows) in zip(places, maps, strict=True):
            if rows:
                _map(axes, rows, results)
                axes.set_title(text, **title)
            else:
                axes.axis("off")
        places[0].set_ylabel(name)
    _legend(figure, results)
    return figure


def draw_maps_by_objective(rows: Sequence[MapRow], results: Results) -> Figure:
    """One line of maps per objective: dense, then each pruning (the paper's Figure 1)."""
    sparsities = {row.arm.pruning: row.arm.sparsity for row in rows}
    prunings = [name for name in ("dense", *(method.name for method in results.study.methods)) if name in sparsities]
    titles = [
        pruning_name(name) + (f", {as_percent(sparsities[name])}" if name != "dense" else "") for name in prunings
    ]
    lines = []
    for objective in dict.fromkeys(row.arm.objective for row in rows):
        maps = [_of(rows, (objective, pruning)) for pruning in prunings]
        lines.append((OBJECTIVES_IN_FULL.get(objective, objective), list(zip(titles, maps, strict=True))))
    return _maps(lines, results, (1.9, 1.9))


def draw_maps_by_sparsity(rows: Sequence[MapRow], results: Results) -> Figure:
    """One line of maps per sparsity, one column per arm; dense on top (the paper's Figure 5)."""
    lines, first = [], {objective: pruning for objective, pruning in reversed(results.families())}
    for sparsity in sorted({row.arm.sparsity for row in rows}):
        maps: Maps = []
        for objective, pruning in results.families():
            family = (objective, pruning if sparsity else "dense")
            is_shown = sparsity or first[objective] == pruning  # the dense arm once
            maps.append((family_name(*family), _of(rows, family, sparsity) if is_shown else []))
        lines.append((as_percent(sparsity), maps))
    return _maps(lines, results, (1.7, 1.75), fontsize=7)


CROWD = 2000
"""Points in a panel from which on they are drawn as dots: rings would hide all else."""


def draw_pairs(rows: Sequence[PairRow], name: str, results: Results, jitter: float = 0.0) -> Figure:
    """Dense against pruned, one panel per arm, on one pair of scales (the paper's Figures 2 and 3)."""
    families = list(dict.fromkeys(row.arm.family for row in rows))
    values = np.array([[row.dense, row.pruned] for row in rows])
    low, high = values.min(), values.max()
    margin = 0.04 * (high - low or 1.0)
    figure, grid = _grid(1, len(families), 1.8, 2.2)
    shake = np.random.default_rng(0)
    for axes, (objective, pruning) in zip(grid[0], families, strict=True):
        shown = _of(rows, (objective, pruning))
        points = np.array([[row.dense, row.pruned] for row in shown])
        points = points + shake.uniform(-jitter, jitter, points.shape)
        pies = np.array([row.is_pie for row in shown])
        axes.plot([low, high], [low, high], color=GREY, linewidth=0.7, linestyle="--", zorder=1)
        crowded = len(points) > CROWD
        light = {"s": 1.2 if crowded else 5, "linewidths": 0, "color": LIGHT[objective]}
        strong = {"s": 1.2, "linewidths": 0} if crowded else {"s": 9, "linewidths": 0.5}
        axes.scatter(*points[~pies].T, rasterized=True, zorder=2, **light)
        axes.scatter(
            *points[pies].T, facecolor=STRONG[objective], edgecolor="black", rasterized=True, zorder=3, **strong
        )
        axes.set_title(f"{family_name(objective, pruning)}\n{pies.sum()} PIEs")
        axes.set_xlim(low - margin, high + margin)
        axes.set_ylim(low - margin, high + margin)
        axes.set_aspect("equal")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(5, integer=jitter > 0))
        axes.set_xlabel("dense")
    grid[0][0].set_ylabel(f"pruned, {as_percent(results.main_sparsity)}")
    figure.suptitle(name, fontsize=9)
    return figure


def draw_classes(rows: Sequence[ClassRow], results: Results, by_objective: bool) -> Figure:
    """Bars of PIEs by class; strong: shared. Lines are objectives (Figure 4) or sparsities (Figure 7)."""
    families = list(dict.fromkeys(row.arm.family for row in rows))
    sparsities = sorted({row.arm.sparsity for row in rows})
    shape = (len(families), len(sparsities)) if by_objective else (len(sparsities), len(families))
    names = [_short(name) for name in results.class_names]
    upright = max(map(len, names)) <= 2
    width = max(2.5 if by_objective else 1.7, 0.14 * len(names))
    figure, grid = _grid(*shape, width, 1.5 if upright else 1.5 + 0.07 * max(map(len, names)))
    for a, (objective, pruning) in enumerate(families):
        for b, sparsity in enumerate(sparsities):
            axes = grid[a][b] if by_objective else grid[b][a]
            shown = _of(rows, (objective, pruning), sparsity)
            if not shown:
                axes.axis("off")
                continue
            pies = np.array([row.pies for row in shown])
            shared = np.array([row.shared_pies or 0 for row in shown])
            places = np.arange(len(names))
            hatch = "////" if shown[0].shared_pies is None else None
            light = {"color": LIGHT[objective], "hatch": hatch, "edgecolor": "white", "linewidth": 0}
            axes.bar(places, shared, color=STRONG[objective], width=0.8)
            axes.bar(places, pies - shared, bottom=shared, width=0.8, **light)
            axes.set_xticks(places, names, rotation=0 if upright else 90)
            axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.set_ylim(0, max(1, pies.max()) * 1.08)
            axes.set_title(f"{family_name(objective, pruning)}, {as_percent(sparsity)}", fontsize=7)
    for line in grid:
        line[0].set_ylabel("PIEs")
    figure.supxlabel("true class", fontsize=8)
    return figure


def draw_rescued(rows: Sequence[RescuedRow], results: Results) -> Figure:
    """Images with what dense and sparse models call them (the paper's Figure 6)."""
    columns = 6
    lines = -(-len(rows) // columns)
    figure, grid = _grid(lines, columns, 1.15, 1.5)
    for axes in grid.ravel():
        axes.axis("off")
    for axes, row in zip(grid.ravel(), rows, strict=False):
        image = results.images[row.index]
        if len(image) == 1:
            axes.imshow(image[0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        else:
            axes.imshow(image.transpose(1, 2, 0), interpolation="nearest")
        arm = f"{pruning_name(row.arm.pruning)}, {as_percent(row.arm.sparsity)}"
        labels = [f"U: {_short(row.dense_label)}", f"S: {_short(row.pruned_label)}"]
        both = ("   " if sum(map(len, labels)) <= 14 else "\n").join(labels)
        axes.set_title(f"{both}\n{arm}", fontsize=6.5)
    return figure
