"""The comparison of an arm with the dense one: from stored predictions to one row an example. Loads no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int

from piescope.measure.arrays import class_ids
from piescope.measure.intervals import FALSE_DISCOVERIES
from piescope.measure.pies import modal_label, modal_ties, pie_mask, rescued_mask, vote_entropy, vote_margin, votes
from piescope.measure.prediction_depth import prediction_depth
from piescope.measure.q_score import is_degenerate, q_score, q_score_aaai24
from piescope.measure.ranking import auroc
from piescope.measure.significance import confirm, permutation_p_values, smallest_p_value
from piescope.store import layout
from piescope.store.artefacts import Artefact, as_parquet, as_tensors
from piescope.store.step_records import ArmSummary, DataRecord, ModelSummary, RealisedSparsity
from piescope.study.parents import Files, Parents
from piescope.study.plan import Compare


@dataclass(frozen=True)
class Depths:
    """Prediction depth of each example in the first models of an arm, in both conventions.

    Attributes:
        corti2022: against the true class, as the paper's code counts.
        baldock: against what the model itself says (Baldock et al. 2021).
    """

    corti2022: Int[np.ndarray, "models examples"]
    baldock: Int[np.ndarray, "models examples"]


@dataclass(frozen=True)
class Population:
    """What one arm's models say of the test images, and how well they hold them.

    Attributes:
        labels: predicted classes.
        correct: whether they are the true ones.
        model_q: Q-Score of each model's representations.
        model_q_aaai24: likewise as the AAAI version has it.
        model_z: likewise the Z-Score, and ``model_l1`` the L1 norm.
        degenerate: representations without spread, over all models.
        depths: None where prediction depth was not asked for.
    """

    labels: Int[np.ndarray, "models examples"]
    correct: Bool[np.ndarray, "models examples"]
    model_q: Float[np.ndarray, "models examples"]
    model_q_aaai24: Float[np.ndarray, "models examples"]
    model_z: Float[np.ndarray, "models examples"]
    model_l1: Float[np.ndarray, "models examples"]
    degenerate: int
    depths: Depths | None

    @property
    def accuracies(self) -> Float[np.ndarray, " models"]:
        """Of each model, in percent."""
        return np.asarray(100 * self.correct.mean(1))

    def error_auroc(self) -> float | None:
        """How well a low Q-Score tells a model's errors, mean over the models that make some; None: none does."""
        ranked = [auroc(-scores, ~correct) for scores, correct in zip(self.model_q, self.correct, strict=True)]
        usable = [value for value in ranked if value is not None]
        return float(np.mean(usable)) if usable else None

    def per_model(self) -> dict[str, np.ndarray]:
        """``labels`` and scores ``[models, examples]``, depths ``[their models, examples]``: what intervals need."""
        kept: dict[str, np.ndarray] = {
            "labels": self.labels.astype(np.int16),
            "q": self.model_q.astype(np.float32),
            "q_aaai24": self.model_q_aaai24.astype(np.float32),
            "z": self.model_z.astype(np.float32),
            "l1": self.model_l1.astype(np.float32),
        }
        if self.depths is not None:
            kept["depth"] = self.depths.corti2022.astype(np.int16)
            kept["depth_baldock"] = self.depths.baldock.astype(np.int16)
        return kept


def population_of(parents: Parents, side: str, truth: np.ndarray, num_classes: int) -> Population:
    """One side's population, read from the store with one model's representations in memory at a time.

    Args:
        parents: of the comparison.
        side: ``"dense"`` or ``"pruned"``.
        truth: ``[examples]``, the true classes.
        num_classes: classes are ``range(num_classes)``.
    """
    said, scores, aaai24, degenerate = [], [], [], 0
    for ref in parents.refs(side):
        arrays = parents.load(ref).tensors(layout.PREDICTIONS)
        said.append(arrays["logits"].argmax(-1))
        scores.append(q_score(arrays["representations"]))
        aaai24.append(q_score_aaai24(arrays["representations"]))
        degenerate += int(is_degenerate(arrays["representations"]).sum())
    labels = class_ids(np.stack(said), "labels", 2, num_classes)
    q, z, l1 = (np.stack(score) for score in zip(*scores, strict=True))
    return Population(
        labels=labels,
        correct=labels == truth,
        model_q=q,
        model_q_aaai24=np.stack(aaai24),
        model_z=z,
        model_l1=l1,
        degenerate=degenerate,
        depths=_depths_of(parents.all(f"{side}_depths"), labels, truth),
    )


def _depths_of(probed: list[Artefact], labels: np.ndarray, truth: np.ndarray) -> Depths | None:
    """Depths of the models that were probed: the first of those whose labels are given."""
    if not probed:
        return None
    knn = [depth.tensors(layout.KNN_LABELS)["knn_labels"] for depth in probed]
    corti2022 = [prediction_depth(near, truth, "corti2022") for near in knn]
    baldock = [prediction_depth(near, own, "baldock") for near, own in zip(knn, labels[: len(knn)], strict=True)]
    return Depths(np.stack(corti2022), np.stack(baldock))


@dataclass(frozen=True)
class Tested:
    """Whether the votes on each example changed by more than chance.

    Attributes:
        p_values: ``[examples]``, of the permutation test.
        q_values: ``[examples]``, adjusted for their number.
        is_confirmed: ``[examples]``, the PIEs that are no chance.
        smallest: the smallest p-value that so many models can give.
        kind: how models were permuted, and how many on each side.
    """

    p_values: Float[np.ndarray, " examples"]
    q_values: Float[np.ndarray, " examples"]
    is_confirmed: Bool[np.ndarray, " examples"]
    smallest: float
    kind: str


def compare(spec: Compare, parents: Parents) -> Files:
    """The files of a comparison step: a row an example, the arm's numbers, and what each of its models said."""
    data = parents.one("data")
    truth = data.tensors(layout.IMAGES)["labels"]
    dense, pruned = (population_of(parents, side, truth, spec.num_classes) for side in ("dense", "pruned"))
    return comparison(
        spec,
        DataRecord.of(data.read(layout.DATA_FACTS)).ids,
        truth,
        dense,
        pruned,
        [_labels_of(parents.load(ref)) for ref in parents.refs("fresh")],
        [RealisedSparsity.of(model.read(layout.SPARSITY)) for model in parents.all("models")],
    )


def comparison(
    spec: Compare,
    ids: Sequence[str],
    truth: Int[np.ndarray, " examples"],
    dense: Population,
    pruned: Population,
    fresh: Sequence[Int[np.ndarray, " examples"]],
    zeros: Sequence[RealisedSparsity],
) -> Files:
    """The files of a comparison, from what the models say.

    Args:
        spec: of the step.
        ids: of the test examples.
        truth: their classes.
        dense: what the dense models say.
        pruned: what the arm's own models say.
        fresh: what each of the dense models with other seeds says, if they are to be tested against, too.
        zeros: of each of the arm's own models.
    """
    is_pie = pie_mask(dense.labels, pruned.labels, spec.num_classes)
    is_rescued = rescued_mask(dense.labels, pruned.labels, truth, spec.num_classes)
    tested = _tested(dense.labels, pruned.labels, fresh, is_pie, spec)
    columns: dict[str, Any] = {
        "example_id": ids,
        "label": truth,
        "dense_label": modal_label(dense.labels, spec.num_classes),
        "pruned_label": modal_label(pruned.labels, spec.num_classes),
        "is_pie": is_pie,
        "is_rescued": is_rescued,
        **_columns_of("dense", dense, spec.num_classes),
        **_columns_of("pruned", pruned, spec.num_classes),
        "p_value": tested.p_values,
        "q_value": tested.q_values,
        "is_confirmed": tested.is_confirmed,
    }
    return {
        layout.EXAMPLES: as_parquet(pa.table(columns)),
        layout.SUMMARY: _summary(spec, zeros, pruned, is_pie, is_rescued, tested).as_bytes(),
        layout.MODELS: as_tensors(pruned.per_model()),
    }


def _tested(
    dense: np.ndarray, pruned: np.ndarray, fresh: Sequence[np.ndarray], is_pie: np.ndarray, spec: Compare
) -> Tested:
    others, paired = _dense_models_to_test(dense, fresh, len(pruned) if spec.descended else None)
    p_values = permutation_p_values(others, pruned, spec.num_classes, paired=paired)
    _, q_values, is_confirmed = confirm(p_values, is_pie, FALSE_DISCOVERIES)
    smallest = smallest_p_value(len(others), len(pruned), paired)
    kind = f"{'paired' if paired else 'independent'}, {len(others)} and {len(pruned)}"
    return Tested(p_values, q_values, is_confirmed, smallest, kind)


def _dense_models_to_test(
    dense: np.ndarray, fresh: Sequence[np.ndarray], descendants: int | None
) -> tuple[np.ndarray, bool]:
    """The dense models that an arm's votes are tested against, and whether pairwise.

    All there are, fresh seeds too. Models that share a seed or a parent agree more than the test supposes: it errs on
    the safe side. Where there are only the parents that would cost too much, and votes are exchanged within pairs.
    """
    return (
        (np.concatenate([dense, np.stack(fresh)]), False) if fresh else (dense[:descendants], descendants is not None)
    )


def _labels_of(predictions: Artefact) -> np.ndarray:
    """``[examples]``: what one model says."""
    return np.asarray(predictions.tensors(layout.PREDICTIONS)["logits"].argmax(-1))


def _columns_of(side: str, population: Population, num_classes: int) -> dict[str, np.ndarray]:
    """One side's columns, ``[examples]`` each, means over its models; depths are NaN where none was measured."""
    depths, nothing = population.depths, np.full(population.labels.shape[1], np.nan)
    columns = {
        "tie": modal_ties(population.labels, num_classes),
        "agreement": votes(population.labels, num_classes).max(1) / len(population.labels),
        "margin": vote_margin(population.labels, num_classes),
        "entropy": vote_entropy(population.labels, num_classes),
        "correct": population.correct.mean(0),
        "q": population.model_q.mean(0),
        "z": population.model_z.mean(0),
        "l1": population.model_l1.mean(0),
        "q_aaai24": population.model_q_aaai24.mean(0),
        "depth": nothing if depths is None else depths.corti2022.mean(0),
        "depth_baldock": nothing if depths is None else depths.baldock.mean(0),
    }
    return {f"{side}_{name}": values for name, values in columns.items()}


def _summary(
    spec: Compare,
    zeros: Sequence[RealisedSparsity],
    pruned: Population,
    is_pie: np.ndarray,
    is_rescued: np.ndarray,
    tested: Tested,
) -> ArmSummary:
    """The arm's counts, accuracies and realised sparsities."""
    models = zip(spec.seeds, pruned.accuracies.tolist(), zeros, strict=True)
    return ArmSummary(
        n_models=len(pruned.labels),
        pies=int(is_pie.sum()),
        ties=int(modal_ties(pruned.labels, spec.num_classes).sum()),
        rescued=int(is_rescued.sum()),
        confirmed=int(tested.is_confirmed.sum()),
        changed=int((tested.q_values <= FALSE_DISCOVERIES).sum()),
        smallest_p_value=tested.smallest,
        test=tested.kind,
        accuracy_mean=float(pruned.accuracies.mean()),
        accuracy_std=_std(pruned.accuracies),
        degenerate_representations=pruned.degenerate,
        error_auroc=pruned.error_auroc(),
        models=tuple(ModelSummary(seed=seed, accuracy=right, sparsity=own) for seed, right, own in models),
    )


def _std(values: np.ndarray) -> float | None:
    """The sample standard deviation (over models), or None for a single one."""
    return float(values.std(ddof=1)) if len(values) > 1 else None
