"""The tables of `signal`, as people read them."""

from __future__ import annotations

from collections.abc import Sequence

from piescope.report.study.frames import Results, Row
from piescope.report.study.signal import MARGIN, SCORES, Signal
from piescope.report.study.tables import NAMED, WideTable
from piescope.report.study.words import OBJECTIVES, enough, family_name, pruning_name
from piescope.wording import as_percent, give_or_take, number, p_value, with_interval

WORST = 3
"""Classes that the page shows of each arm."""

INTERVAL = ("low", "high")

COLUMNS: dict[str, tuple[str, ...]] = {
    "noise": (
        *NAMED,
        "n_models",
        "pies",
        "null",
        "dense_group",
        "pruned_group",
        "splits",
        *(f"{name}{end}" for name in ("observed", "floor", "excess") for end in ("", "_low", "_high")),
        "changed",
        "confirmed",
        "test",
        "smallest_p_value",
    ),
    "decomposition": (*NAMED, "part", "pies", "pies_low", "pies_high"),
    "class_impact": (
        *NAMED,
        "class",
        "examples",
        "dense_recall",
        "pruned_recall",
        "change",
        "impact",
        *INTERVAL,
        "effect_size",
        "p_value",
        "q_value",
        "test",
        "test_p_value",
        "test_q_value",
        "p_lost_margin",
        "p_equivalent",
        "no_class_lost_margin",
    ),
    "overlap": (
        "compared",
        *(f"{name}_{side}" for side in "ab" for name in NAMED),
        "dense_models",
        "pies_a",
        "pies_b",
        "observed",
        *(f"{prefix}{name}" for prefix in ("", "hard_") for name in ("expected", "ratio", "p_value")),
    ),
    "replicates": (
        *NAMED,
        "models",
        "drawn_out",
        "pies",
        "spread",
        "repeat_error",
        "error",
        "limit",
        "limit_low",
        "limit_high",
        "enough_to_repeat",
        "enough",
        "furthest",
    ),
    "predictors": ("objective", "pruning", "sparsity", "event", "score", "auroc", *INTERVAL),
}
"""The columns of each table's CSV."""


def signal_tables(signal: Signal) -> dict[str, WideTable]:
    """All of them by name; a table without rows is of a run with too few models."""
    rows, results = signal.rows, signal.results
    return {
        "noise": _noise(rows["noise"]),
        "decomposition": _decomposition(rows["decomposition"]),
        "class_impact": _class_impact(rows["class_impact"], results),
        "overlap": _overlap(rows["overlap"], results),
        "replicates": _replicates(rows["replicates"]),
        "predictors": _predictors(rows["predictors"], results),
    }


def _noise(rows: Sequence[Row]) -> WideTable:
    body = tuple(
        (
            family_name(row["objective"], row["pruning"]),
            as_percent(row["sparsity"]),
            f"{row['pies']:,}",
            number(row["observed"], 0),
            number(row["floor"], 0),
            with_interval(row["excess"], row["excess_low"], row["excess_high"], decimals=0),
            f"{row['changed']:,}",
            f"{row['confirmed']:,}",
            f"{row['null'].replace('_', ' ')}, {row['dense_group']} and {row['pruned_group']}",
        )
        for row in rows
    )
    caption = (
        "PIEs: of all models, as the paper counts. Then on groups of models of equal size: between a dense and a "
        "pruned "
        "group, between two dense groups (seeds alone), and the difference with its 95 % interval over seeds and "
        "examples. Changed: examples whose votes differ by more than chance (permutation test against all dense "
        "models, "
        "fresh seeds too; false discovery rate 5 %); confirmed: PIEs among them, one by one. Null: descended, one-shot "
        "models meet no dense model that is their own parent, whose errors they share; same seeds, gradually pruned "
        "models meet no dense model of their own seed, whose initial weights and data order they share; and the "
        "sizes of "
        "the two groups."
    )
    head = (
        "Arm",
        "Sparsity",
        "PIEs",
        "in groups",
        "seeds alone",
        "Excess [95 %]",
        "Changed",
        "Confirmed",
        "Null, groups",
    )
    return WideTable("PIEs beyond seed noise", caption, (("", len(head)),), head, body)


PART_NAMES = {
    "seeds": "seeds alone",
    "fine_tuning": "fine-tuning",
    "sparsity": "missing weights",
    "fine_tuning_and_sparsity": "fine-tuning and missing weights",
    "random_masks_beyond": "random masks, beyond these",
}


def _decomposition(rows: Sequence[Row]) -> WideTable:
    arms: dict[tuple[str, str, float], dict[str, str]] = {}
    for row in rows:
        own = arms.setdefault((row["objective"], row["pruning"], row["sparsity"]), {})
        own[row["part"]] = with_interval(row["pies"], row["pies_low"], row["pies_high"], decimals=0)
    parts = [part for part in PART_NAMES if any(part in own for own in arms.values())]
    body = tuple(
        (family_name(objective, pruning), as_percent(sparsity), *(own.get(part, "–") for part in parts))
        for (objective, pruning, sparsity), own in arms.items()
    )
    caption = (
        "The PIEs between groups of models (Figure 8), split: what seeds alone make; what the fine-tuning of one-shot "
        "pruning adds with nothing pruned (for contrastive models it also changes the loss); what the missing weights "
        "add to that; and how many more there are when the weights are drawn at random. 95 % intervals over seeds and "
        "examples. A dash: the study has not that control arm, or it does not apply."
    )
    head = ("Arm", "Sparsity", *(PART_NAMES[part] for part in parts))
    return WideTable("Where the PIEs come from", caption, (("", len(head)),), head, body)


def _class_impact(rows: Sequence[Row], results: Results) -> WideTable:
    shown: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["sparsity"] == results.main_sparsity:
            shown.setdefault((row["objective"], row["pruning"]), []).append(row)
    body = tuple(
        (
            family_name(*family),
            row["class"],
            number(row["dense_recall"], 1),
            number(row["change"], 2, signed=True),
            with_interval(row["impact"], row["low"], row["high"], decimals=2, signed=True),
            number(row["effect_size"], 1, signed=True),
            p_value(row["q_value"]),
            p_value(row["test_q_value"]),
            p_value(row["p_lost_margin"]),
        )
        for family, own in shown.items()
        for row in own[:WORST]
    )
    caption = (
        f"The {WORST} classes that fare worst at {as_percent(results.main_sparsity)} sparsity; "
        "results/tables/class_impact.csv "
        "has all. Recall in percent; change in percentage points. Impact: the change beyond that of the mean accuracy, "
        "with its 95 % interval over models and examples, and q, Benjamini-Hochberg over the classes of the arm. "
        "Hooker's: "
        "q of the original test (Welch; paired where models descend from dense ones), which takes the mean accuracy as "
        "known and finds an impact on nearly perfect classes too often. Effect: Hedges' g. "
        f"Last: p-value of the class having lost {MARGIN:g} point or more: small, it has not."
    )
    lost = f"p of {MARGIN:g} point lost"
    head = ("Arm", "Class", "Dense recall", "Change", "Impact [95 %]", "Effect", "q", "Hooker's q", lost)
    return WideTable("Which classes pay", caption, (("", len(head)),), head, body)


def _overlap(rows: Sequence[Row], results: Results) -> WideTable:
    body = tuple(
        (
            f"{_side(row, 'a')} and {_side(row, 'b')}",
            f"{row['pies_a']:,}; {row['pies_b']:,}",
            f"{row['observed']:,}",
            _times(row["expected"], row["ratio"]),
            p_value(row["p_value"]),
            _times(row["hard_expected"], row["hard_ratio"]),
            p_value(row["hard_p_value"]),
            row["dense_models"],
        )
        for row in rows
        if results.main_sparsity in (row["sparsity_a"], row["sparsity_b"])
    )
    caption = (
        "How many examples two arms lose both. Expected (and observed over expected): were one set drawn at random; "
        "and "
        "were it drawn at random among examples on which the dense models disagree equally (their vote entropies, in "
        "ten groups each). Votes of few models measure difficulty roughly, so sets with nothing in common share more "
        "than "
        "that, too: in simulations with five models 1.1 to 1.3 times; read the ratio, not its p-value. Two-sided "
        "p-values "
        "(Fisher; Cochran, Mantel and Haenszel, exact). Dense models: separate, "
        "each arm has dense models of its own to be compared with; shared parents: two one-shot arms, whose models "
        "have the "
        "same parents however they are compared, so there is no p-value; the same: both sets share the chance labels "
        "of one "
        "dense population, which alone makes them overlap."
    )
    head = ("Arms", "PIEs", "In both", "By chance", "p", "Equally hard", "p", "Dense models")
    return WideTable("Overlap against chance", caption, (("", len(head)),), head, body)


def _side(row: Row, side: str) -> str:
    return f"{family_name(row[f'objective_{side}'], row[f'pruning_{side}'])} {as_percent(row[f'sparsity_{side}'])}"


def _times(expected: float, ratio: float | None) -> str:
    return number(expected) + ("" if ratio is None else f" ({number(ratio, 2)} x)")


def _replicates(rows: Sequence[Row]) -> WideTable:
    body = []
    for row in rows:
        following = [other for other in rows if all(other[name] == row[name] for name in NAMED)]
        here = [other for other in following if not other["drawn_out"]][-1]
        if row is not here:
            continue
        body.append(
            (
                family_name(row["objective"], row["pruning"]),
                as_percent(row["sparsity"]),
                f"{row['models']}",
                number(row["pies"], 0),
                give_or_take(row["repeat_error"]),
                enough(row["enough_to_repeat"], row["furthest"], row["models"]),
                f"{number(row['limit_low'], 0)} to {number(row['limit_high'], 0)}",
                enough(row["enough"], row["furthest"], row["models"]),
            )
        )
    caption = (
        "How many models are enough? PIEs of this run; within what share of the mean count 95 of 100 studies of this "
        "size, with other seeds, would be; models an arm to get that to 10 %. Then the count with any number of "
        "models, "
        "drawn out by two laws for the rest (models to the power of -1/4, 1 / models), and models an arm to be "
        "within 10 "
        "% of "
        "a middle one (1 / sqrt(models)): far more, since few models are of one mind on hard examples. From few "
        "models all this is "
        "an "
        "order of magnitude."
    )
    head = ("Arm", "Sparsity", "Models", "PIEs", "Repeats within", "for 10 %", "With any number", "for 10 % of that")
    return WideTable("How many models are enough", caption, (("", len(head)),), head, tuple(body))


def _predictors(rows: Sequence[Row], results: Results) -> WideTable:
    columns: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        if row["event"] == "error" or row["sparsity"] == results.main_sparsity:
            own = columns.setdefault((row["objective"], row["event"], row["pruning"]), {})
            own[row["score"]] = with_interval(row["auroc"], row["low"], row["high"], decimals=2)
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
        "other "
        "models where a model's own error is predicted; depth against the true label knows the label, so it is not "
        "asked "
        "for errors. Last line: a logistic regression on all of them, each example scored by one that was not fitted "
        "on "
        "it (its interval takes the regression as given)."
    )
    groups = [("", 1)]
    for objective in dict.fromkeys(objective for objective, _, _ in columns):
        groups.append((OBJECTIVES.get(objective, objective), sum(key[0] == objective for key in columns)))
    return WideTable("What predicts the damage", caption, tuple(groups), ("Score", *head), body)
