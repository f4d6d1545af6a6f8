"""What the scripts here have in common: what they measure as rows, which the table and the JSON are made of.

A script has a generator of rows and hands it to `command`, which has the options that all of them have: `--json FILE`,
and `--tiny`, which shows in seconds that the script works.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from piescope.machine import processor, today

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        what: was measured.
        unit: of the values; ``"x"``: a ratio of one round, above 1 where piescope does better.
        values: one a round, in their order.
        at_least: what the median is promised to be; None: nothing is.
    """

    what: str
    unit: str
    values: tuple[float, ...]
    at_least: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def cells(self) -> tuple[str, str, str, str]:
        """What, median with its unit, spread, promise."""
        spread = f"n = {len(self.values)}"
        if len(self.values) > 1:
            spread = f"{number(min(self.values))} to {number(max(self.values))}, {spread}"
        promise = "" if self.at_least is None else f"at least {self.at_least:g}"
        if self.at_least is not None and self.median < self.at_least:
            promise += ": not met"
        return self.what, f"{number(self.median)} {self.unit}", spread, promise


def number(value: float) -> str:
    """Three digits.

    Example:
        >>> number(1234.5), number(1.25), number(0.01234)
        ('1,234', '1.25', '0.0123')
    """
    places = 2 - math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0
    return f"{value:,.{max(0, places)}f}"


def ratios(what: str, ours: Sequence[float], theirs: Sequence[float], at_least: float | None = None) -> Row:
    """How many times ours is theirs, round by round: of rates. Of seconds it is given the other way round."""
    return Row(what, "x", tuple(one / other for one, other in zip(ours, theirs, strict=True)), at_least)


@dataclass(frozen=True)
class Machine:
    """What rows were measured on.

    Attributes:
        processor: its model.
        cores: that the process may use.
        torch: its version.
        date: in UTC.
        commit: of the code, with a ``+`` where files differ from it.
        load: processes that wanted a core in the last minute, when it began: other work on the machine.
    """

    processor: str
    cores: int
    torch: str
    date: str
    commit: str
    load: float


def machine() -> Machine:
    """This one, now."""
    commit = _git("rev-parse", "--short", "HEAD") or "unknown"
    changed = "+" if _git("status", "--porcelain", "--untracked-files=no") else ""
    cores = len(os.sched_getaffinity(0))
    return Machine(processor(), cores, version("torch"), today(), commit + changed, round(os.getloadavg()[0], 1))


def _git(*words: str) -> str:
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # an archive of the code
        return ""


def command(
    parser: argparse.ArgumentParser,
    measure: Callable[[argparse.Namespace], Iterator[Row]],
    tiny: Mapping[str, Any],
) -> None:
    """A script's end: tells rows as they come, and writes them.

    Args:
        parser: with the script's own options.
        measure: takes what they were given.
        tiny: the defaults of `--tiny`.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--json", type=Path, help="also write machine and rows there")
    parser.add_argument("--tiny", action="store_true", help="only to see that it works")
    if parser.parse_known_args()[0].tiny:
        parser.set_defaults(**tiny)
    given, measured, here = parser.parse_args(), [], machine()
    print(f"{here.processor}, {here.cores} cores, load {here.load:g}; torch {here.torch}, {here.commit}", flush=True)
    for row in measure(given):
        measured.append(row)
        what, median, spread, promise = row.cells()
        print(f"{what:88} {median:>16}  ({spread}){'; ' if promise else ''}{promise}", flush=True)
        if given.json:  # as they come: a run that is cut off has what it measured
            content = {"machine": asdict(here), "rows": [asdict(row) for row in measured]}
            given.json.write_text(json.dumps(content, indent=1) + "\n")


def of_process(
    words: Sequence[str], code: int = 0, folder: Path | None = None, variables: Mapping[str, str] | None = None
) -> tuple[float, float]:
    """Seconds of a whole process by the clock; and of a processor, which other work of the machine changes little."""
    began, before = time.perf_counter(), os.times()
    done = subprocess.run(words, capture_output=True, check=False, cwd=folder, env={**os.environ, **(variables or {})})
    taken, after = time.perf_counter() - began, os.times()
    assert done.returncode == code, done.stderr.decode()
    return taken, sum(after[2:4]) - sum(before[2:4])


PIESCOPE = str(Path(sys.executable).with_name("piescope"))
"""The command."""
