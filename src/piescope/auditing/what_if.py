"""What if it were compressed? One row of the curve for each copy, from the copy's own audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piescope.auditing.answers import FALSE_DISCOVERIES

if TYPE_CHECKING:
    from piescope.auditing.compress import Compression, Facts


def curve_row(content: dict[str, Any], compression: Compression, facts: Facts) -> dict[str, Any]:
    """What a copy lost, in a line.

    Args:
        content: of the copy's audit.json.
        compression: that made it.
        facts: what the compression did.
    """
    accuracy, flips, classes = content["accuracy"], content["flips"], content["classes"]
    lost = [
        row["class"]
        for row in classes
        if row["q_value"] is not None and row["q_value"] <= FALSE_DISCOVERIES and row["impact"] < 0
    ]
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
        "lost_classes": lost,
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
