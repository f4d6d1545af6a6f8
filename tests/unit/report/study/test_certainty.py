"""What stands behind the evidence is closed, and all there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from made_results import CASES
from piescope.report.layout.blocks import Chart, Document, Drawer, Table, Words
from piescope.report.study import certainty

from .conftest import document_of


def drawers(name: str, document: Callable[[str], Document] = document_of) -> dict[str, Drawer]:
    (section,) = [one for one in document(name).sections if one.depth == "certainty"]
    assert all(isinstance(block, Drawer) for block in section.blocks)
    return {block.title: block for block in section.blocks if isinstance(block, Drawer)}


@pytest.mark.sampled(8, heavy=True)
def test_every_table_has_a_drawer_with_its_file() -> None:
    found = drawers("six models", partial(document_of, with_figures=True))
    tables = [block for drawer in found.values() for block in drawer.blocks if isinstance(block, Table)]
    assert len(tables) == 13 + 1  # departures
    assert sum(table.file.startswith("results/tables/") for table in tables) == 13
    for title in (
        "Signal or noise, in words",
        "What was run",
        "How to read each measure",
        "Limits",
        "Figures for a paper",
    ):
        assert title in found


@pytest.mark.sampled(8, heavy=True)
def test_drawers_of_what_there_is_not_are_not_there() -> None:
    found = drawers("only dense")
    assert "Signal or noise, in words" not in found and "PIEs beyond seed noise" not in found
    assert "Prediction depth" not in drawers("no depth, no maps")
    assert set(CASES) == {name for name in CASES if drawers(name)}


def test_figures_that_find_no_room_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _, *whole = drawers("six models", partial(document_of, with_figures=True))["Figures for a paper"].blocks
    sizes = sorted(len(block.drawing) for block in whole if isinstance(block, Chart))
    assert len(sizes) == len(whole)
    monkeypatch.setattr(certainty, "ROOM", sum(sizes[:3]))
    _, *kept = drawers("six models", partial(document_of.__wrapped__, with_figures=True))["Figures for a paper"].blocks
    assert sorted(len(block.drawing) for block in kept if isinstance(block, Chart)) == sizes[:3]
    named = [block.lines[0] for block in kept if isinstance(block, Words)]
    assert len(named) == len(whole) - 3
    assert all(line.startswith("Figure ") and "too large for this page" in line for line in named)
