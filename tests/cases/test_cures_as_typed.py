"""Files that are read right, or refused with a cure: each cure is typed as it stands, and the numbers are then right."""

from __future__ import annotations

import csv
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import run_piescope

ROWS = 120
IDS = [f"im{row:03d}" for row in range(ROWS)]


def _made() -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    random = np.random.default_rng(5)
    truth = random.integers(0, 4, ROWS)
    truth[:4] = range(4)
    dense = np.where(random.random(ROWS) < 0.85, truth, random.integers(0, 4, ROWS))
    said = {"dense": dense, "compressed": np.where(random.random(ROWS) < 0.9, dense, random.integers(0, 4, ROWS))}
    scores = {}
    for side, labels in said.items():
        values = random.normal(0, 1, (ROWS, 4))
        values[np.arange(ROWS), labels] = values.max(1) + 0.1 + random.random(ROWS)
        scores[side] = values.round(3)
    return truth, said, scores


TRUTH, SAID, LOGITS = _made()
CHANCES = {side: (np.exp(v) / np.exp(v).sum(1, keepdims=True)).round(4) for side, v in LOGITS.items()}
RIGHT = {side: said == TRUTH for side, said in SAID.items()}
CHANGED = int((SAID["dense"] != SAID["compressed"]).sum())
WON_OR_LOST = int((RIGHT["dense"] != RIGHT["compressed"]).sum())

Table = Mapping[str, Sequence[Any]]


def written(path: Path, table: Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(table)
        sheet.writerows(zip(*table.values(), strict=True))


def sides(folder: Path, columns: Any, labels: Table | None = None) -> list[str]:
    """Writes a table a side, and one of labels; what is typed after `piescope audit`."""
    for side in SAID:
        written(folder / f"{side}.csv", columns(side))
    if labels is None:
        return ["dense.csv", "compressed.csv"]
    written(folder / "labels.csv", labels)
    return ["dense.csv", "compressed.csv", "--labels", "labels.csv"]


def refused(folder: Path, *typed: str) -> str:
    """The cure of a refusal."""
    done = run_piescope("audit", *typed, cwd=folder)
    assert done.returncode == 2, done.stdout
    assert not (folder / "piescope-audit").exists()
    return done.stderr.partition("\n  cure      ")[2]


def flags(cure: str, *names: str) -> list[str]:
    """Some flags of a cure with what stands behind them, as a shell reads them."""
    found = []
    for name in names:
        value = re.search(rf"{name} ((?:'[^']*'|\"[^\"]*\"|[^\s;,]|,(?=\S))+)", cure)
        assert value is not None, cure
        found += [name, *shlex.split(value[1])]
    return found


def audited(folder: Path, *typed: str) -> dict[str, Any]:
    done = run_piescope("audit", *typed, cwd=folder)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((folder / "piescope-audit" / "audit.json").read_text())
    return found


def check(found: dict[str, Any], has_truth: bool = True, changed: int = CHANGED) -> None:
    told = found["inputs"]["dense"]["told"]
    assert (found["n_examples"], found["changed"]) == (ROWS, changed), told
    assert (found["accuracy"] is not None) == has_truth, told
    if has_truth:
        for side, right in RIGHT.items():
            assert found["accuracy"][side] == pytest.approx(100 * right.mean()), told


# -- names of columns that a shell would cut ----------------------------------------------------------------------------


ODD = ("my answer", "it's $HOME", 'say "x"', "a,b", " padded", "semi;colon", "`pwd`", "größe *")


@pytest.mark.parametrize("name", ODD)
def test_a_column_is_named_as_it_can_be_typed(name: str, tmp_path: Path) -> None:
    typed = sides(tmp_path, lambda side: {"item no": IDS, name: SAID[side], "gold standard": TRUTH})
    cure = refused(tmp_path, *typed)
    check(audited(tmp_path, *typed, *flags(cure, "--prediction-column", "--label-column")))


def test_scores_of_odd_names(tmp_path: Path) -> None:
    heads = ("a cat", "it's dog", "x,y", " $z")
    typed = sides(
        tmp_path, lambda side: {"item": IDS, **{head: LOGITS[side][:, place] for place, head in enumerate(heads)}}
    )
    check(audited(tmp_path, *typed, *flags(refused(tmp_path, *typed), "--score-columns")), has_truth=False)


def test_what_a_cure_leaves_out_is_said(tmp_path: Path) -> None:
    """A measurement by its name may be a class all the same."""
    heads = ("cat", "dog", "bird", "loss of power")
    typed = sides(
        tmp_path, lambda side: {"item": IDS, **{head: LOGITS[side][:, place] for place, head in enumerate(heads)}}
    )
    assert "'loss of power' left out" in refused(tmp_path, *typed)
    check(audited(tmp_path, *typed, "--score-columns", ",".join(heads)), has_truth=False)


def test_names_for_a_shell() -> None:
    from piescope.cli.audit import _listed
    from piescope.reading.files import typed

    for names in (["a"], ["a", "b"], list(ODD), ["x y", '"', '""', "'"]):
        assert _listed(shlex.split(typed(names))[0]) == tuple(names)
    assert [shlex.split(typed(name)) for name in ODD] == [[name] for name in ODD]
    assert _listed("a, b ,,c") == ("a", "b", "c")
    assert typed([f"class {place}" for place in range(99)]).endswith(",...'")
