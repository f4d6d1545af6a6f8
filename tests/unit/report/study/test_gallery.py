"""The gallery says what happened to each example."""

from __future__ import annotations

from made_results import CASES
from piescope.report.study.gallery import walls


def test_the_gallery_says_what_happened_to_each_example() -> None:
    results = CASES["everything"]
    for wall in walls(results):
        for tile in wall.tiles:
            dense, pruned = tile.dense.rsplit(" (", 1)[0], tile.pruned.rsplit(" (", 1)[0]
            expected = "lost" if dense == tile.label else "rescued" if pruned == tile.label else "moved"
            assert tile.kind == expected
            assert dense != pruned
