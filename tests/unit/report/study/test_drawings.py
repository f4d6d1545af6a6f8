"""Marks are those of the numbers."""

from __future__ import annotations

import re

from made_results import CASES
from piescope.report.study.drawings import curve, map_of, pairs
from piescope.report.study.forgotten import forgotten, seeds_at
from piescope.report.study.signal import Signal
from piescope.wording import as_percent


def test_points_of_the_curve_are_the_counts_of_the_arms() -> None:
    rows = forgotten(Signal(CASES["everything"]))
    drawn = curve(rows)
    assert drawn is not None and drawn.are_counts
    marks = {(method.key, mark.level): mark for method in drawn.methods for mark in method.marks}
    assert len(marks) == len(rows) and [place for place, _ in drawn.levels] == list(range(len(drawn.levels)))
    for row in rows:
        mark = marks["/".join(row.arm.key.family), f"{row.arm.sparsity:g}"]
        assert mark.y == row.shown and mark.is_pale == (row.is_clear is False)
        assert drawn.levels[int(mark.x)][1] == as_percent(row.arm.sparsity)
    assert drawn.seeds == tuple(seeds_at(rows, level) for level in sorted({row.arm.sparsity for row in rows}))
    assert curve([]) is None


def test_every_changed_example_is_on_the_map_and_on_the_pairs() -> None:
    results = CASES["everything"]
    arm = results.pruned()[0]
    dense = results.find(arm.objective, "dense", 0.0)
    assert dense is not None
    for drawing in (pairs(arm, "q", "Q-Score"), map_of(dense, arm, results), map_of(arm, arm, results)):
        kinds = re.findall(r'<circle[^>]*class="(\w+)"', str(drawing))
        assert len(kinds) == len(results.labels)
        assert sum(kind != "same" for kind in kinds) == int(arm.is_pie.sum())
    assert pairs(CASES["no depth, no maps"].pruned()[0], "depth", "depth") is None
    assert map_of(CASES["no depth, no maps"].arms[0], CASES["no depth, no maps"].pruned()[0], results) is None
