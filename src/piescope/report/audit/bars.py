"""Classes or groups as bars, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

from piescope import wording
from piescope.report.audit import terms
from piescope.report.layout.blocks import Bar, Bars
from piescope.store.audit_answers import ClassChange, Confusion, GroupChange

FIRST = 15
"""Classes and groups shown unfolded; the rest is one click away."""

BRIEF = 10
"""Rows that short documents show."""


def bars(rows: Sequence[ClassChange | GroupChange], what: str, measure: str, level: str) -> Bars | None:
    """Diverging bars, worst first; None where there is nothing to draw.

    Args:
        rows: of ``classes`` or ``groups``.
        what: a row is.
        measure: recall or accuracy.
        level: of the intervals.
    """
    known = sorted((row for row in rows if row.impact is not None), key=lambda row: row.change)
    if not known:
        return None
    first = FIRST if len(known) > FIRST + 3 else len(known)
    unfold = f"{wording.counted(len(known) - first, f'more {what}')}"
    clear_gains = sum(row.is_clear and row.change > 0 for row in known[first:]) if len(known) - first < 200 else 0
    if clear_gains:
        unfold += f", {clear_gains} with a gain beyond chance"
    return Bars(what, measure, tuple(map(_bar, known)), level, first, unfold, brief=BRIEF)


def _bar(row: ClassChange | GroupChange) -> Bar:
    is_known = row.before is not None and row.after is not None
    flips = [] if row.examples is None else [f"of {wording.count(row.examples)}"]
    if row.correct_to_wrong is not None and row.wrong_to_correct is not None:
        flips.insert(0, f"{wording.count(row.correct_to_wrong)} lost, {wording.count(row.wrong_to_correct)} won back")
    return Bar(
        terms.row_name(row),
        row.impact,
        row.low,
        row.high,
        wording.with_interval(row.impact, row.low, row.high, signed=True),
        f"{wording.number(row.before)} → {wording.percent(row.after)}" if is_known else "",
        (", ".join(flips),),
        row.is_clear,
        chance(row),
    )


def chance(row: ClassChange | GroupChange | Confusion) -> str:
    """``q = 0.01``, and whether that is beyond chance; empty where it cannot be told."""
    if row.q_value is None:
        return ""
    return f"q {wording.equals(row.q_value)}" + ("" if row.is_clear else ", not beyond chance")
