"""A budget in words: its name, what was observed, its limit; and all of them in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from piescope.store.audit_record import BudgetRow
from piescope.wording import MINUS, NOTHING, SPACE, count, counted, digits, listed, name, number, printable

BUDGETS = {
    "max_flips": "right before, wrong after",
    "max_class_drop": "recall that any class loses",
    "max_changed": "labels that changed",
    "equivalent_within": "change of accuracy, either way",
    "max_group_drop": "accuracy that any group loses",
}
"""What each budget is about."""


def budget_name(row: BudgetRow) -> str:
    """``max_flips`` with the copy that it is about, if any."""
    of = f" ({name(row.of)})" if row.of else ""
    return f"{name(row.budget)}{of}"


def budgets(rows: Sequence[BudgetRow]) -> str:
    """How many budgets are kept, broken, undecided; broken ones by name."""
    if not rows:
        return ""
    by = {verdict: [row for row in rows if row.verdict == verdict] for verdict in ("broken", "undecided", "kept")}
    if len(by["kept"]) == len(rows):
        if len(rows) <= 2:
            return "The one budget is kept." if len(rows) == 1 else "Both budgets are kept."
        return f"All {len(rows)} budgets are kept."
    if len(rows) == 1:
        return f"The one budget is {rows[0].verdict}: {budget_name(rows[0])}."
    for verdict in ("broken", "undecided"):
        if len(by[verdict]) == 2 == len(rows):
            return f"Both budgets are {verdict}: {listed([budget_name(row) for row in rows])}."
    text = []
    for verdict in ("broken", "undecided"):
        if by[verdict]:
            names = listed([budget_name(row) for row in by[verdict]], 4)
            text.append(f"{len(by[verdict])} {_is(by[verdict])} {verdict}: {names}")
    if by["kept"]:
        text.append(f"{len(by['kept'])} {_is(by['kept'])} kept")
    return f"Of {counted(len(rows), 'budget')}, {'; '.join(text)}."


def _is(rows: Sequence[BudgetRow]) -> str:
    return "is" if len(rows) == 1 else "are"


def observed(row: BudgetRow) -> str:
    r"""A budget's observed value and the one-sided 95 % bound that it is judged by; both bounds, if it has two sides.

    Example:
        >>> row = BudgetRow(
        ...     budget="max_flips", limit="3%", observed=2.1, low=1.9, high=2.4, unit="%", verdict="kept"
        ... )
        >>> observed(row), observed(row.model_copy(update={"observed": 210, "unit": "examples"}))
        ('2.1\xa0% (up to 2.4)', '210')
    """
    value, low, high = row.observed, row.low, row.high
    if value is None:
        return NOTHING
    if row.unit == "examples":
        return count(value)
    signed = row.unit == "points"
    decimals = digits(value, low, high)
    text = number(value, decimals, signed) + SPACE + row.unit
    if low is None or high is None:
        return text
    first, last = number(low, decimals, signed), number(high, decimals, signed)
    if row.budget == "equivalent_within":
        return f"{text} ({first} to {last})"
    return f"{text} (down to {first})" if signed else f"{text} (up to {last})"


def limit(row: BudgetRow) -> str:
    r"""A budget's limit with its unit.

    Example:
        >>> row = BudgetRow(budget="max_class_drop", limit=3, unit="points", verdict="kept")
        >>> limit(row), limit(row.model_copy(update={"budget": "max_flips", "limit": "2%", "unit": "%"}))
        ('−3\xa0points', '2\xa0%')
    """
    text = printable(row.limit)
    value, unit = text.removesuffix("%").strip(), row.unit if not text.endswith("%") else "%"
    try:
        value = f"{float(value):,g}"
    except ValueError:  # words already
        return text
    sign = {"equivalent_within": "±", "max_class_drop": MINUS, "max_group_drop": MINUS}.get(row.budget, "")
    return ("" if value == "0" else sign) + value + ("" if unit == "examples" else SPACE + unit)
