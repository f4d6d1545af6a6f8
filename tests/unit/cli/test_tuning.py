"""How many workers there can be, and what `run` says of the number that it took."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from rich.console import Console

from made_executors import three_models
from piescope.cli import tuning
from piescope.cli.terminal import BAD_ENVIRONMENT, Device, cores
from piescope.cli.tuning import Tune, arithmetic_for, counts_of_workers, tuned_for, workers_for
from piescope.machine import today
from piescope.store import layout
from piescope.store.arithmetic import Arithmetic, ArithmeticRecord
from piescope.study import measuring
from piescope.study.calibrations import Machine, Pace, Setting
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
        formats = {"channels_last": 1.0, "default": 0.5}
        workers = {4: 3.0}
        return lambda setting: Pace(
            seconds=workers.get(setting.workers, 1.0) * formats[setting.arithmetic.memory_format]
        )

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
    assert counts_of_workers("cuda", 1) == [1, 2]
    monkeypatch.setattr(tuning, "cores", lambda: 20)
    assert counts_of_workers("cuda", 1) == [1, 2, 4, 8, 16]
    assert counts_of_workers("cuda", 3) == [3, 6, 12]


@pytest.mark.usefixtures("four_threads_of_two_cores")
def test_a_run_says_which_number_it_took_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "Crew", MadeCrew)
    console = Console(file=io.StringIO(), width=200)
    assert workers_for(console, load_study("cifar10-small"), Tune.auto, "cpu", []) == 2
    assert workers_for(console, load_study("cifar10-small"), Tune.off, "cpu", []) == 4
    assert console.file.getvalue() == "2 workers: 2 train 1.50 times as much as 4 (measured now)\n"  # type: ignore[attr-defined]


@pytest.mark.usefixtures("four_threads_of_two_cores")
def test_for_a_short_study_nothing_is_measured_and_what_is_kept_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "Crew", MadeCrew)
    console = Console(file=io.StringIO(), width=200)
    assert workers_for(console, PLAN.study, Tune.auto, "cpu", []) == 4
    assert not console.file.getvalue()  # type: ignore[attr-defined]
    assert tuned_for(PLAN, Tune.auto, Device.cpu, None, None).workers == 2
    assert workers_for(console, PLAN.study, Tune.auto, "cpu", []) == 2
    assert "(kept of " in console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.usefixtures("four_threads_of_two_cores")
def test_how_many_share_a_card_is_measured_for_long_studies_and_fits_its_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class OfACard(MadeCrew):
        """Four train twice as much as two, and two twice as much as one."""

        def __init__(self, device: str, gpus: object = ()) -> None:
            assert (device, gpus) == ("cuda", ["0"])

        def __enter__(self) -> Callable[[Setting], Pace]:
            return lambda setting: Pace(seconds=1.0, card_bytes=10 * 2**30)

    card = Machine(device="cuda", name="a card", cores=4, torch="2.13.0")
    monkeypatch.setattr(measuring, "Crew", OfACard)
    monkeypatch.setattr("piescope.study.tuning.machine_here", lambda device, cores: card)
    console = Console(file=io.StringIO(), width=200)
    for gigabytes, expected in ((80, 4), (24, 2), (8, 1)):
        monkeypatch.setattr(tuning, "memory_of_cards", lambda device, size=gigabytes: [size * 2**30])
        assert workers_for(console, load_study("corti2022-paper"), Tune.auto, "cuda", ["0"]) == expected
        assert workers_for(console, load_study("corti2022-paper"), Tune.off, "cuda", ["0"]) == 1
    assert console.file.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "4 workers: 4 train 4.00 times as much as 1 (measured now)",
        f"2 workers: 2 train 2.00 times as much as 1; 4 would need 10.7 GB each, more than a card has (kept of {today()})",
        f"1 worker: no other number is possible; 2 would need 10.7 GB each, more than a card has (kept of {today()})",
    ]
    short = Console(file=io.StringIO(), width=200)
    assert workers_for(short, load_study("digits"), Tune.auto, "cuda", ["0"]) == 1
    assert not short.file.getvalue()  # type: ignore[attr-defined]


def test_a_number_that_is_given_is_kept_but_for_those_that_would_have_nothing_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measuring, "Crew", MadeCrew)
    for tune in Tune:
        assert tuned_for(PLAN, tune, Device.cpu, 7, None).workers == 7
        assert tuned_for(PLAN, tune, Device.cpu, 1_000, None).workers == len(PLAN.steps)
    assert tuned_for(replace(PLAN, steps=()), Tune.off, Device.cpu, 7, None).workers == 1


def test_where_nothing_can_be_measured_the_usual_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "Crew", BrokenCrew)
    chosen = tuned_for(PLAN, Tune.auto, Device.cpu, None, None)
    assert chosen.workers == cores()
    assert chosen.whence == "roughly: a worker that measured ended with code -9"


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")


@pytest.mark.usefixtures("no_compiler")
def test_a_run_that_is_tuned_says_once_what_it_chose_and_that_nothing_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "Crew", MadeCrew)
    console = Console(file=io.StringIO(), width=300)
    record = arithmetic_for(console, PLAN.study, tmp_path, False, Tune.full, "cpu", 2)
    assert record is not None and record.arithmetic == Arithmetic(memory_format="default")
    (line,) = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert line.startswith("networks compute in default memory format: 2.00 times as fast as channels_last; nothing is")
    assert line.endswith("(measured now)")
    for tune in (Tune.off, Tune.auto):
        assert arithmetic_for(console, PLAN.study, tmp_path, False, tune, "cpu", 2) is None
    assert len(console.file.getvalue().splitlines()) == 1  # type: ignore[attr-defined]
    planned = tuned_for(PLAN, Tune.full, Device.cpu, 2, tmp_path)
    assert planned.computed.startswith("default memory format: 2.00 times")


@pytest.mark.parametrize("tune", list(Tune))
def test_what_a_folder_keeps_wins_over_the_option(tune: Tune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "Crew", BrokenCrew)  # nothing is measured for it
    kept = ArithmeticRecord(arithmetic=Arithmetic(memory_format="default"), why="so it was", day="2026-01-02")
    layout.arithmetic(tmp_path).write_bytes(kept.as_bytes())
    console = Console(file=io.StringIO(), width=300)
    assert arithmetic_for(console, PLAN.study, tmp_path, False, tune, "cpu", 2) is None
    assert console.file.getvalue() == (  # type: ignore[attr-defined]
        "networks compute in default memory format: so it was (kept since 2026-01-02)\n"
    )
    assert tuned_for(PLAN, tune, Device.cpu, 2, tmp_path).computed.endswith("(kept since 2026-01-02)")


@pytest.mark.usefixtures("no_compiler")
def test_trainings_that_are_compiled_need_a_compiler_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ArithmeticRecord(arithmetic=Arithmetic(compiled=True), why="so it was", day="2026-01-02")
    layout.arithmetic(tmp_path).write_bytes(kept.as_bytes())
    console = Console(file=io.StringIO(), width=300)
    with pytest.raises(typer.Exit) as ended:
        arithmetic_for(console, PLAN.study, tmp_path, False, Tune.auto, "cpu", 2)
    assert ended.value.exit_code == BAD_ENVIRONMENT
    assert "there is no C++ compiler" in capsys.readouterr().err
    assert arithmetic_for(console, PLAN.study, tmp_path, True, Tune.auto, "cpu", 2) is None  # --fresh discards it


def test_a_run_that_cannot_measure_goes_on_as_usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "Crew", BrokenCrew)
    console = Console(file=io.StringIO(), width=300)
    assert arithmetic_for(console, PLAN.study, tmp_path, False, Tune.full, "cpu", 2) is None
    assert "as usual: nothing could be measured" in console.file.getvalue()  # type: ignore[attr-defined]
