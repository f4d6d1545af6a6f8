"""What verdict follows from parts."""

from __future__ import annotations

from piescope.measure.intervals import t_interval
from piescope.report.study.claim_parts import CONTRADICTED, SUPPORTED, UNDECIDED, Part, verdict_of


def part(value: float, error: float, models: int = 6) -> Part:
    return Part("made", "made", "above", t_interval(value, error**2, models - 1))


def test_all_parts_must_support_and_one_clear_part_contradicts() -> None:
    strong, weak, against, slightly = part(5, 1), part(1, 1), part(-9, 1), part(-2.8, 1)
    assert verdict_of([strong, strong]) == SUPPORTED
    assert verdict_of([strong, weak]) == UNDECIDED
    assert verdict_of([strong, against]) == CONTRADICTED
    assert verdict_of([]) == UNDECIDED
    assert verdict_of([slightly]) == CONTRADICTED
    assert verdict_of([slightly] + [weak] * 19) == UNDECIDED  # one of twenty is expected by chance: corrected
