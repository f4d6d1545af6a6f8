"""How long a run will still take, from the pace that it showed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from piescope.cli.progress import UMAP_EXAMPLE, UMAP_LOADED, Progress, work_of
from piescope.study.parse import load_study
from piescope.study.plan import Plan, Ref
from piescope.study.scheduling import Failed


@dataclass(frozen=True)
class OneStep:
    """As much of a plan's step as progress looks at."""

    key: str
    kind: str = "train"
    forward: int = 0
    forward_backward: int = 0

    @property
    def parents(self) -> dict[str, tuple[Ref, ...]]:
        return {}

    @property
    def ref(self) -> Ref:
        return Ref(self.kind, self.key)

    @property
    def label(self) -> str:
        return f"{self.kind} {self.key}"


def watched(*steps: Any, workers: int = 1) -> tuple[Progress, io.StringIO]:
    """Progress that has begun, and what it prints from then on."""
    printed = io.StringIO()
    progress = Progress(Console(file=printed, width=200), workers, "cpu", Path("out"))
    plan = Plan(load_study("digits"), steps[0], steps, ())
    progress.began(plan, list(steps), 3)
    assert printed.getvalue().splitlines() == [
        "digits: 0 models in 0 arms, in out",
        f"0 done, {len(steps)} to run ({workers} worker{'s' if workers > 1 else ''}, cpu)",
        "3 more finished steps there are of another version of this study: kept, not used",
    ]
    printed.truncate(printed.seek(0))
    return progress, printed


def finished(progress: Progress, step: Any, seconds: float) -> None:
    progress.started(step)
    progress.finished(step, seconds)


def test_nothing_is_foretold_before_a_training_has_ended() -> None:
    one, other, looked = (
        OneStep("a", forward_backward=100),
        OneStep("b", forward_backward=100),
        OneStep("c", "predict", 50),
    )
    progress, _ = watched(one, other, looked)
    finished(progress, looked, 5.0)
    assert progress.seconds_left() is None and "time left unknown yet" in progress.line()
    finished(progress, one, 30.0)
    assert progress.seconds_left() == pytest.approx(30.0) and "about 30 s left" in progress.line()
    finished(progress, other, 31.0)
    assert progress.seconds_left() == 0 and progress.line().startswith("3/3 steps, ")


def test_kinds_without_a_pace_go_at_that_of_the_network_and_workers_share_the_work() -> None:
    one, looked = OneStep("a", forward_backward=100), OneStep("b", "predict", forward=60)
    progress, _ = watched(one, looked, workers=2)
    finished(progress, one, 30.0)  # 300 forward passes
    assert (work_of(one), work_of(looked)) == (300, 60)
    assert progress.seconds_left() == pytest.approx(60 * 30 / 300 / 2)


def test_the_first_map_compiles_and_the_next_ones_do_not() -> None:
    one, maps = OneStep("a", forward_backward=100), [OneStep(key, "project", forward=1000) for key in "bc"]
    progress, _ = watched(one, *maps)
    finished(progress, one, 30.0)
    assert progress.summary().startswith("ran 1 step in ")
    assert progress.seconds_left() == pytest.approx(2 * 1000 * UMAP_EXAMPLE + UMAP_LOADED)
    finished(progress, maps[0], UMAP_LOADED + 7.0)
    assert progress.seconds_left() == pytest.approx(7.0)


def test_failures_are_told_and_counted() -> None:
    one = OneStep("a", forward_backward=1)
    progress, printed = watched(one)
    progress.failed(Failed(one, "no room"))  # type: ignore[arg-type]
    assert printed.getvalue() == "failed: train a: no room\n"
    assert progress.line().endswith("1 failed") and progress.summary().endswith(", 1 failed")
