"""Precision, F1, ROC AUC and the like before and after, as rows to be shown; page, terminal and audit.md share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from piescope.report.audit.terms import Audit, class_name, ends
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


def measure_rows(audit: Audit) -> list[MeasureRow]:
    """Every measure over all examples that has a number; of two classes, those of the second first."""
    return [row for _, row in _rows(audit)]


def telling(audit: Audit) -> list[MeasureRow]:
    """The measures that say more than the accuracy: where classes are unequal, or what changes while accuracy does not.

    With unequal classes: precision, recall and F1 of the second of two classes and the ROC AUC; balanced accuracy and
    macro F1 of more than two.
    """
    if audit["measures"] is None or audit["accuracy"] is None:
        return []
    two = audit["measures"]["positive_class"] is not None
    main = ("precision", "recall", "f1", "roc_auc") if two else ("balanced_accuracy", "macro_f1")
    sizes = [row["examples"] for row in audit["measures"]["by_class"] if row["examples"] is not None]
    is_unequal = len(sizes) > 1 and max(sizes) >= UNEQUAL * min(sizes)
    is_still = not _excludes_zero(audit["accuracy"]["change_interval"])
    return [row for key, row in _rows(audit) if (is_unequal and key in main) or (is_still and row.is_clear)]


def class_rows(audit: Audit) -> list[tuple[str, str, list[MeasureRow]]]:
    """Of each class: its name, its examples, and precision, recall and F1; the largest loss of F1 first."""
    if audit["measures"] is None:
        return []
    rows = sorted(audit["measures"]["by_class"], key=lambda row: row["f1"]["change"] or 0.0)
    return [
        (name(row["class"]), count(row["examples"]), [_row(key, row[key]) for key in ("precision", "recall", "f1")])
        for row in rows
    ]


def measure_words(audit: Audit) -> list[str]:
    """What of the measures cannot be told, and why."""
    if audit["measures"] is None:
        return []
    reasons: dict[str, list[str]] = {}
    for key, found in audit["measures"]["overall"].items():
        if found["why_not"] and found["why_not"] != "no answer changed":
            reasons.setdefault(found["why_not"], []).append(NAMES[key])
    return [f"No number or no interval of {listed(names)}: {why}." for why, names in reasons.items()]


def _rows(audit: Audit) -> list[tuple[str, MeasureRow]]:
    measures = audit["measures"]
    if measures is None:
        return []
    positive = next((row for row in measures["by_class"] if row["class"] == measures["positive_class"]), None)
    found = []
    if positive is not None:
        of = f" of {class_name(positive['class'])}"
        found += [(key, _row(key, positive[key], of)) for key in ("precision", "recall", "f1")]
    overall = measures["overall"]
    found += [(key, _row(key, overall[key])) for key in NAMES if key in overall]
    return [(key, row) for key, row in found if (row.dense, row.compressed) != (NOTHING, NOTHING)]


def _row(key: str, found: dict[str, Any], of: str = "") -> MeasureRow:
    def shown(which: str, signed: bool = False) -> str:
        value, (low, high) = found[which], ends(found[f"{which}_interval"])
        if found["unit"]:
            return with_interval(value, low, high, signed=signed)
        around = interval(low, high, 3, signed)
        return f"{number(value, 3, signed)} {around}".strip() if value is not None else NOTHING

    decimals = 1 if found["unit"] else 3
    return MeasureRow(
        name=NAMES[key] + of,
        dense=shown("dense"),
        compressed=shown("compressed"),
        change=shown("change", signed=True),
        unit=found["unit"],
        is_clear=_excludes_zero(found["change_interval"]),
        before_after=f"{number(found['dense'], decimals)} → {number(found['compressed'], decimals)}",
    )


def _excludes_zero(pair: list[float] | None) -> bool:
    low, high = ends(pair)
    return low is not None and high is not None and (low > 0 or high < 0)
