"""The numbers behind every table and figure, as rows; drawing and typesetting happen elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from piescope.measure.class_impact import class_counts
from piescope.measure.overlap import shared_mask
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.catalogue import ArmName, Catalogue, CompleteArm, ControlOf, Described, Environment, RecipeUsed

Row = dict[str, Any]

MAIN_SPARSITY = 0.9
"""The sparsity of the paper's Figures 2 and 3; where a study has it not, its highest."""

RESCUED_SHOWN: dict[Literal["gradual", "one_shot"], int] = {"gradual": 8, "one_shot": 4}
"""The paper's Figure 6: eight images of gradual pruning, four of one-shot."""


@dataclass(frozen=True)
class ArmResult:
    """One arm as it was measured.

    Attributes:
        objective: supervised, supcon or simclr.
        pruning: dense, or the name of a method.
        sparsity: fraction of weights removed.
        columns: one array per column of the comparison, ``[examples]`` each.
        summary: counts, accuracies and realised sparsities.
        embedding: ``[examples, 2]`` UMAP, where the study asked for one.
        models: ``labels``, ``q`` and ``q_aaai24`` ``[models, examples]``; ``depth`` and ``depth_baldock``
            ``[their models, examples]``, if measured.
        control: what a control arm is; None for the arms that are studied.
        descended: model k was made from dense model k.
    """

    objective: str
    pruning: str
    sparsity: float
    columns: dict[str, np.ndarray]
    summary: dict[str, Any]
    embedding: np.ndarray | None
    models: dict[str, np.ndarray]
    control: ControlOf | None = None
    descended: bool = False

    @property
    def is_control(self) -> bool:
        """Whether this arm is there to explain others."""
        return self.control is not None

    @property
    def labels(self) -> np.ndarray:
        """``[models, examples]``."""
        return self.models["labels"]

    @property
    def is_dense(self) -> bool:
        """Whether this is the arm that others are compared with."""
        return self.pruning == "dense"

    def named(self) -> Row:
        """The three columns that name an arm in every table."""
        return {"objective": self.objective, "pruning": self.pruning, "sparsity": self.sparsity}


@dataclass(frozen=True)
class Results:
    """All that a report is made from.

    Attributes:
        study: what was run.
        data: facts of the data set: source, about, ids, class_names, sizes.
        images: ``[examples, channels, height, width]``, the test images.
        labels: ``[examples]``, their true classes.
        arms: complete arms, in the study's order; dense first for each objective.
        missing: arms that are not complete yet.
        environments: each processor, with its libraries, that a result was made on.
        probe_points: of prediction depth, shallow to deep; empty if it was not measured.
        recipe: name, title and departures from the paper's text; None if the study names none.
    """

    study: Described
    data: dict[str, Any]
    images: np.ndarray
    labels: np.ndarray
    arms: tuple[ArmResult, ...]
    missing: tuple[ArmName, ...]
    environments: tuple[Environment, ...]
    probe_points: tuple[str, ...]
    recipe: RecipeUsed | None

    @property
    def class_names(self) -> list[str]:
        """One name per class."""
        return list(self.data["class_names"])

    @property
    def main_sparsity(self) -> float:
        """The sparsity that single-sparsity figures show; 0 where the study prunes nothing."""
        sparsities = sorted(self.study.sparsities) or [0.0]
        return MAIN_SPARSITY if MAIN_SPARSITY in sparsities else sparsities[-1]

    def objectives(self) -> list[str]:
        """In the study's order."""
        return list(dict.fromkeys(arm.objective for arm in self.arms))

    def families(self) -> list[tuple[str, str]]:
        """(objective, pruning) of all arms that are studied (no controls), in the study's order."""
        return list(dict.fromkeys((arm.objective, arm.pruning) for arm in self.pruned()))

    def studied(self) -> list[ArmResult]:
        """Dense and pruned arms, without controls."""
        return [arm for arm in self.arms if not arm.is_control]

    def pruned(self) -> list[ArmResult]:
        """The arms that are studied: neither dense nor controls."""
        return [arm for arm in self.arms if not arm.is_dense and not arm.is_control]

    def controls(self, objective: str, kind: str, of: str | None = None) -> list[ArmResult]:
        """The controls of a kind (of a pruning), rising in sparsity."""
        return [
            arm
            for arm in self.arms
            if arm.control is not None
            and arm.objective == objective
            and (arm.control.kind, arm.control.of) == (kind, of)
        ]

    def sparsities(self) -> list[float]:
        """Of pruned arms, rising."""
        return sorted({arm.sparsity for arm in self.pruned()})

    def find(self, objective: str, pruning: str, sparsity: float) -> ArmResult | None:
        """An arm, or None if it is not complete."""
        for arm in self.arms:
            if (arm.objective, arm.pruning, arm.sparsity) == (objective, pruning, sparsity):
                return arm
        return None

    def siblings(self, arm: ArmResult) -> list[tuple[str, ArmResult | None]]:
        """The other objectives that the study gives the same pruning, with their arm, or None while it is missing."""
        if arm.is_dense:
            return []
        others = [
            other.objective
            for other in self.study.objectives
            if other.objective != arm.objective and arm.pruning in other.prunings
        ]
        return [(objective, self.find(objective, arm.pruning, arm.sparsity)) for objective in others]

    def shared(self, arm: ArmResult) -> np.ndarray | None:
        """PIEs of this arm that are PIEs in the same pruning and sparsity of every other objective too.

        None where no other objective has that pruning (delayed GMP, say), or where one that has it is missing yet.
        """
        masks = [None if other is None else other.columns["is_pie"] for _, other in self.siblings(arm)]
        known = [mask for mask in masks if mask is not None]
        if not masks or len(known) < len(masks):
            return None
        return shared_mask([arm.columns["is_pie"], *known])


def load_results(out: Path, catalogue: Catalogue | None = None) -> Results | None:
    """What a study's folder holds; None if no arm is complete yet.

    Args:
        out: the folder.
        catalogue: of what it holds; left out: catalogue.json.

    Raises:
        CorruptArtefactError: a file is not what was written.
        ValueError: catalogue.json is of a version that did not describe the study.
    """
    path = layout.catalogue(out)
    if catalogue is None:
        if not path.is_file():
            return None
        catalogue = Catalogue.of(path.read_bytes())
    if catalogue.data is None or not catalogue.arms:
        return None
    if catalogue.described is None:
        raise ValueError(f"{path} does not say what was run: `piescope report {out}` writes it anew")
    store = Store(out)
    data = store.load("data", catalogue.data)
    arrays = data.tensors(layout.IMAGES)
    return Results(
        study=catalogue.described,
        data=data.json(layout.DATA_FACTS),
        images=arrays["images"],
        labels=arrays["labels"],
        arms=tuple(_load_arm(listed, store) for listed in catalogue.arms),
        missing=catalogue.missing,
        environments=catalogue.environments,
        probe_points=catalogue.probe_points,
        recipe=catalogue.recipe,
    )


def _load_arm(listed: CompleteArm, store: Store) -> ArmResult:
    compare = store.load("compare", listed.compare)
    table: pa.Table = compare.table(layout.EXAMPLES)
    project = None if listed.project is None else store.load("project", listed.project)
    return ArmResult(
        listed.objective,
        listed.pruning,
        listed.sparsity,
        {name: _as_array(table[name]) for name in table.column_names},
        compare.json(layout.SUMMARY),
        None if project is None else project.tensors(layout.PROJECTION)["embedding"],
        compare.tensors(layout.MODELS),
        listed.control,
        listed.descended,
    )


def _as_array(column: pa.ChunkedArray) -> np.ndarray:
    return np.array(column.to_pylist()) if pa.types.is_string(column.type) else np.asarray(column.to_numpy())


def examples_table(results: Results) -> pa.Table:
    """One row per (arm, example): all columns of the comparisons behind the three that name the arm."""
    parts = []
    for arm in results.arms:
        count = len(results.labels)
        columns: dict[str, Any] = {
            "objective": pa.array([arm.objective] * count),
            "pruning": pa.array([arm.pruning] * count),
            "sparsity": pa.array(np.full(count, arm.sparsity)),
        }
        columns.update({name: pa.array(values) for name, values in arm.columns.items()})
        parts.append(pa.table(columns))
    return pa.concat_tables(parts)


def pies_rows(results: Results) -> list[Row]:
    """Accuracy over models and PIEs of each arm (the paper's Tables 1 and 3)."""
    return [
        {
            **arm.named(),
            **{name: arm.summary[name] for name in ("n_models", "pies", "ties", "accuracy_mean", "accuracy_std")},
            "rescued": arm.summary["rescued"],
            "tied_pies": int(tied_pies(arm).sum()),
            "changed": arm.summary["changed"],
            "confirmed": arm.summary["confirmed"],
            "control": arm.control.kind if arm.control else "",
        }
        for arm in results.arms
    ]


def tied_pies(arm: ArmResult) -> np.ndarray:
    """PIEs that the rule for ties decides: the modal label of one population or the other is a tie."""
    tie: np.ndarray = arm.columns["is_pie"] & (arm.columns["dense_tie"] | arm.columns["pruned_tie"])
    return tie


def q_score_rows(results: Results) -> list[Row]:
    """Q-Score, Z-Score and L1 norm: mean and std over examples of the mean over models (Tables 4 and 5)."""
    rows = []
    for arm in results.arms:
        row = arm.named()
        for name in ("q", "z", "l1"):
            row[f"{name}_mean"], row[f"{name}_std"] = mean_and_std(arm.columns[f"pruned_{name}"])
        row["error_auroc"] = arm.summary["error_auroc"]
        row["degenerate"] = arm.summary["degenerate_representations"]
        rows.append(row)
    return rows


def depth_rows(results: Results) -> list[Row]:
    """Prediction depth of PIEs and of the others (Table 6).

    ``pie_*`` and ``non_pie_*`` are in the paper's convention, in the arm's own models; ``baldock_*`` likewise in
    Baldock's; ``dense_*``: the same examples in the dense models. A dense arm has no PIEs of its own: its row takes
    the examples that are PIEs in any of the objective's pruned arms.
    """
    rows = []
    for arm in results.studied():
        is_pie = arm.columns["is_pie"].astype(bool)
        if arm.is_dense:
            pruned = [other.columns["is_pie"] for other in results.studied() if other.objective == arm.objective]
            is_pie = np.logical_or.reduce(pruned)
        row = arm.named()
        for prefix, column in (("", "pruned_depth"), ("baldock_", "pruned_depth_baldock"), ("dense_", "dense_depth")):
            for group, chosen in (("pie", is_pie), ("non_pie", ~is_pie)):
                mean, std = mean_and_std(arm.columns[column][chosen])
                row[f"{prefix}{group}_mean"], row[f"{prefix}{group}_std"] = mean, std
        rows.append(row)
    return rows


def class_rows(results: Results) -> list[Row]:
    """PIEs of each true class, and those of them that the other objectives lose too (Figures 4 and 7)."""
    rows = []
    for arm in results.studied():
        counts = class_counts(arm.columns["is_pie"], results.labels, len(results.class_names))
        both = results.shared(arm)
        shared = None if both is None else class_counts(both, results.labels, len(results.class_names))
        for label, name in enumerate(results.class_names):
            rows.append(
                {
                    **arm.named(),
                    "class": name,
                    "pies": int(counts[label]),
                    "shared_pies": None if shared is None else int(shared[label]),
                }
            )
    return rows


def sparsity_rows(results: Results) -> list[Row]:
    """Realised against wanted sparsity.

    ``largest_deviation``: over the arm's models and over the tensors (or sets of tensors) that share a target, the
    largest distance of the zeros from sparsity * n, in weights.
    """
    rows = []
    for arm in results.arms:
        groups = [group for model in arm.summary["models"] for group in model["sparsity"]["groups"]]
        if not groups:
            continue
        models = len(arm.summary["models"])
        weights, zeros = (sum(group[name] for group in groups) for name in ("weights", "zeros"))
        rows.append(
            {
                **arm.named(),
                "n_models": models,
                "prunable": weights // models,
                "zeros": zeros / models,
                "realised": zeros / weights,
                "largest_deviation": max(abs(group["zeros"] - arm.sparsity * group["weights"]) for group in groups),
            }
        )
    return rows


def umap_rows(results: Results, sparsities: Iterable[float]) -> list[Row]:
    """UMAP points of the dense arms and of the pruned ones at these sparsities, with the population's modal label."""
    wanted = {0.0, *sparsities}
    return [
        {
            **arm.named(),
            "example_id": results.data["ids"][index],
            "x": float(arm.embedding[index, 0]),
            "y": float(arm.embedding[index, 1]),
            "modal_label": results.class_names[arm.columns["pruned_label"][index]],
        }
        for arm in results.arms
        if arm.embedding is not None and arm.sparsity in wanted
        for index in range(len(results.labels))
    ]


def pair_rows(results: Results, measure: str) -> list[Row]:
    """A measure of each example in dense against pruned models at the main sparsity (Figures 2 and 3)."""
    return [
        {
            **arm.named(),
            "example_id": results.data["ids"][index],
            "dense": float(arm.columns[f"dense_{measure}"][index]),
            "pruned": float(arm.columns[f"pruned_{measure}"][index]),
            "is_pie": bool(arm.columns["is_pie"][index]),
        }
        for arm in results.pruned()
        if arm.sparsity == results.main_sparsity
        if np.isfinite(arm.columns[f"dense_{measure}"]).all()
        for index in range(len(results.labels))
    ]


def contrastive_objective(results: Results) -> str:
    """The first objective that is not supervised, or the only one."""
    return next((name for name in results.objectives() if name != "supervised"), results.objectives()[0])


def rescued_rows(results: Results) -> list[Row]:
    """Examples that dense models get wrong and pruned ones right, from the lowest sparsity up (Figure 6).

    Of the contrastive objective where there is one; of its first gradual and its first one-shot pruning, as many as
    the paper shows of each.
    """
    objective = contrastive_objective(results)
    prunings = [pruning for o, pruning in results.families() if o == objective]
    methods = [method for method in map(results.study.method, prunings) if method is not None]
    first = {method.kind: method.name for method in reversed(methods)}
    rows: list[Row] = []
    for kind, most in RESCUED_SHOWN.items():
        pruning = first.get(kind, "")
        shown: set[int] = set()
        for sparsity in results.sparsities():
            arm = results.find(objective, pruning, sparsity)
            if arm is None:
                continue
            for index in np.flatnonzero(arm.columns["is_rescued"]):
                if len(shown) < most and index not in shown:
                    shown.add(int(index))
                    rows.append(
                        {
                            **arm.named(),
                            "index": int(index),
                            "example_id": results.data["ids"][index],
                            "label": results.class_names[results.labels[index]],
                            "dense_label": results.class_names[arm.columns["dense_label"][index]],
                            "pruned_label": results.class_names[arm.columns["pruned_label"][index]],
                        }
                    )
    return rows


def mean_and_std(values: np.ndarray) -> tuple[float | None, float | None]:
    """Mean and sample std over examples; None where there are too few, or the measure was not asked for."""
    if len(values) == 0 or not np.isfinite(values).all():
        return None, None
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None
