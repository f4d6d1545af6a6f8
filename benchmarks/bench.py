"""Everything here that is about speed, side by side in one run: the front door, `make bench`.

    python benchmarks/bench.py [PART ...] [--tiny] [--json FILE] [--docs]

Each part is a script of its own, run alone in a process of its own, one after the other. At the end there is one table
and one file, and with `--docs` the tables of docs/performance.md, which are written by nothing else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rows import ROOT, Machine, Row, machine

PARTS: dict[str, tuple[str, ...]] = {
    "limits": (),
    "throughput": (),
    "losses": ("--rounds", "5"),
    "augmentation": (),
    "depth": (),
    "forks": ("--rounds", "2", "--sparsities", "0.5", "0.9"),
    "checkpoints": ("--rounds", "3"),
    "commands": ("--runs", "5"),
    "pages": ("--examples", "10000"),
}
"""In their order, with what keeps the whole at some ten minutes."""

PAGE = ROOT / "docs" / "performance.md"


@dataclass(frozen=True)
class Measured:
    """A part.

    Attributes:
        part: its name.
        seconds: that it took.
        rows: none where it failed.
    """

    part: str
    seconds: float
    rows: tuple[Row, ...]


def measured(part: str, options: Sequence[str], folder: Path) -> Measured:
    """Runs a part, which tells its rows as they come."""
    print(f"\n{part}", flush=True)
    file, began = folder / f"{part}.json", time.perf_counter()
    done = subprocess.run([sys.executable, ROOT / "benchmarks" / f"{part}.py", *options, "--json", file], check=False)
    told = json.loads(file.read_text())["rows"] if done.returncode == 0 else []
    rows = tuple(Row(**{**row, "values": tuple(row["values"])}) for row in told)
    return Measured(part, time.perf_counter() - began, rows)


def table(rows: Sequence[Row]) -> str:
    """In Markdown, which a terminal shows well enough."""
    cells = [("", "median", "spread", "promised"), *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def documents(parts: Sequence[Measured], here: Machine) -> Iterator[tuple[str, str]]:
    """What stands between which markers of the page."""
    rows = {row.what: row for part in parts for row in part.rows}
    yield (
        "machine",
        (
            f"{here.processor}, {here.cores} cores; torch {here.torch}; {here.date}, commit {here.commit}; load "
            f"{here.load:g} before it began; {sum(part.seconds for part in parts) / 60:.1f} minutes in all."
        ),
    )
    trainings = dict.fromkeys(what.partition(": ")[0] for what in rows if ": limit by " in what)
    limits = ("products", "operators", "the library's convolutions")
    heads = ["training", *(f"limit by {each}" for each in limits), "`run`", "of the limits"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in trainings:
        shown = [rows[f"{name}: {each}"] for each in (*(f"limit by {each}" for each in limits), "run")]
        shares = [f"{100 * rows[f'{name}: run / limit by {each}'].median:.0f} %" for each in limits]
        paces = [f"{row.cells()[1]} ({row.cells()[2]})" for row in shown]
        lines.append(f"| {name} | {' | '.join(paces)} | {', '.join(shares)} |")
    yield "training", "\n".join(lines)
    for part in parts:
        yield part.part, table(part.rows)


def write_documents(page: Path, parts: Sequence[Measured], here: Machine) -> None:
    """Puts the figures between the page's markers; every marker has some."""
    content = page.read_text()
    for name, text in documents(parts, here):
        begins, ends = f"<!-- {name}, by make bench -->\n", f"<!-- {name} end -->"
        before, found, rest = content.partition(begins)
        _, closed, after = rest.partition(ends)
        assert found and closed, f"{page} has no place for {name}"
        content = f"{before}{begins}\n{text}\n\n{ends}{after}"
    page.write_text(content)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--tiny", action="store_true", help="only to see that it works")
    parser.add_argument("--json", type=Path, help="write machine and rows there")
    parser.add_argument(
        "--docs", action="store_true", help="write docs/performance.md; of all parts, on an idle machine"
    )
    given = parser.parse_args()
    unknown = set(given.parts) - set(PARTS)
    if unknown or (given.docs and (given.tiny or given.parts)):
        parser.error(f"no such part: {', '.join(sorted(unknown))}" if unknown else "--docs takes the whole run")
    here, names = machine(), given.parts or list(PARTS)
    with tempfile.TemporaryDirectory() as folder:
        parts = [measured(name, ("--tiny",) if given.tiny else PARTS[name], Path(folder)) for name in names]
    for part in parts:
        print(f"\n{part.part}, {part.seconds:.0f} s\n{table(part.rows) if part.rows else 'failed'}")
    if given.json:
        content = {"machine": asdict(here), "parts": [asdict(part) for part in parts]}
        given.json.write_text(json.dumps(content, indent=1) + "\n")
    failed = [part.part for part in parts if not part.rows]
    if given.docs and not failed:
        write_documents(PAGE, parts, here)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
