"""How many workers there can be, and what `run` says of the number that it took."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from made_executors import three_models
from piescope.cli import tuning
from piescope.cli.terminal import Device, cores
from piescope.cli.tuning import Tune, counts_of_workers, tuned_for, workers_for
from piescope.study import measuring
from piescope.study.calibrations import Pace, Setting
from piescope.study.measuring import MeasuringError
from piescope.study.parse import load_study

PLAN = three_models()


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIESCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def four_threads_of_two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_CPUS_ON_NODE", raising=False)
    monkeypatch.setattr(tuning.os, "sched_getaffinity", lambda process: {0, 1, 2, 3})
    monkeypatch.setattr(tuning, "one_thread_a_core", lambda numbers: [0, 1])


class MadeCrew:
    """Measures in no time; four at once take three times as long each as two."""

    def __init__(self, device: str, gpus: object = ()) -> None:
        assert device == "cpu"

    def __enter__(self) -> Callable[[Setting], Pace]:
        return lambda setting: Pace(seconds=3.0 if setting.workers == 4 else 1.0)

    def __exit__(self, *_: object) -> None: ...


class BrokenCrew(MadeCrew):
    def __enter__(self) -> Callable[[Setting], Pace]:
        def broken(setting: Setting) -> Pace:
            raise MeasuringError("a worker that measured ended with code -9")

        return broken


@pytest.mark.usefixtures("four_threads_of_two_cores")
def test_one_a_core_is_a_choice_where_cores_have_several_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert counts_of_workers("cpu", 0) == [4, 2]
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "3")  # which of them are a job's own is not told
    assert counts_of_workers("cpu", 0) == [3]
    assert counts_of_workers("cuda", 5) == [5]


@pytest.mark.usefixtures("four_threads_of_two_cores")
def test_a_run_says_which_number_it_took_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "Crew", MadeCrew)
    console = Console(file=io.StringIO(), width=200)
    assert workers_for(console, load_study("cifar10-small"), Tune.auto) == 2
    assert workers_for(console, load_study("cifar10-small"), Tune.off) == 4
    assert console.file.getvalue() == "2 workers: 2 train 1.50 times as much as 4 (measured now)\n"  # type: ignore[attr-defined]


@pytest.mark.usefixtures("four_threads_of_two_cores")
def test_for_a_short_study_nothing_is_measured_and_what_is_kept_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "Crew", MadeCrew)
    console = Console(file=io.StringIO(), width=200)
    assert workers_for(console, PLAN.study, Tune.auto) == 4
    assert not console.file.getvalue()  # type: ignore[attr-defined]
    assert tuned_for(PLAN, Tune.auto, Device.cpu, None).workers == 2
    assert workers_for(console, PLAN.study, Tune.auto) == 2
    assert "(kept of " in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_number_that_is_given_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "Crew", MadeCrew)
    for tune in Tune:
        assert tuned_for(PLAN, tune, Device.cpu, 7).workers == 7


def test_where_nothing_can_be_measured_the_usual_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "Crew", BrokenCrew)
    chosen = tuned_for(PLAN, Tune.auto, Device.cpu, None)
    assert chosen.workers == cores()
    assert chosen.whence == "roughly: a worker that measured ended with code -9"
