"""The numbers behind every table and figure, as rows; drawing and typesetting happen elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa

from piescope.measure.class_impact import class_counts
from piescope.measure.pies import pie_mask
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.rows import ArmKey, Row, Spread

RESCUED_SHOWN: dict[Literal["gradual", "one_shot"], int] = {"gradual": 8, "one_shot": 4}
"""The paper's Figure 6: eight images of gradual pruning, four of one-shot."""

MOST_CLASSES, SHOWN_CLASSES = 100, 40
"""Of more classes, figures and typeset tables show so many; tables as CSV and the rows of figures have all."""


@dataclass(frozen=True)
class PiesRow(Row):
    """Accuracy over models and PIEs of an arm (the paper's Tables 1 and 3).

    ``pies_other_ties``: where ties of votes go to the largest class id, not to the smallest as in ``pies``; None where
    not all votes of these are there.
    """

    arm: ArmKey
    n_models: int
    pies: int
    ties: int
    accuracy: Spread
    rescued: int
    tied_pies: int
    changed: int
    confirmed: int
    control: str
    pies_other_ties: int | None


@dataclass(frozen=True)
class QScoreRow(Row):
    """Q-Score, Z-Score and L1 norm of an arm: over examples, of the mean over models (Tables 4 and 5)."""

    arm: ArmKey
    q: Spread
    z: Spread
    l1: Spread
    error_auroc: float | None
    degenerate: int
    n_models: int


@dataclass(frozen=True)
class DepthRow(Row):
    """Prediction depth of PIEs and of the others (Table 6).

    ``pie`` and ``non_pie`` are in the paper's convention, in the arm's own models; ``baldock_*`` likewise in Baldock's;
    ``dense_*``: the same examples in the dense models. A dense arm has no PIEs of its own: its row takes the examples
    that are PIEs in any of the objective's pruned arms.
    """

    arm: ArmKey
    pie: Spread
    non_pie: Spread
    baldock_pie: Spread
    baldock_non_pie: Spread
    dense_pie: Spread
    dense_non_pie: Spread
    n_models: int


@dataclass(frozen=True)
class ClassRow(Row):
    """PIEs of one true class, and those of them that the other objectives lose too (Figures 4 and 7)."""

    arm: ArmKey
    label: Annotated[str, "class"]
    pies: int
    shared_pies: int | None
    n_models: int


@dataclass(frozen=True)
class SparsityRow(Row):
    """Realised against wanted sparsity.

    ``largest_deviation``: over the arm's models and over the tensors (or sets of tensors) that share a target, the
    largest distance of the zeros from sparsity * n, in weights.
    """

    arm: ArmKey
    n_models: int
    prunable: int
    zeros: float
    realised: float
    largest_deviation: float


@dataclass(frozen=True)
class MapRow(Row):
    """An example's place on a map, and what the population calls it."""

    arm: ArmKey
    example_id: str
    x: float
    y: float
    modal_label: str


@dataclass(frozen=True)
class PairRow(Row):
    """A measure of an example in dense and in pruned models; ``kind``: what happened to a PIE, else empty."""

    arm: ArmKey
    example_id: str
    dense: float
    pruned: float
    is_pie: bool
    kind: str


@dataclass(frozen=True)
class RescuedRow(Row):
    """An example that dense models get wrong and pruned ones right (Figure 6)."""

    arm: ArmKey
    index: int
    example_id: str
    label: str
    dense_label: str
    pruned_label: str


def examples_table(results: Results) -> pa.Table:
    """One row per (arm, example): all columns of the comparisons behind the three that name the arm."""
    parts, count = [], len(results.labels)
    for arm in results.arms:
        names = {name: pa.array([value] * count) for name, value in arm.key._asdict().items()}
        parts.append(pa.table(names | {name: pa.array(values) for name, values in arm.columns.items()}))
    return pa.concat_tables(parts)


_CHANGED = ("objective", "pruning", "sparsity", "example_id", "true", "before", "after", "kind", "confirmed")
PIES = pa.schema(dict.fromkeys(_CHANGED, pa.string()) | {"sparsity": pa.float64(), "confirmed": pa.bool_()})
"""Columns of `pies_table`; the first four are those of `examples_table`."""


def pies_table(results: Results) -> pa.Table:
    """One row per PIE of each arm that is studied: what the example was taken for, and what happened to it."""
    names, ids, parts = np.array(results.class_names), np.array(results.data.ids), [PIES.empty_table()]
    for arm in results.pruned():
        rows = np.flatnonzero(arm.is_pie)
        named = [[value] * len(rows) for value in arm.key]
        truth, before, after = (
            of[rows] for of in (results.labels, arm.columns["dense_label"], arm.columns["pruned_label"])
        )
        called = names[truth], names[before], names[after]
        columns = *named, ids[rows], *called, arm.kinds[rows], arm.columns["is_confirmed"][rows]
        arrays = [pa.array(values, field.type) for values, field in zip(columns, PIES, strict=True)]
        parts.append(pa.table(arrays, schema=PIES))
    return pa.concat_tables(parts)


def pies_rows(results: Results) -> list[PiesRow]:
    """Of each arm."""
    rows = []
    for arm in results.arms:
        summary, tied = arm.summary, int(arm.is_tied_pie.sum())
        accuracy = Spread(summary.accuracy_mean, summary.accuracy_std)
        counts = summary.n_models, summary.pies, summary.ties
        others = summary.rescued, tied, summary.changed, summary.confirmed
        control = arm.control.kind if arm.control else ""
        rows.append(PiesRow(arm.key, *counts, accuracy, *others, control, _other_ties(results, arm)))
    return rows


def _other_ties(results: Results, arm: ArmResult) -> int | None:
    """PIEs by the other rule for ties: the same rule on class ids that rise the other way."""
    dense, classes = results.find(arm.objective, "dense", 0.0), len(results.class_names)
    if dense is None or pie_mask(dense.labels, arm.labels, classes).sum() != arm.summary.pies:
        return None
    return int(pie_mask(classes - 1 - dense.labels, classes - 1 - arm.labels, classes).sum())


def q_score_rows(results: Results) -> list[QScoreRow]:
    """Of each arm."""
    rows = []
    for arm in results.arms:
        q, z, l1 = (Spread.of(arm.columns[f"pruned_{name}"]) for name in ("q", "z", "l1"))
        others = arm.summary.error_auroc, arm.summary.degenerate_representations, arm.summary.n_models
        rows.append(QScoreRow(arm.key, q, z, l1, *others))
    return rows


def depth_rows(results: Results) -> list[DepthRow]:
    """Of each arm that is studied."""
    rows = []
    for arm in results.studied():
        is_pie = arm.is_pie
        if arm.is_dense:
            is_pie = np.logical_or.reduce(
                [other.is_pie for other in results.studied() if other.objective == arm.objective]
            )
        columns = ("pruned_depth", "pruned_depth_baldock", "dense_depth")
        spreads = [Spread.of(arm.columns[column][chosen]) for column in columns for chosen in (is_pie, ~is_pie)]
        pie, non_pie, own_pie, own_non_pie, dense_pie, dense_non_pie = spreads
        models = len(arm.models.get("depth", ()))
        rows.append(DepthRow(arm.key, pie, non_pie, own_pie, own_non_pie, dense_pie, dense_non_pie, models))
    return rows


def class_rows(results: Results) -> list[ClassRow]:
    """Of each arm that is studied and each class."""
    rows, names = [], results.class_names
    for arm in results.studied():
        counts = class_counts(arm.is_pie, results.labels, len(names)).tolist()
        both = results.shared(arm)
        shared = [None] * len(names) if both is None else class_counts(both, results.labels, len(names)).tolist()
        models = [arm.summary.n_models] * len(names)
        rows += [ClassRow(arm.key, *of_class) for of_class in zip(names, counts, shared, models, strict=True)]
    return rows


def classes_shown(rows: Sequence[ClassRow]) -> list[str]:
    """The classes that figures and typeset tables name: all, or of very many those with most PIEs, the first ahead."""
    lost = Counter[str]()
    for row in rows:
        lost[row.label] += row.pies
    return list(lost) if len(lost) <= MOST_CLASSES else [name for name, _ in lost.most_common(SHOWN_CLASSES)]


def sparsity_rows(results: Results) -> list[SparsityRow]:
    """Of each arm with pruned tensors."""
    rows = []
    for arm in results.arms:
        groups = [group for model in arm.summary.models for group in model.sparsity.groups]
        if groups:
            models = len(arm.summary.models)
            weights, zeros = sum(group.weights for group in groups), sum(group.zeros for group in groups)
            deviation = max(abs(group.zeros - arm.sparsity * group.weights) for group in groups)
            rows.append(SparsityRow(arm.key, models, weights // models, zeros / models, zeros / weights, deviation))
    return rows


def map_rows(results: Results, sparsities: Iterable[float]) -> list[MapRow]:
    """UMAP points of the dense arms and of the pruned ones at these sparsities, with the population's modal label."""
    wanted, names = {0.0, *sparsities}, results.class_names
    return [
        MapRow(arm.key, example_id, x, y, names[label])
        for arm in results.arms
        if arm.embedding is not None and arm.sparsity in wanted
        for example_id, (x, y), label in zip(
            results.data.ids, arm.embedding.tolist(), arm.columns["pruned_label"].tolist(), strict=True
        )
    ]


def pair_rows(results: Results, measure: str, sparsity: float) -> list[PairRow]:
    """A measure of each example in dense against pruned models at one sparsity (Figures 2 and 3)."""
    rows = []
    for arm in results.pruned():
        dense, pruned = arm.columns[f"dense_{measure}"], arm.columns[f"pruned_{measure}"]
        if arm.sparsity == sparsity and np.isfinite(dense).all():
            columns = results.data.ids, dense.tolist(), pruned.tolist(), arm.is_pie.tolist(), arm.kinds.tolist()
            rows += [PairRow(arm.key, *example) for example in zip(*columns, strict=True)]
    return rows


def contrastive_objective(results: Results) -> str:
    """The first objective that is not supervised, or the only one."""
    return next((of for of in results.objectives() if not of.startswith("supervised")), results.objectives()[0])


def rescued_rows(results: Results) -> list[RescuedRow]:
    """Examples that dense models get wrong and pruned ones right, from the lowest sparsity up, or of those of Figure 6.

    Of the contrastive objective where there is one; of its first gradual and its first one-shot pruning, as many as
    the paper shows of each.
    """
    objective, names = contrastive_objective(results), results.class_names
    prunings = [pruning for o, pruning in results.families() if o == objective]
    methods = [method for method in map(results.study.method, prunings) if method is not None]
    first = {method.kind: method.name for method in reversed(methods)}
    rows: list[RescuedRow] = []
    for kind, most in RESCUED_SHOWN.items():
        shown: set[int] = set()
        for sparsity in results.study.figures.figure_6 or results.sparsities():
            arm = results.find(objective, first.get(kind, ""), sparsity)
            if arm is None:
                continue
            for index in np.flatnonzero(arm.columns["is_rescued"]).tolist():
                if len(shown) < most and index not in shown:
                    shown.add(index)
                    labels = results.labels, arm.columns["dense_label"], arm.columns["pruned_label"]
                    called = [names[of_example[index]] for of_example in labels]
                    rows.append(RescuedRow(arm.key, index, results.data.ids[index], *called))
    return rows
