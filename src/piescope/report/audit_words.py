"""What an audit's numbers say, in sentences made from them alone; page, terminal and audit.md share them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from piescope.wording import (
    MINUS,
    NOTHING,
    SPACE,
    capital,
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

Audit = dict[str, Any]
"""The content of audit.json."""

Row = dict[str, Any]
"""One row of one of its lists."""

CLEAR = 0.05
"""A class or group whose q-value is at most this lost (or gained) beyond chance."""

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

DOUBT = "the numbers below may be about something else; see the warning."

BUDGETS = {
    "max_flips": "right before, wrong after",
    "max_class_drop": "recall that any class loses",
    "max_changed": "labels that changed",
    "equivalent_within": "change of accuracy, either way",
    "max_group_drop": "accuracy that any group loses",
}
"""What each budget is about."""

COUNTS = ("", "examples", None)
"""Units of budgets that count examples."""


def made_with(audit: dict[str, Any]) -> str:
    """Libraries, and the processor if models were run, to follow "Made by piescope ..."; or empty."""
    noted = audit.get("made_with")
    if noted is None:
        return ""
    told = "".join(f", {printable(library)} {printable(version)}" for library, version in noted["libraries"].items())
    return told if noted["processor"] is None else f"{told}; models were run on {printable(noted['processor'])}"


def class_name(text: object) -> str:
    """A class in a sentence: names that begin like a number need the word.

    Example:
        >>> class_name("cat"), class_name("3"), class_name("1st")
        ('cat', 'class 3', 'class 1st')
    """
    told = name(text)
    return f"class {told}" if told[:1].isdigit() or told[:1] in "-+−." else told


def _at_start(told: str, text: object) -> str:
    """A sentence that begins with a class: our own word gets its capital, a name stays as it is."""
    return told if told.startswith(name(text)) else capital(told)


def has_models(audit: Audit) -> str:
    """``models`` when the compressed side has more than one, else ``model``."""
    return "models" if _are_many(audit, "compressed") else "model"


def _are_many(audit: Audit, which: str) -> bool:
    models = audit["inputs"][which]["n_models"]
    return bool(audit["is_population"] if models is None else models > 1)


def compares_votes(audit: Audit) -> bool:
    """Whether modal labels of equally many models are compared."""
    return bool(audit["comparison"] == "vote against vote")


def compares_pairs(audit: Audit) -> bool:
    """Whether counts are means over pairs of a dense model and a compressed one."""
    return bool(audit["comparison"] == "mean over pairs of models")


def comparison(audit: Audit) -> str:
    """What is compared, where that needs words."""
    if not compares_pairs(audit):
        return ""
    dense, compressed = (audit["inputs"][side]["n_models"] for side in ("dense", "compressed"))
    if dense is None or compressed is None:
        return ""
    return (
        f"Like with like: single models, {count(dense)} dense against {count(compressed)} compressed; every count is "
        f"the mean over these {counted(dense * compressed, 'pair')}. (A vote of several models beats any one of them, "
        "so that a single model would lose against it whatever was done to it.)"
    )


def changed_noun(audit: Audit) -> str:
    """Populations have PIEs, single models changed examples."""
    return "PIE" if compares_votes(audit) else "changed example"


def title(audit: Audit) -> str:
    """Who is compared with whom."""
    inputs = audit["inputs"]
    return f"{name(inputs['compressed']['name'])} against {name(inputs['dense']['name'])}"


def headline(audit: Audit) -> list[str]:
    """Can it be shipped, and what was lost: most important sentence first."""
    told = [
        _what_if_in_short(audit),
        verdict(audit),
        _first_sentence(audit),
        "" if _verdict_names_classes(audit) else _who_paid(audit),
        seeds(audit) if compares_pairs(audit) else noise(audit, brief=True),
    ]
    return [sentence for sentence in told if sentence]


def _verdict_names_classes(audit: Audit) -> bool:
    return audit["verdict"]["answer"] == "harm shown" and _by_limits(audit) and bool(_harms(audit, "class"))


def verdict(audit: Audit) -> str:
    """Can it be shipped? One of three answers, and why."""
    found = audit["verdict"]
    label = VERDICTS[found["judged_by"], found["answer"]]
    of = f"{subject(audit)} is " if audit["what_if"] else ""
    of = of.replace(", is ", ": ") if of else ""
    if not _by_limits(audit):
        told = _by_budgets(audit)
        return f"{of}{label}: {DOUBT} {capital(told)}" if found["answer"] == "in doubt" else f"{of}{label}: {told}"
    reason = {"safe": _why_safe, "harm shown": _why_harm, "too few to tell": _why_too_few}.get(found["answer"])
    if found["answer"] == "in doubt":
        return f"{of}{label}: {DOUBT}"
    if reason is None:
        return f"{of}{label}: there are no true labels, so that nothing says which change is harm."
    return f"{of}{label}: {reason(audit)}."


def _by_limits(audit: Audit) -> bool:
    return bool(audit["verdict"]["judged_by"] == "limits")


def _by_budgets(audit: Audit) -> str:
    last = audit["what_if"][-1]["name"] if audit["what_if"] else ""
    told = budgets({**audit, "budgets": [row for row in audit["budgets"] if row["of"] == last or not last]})
    told = told[:1].lower() + told[1:]
    if audit["verdict"]["answer"] != "safe" or not audit["verdict"]["harms"]:
        return told
    return f"{told} Harm is shown all the same: {_where(audit)}."


def _harms(audit: Audit, where: str) -> list[Row]:
    return [harm for harm in audit["verdict"]["harms"] if harm["where"] == where and harm["change"] is not None]


def _where(audit: Audit) -> str:
    """``accuracy (−3.4 points), 2 of 10 classes: cat (−9.0) and dog (−3.1)``."""
    told = []
    for harm in _harms(audit, "accuracy"):
        told.append(f"accuracy ({number(harm['change'], digits(harm['change']), signed=True)}{SPACE}points)")
    for noun, rows in (("class", audit["classes"]), ("group", audit["groups"])):
        harms = _harms(audit, noun)
        if harms:
            of = f"{len(harms):,} of {counted(len(rows), noun)}"
            label = class_name if noun == "class" else name
            named = [
                f"{label(each['name'])} ({number(each['change'], digits(each['change']), signed=True)})"
                for each in harms
            ]
            told.append(f"{of}: {listed(named, 3)}")
    return "; ".join(told)


def _limits_told(audit: Audit) -> str:
    found = audit["verdict"]
    rows = listed([noun for noun, here in (("class", audit["classes"]), ("group", audit["groups"])) if here], last="or")
    whole = f"{counted(found['accuracy_limit'], 'point')} of accuracy"
    return f"{whole}, or {counted(found['class_limit'], 'point')} in any {rows}" if rows else whole


def _why_safe(audit: Audit) -> str:
    found = audit["verdict"]
    told = f"a loss of more than {_limits_told(audit)}, is excluded (one-sided 95{SPACE}%)"
    if found["harms"]:
        told += f"; what is lost beyond chance is less: {_where(audit)}"
    return told + _empty(found["empty_classes"])


def _empty(classes: int | None) -> str:
    if not classes:
        return ""
    return f"; of {counted(classes, 'class')} without any example nothing is known"


def _why_harm(audit: Audit) -> str:
    return f"{_where(audit)}{_empty(audit['verdict']['empty_classes'])}"


def _why_too_few(audit: Audit) -> str:
    found = audit["verdict"]
    told = [f"nothing is lost beyond chance, but a loss of more than {_limits_told(audit)}, cannot be excluded"]
    named = [_possible(row) for row in found["unsettled"]]
    told[0] += f" (one-sided 95{SPACE}%): {listed(named, 2)}"
    if found["enough"] is None:
        told.append("more examples or models would tell")
    else:
        told.append(f"about {count(found['enough'])} examples of this kind would settle it")
    return "; ".join(told)


def _possible(row: Row) -> str:
    label = {"accuracy": "accuracy", "class": class_name(row["name"])}.get(row["where"], name(row["name"]))
    down = number(row["bound"], digits(row["bound"]), signed=True)
    return f"{label} down to {down}" + (
        "" if row["where"] == "accuracy" else f" ({counted(row['examples'], 'example')})"
    )


def _first_sentence(audit: Audit) -> str:
    accuracy, flips = audit["accuracy"], audit["flips"]
    if accuracy is None or accuracy["change"] is None:
        return _without_labels(audit)
    many = has_models(audit) == "models"
    gets = "get" if many else "gets"
    change = accuracy["change"]
    low, high = ends(accuracy["change_interval"])
    is_clear = low is None or high is None or low > 0 or high < 0
    change_of = with_interval(change, low, high, "points", signed=True)
    if change != 0 and is_clear:
        more = "more" if change > 0 else "fewer"
        told = f"{subject(audit)} {gets} {more} right, {change_of}"
    elif change == 0 and (audit["changed"] == 0 or low is None):
        told = f"{subject(audit)} {'are' if many else 'is'} exactly as accurate"
    else:
        told = f"{subject(audit).rstrip(',')}: no clear change of accuracy, {change_of}"
    if flips is None:
        return told + "."
    return f"{told}{_flips(audit, is_clear)}"


def subject(audit: Audit) -> str:
    """Whose numbers these are, at the start of a sentence; of several what-if copies the last."""
    if audit["what_if"]:
        copy = name(audit["what_if"][-1]["name"])
        return f"The last copy, {copy}," if len(audit["what_if"]) > 1 else f"The copy, {copy},"
    return f"The compressed {has_models(audit)}"


def _flips(audit: Audit, is_clear: bool) -> str:
    lost, won = audit["flips"]["correct_to_wrong"], audit["flips"]["wrong_to_correct"]
    if lost is None or won is None:
        return "."
    gone = counted(lost, "example") if lost else "no example"
    back = count(won) if won else "none"
    if compares_votes(audit):
        if lost == won == 0:
            return ": no modal label was lost and none won back."
        told = f"by modal labels, {gone} {'was' if lost in (0, 1) else 'were'} lost and {back} won back"
    elif compares_pairs(audit):
        if lost == won == 0:
            return ": no model lost an example to another or won one back."
        told = (
            f"one model against one, {gone} {'was' if lost in (0, 1) else 'were'} lost and {back} won back on average"
        )
        told += _flips_of_seeds(audit)
    else:
        if lost == won == 0:
            return ": it lost no example and won none back."
        told = f"it lost {gone} and won {back} back"
    return f": {told}." if is_clear else f", yet {told}." if lost else f"; {told}."


def _flips_of_seeds(audit: Audit) -> str:
    found = audit["seeds"]
    if found is None or found["correct_to_wrong"] is None or found["correct_to_wrong"]["floor"] is None:
        return ""
    return f" ({count(found['correct_to_wrong']['floor'])} each among the {name(found['side'])} models themselves)"


def _without_labels(audit: Audit) -> str:
    changed, examples = audit["changed"], audit["n_examples"]
    verb = "give" if has_models(audit) == "models" else "gives"
    if changed == 0:
        return f"{subject(audit)} {verb} {_all(examples)} the same label as before."
    share = audit["changed_share"]
    ends = "" if share is None else f" ({with_interval(share['value'], share['low'], share['high'], '%')})"
    modal = "modal " if compares_votes(audit) else ""
    how = ", one model against one," if compares_pairs(audit) else ""
    return (
        f"{subject(audit)}{how} {verb} {count(changed)} of {counted(examples, 'example')}{ends} another {modal}label."
    )


def _all(examples: int) -> str:
    return "the one example" if examples == 1 else f"all {count(examples)} examples"


def paid(rows: Iterable[Row]) -> list[Row]:
    """Classes or groups that lost beyond chance, worst first."""
    lost = [row for row in rows if _is_clear(row) and row["impact"] < 0]
    return sorted(lost, key=lambda row: row["impact"])


def gained(rows: Iterable[Row]) -> list[Row]:
    """Classes or groups that gained beyond chance, most first."""
    won = [row for row in rows if _is_clear(row) and row["impact"] > 0]
    return sorted(won, key=lambda row: -row["impact"])


def _is_clear(row: Row) -> bool:
    return row["impact"] is not None and row["q_value"] is not None and row["q_value"] <= CLEAR


def _who_paid(audit: Audit) -> str:
    known = [row for row in audit["classes"] if row["impact"] is not None]
    clear = paid(known)
    if clear:
        worst = clear[0]
        told = f"{_at_start(class_name(worst['class']), worst['class'])} paid most: {_points(worst)} points of recall"
        others = len(clear) - 1
        return f"{told}; {_others(others, 'class')} lost beyond chance." if others else f"{told}."
    if not known or all(row["q_value"] is None for row in known):
        return ""
    if all(row["impact"] >= 0 for row in known):
        return "No class lost recall."
    return "No class's loss is beyond chance."


def _points(row: Row) -> str:
    return number(row["impact"], digits(row["impact"]), signed=True)


def _others(others: int, noun: str) -> str:
    return f"one more {noun}" if others == 1 else f"{others:,} more {noun}{'es' if noun.endswith('s') else 's'}"


def classes(audit: Audit) -> list[str]:
    """Who paid, in more words than the headline has."""
    rows = [row for row in audit["classes"] if row["impact"] is not None]
    if not rows:
        return []
    return _of_rows(audit, rows, "class", lambda row: class_name(row["class"]))


def groups(audit: Audit) -> list[str]:
    """The same of groups."""
    rows = [row for row in audit["groups"] if row["impact"] is not None]
    if not rows:
        return []
    return _of_rows(audit, rows, "group", lambda row: f"{name(row['column'])} = {name(row['value'])}")


def _of_rows(audit: Audit, rows: list[Row], noun: str, label: Callable[[Row], str]) -> list[str]:
    clear, won, told = paid(rows), gained(rows), []
    if all(row["q_value"] is None for row in rows):
        told.append("There are no p-values here: which of these losses are more than chance cannot be told.")
    elif clear:
        names = _named(clear, label)
        many = f"{counted(len(clear), noun)} of {len(rows):,}"
        told.append(f"{many} lost beyond chance: {names}.")
    elif all(row["impact"] >= 0 for row in rows):
        told.append(f"No {noun} lost.")
    else:
        worst = min(rows, key=lambda row: row["impact"])
        told.append(
            f"No {noun}'s loss is beyond chance; the largest observed is that of {label(worst)} "
            f"({with_interval(worst['impact'], worst['low'], worst['high'], 'points', signed=True)})."
        )
    if won:
        names = _named(won, label)
        told.append(f"{counted(len(won), noun)} gained beyond chance: {names}.")
    small = [row for row in rows if row["examples"] is not None and row["examples"] < 30]
    if small:
        whose = "class" if noun == "class" else "group"
        told.append(
            f"{counted(len(small), whose)} of {len(rows):,} {'has' if len(small) == 1 else 'have'} fewer than 30 "
            "examples: of those only a very large loss can be told from chance."
        )
    return told


def _named(rows: list[Row], label: Callable[[Row], str]) -> str:
    decimals = digits(*(row["impact"] for row in rows))
    return listed([f"{label(row)} ({number(row['impact'], decimals, signed=True)})" for row in rows], 5)


def changes(audit: Audit) -> list[str]:
    """Accuracy with its intervals, and the test of the flips."""
    told = []
    accuracy, flips = audit["accuracy"], audit["flips"]
    if accuracy is not None and accuracy["dense"] is not None and accuracy["compressed"] is not None:
        told.append(
            f"Accuracy: {with_interval(accuracy['dense'], *ends(accuracy['dense_interval']), '%')} before, "
            f"{with_interval(accuracy['compressed'], *ends(accuracy['compressed_interval']), '%')} after."
        )
    if compares_pairs(audit):
        told.append(comparison(audit))
        told.append(seeds(audit))
    if flips is not None and flips["mcnemar_p"] is not None:
        told.append(
            f"Losing {count(flips['correct_to_wrong'])} and winning {count(flips['wrong_to_correct'])} back: "
            f"McNemar's exact test that both are equally likely has p{SPACE}{equals(flips['mcnemar_p'])}."
        )
    return [sentence for sentence in told if sentence]


def seeds(audit: Audit) -> str:
    """Whether both sides differ by more than the models of one among each other; empty where votes are compared."""
    found = audit["seeds"]
    if found is None or found["changed"]["floor"] is None:
        return ""
    changed, models = found["changed"], f"the {name(found['side'])} models"
    told = (
        f"Two of {models} differ in {count(changed['floor'])} labels on average by seeds alone, one of either side in "
        f"{count(changed['observed'])}"
    )
    low, high, excess = changed["low"], changed["high"], changed["excess"]
    if low is None or high is None or excess is None:
        why = f" ({printable(found['why_not'])})" if found["why_not"] else ""
        return f"{told}; whether that is more cannot be told{why}."
    rest = with_interval(excess, low, high, signed=True)
    if low > 0:
        return f"{told}: {rest} are beyond seeds."
    return (
        f"{told}: no more than seeds would make, {rest}."
        if high >= 0
        else f"{told}: fewer than seeds would make, {rest}."
    )


def ends(pair: Sequence[float] | None) -> tuple[float | None, float | None]:
    """An interval's two ends; None twice where there is none."""
    return (None, None) if pair is None else (pair[0], pair[1])


def noise(audit: Audit, brief: bool = False) -> str:
    """How much of the PIEs seeds alone would have made; empty for single models.

    Args:
        audit: the content of audit.json.
        brief: only when there is a number.
    """
    if not audit["is_population"]:
        return ""
    floor = audit["noise"]
    if floor is None or floor["observed"] is None or floor["floor"] is None:
        why = "" if floor is None else floor["why_not"]
        because = f": {printable(why).rstrip('.')}" if why else ""
        return "" if brief else f"How many of the PIEs seeds alone would make cannot be told{because}."
    observed, alone = floor["observed"], floor["floor"]
    sizes = floor["group_sizes"]
    between = f"between groups of {sizes[0]} and {sizes[1]} models " if sizes and len(sizes) == 2 else ""
    if observed == audit["pies"]:
        between = ""
    told = f"Of {count(round(observed))} PIEs {between}about {count(round(alone))} would be there by seeds alone"
    if floor["low"] is None or floor["high"] is None or floor["excess"] is None:
        return told + "."
    rest = f"{number(floor['excess'], 0)} {interval(floor['low'], floor['high'], 0)}"
    if floor["low"] > 0:
        return f"{told}; {rest} are beyond that."
    return f"{told}; the rest, {rest}, is not clearly more than that."


def confirmed(audit: Audit) -> str:
    """How many examples changed by more than chance, one by one; or why that cannot be told."""
    found = audit["confirmed"]
    if found is None:
        return ""
    if found["pies"] is None:
        why = printable(found["why_not"]).rstrip(".")
        return f"Which single examples changed by more than chance cannot be told: {why}." if why else ""
    alpha = CLEAR if found["alpha"] is None else found["alpha"]
    if compares_pairs(audit):
        noun = counted(found["pies"], "example")
        rate = f"{number(100 * alpha, 0)}{SPACE}%"
        return f"{noun} changed by more than chance, tested one by one (at a false discovery rate of {rate})."
    told = (
        f"{count(found['pies'])} of {counted(audit['pies'], changed_noun(audit))} "
        f"{'is' if found['pies'] == 1 else 'are'} confirmed one by one (at a false discovery rate of "
        f"{number(100 * alpha, 0)}{SPACE}%)."
    )
    smallest, examples = found["smallest_p"], audit["n_examples"]
    if found["pies"] or smallest is None or not alpha:
        return told
    needed = math.ceil(smallest * examples / alpha - 1e-9)
    if needed <= 1:
        return told
    so = (
        "none can be confirmed"
        if needed > examples
        else f"at least {needed:,} of {examples:,} must have it before one is confirmed"
    )
    return f"{told} With so few models no p-value can be below {p_value(smallest)}: {so}."


def confusion_name(row: Row) -> str:
    """``cat taken for dog``."""
    return f"{class_name(row['class'])} taken for {class_name(row['predicted'])}"


def confusions(audit: Audit) -> str:
    """Which mix-ups grew."""
    rows = audit["confusions"]
    if not rows:
        return ""
    top = rows[0]
    first = _at_start(confusion_name(top), top["class"])
    told = f"{first} grew most: {count(top['dense'])} before, {count(top['compressed'])} after"
    clear = [row for row in rows if row["q_value"] is not None and row["q_value"] <= CLEAR]
    if clear:
        are = "is" if len(clear) == 1 else "are"
        return f"{told}. {len(clear)} of the {counted(len(rows), 'mix-up')} listed {are} beyond chance."
    if all(row["q_value"] is None for row in rows):
        return told + "."
    return told + ". None of the growths is beyond chance."


def calibration(audit: Audit) -> list[str]:
    """Whether confidence still means what it says."""
    found = audit["calibration"]
    if found is None:
        return []
    dense, compressed, told = found["dense"], found["compressed"], []
    if dense["ece"] is not None and compressed["ece"] is not None:
        change = compressed["ece"] - dense["ece"]
        how = "stays about where it was" if abs(change) < 0.1 else "grows" if change > 0 else "falls"
        told.append(
            f"The calibration error (ECE) {how}: {number(dense['ece'])} points before, "
            f"{number(compressed['ece'])} after."
        )
    accuracy = audit["accuracy"]
    right = None if accuracy is None else accuracy["compressed"]
    if compressed["confidence"] is not None and right is not None:
        gap = compressed["confidence"] - right
        verb = "are" if has_models(audit) == "models" else "is"
        told.append(
            f"{subject(audit)} {verb} {percent(compressed['confidence'])} confident on average and right in "
            f"{percent(right)}: {number(abs(gap))} points too {'confident' if gap > 0 else 'cautious'}."
            if round(abs(gap), 1) > 0
            else f"{subject(audit)} {verb} as confident on average as right: {percent(right)}."
        )
    if dense["confidence"] is not None and compressed["confidence"] is not None:
        told.append(
            f"Mean confidence: {percent(dense['confidence'])} before, {percent(compressed['confidence'])} after."
        )
    return told


def pies(audit: Audit) -> str:
    """What the changed examples are called, and for populations of how many models."""
    if compares_pairs(audit):
        return "changed, mean"
    if not compares_votes(audit):
        return "changed"
    return f"PIEs, {audit['inputs']['dense']['n_models']} against {audit['inputs']['compressed']['n_models']}"


def harmed(audit: Audit) -> str:
    """What the examples at the top are: without true labels nobody knows whether a change is harm."""
    return "Most changed examples" if audit["accuracy"] is None else "Most harmed examples"


def label_errors(audit: Audit) -> list[str]:
    """Likely label errors, and why they are set apart."""
    found = audit["label_errors"]
    if found is None or (found["count"] is None and not found["why_not"]):
        return []
    if found["count"] is None:
        return [f"Likely label errors cannot be told here: {printable(found['why_not']).rstrip('.')}."]
    rule = printable(found["rule"]).strip()
    rules = [f"{rule.rstrip('.')}."] if rule else []
    if found["count"] == 0:
        return [" ".join(["No example looks like a label error.", *rules])]
    many = _are_many(audit, "dense")
    dense = "dense models" if many else "dense model"
    told = (
        f"{counted(found['count'], 'example')} {'looks' if found['count'] == 1 else 'look'} like a label error: "
        f"the {dense} confidently {'disagree' if many else 'disagrees'} with the label. What the "
        "compressed side does there is likely no damage: when the label is wrong, leaving it may be right. They are "
        "not among the most harmed examples."
    )
    if many and audit["inputs"]["dense"]["values"] == "labels":
        told += (
            " Of labels alone this is a weak hint: models that learned from the same data err together. Look at them."
        )
    return [told, *rules]


def embeddings(audit: Audit) -> list[str]:
    """What happened to the representation."""
    found = audit["embeddings"]
    if found is None:
        return []
    told = []
    if found["cka"] is not None:
        told.append(
            f"Linear CKA between the two representations is {number(found['cka'], 3)} (1 is the same geometry)."
        )
    if found["neighbourhood_overlap"] is not None:
        told.append(
            f"An example keeps {percent(100 * found['neighbourhood_overlap'], 0)} of its nearest neighbours on average."
        )
    if found["knn_agreement"] is not None:
        told.append(
            f"Labels by the {found['k']} nearest neighbours agree for {percent(found['knn_agreement'])} of examples."
        )
    accuracy = found["knn_accuracy"]
    if accuracy is not None and accuracy["dense"] is not None and accuracy["compressed"] is not None:
        told.append(
            f"Those labels are right for {percent(accuracy['dense'])} before, {percent(accuracy['compressed'])} after."
        )
    depth = found["prediction_depth"]
    if depth is not None and depth["dense"] is not None and depth["compressed"] is not None:
        told.append(
            f"Mean prediction depth over {depth['layers']} layers: {number(depth['dense'], 2)} before, "
            f"{number(depth['compressed'], 2)} after."
        )
        of, rest = depth["changed"], depth["other"]
        if of is not None and rest is not None and of["dense"] is not None and rest["dense"] is not None:
            harder = "deeper (harder)" if of["dense"] > rest["dense"] else "no deeper"
            told.append(
                f"Changed examples were {harder} already in the dense model{'s' if _are_many(audit, 'dense') else ''}: "
                f"{number(of['dense'], 2)} against {number(rest['dense'], 2)} for the others."
            )
    return told


def budget_name(row: Row) -> str:
    """``max_flips`` with the copy that it is about, if any."""
    of = f" ({name(row['of'])})" if row["of"] else ""
    return f"{name(row['budget'])}{of}"


def budgets(audit: Audit) -> str:
    """How many budgets are kept, broken, undecided; broken ones by name."""
    rows = audit["budgets"]
    if not rows:
        return ""
    by = {verdict: [row for row in rows if row["verdict"] == verdict] for verdict in ("broken", "undecided", "kept")}
    if len(by["kept"]) == len(rows):
        if len(rows) <= 2:
            return "Its one budget is kept." if len(rows) == 1 else "Both budgets are kept."
        return f"All {len(rows)} budgets are kept."
    if len(rows) == 1:
        return f"Its one budget is {rows[0]['verdict']}: {budget_name(rows[0])}."
    for verdict in ("broken", "undecided"):
        if len(by[verdict]) == 2 == len(rows):
            return f"Both budgets are {verdict}: {listed([budget_name(row) for row in rows])}."
    told = []
    for verdict in ("broken", "undecided"):
        if by[verdict]:
            names = listed([budget_name(row) for row in by[verdict]], 4)
            told.append(f"{len(by[verdict])} {_is(by[verdict])} {verdict}: {names}")
    if by["kept"]:
        told.append(f"{len(by['kept'])} {_is(by['kept'])} kept")
    return f"Of {counted(len(rows), 'budget')}, {'; '.join(told)}."


def _is(rows: Sequence[Row]) -> str:
    return "is" if len(rows) == 1 else "are"


def observed(row: Row) -> str:
    r"""A budget's observed value and the one-sided 95 % bound that it is judged by; both bounds, if it has two sides.

    Example:
        >>> row = {"budget": "max_flips", "observed": 2.1, "low": 1.9, "high": 2.4, "unit": "%"}
        >>> observed(row), observed({**row, "unit": "examples", "observed": 210})
        ('2.1\xa0% (up to 2.4)', '210')
    """
    value, low, high = row["observed"], row["low"], row["high"]
    if value is None:
        return NOTHING
    if row["unit"] in COUNTS:
        return count(value)
    signed = row["unit"] == "points"
    decimals = digits(value, low, high)
    told = number(value, decimals, signed) + SPACE + row["unit"]
    if low is None or high is None:
        return told
    first, last = number(low, decimals, signed), number(high, decimals, signed)
    if row["budget"] == "equivalent_within":
        return f"{told} ({first} to {last})"
    return f"{told} (down to {first})" if signed else f"{told} (up to {last})"


def what_if(audit: Audit) -> list[str]:
    """The furthest copy of each method that harms no class beyond chance and keeps its budgets, and its price."""
    told = [_furthest(audit, rows) for rows in _by_method(audit)]
    return [sentence for sentence in told if sentence]


def _by_method(audit: Audit) -> list[list[Row]]:
    """The copies of each method, mildest first."""
    methods = dict.fromkeys(row["method"] for row in audit["what_if"])
    return [
        sorted(
            (row for row in audit["what_if"] if row["method"] == method),
            key=lambda row: -1.0 if row["amount"] is None else float(row["amount"]),
        )
        for method in methods
    ]


def _has_budgets(audit: Audit, rows: list[Row]) -> bool:
    return bool({row["of"] for row in audit["budgets"]} & {row["name"] for row in rows})


def _good(rows: list[Row]) -> list[Row]:
    """The copies before the first, mildest first, that harms or breaks anything: beyond it none is trusted."""
    bad = next((place for place, row in enumerate(rows) if _what_it_breaks(row)), len(rows))
    return rows[:bad]


def _what_it_breaks(row: Row) -> str:
    """``breaks max_flips``, ``harms cat and dog``; empty: nothing."""
    if row["broken"]:
        return f"breaks {listed([name(budget) for budget in row['broken']])}"
    harmed = [class_name(each) for each in row["lost_classes"] or []] + [
        name(each) for each in row["lost_groups"] or []
    ]
    if harmed:
        return f"harms {listed(harmed, 3)}"
    told = {"harm shown": "loses accuracy beyond chance", "in doubt": "is in doubt: see the warning on its page"}
    return told.get(row["verdict"], "")


def _does(audit: Audit, rows: list[Row]) -> str:
    known = any(row["change"] is not None for row in rows)
    told = ["harms no class beyond chance"] if known else []
    if _has_budgets(audit, rows):
        told.append("breaks no budget")
    return listed(told)


def limit(row: Row) -> str:
    r"""A budget's limit with its unit.

    Example:
        >>> row = {"budget": "max_class_drop", "limit": 3, "unit": "points"}
        >>> share = {"budget": "max_flips", "limit": "2%", "unit": "%"}
        >>> limit(row), limit(share), limit({**row, "budget": "equivalent_within"})
        ('−3\xa0points', '2\xa0%', '±3\xa0points')
    """
    if row["limit"] is None:
        return NOTHING
    told = printable(row["limit"])
    value, unit = told.removesuffix("%").strip(), row["unit"] if not told.endswith("%") else "%"
    try:
        value = f"{float(value):,g}"
    except ValueError:  # words already
        return told
    sign = {"equivalent_within": "±", "max_class_drop": MINUS, "max_group_drop": MINUS}.get(row["budget"], "")
    return ("" if value == "0" else sign) + value + ("" if unit in COUNTS else SPACE + unit)


def _what_if_in_short(audit: Audit) -> str:
    """The same in one sentence."""
    groups = _by_method(audit)
    if len(groups) < 2:
        return " ".join(what_if(audit))
    does = _does(audit, audit["what_if"])
    if not does:
        return ""
    far = [good[-1] for good in (_good(rows) for rows in groups) if good]
    if not far:
        return "No copy can be recommended: each harms something beyond chance" + (
            " or breaks a budget." if any(_has_budgets(audit, rows) for rows in groups) else "."
        )
    decimals = digits(*(row["change"] for row in far))
    named = [
        name(row["name"])
        + (
            ""
            if row["change"] is None
            else f" ({number(row['change'], decimals, signed=True)} points, {count(row['correct_to_wrong'])} lost)"
        )
        for row in far
    ]
    return f"The furthest copy of each method that {does}: {listed(named)}."


def _furthest(audit: Audit, rows: list[Row]) -> str:
    does, good = _does(audit, rows), _good(rows)
    if not does:
        return ""
    first = name(rows[0]["name"])
    if not good:
        if len(rows) == 1:
            return f"{first} {_what_it_breaks(rows[0])}."
        return f"No {name(rows[0]['method'])} copy can be recommended: {first} already {_what_it_breaks(rows[0])}."
    far, after = good[-1], rows[len(good) :]
    told = (
        f"{name(far['name'])} {does}"
        if len(rows) == 1
        else (f"{name(far['name'])} is the furthest {name(far['method'])} copy that {does}")
    )
    unsure = [row["budget"] for row in audit["budgets"] if row["of"] == far["name"] and row["verdict"] == "undecided"]
    if unsure:
        told += f" ({listed([name(budget) for budget in unsure])} undecided)"
    told += f": {_price(far)}."
    if after:
        told += f" {name(after[0]['name'])} {_what_it_breaks(after[0])}."
    return " ".join([told, *_hidden(far)])


def _price(row: Row) -> str:
    told = []
    if row["change"] is not None:
        change = with_interval(row["change"], row["change_low"], row["change_high"], "points", signed=True)
        told.append(f"{change} of accuracy")
    if row["correct_to_wrong"] is not None:
        told.append(f"{counted(row['correct_to_wrong'], 'example')} lost, {count(row['wrong_to_correct'])} won back")
    return "; ".join([*told, *_size(row)]) or f"{count(row['changed'])} labels changed"


def _size(row: Row) -> list[str]:
    """How much smaller it is: as it is saved or, where zeros take as much room as before, zipped."""
    for how, before, after in (
        ("", row["bytes_before"], row["bytes_after"]),
        (" zipped", row["zipped_before"], row["zipped_after"]),
    ):
        if before and after is not None and after < 0.99 * before:
            return [f"{_kilobytes(after)} instead of {_kilobytes(before)}{how}"]
    return []


def _kilobytes(size: float) -> str:
    return f"{size / 1e6:,.1f}{SPACE}MB" if size >= 1e6 else f"{size / 1e3:,.0f}{SPACE}kB"


def _hidden(row: Row) -> list[str]:
    """What "harms no class" cannot exclude with so many examples."""
    if row["class_bound"] is None or row["smallest_class"] is None:
        return []
    told = (
        f"With {counted(row['smallest_class'], 'example')} in its smallest class a class may have lost "
        f"{number(max(0.0, -row['class_bound']))} points all the same (one-sided 95{SPACE}%)"
    )
    near = len(row["near_limit"] or [])
    if near:
        told += f"; a loss of {number(row['class_limit'], 0)} points is not excluded in {near:,} of "
        told += counted(row["n_classes"], "class")
    return [f"{told}."]


def side(audit: Audit, which: str) -> str:
    """``dense.csv: 3 models, probabilities``."""
    of = audit["inputs"][which]
    told = [counted(of["n_models"], "model") if of["n_models"] is not None else "", of["values"] or ""]
    return f"{name(of['name'])}: {', '.join(part for part in told if part)}"


def matched(audit: Audit) -> str:
    """How the examples were brought together."""
    inputs = audit["inputs"]
    told = f"{counted(audit['n_examples'], 'example')}, matched by {inputs['matched_by'] or 'row'}"
    left = {which: number for which, number in (inputs["left_out"] or {}).items() if number}
    if left:
        told += "; left out: " + listed([f"{count(number)} that only {which} has" for which, number in left.items()])
    return told + "."


def confidence(audit: Audit, table: str) -> str:
    """Of the intervals of ``accuracy``, ``classes`` or ``groups``: ``95 %``, ``99.5 %``, ``98.33 %``."""
    level = audit["confidence"][table]
    return percent(level, next((decimals for decimals in range(2) if round(level, decimals) == round(level, 6)), 2))


def limits(audit: Audit) -> list[str]:
    """What these numbers cannot say."""
    told = []
    inputs = audit["inputs"]
    examples = audit["n_examples"]
    if (
        audit["comparison"] == "one against one" and not audit["what_if"]
    ):  # copies made without training have no seed of their own
        told.append(
            "One model a side: had the compressed one been trained or fine-tuned with another seed, other labels would "
            "have changed. How much of this is such noise cannot be told from one model; two or more a side can tell."
        )
    if audit["accuracy"] is None:
        told.append("There are no true labels: nothing here says which side is right when the two differ.")
    if inputs["matched_by"] == "row":
        told.append(
            "Examples are matched by their row: if the files list them in different orders, every comparison here is "
            "wrong. Ids in the files rule that out."
        )
    if audit["calibration"] is None:
        told.append("Labels alone say nothing about confidence: no calibration, and harm is all or nothing per model.")
    over = None if audit["accuracy"] is None else audit["accuracy"]["interval_over"]
    if over == "examples":
        told.append("Intervals are for other examples of the same kind, with these very models; not for other models.")
    elif over:
        told.append("Intervals are for other seeds and other examples of the same kind.")
    if compares_pairs(audit) and audit["seeds"] is not None and audit["seeds"]["side"] == "dense":
        told.append(
            "The dense models tell what seeds alone do. A copy that was made from one of them is closer to that one: "
            "audit it against that one alone."
        )
    elif compares_pairs(audit):
        told.append(
            "One dense model: how much another dense one would differ cannot be told; the compressed models tell how "
            "much they differ themselves."
        )
    told.append("Examples count as independent of each other. Near duplicates among them make every interval too sure.")
    if examples:
        one = number(100 / examples, 3 if examples > 1000 else 2)
        told.append(f"Everything is measured on {counted(examples, 'example')}; one of them is {one}{SPACE}% of all.")
    if audit["what_if"]:
        told.append("The what-if copies were made without training; fine-tuning them would change every number here.")
    return told
