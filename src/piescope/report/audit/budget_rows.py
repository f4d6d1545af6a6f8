"""A budget in words: its name, what was observed, its limit; and all of them in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from piescope.report.audit.terms import Audit, Row
from piescope.wording import MINUS, NOTHING, SPACE, count, counted, digits, listed, name, number, printable

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
