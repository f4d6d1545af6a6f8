"""Copies a finished run's study, tables and figures into docs/results/NAME and writes its page from them.

python docs/results/collect.py DIR NAME      DIR: the run's folder
python docs/results/collect.py --check NAME  renders the page again from what is committed; 1 if it differs

A page is ``page.md.jinja``: words by hand, every number by a call that looks it up in the tables beside it.
"""

from __future__ import annotations

import csv
import shutil
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import scipy.stats as stats
from jinja2 import Environment, StrictUndefined

HERE = Path(__file__).parent
WARNING = "<!-- made by docs/results/collect.py from page.md.jinja and the tables: edit those -->\n"

Row = dict[str, str]

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class Numbers:
    """The tables of a run, asked by arm."""

    def __init__(self, folder: Path) -> None:
        self.tables = {path.stem: _rows(path) for path in sorted((folder / "tables").glob("*.csv"))}
        self.before, self.history = _rows(folder / "before.csv"), _rows(folder / "history.csv")

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
        """PIEs that a tie of votes decides, of all but those of the controls."""
        studied = [row for row in self.tables["pies"] if not row["control"]]
        counts = [sum(int(row[key]) for row in studied) for key in ("tied_pies", "pies")]
        return f"{counts[0]:,} of {counts[1]:,}"

    def q(self, objective: str, pruning: str, sparsity: float, column: str = "q_mean") -> str:
        """A column of the Q-Score table."""
        return f"{float(self.find('q_score', objective=objective, pruning=pruning, sparsity=sparsity)[column]):.2f}"

    def effect(self, claim: str, comparison: str, about: str = "") -> str:
        """``1.82 [1.55, 2.15]``; ``about``: a part of the effect's name; else of the one that the verdict rests on.

        ``comparison``: as the table names it; * stands for what hangs on the run.
        """
        rows = [
            row
            for row in self.tables["claims"]
            if row["claim"] == claim
            and fnmatchcase(row["comparison"].replace("\N{NO-BREAK SPACE}", " "), comparison)
            and about in row["effect"]
        ]
        rows = [row for row in rows if row["effect"] == about or (row["verdict"] and not about)] or rows
        if len(rows) != 1:
            raise KeyError(f"{claim}: {len(rows)} rows {comparison!r} {about!r}")
        value, low, high = (rows[0][key] for key in ("value", "low", "high"))
        told = f"{float(value):.3g}"
        return told if not low else f"{told} [{float(low):.3g}, {float(high):.3g}]"

    def verdict(self, claim: str) -> str:
        """Of the whole claim."""
        return self.find("claims", claim=claim, comparison="overall")["verdict"]

    def verdicts(self) -> str:
        """All verdicts as a table, beside those of an earlier run (before.csv) and of fewer models (history.csv)."""
        earlier = [(row["claim"], row["run"], row["verdict"]) for row in self.before]
        fewer = [(row["claim"], f"{NUMBERS[int(row['models']) - 1]} models", row["verdict"]) for row in self.history]
        before = {(claim, run): verdict for claim, run, verdict in earlier + fewer}
        runs = list(dict.fromkeys(run for _, run in before))
        heads = ("claim", "what the paper says", *runs, "now", "in the paper's range", "what is not clear, or why")
        lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        for row in self.tables["claims"]:
            if row["comparison"] == "overall":
                cells = (
                    row["claim"],
                    row["effect"],
                    *(before.get((row["claim"], run), "") for run in runs),
                    f"**{row['verdict']}**",
                    row["verdict_in_paper"],
                    row["reason"],
                )
                lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)

    def count(self, verdict: str) -> int:
        """How many claims have a verdict."""
        rows = [row for row in self.tables["claims"] if row["comparison"] == "overall"]
        return sum(row["verdict"] == verdict for row in rows)

    def models(self) -> str:
        """``150``: networks of all arms."""
        return f"{sum(int(row['n_models']) for row in self.tables['pies']):,}"

    def each(self) -> int:
        """``3``: models of every arm."""
        (models,) = {int(row["n_models"]) for row in self.tables["pies"]}
        return models

    def word(self) -> str:
        """``three``: models of every arm."""
        return NUMBERS[self.each() - 1]

    def reach(self) -> str:
        """``4.3``: how many standard errors an interval has each way where seeds are all that is uncertain."""
        return f"{stats.t.ppf(0.975, self.each() - 1):.1f}"

    def arms(self) -> str:
        """PIEs and accuracy of every arm, a line per sparsity."""
        families = list(dict.fromkeys((r["objective"], r["pruning"]) for r in self.tables["pies"] if not r["control"]))
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

    def noise(self, objective: str, pruning: str, sparsity: float, column: str) -> str:
        """A column of the noise table: a count, or ``1,234 [930, 1,537]`` for ``excess``."""
        row = self.find("noise", objective=objective, pruning=pruning, sparsity=sparsity)
        return _with_ends(row, column)

    def share_of_seeds(self, objective: str, pruning: str, sparsity: float) -> str:
        """The floor in percent of what is observed between groups of the same size."""
        row = self.find("noise", objective=objective, pruning=pruning, sparsity=sparsity)
        return f"{100 * float(row['floor']) / float(row['observed']):.0f} %"

    def part(self, objective: str, pruning: str, sparsity: float, part: str) -> str:
        """A part of the PIEs, with its interval."""
        return _with_ends(
            self.find("decomposition", objective=objective, pruning=pruning, sparsity=sparsity, part=part), "pies"
        )

    def surviving(self) -> str:
        """What is left of each arm's PIEs, as a table."""
        heads = (
            "arm",
            "PIEs",
            "separate groups (estimated)",
            "seeds alone (estimated)",
            "excess [95 %]",
            "confirmed one by one",
        )
        lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        controls = {(row["objective"], row["pruning"]) for row in self.tables["pies"] if row["control"]}
        for row in self.tables["noise"]:
            if (row["objective"], row["pruning"]) not in controls:
                counts = [f"{float(row[key]):,.0f}" for key in ("pies", "observed", "floor")]
                cells = [*counts, _with_ends(row, "excess"), f"{int(row['confirmed']):,}"]
                name = f"{row['objective']} {row['pruning']}, {100 * float(row['sparsity']):g} %"
                lines.append(f"| {name} | {' | '.join(cells)} |")
        return "\n".join(lines)

    def overlap(self, a: tuple[str, str, float], b: tuple[str, str, float]) -> str:
        """``1,462, by chance 1,204 (1.21 x), among equally hard ones 1,448 (1.01 x, p = 0.45)``."""
        named = {
            f"{key}_{side}": value
            for side, arm in (("a", a), ("b", b))
            for key, value in zip(("objective", "pruning", "sparsity"), arm, strict=True)
        }
        row = self.find("overlap", **named)
        return (
            f"{int(row['observed']):,}, by chance {float(row['expected']):,.0f} ({float(row['ratio']):.2f} x), among "
            f"equally hard ones {float(row['hard_expected']):,.0f} ({float(row['hard_ratio']):.2f} x)"
        )

    def auroc(self, objective: str, score: str, pruning: str = "dense", sparsity: float = 0.0) -> str:
        """``0.69 [0.68, 0.70]``: of an error of the dense model, or of being a PIE of a pruned arm."""
        row = self.find("predictors", objective=objective, score=score, pruning=pruning, sparsity=sparsity)
        return f"{float(row['auroc']):.2f} [{float(row['low']):.2f}, {float(row['high']):.2f}]"

    def impact(self, objective: str, pruning: str, sparsity: float, name: str, column: str = "change") -> str:
        """A class's change of recall, or its impact with the interval, in percentage points."""
        row = self.find(
            "class_impact", **{"objective": objective, "pruning": pruning, "sparsity": sparsity, "class": name}
        )
        told = f"{float(row[column]):.1f}"
        return told if column != "impact" else f"{told} [{float(row['low']):.1f}, {float(row['high']):.1f}]"


def _rows(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _with_ends(row: Row, column: str) -> str:
    value, low, high = (row.get(f"{column}{end}", "") for end in ("", "_low", "_high"))
    told = f"{float(value):,.0f}"
    return told if not low else f"{told} [{float(low):,.0f}, {float(high):,.0f}]"


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
