"""Accuracy, precision, F1, ROC AUC and the like before and after, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from piescope.report.audit.terms import class_name, ends
from piescope.report.layout.blocks import Cell, Fact, Table, Tag
from piescope.store.audit_answers import BeforeAfter, Ends
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


MOST_CLASSES = 200
"""Classes whose precision, recall and F1 the page has; audit.json has all."""


def before_and_after(audit: AuditRecord) -> Table | None:
    """Accuracy, calibration error and every measure over all examples that has a number.

    Of two classes those of the second. Short documents have the first rows: those that say more than the accuracy.
    """
    rows, accuracy, calibration = [], audit.accuracy, audit.calibration
    if accuracy is not None and (accuracy.dense, accuracy.compressed) != (None, None):
        rows.append(_cells("accuracy", accuracy, "%"))
    if calibration is not None and calibration.dense.ece is not None:
        both = (number(side.ece) for side in (calibration.dense, calibration.compressed))
        rows.append(("calibration error (ECE), points", *both, number(calibration.ece_change, signed=True)))
    every = _measured(audit)
    first = [row for row in every if _is_telling(audit, row)]
    rows += [_cells(row.name, row.numbers, row.numbers.unit) for row in first]
    brief = len(rows)
    rows += [_cells(row.name, row.numbers, row.numbers.unit) for row in every if row not in first]
    caption = (
        "In brackets: 95 % intervals; changes of percentages are in points. Bold: the interval of the change excludes "
        "0."
    )
    if every:
        caption = (
            "Where classes are unequal, accuracy is mostly that of the largest; the others weigh every class alike, or "
            f"look at one. {caption}"
        )
    head = ("measure", "before", "after", "change")
    return Table("Before and after", caption, head, tuple(rows), brief=brief) if rows else None


@dataclass(frozen=True)
class MeasureRow:
    """One measure.

    Attributes:
        key: of the measure, as audit.json has it.
        name: as it is read; with its class where it is about one.
        numbers: of both sides.
    """

    key: str
    name: str
    numbers: Measured


def _measured(audit: AuditRecord) -> list[MeasureRow]:
    measures = audit.measures
    if measures is None:
        return []
    positive = next((row for row in measures.by_class if row.name == measures.positive_class), None)
    rows = []
    if positive is not None:
        of = f" of {class_name(positive.name)}"
        rows = [MeasureRow(key, NAMES[key] + of, measured) for key, measured in _of(positive)]
    rows += [MeasureRow(key, NAMES[key], measures.overall[key]) for key in NAMES if key in measures.overall]
    return [row for row in rows if (row.numbers.dense, row.numbers.compressed) != (None, None)]


def _is_telling(audit: AuditRecord, row: MeasureRow) -> bool:
    """Whether it says more than the accuracy: where classes are unequal, or what changes while accuracy does not.

    With unequal classes: precision, recall and F1 of the second of two classes and the ROC AUC; balanced accuracy and
    macro F1 of more than two.
    """
    if audit.measures is None or audit.accuracy is None:
        return False
    two = audit.measures.positive_class is not None
    main = ("precision", "recall", "f1", "roc_auc") if two else ("balanced_accuracy", "macro_f1")
    sizes = [row.examples for row in audit.measures.by_class if row.examples is not None]
    is_unequal = len(sizes) > 1 and max(sizes) >= UNEQUAL * min(sizes)
    is_still = not _excludes_zero(audit.accuracy.change_interval)
    return (is_unequal and row.key in main) or (is_still and _excludes_zero(row.numbers.change_interval))


def by_class(audit: AuditRecord) -> Table | None:
    """Of each class precision, recall and F1; the largest loss of F1 first."""
    if audit.measures is None or not audit.measures.by_class:
        return None
    rows = sorted(audit.measures.by_class, key=lambda row: row.f1.change or 0.0)[:MOST_CLASSES]
    return Table(
        "Precision, recall and F1 of each class",
        "Percent, before → after; the change in points with its 95 % interval. Bold: the interval excludes 0. It is of "
        "each class by itself: of many some do by chance; what is beyond that stands under “Who paid?”.",
        ("class", "examples", *(text for key, _ in _of(rows[0]) for text in (NAMES[key], "change"))),
        tuple((name(row.name), count(row.examples), *_class_cells(row)) for row in rows),
    )


def _class_cells(row: MeasuredClass) -> Iterator[Cell]:
    for _, measured in _of(row):
        yield f"{number(measured.dense)} → {number(measured.compressed)}"
        yield _change(measured, measured.unit)


def _of(row: MeasuredClass) -> list[tuple[str, Measured]]:
    return [("precision", row.precision), ("recall", row.recall), ("f1", row.f1)]


def figures(audit: AuditRecord) -> list[Fact]:
    """Single numbers about both sides, with their intervals."""
    known = (figure for figure in audit.figures.values() if figure.value is not None)
    return [Fact(figure.title, _shown(figure)) for figure in known]


def missing_figures(audit: AuditRecord) -> list[str]:
    """Those that are not known, and why."""
    missing = (figure for figure in audit.figures.values() if figure.value is None)
    return [f"{figure.title}: {NOTHING}{f' ({figure.why_not})' if figure.why_not else ''}." for figure in missing]


def _shown(figure: Figure) -> str:
    shown = f"{number(figure.value, figure.decimals)} {interval(figure.low, figure.high, figure.decimals)}".strip()
    return f"{shown} ({figure.why_not})" if figure.why_not else shown


def measure_words(audit: AuditRecord) -> list[str]:
    """What of the measures cannot be told, and why."""
    if audit.measures is None:
        return []
    reasons: dict[str, list[str]] = {}
    for key, measured in audit.measures.overall.items():
        if measured.why_not and measured.why_not != "no answer changed":
            reasons.setdefault(measured.why_not, []).append(NAMES[key])
    return [f"No number or no interval of {listed(names)}: {why}." for why, names in reasons.items()]


def _cells(text: str, numbers: BeforeAfter, unit: str) -> tuple[Cell, ...]:
    both = ((numbers.dense, numbers.dense_interval), (numbers.compressed, numbers.compressed_interval))
    sides = (_with_interval(value, pair, unit) for value, pair in both)
    return (f"{text}, {unit}" if unit else text, *sides, _change(numbers, unit))


def _change(numbers: BeforeAfter, unit: str) -> Cell:
    text = _with_interval(numbers.change, numbers.change_interval, unit, signed=True)
    return Tag(text, "strong") if _excludes_zero(numbers.change_interval) else text


def _with_interval(value: float | None, pair: Ends | None, unit: str, signed: bool = False) -> str:
    return with_interval(value, *ends(pair), signed=signed, decimals=None if unit else 3)


def _excludes_zero(pair: Ends | None) -> bool:
    low, high = ends(pair)
    return low is not None and high is not None and (low > 0 or high < 0)
