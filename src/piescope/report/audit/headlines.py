"""Can it be shipped, and what was lost: the first words and sentences of every document about an audit."""

from __future__ import annotations

from piescope.report.audit.budget_rows import budgets
from piescope.report.audit.copies import in_short
from piescope.report.audit.findings import noise, seeds
from piescope.report.audit.terms import (
    at_start,
    class_name,
    compares_pairs,
    compares_votes,
    ends,
    has_models,
    paid,
    subject,
)
from piescope.report.layout.blocks import Tag, Tone
from piescope.store.audit_answers import ClassChange, Flips
from piescope.store.audit_record import AuditRecord, Harm, Unsettled, Where
from piescope.wording import SPACE, capital, count, counted, digits, listed, name, number, with_interval

VERDICTS = {
    ("limits", "safe"): "SAFE",
    ("limits", "harm shown"): "HARM SHOWN",
    ("limits", "too few to tell"): "TOO FEW TO TELL",
    ("limits", "no true labels"): "CANNOT BE TOLD",
    ("limits", "in doubt"): "IN DOUBT",
    ("budgets", "safe"): "WITHIN BUDGET",
    ("budgets", "harm shown"): "BUDGET BROKEN",
    ("budgets", "too few to tell"): "TOO FEW TO TELL",
    ("budgets", "in doubt"): "IN DOUBT",
}
"""Of what judges, and the answer: can it be shipped?"""

TONES: dict[str, Tone] = {
    "safe": "kept",
    "harm shown": "broken",
    "too few to tell": "undecided",
    "in doubt": "undecided",
}

DOUBT = "the numbers below may be about something else; see the warning."


def headline(audit: AuditRecord) -> list[str]:
    """Can it be shipped, and what was lost: most important sentence first, which of several copies goes far enough."""
    sentences = [
        in_short(audit),
        verdict(audit),
        _first_sentence(audit),
        "" if _verdict_names_classes(audit) else _who_paid(audit),
        seeds(audit) if compares_pairs(audit) else noise(audit, brief=True),
    ]
    return [sentence for sentence in sentences if sentence]


def _verdict_names_classes(audit: AuditRecord) -> bool:
    return audit.verdict.answer == "harm shown" and _by_limits(audit) and bool(_harms(audit, "class"))


def chip(audit: AuditRecord) -> Tag:
    """The verdict in capitals; of several what-if copies that on the last."""
    answer = audit.verdict
    of = "LAST COPY: " if len(audit.what_if) > 1 else ""
    return Tag(of + VERDICTS[answer.judged_by, answer.answer], TONES.get(answer.answer, ""))


def verdict(audit: AuditRecord) -> str:
    """Can it be shipped? Yes, no, or not yet, and why."""
    answer = audit.verdict.answer
    can = {
        "safe": "can be shipped",
        "harm shown": "should not be shipped",
        "too few to tell": "should not be shipped yet",
    }
    if answer == "safe" and not _by_limits(audit) and audit.verdict.harms:
        can["safe"] = "can be shipped as far as its budgets go"
    sentence = f"{subject(audit)} {can.get(answer, 'cannot be judged')}: "
    if answer == "harm shown" and _by_limits(audit):
        return f"{sentence.removesuffix(': ')}. {_why_harm(audit)}."
    if answer == "in doubt":
        return sentence + (DOUBT if _by_limits(audit) else f"{DOUBT} {capital(_by_budgets(audit))}")
    if not _by_limits(audit):
        return sentence + _by_budgets(audit)
    reason = {"safe": _why_safe, "too few to tell": _why_too_few}.get(answer)
    if reason is None:
        return f"{sentence}there are no true labels, so that nothing says which change is harm."
    return f"{sentence}{reason(audit)}."


def _by_limits(audit: AuditRecord) -> bool:
    return audit.verdict.judged_by == "limits"


def _by_budgets(audit: AuditRecord) -> str:
    last = audit.what_if[-1].name if audit.what_if else ""
    sentence = budgets([row for row in audit.budgets if row.of == last or not last])
    sentence = sentence[:1].lower() + sentence[1:]
    if audit.verdict.answer != "safe" or not audit.verdict.harms:
        return sentence
    return f"{sentence} Harm is shown all the same: {_where(audit)}."


def _harms(audit: AuditRecord, where: Where) -> list[Harm]:
    return [harm for harm in audit.verdict.harms if harm.where == where]


def _where(audit: AuditRecord) -> str:
    """``accuracy (−3.4 points), 2 of 10 classes: cat (−9.0) and dog (−3.1)``."""
    sentences = []
    for harm in _harms(audit, "accuracy"):
        sentences.append(f"accuracy ({number(harm.change, digits(harm.change), signed=True)}{SPACE}points)")
    tables: tuple[tuple[Where, int], ...] = (("class", len(audit.classes)), ("group", len(audit.groups)))
    for noun, rows in tables:
        harms = _harms(audit, noun)
        if harms:
            of = f"{len(harms):,} of {counted(rows, noun)}"
            label = class_name if noun == "class" else name
            named = [f"{label(harm.name)} ({number(harm.change, digits(harm.change), signed=True)})" for harm in harms]
            sentences.append(f"{of}: {listed(named, 3)}")
    return "; ".join(sentences)


def _limits(audit: AuditRecord) -> str:
    answer = audit.verdict
    rows = listed([noun for noun, here in (("class", audit.classes), ("group", audit.groups)) if here], last="or")
    whole = f"{counted(answer.accuracy_limit or 0, 'point')} of accuracy"
    return f"{whole}, or {counted(answer.class_limit or 0, 'point')} in any {rows}" if rows else whole


def _why_safe(audit: AuditRecord) -> str:
    answer = audit.verdict
    sentence = f"a loss of more than {_limits(audit)}, is excluded (one-sided 95{SPACE}%)"
    if answer.harms:
        sentence += f"; what is lost beyond chance is less: {_where(audit)}"
    return sentence + _empty(answer.empty_classes)


def _empty(classes: int | None) -> str:
    if not classes:
        return ""
    return f"; of {counted(classes, 'class')} without any example nothing is known"


def _why_harm(audit: AuditRecord) -> str:
    them = "They" if has_models(audit) == "models" else "It"
    return f"{them} lost more than chance explains: {_where(audit)}{_empty(audit.verdict.empty_classes)}"


def _why_too_few(audit: AuditRecord) -> str:
    answer = audit.verdict
    sentences = [f"nothing is lost beyond chance, but a loss of more than {_limits(audit)}, cannot be excluded"]
    named = [_possible(row) for row in answer.unsettled]
    sentences[0] += f" (one-sided 95{SPACE}%): {listed(named, 2)}"
    if answer.enough is None:
        sentences.append("more examples or models would tell")
    else:
        sentences.append(f"about {count(answer.enough)} examples of this kind would settle it")
    return "; ".join(sentences)


def _possible(row: Unsettled) -> str:
    label = {"accuracy": "accuracy", "class": class_name(row.name)}.get(row.where, name(row.name))
    down = number(row.bound, digits(row.bound), signed=True)
    return f"{label} down to {down}" + ("" if row.where == "accuracy" else f" ({counted(row.examples, 'example')})")


def _first_sentence(audit: AuditRecord) -> str:
    accuracy, flips = audit.accuracy, audit.flips
    if accuracy is None or accuracy.change is None:
        return _without_labels(audit)
    many = has_models(audit) == "models"
    gets = "get" if many else "gets"
    change = accuracy.change
    low, high = ends(accuracy.change_interval)
    is_clear = low is None or high is None or low > 0 or high < 0
    change_of = with_interval(change, low, high, "points", signed=True)
    if change != 0 and is_clear:
        more = "more" if change > 0 else "fewer"
        sentence = f"{subject(audit)} {gets} {more} right, {change_of}"
    elif change == 0 and (audit.changed == 0 or low is None):
        sentence = f"{subject(audit)} {'are' if many else 'is'} exactly as accurate"
    else:
        sentence = f"{subject(audit).rstrip(',')}: no clear change of accuracy, {change_of}"
    if flips is None:
        return sentence + "."
    return f"{sentence}{_flips(audit, flips, is_clear)}"


def _flips(audit: AuditRecord, flips: Flips, is_clear: bool) -> str:
    lost, won = flips.correct_to_wrong, flips.wrong_to_correct
    if lost is None or won is None:
        return "."
    gone = counted(lost, "example") if lost else "no example"
    back = count(won) if won else "none"
    if compares_votes(audit):
        if lost == won == 0:
            return ": no modal label was lost and none won back."
        sentence = f"by modal labels, {gone} {'was' if lost in (0, 1) else 'were'} lost and {back} won back"
    elif compares_pairs(audit):
        if lost == won == 0:
            return ": no model lost an example to another or won one back."
        sentence = (
            f"one model against one, {gone} {'was' if lost in (0, 1) else 'were'} lost and {back} won back on average"
        )
        sentence += _flips_of_seeds(audit)
    else:
        if lost == won == 0:
            return ": it lost no example and won none back."
        sentence = f"it lost {gone} and won {back} back"
    return f": {sentence}." if is_clear else f", yet {sentence}." if lost else f"; {sentence}."


def _flips_of_seeds(audit: AuditRecord) -> str:
    answer = audit.seeds
    if answer is None or answer.correct_to_wrong is None or answer.correct_to_wrong.floor is None:
        return ""
    return f" ({count(answer.correct_to_wrong.floor)} each among the {name(answer.side)} models themselves)"


def _without_labels(audit: AuditRecord) -> str:
    changed, examples = audit.changed, audit.n_examples
    verb = "give" if has_models(audit) == "models" else "gives"
    if changed == 0:
        return f"{subject(audit)} {verb} {_all(examples)} the same label as before."
    share = audit.changed_share
    ends = "" if share is None else f" ({with_interval(share.value, share.low, share.high, '%')})"
    modal = "modal " if compares_votes(audit) else ""
    how = ", one model against one," if compares_pairs(audit) else ""
    return (
        f"{subject(audit)}{how} {verb} {count(changed)} of {counted(examples, 'example')}{ends} another {modal}label."
    )


def _all(examples: int) -> str:
    return "the one example" if examples == 1 else f"all {count(examples)} examples"


def _who_paid(audit: AuditRecord) -> str:
    known = [row for row in audit.classes if row.impact is not None]
    clear = paid(known)
    if clear:
        worst = clear[0]
        sentence = f"{at_start(class_name(worst.name), worst.name)} paid most: {_points(worst)} points of recall"
        others = len(clear) - 1
        return f"{sentence}; {_others(others, 'class')} lost beyond chance." if others else f"{sentence}."
    if not known or all(row.q_value is None for row in known):
        return ""
    if all(row.change >= 0 for row in known):
        return "No class lost recall."
    return "No class's loss is beyond chance."


def _points(row: ClassChange) -> str:
    return number(row.impact, digits(row.impact), signed=True)


def _others(others: int, noun: str) -> str:
    return f"one more {noun}" if others == 1 else f"{others:,} more {noun}{'es' if noun.endswith('s') else 's'}"
