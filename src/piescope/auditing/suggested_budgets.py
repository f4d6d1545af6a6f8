"""Budgets from an audit: what it keeps now, as a file for the next one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import piescope
from piescope.auditing.budgets import Budgets, judge
from piescope.auditing.verdict import is_doubted
from piescope.problems import InputError
from piescope.store.audit_record import AuditRecord, BudgetRow
from piescope.wording import LONGEST_NAME, printable

SHARES = ("max_flips", "max_changed")

ANOTHER = math.sqrt(2)
"""How much more the difference of two audits of other examples varies than one of them."""


def suggested_budgets(audit: AuditRecord) -> str:
    """A TOML file of budgets that this audit keeps, and most likely another that is as good.

    A limit is the one-sided 95 % bound for another audit of as many other examples: √2 times as far from what was
    observed as this audit's own bound, rounded up. So the same audit passes, with ``--strict`` too; one that is as good
    breaks some limit in few builds, but may leave some undecided, as its own bounds lie beyond what it observes. Limits
    that say nothing (100 %, or a class without any example) are left out.

    Args:
        audit: what was found.

    Returns:
        the file's text, for `Budgets.from_file`: a table ``[budgets]``, a comment above each limit says where it comes
        from.

    Raises:
        InputError: so few examples that no limit is shown to be kept; or a warning puts all numbers in doubt.

    Example:
        >>> from piescope.store.audit_record import Verdict
        >>> audit = AuditRecord(n_examples=10_000, changed=240, verdict=Verdict(answer="safe"))
        >>> print(suggested_budgets(audit).split("[budgets]")[1].strip())
        # observed 2.4 %; up to 2.78 with as many other examples
        max_changed = "2.8%"
    """
    if is_doubted(audit.warnings):  # whatever the verdict: budgets that are broken are harm all the same
        error = InputError("budgets")
        found = "a warning: the numbers may be about something else than the compression"
        error.add("--suggest-budgets", found, "an audit whose numbers can be trusted", "see to the warning first")
        raise error
    names = [printable(side.name, LONGEST_NAME) for side in (audit.inputs.compressed, audit.inputs.dense)]
    lines = [
        f"# What {names[0]} keeps against {names[1]} on {audit.n_examples:,} examples:",
        "# what another audit of as many other examples keeps, if nothing is worse (one-sided 95 % each), rounded up.",
        f"# The audit's verdict: {audit.verdict.answer}. piescope {piescope.__version__}.",
        "",
        "[budgets]",
    ]
    limits = [_limit_lines(row, audit) for row in _judged(audit)]
    if not any(not line.startswith("#") for group in limits for line in group):
        error = InputError("budgets")
        found = f"{audit.n_examples:,} examples, which show no limit to be kept"
        error.add("--suggest-budgets", found, "an audit that excludes something", "audit more examples")
        raise error
    lines += [line for group in limits for line in group]
    return "\n".join(lines) + "\n"


def _judged(audit: AuditRecord) -> Sequence[BudgetRow]:
    """Each budget at a limit that leaves its bounds to be read."""
    widest: dict[str, int | float | str] = {"max_changed": "100%"}
    if audit.flips is not None:
        widest |= {"max_flips": "100%", "equivalent_within": 100}
    if audit.classes:
        widest["max_class_drop"] = 100
    if audit.groups:
        widest["max_group_drop"] = 100
    order = [name for name in Budgets.model_fields if name in widest]
    return judge(audit, Budgets.of({name: widest[name] for name in order}))


def _limit_lines(row: BudgetRow, audit: AuditRecord) -> list[str]:
    name, observed, low, high = row.budget, row.observed, row.low, row.high
    if row.verdict != "kept" or observed is None or low is None or high is None:
        return [f"# {name}: no limit can be shown to be kept here"]
    low, high = (observed + ANOTHER * (end - observed) for end in (low, high))
    farthest = high if name in SHARES else max(-low, high) if name == "equivalent_within" else -low
    limit = _rounded_up(max(0.0, farthest))
    if limit >= 100:
        return [f"# {name}: no limit below 100 can be shown to be kept here"]
    unit = "%" if name in SHARES else "points"
    return [
        f"# observed {observed:.2g} {unit}; {_reach(name, low, high)} with as many other examples",
        f'{name} = "{limit:g}%"' if name in SHARES else f"{name} = {limit:g}",
    ]


def _reach(name: str, low: float, high: float) -> str:
    if name in SHARES:
        return f"up to {high:.3g}"
    return f"{low:.3g} to {high:.3g}" if name == "equivalent_within" else f"down to {low:.3g} in any"


def _rounded_up(value: float) -> float:
    """To two significant digits, never down; 0.01 at least, so that a limit is none of 0.

    Example:
        >>> [_rounded_up(each) for each in (0.0, 0.333, 2.0, 2.67, 12.31)]
        [0.01, 0.34, 2.0, 2.7, 13.0]
    """
    value = max(value, 0.01)
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return round(math.ceil(value / step - 1e-9) * step, 10)
