"""Tables of an audit: budgets, copies of a what-if, representations."""

from __future__ import annotations

from piescope import wording
from piescope.report.audit import budget_rows
from piescope.report.audit.charts import are_on_a_line
from piescope.report.layout.blocks import Cell, Table, Tag
from piescope.store.audit_record import AuditRecord, BudgetRow, CopyRow

ORDER = {"broken": 0, "undecided": 1, "kept": 2}


def budgets(audit: AuditRecord) -> Table:
    """Each budget and the verdict on it, broken ones first."""
    rows = sorted(audit.budgets, key=lambda row: ORDER[row.verdict])
    about = dict.fromkeys(row.budget for row in rows)
    caption = "; ".join(f"{name}: {budget_rows.BUDGETS[name]}" for name in about) + "."
    head = ("budget", "verdict", "observed (one-sided 95 % bound)", "limit", "why")
    body, is_whole = tuple(map(_budget, rows)), not audit.what_if
    return Table("Budgets", caption, head, body, texts=(0, 1, 4), brief=12, is_whole=is_whole)


def _budget(row: BudgetRow) -> tuple[Cell, ...]:
    verdict = Tag(row.verdict, row.verdict)
    reason = wording.printable(row.reason)
    return budget_rows.budget_name(row), verdict, budget_rows.observed(row), budget_rows.limit(row), reason


def copies(audit: AuditRecord) -> Table:
    """What each copy of a what-if lost."""
    rows = audit.what_if
    numbered = not are_on_a_line(rows)
    head = ["copy", "accuracy, %", "change", "lost", "won back", "changed", "worst class", "lost classes", "sparsity"]
    if audit.budgets:
        head.append("budgets broken")
    cells = [(f"{place}: " if numbered else "", row) for place, row in enumerate(rows, 1)]
    return Table(
        "Every copy",
        "Change in points of accuracy; lost classes: those whose recall fell beyond chance; sparsity: share of zeros "
        "in the weights that were pruned. Every copy has a page of its own in its folder.",
        tuple(head),
        tuple(_copy(number, row)[: len(head)] for number, row in cells),
        texts=(0, 7, 9),
        brief=8,
        is_whole=True,
        essential=(0, 1, 2, 3, 5),
    )


def _copy(number: str, row: CopyRow) -> tuple[str, ...]:
    worst = wording.NOTHING
    if row.worst_class is not None:
        worst = f"{wording.name(row.worst_class)} ({wording.number(row.worst_impact, 1, True)})"
    return (
        number + wording.name(row.name),
        wording.with_interval(row.accuracy, row.low, row.high),
        wording.with_interval(row.change, row.change_low, row.change_high, signed=True),
        wording.count(row.correct_to_wrong),
        wording.count(row.wrong_to_correct),
        wording.count(row.changed),
        worst,
        wording.listed([wording.name(lost) for lost in row.lost_classes], 4) or "none",
        wording.NOTHING if row.realised_sparsity is None else wording.number(row.realised_sparsity, 3),
        wording.listed([wording.name(budget) for budget in row.broken]) or "none",
    )


def representations(audit: AuditRecord) -> Table | None:
    """Q-Score and depth of all, changed and other examples."""
    embeddings = audit.embeddings
    if embeddings is None:
        return None
    rows = list[tuple[str, float | None, float | None, int]]()
    q, depth = embeddings.q_score, embeddings.prediction_depth
    if q is not None:
        rows += [
            ("Q-Score, all examples", q.dense.q, q.compressed.q, 3),
            ("Z-Score, all", q.dense.z, q.compressed.z, 3),
            ("L1 norm, all", q.dense.l1, q.compressed.l1, 3),
            ("Q-Score, changed examples", q.changed.dense, q.changed.compressed, 3),
            ("Q-Score, the others", q.other.dense, q.other.compressed, 3),
        ]
    if depth is not None:
        rows += [
            ("Prediction depth, all examples", depth.dense, depth.compressed, 2),
            ("Prediction depth, changed examples", depth.changed.dense, depth.changed.compressed, 2),
            ("Prediction depth, the others", depth.other.dense, depth.other.compressed, 2),
        ]
    cells = tuple(
        (text, wording.number(before, decimals), wording.number(after, decimals))
        for text, before, after, decimals in rows
        if (before, after) != (None, None)
    )
    return Table("Representation", "", ("measure, mean", "before", "after"), cells) if cells else None
