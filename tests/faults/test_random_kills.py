"""A digits run that is killed twenty times at random moments: the outcome is that of one that nothing disturbed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from conftest import HANG, SEEN, hashes, piescope_command, run_piescope
from made_faults import Survived

KILLS, INTERVAL = 20, 1.0

WORKERS = 2

pytestmark = pytest.mark.skipif(
    os.environ.get("PIESCOPE_FAULTS") != "long",
    reason="`make faults` has it; one kill of a small study is in test_interruptions.py",
)


def told(log: Path) -> list[dict[str, str]]:
    """What all runs told, but for a line that a kill cut off."""
    content = log.read_text() if log.exists() else ""
    return [json.loads(line) for line in content.splitlines(keepends=True) if line.endswith("\n")]


def lost(log: Path, out: Path, moment: float) -> float:
    """Seconds of work that are to be done again after a kill: of each step since it began, or since its checkpoint."""
    since: dict[str, float] = {}
    for line in told(log):
        if line["event"] == "began":
            since = {}
        elif line["event"] == "started":
            since[line["key"]] = datetime.fromisoformat(line["time"]).timestamp()
        elif line["event"] == "finished":
            del since[line["key"]]
    kept = {path.stem: path.stat().st_mtime for path in (out / "checkpoints").glob("*.safetensors")}
    return sum(moment - max(began, kept.get(key, 0.0)) for key, began in since.items())


def test_twenty_kills_at_random_moments(tmp_path: Path, survived: Survived) -> None:
    assert run_piescope("run", "digits", "--out", tmp_path / "whole").returncode == 0
    out, log = tmp_path / "out", tmp_path / "events.jsonl"
    command = piescope_command("run", "digits", "--out", out, "--checkpoint-seconds", str(INTERVAL), "--events", log)
    command += ["--workers", str(WORKERS)]
    moments, killed, twice = random.Random(int(os.environ["PIESCOPE_DAY"])), 0, 0.0
    while killed < KILLS:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **SEEN}
        )
        try:
            process.wait(timeout=moments.uniform(2, 15))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed, moment = killed + 1, time.time()
            process.wait(timeout=HANG)
            twice += lost(log, out, moment)
        else:
            shutil.rmtree(out)  # it was done before it was killed as often: from the start again
            log.unlink()
    done = run_piescope("run", "digits", "--out", out)
    assert done.returncode == 0, done.stderr
    assert hashes(out) == hashes(tmp_path / "whole")
    finished = Counter(line["key"] for line in told(log) if line["event"] == "finished")
    assert max(finished.values()) == 1, "a finished step was done again"
    allowed = KILLS * INTERVAL * WORKERS  # an interval a core and kill
    assert twice <= allowed
    assert not list(out.rglob(".tmp-*")) and not (out / "work").exists() and not (out / "checkpoints").exists()
    again = f"{twice:.0f} s of work done twice, of {allowed:.0f} s that checkpoints each second allow"
    survived(f"SIGKILL of a digits run at a random moment ({again})", KILLS)
