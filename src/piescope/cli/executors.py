"""Where `run` has its steps done: the executor that its options ask for."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from piescope.cli.terminal import BAD_ENVIRONMENT, Device, cores, device_type, fail, gpus
from piescope.cli.tuning import Tune, workers_for
from piescope.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from piescope.problems import InputError
    from piescope.study.executors.protocol import Executor
    from piescope.study.spec import Study

MOST_A_CORE, MOST_ELSEWHERE = 8, 1_000
"""Workers, for each core of this machine; and on a cluster or in a queue."""


class ExecutorName(StrEnum):
    """How steps are spread."""

    local = "local"
    ray = "ray"
    slurm = "slurm"


def check_workers(error: InputError, workers: int | None, executor: ExecutorName = ExecutorName.local) -> None:
    """Notes a number of workers that there cannot be, or under which a machine would stand still."""
    is_here = executor is ExecutorName.local
    most = MOST_A_CORE * cores() if is_here else MOST_ELSEWHERE
    if workers is not None and not 1 <= workers <= most:
        why = f": {MOST_A_CORE} for each of the {counted(cores(), 'core')} here" if is_here else ""
        cure = "leave it out: the usual number is taken, or a better one that was measured (--tune)"
        error.add("--workers", f"{workers:,}", f"1 to {most:,}{why}", cure)


@dataclass(frozen=True)
class ExecutorOptions:
    """What `run` was told of it; see its options.

    Attributes:
        executor: whose other options these are.
        device: ``auto``, ``cpu`` or ``cuda``.
        workers: at once; of SLURM: jobs.
        address: of a Ray cluster.
        gpu_share: of a GPU, for a step on Ray.
        slurm: ``NAME=VALUE`` for sbatch.
        checkpoint_seconds: between two checkpoints of a training.
        hung_after: seconds.
        tune: whether the number of workers is chosen by measuring.
    """

    executor: ExecutorName
    device: Device
    workers: int | None
    address: str | None
    gpu_share: float | None
    slurm: tuple[str, ...]
    checkpoint_seconds: float
    hung_after: float
    tune: Tune

    def check(self, is_watched: bool) -> None:
        """Whether the options are this executor's.

        Args:
            is_watched: whether the run was given what only a run that stays can do.

        Raises:
            InputError: one is another's.
        """
        from piescope.problems import InputError

        error = InputError("the command line")
        check_workers(error, self.workers, self.executor)
        of_others = {
            "--address": (self.address, ExecutorName.ray),
            "--gpu-share": (self.gpu_share, ExecutorName.ray),
            "--slurm": (self.slurm, ExecutorName.slurm),
            "--tune full": (self.tune is Tune.full, ExecutorName.local),
        }
        for option, (value, owner) in of_others.items():
            if value and owner is not self.executor:
                error.add(
                    option,
                    f"--executor {self.executor}",
                    f"--executor {owner}",
                    f"leave {option} out, or give --executor {owner}",
                )
        if is_watched and self.executor is ExecutorName.slurm:
            cure = "leave them out; a run that helps the jobs (the same command, --executor local) can have them"
            error.add("--executor slurm", "--events or --track too", "none: the jobs run on their own", cure)
        error.raise_if_any()

    def queue(self, study: Study, out: Path, fresh: bool) -> str:
        """Puts runs of a study into SLURM's queue; a line for people.

        Args:
            study: what they run.
            out: its folder.
            fresh: throw away what the folder holds of it first.
        """
        from piescope.cli.slurm import queue, runner_command, submit
        from piescope.study.execute import BusyError, prepare

        slurm = queue(out, study.name, self.slurm)
        try:
            prepare(study, out, fresh)
        except BusyError as busy:
            fail(str(busy), BAD_ENVIRONMENT)
        options = {"--device": self.device.value, "--checkpoint-seconds": self.checkpoint_seconds}
        command = runner_command(out, {**options, "--hung-after": self.hung_after})
        jobs = submit(slurm, command, self._asked(study) or 1)
        ids = ", ".join(job.job_id for job in jobs[:1] + jobs[1:][-1:])
        next_command = shlex.join(["piescope", "status", str(out)])
        return f"{study.name}: jobs in the queue: {len(jobs)} ({ids}); `{next_command}` says how far they are"

    def start(self, console: Console, study: Study, out: Path) -> tuple[Executor, str]:
        """The executor, and the type of the devices that it has: ``"cpu"`` or ``"cuda"``.

        Args:
            console: where to say what was chosen.
            study: what it is to run.
            out: its folder.
        """
        if self.executor is ExecutorName.ray:
            from piescope.study.executors.ray_tasks import RayExecutor

            wanted = None if self.device is Device.auto else self.device.value
            share = self.gpu_share or 1.0
            times = self.checkpoint_seconds, self.hung_after
            cluster = RayExecutor(out, wanted, self._asked(study), self.address, share, *times)
            return cluster, cluster.device
        from piescope.study.executors.local import LocalExecutor

        device = device_type(self.device)
        devices = gpus() if device == "cuda" else []
        count = self._asked(study) or workers_for(console, study, self.tune, device, devices)
        return LocalExecutor(out, device, count, devices, self.checkpoint_seconds, self.hung_after), device

    def _asked(self, study: Study) -> int | None:
        """Workers that were asked for, no more than the study has steps."""
        from piescope.study.plan import make_plan

        return self.workers and min(self.workers, len(make_plan(study).steps))
