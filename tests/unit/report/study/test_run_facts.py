"""What was run is told."""

from __future__ import annotations

from made_results import CASES
from piescope.report.study.run_facts import departures, facts


def test_every_processor_and_library_of_the_results_is_told() -> None:
    told = [value for name, value in facts(CASES["everything"]) if name == "Made on"]
    assert told == [
        # of an older run
        "a processor that was not recorded (AVX2), device cpu, 1 thread a worker, pack size 1; torch 2",
        "Xeon <of made results> (AVX512), device cpu, 1 thread a worker, pack size 1; torch 2, numpy 2.4.0, umap-learn 0.5.9",
    ]


def test_departures_from_the_paper_have_both_values() -> None:
    table = departures(CASES["everything"])
    assert table is not None
    assert table.rows == (
        ("T1", "training.supervised.epochs", "205 (text)", "1"),
        ("T1", "training.supervised.schedule.per", "not set", "step"),
    )
