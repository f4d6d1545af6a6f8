"""Classes or groups as bars, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from piescope import wording
from piescope.report.audit import charts, terms
from piescope.report.layout.svg import Scale, axis
from piescope.store.audit_answers import ClassChange, GroupChange

FIRST = 15
"""Classes and groups shown unfolded; the rest is one click away."""


@dataclass(frozen=True)
class BarRow:
    """A class or group that lost or gained.

    Attributes:
        name: its name.
        bar: the drawn bar.
        change: change of recall or accuracy with its interval.
        before_after: both numbers.
        flips: lost and won back.
        chance: of how many examples, and the q-value.
        is_clear: beyond chance.
    """

    name: str
    bar: Markup
    change: str
    before_after: str
    flips: str
    chance: str
    is_clear: bool


@dataclass(frozen=True)
class BarTable:
    """BarTable on one scale.

    Attributes:
        axis: its numbers.
        first: shown.
        rest: folded.
        unfold: what is folded.
    """

    axis: Markup
    first: list[BarRow]
    rest: list[BarRow]
    unfold: str


def bars(rows: Sequence[ClassChange | GroupChange], measure: str, one: str, many: str) -> BarTable | None:
    """Diverging bars, worst first; None where there is nothing to draw.

    Args:
        rows: of ``classes`` or ``groups``.
        measure: recall or accuracy.
        one: what a row is.
        many: what rows are.
    """
    known = sorted((row for row in rows if row.impact is not None), key=lambda row: row.change)
    if not known:
        return None
    scale = Scale.over([end for row in known for end in (row.impact, row.low, row.high)])
    drawn = [_bar(row, scale) for row in known]
    rest = drawn[FIRST:] if len(drawn) > FIRST + 3 else []
    first = drawn[: len(drawn) - len(rest)]
    unfold = f"{len(rest):,} more {one if len(rest) == 1 else many}"
    clear_gains = sum(row.is_clear and row.change > 0 for row in known[len(first) :]) if len(rest) < 200 else 0
    if clear_gains:
        unfold += f", {clear_gains} with a gain beyond chance"
    return BarTable(axis(scale, f"change of {measure}, points"), first, rest, unfold)


def _bar(row: ClassChange | GroupChange, scale: Scale) -> BarRow:
    is_known = row.before is not None and row.after is not None
    both = f"{wording.number(row.before)} → {wording.percent(row.after)}" if is_known else ""
    flips = ""
    if row.correct_to_wrong is not None and row.wrong_to_correct is not None:
        flips = f"{wording.count(row.correct_to_wrong)} lost, {wording.count(row.wrong_to_correct)} won back"
    chance = [] if row.examples is None else [f"of {wording.count(row.examples)}"]
    if row.q_value is not None:
        chance.append(f"q {wording.equals(row.q_value)}")
    change = wording.with_interval(row.impact, row.low, row.high, signed=True)
    return BarRow(
        terms.row_name(row), charts.impact_bar(row, scale), change, both, flips, ", ".join(chance), row.is_clear
    )
