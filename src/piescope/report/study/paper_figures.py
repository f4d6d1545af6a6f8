"""Drawing of the paper's seven figures: rows in, marks out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

import matplotlib
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from piescope.report.layout.canvas import INCH, Canvas, Heading, apart, bare, extent, fitted, named, short, widest
from piescope.report.layout.palette import CLASSES, INK, KINDS, OBJECTIVES, PAPER, SEEDS, SOFT, Colour
from piescope.report.study.frames import ClassRow, MapRow, PairRow, RescuedRow, classes_shown
from piescope.report.study.results import Results
from piescope.report.study.words import OBJECTIVES as NAMES
from piescope.report.study.words import pruning_name
from piescope.wording import as_percent

R = TypeVar("R", MapRow, PairRow, ClassRow)

KEY_MOST = 20
"""Classes that a key names."""

MANY = 5000
"""Points in a figure from which on they are pixels in vector graphics, too."""

CROWD = 2000
"""Points in a panel from which on they are drawn as dots: circles would hide all else."""

TINT = 0.35


def heading_of(family: tuple[str, str], *below: str) -> Heading:
    """What stands above an arm's panel."""
    objective, pruning = family
    return Heading(names_of(objective), OBJECTIVES.get(objective, INK), (pruning_name(pruning), *below))


def names_of(objective: str) -> tuple[str, ...]:
    """What an objective is called where there is room, and where there is little."""
    name = NAMES.get(objective, objective)
    return (objective, name) if objective == "supervised" else (name,)


def _of(rows: Sequence[R], family: tuple[str, str], sparsity: float | None = None) -> list[R]:
    return [row for row in rows if row.arm.family == family and sparsity in (None, row.arm.sparsity)]


Maps = list[tuple[tuple[str, ...], Colour, list[list[MapRow]]]]
"""Lines of maps: their names and colour, and the rows of each map; no map where there are none."""


def draw_maps_by_objective(canvas: Canvas, rows: Sequence[MapRow], results: Results) -> Figure:
    """One line of maps per objective: dense, then each pruning (the paper's Figure 1)."""
    sparsities = {row.arm.pruning: row.arm.sparsity for row in rows}
    prunings = [name for name in ("dense", *(method.name for method in results.study.methods)) if name in sparsities]
    headings = [
        Heading((pruning_name(name),), below=() if name == "dense" else (as_percent(sparsities[name]),))
        for name in prunings
    ]
    lines: Maps = []
    for objective in dict.fromkeys(row.arm.objective for row in rows):
        maps = [_of(rows, (objective, pruning)) for pruning in prunings]
        lines.append((names_of(objective), OBJECTIVES.get(objective, INK), maps))
    return _maps(canvas, headings, lines, results)


def draw_maps_by_sparsity(canvas: Canvas, rows: Sequence[MapRow], results: Results) -> Figure:
    """One line of maps per sparsity, one column per arm; dense on top (the paper's Figure 5)."""
    families = results.families() or [(objective, "dense") for objective in results.objectives()]
    first = {objective: pruning for objective, pruning in reversed(families)}
    lines: Maps = []
    for sparsity in sorted({row.arm.sparsity for row in rows}):
        of_line = []
        for objective, pruning in families:
            is_shown = sparsity or first[objective] == pruning  # the dense arm once
            family = (objective, pruning if sparsity else "dense")
            of_line.append(_of(rows, family, sparsity) if is_shown else [])
        lines.append(((as_percent(sparsity) if sparsity else "dense",), SOFT, of_line))
    return _maps(canvas, [heading_of(family) for family in families], lines, results)


def _maps(canvas: Canvas, headings: Sequence[Heading], lines: Maps, results: Results) -> Figure:
    em = canvas.em
    left, gap = 1.5 * em, 0.6 * em
    columns = canvas.columns(len(headings), 6.5 * em, left, gap)
    is_many = sum(len(rows) for _, _, maps in lines for rows in maps) > MANY
    is_named, stacked = True, len(lines) * -(-len(headings) // columns)
    most = min(22 * em, max(6.5 * em, (canvas.look.height * INCH - 8 * em) / stacked - gap))
    for start in range(0, len(headings), columns):
        part = slice(start, start + columns)
        canvas.headings(headings[part], columns, left, gap, most)
        for names, colour, maps in lines:
            if not any(maps[part]):
                continue
            panels = canvas.line(len(maps[part]), columns, left, gap, most=most)
            canvas.beside(panels[0], *names, colour=colour)
            canvas.y += gap
            for axes, rows in zip(panels, maps[part], strict=True):
                bare(axes, frame=bool(rows))
                if rows:
                    is_named &= _map(canvas, axes, rows, results, is_many)
    if not is_named and not (_fit(canvas, results, panels[0]) and len(results.class_names) > KEY_MOST):
        _key_of_classes(canvas, results)
    return canvas.finished()


def _class_colours(names: Sequence[str]) -> list[Any]:
    if len(names) <= len(CLASSES):
        return list(CLASSES[: len(names)])
    return list(matplotlib.colormaps["turbo"](np.linspace(0.03, 0.97, len(names))))


def _map(canvas: Canvas, axes: Axes, rows: Sequence[MapRow], results: Results, is_many: bool) -> bool:
    """Draws a map; says whether every class on it has its name beside it."""
    points = np.array([[row.x, row.y] for row in rows])
    middle, half = (points.max(0) + points.min(0)) / 2, 0.56 * float(np.ptp(points, axis=0).max() or 1.0)
    axes.set_xlim(middle[0] - half, middle[0] + half)
    axes.set_ylim(middle[1] - half, middle[1] + half)
    places = {name: place for place, name in enumerate(results.class_names)}
    labels = np.array([places[row.modal_label] for row in rows])
    colours = _class_colours(results.class_names)
    _, _, width, _ = canvas.box(axes)
    size = (0.16 if len(rows) > CROWD else 0.3) * canvas.em * min(1.0, width / (12 * canvas.em))
    shades = [colours[label] for label in labels]
    axes.scatter(points[:, 0], points[:, 1], s=size**2, linewidths=0, c=shades, alpha=0.8, rasterized=is_many)
    if not _fit(canvas, results, axes):
        return False
    names = [short(name) for name in results.class_names]
    return _names(canvas, axes, (points - middle + half) / (2 * half) * width, labels, names)


def _fit(canvas: Canvas, results: Results, axes: Axes) -> bool:
    """Whether classes have names short enough to stand on a map."""
    longest = max(extent(short(name), canvas.look.small, bold=True) for name in results.class_names)
    return longest <= 0.25 * canvas.box(axes)[2]


def _names(canvas: Canvas, axes: Axes, points: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> bool:
    """Names of classes beside their groups (in points from a corner), where they hide least and touch no other."""
    size, step = canvas.look.small, 0.9 * canvas.look.small
    side = canvas.box(axes)[2]
    sample = points[:: 1 + len(points) // 1000]
    around = np.array([(r * x, r * y) for r in (1, 1.8, 2.8) for x in (1, 0, -1) for y in (1, 0, -1) if x or y])
    halo = patheffects.withStroke(linewidth=0.22 * canvas.em, foreground=PAPER.light)
    taken = np.zeros((0, 4))
    counted = Counter(labels.tolist())
    for label, count in counted.most_common():
        if count < min(3, len(labels)):
            continue
        room = np.array([extent(names[label], size, bold=True) / 2 + 0.6, 0.5 * size])
        centres = np.median(points[labels == label], axis=0) + around * (step * 0.4 + room)
        boxes = np.hstack([centres - room, centres + room])
        is_free = (boxes[:, :2] > 0.5).all(1) & (boxes[:, 2:] < side - 0.5).all(1)
        is_free &= ~_meet(boxes[:, None], taken[None]).any(1)
        if not is_free.any():
            continue
        hidden = ((sample[None] > boxes[:, None, :2]) & (sample[None] < boxes[:, None, 2:])).all(2).sum(1)
        best = int(np.argmin(np.where(is_free, hidden + np.linalg.norm(around, axis=1), np.inf)))
        taken = np.vstack([taken, boxes[best]])
        x, y = centres[best] / side
        style: dict[str, Any] = {"fontsize": size, "weight": "bold", "ha": "center", "va": "center_baseline"}
        axes.text(x, y, names[label], transform=axes.transAxes, path_effects=[halo], **style)
    return len(taken) == len(counted)


def _meet(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether boxes (left, bottom, right, top) have points in common."""
    met: np.ndarray = np.all((a[..., :2] < b[..., 2:]) & (b[..., :2] < a[..., 2:]), axis=-1)
    return met


def _key_of_classes(canvas: Canvas, results: Results) -> None:
    names = [short(name) for name in results.class_names]
    colours = _class_colours(names)
    chosen = np.linspace(0, len(names) - 1, min(len(names), KEY_MOST)).round().astype(int)
    items: list[tuple[Sequence[dict[str, Any]], str]] = [([{"color": colours[each]}], names[each]) for each in chosen]
    if len(names) > KEY_MOST:
        items.append(([], f"and {len(names) - KEY_MOST} classes between them"))
    canvas.key(items)


def draw_pairs(canvas: Canvas, rows: Sequence[PairRow], name: str, jitter: float = 0.0) -> Figure:
    """Dense against pruned, one panel per arm, on one pair of scales (the paper's Figures 2 and 3)."""
    em, families = canvas.em, list(dict.fromkeys(row.arm.family for row in rows))
    values = np.array([[row.dense, row.pruned] for row in rows])
    low, high = float(values.min()), float(values.max())
    margin = 0.04 * (high - low or 1.0) + jitter
    low, high = low - margin, high + margin
    left = 2.2 * em + widest(low, high, 4, canvas.look.small)
    gap = 0.8 * em
    columns, most = canvas.columns(len(families), 8 * em, left, gap), min(30 * em, 0.7 * canvas.look.height * INCH)
    shake = np.random.default_rng(0)
    for start in range(0, len(families), columns):
        shown = families[start : start + columns]
        of_line = [_of(rows, family) for family in shown]
        headings = [
            heading_of(family, f"{sum(row.is_pie for row in own):,} PIEs")
            for family, own in zip(shown, of_line, strict=True)
        ]
        canvas.headings(headings, columns, left, gap, most)
        panels = canvas.line(len(shown), columns, left, gap, most=most)
        canvas.beside(panels[0], f"pruned, {as_percent(rows[0].arm.sparsity)}")
        for axes, own in zip(panels, of_line, strict=True):
            points = np.array([[row.dense, row.pruned] for row in own])
            points = points + shake.uniform(-jitter, jitter, points.shape)
            _pairs(canvas, axes, points, own, is_many=len(rows) > MANY)
            for axis in ("x", "y"):
                canvas.numbered(axes, axis, low, high, most=5, whole=jitter > 0)
            if axes is not panels[0]:
                axes.tick_params(labelleft=False)
        canvas.y += 1.4 * em
        canvas.below(f"{name}, dense", left)
    kinds = [kind for kind in KINDS if any(row.kind == kind for row in rows)]
    canvas.key([([{"color": KINDS[kind].light}], kind) for kind in kinds] + [([{"color": SEEDS.light}], "no PIE")])
    return canvas.finished()


def _pairs(canvas: Canvas, axes: Axes, points: np.ndarray, rows: Sequence[PairRow], is_many: bool) -> None:
    axes.axline((0, 0), slope=1, color=SOFT.light, linewidth=0.6 * canvas.look.line, linestyle=(0, (3, 2)), zorder=1)
    size = (0.15 if len(rows) > CROWD else 0.3) * canvas.em
    for kind, colour in ({"": SEEDS} | KINDS).items():
        chosen = points[[row.kind == kind for row in rows]]
        drawn: dict[str, Any] = (
            {"linewidths": 0.25 * canvas.look.line, "edgecolors": PAPER.light} if kind else {"linewidths": 0}
        )
        width, (x, y) = size * (1.6 if kind else 1), chosen.T
        axes.scatter(x, y, s=width**2, color=colour.light, rasterized=is_many, zorder=3 if kind else 2, **drawn)


def draw_classes(canvas: Canvas, rows: Sequence[ClassRow], results: Results, by_objective: bool) -> Figure:
    """Bars of PIEs by class; strong: shared. Lines are objectives (Figure 4) or sparsities (Figure 7)."""
    em, small = canvas.em, canvas.look.small
    shown = classes_shown(rows)
    places = {name: place for place, name in enumerate(shown)}
    rows = sorted((row for row in rows if row.label in places), key=lambda row: places[row.label])
    families = list(dict.fromkeys(row.arm.family for row in rows))
    sparsities = sorted({row.arm.sparsity for row in rows})
    headings = (
        [Heading((as_percent(value),)) for value in sparsities] if by_objective else [heading_of(of) for of in families]
    )
    if by_objective:
        lines = [(NAMES.get(of[0], of[0]), [_of(rows, of, value) for value in sparsities]) for of in families]
    else:
        lines = [(as_percent(value), [_of(rows, of, value) for of in families]) for value in sparsities]
    names = [short(name) for name in shown]
    longest = max(extent(name, small) for name in names)
    most = max(row.pies for row in rows)
    gap = 1.2 * em + extent(f"{most:,}", small)
    left = gap + 0.6 * em
    columns = canvas.columns(len(headings), max(7 * em, min(len(names), 12) * min(longest + 1, 1.2 * small)), left, gap)
    for start in range(0, len(headings), columns):
        part = slice(start, start + columns)
        canvas.headings(headings[part], columns, left, gap)
        for number, (name, cells) in enumerate(lines):
            panels = canvas.line(len(cells[part]), columns, left, gap, height=6.5 * em)
            canvas.beside(panels[0], f"PIEs, {name}")
            for axes, own in zip(panels, cells[part], strict=True):
                _bars(canvas, axes, own)
                if number == len(lines) - 1:
                    _named_classes(canvas, axes, names, [line[1][start + panels.index(axes)] for line in lines])
            canvas.y += 0.8 * em
        is_upright = longest < canvas.box(panels[0])[2] / len(names) - 0.5
        canvas.y += small if is_upright else longest
    more = len(results.class_names) - len(names)
    canvas.below(f"true class; {more:,} with no more PIEs are left out" if more else "true class", left)
    return canvas.finished()


def _bars(canvas: Canvas, axes: Axes, rows: Sequence[ClassRow]) -> None:
    if not rows:
        bare(axes)
        return
    colour = OBJECTIVES.get(rows[0].arm.objective, INK)
    pies, shared = (
        np.array(values) for values in zip(*((row.pies, row.shared_pies or 0) for row in rows), strict=True)
    )
    places = np.arange(len(rows))
    alone = rows[0].shared_pies is None
    light: dict[str, Any] = {"color": colour.tint(TINT)}
    if alone:
        light = {"facecolor": colour.tint(0.12), "edgecolor": colour.tint(0.7), "linewidth": 0.5 * canvas.look.line}
    axes.bar(places, shared, color=colour.light, width=0.8)
    axes.bar(places, pies - shared, bottom=shared, width=0.8, **light)
    axes.set_xlim(-0.7, len(rows) - 0.3)
    canvas.numbered(axes, "y", 0, max(1, int(pies.max())) * 1.05, most=3, whole=True)


def _named_classes(canvas: Canvas, axes: Axes, names: Sequence[str], lines: Sequence[Sequence[ClassRow]]) -> None:
    """Names below the bars: all where there is room, else those of the classes that lose most."""
    pitch = canvas.box(axes)[2] / (len(names) + 0.4)
    is_upright = max(extent(name, canvas.look.small) for name in names) < pitch - 0.5
    lost = np.sum([[row.pies for row in rows] for rows in lines if rows], axis=0)
    first = np.argsort(-lost, kind="stable").tolist()
    shown = apart([place * pitch for place in range(len(names))], 0 if is_upright else 1.15 * canvas.look.small, first)
    named(axes, "x", shown, [names[place] for place in shown], rotation=0 if is_upright else 90)
    axes.tick_params(axis="x", length=0 if is_upright else 0.2 * canvas.em)


def draw_rescued(canvas: Canvas, rows: Sequence[RescuedRow], results: Results) -> Figure:
    """Images with what dense and sparse models call them (the paper's Figure 6)."""
    em, small = canvas.em, canvas.look.small
    gap = 0.8 * em
    columns = canvas.columns(len(rows), 7.5 * em, 0, gap)
    called = [(short(row.dense_label), f"→ {short(row.pruned_label)}") for row in rows]
    lines = 1 if max(extent(" ".join(both), small) for both in called) < 7.5 * em else 2
    for start in range(0, len(rows), columns):
        shown = slice(start, start + columns)
        panels = canvas.line(len(rows[shown]), columns, 0, gap, most=14 * em)
        for axes, row, (before, after) in zip(panels, rows[shown], called[shown], strict=True):
            bare(axes)
            image = results.images[row.index]
            pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            left, _, width, _ = canvas.box(axes)
            arm = f"{pruning_name(row.arm.pruning)}, {as_percent(row.arm.sparsity)}"
            behind = extent(before + " ", small) if lines == 1 else 0
            y, step = canvas.y + 0.4 * em, 1.2 * em
            canvas.write(left, y, fitted(before, width, small), va="top")
            green = KINDS["won back"]
            canvas.write(left + behind, y + (lines - 1) * step, fitted(after, width, small), colour=green, va="top")
            canvas.write(left, y + lines * step, fitted(arm, width, small), va="top")
        canvas.y += (2 + 1.2 * lines) * em
    return canvas.finished()
