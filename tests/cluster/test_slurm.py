"""An array of jobs that share a study, put back into the queue in its midst: by submitit's stand-in for a queue, and by SLURM itself."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import HANG, SMALL, Run, run_piescope, run_program
from piescope.cli.slurm import ENDLESS, runner_command, submit
from piescope.study.execute import prepare
from piescope.study.parse import load_study

submitit = pytest.importorskip("submitit", reason="submitit is not in this environment: `make cluster` has one with it")


def hashes(out: Path) -> dict[str, str]:
    """Of what a study leaves, without what the queue does."""
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != "run.lock" and "slurm" not in path.relative_to(out).parts
    }


def until(happened: Callable[[], bool]) -> None:
    patience = time.monotonic() + HANG
    while not happened():
        assert time.monotonic() < patience, "it hangs"
        time.sleep(0.1)


def children(parent: int) -> list[int]:
    """Of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def began(out: Path) -> bool:
    return any(out.glob("artefacts/data/[!.]*"))


def test_two_jobs_of_which_one_runs_out_of_time(small_run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(load_study(str(SMALL)), out, fresh=False)
    queue = submitit.LocalExecutor(out / "slurm", max_num_timeout=ENDLESS)
    queue.update_parameters(timeout_min=HANG / 60)
    jobs = submit(queue, runner_command(out, {"--checkpoint-seconds": 0, "--workers": 1}), 2)
    until(lambda: began(out))
    for job in children(int(jobs[0].job_id)):
        os.kill(job, signal.SIGUSR2)
    assert [job.result() for job in jobs] == [None, None]
    log = jobs[0].paths.stdout.read_text()
    assert "Requeued job" in log and log.count("models in 4 arms") == 2
    assert "the same command goes on where it stopped" in jobs[0].paths.stderr.read_text()
    assert hashes(out) == hashes(small_run.out)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A real slurmctld and slurmd, with a munged of their own, that nothing outside this machine reaches."""
    if shutil.which("slurmctld") is None:
        pytest.skip("SLURM is not on this machine: `make cluster` installs it, or fails")
    key, conf = tmp_path / "munge.key", tmp_path / "slurm.conf"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    socket_name, host, user = tmp_path / "munge.socket", socket.gethostname().partition(".")[0], getpass.getuser()
    for folder in ("state", "spool"):
        (tmp_path / folder).mkdir()
    conf.write_text(f"""
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={socket_name}
CredType=cred/munge
StateSaveLocation={tmp_path}/state
SlurmdSpoolDir={tmp_path}/spool
SlurmctldPidFile={tmp_path}/slurmctld.pid
SlurmdPidFile={tmp_path}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
""")
    monkeypatch.setenv("SLURM_CONF", str(conf))
    munged = ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={socket_name}"]
    munged += [f"--{name}={tmp_path}/munge.{name[:-5]}" for name in ("log-file", "pid-file", "seed-file")]
    daemons = []
    with (tmp_path / "daemons.log").open("w") as log:
        for command in (munged, ["slurmctld", "-D"], ["slurmd", "-D"]):
            daemons.append(subprocess.Popen(command, stdout=log, stderr=log))
            until(socket_name.exists)
        until(lambda: "idle" in run_program(["sinfo", "--noheader"]).stdout)
        yield
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(HANG)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def queued(states: str = "all") -> list[str]:
    """Ids of jobs in the queue."""
    return run_program(["squeue", "--noheader", "--array", "--format=%i", f"--states={states}"]).stdout.split()


def test_a_job_of_slurm_is_queued_again(slurm: None, small_run: Run, tmp_path: Path) -> None:
    out = tmp_path / "a study"
    done = run_piescope(
        *("run", SMALL, "--out", out, "--executor", "slurm", "--workers", "2", "--checkpoint-seconds", "0"),
        *("--slurm", "time=60", "--slurm", "cpus-per-task=1"),
    )
    told = re.search(r"jobs in the queue: 2 \((\d+)_0, \1_1\)", done.stdout)
    assert told is not None, done.stdout + done.stderr
    first = f"{told[1]}_0"
    until(lambda: began(out))
    assert run_program(["scancel", "--signal=USR2", first]).returncode == 0  # as SLURM does before a job's time ends
    until(lambda: first in queued("PENDING"))
    run_program(["scontrol", "update", f"JobId={first}", "StartTime=now"])  # SLURM would wait for two minutes
    until(lambda: not queued("PENDING,RUNNING,COMPLETING,REQUEUED"))
    log = (out / "slurm" / f"{first}_0_log.out").read_text()
    assert "Requeued job" in log and log.count("(1 worker, cpu)") + log.count("25 done, 0 to run") == 2
    assert hashes(out) == hashes(small_run.out)


def test_what_jobs_need_is_asked_for_before_anything_is_made(tmp_path: Path) -> None:
    done = run_piescope("run", SMALL, "--out", tmp_path / "out", "--executor", "slurm", "--slurm", "partition")
    assert done.returncode == 2
    assert "NAME=VALUE" in done.stderr and "how long a job may take" in done.stderr
    assert not (tmp_path / "out").exists()
    nowhere = {"PATH": str(Path(sys.executable).parent)}
    done = run_piescope(
        "run", SMALL, "--out", tmp_path / "out", "--executor", "slurm", "--slurm", "time=5", env=nowhere
    )
    assert done.returncode == 2 and "no srun on this machine" in done.stderr
