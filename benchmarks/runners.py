"""How much sooner two runners of one folder finish a study than one, each with one worker on one core.

A runner is the real command, from its start to its report. Rounds alternate, so that a machine that changes pace changes both.

    python benchmarks/runners.py [STUDY] [--rounds 1]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def finish(study: str, out: Path, runners: int) -> float:
    """Seconds from the start of so many runners to the end of the last; every step was done by one of them, once."""
    cores = sorted(os.sched_getaffinity(0))
    began, processes = time.perf_counter(), []
    for number in range(runners):
        command = [sys.executable, "-m", "piescope", "run", study, "--out", out, "--workers", "1"]
        processes.append(
            subprocess.Popen(
                [*command, "--events", out.with_suffix(f".{number}.jsonl")],
                stdout=subprocess.DEVNULL,
                preexec_fn=lambda number=number: os.sched_setaffinity(0, {cores[number % len(cores)]}),
            )
        )
    if any(process.wait() for process in processes):
        raise SystemExit("a runner failed")
    seconds = time.perf_counter() - began
    lines = [json.loads(line) for file in out.parent.glob(f"{out.name}.*.jsonl") for line in file.open()]
    keys = [line["key"] for line in lines if line["event"] == "finished"]
    assert len(keys) == len(set(keys)) == len(list(out.glob("artefacts/*/*/manifest.json"))), "a step was done twice"
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", nargs="?", default="digits")
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    ratios = []
    for number in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            one, two = (finish(arguments.study, Path(folder) / f"by-{runners}", runners) for runners in (1, 2))
        ratios.append(two / one)
        print(f"round {number + 1}: one runner {one:.1f} s, two {two:.1f} s: {ratios[-1]:.2f}", flush=True)
    print(f"two / one: median {statistics.median(ratios):.2f} (min {min(ratios):.2f}, max {max(ratios):.2f})")


if __name__ == "__main__":
    main()
