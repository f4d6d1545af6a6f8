"""What if it were compressed? One row of the curve for each copy, from the copy's own audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piescope.auditing.budgets import signed_limit
from piescope.auditing.units import LEVEL, units
from piescope.auditing.verdict import CLASS_LIMIT
from piescope.store.audit_answers import AccuracyChange, Flips
from piescope.store.audit_record import AuditRecord, CopyRow

if TYPE_CHECKING:
    from piescope.adapters.compression import Compression, CopyFacts


def curve_row(audit: AuditRecord, compression: Compression, facts: CopyFacts) -> CopyRow:
    """What a copy lost, in a line.

    Args:
        audit: of the copy.
        compression: that made it.
        facts: what the compression did.
    """
    accuracy, flips = audit.accuracy or AccuracyChange(), audit.flips or Flips()
    harms = audit.verdict.harms
    there = [unit for unit in units(audit, audit.classes) if unit.examples]
    limit = _class_limit(audit)
    worst = audit.classes[0] if audit.classes and audit.classes[0].impact is not None else None
    low, high = accuracy.compressed_interval or (None, None)
    change_low, change_high = accuracy.change_interval or (None, None)
    return CopyRow(
        name=compression.name,
        method=compression.method,
        amount=compression.amount,
        folder=compression.folder,
        accuracy=accuracy.compressed,
        low=low,
        high=high,
        change=accuracy.change,
        change_low=change_low,
        change_high=change_high,
        correct_to_wrong=flips.correct_to_wrong,
        wrong_to_correct=flips.wrong_to_correct,
        changed=audit.changed,
        verdict=audit.verdict.answer,
        lost_classes=tuple(harm.name for harm in harms if harm.where == "class"),
        lost_groups=tuple(harm.name for harm in harms if harm.where == "group"),
        class_bound=audit.verdict.class_bound,
        class_limit=limit,
        near_limit=tuple(unit.name for unit in there if unit.bounds(LEVEL)[1] > limit),
        n_classes=len(there),
        smallest_class=min((unit.examples for unit in there), default=None),
        worst_class=None if worst is None else worst.name,
        worst_impact=None if worst is None else worst.impact,
        realised_sparsity=facts.realised_sparsity,
        bytes_before=facts.bytes_before,
        bytes_after=facts.bytes_after,
        zipped_before=facts.zipped_before,
        zipped_after=facts.zipped_after,
        broken=tuple(row.budget for row in audit.budgets if row.verdict == "broken"),
    )


def _class_limit(audit: AuditRecord) -> float:
    """What a class may lose, in points: by the budget, if there is one."""
    given = [row for row in audit.budgets if row.budget == "max_class_drop"]
    return -signed_limit(given[0]) if given else CLASS_LIMIT
