"""The figures of a study: which there are, what each shows, and the numbers behind it. The drawing is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from matplotlib.figure import Figure

from piescope.report.layout.canvas import DPI, Canvas, Style, Width, saved, styled
from piescope.report.layout.standalone import data_uri
from piescope.report.study import frames
from piescope.report.study import paper_figures as paper
from piescope.report.study import signal_figures as beyond
from piescope.report.study.forgotten import forgotten
from piescope.report.study.results import Results
from piescope.report.study.rows import Bounds, Row
from piescope.report.study.signal import Signal
from piescope.report.study.signal_rows import ForgottenRow, PartRow
from piescope.report.study.words import OBJECTIVES_IN_FULL, pruning_name, text, whence
from piescope.wording import as_percent


@dataclass(frozen=True)
class Sketch:
    """A figure that is not drawn yet.

    Attributes:
        title: a few words.
        caption: what is to be seen.
        rows: the numbers behind it; none: there is nothing of this kind in the study.
        draw: puts them on a canvas.
    """

    title: str
    caption: str
    rows: Sequence[Row]
    draw: Callable[[Canvas], Figure]


@dataclass(frozen=True)
class Drawn:
    """A figure with the numbers behind it.

    Attributes:
        number: in the paper's order.
        title: a few words.
        caption: what is to be seen.
        rows: the frame that it was drawn from.
        figure: of matplotlib.
    """

    number: int
    title: str
    caption: str
    rows: Sequence[Row]
    figure: Figure

    @cached_property
    def svg(self) -> bytes:
        """Vector graphics for a screen: dense point clouds are embedded pixels."""
        return saved(self.figure, "svg", dpi=DPI // 2)

    @property
    def pdf(self) -> bytes:
        """The same for LaTeX, its fonts embedded."""
        return saved(self.figure, "pdf")

    @property
    def image(self) -> str:
        """The vector graphics as a data URI."""
        return data_uri("image/svg+xml", self.svg)


def figure(results: Results, number: int, style: Style = "paper", width: Width = "page") -> Figure:
    """One figure of a study.

    Args:
        results: of the study.
        number: 1 to 7 as in the paper, 8 to 11 of signal and noise.
        style: for a paper's page, or large for a slide.
        width: of a column, or of the whole page (paper: 3.5 and 7.16 inches, IEEE's; talk: 6 and 12).

    Raises:
        ValueError: there is no figure of that number.
    """
    return draw(Signal(results), number, style, width).figure


def draw(signal: Signal, number: int, style: Style = "paper", width: Width = "page") -> Drawn:
    """One figure with its numbers; where the study has nothing of its kind, it says so."""
    if number not in FIGURES:
        raise ValueError(f"there is no figure {number}: there are {min(FIGURES)} to {max(FIGURES)}")
    sketch, canvas = FIGURES[number](signal), Canvas(style, width)
    with styled(canvas.look):
        drawn = sketch.draw(canvas) if sketch.rows else _nothing(canvas)
    return Drawn(number, sketch.title, sketch.caption, sketch.rows, drawn)


def draw_all(signal: Signal) -> list[Drawn]:
    """Every figure, for a paper's page."""
    return [draw(signal, number) for number in FIGURES]


def _nothing(canvas: Canvas) -> Figure:
    canvas.write(canvas.width / 2, 2 * canvas.em, "nothing of this kind in this run", ha="center", va="center")
    canvas.y += 4 * canvas.em
    return canvas.finished()


def _main(results: Results) -> str:
    return as_percent(results.main_sparsity)


def _mapped(results: Results) -> list[float]:
    """Sparsities with a map, rising."""
    return sorted({arm.sparsity for arm in results.arms if arm.embedding is not None and not arm.is_dense})


def _maps(signal: Signal) -> Sketch:
    results, asked = signal.results, signal.results.study.figures.figure_1
    top = _mapped(results)[-1:] if asked is None else [asked]
    rows = frames.map_rows(results, top)
    of_mean = results.study.maps_of_mean
    whose = "the mean over models of their representations" if of_mean else "one model's representation"
    fits = "The panels of an objective are one fit: what lies elsewhere has other neighbours."
    if any(arm.is_fitted_alone for arm in results.arms):
        fits = "Each panel is a fit of its own: only the grouping within a panel means something."
    at = f" and at {as_percent(top[0])} sparsity" if top else ""
    said = text("figure_1", whose=whose, top=at, fits=fits)
    return Sketch(*said, rows, lambda canvas: paper.draw_maps_by_objective(canvas, rows, results))


def _q_scores(signal: Signal) -> Sketch:
    results = signal.results
    sparsity = results.study.figures.figure_2 or results.main_sparsity
    rows, said = frames.pair_rows(results, "q", sparsity), text("figure_2", main=as_percent(sparsity))
    return Sketch(*said, rows, lambda canvas: paper.draw_pairs(canvas, rows, "Q-Score"))


def _depths(signal: Signal) -> Sketch:
    results, name = signal.results, "Prediction depth (probe)"
    sparsity = results.study.figures.figure_3 or results.main_sparsity
    rows, said = frames.pair_rows(results, "depth", sparsity), text("figure_3", main=as_percent(sparsity))
    return Sketch(*said, rows, lambda canvas: paper.draw_pairs(canvas, rows, name, jitter=0.12))


def _class_rows(results: Results) -> list[frames.ClassRow]:
    return [row for row in frames.class_rows(results) if row.arm.pruning != "dense"]


def _classes_of_one_pruning(signal: Signal) -> Sketch:
    results, sparsities = signal.results, signal.results.sparsities()
    prunings = [pruning for _, pruning in results.families()]
    shown = "one_shot" if "one_shot" in prunings or not prunings else prunings[0]
    few = sparsities if len(sparsities) <= 3 else sorted({sparsities[0], results.main_sparsity, sparsities[-1]})
    chosen = results.study.figures.figure_4 or few
    rows = [row for row in _class_rows(results) if row.arm.pruning == shown and row.arm.sparsity in chosen]
    shared = "Strong: PIEs under every objective that has this pruning; light: under this one, but not under all."
    if len(results.objectives()) == 1:
        shared = "Outlined: this study has one objective, so nothing can be shared."
    said = text("figure_4", pruning=pruning_name(shown), shared=shared)
    return Sketch(*said, rows, lambda canvas: paper.draw_classes(canvas, rows, results, by_objective=True))


def _all_maps(signal: Signal) -> Sketch:
    results = signal.results
    mapped = results.study.figures.figure_5 or _mapped(results)
    rows = frames.map_rows(results, mapped) if mapped else []
    return Sketch(*text("figure_5"), rows, lambda canvas: paper.draw_maps_by_sparsity(canvas, rows, results))


def _rescued(signal: Signal) -> Sketch:
    results, rows = signal.results, frames.rescued_rows(signal.results)
    objective = OBJECTIVES_IN_FULL[frames.contrastive_objective(results)].capitalize()
    said = text("figure_6", objective=objective, whence=whence(results.study.figures.figure_6))
    return Sketch(*said, rows, lambda canvas: paper.draw_rescued(canvas, rows, results))


def _classes(signal: Signal) -> Sketch:
    results, said = signal.results, text("figure_7")
    shown = results.study.figures.figure_7 or results.sparsities()
    rows = [row for row in _class_rows(results) if row.arm.sparsity in shown]
    return Sketch(*said, rows, lambda canvas: paper.draw_classes(canvas, rows, results, by_objective=False))


def _decomposition(signal: Signal) -> Sketch:
    pruned = {arm.key for arm in signal.results.pruned()}
    parts = signal.rows.decomposition
    counts = [
        PartRow(row.arm, "all_models", Bounds(row.pies, None, None)) for row in signal.rows.noise if row.arm in pruned
    ]
    rows = [*parts, *counts] if parts else []
    return Sketch(*text("figure_8"), rows, lambda canvas: beyond.draw_decomposition(canvas, rows))


def _intersections(signal: Signal) -> Sketch:
    sets, said = signal.intersections(), text("figure_9", main=_main(signal.results))
    return Sketch(*said, sets, lambda canvas: beyond.draw_intersections(canvas, sets))


def _replicates(signal: Signal) -> Sketch:
    results = signal.results
    rows = [row for row in signal.rows.replicates if row.arm.sparsity == results.main_sparsity]
    said = text("figure_10", main=_main(results))
    return Sketch(*said, rows, lambda canvas: beyond.draw_replicates(canvas, rows, results))


def _forgotten(signal: Signal) -> Sketch:
    arms = forgotten(signal)
    rows = [ForgottenRow(row.arm.key, row.changed, row.in_groups, row.seeds, row.excess, row.is_clear) for row in arms]
    return Sketch(*text("figure_11"), rows, lambda canvas: beyond.draw_forgotten(canvas, arms))


OF_THE_PAPER = (_maps, _q_scores, _depths, _classes_of_one_pruning, _all_maps, _rescued, _classes)
OF_SIGNAL = (_decomposition, _intersections, _replicates, _forgotten)
FIGURES: dict[int, Callable[[Signal], Sketch]] = dict(enumerate((*OF_THE_PAPER, *OF_SIGNAL), start=1))
"""The paper's seven, in its order, and four of signal and noise."""
