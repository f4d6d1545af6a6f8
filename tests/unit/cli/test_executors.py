"""Which executor `run` takes, and which options go with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from piescope.cli.app import app
from piescope.cli.executors import MOST_A_CORE, MOST_ELSEWHERE, ExecutorName, ExecutorOptions
from piescope.cli.terminal import BAD_INPUT, Device, console_here, cores
from piescope.cli.tuning import Tune
from piescope.problems import InputError
from piescope.study.executors.local import LocalExecutor
from piescope.study.parse import load_study
from piescope.study.plan import make_plan

OPTIONS = ExecutorOptions(ExecutorName.local, Device.cpu, 3, None, None, (), 60.0, 600.0, Tune.auto)


def test_here_by_default(tmp_path: Path) -> None:
    OPTIONS.check(is_watched=True)
    console, study = console_here(), load_study("digits")
    executor, device = OPTIONS.start(console, study, tmp_path)
    assert isinstance(executor, LocalExecutor) and (executor.slots, device) == (3, "cpu")
    assert replace(OPTIONS, workers=None, tune=Tune.off).start(console, study, tmp_path)[0].slots == cores()


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"address": "head:6379"}, "--address"),
        ({"gpu_share": 0.5}, "--gpu-share"),
        ({"slurm": ("time=5",)}, "--slurm"),
        ({"executor": ExecutorName.slurm, "address": "head:6379"}, "--address"),
        ({"executor": ExecutorName.ray, "slurm": ("time=5",)}, "--slurm"),
        ({"executor": ExecutorName.ray, "tune": Tune.full}, "--tune full"),
    ],
)  # fmt: skip
def test_options_of_another_executor(changed: dict[str, object], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        replace(OPTIONS, **changed).check(is_watched=False)  # type: ignore[arg-type]


def test_jobs_of_a_queue_have_no_watcher() -> None:
    queued = replace(OPTIONS, executor=ExecutorName.slurm, slurm=("time=5",))
    queued.check(is_watched=False)
    with pytest.raises(InputError, match="--events or --track"):
        queued.check(is_watched=True)


def test_a_job_of_slurm_has_as_many_cores_as_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_CPUS_ON_NODE", raising=False)
    free = cores()
    for given, expected in (("1", 1), ("100000", free), ("0", free), ("many", free)):
        monkeypatch.setenv("SLURM_CPUS_ON_NODE", given)
        assert cores() == expected


@pytest.mark.parametrize("executor", ExecutorName)
def test_no_more_workers_than_a_machine_or_a_cluster_bears(executor: ExecutorName) -> None:
    most = MOST_A_CORE * cores() if executor is ExecutorName.local else MOST_ELSEWHERE
    for workers in (None, 1, most):
        replace(OPTIONS, executor=executor, workers=workers).check(is_watched=False)
    for workers in (-1, 0, most + 1, 10**30):
        with pytest.raises(InputError) as told:
            replace(OPTIONS, executor=executor, workers=workers).check(is_watched=False)
        assert told.value.problems[0].found == f"{workers:,}"
        assert told.value.problems[0].expected.startswith(f"1 to {most:,}")


def test_no_more_workers_than_there_are_steps(tmp_path: Path) -> None:
    one_step = load_study("digits").model_copy(update={"arms": {"supervised": ("dense",)}, "replicates": 1})
    steps = len(make_plan(one_step).steps)
    assert replace(OPTIONS, workers=steps + 1).start(console_here(), one_step, tmp_path)[0].slots == steps


@pytest.mark.parametrize("command", ["plan", "run"])
def test_an_absurd_number_ends_at_once(command: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [command, "digits", "--workers", "1000000000", "--out", str(tmp_path / "out")])
    assert done.exit_code == BAD_INPUT
    assert "found     1,000,000,000" in done.output and "leave it out" in done.output
    assert not list(tmp_path.iterdir())
