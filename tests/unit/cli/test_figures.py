"""`piescope figures`: files of the asked kinds and sizes, of finished and unfinished studies; what is asked wrongly is refused."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from conftest import run_piescope
from piescope.report.layout.canvas import saved
from piescope.runs import StudyRun


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.sampled(8, heavy=True)
def test_files_are_those_that_were_asked_for_and_those_of_python(stored_run: Path, tmp_path: Path) -> None:
    arguments = ("--only", "4,1", "--format", "png, svg,pdf", "--width", "column")
    done = run_piescope("figures", stored_run, *arguments, "--out", tmp_path / "new" / "figures")
    assert (done.returncode, done.stderr) == (0, "")
    written = tmp_path / "new" / "figures"
    assert done.stdout.splitlines()[-1].startswith("6 files: ")
    assert names(written) == {f"figure-{n}-paper-column.{kind}" for n in (1, 4) for kind in ("svg", "pdf", "png")}
    figure = StudyRun(stored_run).figure(4, width="column")
    assert (written / "figure-4-paper-column.pdf").read_bytes() == saved(figure, "pdf")
    with Image.open(io.BytesIO((written / "figure-4-paper-column.png").read_bytes())) as image:
        assert image.width == 1050  # 3.5 inches
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    sizes = re.search(rb'<svg [^>]*width="([\d.]+)pt"', (written / "figure-1-paper-column.svg").read_bytes())
    assert sizes is not None and float(sizes[1]) == 252


@pytest.mark.sampled(8, heavy=True)
def test_by_default_all_figures_go_to_the_studys_folder_and_a_half_done_one_has_some(
    stored_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "study"
    shutil.copytree(stored_run, out)
    whole = names_after(out, "talk")
    for step in (out / "artefacts" / "project").iterdir():
        shutil.rmtree(step)
    shutil.rmtree(out / "figures")
    half = names_after(out, "talk")
    assert "figure-1-talk-page.svg" in whole
    assert half <= whole
    assert "figure-2-talk-page.svg" in half


def names_after(out: Path, style: str) -> set[str]:
    done = run_piescope("figures", out, "--style", style, "--format", "svg")
    assert done.returncode == 0, done.stderr
    missing = {int(number) for number in re.findall(r"figure (\d+): nothing of this kind", done.stdout)}
    written = names(out / "figures")
    assert written == {f"figure-{number}-{style}-page.svg" for number in range(1, 12) if number not in missing}
    return written


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--only", "1,12"), "unknown figure '12'"),
        (("--only", ""), "unknown figure ''"),
        (("--format", "pgf"), "unknown format 'pgf'"),
        (("--style", "poster"), "'paper', 'talk'"),
    ],
)
def test_what_there_is_not_is_refused(stored_run: Path, tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    done = run_piescope("figures", stored_run, *arguments, "--out", tmp_path / "figures")
    assert done.returncode == 2
    assert told in done.stderr
    assert not (tmp_path / "figures").exists()


def test_a_folder_without_a_study_is_refused_and_an_empty_study_says_so(tmp_path: Path) -> None:
    done = run_piescope("figures", tmp_path)
    assert (done.returncode, "no study.toml" in done.stderr) == (2, True)
