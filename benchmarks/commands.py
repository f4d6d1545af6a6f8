"""Wall-clock of what should feel instant: --help, a refused study, a second run, a report. Whole processes, n runs.

python benchmarks/commands.py DIR-OF-A-FINISHED-DIGITS-RUN [--runs 7]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path


def seconds(command: list[str], code: int) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    taken = time.perf_counter() - began
    assert done.returncode == code, done.stderr.decode()
    return taken


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
        out = str(arguments.directory)
        for name, command, code in (
            ("piescope --help", [*piescope, "--help"], 0),
            ("a refused study", [*piescope, "run", str(wrong), "--out", folder + "/out"], 2),
            ("a second run", [*piescope, "run", "digits", "--out", out], 0),
            ("piescope report", [*piescope, "report", out], 0),
            ("python -c pass", [sys.executable, "-c", "pass"], 0),
        ):
            taken = [seconds(command, code) for _ in range(arguments.runs)]
            print(
                f"{name:16} median {statistics.median(taken):.2f} s (min {min(taken):.2f}, max {max(taken):.2f}, n = {len(taken)})"
            )


if __name__ == "__main__":
    sys.exit(main())
