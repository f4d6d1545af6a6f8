"""A digits run that is killed twenty times at random moments: the outcome is that of one that nothing disturbed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from conftest import HANG, SEEN, hashes, piescope_command, run_piescope
from made_faults import Survived

KILLS, INTERVAL = 20, 1.0

pytestmark = pytest.mark.skipif(
    os.environ.get("PIESCOPE_FAULTS") != "long",
    reason="`make faults` has it; one kill of a small study is in test_interruptions.py",
)


def started(log: Path) -> Counter[str]:
    """How often each step was finished, by what all runs told."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return Counter(line["key"] for line in lines if line["event"] == "finished")


def test_twenty_kills_at_random_moments(tmp_path: Path, survived: Survived) -> None:
    assert run_piescope("run", "digits", "--out", tmp_path / "whole").returncode == 0
    out, log = tmp_path / "out", tmp_path / "events.jsonl"
    command = piescope_command("run", "digits", "--out", out, "--checkpoint-seconds", str(INTERVAL), "--events", log)
    moments, killed = random.Random(int(os.environ["PIESCOPE_DAY"])), 0
    while killed < KILLS:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **SEEN}
        )
        try:
            process.wait(timeout=moments.uniform(2, 15))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        else:
            shutil.rmtree(out)  # it was done before it was killed as often: from the start again
            log.unlink()
        process.wait(timeout=HANG)
    done = run_piescope("run", "digits", "--out", out)
    assert done.returncode == 0, done.stderr
    assert hashes(out) == hashes(tmp_path / "whole")
    assert max(started(log).values()) == 1, "a finished step was done again"
    assert not list(out.rglob(".tmp-*")) and not (out / "work").exists() and not (out / "checkpoints").exists()
    survived("SIGKILL of a digits run at a random moment", KILLS)
