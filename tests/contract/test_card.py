"""What measures a GPU runs, with nothing measured, on a processor: it is not used for the first time on a lent card."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture
def card(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark("card")


@pytest.mark.sampled(3)
def test_every_kind_of_row_has_a_rate(card: ModuleType) -> None:
    scale = card.tiny("cpu")
    rates = {
        "one view": card.own(scale, "supervised", "float32"),
        "two views": card.own(scale, "supcon", "bfloat16"),
        "plain": card.plain(scale, "supcon"),
        "bare": card.bare(scale, 16, "float32", "eager"),
        "neighbours": card.neighbours(scale),
        "copies": card.copies(scale),
    }
    assert all(math.isfinite(rate) and rate > 0 for rate in rates.values()), rates


def test_what_a_card_cannot_do_is_told_and_the_next_one_tried(
    card: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cannot(*_: object) -> float:
        raise RuntimeError("no such\nkernel")

    for name in ("products", "plain", "own", "bare", "many", "neighbours"):
        monkeypatch.setattr(card, name, cannot)
    (row,) = card.measured(card.tiny("cpu"))
    assert row.what == "copy in memory" and row.median > 0
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2 + 2 * 5 + 3 + 1 and all(line.endswith(": RuntimeError: no such kernel") for line in told)
