"""Marks lie at their numbers, and lines are told apart without colour."""

from __future__ import annotations

import re

import numpy as np
import pytest

from made_results import CASES
from piescope.report.study.drawings import curve, map_of, pairs, styles
from piescope.report.study.forgotten import forgotten
from piescope.report.study.signal import Signal


def test_points_of_the_curve_lie_at_their_counts() -> None:
    rows = forgotten(Signal(CASES["everything"]))
    drawn = str(curve(rows))
    zero = float(
        re.findall(r'class="grid"', drawn) and re.search(r'y1="([\d.]+)" y2="\1" class="grid"', drawn).group(1)
    )  # type: ignore[union-attr]
    heights = {}
    for key, inside in re.findall(r'<g data-arm="([^"]+)">(.*?)</g>', drawn) or re.findall(r"<g>(.*?)</g>", drawn):
        for y, level in re.findall(r'cy="([\d.]+)"[^>]*data-level="([\d.]+)"', inside):
            heights[key, float(level)] = zero - float(y)
    assert len(heights) == len(rows)
    per_example = {heights["/".join(row.arm.key.family), row.arm.sparsity] / row.shown for row in rows if row.shown}
    assert max(per_example) == pytest.approx(min(per_example), rel=0.01)
    assert drawn.count('id="curve"') == 1
    pale = sum(row.is_clear is False for row in rows)
    assert len(re.findall(r"<circle[^>]*pale", drawn)) == pale


def test_no_two_names_beside_the_lines_touch() -> None:
    drawn = str(curve(forgotten(Signal(CASES["everything"]))))
    places = sorted(float(y) for y in re.findall(r'<text x="[\d.]+" y="([\d.]+)" class="direct', drawn))
    assert len(places) == 4 and min(np.diff(places)) >= 16.9 and places[-1] < 330


def test_arms_differ_in_hue_by_objective_and_in_dashes_by_pruning() -> None:
    families = [(objective, pruning) for objective in ("supervised", "supcon") for pruning in ("gmp", "delayed", "one")]
    made = styles(families)
    assert len(set(made.values())) == 6
    assert made["supervised", "gmp"].split()[0] != made["supcon", "gmp"].split()[0]
    assert made["supervised", "one"].split()[1] == made["supcon", "one"].split()[1]


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
