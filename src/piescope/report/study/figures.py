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
from piescope.report.study.words import OBJECTIVES_IN_FULL, pruning_name
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
    results = signal.results
    top = _mapped(results)[-1:]
    rows = frames.map_rows(results, top)
    whose = (
        "the mean over models of their representations" if results.study.maps_of_mean else "one model's representation"
    )
    return Sketch(
        "What pruning does to the representation",
        f"UMAP of {whose} of the test examples, dense"
        + (f" and at {as_percent(top[0])} sparsity" if top else "")
        + f", coloured by the population's modal label. {_fits(results)}",
        rows,
        lambda canvas: paper.draw_maps_by_objective(canvas, rows, results),
    )


def _fits(results: Results) -> str:
    if any(arm.is_fitted_alone for arm in results.arms):
        return "Each panel is a fit of its own: only the grouping within a panel means something."
    return "The panels of an objective are one fit: what lies elsewhere has other neighbours."


def _q_scores(signal: Signal) -> Sketch:
    results, rows = signal.results, frames.pair_rows(signal.results, "q")
    return Sketch(
        f"Q-Score of each example, dense against pruned, at {_main(results)}",
        f"Each point is a test example; mean over models. Below the line: pruned models ({_main(results)}) form its "
        f"representation less clearly than dense ones. {COLOURS}",
        rows,
        lambda canvas: paper.draw_pairs(canvas, rows, "Q-Score", results),
    )


COLOURS = "Coloured: PIEs that are lost (vermilion), won back (green) or moved from one wrong label to another (grey)."


def _depths(signal: Signal) -> Sketch:
    results, rows = signal.results, frames.pair_rows(signal.results, "depth")
    return Sketch(
        f"Prediction depth of each example, dense against pruned, at {_main(results)}",
        "Each point is a test example; mean over models, in the paper's convention (against the true label, 1-based; a "
        f"little jitter separates equal points). Above the line: decided later, or never, when pruned. {COLOURS}",
        rows,
        lambda canvas: paper.draw_pairs(canvas, rows, "Prediction depth (probe)", results, jitter=0.12),
    )


def _class_rows(results: Results) -> list[frames.ClassRow]:
    return [row for row in frames.class_rows(results) if row.arm.pruning != "dense"]


def _classes_of_one_pruning(signal: Signal) -> Sketch:
    results, sparsities = signal.results, signal.results.sparsities()
    prunings = [pruning for _, pruning in results.families()]
    shown = "one_shot" if "one_shot" in prunings or not prunings else prunings[0]
    few = sparsities if len(sparsities) <= 3 else sorted({sparsities[0], results.main_sparsity, sparsities[-1]})
    rows = [row for row in _class_rows(results) if row.arm.pruning == shown and row.arm.sparsity in few]
    shared = "Strong: PIEs under every objective that has this pruning; light: under this one, but not under all."
    if len(results.objectives()) == 1:
        shared = "Outlined: this study has one objective, so nothing can be shared."
    return Sketch(
        f"Which classes lose examples: {pruning_name(shown)}",
        f"PIEs by true class; where there is no room for all names, those of the classes with most. {shared}",
        rows,
        lambda canvas: paper.draw_classes(canvas, rows, results, by_objective=True),
    )


def _all_maps(signal: Signal) -> Sketch:
    results, mapped = signal.results, _mapped(signal.results)
    rows = frames.map_rows(results, mapped) if mapped else []
    return Sketch(
        "The representation at rising sparsity",
        "As Figure 1, for all mapped sparsities and every pruning.",
        rows,
        lambda canvas: paper.draw_maps_by_sparsity(canvas, rows, results),
    )


def _rescued(signal: Signal) -> Sketch:
    results, rows = signal.results, frames.rescued_rows(signal.results)
    objective = OBJECTIVES_IN_FULL[frames.contrastive_objective(results)].capitalize()
    return Sketch(
        "Examples that dense models get wrong and pruned ones right",
        f"{objective} models, the first gradual and the first one-shot pruning, from the lowest sparsity up. "
        "Grey: modal label of the uncompressed models; green: of the sparse ones, which is the true class.",
        rows,
        lambda canvas: paper.draw_rescued(canvas, rows, results),
    )


def _classes(signal: Signal) -> Sketch:
    results, rows = signal.results, _class_rows(signal.results)
    return Sketch(
        "Which classes lose examples, at every sparsity",
        "As Figure 4, for every pruning. Outlined: no other objective has that pruning, so nothing can be shared.",
        rows,
        lambda canvas: paper.draw_classes(canvas, rows, results, by_objective=False),
    )


def _decomposition(signal: Signal) -> Sketch:
    pruned = {arm.key for arm in signal.results.pruned()}
    parts = signal.rows.decomposition
    counts = [
        PartRow(row.arm, "all_models", Bounds(row.pies, None, None)) for row in signal.rows.noise if row.arm in pruned
    ]
    rows = [*parts, *counts] if parts else []
    return Sketch(
        "Where the PIEs come from",
        "PIEs between groups of models of equal size, split: what two dense groups with other seeds would show "
        "(grey), what fine-tuning adds, what the missing weights add; each with its 95 % interval over seeds and "
        "examples. A part below zero makes models agree. Ring: the count of all models, as the paper counts. "
        "Cross: the same with masks drawn at random; on the upper edge, with its number, where it is beyond it.",
        rows,
        lambda canvas: beyond.draw_decomposition(canvas, rows),
    )


def _intersections(signal: Signal) -> Sketch:
    sets = signal.intersections()
    return Sketch(
        f"Which prunings lose the same examples, at {_main(signal.results)}",
        "Examples that are PIEs of exactly the marked prunings. Line: expected, were the sets independent; dot: "
        "were they independent among examples that the dense models find equally hard. Sets of one objective are "
        "compared with the same dense models and share their chance labels; the table of overlaps has them apart.",
        sets,
        lambda canvas: beyond.draw_intersections(canvas, sets),
    )


def _replicates(signal: Signal) -> Sketch:
    results = signal.results
    rows = [row for row in signal.rows.replicates if row.arm.sparsity == results.main_sparsity]
    return Sketch(
        f"How the PIE count at {_main(results)} depends on the number of models",
        "Mean over subsamples of the models, ± the standard deviation over studies with other seeds. Dashed: drawn "
        "out to more models than there are. Band: the count with any number of models, by two laws for the rest.",
        rows,
        lambda canvas: beyond.draw_replicates(canvas, rows, results),
    )


def _forgotten(signal: Signal) -> Sketch:
    arms = forgotten(signal)
    rows = [ForgottenRow(row.arm.key, row.changed, row.in_groups, row.seeds, row.excess, row.is_clear) for row in arms]
    return Sketch(
        "How many examples are forgotten",
        "Examples whose modal label changes, between groups of models of equal size; the band: what groups of dense "
        "models with other seeds change among themselves, with its 95 % interval. Pale: not clearly more than that.",
        rows,
        lambda canvas: beyond.draw_forgotten(canvas, arms),
    )


FIGURES: dict[int, Callable[[Signal], Sketch]] = {
    1: _maps,
    2: _q_scores,
    3: _depths,
    4: _classes_of_one_pruning,
    5: _all_maps,
    6: _rescued,
    7: _classes,
    8: _decomposition,
    9: _intersections,
    10: _replicates,
    11: _forgotten,
}
"""The paper's seven, in its order, and four of signal and noise."""

FIRST_OF_SIGNAL = 8
