"""What the system tells of a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from piescope import machine


def test_of_hardware_threads_that_share_a_core_the_first_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "CORES", tmp_path)
    for number in range(4):
        topology = tmp_path / f"cpu{number}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{number % 2},{number % 2 + 2}\n")
    assert machine.one_thread_a_core([3, 2, 1, 0]) == [0, 1]
    assert machine.one_thread_a_core([0, 3]) == [0, 3]  # of two cores one thread each
    assert machine.one_thread_a_core([1, 3, 4]) == [1, 4]  # of the last one nothing is told


def test_the_day_is_that_of_the_build_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    assert machine.today() == "2026-09-21"
