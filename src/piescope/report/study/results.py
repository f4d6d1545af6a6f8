"""What a study has stored, as the report reads it: its arms, their examples and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import is_
from pathlib import Path

import numpy as np
import pyarrow as pa

from piescope.measure.overlap import shared_mask
from piescope.report.study.rows import ArmKey
from piescope.store import layout
from piescope.store.artefacts import Artefact, Store
from piescope.store.catalogue import ArmName, Catalogue, CompleteArm, ControlOf, Described, Environment, RecipeUsed
from piescope.store.step_records import ArmSummary, DataRecord

MAIN_SPARSITY = 0.9
"""The sparsity of the paper's Figures 2 and 3; where a study has it not, its highest."""


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
        is_fitted_alone: it is on axes of its own; else on those of the other maps of its objective.
        seeds: of the models that its counts are of.
        lost: seeds of models that it should have, too, and that failed.
        models: in the order of seeds, without those of seeds that any arm has lost: ``labels``, ``q`` and ``q_aaai24``
            ``[models, examples]``; ``depth`` and ``depth_baldock`` ``[their models, examples]``, if measured.
        control: what a control arm is; None for the arms that are studied.
        descended: model k was made from dense model k.
        predictions: what each of its models says, as far as it is kept.
    """

    objective: str
    pruning: str
    sparsity: float
    columns: dict[str, np.ndarray]
    summary: ArmSummary
    embedding: np.ndarray | None
    models: dict[str, np.ndarray]
    control: ControlOf | None = None
    descended: bool = False
    predictions: tuple[Artefact, ...] = ()
    is_fitted_alone: bool = False
    seeds: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()

    @property
    def is_control(self) -> bool:
        """Whether this arm is there to explain others."""
        return self.control is not None

    @property
    def has_fresh_seeds(self) -> bool:
        """Whether its seeds are its own; all other arms share theirs."""
        return self.control is not None and self.control.kind == "fresh_dense"

    @property
    def labels(self) -> np.ndarray:
        """``[models, examples]``."""
        return self.models["labels"]

    def representations(self) -> np.ndarray | None:
        """``[examples, dims]`` of the first model, read when they are asked for; None where they are not kept.

        Raises:
            CorruptArtefactError: they are not what was written.
        """
        return self.predictions[0].tensors(layout.PREDICTIONS)["representations"] if self.predictions else None

    def probabilities(self, truth: np.ndarray) -> np.ndarray | None:
        """``[examples]`` of the true classes, mean over models, read when asked for; None where some are not kept.

        Raises:
            CorruptArtefactError: they are not what was written.
        """
        if len(self.predictions) < len(self.labels):
            return None
        total = np.zeros(len(truth))
        for kept, said in zip(self.predictions, self.labels, strict=True):
            logits = kept.tensors(layout.PREDICTIONS)["logits"].astype(np.float64)
            if (logits.argmax(1) != said).any():
                return None  # another version's order of models
            odds = np.exp(logits - logits.max(1, keepdims=True))
            total += odds[np.arange(len(truth)), truth] / odds.sum(1)
        return total / len(self.labels)

    @property
    def is_dense(self) -> bool:
        """Whether this is the arm that others are compared with."""
        return self.pruning == "dense"

    @property
    def key(self) -> ArmKey:
        """What names it in every table."""
        return ArmKey(self.objective, self.pruning, self.sparsity)

    @property
    def is_pie(self) -> np.ndarray:
        """``[examples]`` bool: the modal labels of the dense models and of these differ."""
        return self.columns["is_pie"].astype(bool)

    @cached_property
    def kinds(self) -> np.ndarray:
        """``[examples]`` str, of each PIE what happened to it: lost, won back or moved; else empty."""
        truth, dense, pruned = (self.columns[name] for name in ("label", "dense_label", "pruned_label"))
        return np.select([~self.is_pie, dense == truth, pruned == truth], ["", "lost", "won back"], "moved")

    @property
    def is_tied_pie(self) -> np.ndarray:
        """``[examples]`` bool: PIEs that the rule for ties decides, since one of the modal labels is a tie."""
        tied: np.ndarray = self.is_pie & (self.columns["dense_tie"] | self.columns["pruned_tie"])
        return tied


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
    data: DataRecord
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
        return list(self.data.class_names)

    @property
    def main_sparsity(self) -> float:
        """The sparsity that single-sparsity figures show; 0 where the study prunes nothing."""
        sparsities = sorted(self.study.sparsities) or [0.0]
        return MAIN_SPARSITY if MAIN_SPARSITY in sparsities else sparsities[-1]

    def first_models(self, models: int, fresh: int) -> Results:
        """With no more than so many models of each arm, its first ones; of fresh dense arms so many, of 0 no arm."""
        kept = [arm for arm in self.arms if fresh or not arm.has_fresh_seeds]
        cut = tuple(_first(arm, fresh if arm.has_fresh_seeds else models) for arm in kept)
        is_whole = len(cut) == len(self.arms) and all(map(is_, cut, self.arms))
        return self if is_whole else replace(self, arms=cut)

    def objectives(self) -> list[str]:
        """In the study's order."""
        return list(dict.fromkeys(arm.objective for arm in self.arms))

    def families(self) -> list[tuple[str, str]]:
        """(objective, pruning) of all arms that are studied (no controls), in the study's order."""
        return list(dict.fromkeys(arm.key.family for arm in self.pruned()))

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
        return next((arm for arm in self.arms if arm.key == (objective, pruning, sparsity)), None)

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
        masks = [None if other is None else other.is_pie for _, other in self.siblings(arm)]
        known = [mask for mask in masks if mask is not None]
        if not masks or len(known) < len(masks):
            return None
        return shared_mask([arm.is_pie, *known])


def load_results(out: Path, catalogue: Catalogue | None = None) -> Results | None:
    """What a study's folder holds; None if no arm is complete yet, or controls alone, which measure others.

    Args:
        out: the folder.
        catalogue: of what it holds; left out: catalogue.json.

    Raises:
        CorruptArtefactError: a file is not what was written.
        DamagedRecordError: catalogue.json is not.
        ValueError: catalogue.json is of a version that did not describe the study.
    """
    path = layout.catalogue(out)
    if catalogue is None:
        catalogue = Catalogue.read(path)
    if catalogue is None or catalogue.data is None or all(arm.control is not None for arm in catalogue.arms):
        return None
    if catalogue.described is None:
        raise ValueError(f"{path} does not say what was run: `piescope report {out}` writes it anew")
    store = Store(out)
    data = store.load("data", catalogue.data)
    arrays = data.tensors(layout.IMAGES)
    return Results(
        study=catalogue.described,
        data=DataRecord.of(data.read(layout.DATA_FACTS)),
        images=arrays["images"],
        labels=arrays["labels"],
        arms=_of_common_seeds([_load_arm(listed, store) for listed in catalogue.arms]),
        missing=catalogue.missing,
        environments=catalogue.environments,
        probe_points=catalogue.probe_points,
        recipe=catalogue.recipe,
    )


def _of_common_seeds(arms: Sequence[ArmResult]) -> tuple[ArmResult, ...]:
    """What single models say, without those of seeds that any arm has lost: model k of all arms is of one seed.

    Arms have the first so many of one list of seeds, so they still do. Fresh dense models have seeds of their own.
    """
    lost = {seed for arm in arms if not arm.has_fresh_seeds for seed in arm.lost}
    return tuple(arm if arm.has_fresh_seeds or not lost else _without(arm, lost) for arm in arms)


def _first(arm: ArmResult, models: int) -> ArmResult:
    """An arm without what its later models say."""
    if len(arm.labels) <= models:
        return arm
    return replace(
        arm, models={name: each[:models] for name, each in arm.models.items()}, predictions=arm.predictions[:models]
    )


def _without(arm: ArmResult, seeds: set[int]) -> ArmResult:
    """An arm without what the models of these seeds say; depths are of the first models."""
    kept = [place for place, seed in enumerate(arm.seeds) if seed not in seeds]
    models = {name: each[[place for place in kept if place < len(each)]] for name, each in arm.models.items()}
    is_kept = len(arm.predictions) == len(arm.seeds)
    return replace(arm, models=models, predictions=tuple(arm.predictions[place] for place in kept if is_kept))


def _load_arm(listed: CompleteArm, store: Store) -> ArmResult:
    compare = store.load("compare", listed.compare)
    table: pa.Table = compare.table(layout.EXAMPLES)
    return ArmResult(
        listed.objective,
        listed.pruning,
        listed.sparsity,
        {name: _as_array(table[name]) for name in table.column_names},
        ArmSummary.of(compare.read(layout.SUMMARY)),
        _map(listed, store),
        compare.tensors(layout.MODELS),
        listed.control,
        listed.descended,
        _predictions(compare, len(listed.seeds), store),
        is_fitted_alone=listed.project is not None and listed.place is None,
        seeds=listed.seeds,
        lost=listed.lost,
    )


def _map(listed: CompleteArm, store: Store) -> np.ndarray | None:
    if listed.project is None:
        return None
    maps = store.load("project", listed.project).tensors(layout.PROJECTION)["embedding"]
    return np.asarray(maps if listed.place is None else maps[listed.place])


def _predictions(compare: Artefact, models: int, store: Store) -> tuple[Artefact, ...]:
    """Of an arm's models, which follow the data; then come those that dense models say, and these."""
    own, keys = set(compare.manifest.parents[1 : 1 + models]), dict.fromkeys(compare.manifest.parents[1 + models :])
    said = (store.load("predict", key) for key in keys if store.has("predict", key))
    return tuple(predictions for predictions in said if own.intersection(predictions.manifest.parents))


def _as_array(column: pa.ChunkedArray) -> np.ndarray:
    return np.array(column.to_pylist()) if pa.types.is_string(column.type) else np.asarray(column.to_numpy())
