"""`piescope audit --demo`: small, whole, and the same as typed."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from conftest import at_most, run_piescope
from piescope.cli.demo import OUT, SIDES, next_lines
from piescope.data.sources import load_digits
from piescope.version import STUDY

ROOT = Path(__file__).parents[3]


@pytest.mark.sampled(8, heavy=True)
def test_the_demonstration_needs_neither_torch_nor_long_and_can_be_typed(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    for name in STUDY:  # of the extra: the small installation has none of it
        (hidden / f"{name}.py").write_text("raise ModuleNotFoundError\n")
    with at_most(6):
        done = run_piescope("audit", "--demo", cwd=tmp_path, env={"PYTHONPATH": str(hidden)}, new=True)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / OUT / "audit.json").read_text())
    assert told["n_examples"] == 797 and told["verdict"]["answer"] == "harm shown"
    assert (tmp_path / OUT / "report.html").read_text().count("data:image/png") >= 12
    quoted = re.search(r"^> (.*)$", (ROOT / "docs" / "tutorial.md").read_text(), re.MULTILINE)
    assert quoted is not None and quoted[1] in " ".join(done.stdout.split())
    lines = done.stdout.splitlines()
    assert lines[-6:] == next_lines(OUT)
    show, again = shlex.split(lines[-5]), shlex.split(lines[-3])
    shown = run_piescope(*show[1:], "--no-browser", cwd=tmp_path)
    assert shown.stdout == f"{tmp_path / OUT / 'report.html'}\n"
    typed = run_piescope(*again[1:], cwd=tmp_path)
    assert typed.returncode == 0, typed.stderr
    assert (tmp_path / "piescope-audit" / "audit.json").read_bytes() == (tmp_path / OUT / "audit.json").read_bytes()


def test_the_predictions_are_probabilities_of_the_shipped_digits() -> None:
    from importlib import resources

    test = load_digits().test
    for side in SIDES:
        lines = (resources.files("piescope.auditing") / "demo" / side).read_text().splitlines()
        rows = [line.split(",") for line in lines]
        assert rows[0] == ["id", *test.class_names] and [row[0] for row in rows[1:]] == list(test.ids)
        chances = np.array([row[1:] for row in rows[1:]], float)
        assert np.abs(chances.sum(1) - 1).max() < 6e-4  # ten numbers of four decimals
        assert (chances.argmax(1) == test.labels).mean() > 0.9


def test_it_takes_budgets_and_no_sides(tmp_path: Path) -> None:
    broken = run_piescope("audit", "--demo", "--max-flips", "1%", "--out", "mine", cwd=tmp_path)
    assert broken.returncode == 1 and "max_flips broken" in broken.stderr
    assert (tmp_path / "mine" / "audit.json").is_file() and not (tmp_path / OUT).exists()
    assert "piescope show mine" in broken.stdout
    for more in (["x.csv"], ["--data", "digits"]):
        refused = run_piescope("audit", "--demo", *more, cwd=tmp_path)
        assert refused.returncode == 2 and "the files that ship, alone" in refused.stderr


def test_files_of_these_names_stay(tmp_path: Path) -> None:
    (tmp_path / "piescope-demo").mkdir()
    (tmp_path / "piescope-demo" / SIDES[1]).write_text("mine")
    refused = run_piescope("audit", "--demo", cwd=tmp_path)
    assert refused.returncode == 2 and "of your own" in refused.stderr
    assert (tmp_path / "piescope-demo" / SIDES[1]).read_text() == "mine"


def test_without_sides_the_demonstration_is_named(tmp_path: Path) -> None:
    refused = run_piescope("audit", cwd=tmp_path)
    assert refused.returncode == 2 and "piescope audit --demo" in refused.stderr
