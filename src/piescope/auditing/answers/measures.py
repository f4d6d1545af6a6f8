"""Precision, recall, F1, MCC, ROC AUC, average precision, top-5 accuracy: sums over blocks, and what comes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from piescope.auditing.answers.accuracy import AccuracySums
from piescope.auditing.answers.confusions import ConfusionSums
from piescope.auditing.audited import Audited
from piescope.auditing.block import AuditBlock
from piescope.auditing.tally import Counted
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
from piescope.measure.intervals import NO_SPREAD
from piescope.store.audit_measures import Measured, MeasuredClass, MeasuredSides

TOP = 5
"""A true label among so many classes with the highest scores."""

MOST_SCORES = 2**21
"""Scores of a side up to which they are kept to be ranked: examples x models x classes (two classes: one score)."""

MANY_MODELS = "several models a side: the mean over models; its interval is not computed"


@dataclass(frozen=True)
class MeasureSums:
    """What the measures need beside accuracy and confusions; grows with the examples only up to ``MOST_SCORES``.

    Attributes:
        answered: ``[models, classes]`` of either side, how often each model gives each class.
        top: whose ``TOP`` highest scores hold the true label; None: labels only, or too few classes.
        dense_odds: blocks ``[models, examples, columns]`` of scores to rank by; empty: they are not ranked.
        compressed_odds: likewise.
        truth: blocks of true labels beside them.
    """

    answered: tuple[np.ndarray, np.ndarray]
    top: RightSums | None
    dense_odds: tuple[np.ndarray, ...]
    compressed_odds: tuple[np.ndarray, ...]
    truth: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, block: AuditBlock) -> MeasureSums | None:
        """Sums of a block; None without true labels."""
        if block.truth is None:
            return None
        classes, audited = block.classes, block.audited
        dense, compressed = (
            np.stack([np.bincount(labels, minlength=classes) for labels in side.labels]) for side in block.sides
        )
        top = None
        if audited.has_scores and classes > TOP:
            one, other = (side.said.in_top(block.truth, TOP) for side in block.sides)
            top = RightSums.of(one, other, np.zeros(block.examples, np.int64), 1, audited.has_pairs)
        if why_no_ranking(audited):
            return cls((dense, compressed), top, (), (), ())
        odds = [(side.said.odds(),) for side in block.sides]
        return cls((dense, compressed), top, odds[0], odds[1], (block.truth,))

    def __add__(self, other: MeasureSums) -> MeasureSums:
        (one, two), (three, four) = self.answered, other.answered
        top = None if self.top is None or other.top is None else self.top + other.top
        kept = (getattr(self, part.name) + getattr(other, part.name) for part in fields(self)[2:])
        return MeasureSums((one + three, two + four), top, *kept)


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


def measures(counted: Counted) -> MeasuredSides | None:
    """Over all classes by name, and of each class; None without true labels."""
    sums, audited = counted.get(MeasureSums), counted.audited
    if sums is None or audited.is_right_or_wrong:
        return None
    right = counted[AccuracySums].right
    if audited.comparison == "one against one":
        counts = label_counts(counted[ConfusionSums], audited.classes.count)
        whole, of_classes, why_not = overall(counts), by_class(counts), ""
    else:
        sides = [right.dense, right.compressed]
        whole, of_classes = mean_of_models(sides, list(sums.answered), right.sizes)
        why_not = MANY_MODELS
    named = {name: _percent(compared, why_not) for name, compared in whole.items() if name != "mcc"}
    named["mcc"] = _measured(whole["mcc"], 1.0, "", why_not)
    named |= _rankings(sums, audited)
    if sums.top is not None:
        named[f"top_{TOP}_accuracy"] = _of_sums(_parts(sums.top), 0)
    recalls = _parts(right)
    rows = [
        MeasuredClass(
            name=name,
            examples=int(right.sizes[place]),
            precision=_percent(_at(of_classes["precision"], place), why_not),
            recall=_of_sums(recalls, place),
            f1=_percent(_at(of_classes["f1"], place), why_not),
        )
        for place, name in enumerate(audited.classes.names)
        if right.sizes[place]
    ]
    positive = audited.classes.names[1] if audited.classes.count == 2 else None
    return MeasuredSides(positive_class=positive, overall=named, by_class=tuple(rows))


def label_counts(sums: ConfusionSums, classes: int) -> LabelCounts:
    """(true, dense, compressed) of all examples, from the changed ones and the dense side's confusions."""
    still = Counter(sums.cells)
    for (true, dense, _), count in sums.moved.items():
        still[true, dense] -= count
    still = +still
    rows = np.array([(*cell, cell[1]) for cell in still] + list(sums.moved), np.int64).reshape(-1, 3)
    counts = np.array([*still.values(), *sums.moved.values()], np.int64)
    return LabelCounts(rows[:, 0], rows[:, 1], rows[:, 2], counts, classes)


def _rankings(sums: MeasureSums, audited: Audited) -> dict[str, Measured]:
    names = ("roc_auc", "average_precision")
    why_not = why_no_ranking(audited)
    if why_not:
        nothing = dict.fromkeys(("dense", "compressed", "change"), None)
        ends = dict.fromkeys(("dense_interval", "compressed_interval", "change_interval"), None)
        return {name: Measured(**nothing, **ends, unit="", why_not=why_not) for name in names}
    truth = np.concatenate(sums.truth)
    sides = [_influences(np.concatenate(odds, axis=1), truth) for odds in (sums.dense_odds, sums.compressed_odds)]
    is_single = audited.comparison == "one against one"
    named = {}
    for place, name in enumerate(names):
        dense, compressed = (side[place] for side in sides)
        is_still = bool((dense.of_rows == compressed.of_rows).all())
        both = compared(dense, compressed, is_still=is_still) if is_single else _values(dense.value, compressed.value)
        none = "all examples are of one class" if np.isnan(dense.value) else ""
        named[name] = _measured(both, 1.0, "", none or ("" if is_single else MANY_MODELS))
    return named


def _influences(odds: np.ndarray, truth: np.ndarray) -> tuple[Influence, Influence]:
    """ROC AUC and average precision, the mean over models and over classes that some examples are of and some not."""
    columns = odds.shape[2]
    positives = [(0, truth == 1)] if columns == 1 else [(label, truth == label) for label in range(columns)]
    known = [(column, mask) for column, mask in positives if 0 < mask.sum() < len(truth)] or positives[:1]
    total = len(odds) * len(known)
    values, of_rows = np.zeros(2), [np.zeros(len(truth)), np.zeros(len(truth))]
    for model in odds:
        for column, mask in known:
            for place, influence in enumerate(ranking_measures(mask, model[:, column])):
                values[place] += influence.value / total
                of_rows[place] += influence.of_rows / total
    return Influence(float(values[0]), of_rows[0]), Influence(float(values[1]), of_rows[1])


def _values(dense: float, compressed: float) -> Compared:
    none = np.array(np.nan)
    return Compared(*(Estimate(np.array(value), none, none) for value in (dense, compressed, compressed - dense)))


def _at(both: Compared, place: int) -> Compared:
    return Compared(*(Estimate(*(end[place] for end in part)) for part in both))


def _percent(both: Compared, why_not: str) -> Measured:
    return _measured(both, 100.0, "%", why_not)


def _measured(both: Compared, scale: float, unit: str, why_not: str) -> Measured:
    (dense, of_dense), (compressed, of_compressed), (change, of_change) = (
        (_number(scale * part.value), _ends(scale * part.low, scale * part.high)) for part in both
    )
    if not why_not and (dense is None or compressed is None):
        why_not = f"the {'dense' if dense is None else 'compressed'} side never answers it"
    elif not why_not and of_change is None and change == 0:
        why_not = "no answer changed"
    elif not why_not and (of_dense is None or of_compressed is None):
        why_not = NO_SPREAD
    return _with_ends((dense, of_dense), (compressed, of_compressed), (change, of_change), unit, why_not)


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _ends(low: Any, high: Any) -> tuple[float, float] | None:
    return (float(low), float(high)) if np.isfinite(low) and np.isfinite(high) else None


def _parts(sums: RightSums) -> Sequence[Estimates]:
    return sums.accuracy("dense"), sums.accuracy("compressed"), sums.change()


def _of_sums(parts: Sequence[Estimates], place: int) -> Measured:
    dense, compressed, change = (
        (_number(part.value[place]), _ends(part.low[place], part.high[place])) for part in parts
    )
    return _with_ends(dense, compressed, change, "%", "")


def _with_ends(dense: Any, compressed: Any, change: Any, unit: str, why_not: str) -> Measured:
    """From pairs of a number and its interval."""
    return Measured(
        dense=dense[0],
        dense_interval=dense[1],
        compressed=compressed[0],
        compressed_interval=compressed[1],
        change=change[0],
        change_interval=change[1],
        unit=unit,
        why_not=why_not,
    )
