"""A job of a queue, and what is asked of sbatch; tests/cluster has queues (`make cluster`)."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from conftest import HANG
from piescope.cli.slurm import Runner, queue, submit
from piescope.problems import InputError

RUN = """
import os, signal, sys, time
from pathlib import Path

def stop(*_):
    Path(sys.argv[1], "checkpoint").touch()
    sys.exit(143)

signal.signal(signal.SIGTERM, stop)
os.kill(os.getpid(), signal.SIGUSR2)  # SLURM warns all processes of a job
Path(sys.argv[1], "warned").touch()
time.sleep(3600)
"""


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A submitit that does nothing."""
    module = ModuleType("submitit")
    module.helpers = SimpleNamespace(DelayedSubmission=lambda *parts: parts)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "submitit", module)
    return module


def test_a_job_whose_time_ends_stops_its_run_and_can_be_started_again(made: ModuleType, tmp_path: Path) -> None:
    runner = Runner([sys.executable, "-c", RUN, str(tmp_path)])
    ended: list[int] = []

    def work() -> None:
        with pytest.raises(subprocess.CalledProcessError) as error:
            runner(3)
        ended.append(error.value.returncode)

    job = threading.Thread(target=work)
    job.start()
    patience = time.monotonic() + HANG
    while not (tmp_path / "warned").exists():
        assert time.monotonic() < patience and job.is_alive()
        time.sleep(0.02)
    again, place = runner.checkpoint(3)
    assert (tmp_path / "checkpoint").exists()  # written before the job goes
    job.join(HANG)
    assert ended == [143] and place == 3
    assert pickle.loads(pickle.dumps(again)).__dict__ == Runner([sys.executable, "-c", RUN, str(tmp_path)]).__dict__
    runner.checkpoint(3)  # a run that has ended


def test_a_job_ends_as_its_run_does(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGUSR2)
    Runner([sys.executable, "-c", "pass"])(0)
    with pytest.raises(subprocess.CalledProcessError):
        Runner([sys.executable, "-c", "raise SystemExit(1)"])(0)
    assert signal.getsignal(signal.SIGUSR2) == before


def test_what_sbatch_is_told(made: ModuleType, tmp_path: Path) -> None:
    told: dict[str, object] = {}

    class Slurm:
        def __init__(self, folder: Path, max_num_timeout: int) -> None:
            told.update(folder=folder, timeouts=max_num_timeout)

        def update_parameters(self, **parameters: object) -> None:
            told.update(parameters)

        def map_array(self, function: Runner, places: range) -> list[int]:
            return list(places)

    made.SlurmExecutor = Slurm  # type: ignore[attr-defined]
    slurm = queue(tmp_path, "digits", ["--time=1-00:00:00", "cpus_per_task=4", "comment=a=b"])
    assert told["additional_parameters"] == {"time": "1-00:00:00", "cpus-per-task": "4", "comment": "a=b"}
    assert told["folder"] == tmp_path / "slurm" and told["job_name"] == "piescope digits"
    assert submit(slurm, ["true"], 3) == [0, 1, 2]


@pytest.mark.parametrize("setting", ["time", "=5", "time="])
def test_settings_that_are_none(setting: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="NAME=VALUE"):
        queue(tmp_path, "digits", [setting, "time=5"])
    with pytest.raises(InputError, match="how long a job may take"):
        queue(tmp_path, "digits", [])
    assert not list(tmp_path.iterdir())
