"""What the system tells of processes; where it tells nothing, nothing is made up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import HANG
from piescope import processes


@pytest.fixture
def sleeping() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def test_a_process_lives_until_it_ends_and_a_stopped_one_lives(sleeping: subprocess.Popen[bytes]) -> None:
    began = processes.began(sleeping.pid)
    sleeping.send_signal(signal.SIGSTOP)
    assert processes.is_alive(sleeping.pid)
    assert processes.began(sleeping.pid) == began
    sleeping.kill()
    if processes.PROC.is_dir():
        while processes.is_alive(sleeping.pid):  # dead, and not yet waited for
            time.sleep(0.02)
    sleeping.communicate(timeout=HANG)
    assert not processes.is_alive(sleeping.pid)
    assert processes.began(sleeping.pid) is None


def test_what_a_process_computes_is_counted() -> None:
    before = processes.processor_seconds(os.getpid())
    if before is None:
        pytest.skip("the system does not tell")
    while processes.processor_seconds(os.getpid()) == before:
        pass
    assert processes.processor_seconds(2**22 + 1) is None


def test_where_the_system_tells_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(processes, "PROC", tmp_path / "none")
    assert processes.is_alive(os.getpid()) and not processes.is_alive(-1)
    assert processes.began(os.getpid()) is None
    assert processes.processor_seconds(os.getpid()) is None
    assert processes.killed_for_memory() is None
    assert processes.here() == processes.here()


def test_processes_killed_for_memory_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(processes, "PROC", tmp_path)
    (tmp_path / "vmstat").write_text("pgmajfault 12\noom_kill 3\n")
    assert processes.killed_for_memory() == 3


def test_things_are_silent_each_for_itself() -> None:
    now = [0.0]
    silence = processes.Silence(longest_look=100.0, clock=lambda: now[0])
    assert silence.of("a", 1) == silence.of("b", 1) == 0.0
    now[0] = 50.0
    assert silence.of("a", 2) == 0.0 and silence.of("b", 1) == 50.0
    silence.forget("b")
    assert silence.of("b", 1) == 0.0
