"""The tables of `signal`, as people read them."""

from __future__ import annotations

from collections.abc import Sequence

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
from piescope.report.study.words import OBJECTIVES, enough, family_name, pruning_name
from piescope.wording import as_percent, give_or_take, number, p_value, with_interval

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
        TableColumn("Changed", lambda row: f"{row.changed:,}"),
        TableColumn("Confirmed", lambda row: f"{row.confirmed:,}"),
        TableColumn("Null, groups", _groups),
    ]
    caption = (
        "PIEs: of all models, as the paper counts. Then on groups of models of equal size: between a dense and a "
        "pruned group, between two dense groups (seeds alone), and the difference with its 95 % interval over seeds "
        "and examples. Changed: examples whose votes differ by more than chance (permutation test against all dense "
        "models, fresh seeds too; false discovery rate 5 %); confirmed: PIEs among them, one by one. Null: descended, "
        "one-shot models meet no dense model that is their own parent, whose errors they share; same seeds, gradually "
        "pruned models meet no dense model of their own seed, whose initial weights and data order they share; and the "
        "sizes of the two groups."
    )
    return table_of("PIEs beyond seed noise", caption, columns, rows)


def _groups(row: NoiseRow) -> str:
    return f"{row.null.replace('_', ' ')}, {row.dense_group} and {row.pruned_group}"


PART_NAMES = {
    "seeds": "seeds alone",
    "fine_tuning": "fine-tuning",
    "sparsity": "missing weights",
    "fine_tuning_and_sparsity": "fine-tuning and missing weights",
    "random_masks_beyond": "random masks, beyond these",
}


def _decomposition(rows: Sequence[PartRow]) -> Table:
    arms: dict[ArmKey, dict[str, str]] = {}
    for row in rows:
        arms.setdefault(row.arm, {})[row.part] = with_interval(*row.pies, decimals=0)
    parts = [part for part in PART_NAMES if any(part in own for own in arms.values())]
    body = tuple(
        (family_name(*arm.family), as_percent(arm.sparsity), *(own.get(part, "–") for part in parts))
        for arm, own in arms.items()
    )
    caption = (
        "The PIEs between groups of models (Figure 8), split: what seeds alone make; what the fine-tuning of one-shot "
        "pruning adds with nothing pruned (for contrastive models it also changes the loss); what the missing weights "
        "add to that; and how many more there are when the weights are drawn at random. 95 % intervals over seeds and "
        "examples. A dash: the study has not that control arm, or it does not apply."
    )
    head = ("Arm", "Sparsity", *(PART_NAMES[part] for part in parts))
    return Table("Where the PIEs come from", caption, head, body)


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
    caption = (
        f"The {WORST} classes that fare worst at {as_percent(results.main_sparsity)} sparsity; "
        "results/tables/class_impact.csv has all. Recall in percent; change in percentage points. Impact: the change "
        "beyond that of the mean accuracy, with its 95 % interval over models and examples, and q, Benjamini-Hochberg "
        "over the classes of the arm. Hooker's: q of the original test (Welch; paired where models descend from dense "
        "ones), which takes the mean accuracy as known and finds an impact on nearly perfect classes too often. "
        f"Effect: Hedges' g. Last: p-value of the class having lost {MARGIN:g} point or more: small, it has not."
    )
    worst = [row for own in by_family.values() for row in own[:WORST]]
    return table_of("Which classes pay", caption, columns, worst)


def _overlap(rows: Sequence[OverlapRow], results: Results) -> Table:
    columns: list[TableColumn[OverlapRow]] = [
        TableColumn("Arms", lambda row: f"{_name(row.a)} and {_name(row.b)}"),
        TableColumn("PIEs", lambda row: f"{row.pies_a:,}; {row.pies_b:,}"),
        TableColumn("In both", lambda row: f"{row.observed:,}"),
        TableColumn("By chance", lambda row: _times(row.chance)),
        TableColumn("p", lambda row: p_value(row.chance.p_value)),
        TableColumn("Equally hard", lambda row: _times(row.hard)),
        TableColumn("p", lambda row: p_value(row.hard.p_value)),
        TableColumn("Dense models", lambda row: row.dense_models),
    ]
    caption = (
        "How many examples two arms lose both. Expected (and observed over expected): were one set drawn at random; "
        "and were it drawn at random among examples on which the dense models disagree equally (their vote entropies, "
        "in ten groups each). Votes of few models measure difficulty roughly, so sets with nothing in common share "
        "more than that, too: in simulations with five models 1.1 to 1.3 times; read the ratio, not its p-value. "
        "Two-sided p-values (Fisher; Cochran, Mantel and Haenszel, exact). Dense models: separate, each arm has dense "
        "models of its own to be compared with; shared parents: two one-shot arms, whose models have the same parents "
        "however they are compared, so there is no p-value; the same: both sets share the chance labels of one dense "
        "population, which alone makes them overlap."
    )
    main = [row for row in rows if results.main_sparsity in (row.a.sparsity, row.b.sparsity)]
    return table_of("Overlap against chance", caption, columns, main)


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
        TableColumn("With any number", lambda row: f"{number(row.limit.low, 0)} to {number(row.limit.high, 0)}"),
        TableColumn("for 10 % of that", lambda row: enough(row.enough, row.furthest, row.models)),
    ]
    here = {row.arm: row for row in rows if not row.drawn_out}  # the last of each arm: of all its models
    caption = (
        "How many models are enough? PIEs of this run; within what share of the mean count 95 of 100 studies of this "
        "size, with other seeds, would be; models an arm to get that to 10 %. Then the count with any number of "
        "models, drawn out by two laws for the rest (models to the power of -1/4, 1 / models), and models an arm to be "
        "within 10 % of a middle one (1 / sqrt(models)): far more, since few models are of one mind on hard examples. "
        "From few models all this is an order of magnitude."
    )
    return table_of("How many models are enough", caption, columns, here.values())


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
    caption = (
        "What predicts the damage before pruning: AUROC of scores of the dense models (0.5 is a coin; each turned so "
        "that high means trouble) for a dense model's error, mean over models, and for being a PIE at "
        f"{as_percent(results.main_sparsity)} sparsity. 95 % intervals over seeds and examples. Votes are those of the "
        "other models where a model's own error is predicted; depth against the true label knows the label, so it is "
        "not asked for errors. Last line: a logistic regression on all of them, each example scored by one that was "
        "not fitted on it (its interval takes the regression as given)."
    )
    groups = [("", 1)]
    for objective in dict.fromkeys(objective for objective, _, _ in columns):
        groups.append((OBJECTIVES.get(objective, objective), sum(key[0] == objective for key in columns)))
    return Table("What predicts the damage", caption, ("Score", *head), body, tuple(groups))
