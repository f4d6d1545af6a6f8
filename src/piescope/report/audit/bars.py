"""Classes or groups as bars, the worst first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from piescope import wording
from piescope.report.audit import charts, terms
from piescope.report.audit.terms import Row

FIRST = 15
"""Classes and groups shown unfolded; the rest is one click away."""


@dataclass(frozen=True)
class Bar:
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
class Bars:
    """Bars on one scale.

    Attributes:
        axis: its numbers.
        first: shown.
        rest: folded.
        unfold: what is folded.
    """

    axis: Markup
    first: list[Bar]
    rest: list[Bar]
    unfold: str


def bars(rows: Sequence[Row], label: Callable[[Row], str], measure: str, one: str, many: str) -> Bars | None:
    """Diverging bars, worst first; None where there is nothing to draw.

    Args:
        rows: of ``classes`` or ``groups``.
        label: the name of a row.
        measure: recall or accuracy.
        one: what a row is.
        many: what rows are.
    """
    known = sorted((row for row in rows if row["impact"] is not None), key=lambda row: row["impact"])
    if not known:
        return None
    scale = charts.Scale.over([row[key] for row in known for key in ("impact", "low", "high")])
    drawn = []
    for row in known:
        is_clear = row["q_value"] is not None and row["q_value"] <= terms.CLEAR
        before, after = row[f"dense_{measure}"], row[f"compressed_{measure}"]
        both = "" if before is None or after is None else f"{wording.number(before)} → {wording.percent(after)}"
        flips = ""
        if row["correct_to_wrong"] is not None and row["wrong_to_correct"] is not None:
            flips = f"{wording.count(row['correct_to_wrong'])} lost, {wording.count(row['wrong_to_correct'])} won back"
        chance = [] if row["examples"] is None else [f"of {wording.count(row['examples'])}"]
        if row["q_value"] is not None:
            chance.append(f"q {wording.equals(row['q_value'])}")
        drawn.append(
            Bar(
                label(row),
                charts.impact_bar(row, scale, is_clear),
                wording.with_interval(row["impact"], row["low"], row["high"], signed=True),
                both,
                flips,
                ", ".join(chance),
                is_clear,
            )
        )
    rest = drawn[FIRST:] if len(drawn) > FIRST + 3 else []
    first = drawn[: len(drawn) - len(rest)]
    unfold = f"{len(rest):,} more {one if len(rest) == 1 else many}"
    clear_gains = (
        sum(bar.is_clear and row["impact"] > 0 for bar, row in zip(drawn, known, strict=True) if bar in rest)
        if len(rest) < 200
        else 0
    )
    if clear_gains:
        unfold += f", {clear_gains} with a gain beyond chance"
    return Bars(charts.axis(scale, f"change of {measure}, points"), first, rest, unfold)
