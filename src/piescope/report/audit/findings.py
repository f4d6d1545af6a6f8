"""What an audit's answers say, in sentences made from its numbers alone; page, terminal and audit.md share them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from piescope.report.audit.terms import (
    are_many,
    at_start,
    changed_noun,
    class_name,
    compares_pairs,
    comparison,
    gained,
    has_models,
    paid,
    row_name,
    subject,
)
from piescope.store.audit_answers import CLEAR, ClassChange, Confusion, GroupChange
from piescope.store.audit_record import AuditRecord
from piescope.wording import (
    SPACE,
    count,
    counted,
    digits,
    equals,
    interval,
    listed,
    name,
    number,
    p_value,
    percent,
    printable,
    with_interval,
)


def classes(audit: AuditRecord) -> list[str]:
    """Who paid, in more words than the headline has."""
    return _of_rows(audit.classes, "class")


def groups(audit: AuditRecord) -> list[str]:
    """The same of groups."""
    return _of_rows(audit.groups, "group")


def _label(row: ClassChange | GroupChange) -> str:
    return class_name(row.name) if isinstance(row, ClassChange) else row_name(row)


def _of_rows(every: Sequence[ClassChange | GroupChange], noun: str) -> list[str]:
    rows = [row for row in every if row.impact is not None]
    if not rows:
        return []
    clear, won, sentences = paid(rows), gained(rows), []
    if all(row.q_value is None for row in rows):
        sentences.append("There are no p-values here: which of these losses are more than chance cannot be told.")
    elif clear:
        many = f"{counted(len(clear), noun)} of {len(rows):,}"
        sentences.append(f"{many} lost beyond chance: {_named(clear)}.")
    elif all(row.change >= 0 for row in rows):
        sentences.append(f"No {noun} lost.")
    else:
        worst = min(rows, key=lambda row: row.change)
        sentences.append(
            f"No {noun}'s loss is beyond chance; the largest observed is that of {_label(worst)} "
            f"({with_interval(worst.impact, worst.low, worst.high, 'points', signed=True)})."
        )
    if won:
        sentences.append(f"{counted(len(won), noun)} gained beyond chance: {_named(won)}.")
    small = [row for row in rows if row.examples is not None and row.examples < 30]
    if small:
        sentences.append(
            f"{counted(len(small), noun)} of {len(rows):,} {'has' if len(small) == 1 else 'have'} fewer than 30 "
            f"examples: of {'it' if len(small) == 1 else 'those'} only a very large loss can be told from chance."
        )
    return sentences


def _named(rows: Sequence[ClassChange | GroupChange]) -> str:
    decimals = digits(*(row.impact for row in rows))
    return listed([f"{_label(row)} ({number(row.impact, decimals, signed=True)})" for row in rows], 5)


def changes(audit: AuditRecord) -> list[str]:
    """What is compared, where that needs words, and the test of the flips."""
    sentences, flips = [comparison(audit)], audit.flips
    if flips is not None and flips.mcnemar_p is not None:
        sentences.append(
            f"Losing {count(flips.correct_to_wrong)} and winning {count(flips.wrong_to_correct)} back: "
            f"McNemar's exact test that both are equally likely has p{SPACE}{equals(flips.mcnemar_p)}."
        )
    return [sentence for sentence in sentences if sentence]


def seeds(audit: AuditRecord) -> str:
    """Whether both sides differ by more than the models of one among each other; empty where votes are compared."""
    answer = audit.seeds
    if answer is None or answer.changed.floor is None:
        return ""
    changed, models = answer.changed, f"the {name(answer.side)} models"
    sentence = (
        f"Two of {models} differ in {count(changed.floor)} labels on average by seeds alone, one of either side in "
        f"{count(changed.observed)}"
    )
    low, high, excess = changed.low, changed.high, changed.excess
    if low is None or high is None or excess is None:
        why = f" ({printable(answer.why_not)})" if answer.why_not else ""
        return f"{sentence}; whether that is more cannot be told{why}."
    rest = with_interval(excess, low, high, signed=True)
    if low > 0:
        return f"{sentence}: {rest} are beyond seeds."
    return (
        f"{sentence}: no more than seeds would make, {rest}."
        if high >= 0
        else f"{sentence}: fewer than seeds would make, {rest}."
    )


def noise(audit: AuditRecord, brief: bool = False) -> str:
    """How much of the PIEs seeds alone would have made; empty for single models.

    Args:
        audit: what was found.
        brief: only when there is a number.
    """
    if not audit.is_population:
        return ""
    floor = audit.noise
    if floor is None or floor.observed is None or floor.floor is None:
        why = "" if floor is None else floor.why_not
        because = f": {printable(why).rstrip('.')}" if why else ""
        return "" if brief else f"How many of the PIEs seeds alone would make cannot be told{because}."
    observed, alone = floor.observed, floor.floor
    sizes = floor.group_sizes
    between = f"between groups of {sizes[0]} and {sizes[1]} models " if sizes and len(sizes) == 2 else ""
    if observed == audit.pies:
        between = ""
    sentence = f"Of {count(round(observed))} PIEs {between}about {count(round(alone))} would be there by seeds alone"
    if floor.low is None or floor.high is None or floor.excess is None:
        return sentence + "."
    rest = f"{number(floor.excess, 0)} {interval(floor.low, floor.high, 0)}"
    if floor.low > 0:
        return f"{sentence}; {rest} are beyond that."
    return f"{sentence}; the rest, {rest}, is not clearly more than that."


def confirmed(audit: AuditRecord) -> str:
    """How many examples changed by more than chance, one by one; or why that cannot be told."""
    answer = audit.confirmed
    if answer is None:
        return ""
    if answer.pies is None:
        why = printable(answer.why_not).rstrip(".")
        return f"Which single examples changed by more than chance cannot be told: {why}." if why else ""
    alpha = CLEAR if answer.alpha is None else answer.alpha
    if compares_pairs(audit):
        noun = counted(answer.pies, "example")
        rate = f"{number(100 * alpha, 0)}{SPACE}%"
        return f"{noun} changed by more than chance, tested one by one (at a false discovery rate of {rate})."
    sentence = (
        f"{count(answer.pies)} of {counted(audit.pies or 0, changed_noun(audit))} "
        f"{'is' if answer.pies == 1 else 'are'} confirmed one by one (at a false discovery rate of "
        f"{number(100 * alpha, 0)}{SPACE}%)."
    )
    smallest, examples = answer.smallest_p, audit.n_examples
    if answer.pies or smallest is None or not alpha:
        return sentence
    needed = math.ceil(smallest * examples / alpha - 1e-9)
    if needed <= 1:
        return sentence
    so = (
        "none can be confirmed"
        if needed > examples
        else f"at least {needed:,} of {examples:,} must have it before one is confirmed"
    )
    return f"{sentence} With so few models no p-value can be below {p_value(smallest)}: {so}."


def confusion_name(row: Confusion) -> str:
    """``cat taken for dog``."""
    return f"{class_name(row.true)} taken for {class_name(row.predicted)}"


def confusions(audit: AuditRecord) -> str:
    """Which mix-ups grew."""
    rows = audit.confusions
    if not rows:
        return ""
    top = rows[0]
    first = at_start(confusion_name(top), top.true)
    sentence = f"{first} grew most: {count(top.dense)} before, {count(top.compressed)} after"
    clear = [row for row in rows if row.is_clear]
    if clear:
        are = "is" if len(clear) == 1 else "are"
        return f"{sentence}. {len(clear)} of the {counted(len(rows), 'mix-up')} listed {are} beyond chance."
    if all(row.q_value is None for row in rows):
        return sentence + "."
    return sentence + ". None of the growths is beyond chance."


def calibration(audit: AuditRecord) -> list[str]:
    """Whether confidence still means what it says."""
    answer = audit.calibration
    if answer is None:
        return []
    dense, compressed, lines = answer.dense, answer.compressed, []
    if dense.ece is not None and compressed.ece is not None:
        change = compressed.ece - dense.ece
        how = "stays about where it was" if abs(change) < 0.1 else "grows" if change > 0 else "falls"
        lines.append(
            f"The calibration error (ECE) {how}: {number(dense.ece)} points before, {number(compressed.ece)} after."
        )
    accuracy = audit.accuracy
    right = None if accuracy is None else accuracy.compressed
    if compressed.confidence is not None and right is not None:
        gap = compressed.confidence - right
        verb = "are" if has_models(audit) == "models" else "is"
        lines.append(
            f"{subject(audit)} {verb} {percent(compressed.confidence)} confident on average and right in "
            f"{percent(right)}: {number(abs(gap))} points too {'confident' if gap > 0 else 'cautious'}."
            if round(abs(gap), 1) > 0
            else f"{subject(audit)} {verb} as confident on average as right: {percent(right)}."
        )
    if dense.confidence is not None and compressed.confidence is not None:
        lines.append(f"Mean confidence: {percent(dense.confidence)} before, {percent(compressed.confidence)} after.")
    return lines


def harmed(audit: AuditRecord) -> str:
    """What the examples at the top are: without true labels nobody knows whether a change is harm."""
    return "Most changed examples" if audit.accuracy is None else "Most harmed examples"


def order_of_harmed(audit: AuditRecord) -> str:
    """Which of them come first, and what is told of each."""
    known, label = audit.accuracy is not None, "dense" if audit.accuracy is None else "true"
    harm = (
        f"those whose probability of the {label} label fell most"
        if audit.calibration is not None
        else f"those that most models {'no longer get right' if known else 'label otherwise'}"
    )
    sentences = [
        f"{'Lost examples' if known else 'Examples whose label changed'} first, then {harm}; within each, the most "
        f"harmed first{'; likely label errors aside' if known else ''}."
    ]
    if audit.calibration is not None and audit.inputs.data is not None:  # a list without pictures has numbers alone
        sentences.append("Bars: that probability before and after.")
    if audit.comparison != "one against one":
        sentences.append("In brackets: the share of models that gave the label.")
    return " ".join([*sentences, "examples.parquet has every example."])


def label_errors(audit: AuditRecord) -> list[str]:
    """Likely label errors, and why they are set apart."""
    answer = audit.label_errors
    if answer is None or (answer.count is None and not answer.why_not):
        return []
    if answer.count is None:
        return [f"Likely label errors cannot be told here: {printable(answer.why_not).rstrip('.')}."]
    rule = printable(answer.rule).strip()
    rules = [f"Suspect is an example where {rule[0].lower()}{rule[1:].rstrip('.')}."] if rule else []
    if answer.count == 0:
        return [" ".join(["No example looks like a label error.", *rules])]
    many = are_many(audit, "dense")
    dense = "dense models" if many else "dense model"
    sentence = (
        f"{counted(answer.count, 'example')} {'looks' if answer.count == 1 else 'look'} like a label error: "
        f"the {dense} confidently {'disagree' if many else 'disagrees'} with the label. What the "
        "compressed side does there is likely no damage: when the label is wrong, leaving it may be right. They are "
        "not among the most harmed examples."
    )
    if many and audit.inputs.dense.values == "labels":
        sentence += (
            " Of labels alone this is a weak hint: models that learned from the same data err together. Look at them."
        )
    return [sentence, *rules]


def embeddings(audit: AuditRecord) -> list[str]:
    """What happened to the representation."""
    answer = audit.embeddings
    if answer is None:
        return []
    lines = []
    if answer.cka is not None:
        lines.append(f"Linear CKA between the two representations is {number(answer.cka, 3)} (1 is the same geometry).")
    if answer.neighbourhood_overlap is not None:
        lines.append(
            f"An example keeps {percent(100 * answer.neighbourhood_overlap, 0)} of its nearest neighbours on average."
        )
    if answer.knn_agreement is not None:
        lines.append(
            f"Labels by the {answer.k} nearest neighbours agree for {percent(answer.knn_agreement)} of examples."
        )
    accuracy = answer.knn_accuracy
    if accuracy is not None and accuracy.dense is not None and accuracy.compressed is not None:
        lines.append(
            f"Those labels are right for {percent(accuracy.dense)} before, {percent(accuracy.compressed)} after."
        )
    depth = answer.prediction_depth
    if depth is not None and depth.dense is not None and depth.compressed is not None:
        lines.append(
            f"Mean prediction depth over {depth.layers} layers: {number(depth.dense, 2)} before, "
            f"{number(depth.compressed, 2)} after."
        )
        of, rest = depth.changed, depth.other
        if of is not None and rest is not None and of.dense is not None and rest.dense is not None:
            harder = "deeper (harder)" if of.dense > rest.dense else "no deeper"
            lines.append(
                f"Changed examples were {harder} already in the dense model{'s' if are_many(audit, 'dense') else ''}: "
                f"{number(of.dense, 2)} against {number(rest.dense, 2)} for the others."
            )
    return lines
