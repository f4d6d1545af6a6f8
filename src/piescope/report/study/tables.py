"""Tables as people read them: arms side by side as in the paper, typeset once for the page and once for LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from piescope.report.layout.blocks import Table, TableColumn, table_of
from piescope.report.study import frames
from piescope.report.study.claim_parts import Claim
from piescope.report.study.claim_rows import ClaimRow, claims_rows
from piescope.report.study.frames import ClassRow, DepthRow, PiesRow, QScoreRow, SparsityRow
from piescope.report.study.published import PublishedRow, published_rows, unfair_because
from piescope.report.study.results import Results
from piescope.report.study.rows import ArmKey, Tables
from piescope.report.study.words import family_name, text
from piescope.wording import as_percent, name, number, percent, plus_minus, ranged, significant


@dataclass(frozen=True)
class StudyTables(Tables):
    """The tables of a study's report but those of "signal or noise"."""

    pies: list[PiesRow]
    q_score: list[QScoreRow]
    prediction_depth: list[DepthRow]
    class_distribution: list[ClassRow]
    published: list[PublishedRow]
    claims: list[ClaimRow]
    sparsity: list[SparsityRow]


def rows_of(results: Results, claims: list[Claim]) -> StudyTables:
    """The rows of every table."""
    pies, scores, depths = frames.pies_rows(results), frames.q_score_rows(results), frames.depth_rows(results)
    return StudyTables(
        pies=pies,
        q_score=scores,
        prediction_depth=depths,
        class_distribution=frames.class_rows(results),
        published=published_rows(results, pies, scores, depths),
        claims=claims_rows(results, claims),
        sparsity=frames.sparsity_rows(results),
    )


def paper_tables(results: Results, rows: StudyTables) -> dict[str, Table]:
    """All tables in the paper's layout, by name; the CSV of a measure that the study lacks has empty cells."""
    return {
        "pies": _pies(results, rows.pies),
        "q_score": _q_score(results, rows.q_score),
        "prediction_depth": _depth(results, rows.prediction_depth),
        "class_distribution": _classes(results, rows.class_distribution),
        "sparsity": _sparsity(rows.sparsity),
        "published": _published(results, rows.published),
        "claims": _claims(rows.claims),
    }


class OfArm(Protocol):
    """A row about one arm."""

    @property
    def arm(self) -> ArmKey:
        """Which."""


ARM: TableColumn[OfArm] = TableColumn("Arm", lambda row: family_name(*row.arm.family))
SPARSITY: TableColumn[OfArm] = TableColumn("Sparsity", lambda row: as_percent(row.arm.sparsity))


def _pies(results: Results, rows: Sequence[PiesRow]) -> Table:
    """The paper's Table 1: a line per sparsity, 0 % first; a block of columns per (objective, pruning)."""
    head = ("PIEs", "by tie", "Accuracy")

    def cells(row: PiesRow | None) -> list[str]:
        if row is None:
            return ["–"] * len(head)
        other = "" if row.pies_other_ties is None else f" / {row.pies_other_ties}"
        counts = ["–", "–"] if row.arm.pruning == "dense" else [f"{row.pies}{other}", f"{row.tied_pies}"]
        return [*counts, plus_minus(*row.accuracy)]

    by_arm = {row.arm: row for row in rows}
    # an objective that has only a dense arm gets a block of its own
    alone = [objective for objective in results.objectives() if objective not in dict(results.families())]
    families = [*results.families(), *((objective, "dense") for objective in alone)]
    body = []
    for sparsity in [0.0, *results.sparsities()]:
        line = [as_percent(sparsity)]
        for objective, pruning in families:
            line += cells(by_arm.get(ArmKey(objective, "dense" if sparsity == 0 else pruning, sparsity)))
        body.append(tuple(line))
    groups = (("", 1), *((family_name(*family), len(head)) for family in families))
    said = text("pies", examples=len(results.labels), over=_over_models(rows))
    return Table(*said, ("Sparsity", *(head * len(families))), tuple(body), groups)


def _over_models(rows: Sequence[PiesRow]) -> str:
    models = [row.n_models for row in rows]
    return f"mean ± std over {ranged(models, 'model')}" if max(models) > 1 else "of one model"


def _q_score(results: Results, rows: Sequence[QScoreRow]) -> Table:
    columns: list[TableColumn[QScoreRow]] = [
        ARM,
        SPARSITY,
        TableColumn("Q", lambda row: plus_minus(*row.q)),
        TableColumn("Z", lambda row: plus_minus(*row.z)),
        TableColumn("‖h‖₁", lambda row: plus_minus(*row.l1)),
        TableColumn("AUROC", lambda row: plus_minus(row.error_auroc, None)),
        TableColumn("Degenerate", lambda row: f"{row.degenerate}"),
    ]
    studied = [row for arm, row in zip(results.arms, rows, strict=True) if not arm.is_control]
    return table_of(*text("q_score"), columns, studied)


def _depth(results: Results, rows: Sequence[DepthRow]) -> Table:
    def of_dense(row: DepthRow) -> str:
        return "–" if row.arm.pruning == "dense" else plus_minus(*row.dense_pie)

    columns: list[TableColumn[DepthRow]] = [
        ARM,
        SPARSITY,
        TableColumn("PIE", lambda row: plus_minus(*row.pie)),
        TableColumn("non-PIE", lambda row: plus_minus(*row.non_pie)),
        TableColumn("PIE, dense", of_dense),
    ]
    models = 0 if results.study.depth is None else results.study.depth.models
    averaged = f"of the mean over the first {models} models" if models > 1 else "in the first model"
    said = text("prediction_depth", probes=len(results.probe_points), averaged=averaged)
    return table_of(*said, columns, rows)


def _classes(results: Results, rows: Sequence[ClassRow]) -> Table:
    """A line an arm and a column a class; of very many classes a line for each of those that lose most."""
    shown = frames.classes_shown(rows)
    counts: dict[ArmKey, dict[str, str]] = {}
    for row in rows:
        arm = results.find(*row.arm)
        if arm is not None and not arm.is_dense:
            shared = "" if row.shared_pies is None else f" ({row.shared_pies})"
            if any(other is None for _, other in results.siblings(arm)):
                shared = " (?)"
            counts.setdefault(row.arm, {})[row.label] = f"{row.pies}{shared}"
    arms = [f"{family_name(*arm.family)}, {as_percent(arm.sparsity)}" for arm in counts]
    more = len(results.class_names) - len(shown)
    said = text("class_distribution", more=f" {more:,} classes with no more are left out." if more else "")
    if more:
        lines = ((name(label), *(of_arm[label] for of_arm in counts.values())) for label in shown)
        return Table(*said, ("Class", *arms), tuple(lines))
    body = ((arm, *(cells[label] for label in shown)) for arm, cells in zip(arms, counts.values(), strict=True))
    return Table(*said, ("Arm", *shown), tuple(body))


def _sparsity(rows: Sequence[SparsityRow]) -> Table:
    columns: list[TableColumn[SparsityRow]] = [
        ARM,
        TableColumn("Target", SPARSITY.text),
        TableColumn("Prunable", lambda row: f"{row.prunable:,}"),
        TableColumn("Zeros", lambda row: number(row.zeros)),
        TableColumn("Realised", lambda row: percent(100 * row.realised, 3)),
        TableColumn("Largest deviation", lambda row: number(row.largest_deviation, 2)),
    ]
    return table_of(*text("sparsity"), columns, rows)


def _published(results: Results, rows: Sequence[PublishedRow]) -> Table:
    """The paper's numbers beside this run's."""

    def decimals(row: PublishedRow) -> int:
        return 0 if row.is_count else 2

    columns: list[TableColumn[PublishedRow]] = [
        TableColumn("Paper", lambda row: f"Table {row.table}"),
        ARM,
        SPARSITY,
        TableColumn("Quantity", lambda row: row.quantity),
        TableColumn("Paper", lambda row: plus_minus(row.paper, row.paper_std, decimals(row))),
        TableColumn("This run", lambda row: plus_minus(row.this_run, row.this_run_std, decimals(row))),
        TableColumn("Difference", lambda row: number(row.difference, decimals(row), signed=True)),
        TableColumn("In spreads", lambda row: number(row.in_spreads, 1, signed=True)),
    ]
    unfair = "; ".join(unfair_because(results))
    fair = f"This run's scale makes the comparison unfair: {unfair}." if unfair else "The scale is the paper's."
    return table_of(*text("published", fair=fair), columns, rows)


def _claims(rows: Sequence[ClaimRow]) -> Table:
    """Every comparison behind the verdicts."""
    columns: list[TableColumn[ClaimRow]] = [
        TableColumn("Comparison", lambda row: f"{row.claim}: {row.comparison}"),
        TableColumn(
            "This run [95 %]", lambda row: significant(*row.bounds, is_ratio=(row.claimed or "").endswith(" 1"))
        ),
        TableColumn("Claimed", lambda row: row.claimed or ""),
        TableColumn("Paper", lambda row: significant(row.paper)),
        TableColumn("Models", lambda row: f"{row.n_models}"),
        TableColumn("Effect", lambda row: row.effect),
        TableColumn("Alone", lambda row: row.verdict + (f" ({row.reason})" if row.reason else "")),
    ]
    parts = [row for row in rows if row.comparison != "overall"]
    return replace(table_of(*text("claims"), columns, parts), texts=(0, 5, 6))
