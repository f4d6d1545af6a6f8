"""What should feel instant, by the clock and in seconds of a processor. Whole processes, n runs.

    python benchmarks/commands.py [DIR-OF-A-FINISHED-DIGITS-RUN] [--runs 7]

Without such a folder a small study is made, which says less of what digits takes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from rows import PIESCOPE, ROOT, Row, command, of_process


def measured(given: argparse.Namespace) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        study, out, named = "digits", given.directory.absolute(), "of digits"
        if not out.is_dir():
            study, out, named = str(ROOT / "tests" / "small.toml"), folder / "small", "of a small study"
            of_process([PIESCOPE, "run", study, "--out", str(out)])
        wrong = folder / "wrong.toml"
        digits = (resources.files("piescope.study") / "builtin" / "digits.toml").read_text()
        wrong.write_text(digits.replace("sparsities = [0.5, 0.9, 0.95]", "sparsities = [50, 90, 95]"))
        commands = {
            "piescope --help": ([PIESCOPE, "--help"], 0),
            "a refused study": ([PIESCOPE, "run", str(wrong), "--out", f"{folder}/out"], 2),
            f"a second run {named}": ([PIESCOPE, "run", study, "--out", str(out)], 0),
            f"piescope report {named}": ([PIESCOPE, "report", str(out)], 0),
            "show digits": ([PIESCOPE, "show", "digits", "--no-browser"], 0),
            "audit --demo": ([PIESCOPE, "audit", "--demo"], 0),
            "python -c pass": ([sys.executable, "-c", "pass"], 0),
        }
        for name in given.only or commands:
            words, code = commands[name]
            variables = {"PIESCOPE_CACHE": f"{folder}/cache"}
            clock, processor = zip(
                *(of_process(words, code, folder, variables) for _ in range(given.runs)), strict=True
            )
            yield Row(name, "s", clock)
            yield Row(f"{name}, of a processor", "s", processor)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path, nargs="?", default=ROOT / "runs" / "digits")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", nargs="+", metavar="COMMAND", help="of the commands")
    command(parser, measured, {"runs": 1, "only": ["piescope --help", "python -c pass"]})
