"""How to read each measure of an audit's page: what stands in it, and no more."""

from __future__ import annotations

from piescope.report.audit import terms
from piescope.report.layout.glossary import limits, meanings
from piescope.store.audit_record import AuditRecord
from piescope.wording import counted, percent


def glossary(audit: AuditRecord) -> tuple[dict[str, str], list[str]]:
    """Terms and what they mean here, in the order of the page; and what the numbers cannot say."""
    embeddings, errors, verdict = audit.embeddings, audit.label_errors, audit.verdict
    has_labels, votes = audit.accuracy is not None, terms.compares_votes(audit)
    over, pairs = "" if audit.accuracy is None else audit.accuracy.interval_over, terms.compares_pairs(audit)
    of_dense = pairs and audit.seeds is not None and audit.seeds.side == "dense"
    has = {
        "labels": has_labels,
        "flips of one against one": has_labels and audit.flips is not None and not terms.compares_pairs(audit),
        "votes": votes,
        "seeds": audit.seeds is not None,
        "tests": bool(_levels(audit) or audit.confusions),
        "calibration": audit.calibration is not None,
        "label errors": errors is not None and bool(errors.examples),
        "embeddings": embeddings is not None,
        "Q-Score": embeddings is not None and embeddings.q_score is not None,
        "depth": embeddings is not None and embeddings.prediction_depth is not None,
        "limits": verdict.judged_by == "limits",
        "budgets": bool(audit.budgets),
        # copies made without training have no seed of their own
        "one model a side": audit.comparison == "one against one" and not audit.what_if,
        "rows": audit.inputs.matched_by == "row",
        "over examples": over == "examples",
        "over seeds": bool(over) and over != "examples",
        "several dense": of_dense,
        "one dense": pairs and not of_dense,
        "examples": audit.n_examples > 0,
        "copies": bool(audit.what_if),
    }
    one_sided = " Budgets ask about one end only: their bounds in round brackets are one-sided, 95 %."
    modal = "With several models a side the label is the modal one, the most frequent among them."
    facts = {
        "mean": "" if audit.comparison == "one against one" else ", as the mean over a side's models",
        "counted": f" {modal if votes else terms.comparison(audit)}".rstrip(),
        "seeds": "" if audit.seeds is None else audit.seeds.side,
        "wider": _wider(audit),
        "one_sided": one_sided if audit.budgets else "",
        "over": f" They are over {over}." if over else "",
        "label": "true label" if has_labels else "dense label",
        "accuracy_limit": counted(verdict.accuracy_limit or 0, "point"),
        "class_limit": counted(verdict.class_limit or 0, "point"),
        "examples": counted(audit.n_examples, "example"),
        "one": percent(100 / (audit.n_examples or 1), 3 if audit.n_examples > 1000 else 2),
    }
    words = meanings("audit", has, facts) | {figure.title: figure.about for figure in audit.figures.values()}
    return words, limits("audit", has, facts)


def _levels(audit: AuditRecord) -> dict[str, str]:
    """Of the intervals of classes and groups, of those that are there."""
    levels = {"classes": terms.confidence(audit, "classes"), "groups": terms.confidence(audit, "groups")}
    rows = {"classes": audit.classes, "groups": audit.groups}
    return {name: level for name, level in levels.items() if any(row.impact is not None for row in rows[name])}


def _wider(audit: AuditRecord) -> str:
    levels = _levels(audit)
    if not levels:
        return ""
    return (
        f" Those of {' and '.join(levels)} are made wider ({' and '.join(levels.values())} here) for looking at many "
        "at once: one excludes 0 exactly where q is 0.05 or less, and of those at most 5 % miss on average (Benjamini "
        "and Yekutieli)."
    )
