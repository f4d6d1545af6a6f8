"""What should feel instant, by the clock and in seconds of a processor. Whole processes, n runs.

python benchmarks/commands.py DIR-OF-A-FINISHED-DIGITS-RUN [--runs 7]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path


def seconds(command: list[str], code: int, folder: str) -> tuple[float, float]:
    """By the clock; and what a processor spent on it, which other work of the machine changes little."""
    began, before = time.perf_counter(), os.times()
    environment = {**os.environ, "PIESCOPE_CACHE": f"{folder}/cache"}
    done = subprocess.run(command, capture_output=True, check=False, cwd=folder, env=environment)
    taken, after = time.perf_counter() - began, os.times()
    assert done.returncode == code, done.stderr.decode()
    return taken, sum(after[2:4]) - sum(before[2:4])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    piescope = [str(Path(sys.executable).with_name("piescope"))]
    with tempfile.TemporaryDirectory() as folder:
        wrong = Path(folder) / "wrong.toml"
        digits = (resources.files("piescope.study") / "builtin" / "digits.toml").read_text()
        wrong.write_text(digits.replace("sparsities = [0.5, 0.9, 0.95]", "sparsities = [50, 90, 95]"))
        out = str(arguments.directory.absolute())
        for name, command, code in (
            ("piescope --help", [*piescope, "--help"], 0),
            ("a refused study", [*piescope, "run", str(wrong), "--out", folder + "/out"], 2),
            ("a second run", [*piescope, "run", "digits", "--out", out], 0),
            ("piescope report", [*piescope, "report", out], 0),
            ("show digits", [*piescope, "show", "digits", "--no-browser"], 0),
            ("audit --demo", [*piescope, "audit", "--demo"], 0),
            ("python -c pass", [sys.executable, "-c", "pass"], 0),
        ):
            runs = [seconds(command, code, folder) for _ in range(arguments.runs)]
            for what, taken in zip(("clock", "processor"), zip(*runs, strict=True), strict=True):
                spread = f"min {min(taken):.2f}, max {max(taken):.2f}, n = {len(taken)}"
                print(f"{name:16} {what:9} median {statistics.median(taken):.2f} s ({spread})")


if __name__ == "__main__":
    sys.exit(main())
