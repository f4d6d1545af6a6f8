"""`run --executor slurm`: an array of jobs, each a run of the same study, which share its folder and its steps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from piescope.problems import InputError
from piescope.store import layout

FOLDER = "slurm"
"""In the study's folder: what the jobs print, and what submitit needs to start them."""

WARNED = 90
"""Seconds before the end of a job's time in which its trainings leave checkpoints."""

ENDLESS = 10**6
"""How often a job may run out of its time."""

Executor = Any
"""One of submitit's, which is not in every installation."""


class Runner:
    """A job: a run of the study. Before its time ends submitit calls `checkpoint`, and queues the job again.

    Args:
        command: a `piescope run`.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._process = 0

    def __call__(self, place: int) -> None:
        """Runs it to its end.

        Args:
            place: in the array.

        Raises:
            CalledProcessError: it ended with another code than 0.
        """
        run = subprocess.Popen(self._command, preexec_fn=_ignore_warning)
        self._process = run.pid
        while run.poll() is None:
            time.sleep(0.2)  # `checkpoint` is called in between
        if run.returncode:
            raise subprocess.CalledProcessError(run.returncode, self._command)

    def checkpoint(self, place: int) -> Any:
        """Has the run's trainings leave checkpoints; what is to be done when the job is started again: the same."""
        import submitit

        with suppress(ProcessLookupError, ChildProcessError):  # it has just ended
            os.kill(self._process, signal.SIGTERM)
            os.waitid(os.P_PID, self._process, os.WEXITED | os.WNOWAIT)
        return submitit.helpers.DelayedSubmission(Runner(self._command), place)


def _ignore_warning() -> None:
    """Between fork and exec: SLURM warns all processes of a job, and this signal would end them."""
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)


def runner_command(out: Path, options: Mapping[str, str | float]) -> list[str]:
    """What each job runs: this very installation, the study that the folder holds.

    Example:
        >>> runner_command(Path("/shared/digits"), {"--hung-after": 60.0})[3:]
        ['run', '/shared/digits/study.toml', '--out', '/shared/digits', '--hung-after', '60.0']
    """
    folder = out.resolve()
    given = [part for option, value in options.items() for part in (option, str(value))]
    return [sys.executable, "-m", "piescope", "run", str(layout.study(folder)), "--out", str(folder), *given]


def queue(out: Path, study: str, settings: Sequence[str]) -> Executor:
    """SLURM, with what a job needs.

    Args:
        out: the study's folder.
        study: its name.
        settings: ``NAME=VALUE``, as sbatch has them; ``time`` among them.

    Raises:
        InputError: a setting that is none, or no time.
        ModuleNotFoundError: submitit is not installed.
    """
    wanted = _parsed(settings)
    import submitit

    try:
        slurm = submitit.SlurmExecutor(out / FOLDER, max_num_timeout=ENDLESS)
    except RuntimeError:
        found, cure = "no srun on this machine", "run this where sbatch and srun are, or take --executor local or ray"
        raise InputError.of("--executor", "slurm", found, "a machine that submits to SLURM", cure) from None
    slurm.update_parameters(job_name=f"piescope {study}", signal_delay_s=WARNED, additional_parameters=wanted)
    return slurm


def submit(slurm: Executor, command: Sequence[str], jobs: int) -> list[Any]:
    """Puts so many runs of one study into a queue; submitit's jobs."""
    submitted: list[Any] = slurm.map_array(Runner(command), range(jobs))
    return submitted


def _parsed(settings: Sequence[str]) -> dict[str, str]:
    error = InputError("the command line")
    parsed: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not (equals and name and value):
            error.add("--slurm", setting, "NAME=VALUE, as sbatch has it", "write --slurm partition=long, say")
        parsed[name.removeprefix("--").replace("_", "-")] = value
    if "time" not in parsed:
        cure = "give --slurm time=24:00:00, say: a job that needs more is put back into the queue and goes on"
        error.add("--slurm", "no time", "how long a job may take", cure)
    error.raise_if_any()
    return parsed
