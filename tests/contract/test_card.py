"""What measures a GPU runs, with nothing measured, on a processor: it is not used for the first time on a lent card."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture
def card(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark("card")


@pytest.mark.sampled(8, heavy=True)
def test_every_kind_of_row_has_a_rate(card: ModuleType) -> None:
    scale = card.tiny("cpu")
    assert [way.means("cuda").captured for way in card.WAYS] == ["captured" in way.name for way in card.WAYS]
    rates = {
        "one view": card.own(scale, "supervised", card.WAYS[0]),
        "two views": card.own(scale, "supcon", card.FASTEST),
        "plain": card.plain(scale, "supcon"),
        "neighbours": card.neighbours(scale),
        "copies": card.copies(scale),
    }
    assert all(math.isfinite(rate) and rate > 0 for rate in rates.values()), rates


@pytest.mark.sampled(8, heavy=True)
def test_no_step_waits(card: ModuleType) -> None:
    assert card.unwaited(card.tiny("cpu"), "supervised", card.WAYS[1]) == 40


@pytest.mark.sampled(8, heavy=True)
@pytest.mark.parametrize(("one", "other", "differ"), [(2, 1, False), (0, 1, True)])
def test_how_far_ways_are_apart(card: ModuleType, one: int, other: int, differ: bool) -> None:
    found = card.apart(card.tiny("cpu"), "supcon", card.WAYS[one], card.WAYS[other])
    assert found >= 0 and (found > 0) == differ


def test_what_a_card_cannot_do_is_told_and_the_next_one_tried(
    card: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cannot(*_: object) -> float:
        raise RuntimeError("no such\nkernel")

    for name in ("products", "plain", "own", "unwaited", "apart", "many", "neighbours"):
        monkeypatch.setattr(card, name, cannot)
    parts = [part for name, (part, _) in card.PARTS.items() if name != "study"]
    (row,) = [row for part in parts for row in part(card.tiny("cpu"), 0.0)]
    assert row.what == "copy in memory" and row.median > 0
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2 + 6 + 2 * (1 + len(card.WAYS)) + 3 + 1 + 4
    assert all(line.endswith(": RuntimeError: no such kernel") for line in told)


@pytest.mark.sampled(8, heavy=True)
def test_a_part_that_ends_or_takes_too_long_has_the_rows_that_came(
    card: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    scale, soon = card.tiny("cpu"), time.monotonic() + 600
    assert len(list(card.of_part("limits", scale, soon))) == 3
    assert list(card.of_part("no such part", scale, soon)) == []
    assert list(card.of_part("limits", scale, 0.0)) == []
    told = capfd.readouterr().err.splitlines()
    assert told[-2:] == ["no such part: ended with code 1", "limits: its time is up"]


@pytest.mark.sampled(3)
def test_a_study_is_run_as_far_as_the_time_goes(card: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIESCOPE_DATA", "PIESCOPE_CACHE"):
        monkeypatch.setenv(name, "")
    whole = {row.what: row.values for row in card.of_study(card.tiny("cpu"), time.monotonic() + 600)}
    assert whole["study, finished of 25 steps"] == (25.0,) and len(whole["study, a step of train"]) == 6
    cut = {row.what: row.values for row in card.of_study(card.tiny("cpu"), 0.0)}
    assert cut["study, finished of 25 steps"] < (25.0,)
    from piescope.study.parse import parse_study

    assert parse_study(card.MADE).data.facts.train_examples == 50_000


def test_the_best_of_each_training_is_held_against_its_goal(card: ModuleType) -> None:
    rates = {
        "supervised, plain loop": 5e3,
        "supervised, queued": 4e4,
        "supervised, 8 at once": 1.2e5,
        "supcon, queued": 1.0,
    }
    assert [(row.what, row.median, row.at_least) for row in card.goals(rates)] == [
        ("supervised, best", 1.2e5, 1e5),
        ("supervised, best beside the plain loop", 24.0, 10.0),
        ("supcon, best", 1.0, 1.5e5),
    ]
