"""Tables as people read them: arms side by side as in the paper, typeset once for the page and once for LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from piescope.report.study import frames
from piescope.report.study.claim_parts import DRAWS, Claim
from piescope.report.study.claims import claims_rows
from piescope.report.study.frames import Results, Row
from piescope.report.study.published import published_rows, unfair_because
from piescope.report.study.words import OBJECTIVES, family_name, pruning_name
from piescope.wording import as_percent, number, percent, plus_minus, significant

NAMED = ("objective", "pruning", "sparsity")

COLUMNS: dict[str, tuple[str, ...]] = {
    "pies": (
        *NAMED,
        "n_models",
        "pies",
        "ties",
        "accuracy_mean",
        "accuracy_std",
        "rescued",
        "tied_pies",
        "changed",
        "confirmed",
        "control",
    ),
    "q_score": (*NAMED, "q_mean", "q_std", "z_mean", "z_std", "l1_mean", "l1_std", "error_auroc", "degenerate"),
    "prediction_depth": (
        *NAMED,
        "pie_mean",
        "pie_std",
        "non_pie_mean",
        "non_pie_std",
        "baldock_pie_mean",
        "baldock_pie_std",
        "baldock_non_pie_mean",
        "baldock_non_pie_std",
        "dense_pie_mean",
        "dense_pie_std",
        "dense_non_pie_mean",
        "dense_non_pie_std",
    ),
    "class_distribution": (*NAMED, "class", "pies", "shared_pies"),
    "published": (
        "table",
        *NAMED,
        "quantity",
        "paper",
        "paper_std",
        "this_run",
        "this_run_std",
        "difference",
        "in_spreads",
    ),
    "claims": (
        "claim",
        "comparison",
        "effect",
        "claimed",
        "value",
        "low",
        "high",
        "p_for",
        "p_against",
        "paper",
        "n_models",
        "n_examples",
        "verdict",
        "reason",
    ),
    "sparsity": (*NAMED, "n_models", "prunable", "zeros", "realised", "largest_deviation"),
}
"""The columns of each table's CSV."""


@dataclass(frozen=True)
class WideTable:
    """A table ready to be typeset.

    Attributes:
        title: a few words.
        caption: what its numbers are, for people who see nothing else.
        groups: head cells above the columns, each with how many columns it spans.
        head: one cell per column.
        rows: text cells.
    """

    title: str
    caption: str
    groups: tuple[tuple[str, int], ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def latex(self) -> str:
        """A tabular with its caption; needs the package booktabs."""
        lines = [
            "\\begin{table}",
            "\\centering",
            "\\footnotesize",
            f"\\caption{{{escape_latex(self.caption)}}}",
            "\\smallskip",
            f"\\begin{{tabular}}{{{'l' * 1}{'r' * (len(self.head) - 1)}}}",
            "\\toprule",
        ]
        if any(text for text, _ in self.groups):
            lines.append(
                " & ".join(
                    f"\\multicolumn{{{span}}}{{c}}{{{escape_latex(text)}}}" if text else ""
                    for text, span in self.groups
                )
                + " \\\\"
            )
            start = 1
            for text, span in self.groups:
                if text:
                    lines.append(f"\\cmidrule(lr){{{start}-{start + span - 1}}}")
                start += span
        lines.append(" & ".join(map(escape_latex, self.head)) + " \\\\")
        lines.append("\\midrule")
        lines += [" & ".join(map(escape_latex, row)) + " \\\\" for row in self.rows]
        lines += ["\\bottomrule", "\\end{tabular}", "\\end{table}"]
        return "\n".join(lines) + "\n"


LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "\N{NO-BREAK SPACE}": "~",
    "–": "--",
    "\N{MINUS SIGN}": "$-$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "‖": r"$\|$",
    "₁": r"$_1$",
}


def escape_latex(text: str) -> str:
    r"""Text that LaTeX prints and does not execute.

    Example:
        >>> print(escape_latex("50 % of a_b"))
        50 \% of a\_b
    """
    kept = (character for character in text if character in LATEX or character.isprintable())
    return "".join(LATEX.get(character, character) for character in kept)


def rows_of(results: Results, claims: list[Claim]) -> dict[str, list[Row]]:
    """The rows of every table's CSV, by name."""
    rows = {
        "pies": frames.pies_rows(results),
        "q_score": frames.q_score_rows(results),
        "prediction_depth": frames.depth_rows(results),
        "class_distribution": frames.class_rows(results),
        "sparsity": frames.sparsity_rows(results),
        "claims": claims_rows(results, claims),
    }
    return {**rows, "published": published_rows(results, rows)}


def wide_tables(results: Results, rows: dict[str, list[Row]]) -> dict[str, WideTable]:
    """All tables in the paper's layout, by name; the CSV of a measure that the study lacks has empty cells."""
    return {
        "pies": _pies(results, rows["pies"]),
        "q_score": _q_score(results, rows["q_score"]),
        "prediction_depth": _depth(results, rows["prediction_depth"]),
        "class_distribution": _classes(results, rows["class_distribution"]),
        "sparsity": _sparsity(rows["sparsity"]),
        "published": _published(results, rows["published"]),
        "claims": _claims(rows["claims"]),
    }


def _pies(results: Results, rows: Sequence[Row]) -> WideTable:
    """The paper's Table 1: a line per sparsity, 0 % first; a block of columns per (objective, pruning)."""

    def cells(row: Row | None) -> list[str]:
        if row is None:
            return ["–"] * len(head)
        counts = ["–", "–"] if row["pruning"] == "dense" else [f"{row['pies']}", f"{row['tied_pies']}"]
        return [*counts, plus_minus(row["accuracy_mean"], row["accuracy_std"])]

    head = ("PIEs", "by tie", "Accuracy")
    found = {(row["objective"], row["pruning"], row["sparsity"]): row for row in rows}
    # an objective that has only a dense arm gets a block of its own
    alone = [objective for objective in results.objectives() if objective not in dict(results.families())]
    families = [*results.families(), *((objective, "dense") for objective in alone)]
    body = []
    for sparsity in [0.0, *results.sparsities()]:
        line = [as_percent(sparsity)]
        for objective, pruning in families:
            line += cells(found.get((objective, "dense" if sparsity == 0 else pruning, sparsity)))
        body.append(tuple(line))
    caption = (
        f"Pruning Identified Exemplars among {len(results.labels)} test examples; how many of them hang on a tie of "
        f"votes in one of the populations; and accuracy in percent, {_over_models(rows)}."
    )
    groups = (("", 1), *((family_name(*family), len(head)) for family in families))
    return WideTable("PIEs and accuracy", caption, groups, ("Sparsity", *(head * len(families))), tuple(body))


def _over_models(rows: Sequence[Row]) -> str:
    most = max(row["n_models"] for row in rows)
    return f"mean ± std over {most} models" if most > 1 else "of one model"


def _q_score(results: Results, rows: Sequence[Row]) -> WideTable:
    body = tuple(
        (
            family_name(row["objective"], row["pruning"]),
            as_percent(row["sparsity"]),
            *(plus_minus(row[f"{name}_mean"], row[f"{name}_std"]) for name in ("q", "z", "l1")),
            plus_minus(row["error_auroc"], None),
            f"{row['degenerate']}",
        )
        for arm, row in zip(results.arms, rows, strict=True)
        if not arm.is_control
    )
    caption = (
        "Q-Score, Z-Score and L1 norm of the representation: mean ± std over examples of the mean over models. AUROC: "
        "how well a low Q-Score predicts that the model errs (0.5 is chance), mean over models. Degenerate: "
        "representations (of all models and examples) that are zero or constant; their Q and Z count as 0."
    )
    head = ("Arm", "Sparsity", "Q", "Z", "‖h‖₁", "AUROC", "Degenerate")
    return WideTable("Representation quality", caption, (("", len(head)),), head, body)


def _depth(results: Results, rows: Sequence[Row]) -> WideTable:
    body = tuple(
        (
            family_name(row["objective"], row["pruning"]),
            as_percent(row["sparsity"]),
            *(plus_minus(row[f"{group}_mean"], row[f"{group}_std"]) for group in ("pie", "non_pie")),
            "–" if row["pruning"] == "dense" else plus_minus(row["dense_pie_mean"], row["dense_pie_std"]),
        )
        for row in rows
    )
    models = 0 if results.study.depth is None else results.study.depth.models
    averaged = f"of the mean over the first {models} models" if models > 1 else "in the first model"
    caption = (
        f"Prediction depth from 1 (right at once) to {len(results.probe_points)} (wrong at the last probe), against "
        "the true label as in the paper: of PIEs, of others, and of the same PIEs in the dense models. Mean ± std "
        f"over examples {averaged}. A dense line has PIEs of its own (of any pruned arm of the objective): compare a "
        "PIE cell with the dense cell beside it, not with that line."
    )
    head = ("Arm", "Sparsity", "PIE", "non-PIE", "PIE, dense")
    return WideTable("Prediction depth", caption, (("", len(head)),), head, body)


def _classes(results: Results, rows: Sequence[Row]) -> WideTable:
    counts: dict[tuple[str, str, float], list[str]] = {}
    for row in rows:
        if row["pruning"] != "dense":
            shared = "" if row["shared_pies"] is None else f" ({row['shared_pies']})"
            arm = results.find(row["objective"], row["pruning"], row["sparsity"])
            if arm is not None and any(other is None for _, other in results.siblings(arm)):
                shared = " (?)"
            counts.setdefault((row["objective"], row["pruning"], row["sparsity"]), []).append(f"{row['pies']}{shared}")
    body = tuple(
        (f"{family_name(objective, pruning)}, {as_percent(sparsity)}", *cells)
        for (objective, pruning, sparsity), cells in counts.items()
    )
    caption = (
        "PIEs by true class; in brackets those that are PIEs of every objective with that pruning and sparsity "
        "(no bracket: no other objective has it; ?: another has it and is not complete)."
    )
    return WideTable(
        "PIEs by class", caption, (("", 1 + len(results.class_names)),), ("Arm", *results.class_names), body
    )


def _sparsity(rows: Sequence[Row]) -> WideTable:
    body = tuple(
        (
            f"{OBJECTIVES.get(row['objective'], row['objective'])} / {pruning_name(row['pruning'])}",
            as_percent(row["sparsity"]),
            f"{row['prunable']:,}",
            number(row["zeros"]),
            percent(100 * row["realised"], 3),
            number(row["largest_deviation"], 2),
        )
        for row in rows
    )
    caption = (
        "Realised sparsity of the checkpoints: weights and biases that the method may prune, those that are exactly 0 "
        "(mean over models), and the largest distance from sparsity x n in any model and any tensor (or set of "
        "tensors) with a target of its own, in weights."
    )
    head = ("Arm", "Target", "Prunable", "Zeros", "Realised", "Largest deviation")
    return WideTable("Realised sparsity", caption, (("", len(head)),), head, body)


def _published(results: Results, rows: Sequence[Row]) -> WideTable:
    """The paper's numbers beside this run's."""
    body = tuple(
        (
            f"Table {row['table']}",
            family_name(row["objective"], row["pruning"]),
            as_percent(row["sparsity"]),
            row["quantity"],
            plus_minus(row["paper"], row["paper_std"], 0 if "PIEs per" in row["quantity"] else 2),
            plus_minus(row["this_run"], row["this_run_std"], 0 if "PIEs per" in row["quantity"] else 2),
            number(row["difference"], 0 if "PIEs per" in row["quantity"] else 2, signed=True),
            number(row["in_spreads"], 1, signed=True),
        )
        for row in rows
    )
    unfair = unfair_because(results)
    fair = (
        f"This run's scale makes the comparison unfair: {'; '.join(unfair)}." if unfair else "The scale is the paper's."
    )
    caption = (
        "The paper's tables beside this run, where both have the arm. ± as in the paper: over models for accuracy, "
        "over examples otherwise; PIEs have none. In spreads: the difference over the root mean square of both ±. "
        + fair
    )
    head = ("Paper", "Arm", "Sparsity", "Quantity", "Paper", "This run", "Difference", "In spreads")
    return WideTable("The paper's numbers and this run's", caption, (("", len(head)),), head, body)


def _claims(rows: Sequence[Row]) -> WideTable:
    """Every comparison behind the verdicts."""
    body = tuple(
        (
            row["claim"],
            row["comparison"],
            row["effect"],
            row["claimed"] or "",
            significant(row["value"], row["low"], row["high"]),
            significant(row["paper"]),
            row["verdict"] + (f" ({row['reason']})" if row["reason"] else ""),
        )
        for row in rows
        if row["comparison"] != "overall"
    )
    caption = (
        "The effects behind the verdicts, each with its 95 % interval over models and examples "
        f"({DRAWS} draws of each; t with models - 1 degrees of freedom). Paper: the same effect in the paper's tables."
    )
    head = ("Claim", "Comparison", "Effect", "Claimed", "This run [95 %]", "Paper", "Alone")
    return WideTable("Effects behind the verdicts", caption, (("", len(head)),), head, body)
