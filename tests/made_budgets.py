"""Audits by the few numbers that budgets are judged by, and a slow form of the bound of a drop."""

from __future__ import annotations

import math
import re
from typing import Any

from scipy import stats

from piescope.auditing import budgets as auditing_budgets
from piescope.auditing.budgets import Budgets
from piescope.store.audit_record import AuditRecord, BudgetRow


def class_row(name: str, examples: int, lost: int, gained: int, **interval: Any) -> dict[str, Any]:
    """A class or group as audit.json has it."""
    impact = -100 * (lost - gained) / examples if examples else None
    return {
        "class": name, "examples": examples, "impact": impact, "low": None, "high": None,
        "correct_to_wrong": lost, "wrong_to_correct": gained, **interval,
    }  # fmt: skip


def an_audit(
    classes: list[dict[str, Any]] | None = None,
    *,
    examples: int = 2000,
    lost: int = 30,
    gained: int = 10,
    changed: int = 50,
    models: tuple[int, int] = (1, 1),
    groups: list[dict[str, Any]] | None = None,
    **accuracy: Any,
) -> dict[str, Any]:
    """The parts of audit.json that budgets are judged by."""
    if classes is not None and not accuracy:
        lost, gained = (sum(row[key] for row in classes) for key in ("correct_to_wrong", "wrong_to_correct"))
        examples = sum(row["examples"] for row in classes)
    return {
        "n_examples": examples,
        "inputs": {"dense": {"n_models": models[0]}, "compressed": {"n_models": models[1]}, "metadata": None},
        "accuracy": {"dense_modal": 90.0, "change": 100 * (gained - lost) / max(examples, 1), "change_interval": None, **accuracy},
        "flips": {"correct_to_wrong": lost, "wrong_to_correct": gained},
        "changed": changed,
        "classes": classes or [],
        "groups": groups or [],
    }  # fmt: skip


def judge(audit: dict[str, Any], budgets: Budgets, of: str = "") -> list[BudgetRow]:
    """Each budget's row."""
    return auditing_budgets.judge(AuditRecord.of(audit), budgets, of)


def verdict(audit: dict[str, Any], **limit: Any) -> str:
    """On the one budget."""
    (row,) = judge(audit, Budgets.of(limit))
    return row.verdict


def reason(audit: dict[str, Any], **limit: Any) -> str:
    """Of the verdict on the one budget."""
    (row,) = judge(audit, Budgets.of(limit))
    return row.reason


def proposed(sentence: str) -> int:
    """How many examples a reason says would do."""
    return int(re.search(r"about ([\d,]+) examples would do", sentence)[1].replace(",", ""))


def slow_upper(lost: int, gained: int, examples: int, level: float) -> float:
    """Upper bound of the drop, from scipy's quantiles of the beta distribution, one at a time."""
    most = stats.beta.ppf(1 - level, lost + 1, examples - lost) if lost < examples else 1.0
    least = stats.beta.ppf(level, gained, examples - gained + 1) if gained else 0.0
    p, q = lost / examples, gained / examples
    r = -math.sqrt(p * q / ((1 - p) * (1 - q))) if p < 1 and q < 1 else 0.0
    a, b = most - p, q - least
    return 100 * min(1.0, p - q + math.sqrt(a * a + b * b - 2 * r * a * b))


def population(error: float, freedom: float, drop: float = 1.0, models: int = 5, **more: Any) -> dict[str, Any]:
    """An audit of several models a side with one class, whose drop has this error."""
    row = class_row("cat", 1000, 12, 4, impact=-drop, error=error, freedom=freedom)
    return an_audit([row], models=(models, models), change=-drop, change_error=error, change_freedom=freedom, **more)
