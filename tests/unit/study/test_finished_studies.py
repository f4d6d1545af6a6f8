"""The studies that ship finished: unpacked once, whole, and what a run left."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path

import pytest

from conftest import run_program, run_python
from piescope.report.study.results import load_results
from piescope.store import layout
from piescope.study import finished_studies as shipped
from piescope.study.catalogue import refresh_catalogue
from piescope.study.parse import load_study
from piescope.study.plan import make_plan

ROOT = Path(__file__).parents[3]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIESCOPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_digits_is_the_whole_study_as_it_is_built_in(cache: Path) -> None:
    folder = shipped.unpacked("digits")
    assert folder.parent == cache / "finished"
    results = load_results(folder)  # checks the hash of every file
    assert results is not None and not results.missing
    assert {arm.key for arm in results.arms} == {
        (item.arm.objective, item.arm.pruning, item.arm.sparsity) for item in make_plan(load_study("digits")).arms
    }
    assert results.images.shape == (797, 1, 8, 8)
    before = layout.catalogue(folder).read_bytes()
    refresh_catalogue(folder)
    assert layout.catalogue(folder).read_bytes() == before  # its steps are those of this version


def test_it_is_unpacked_once_and_what_a_killed_process_left_goes(cache: Path) -> None:
    (cache / "finished").mkdir(parents=True)
    child = run_python("import os; print(os.getpid())")
    left = cache / "finished" / f".tmp-digits-x-{int(child.stdout)}-0123abcd"
    left.mkdir()
    first = shipped.unpacked("cifar10-small")
    (first / "mine").touch()
    assert shipped.unpacked("cifar10-small") == first and (first / "mine").exists()
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_a_cache_that_cannot_be_written_is_said(cache: Path) -> None:
    cache.touch()
    with pytest.raises(OSError, match="cache"):
        shipped.unpacked("digits")


def test_the_page_without_examples_says_so_first_and_is_what_the_docs_have(cache: Path) -> None:
    folder = shipped.unpacked("cifar10-small")
    page = layout.report(folder).read_text(encoding="utf-8")
    body = page[page.index("<body>") :]
    assert body.index("no pictures of single examples yet") < body.index("<h1>")
    documents = ROOT / "docs" / "results" / "cifar10-small"
    for path in (*documents.glob("tables/*.csv"), documents / "study.toml"):
        assert (folder / path.relative_to(documents)).read_bytes() == path.read_bytes()
    with (documents / "tables" / "noise.csv").open(encoding="utf-8") as file:
        counts = [f"{round(float(row['observed'])):,}" for row in csv.DictReader(file) if row["pruning"] == "gmp"]
    assert len(counts) == 6 and all(f"<td>{count}</td>" in body for count in counts)
    made = run_program(
        [sys.executable, "-c", "import ship, sys; sys.stdout.buffer.write(ship.page_of('cifar10-small'))"],
        env={**os.environ, "PYTHONPATH": str(documents.parent)},
    )
    assert made.stdout == page, "run `python docs/results/ship.py page cifar10-small`"
    assert "default-src 'none'; img-src data:;" in page and "<script" not in page


def test_packing_again_gives_the_same(cache: Path, tmp_path: Path) -> None:
    """So a study that is shipped anew differs only where it is another one."""
    code = (
        "import ship, sys\nfrom pathlib import Path\n"
        f"sys.stdout.write(ship.pack_study(Path({str(shipped.unpacked('digits'))!r})).hex())"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "docs" / "results")}
    done = run_program([sys.executable, "-c", code], env=env)
    assert done.returncode == 0, done.stderr
    shipped.unpack(bytes.fromhex(done.stdout), tmp_path / "again")
    names = {path.relative_to(tmp_path / "again") for path in (tmp_path / "again").rglob("*") if path.is_file()}
    folder = shipped.unpacked("digits")
    assert names and all((folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in names)
    assert json.loads(layout.catalogue(tmp_path / "again").read_bytes())["study"] == "digits"
