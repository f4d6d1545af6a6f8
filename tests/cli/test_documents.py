"""What the documents show must run."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from typer.testing import CliRunner

from conftest import run_piescope, run_program, run_python
from piescope.cli.app import app
from piescope.study.parse import load_study, parse_study
from piescope.study.plan import make_plan

ROOT = Path(__file__).parents[2]


@pytest.mark.sampled(8, heavy=True)
def test_the_quickstart_runs_and_is_what_the_tutorial_shows() -> None:
    code = (ROOT / "examples" / "quickstart.py").read_text()
    assert f"```python\n{code}```" in (ROOT / "docs" / "tutorial.md").read_text()
    assert len([line for line in code.splitlines() if line.strip()]) <= 12 + 1  # twelve lines and what they print
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+ of 797 digits are forgotten, \['digits-\d{4}'.*\] among them\n", done.stdout)


@pytest.mark.sampled(8, heavy=True)
def test_the_example_of_noise_runs_and_more_is_forgotten_than_seeds_make() -> None:
    code = (ROOT / "examples" / "signal_or_noise.py").read_text()
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    told = re.fullmatch(
        r"(\d+) of 797 digits are forgotten.*\nin groups of 4 models (\d+), where seeds alone make (\d+)\nbeyond that .*\n",
        done.stdout,
    )
    assert told is not None, done.stdout
    assert int(told[2]) > int(told[3])


def test_the_study_in_the_docs_is_valid() -> None:
    text = re.search(r"```toml\n(.*?)```", (ROOT / "docs" / "studies.md").read_text(), re.DOTALL)
    assert text is not None
    assert make_plan(parse_study(text[1])).models == 5 * (1 + 2 + 2 + 2 + 1 + 2 + 1) - 2


def studies_in(path: Path) -> list[str]:
    """The study files that a document shows, whether fenced or indented."""
    text = path.read_text(encoding="utf-8")
    fence = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    blocks = [*fence.findall(text), *re.findall(r"(?:^ {4}.*\n)+", fence.sub("", text), re.MULTILINE)]
    return [dedent(block) for block in blocks if re.search(r"^ *name = ", block, re.MULTILINE)]


def test_each_study_file_that_a_document_shows_can_be_planned(tmp_path: Path) -> None:
    shown = {path: studies_in(path) for path in sorted((ROOT / "docs").rglob("*.md"))}
    assert [len(shown[ROOT / "docs" / name]) for name in ("studies.md", "howto/study.md")] == [2, 1]
    for path, studies in shown.items():
        for text in studies:
            (tmp_path / "mine.toml").write_text(text)
            done = CliRunner().invoke(app, ["plan", str(tmp_path / "mine.toml"), "--tune", "off"])
            assert done.exit_code == 0, f"{path}: {done.output}"
            assert "measures         prediction depth of" in done.stdout


@pytest.mark.sampled(8, heavy=True)
def test_the_study_in_the_docs_runs_simclr_and_random_pruning(tmp_path: Path) -> None:
    text = re.search(r"```toml\n(.*?)```", (ROOT / "docs" / "studies.md").read_text(), re.DOTALL)
    assert text is not None
    short = re.sub(r"\[measures.*", "", text[1], flags=re.DOTALL)  # its measures run in the tiny study
    short = re.sub(r"epochs = \d+", "epochs = 1", re.sub(r"replicates = 5.*", "replicates = 1", short)).replace(
        '" = 3 }', '" = 1 }'
    )
    short = short.replace("begin = 20, end = 160, frequency = 10", "begin = 2, end = 12, frequency = 5")
    study = tmp_path / "my-study.toml"
    study.write_text(short)
    done = run_piescope("run", study, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "out" / "results" / "tables" / "sparsity.csv").open() as file:
        rows = list(csv.DictReader(file))
    arms = {(row["objective"], row["pruning"]) for row in rows}
    mine = {("supervised", "mine"), ("simclr", "mine"), ("supervised", "mine_unpruned")}
    assert arms == {("supervised", "gmp"), *mine}
    assert all(float(row["largest_deviation"]) < 1 for row in rows)


@pytest.mark.sampled(8, heavy=True)
def test_the_pages_of_results_are_what_their_tables_say() -> None:
    for folder in sorted(path.parent for path in (ROOT / "docs" / "results").glob("*/page.md.jinja")):
        done = run_program([sys.executable, ROOT / "docs" / "results" / "collect.py", "--check", folder.name])
        assert done.returncode == 0, f"{folder.name}: run docs/results/collect.py again"
        parsed = parse_study((folder / "study.toml").read_text(encoding="utf-8"))
        shipped = load_study(folder.name)
        assert parsed == shipped  # the study that ships is the one that was run
        with (folder / "tables" / "claims.csv").open(encoding="utf-8") as file:
            claims = [row["claim"] for row in csv.DictReader(file) if row["comparison"] == "overall"]
        assert claims == [f"C{number}" for number in range(1, 16)]


def test_what_the_documents_say_of_the_run_on_photographs_stands_in_its_tables() -> None:
    with (ROOT / "docs" / "results" / "cifar10-small" / "tables" / "noise.csv").open(encoding="utf-8") as file:
        rows = {(row["objective"], row["pruning"], row["sparsity"]): row for row in csv.DictReader(file)}
    half, most = rows["supervised", "gmp", "0.5"], rows["supervised", "gmp", "0.9"]
    shares = [f"{100 * float(row['floor']) / float(row['observed']):.0f} %" for row in (half, most)]
    words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    models = words[int(half["n_models"])]
    said = (
        f"shows an estimated {float(half['observed']):,.0f} PIEs between groups of {models} models, and two\ndense groups show "
        f"{float(half['floor']):,.0f}: {shares[0]} is noise"
    )
    for path in (ROOT / "README.md", ROOT / "docs" / "paper.md"):
        text = path.read_text(encoding="utf-8")
        assert said in text and f"t 90 % it is {shares[1]}" in text, f"{path.name}: {said}; at 90 % {shares[1]}"
    shot = rows["supervised", "one_shot", "0.5"]
    told = (
        f"has {int(shot['pies']):,} PIEs against its parents, {float(shot['observed']):,.0f} against other seeds, and two "
        f"dense groups have {float(shot['floor']):,.0f}."
    )
    assert told in (ROOT / "docs" / "signal.md").read_text(encoding="utf-8"), told
