"""Figures of one run are the same files, however often they are drawn."""

from __future__ import annotations

from made_results import CASES
from piescope.report.study.figures import draw_all


def test_figures_are_the_same_bytes_each_time() -> None:
    first, second = (draw_all(CASES["one objective, one sparsity, one model"]) for _ in range(2))
    assert [(figure.svg, figure.pdf) for figure in first] == [(figure.svg, figure.pdf) for figure in second]
