"""The gallery says what happened to each example."""

from __future__ import annotations

import numpy as np

from made_results import CASES
from piescope.report.study.gallery import PieTiles, in_order
from piescope.report.study.words import HAPPENED


def test_a_tile_says_what_happened_to_its_example() -> None:
    results = CASES["everything"]
    for arm in results.pruned():
        pies = in_order(arm)
        for index, tile in zip(pies.tolist(), PieTiles(results).of(arm, pies), strict=True):
            dense, pruned = (line.split(" ", 1)[1].rsplit(" (", 1)[0] for line in tile.lines)
            expected = "lost" if dense == tile.title else "won back" if pruned == tile.title else "moved"
            assert arm.kinds[index] == expected and dense != pruned
            assert (tile.tags[0].text, tile.tags[0].tone) == (expected, HAPPENED[expected])
            assert tile.id == results.data.ids[index]
            assert tile.pictures[0].uri.startswith("data:image/png;base64,") and tile.pictures[0].is_small


def test_confirmed_ones_come_first_then_the_clearest_votes() -> None:
    for arm in CASES["everything"].pruned():
        pies = in_order(arm)
        assert sorted(pies.tolist()) == np.flatnonzero(arm.is_pie).tolist()
        keys = [
            (not arm.columns["is_confirmed"][at], -(arm.columns["dense_margin"][at] + arm.columns["pruned_margin"][at]))
            for at in pies
        ]
        assert keys == sorted(keys)
