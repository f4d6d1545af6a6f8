"""What the numbers of an audit do not say."""

from __future__ import annotations

from piescope.report.audit.terms import compares_pairs
from piescope.store.audit_record import AuditRecord
from piescope.wording import SPACE, counted, number


def limits(audit: AuditRecord) -> list[str]:
    """What these numbers cannot say."""
    sentences = []
    inputs = audit.inputs
    examples = audit.n_examples
    if (
        audit.comparison == "one against one" and not audit.what_if
    ):  # copies made without training have no seed of their own
        sentences.append(
            "One model a side: had the compressed one been trained or fine-tuned with another seed, other labels would "
            "have changed. How much of this is such noise cannot be told from one model; two or more a side can tell."
        )
    if audit.accuracy is None:
        sentences.append("There are no true labels: nothing here says which side is right when the two differ.")
    if inputs.matched_by == "row":
        sentences.append(
            "Examples are matched by their row: if the files list them in different orders, every comparison here is "
            "wrong. Ids in the files rule that out."
        )
    if audit.calibration is None:
        sentences.append(
            "Labels alone say nothing about confidence: no calibration, and harm is all or nothing per model."
        )
    over = None if audit.accuracy is None else audit.accuracy.interval_over
    if over == "examples":
        sentences.append(
            "Intervals are for other examples of the same kind, with these very models; not for other models."
        )
    elif over:
        sentences.append("Intervals are for other seeds and other examples of the same kind.")
    if compares_pairs(audit) and audit.seeds is not None and audit.seeds.side == "dense":
        sentences.append(
            "The dense models tell what seeds alone do. A copy that was made from one of them is closer to that one: "
            "audit it against that one alone."
        )
    elif compares_pairs(audit):
        sentences.append(
            "One dense model: how much another dense one would differ cannot be told; the compressed models tell how "
            "much they differ themselves."
        )
    sentences.append(
        "Examples count as independent of each other. Near duplicates among them make every interval too sure."
    )
    if examples:
        one = number(100 / examples, 3 if examples > 1000 else 2)
        sentences.append(
            f"Everything is measured on {counted(examples, 'example')}; one of them is {one}{SPACE}% of all."
        )
    if audit.what_if:
        sentences.append(
            "The what-if copies were made without training; fine-tuning them would change every number here."
        )
    return sentences
