"""How to read each measure of an audit's page: what stands in it, and no more."""

from __future__ import annotations

from collections.abc import Iterator

from piescope.report.audit import terms
from piescope.report.layout.blocks import Fact
from piescope.store.audit_record import AuditRecord
from piescope.wording import counted


def how_to_read(audit: AuditRecord) -> tuple[Fact, ...]:
    """A term and what it means, in the order of the page."""
    said = (*_counts(audit), *_chance(audit), *_confidence(audit), *_representation(audit), *_verdict(audit))
    return tuple(Fact(term, meaning) for term, meaning in said)


def _counts(audit: AuditRecord) -> Iterator[tuple[str, str]]:
    if audit.accuracy is not None:
        mean = "" if audit.comparison == "one against one" else ", as the mean over a side's models"
        yield (
            "Accuracy and its change",
            f"The share of examples that are right, in percent{mean}. The change is taken example by example, so its "
            "interval is narrower than the two single ones suggest.",
        )
        modal = " With several models a side the label is the modal one, the most frequent among them."
        of = modal if terms.compares_votes(audit) else f" {terms.comparison(audit)}".rstrip()
        yield (
            "Lost, won back, moved",
            "Lost: right before and wrong after. Won back: the other way round. Moved: wrong both times, with another "
            f"label. Equal accuracy can hide many of each.{of}",
        )
        if audit.flips is not None and not terms.compares_pairs(audit):
            yield (
                "McNemar's test",
                "If compression harmed no more than it helped, lost and won back would be as likely as heads and "
                "tails. p is the chance of a split at least this uneven.",
            )
    if terms.compares_votes(audit):
        yield (
            "PIE",
            "Pruning Identified Exemplar: an example whose modal label differs between the dense and the compressed "
            "models (Hooker et al. 2019). A confirmed one is one whose votes changed by more than dealing the models "
            "out at random would change them, after correction for the number of examples.",
        )
    else:
        yield (
            "Changed",
            "Examples to which the compressed model gives another label than the dense one, right or wrong.",
        )
    if audit.seeds is not None:
        yield (
            "By seeds alone",
            f"Two {audit.seeds.side} models that differ only in their seeds disagree, too. The same count among them "
            "is what a further run would make without any compression.",
        )


def _chance(audit: AuditRecord) -> Iterator[tuple[str, str]]:
    has_classes, has_groups = (any(row.impact is not None for row in rows) for rows in (audit.classes, audit.groups))
    said = ["95 % intervals."]
    if has_classes or has_groups:
        rows, levels = (
            (" and groups", f"{terms.confidence(audit, 'classes')} and {terms.confidence(audit, 'groups')}")
            if has_groups
            else ("", terms.confidence(audit, "classes"))
        )
        said.append(
            f"Those of classes{rows} are made wider ({levels} here) for looking at many at once: one excludes 0 "
            "exactly where q is 0.05 or less, and of those at most 5 % miss on average (Benjamini and Yekutieli)."
        )
    if audit.budgets:
        said.append("Budgets ask about one end only: their bounds in round brackets are one-sided, 95 %.")
    said.append("A loss is negative everywhere.")
    if audit.accuracy is not None and audit.accuracy.interval_over:
        said.append(f"They are over {audit.accuracy.interval_over}.")
    yield "[ , ]", " ".join(said)
    if has_classes or has_groups or audit.confusions:
        yield (
            "p and q",
            "p: how often chance alone would give a change at least this large, if nothing had changed. q is p "
            "corrected for looking at many at once (Benjamini and Hochberg): among all that have q of 0.05 or less, "
            "about 5 % are expected to be there by chance. Not beyond chance does not mean unharmed: with few "
            "examples a real loss cannot be told from chance.",
        )


def _confidence(audit: AuditRecord) -> Iterator[tuple[str, str]]:
    if audit.calibration is not None:
        yield (
            "Calibration error (ECE)",
            "Examples are put into bins by confidence; ECE is the mean distance between confidence and accuracy over "
            "the bins, in points, weighted by examples. 0 is perfect.",
        )
        label = "dense label" if audit.accuracy is None else "true label"
        yield (
            "Harm",
            f"By how much the probability of the {label} fell, from 100 points (certain before, impossible after) to "
            "−100.",
        )
    for figure in audit.figures.values():
        yield figure.title, figure.about
    if audit.label_errors is not None and audit.label_errors.examples:
        yield (
            "Likely label errors",
            "Confident learning (Northcutt et al. 2021) on the dense side only: a compressed model's mistakes must "
            "not excuse themselves. They are suspicions; look at them.",
        )


def _representation(audit: AuditRecord) -> Iterator[tuple[str, str]]:
    if audit.embeddings is None:
        return
    yield (
        "CKA, neighbours",
        "CKA compares the geometry of two representations: 1 is the same up to rotation and scale, 0 is unrelated; "
        "this is the debiased estimator, which few examples do not push up. Neighbour overlap: how many of an "
        "example's nearest neighbours are the same ones after compression.",
    )
    if audit.embeddings.q_score is not None:
        yield (
            "Q-Score, Z-Score, L1 norm",
            "A label-free look at one representation, scaled to length 1. Z: how far its strongest dimension stands "
            "out. L1: how many dimensions take part. Q = Z / L1 is high when few dimensions speak clearly.",
        )
    if audit.embeddings.prediction_depth is not None:
        yield (
            "Prediction depth",
            "The layer from which an example's nearest neighbours give the right label and keep giving it. Low is "
            "easy.",
        )


def _verdict(audit: AuditRecord) -> Iterator[tuple[str, str]]:
    verdict = audit.verdict
    if verdict.judged_by == "limits":
        yield (
            "The verdict",
            f"Safe: a loss of more than {counted(verdict.accuracy_limit or 0, 'point')} of accuracy, and of more than "
            f"{counted(verdict.class_limit or 0, 'point')} in any class or group, is excluded, each by a one-sided "
            "95 % bound (all must pass, so that a model which loses more is called safe in 5 % of samples at most). "
            "Harm shown: it is not, and the accuracy, a class or a group lost beyond chance. Too few to tell: neither.",
        )
    else:
        yield "The verdict", "It is that of the budgets: all kept, one broken, or one undecided."
    if audit.budgets:
        yield (
            "Kept, broken, undecided",
            "Broken: the observed value is beyond the limit. Kept: it is within, and so is all that the sample leaves "
            "possible. Undecided: within, but the sample is too small to exclude a value beyond.",
        )
