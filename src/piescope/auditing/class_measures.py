"""Precision, recall, F1, MCC, ROC AUC, average precision, top-5 accuracy: sums over blocks, and what comes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from piescope.measure.accuracy import Estimates, RightSums
from piescope.measure.classification import (
    Compared,
    Estimate,
    Influence,
    LabelCounts,
    by_class,
    compared,
    mean_of_models,
    overall,
    ranking_measures,
)

if TYPE_CHECKING:
    from piescope.auditing.tally import Audited, Tallied
    from piescope.reading.sides import SideBlock

TOP = 5
"""A true label among so many classes with the highest scores."""

MOST_SCORES = 2**21
"""Scores of a side up to which they are kept to be ranked: examples x models x classes (two classes: one score)."""

MANY_MODELS = "several models a side: the mean over models; its interval is not computed"


@dataclass
class MeasureSums:
    """What the measures need, beside what else is counted; grows with the examples only up to ``MOST_SCORES``.

    Attributes:
        answered: ``[models, classes]`` of either side, how often each model gives each class.
        top: whose ``TOP`` highest scores hold the true label.
        odds: of either side, blocks ``[models, examples, columns]`` of scores to rank by.
        truth: blocks of true labels beside ``odds``.
    """

    answered: list[np.ndarray] = field(default_factory=list)
    top: RightSums | None = None
    odds: tuple[list[np.ndarray], list[np.ndarray]] = field(default_factory=lambda: ([], []))
    truth: list[np.ndarray] = field(default_factory=list)

    def add(self, audited: Audited, blocks: Sequence[SideBlock], truth: np.ndarray) -> None:
        """Adds a block of examples whose true labels are known."""
        classes = audited.classes.count
        answered = [np.stack([np.bincount(labels, minlength=classes) for labels in block.labels]) for block in blocks]
        self.answered = (
            [np.add(*both) for both in zip(self.answered, answered, strict=True)] if self.answered else answered
        )
        if not audited.has_scores:
            return
        if classes > TOP:
            inside = [block.in_top(truth, TOP) for block in blocks]
            sums = RightSums.of(inside[0], inside[1], np.zeros(len(truth), np.int64), 1, audited.has_pairs)
            self.top = sums if self.top is None else self.top + sums
        if not why_no_ranking(audited):
            self.truth.append(truth)
            for kept, block in zip(self.odds, blocks, strict=True):
                kept.append(block.odds())


def why_no_ranking(audited: Audited) -> str:
    """Why ROC AUC and average precision are left out; empty: they are not."""
    if not audited.has_scores:
        return "labels alone: it takes scores of both sides"
    columns = 1 if audited.classes.count == 2 else audited.classes.count
    models = max(len(audited.dense.models), len(audited.compressed.models))
    scores = audited.matched.examples * models * columns
    if scores > MOST_SCORES:
        return f"{scores:,} scores a side are more than the {MOST_SCORES:,} that are kept to be ranked"
    return ""


@dataclass(frozen=True)
class Measured:
    """One measure of both sides.

    Attributes:
        dense: before.
        dense_interval: of 95 %, over examples (recall and top-5 accuracy: as of the accuracy); None: there is none.
        compressed: after.
        compressed_interval: likewise.
        change: compressed minus dense.
        change_interval: likewise; None also where no answer changed.
        unit: ``%`` (0 to 100, changes in points), or empty: ROC AUC and average precision 0 to 1, MCC -1 to 1.
        why_not: why a number or an interval is missing; empty where nothing is.
    """

    dense: float | None
    dense_interval: list[float] | None
    compressed: float | None
    compressed_interval: list[float] | None
    change: float | None
    change_interval: list[float] | None
    unit: str
    why_not: str = ""


def measures(audited: Audited, tallied: Tallied) -> dict[str, Any] | None:
    """``measures`` of audit.json: over all classes by name, and of each class; None without true labels."""
    if tallied.right is None:
        return None
    if len(audited.dense.models) == len(audited.compressed.models) == 1:
        counts = label_counts(tallied, audited.classes.count)
        whole, each, why_not = overall(counts), by_class(counts), ""
    else:
        whole, each = mean_of_models(
            [tallied.right.dense, tallied.right.compressed], tallied.measured.answered, tallied.right.sizes
        )
        why_not = MANY_MODELS
    found = {name: _percent(each_of, why_not) for name, each_of in whole.items() if name != "mcc"}
    found["mcc"] = _measured(whole["mcc"], 1.0, "", why_not)
    found |= _rankings(audited, tallied)
    if tallied.measured.top is not None:
        top = tallied.measured.top
        found[f"top_{TOP}_accuracy"] = _of_sums([top.accuracy("dense"), top.accuracy("compressed"), top.change()], 0)
    recalls = [tallied.right.accuracy("dense"), tallied.right.accuracy("compressed"), tallied.right.change()]
    rows = [
        {
            "class": name,
            "examples": int(tallied.right.sizes[place]),
            "precision": asdict(_percent(_at(each["precision"], place), why_not)),
            "recall": asdict(_of_sums(recalls, place)),
            "f1": asdict(_percent(_at(each["f1"], place), why_not)),
        }
        for place, name in enumerate(audited.classes.names)
        if tallied.right.sizes[place]
    ]
    positive = audited.classes.names[1] if audited.classes.count == 2 else None
    return {
        "positive_class": positive,
        "overall": {name: asdict(measured) for name, measured in found.items()},
        "by_class": rows,
    }


def label_counts(tallied: Tallied, classes: int) -> LabelCounts:
    """(true, dense, compressed) of all examples, from the changed ones and the dense side's confusions."""
    moved = np.array(list(tallied.moved), np.int64).reshape(-1, 3)
    moved_counts = np.array(list(tallied.moved.values()), np.int64)
    cells = np.array(list(tallied.cells), np.int64).reshape(-1, 2)
    left = dict(tallied.cells)
    for (true, dense, _), count in tallied.moved.items():
        left[true, dense] -= count
    still = np.array(list(left.values()), np.int64)
    rows = np.concatenate([np.column_stack([cells, cells[:, 1]])[still > 0], moved])
    counts = np.concatenate([still[still > 0], moved_counts])
    return LabelCounts(rows[:, 0], rows[:, 1], rows[:, 2], counts, classes)


def _rankings(audited: Audited, tallied: Tallied) -> dict[str, Measured]:
    names = ("roc_auc", "average_precision")
    why_not = why_no_ranking(audited)
    if why_not:
        return {name: Measured(None, None, None, None, None, None, "", why_not) for name in names}
    truth = np.concatenate(tallied.measured.truth)
    sides = [_influences(np.concatenate(blocks, axis=1), truth) for blocks in tallied.measured.odds]
    is_single = len(audited.dense.models) == len(audited.compressed.models) == 1
    found = {}
    for place, name in enumerate(names):
        dense, compressed = (side[place] for side in sides)
        is_still = bool((dense.of_rows == compressed.of_rows).all())
        both = compared(dense, compressed, is_still=is_still) if is_single else _values(dense.value, compressed.value)
        none = "all examples are of one class" if np.isnan(dense.value) else ""
        found[name] = _measured(both, 1.0, "", none or ("" if is_single else MANY_MODELS))
    return found


def _influences(odds: np.ndarray, truth: np.ndarray) -> tuple[Influence, Influence]:
    """ROC AUC and average precision, the mean over models and over classes that some examples are of and some not."""
    columns = odds.shape[2]
    positives = [(0, truth == 1)] if columns == 1 else [(label, truth == label) for label in range(columns)]
    known = [(column, mask) for column, mask in positives if 0 < mask.sum() < len(truth)] or positives[:1]
    total = len(odds) * len(known)
    values, of_rows = np.zeros(2), [np.zeros(len(truth)), np.zeros(len(truth))]
    for model in odds:
        for column, mask in known:
            for place, each in enumerate(ranking_measures(mask, model[:, column])):
                values[place] += each.value / total
                of_rows[place] += each.of_rows / total
    return Influence(float(values[0]), of_rows[0]), Influence(float(values[1]), of_rows[1])


def _values(dense: float, compressed: float) -> Compared:
    none = np.array(np.nan)
    return Compared(*(Estimate(np.array(each), none, none) for each in (dense, compressed, compressed - dense)))


def _at(found: Compared, place: int) -> Compared:
    return Compared(*(Estimate(*(end[place] for end in part)) for part in found))


def _percent(found: Compared, why_not: str) -> Measured:
    return _measured(found, 100.0, "%", why_not)


def _measured(found: Compared, scale: float, unit: str, why_not: str) -> Measured:
    (dense, of_dense), (compressed, of_compressed), (change, of_change) = (
        (_number(scale * each.value), _ends(scale * each.low, scale * each.high)) for each in found
    )
    if not why_not and (dense is None or compressed is None):
        why_not = f"the {'dense' if dense is None else 'compressed'} side never answers it"
    elif not why_not and of_change is None and change == 0:
        why_not = "no answer changed"
    elif not why_not and (of_dense is None or of_compressed is None):
        why_not = "nothing varies: there is no spread to make an interval from"
    return Measured(dense, of_dense, compressed, of_compressed, change, of_change, unit, why_not)


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _ends(low: Any, high: Any) -> list[float] | None:
    return [float(low), float(high)] if np.isfinite(low) and np.isfinite(high) else None


def _of_sums(found: Sequence[Estimates], place: int) -> Measured:
    dense, compressed, change = (
        (_number(each.value[place]), _ends(each.low[place], each.high[place])) for each in found
    )
    return Measured(*dense, *compressed, *change, "%")
