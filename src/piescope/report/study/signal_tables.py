"""The tables of `signal`, as people read them."""

from __future__ import annotations

from collections.abc import Sequence

from piescope.measure.replicates import FEWEST_DRAWN_OUT
from piescope.report.layout.blocks import Table, TableColumn, table_of
from piescope.report.study.predictors import SCORES
from piescope.report.study.results import Results
from piescope.report.study.rows import ArmKey
from piescope.report.study.signal import MARGIN, Signal
from piescope.report.study.signal_rows import (
    Chance,
    ClassImpactRow,
    NoiseRow,
    OverlapRow,
    PartRow,
    PredictorRow,
    ReplicateRow,
)
from piescope.report.study.tables import ARM, SPARSITY
from piescope.report.study.words import OBJECTIVES, PARTS, between, enough, family_name, pruning_name, text
from piescope.wording import NOTHING, as_percent, give_or_take, number, p_value, with_interval

WORST = 3
"""Classes that the page shows of each arm."""


def signal_tables(signal: Signal) -> dict[str, Table]:
    """All of them by name; a table without rows is of a run with too few models."""
    rows, results = signal.rows, signal.results
    return {
        "noise": _noise(rows.noise),
        "decomposition": _decomposition(rows.decomposition),
        "class_impact": _class_impact(rows.class_impact, results),
        "overlap": _overlap(rows.overlap, results),
        "replicates": _replicates(rows.replicates),
        "predictors": _predictors(rows.predictors, results),
    }


def _noise(rows: Sequence[NoiseRow]) -> Table:
    columns: list[TableColumn[NoiseRow]] = [
        ARM,
        SPARSITY,
        TableColumn("PIEs", lambda row: f"{row.pies:,}"),
        TableColumn("in groups", lambda row: number(row.observed.value, 0)),
        TableColumn("seeds alone", lambda row: number(row.floor.value, 0)),
        TableColumn("Excess [95 %]", lambda row: with_interval(*row.excess, decimals=0)),
        TableColumn("Lasting [95 %]", lambda row: with_interval(*row.lasting, decimals=0)),
        TableColumn("Taxicab", _taxicab),
        TableColumn("Changed", lambda row: f"{row.changed:,}"),
        TableColumn("Confirmed", lambda row: f"{row.confirmed:,}"),
        TableColumn("Null, groups", _groups),
    ]
    return table_of(*text("noise"), columns, rows)


def _taxicab(row: NoiseRow) -> str:
    return number(row.taxicab, 2) + ("" if row.taxicab_seeds is None else f" ({number(row.taxicab_seeds, 2)})")


def _groups(row: NoiseRow) -> str:
    return f"{row.null.replace('_', ' ')}, {row.dense_group} and {row.pruned_group}"


def _decomposition(rows: Sequence[PartRow]) -> Table:
    arms: dict[ArmKey, dict[str, str]] = {}
    for row in rows:
        arms.setdefault(row.arm, {})[row.part] = with_interval(*row.pies, decimals=0)
    parts = [part for part in PARTS if any(part in own for own in arms.values())]
    body = tuple(
        (family_name(*arm.family), as_percent(arm.sparsity), *(own.get(part, "–") for part in parts))
        for arm, own in arms.items()
    )
    head = ("Arm", "Sparsity", *(PARTS[part] for part in parts))
    return Table(*text("decomposition"), head, body)


def _class_impact(rows: Sequence[ClassImpactRow], results: Results) -> Table:
    columns: list[TableColumn[ClassImpactRow]] = [
        ARM,
        TableColumn("Class", lambda row: row.label),
        TableColumn("Dense recall", lambda row: number(row.dense_recall, 1)),
        TableColumn("Change", lambda row: number(row.change, 2, signed=True)),
        TableColumn("Impact [95 %]", lambda row: with_interval(*row.impact, decimals=2, signed=True)),
        TableColumn("Effect", lambda row: number(row.effect_size, 1, signed=True)),
        TableColumn("q", lambda row: p_value(row.q_value)),
        TableColumn("Hooker's q", lambda row: p_value(row.test_q_value)),
        TableColumn(f"p of {MARGIN:g} point lost", lambda row: p_value(row.p_lost_margin)),
    ]
    by_family: dict[tuple[str, str], list[ClassImpactRow]] = {}
    for row in rows:
        if row.arm.sparsity == results.main_sparsity:
            by_family.setdefault(row.arm.family, []).append(row)
    worst = [row for own in by_family.values() for row in own[:WORST]]
    said = text("class_impact", worst=WORST, main=as_percent(results.main_sparsity), margin=f"{MARGIN:g}")
    return table_of(*said, columns, worst)


def _overlap(rows: Sequence[OverlapRow], results: Results) -> Table:
    columns: list[TableColumn[OverlapRow]] = [
        TableColumn("Arms", lambda row: f"{_name(row.a)} and {_name(row.b)}"),
        TableColumn("PIEs", lambda row: f"{row.pies_a:,}; {row.pies_b:,}"),
        TableColumn("In both", lambda row: f"{row.observed:,}"),
        TableColumn("By chance", lambda row: _times(row.chance)),
        TableColumn("p", lambda row: p_value(row.chance.p_value)),
        TableColumn("Equally hard", lambda row: _times(row.hard)),
        TableColumn("Dense models", lambda row: row.dense_models),
    ]
    main = [row for row in rows if results.main_sparsity in (row.a.sparsity, row.b.sparsity)]
    return table_of(*text("overlap"), columns, main)


def _name(arm: ArmKey) -> str:
    return f"{family_name(*arm.family)} {as_percent(arm.sparsity)}"


def _times(chance: Chance) -> str:
    return number(chance.expected) + ("" if chance.ratio is None else f" ({number(chance.ratio, 2)} x)")


def _replicates(rows: Sequence[ReplicateRow]) -> Table:
    columns: list[TableColumn[ReplicateRow]] = [
        ARM,
        SPARSITY,
        TableColumn("Models", lambda row: f"{row.models}"),
        TableColumn("PIEs", lambda row: number(row.pies, 0)),
        TableColumn("Repeats within", lambda row: give_or_take(row.repeat_error)),
        TableColumn("for 10 %", lambda row: enough(row.enough_to_repeat, row.furthest, row.models)),
        TableColumn("With any number", lambda row: between(*row.limit[1:])),
        TableColumn("for 10 % of that", _enough),
    ]
    here = {row.arm: row for row in rows if not row.drawn_out}  # the last of each arm: of all its models
    title, caption = text("replicates")
    if any(row.limit.value is None for row in here.values()):
        caption += f" {NOTHING}: fewer than {FEWEST_DRAWN_OUT} models, or a count that rises or zigzags."
    return table_of(title, caption, columns, here.values())


def _enough(row: ReplicateRow) -> str:
    return NOTHING if row.limit.value is None else enough(row.enough, row.furthest, row.models)


def _predictors(rows: Sequence[PredictorRow], results: Results) -> Table:
    columns: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        if row.event == "error" or row.arm.sparsity == results.main_sparsity:
            own = columns.setdefault((row.arm.objective, row.event, row.arm.pruning), {})
            own[row.score] = with_interval(*row.auroc, decimals=2)
    names = [name for name in SCORES if any(name in own for own in columns.values())]
    body = tuple((SCORES[name], *(own.get(name, "–") for own in columns.values())) for name in names)
    head = [
        f"{OBJECTIVES.get(objective, objective)}, error" if event == "error" else pruning_name(pruning)
        for objective, event, pruning in columns
    ]
    groups = [("", 1)]
    for objective in dict.fromkeys(objective for objective, _, _ in columns):
        groups.append((OBJECTIVES.get(objective, objective), sum(key[0] == objective for key in columns)))
    said = text("predictors", main=as_percent(results.main_sparsity))
    return Table(*said, ("Score", *head), body, tuple(groups))
