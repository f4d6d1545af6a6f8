"""What if it were compressed? One row of the curve for each copy, from the copy's own audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piescope.auditing.budgets import signed_limit
from piescope.auditing.units import LEVEL, units
from piescope.auditing.verdict import CLASS_LIMIT

if TYPE_CHECKING:
    from piescope.adapters.compression import Compression, Facts


def curve_row(content: dict[str, Any], compression: Compression, facts: Facts) -> dict[str, Any]:
    """What a copy lost, in a line.

    Args:
        content: of the copy's audit.json.
        compression: that made it.
        facts: what the compression did.
    """
    accuracy, flips, classes = content["accuracy"], content["flips"], content["classes"]
    harms = content["verdict"]["harms"]
    lost = [harm["name"] for harm in harms if harm["where"] == "class"]
    there = [unit for unit in units(content, "classes") if unit.examples]
    limit = _class_limit(content)
    worst = classes[0] if classes and classes[0]["impact"] is not None else None
    low, high = (None, None) if accuracy is None else accuracy["compressed_interval"]
    change_low, change_high = (None, None) if accuracy is None else accuracy["change_interval"]
    return {
        "name": compression.name,
        "method": compression.method,
        "amount": compression.amount,
        "accuracy": None if accuracy is None else accuracy["compressed"],
        "low": low,
        "high": high,
        "change": None if accuracy is None else accuracy["change"],
        "change_low": change_low,
        "change_high": change_high,
        "correct_to_wrong": None if flips is None else flips["correct_to_wrong"],
        "wrong_to_correct": None if flips is None else flips["wrong_to_correct"],
        "changed": content["changed"],
        "verdict": content["verdict"]["answer"],
        "lost_classes": lost,
        "lost_groups": [harm["name"] for harm in harms if harm["where"] == "group"],
        "class_bound": content["verdict"]["class_bound"],
        "class_limit": limit,
        "near_limit": [unit.name for unit in there if unit.bounds(LEVEL)[1] > limit],
        "n_classes": len(there),
        "smallest_class": min((unit.examples for unit in there), default=None),
        "worst_class": None if worst is None else worst["class"],
        "worst_impact": None if worst is None else worst["impact"],
        "realised_sparsity": facts.realised_sparsity,
        "bytes_before": facts.bytes_before,
        "bytes_after": facts.bytes_after,
        "zipped_before": facts.zipped_before,
        "zipped_after": facts.zipped_after,
        "folder": compression.folder,
        "broken": [row["budget"] for row in content["budgets"] if row["verdict"] == "broken"],
    }


def _class_limit(content: dict[str, Any]) -> float:
    """What a class may lose, in points: by the budget, if there is one."""
    given = [row for row in content["budgets"] if row["budget"] == "max_class_drop"]
    return -signed_limit(given[0]) if given else CLASS_LIMIT
