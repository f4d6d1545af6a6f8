"""Copies a finished run's study, tables and figures into docs/results/NAME and writes its page from them.

python docs/results/collect.py DIR NAME      DIR: the run's folder
python docs/results/collect.py --check NAME  renders the page again from what is committed; 1 if it differs

A page is ``page.md.jinja``: words by hand, every number by a call that looks it up in the tables beside it.
"""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

HERE = Path(__file__).parent
WARNING = "<!-- made by docs/results/collect.py from page.md.jinja and the tables: edit those -->\n"

Row = dict[str, str]


class Numbers:
    """The tables of a run, asked by arm."""

    def __init__(self, folder: Path) -> None:
        self.tables: dict[str, list[Row]] = {}
        for path in sorted((folder / "tables").glob("*.csv")):
            with path.open(newline="", encoding="utf-8") as file:
                self.tables[path.stem] = list(csv.DictReader(file))

    def find(self, table: str, **wanted: Any) -> Row:
        """The only row with these values."""
        rows = [row for row in self.tables[table] if all(row[key] == str(value) for key, value in wanted.items())]
        if len(rows) != 1:
            raise KeyError(f"{table}: {len(rows)} rows with {wanted}")
        return rows[0]

    def accuracy(self, objective: str, pruning: str, sparsity: float) -> str:
        """``64.3 ± 0.5 %``."""
        row = self.find("pies", objective=objective, pruning=pruning, sparsity=sparsity)
        return f"{float(row['accuracy_mean']):.1f} ± {float(row['accuracy_std']):.1f} %"

    def pies(self, objective: str, pruning: str, sparsity: float) -> str:
        """``2,571``."""
        return f"{int(self.find('pies', objective=objective, pruning=pruning, sparsity=sparsity)['pies']):,}"

    def tied(self) -> str:
        """PIEs that a tie of votes decides, of all."""
        counts = [sum(int(row[key]) for row in self.tables["pies"]) for key in ("tied_pies", "pies")]
        return f"{counts[0]:,} of {counts[1]:,}"

    def q(self, objective: str, pruning: str, sparsity: float, column: str = "q_mean") -> str:
        """A column of the Q-Score table."""
        return f"{float(self.find('q_score', objective=objective, pruning=pruning, sparsity=sparsity)[column]):.2f}"

    def effect(self, claim: str, comparison: str, about: str = "") -> str:
        """``1.82 [1.55, 2.15]``; ``about``: a part of the effect's name, where a comparison has several."""
        rows = [
            row
            for row in self.tables["claims"]
            if row["claim"] == claim
            and row["comparison"].replace("\N{NO-BREAK SPACE}", " ") == comparison
            and about in row["effect"]
        ]
        rows = [row for row in rows if row["effect"] == about] or rows
        if len(rows) != 1:
            raise KeyError(f"{claim}: {len(rows)} rows {comparison!r} {about!r}")
        value, low, high = (rows[0][key] for key in ("value", "low", "high"))
        told = f"{float(value):.3g}"
        return told if not low else f"{told} [{float(low):.3g}, {float(high):.3g}]"

    def verdict(self, claim: str) -> str:
        """Of the whole claim."""
        return self.find("claims", claim=claim, comparison="overall")["verdict"]

    def verdicts(self) -> str:
        """All verdicts as a table."""
        lines = ["| claim | verdict | what the paper says |", "|---|---|---|"]
        for row in self.tables["claims"]:
            if row["comparison"] == "overall":
                reason = f" ({row['reason']})" if row["reason"] else ""
                lines.append(f"| {row['claim']} | **{row['verdict']}**{reason} | {row['effect']} |")
        return "\n".join(lines)

    def arms(self) -> str:
        """PIEs and accuracy of every arm, a line per sparsity."""
        families = list(dict.fromkeys((r["objective"], r["pruning"]) for r in self.tables["pies"]))
        families = [family for family in families if family[1] != "dense"]
        sparsities = sorted({row["sparsity"] for row in self.tables["pies"]}, key=float)
        names = [f"{objective} {pruning}" for objective, pruning in families]
        lines = ["| sparsity | " + " | ".join(names) + " |", "|---" * (1 + len(names)) + "|"]
        for sparsity in sparsities:
            cells = []
            for objective, pruning in families:
                arm = objective, "dense" if float(sparsity) == 0 else pruning, sparsity
                count = "" if arm[1] == "dense" else f"{self.pies(*arm)} PIEs, "  # type: ignore[arg-type]
                cells.append(count + self.accuracy(*arm))  # type: ignore[arg-type]
            lines.append(f"| {100 * float(sparsity):g} % | " + " | ".join(cells) + " |")
        return "\n".join(lines)


def render(folder: Path) -> str:
    """The page of a folder of docs/results."""
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    template = environment.from_string((folder / "page.md.jinja").read_text(encoding="utf-8"))
    return WARNING + template.render(run=Numbers(folder))


def collect(run: Path, folder: Path) -> None:
    """Copies study, tables and figures; the frames behind the figures only where they are small."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(run / "study.toml", folder / "study.toml")
    for kind in ("tables", "figures"):
        shutil.rmtree(folder / kind, ignore_errors=True)
        (folder / kind).mkdir()
        for path in sorted((run / "results" / kind).iterdir()):
            if kind == "tables" or path.suffix == ".svg":
                shutil.copy(path, folder / kind / path.name)
    (folder / "README.md").write_text(render(folder), encoding="utf-8")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--check", name]:
            sys.exit(int((HERE / name / "README.md").read_text(encoding="utf-8") != render(HERE / name)))
        case [run, name]:
            collect(Path(run), HERE / name)
        case _:
            sys.exit(__doc__)
