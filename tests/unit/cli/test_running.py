"""What a run says and ends with, by executors that only pretend, and when it heeds a signal."""

from __future__ import annotations

import io
import json
import os
import signal
from pathlib import Path

import pytest
import typer
from rich.console import Console

from made_executors import FIRST, SECOND, THIRD, FakeExecutor, raised, three_models
from piescope.cli.running import Signals, do_run
from piescope.study.parents import Parents

MACHINE = {
    "device": "cpu",
    "torch": "0",
    "pack_size": 1,
    "threads": 1,
    "cpu": "any",
    "processor": "any",
    "libraries": {},
}


def executor(out: Path) -> FakeExecutor:
    def make(task, store):  # type: ignore[no-untyped-def]
        step, contents = task.step, Parents(task.step, store).contents()
        keys = tuple(ref.key for ref in step.parent_refs())
        store.write(step.kind, step.key, {"a.json": b"[]"}, step.label, {}, keys, MACHINE, contents)

    return FakeExecutor(out, 1, make)


def test_a_step_that_failed_ends_the_command_with_1_and_says_where_to_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, printed = tmp_path / "out", io.StringIO()
    failing = executor(out)
    for label in (FIRST, SECOND, THIRD):
        failing.script(label, lambda task: raised(task.step.key))
    with pytest.raises(typer.Exit) as ended:
        do_run(Console(file=printed, width=200), three_models().study, out, failing, "cpu", False, tmp_path / "e", ())
    assert ended.value.exit_code == 1
    told = capsys.readouterr().err
    assert "3 steps failed, 4 wait for what failed" in told and f"`piescope status {out}`" in told
    assert "0 done, 8 to run (1 worker, cpu)" in printed.getvalue() and "no arm is complete yet" in printed.getvalue()
    lines = [json.loads(line) for line in (tmp_path / "e").read_text().splitlines()]
    assert (lines[0]["event"], lines[0]["steps"]) == ("began", 8) and lines[-1]["failed"] == 3


def test_a_signal_is_heeded_at_the_next_tick_and_a_second_one_at_once() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    with Signals() as signals:
        signals.tick()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt) as taken:
            signals.tick()
        assert taken.value.args == (signal.SIGTERM,)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            signals.tick()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
