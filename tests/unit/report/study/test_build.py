"""What a report writes: what was asked for, current until something changes, and nothing of an earlier one left."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from piescope.report.study.build import build_report, is_current
from piescope.store import layout


@pytest.fixture(scope="module")
def built(stored_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with its report; nobody writes to it."""
    out = tmp_path_factory.mktemp("built") / "study"
    shutil.copytree(stored_run, out)
    assert build_report(out) is not None
    return out


def test_every_figure_and_table_has_its_files_and_the_manifest_lists_them(built: Path) -> None:
    listed = json.loads(layout.results_manifest(built).read_bytes())["files"]
    present = {str(path.relative_to(built)) for path in layout.results(built).rglob("*") if path.is_file()}
    assert present | {"report.html"} == {*listed, "results/manifest.json"}
    figures = {f"results/figures/figure-{number}.{suffix}" for number in range(1, 12) for suffix in ("svg", "csv")}
    figures |= {f"results/figures/figure-{number}.pdf" for number in range(1, 8)}
    assert {name for name in listed if "/figures/" in name} == figures
    assert all((built / name).read_bytes().startswith(b"%PDF") for name in figures if name.endswith("pdf"))
    assert is_current(built)


@pytest.mark.sampled(8, heavy=True)
def test_results_of_an_earlier_version_go_and_what_is_somebodys_stays(built: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    shutil.copytree(built, out)
    old, mine = layout.figure(out, 9, "pdf"), layout.figure(out, 3, "png")
    for path in (old, mine):
        path.write_bytes(b"drawn before")
    manifest = json.loads(layout.results_manifest(out).read_bytes())
    manifest["files"][str(old.relative_to(out))] = "0" * 64
    layout.results_manifest(out).write_text(json.dumps(manifest))
    assert not is_current(out)
    assert build_report(out) is not None
    assert not old.exists()
    assert mine.read_bytes() == b"drawn before"
    assert is_current(out)


def test_an_empty_study_has_no_report(tmp_path: Path, stored_run: Path) -> None:
    out = tmp_path / "study"
    shutil.copytree(stored_run, out)
    catalogue = json.loads(layout.catalogue(out).read_bytes())
    catalogue["arms"] = []
    del catalogue["sha256"]
    layout.catalogue(out).write_text(json.dumps(catalogue))
    assert build_report(out) is None
    assert not layout.results(out).exists()
