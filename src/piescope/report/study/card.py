"""The card of a study: its first screen as one picture."""

from __future__ import annotations

from collections.abc import Sequence

from piescope.report.layout.card import Card, Curve, Line
from piescope.report.study.answer import answer
from piescope.report.study.forgotten import Forgotten, forgotten, seeds_at
from piescope.report.study.results import Results
from piescope.report.study.signal import Signal
from piescope.report.study.words import family_name, hues_and_dashes
from piescope.wording import as_percent


def study_card(results: Results) -> Card:
    """The finding, the curve and the wall of the first screen."""
    signal = Signal(results)
    return Card.of(results.study.title, answer(results, signal), _curve(forgotten(signal)))


def _curve(rows: Sequence[Forgotten]) -> Curve | None:
    """What the page draws as its curve; None where nothing was pruned."""
    if not rows:
        return None
    levels = sorted({row.arm.sparsity for row in rows})
    lines = []
    for family, style in hues_and_dashes(list(dict.fromkeys(row.arm.key.family for row in rows))).items():
        own = {row.arm.sparsity: row for row in rows if row.arm.key.family == family}
        at = [own.get(level) for level in levels]
        values = tuple(None if row is None else row.shown for row in at)
        lines.append(
            Line(family_name(*family), values, tuple(row is not None and row.is_clear is False for row in at), *style)
        )
    known = any(row.seeds.low is not None for row in rows)
    title = "examples that change label, by weights removed" + ("; grey: by seeds alone" if known else "")
    seeds = tuple(seeds_at(rows, level) for level in levels) if known else ()
    return Curve(title, tuple(map(as_percent, levels)), tuple(lines), seeds)
