"""What the copies of a what-if lose, which of them goes furthest without harm, and its price."""

from __future__ import annotations

from piescope.report.audit.terms import class_name
from piescope.store.audit_record import AuditRecord, CopyRow
from piescope.wording import SPACE, count, counted, digits, listed, name, number, with_interval


def what_if(audit: AuditRecord) -> list[str]:
    """The furthest copy of each method that harms no class beyond chance and keeps its budgets, and its price."""
    sentences = [_furthest(audit, rows) for rows in _by_method(audit)]
    return [sentence for sentence in sentences if sentence]


def _by_method(audit: AuditRecord) -> list[list[CopyRow]]:
    """The copies of each method, mildest first."""
    methods = dict.fromkeys(row.method for row in audit.what_if)
    return [
        sorted(
            (row for row in audit.what_if if row.method == method),
            key=lambda row: -1.0 if row.amount is None else row.amount,
        )
        for method in methods
    ]


def _has_budgets(audit: AuditRecord, rows: list[CopyRow]) -> bool:
    return bool({row.of for row in audit.budgets} & {row.name for row in rows})


def _good(rows: list[CopyRow]) -> list[CopyRow]:
    """The copies before the first, mildest first, that harms or breaks anything: beyond it none is trusted."""
    bad = next((place for place, row in enumerate(rows) if _what_it_breaks(row)), len(rows))
    return rows[:bad]


def _what_it_breaks(row: CopyRow) -> str:
    """``breaks max_flips``, ``harms cat and dog``; empty: nothing."""
    if row.broken:
        return f"breaks {listed([name(budget) for budget in row.broken])}"
    harmed = [class_name(lost) for lost in row.lost_classes] + [name(lost) for lost in row.lost_groups]
    if harmed:
        return f"harms {listed(harmed, 3)}"
    verdicts = {"harm shown": "loses accuracy beyond chance", "in doubt": "is in doubt: see the warning on its page"}
    return verdicts.get(row.verdict, "")


def _does(audit: AuditRecord, rows: list[CopyRow]) -> str:
    known = any(row.change is not None for row in rows)
    sentence = ["harms no class beyond chance"] if known else []
    if _has_budgets(audit, rows):
        sentence.append("breaks no budget")
    return listed(sentence)


def in_short(audit: AuditRecord) -> str:
    """The same in one sentence."""
    groups = _by_method(audit)
    if len(groups) < 2:
        return " ".join(what_if(audit))
    does = _does(audit, list(audit.what_if))
    if not does:
        return ""
    far = [good[-1] for good in (_good(rows) for rows in groups) if good]
    if not far:
        return "No copy can be recommended: each harms something beyond chance" + (
            " or breaks a budget." if any(_has_budgets(audit, rows) for rows in groups) else "."
        )
    decimals = digits(*(row.change for row in far))
    named = [
        name(row.name)
        + (
            ""
            if row.change is None
            else f" ({number(row.change, decimals, signed=True)} points, {count(row.correct_to_wrong)} lost)"
        )
        for row in far
    ]
    return f"The furthest copy of each method that {does}: {listed(named)}."


def _furthest(audit: AuditRecord, rows: list[CopyRow]) -> str:
    does, good = _does(audit, rows), _good(rows)
    if not does:
        return ""
    first = name(rows[0].name)
    if not good:
        if len(rows) == 1:
            return f"{first} {_what_it_breaks(rows[0])}."
        return f"No {name(rows[0].method)} copy can be recommended: {first} already {_what_it_breaks(rows[0])}."
    far, after = good[-1], rows[len(good) :]
    sentence = (
        f"{name(far.name)} {does}"
        if len(rows) == 1
        else (f"{name(far.name)} is the furthest {name(far.method)} copy that {does}")
    )
    unsure = [row.budget for row in audit.budgets if row.of == far.name and row.verdict == "undecided"]
    if unsure:
        sentence += f" ({listed([name(budget) for budget in unsure])} undecided)"
    sentence += f": {_price(far)}."
    if after:
        sentence += f" {name(after[0].name)} {_what_it_breaks(after[0])}."
    return " ".join([sentence, *_hidden(far)])


def _price(row: CopyRow) -> str:
    sentences = []
    if row.change is not None:
        change = with_interval(row.change, row.change_low, row.change_high, "points", signed=True)
        sentences.append(f"{change} of accuracy")
    if row.correct_to_wrong is not None:
        sentences.append(f"{counted(row.correct_to_wrong, 'example')} lost, {count(row.wrong_to_correct)} won back")
    return "; ".join([*sentences, *size(row, " instead of {}")]) or f"{count(row.changed)} labels changed"


def size(row: CopyRow, instead: str = "") -> list[str]:
    """How large it is, where it is smaller than before: as it is saved or, if zeros take as much room there, zipped.

    Args:
        row: a copy.
        instead: follows the size; ``{}`` stands for the size before.
    """
    for how, before, after in (
        ("", row.bytes_before, row.bytes_after),
        (" zipped", row.zipped_before, row.zipped_after),
    ):
        if before and after is not None and after < 0.99 * before:
            return [f"{_kilobytes(after)}{instead.format(_kilobytes(before))}{how}"]
    return []


def _kilobytes(size: float) -> str:
    return f"{size / 1e6:,.1f}{SPACE}MB" if size >= 1e6 else f"{size / 1e3:,.0f}{SPACE}kB"


def _hidden(row: CopyRow) -> list[str]:
    """What "harms no class" cannot exclude with so many examples."""
    if row.class_bound is None or row.smallest_class is None:
        return []
    sentence = (
        f"With {counted(row.smallest_class, 'example')} in its smallest class a class may have lost "
        f"{number(max(0.0, -row.class_bound))} points all the same (one-sided 95{SPACE}%)"
    )
    near = len(row.near_limit)
    if near:
        sentence += f"; a loss of {number(row.class_limit, 0)} points is not excluded in {near:,} of "
        sentence += counted(row.n_classes, "class")
    return [f"{sentence}."]
