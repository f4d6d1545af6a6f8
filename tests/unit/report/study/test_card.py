"""The card of a study says what its first screen says."""

from __future__ import annotations

from pathlib import Path

from piescope.report.layout.card import Curve, draw_card
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
    drawn = {
        (line.name, level): value
        for line in card.drawing.lines
        for level, value in zip(card.drawing.levels, line.values, strict=True)
    }
    assert sorted(value for value in drawn.values() if value is not None) == sorted(row.shown for row in rows)
    pale = sum(sum(line.is_pale) for line in card.drawing.lines)
    assert pale == sum(row.is_clear is False for row in rows)
    assert draw_card(card)[:8] == b"\x89PNG\r\n\x1a\n"
