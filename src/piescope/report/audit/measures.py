"""Precision, F1, ROC AUC and the like before and after, as rows to be shown; page, terminal and audit.md share them."""

from __future__ import annotations

from dataclasses import dataclass

from piescope.report.audit.terms import class_name, ends
from piescope.store.audit_answers import Ends
from piescope.store.audit_measures import Figure, Measured, MeasuredClass
from piescope.store.audit_record import AuditRecord
from piescope.wording import NOTHING, count, interval, listed, name, number, with_interval

NAMES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "balanced_accuracy": "balanced accuracy",
    "macro_precision": "macro precision",
    "macro_f1": "macro F1",
    "mcc": "MCC",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "top_5_accuracy": "top-5 accuracy",
}

UNEQUAL = 3.0
"""Times as many examples in the largest class as in the smallest: then accuracy hides what happens to the rest."""


@dataclass(frozen=True)
class MeasureRow:
    """One measure, as it is shown.

    Attributes:
        name: of the measure; of one class where it is about one.
        dense: before, with its interval.
        compressed: after, likewise.
        change: likewise, in points where the unit is percent.
        unit: ``%`` or empty.
        is_clear: the interval of the change excludes 0.
        before_after: both numbers without intervals.
    """

    name: str
    dense: str
    compressed: str
    change: str
    unit: str
    is_clear: bool
    before_after: str


def measure_rows(audit: AuditRecord) -> list[MeasureRow]:
    """Every measure over all examples that has a number; of two classes, those of the second first."""
    return [row for _, row in _rows(audit)]


def telling(audit: AuditRecord) -> list[MeasureRow]:
    """The measures that say more than the accuracy: where classes are unequal, or what changes while accuracy does not.

    With unequal classes: precision, recall and F1 of the second of two classes and the ROC AUC; balanced accuracy and
    macro F1 of more than two.
    """
    if audit.measures is None or audit.accuracy is None:
        return []
    two = audit.measures.positive_class is not None
    main = ("precision", "recall", "f1", "roc_auc") if two else ("balanced_accuracy", "macro_f1")
    sizes = [row.examples for row in audit.measures.by_class if row.examples is not None]
    is_unequal = len(sizes) > 1 and max(sizes) >= UNEQUAL * min(sizes)
    is_still = not _excludes_zero(audit.accuracy.change_interval)
    return [row for key, row in _rows(audit) if (is_unequal and key in main) or (is_still and row.is_clear)]


def class_rows(audit: AuditRecord) -> list[tuple[str, str, list[MeasureRow]]]:
    """Of each class: its name, its examples, and precision, recall and F1; the largest loss of F1 first."""
    if audit.measures is None:
        return []
    rows = sorted(audit.measures.by_class, key=lambda row: row.f1.change or 0.0)
    return [(name(row.name), count(row.examples), [_row(key, measured) for key, measured in _of(row)]) for row in rows]


def _of(row: MeasuredClass) -> list[tuple[str, Measured]]:
    return [("precision", row.precision), ("recall", row.recall), ("f1", row.f1)]


def figure_rows(audit: AuditRecord) -> list[tuple[str, str]]:
    """Single numbers about both sides: title and number with its interval; those without a number are left out."""
    return [
        (figure.title, f"{number(figure.value, figure.decimals)} {_around(figure)}".strip())
        for figure in audit.figures.values()
        if figure.value is not None
    ]


def _around(figure: Figure) -> str:
    return interval(figure.low, figure.high, figure.decimals)


def figure_words(audit: AuditRecord) -> list[str]:
    """The same as sentences, with what is missing and why."""
    sentences = []
    for figure in audit.figures.values():
        value = f"{number(figure.value, figure.decimals)} {_around(figure)}".strip()
        why_not = f" ({figure.why_not})" if figure.why_not else ""
        sentences.append(f"{figure.title}: {value}{why_not}.")
    return sentences


def measure_words(audit: AuditRecord) -> list[str]:
    """What of the measures cannot be told, and why."""
    if audit.measures is None:
        return []
    reasons: dict[str, list[str]] = {}
    for key, measured in audit.measures.overall.items():
        if measured.why_not and measured.why_not != "no answer changed":
            reasons.setdefault(measured.why_not, []).append(NAMES[key])
    return [f"No number or no interval of {listed(names)}: {why}." for why, names in reasons.items()]


def _rows(audit: AuditRecord) -> list[tuple[str, MeasureRow]]:
    measures = audit.measures
    if measures is None:
        return []
    positive = next((row for row in measures.by_class if row.name == measures.positive_class), None)
    rows = []
    if positive is not None:
        rows = [(key, _row(key, measured, f" of {class_name(positive.name)}")) for key, measured in _of(positive)]
    rows += [(key, _row(key, measures.overall[key])) for key in NAMES if key in measures.overall]
    return [(key, row) for key, row in rows if (row.dense, row.compressed) != (NOTHING, NOTHING)]


def _row(key: str, measured: Measured, of: str = "") -> MeasureRow:
    def shown(value: float | None, pair: Ends | None, signed: bool = False) -> str:
        low, high = ends(pair)
        if measured.unit:
            return with_interval(value, low, high, signed=signed)
        around = interval(low, high, 3, signed)
        return f"{number(value, 3, signed)} {around}".strip() if value is not None else NOTHING

    decimals = 1 if measured.unit else 3
    return MeasureRow(
        name=NAMES[key] + of,
        dense=shown(measured.dense, measured.dense_interval),
        compressed=shown(measured.compressed, measured.compressed_interval),
        change=shown(measured.change, measured.change_interval, signed=True),
        unit=measured.unit,
        is_clear=_excludes_zero(measured.change_interval),
        before_after=f"{number(measured.dense, decimals)} → {number(measured.compressed, decimals)}",
    )


def _excludes_zero(pair: Ends | None) -> bool:
    low, high = ends(pair)
    return low is not None and high is not None and (low > 0 or high < 0)
