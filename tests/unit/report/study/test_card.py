"""The card of a study says what its first screen says."""

from __future__ import annotations

from pathlib import Path

from piescope.report.layout.card import draw_card
from piescope.report.layout.curves import Curve
from piescope.report.study.answer import answer
from piescope.report.study.card import study_card
from piescope.report.study.forgotten import forgotten
from piescope.report.study.results import load_results
from piescope.report.study.signal import Signal


def test_the_card_is_the_first_screen(stored_run: Path) -> None:
    results = load_results(stored_run)
    assert results is not None
    signal, card = Signal(results), study_card(results)
    screen, rows = answer(results, signal), forgotten(signal)
    assert (card.verdict, card.sentence, card.title) == (screen.verdict, screen.sentence, results.study.title)
    assert isinstance(card.drawing, Curve)
    marks = [mark for method in card.drawing.methods for mark in method.marks]
    assert sorted(mark.y for mark in marks) == sorted(row.shown for row in rows)
    assert sum(mark.is_pale for mark in marks) == sum(row.is_clear is False for row in rows)
    assert draw_card(card)[:8] == b"\x89PNG\r\n\x1a\n"
