"""The card of a study: its first screen as one picture."""

from __future__ import annotations

from piescope.report.layout.card import Card
from piescope.report.study.answer import answer
from piescope.report.study.drawings import curve
from piescope.report.study.forgotten import forgotten
from piescope.report.study.results import Results
from piescope.report.study.signal import Signal


def study_card(results: Results) -> Card:
    """The finding, the curve and the wall of the first screen."""
    signal = Signal(results)
    return Card.of(results.study.title, answer(results, signal), curve(forgotten(signal)))
