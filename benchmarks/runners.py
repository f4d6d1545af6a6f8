"""How much sooner two runners of one folder finish a study than one, each with one worker on one core.

A runner is the real command, from its start to its report. Rounds alternate, so that a machine that changes pace changes both.
On a machine that has other work to do, too, the seconds of a processor tell more: those of the runner that took most.

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


def finish(study: str, out: Path, runners: int) -> tuple[float, float]:
    """Seconds from the start of so many runners to the end of the last, and the processor's of the one that took most.

    Every step was done by one of them, once.
    """
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
    ended = [os.wait4(process.pid, 0) for process in processes]
    if any(status for _, status, _ in ended):
        raise SystemExit("a runner failed")
    seconds, used = time.perf_counter() - began, max(usage.ru_utime + usage.ru_stime for _, _, usage in ended)
    lines = [json.loads(line) for file in out.parent.glob(f"{out.name}.*.jsonl") for line in file.open()]
    keys = [line["key"] for line in lines if line["event"] == "finished"]
    assert len(keys) == len(set(keys)) == len(list(out.glob("artefacts/*/*/manifest.json"))), "a step was done twice"
    return seconds, used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", nargs="?", default="digits")
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    ratios: list[tuple[float, float]] = []
    for number in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            one, two = (finish(arguments.study, Path(folder) / f"by-{runners}", runners) for runners in (1, 2))
        ratios.append((two[0] / one[0], two[1] / one[1]))
        print(f"round {number + 1}: one runner {one[0]:.1f} s ({one[1]:.1f} s of a processor)", end=", ")
        print(f"two {two[0]:.1f} s ({two[1]:.1f} s): {ratios[-1][0]:.2f} ({ratios[-1][1]:.2f})", flush=True)
    for name, values in zip(("seconds", "of a processor"), zip(*ratios, strict=True), strict=True):
        print(
            f"two / one, {name}: median {statistics.median(values):.2f} (min {min(values):.2f}, max {max(values):.2f})"
        )


if __name__ == "__main__":
    main()
