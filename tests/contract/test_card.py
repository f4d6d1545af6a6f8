"""What measures a GPU runs, with nothing measured, on a processor: it is not used for the first time on a lent card."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def card() -> ModuleType:
    spec = importlib.util.spec_from_file_location("card", Path(__file__).parents[2] / "benchmarks" / "card.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules["card"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    card: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object) -> float:
        raise RuntimeError("no such\nkernel")

    for name in ("products", "plain", "own", "bare", "many", "neighbours"):
        monkeypatch.setattr(card, name, cannot)
    told = list(card.rows(card.tiny("cpu")))
    failed = [row for row in told if math.isnan(row.rate)]
    assert len(failed) == len(told) - 1 and {row.note for row in failed} == {"RuntimeError: no such kernel"}
    assert next(row.rate for row in told if row.what == "copy in memory") > 0
