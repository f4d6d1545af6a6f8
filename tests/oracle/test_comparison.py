"""Everything that a comparison stores, recomputed from the stored predictions with slow loops that share no code."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.study.folder import study_of
from piescope.study.plan import Ref, make_plan


def slow_scores(h: Any) -> tuple[float, float, float]:
    values = [float(x) for x in h]
    length = math.sqrt(sum(x * x for x in values))
    unit = [x / length for x in values]
    mean = sum(unit) / len(unit)
    std = math.sqrt(sum((x - mean) ** 2 for x in unit) / len(unit))
    z = (max(unit) - mean) / std
    l1 = sum(unit)  # never negative
    return z / l1, z, l1


def slow_depths(knn: np.ndarray, target: list[int]) -> tuple[list[int], list[int]]:
    """Per example: corti2022's depth against the target, and baldock's."""
    corti, baldock = [], []
    for example, wanted in enumerate(target):
        wrong = [place for place, label in enumerate(knn[:, example], start=1) if label != wanted]
        corti.append(wrong[-1] if wrong else 1)
        baldock.append(wrong[-1] if wrong else 0)
    return corti, baldock


def modal(labels: list[int]) -> tuple[int, bool, float]:
    counts = Counter(labels)
    best = max(counts.values())
    tied = sorted(label for label, count in counts.items() if count == best)
    return tied[0], len(tied) > 1, best / len(labels)


@pytest.mark.parametrize("label", ["supervised gmp 0.9", "supcon one_shot 0.5", "supcon dense"])
def test_every_column_and_number_of_a_comparison(stored_run: Path, label: str) -> None:
    out = stored_run
    store = Store(out)
    (item,) = [arm for arm in make_plan(study_of(out)).arms if str(arm.arm) == label]
    step = item.compare
    stored = store.load("compare", step.key)
    columns = {name: values.to_pylist() for name, values in zip(
        stored.table(layout.EXAMPLES).column_names, stored.table(layout.EXAMPLES).columns, strict=True)}  # fmt: skip
    summary = stored.json(layout.SUMMARY)

    def load(ref: Ref, name: str) -> dict[str, np.ndarray]:
        return store.load(ref.kind, ref.key).tensors(name)

    truth = [int(x) for x in load(step.parents["data"][0], layout.IMAGES)["labels"]]
    told: dict[str, list[list[int]]] = {}
    for side in ("dense", "pruned"):
        arrays = [load(ref, layout.PREDICTIONS) for ref in step.parents[side]]
        said = told[side] = [[int(np.argmax(row)) for row in each["logits"]] for each in arrays]
        for i in range(60):
            winner, tie, share = modal([model[i] for model in said])
            assert columns[f"{side}_label"][i] == winner
            assert columns[f"{side}_tie"][i] == tie
            assert columns[f"{side}_agreement"][i] == pytest.approx(share)
            assert columns[f"{side}_correct"][i] == pytest.approx(sum(m[i] == truth[i] for m in said) / len(said))
            scores = [slow_scores(each["representations"][i]) for each in arrays]
            for place, name in enumerate(("q", "z", "l1")):
                mean = sum(score[place] for score in scores) / len(scores)
                assert columns[f"{side}_{name}"][i] == pytest.approx(mean, rel=1e-5)
        knn = [load(ref, layout.KNN_LABELS)["knn_labels"] for ref in step.parents[f"{side}_depths"]]
        against_truth = [slow_depths(each, truth)[0] for each in knn]
        against_itself = [slow_depths(each, said[model])[1] for model, each in enumerate(knn)]
        assert columns[f"{side}_depth"] == pytest.approx(np.mean(against_truth, 0).tolist())
        assert columns[f"{side}_depth_baldock"] == pytest.approx(np.mean(against_itself, 0).tolist())
        if side == "pruned":
            accuracies = [100 * sum(m[i] == truth[i] for i in range(60)) / 60 for m in said]
            mean = sum(accuracies) / len(accuracies)
            assert summary["accuracy_mean"] == pytest.approx(mean)
            spread = math.sqrt(sum((a - mean) ** 2 for a in accuracies) / (len(accuracies) - 1))
            assert summary["accuracy_std"] == pytest.approx(spread)
            ranked = []
            for model, each in zip(said, arrays, strict=True):
                wrong = [a != b for a, b in zip(model, truth, strict=True)]
                ranked.append(roc_auc_score(wrong, [-slow_scores(h)[0] for h in each["representations"]]))
            assert summary["error_auroc"] == pytest.approx(sum(ranked) / len(ranked), abs=1e-6)
    pies = [columns["dense_label"][i] != columns["pruned_label"][i] for i in range(60)]
    assert columns["is_pie"] == pies
    assert columns["label"] == truth
    rescued = [d != t == p for d, t, p in zip(columns["dense_label"], truth, columns["pruned_label"], strict=True)]
    assert columns["is_rescued"] == rescued
    assert (summary["pies"], summary["ties"], summary["rescued"]) == (
        sum(pies),
        sum(columns["pruned_tie"]),
        sum(rescued),
    )
    assert summary["n_models"] == 2
