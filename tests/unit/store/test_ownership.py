"""Nothing that piescope did not write is removed, whatever it is called and wherever it lies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from conftest import SMALL, Run, run_piescope
from piescope.problems import StudyError
from piescope.store import layout, ownership
from piescope.study.folder import check_folder
from piescope.study.parse import load_study, study_toml

DIGITS = load_study("digits")
KEY = "0123456789abcdef" * 2


def step(out: Path, kind: str = "train", key: str = KEY, files: tuple[str, ...] = ("model.safetensors",)) -> Path:
    folder = layout.artefact(out, kind, key)
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).write_text("made")
    (folder / layout.MANIFEST).write_text(json.dumps({"key": key, "kind": kind, "files": {name: {} for name in files}}))
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A study's folder as a run leaves it."""
    made = tmp_path / "out"
    step(made)
    step(made, "compare", KEY[::-1], ("examples.parquet", "summary.json"))
    layout.study(made).write_text(study_toml(DIGITS))
    layout.catalogue(made).write_text(json.dumps({"study": "digits", "arms": [], "missing": []}))
    for path in (
        layout.lock(made),
        layout.running(made),
        layout.report(made),
        layout.checkpoint(made, KEY),
        layout.fork(made, KEY),
        layout.failure(made, KEY),
        layout.log(made, KEY),
    ):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    tables = [layout.table(made, "pies", "csv"), layout.figure(made, 1, "svg"), layout.examples(made)]
    for path in tables:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("made")
    listed = {str(path.relative_to(made)): "hash" for path in (*tables, layout.report(made))}
    layout.results_manifest(made).write_text(json.dumps({"made_from": {}, "files": listed}))
    return made


FOREIGN = [
    "thesis.csv", "results/thesis.csv", "results/tables/pies-mine.csv", "results/tables/old.tex", "results/figures/figure-1.png", "logs/server.log",
    "logs/results", "failures/notes.json", "checkpoints/best.safetensors", "forks/mine.safetensors", "artefacts/readme.txt", "artefacts/train/notes", "artefacts/mine/weights/model.safetensors",
    "artefacts/mine/weights/manifest.json", ".tmp-mine", ".tmp-report-of-2024", "report.html.bak", "mine/results/manifest.json",
]  # fmt: skip


def test_discard_removes_what_is_ours_and_only_that(out: Path) -> None:
    for name in FOREIGN:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("mine")
    check_folder(DIGITS, out, fresh=True)
    ownership.discard(out)
    left = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert left == {*FOREIGN, "run.lock"}
    assert all((out / name).read_text() == "mine" for name in FOREIGN)


def test_without_foreign_files_the_lock_alone_is_left(out: Path) -> None:
    ownership.discard(out)
    assert [path.name for path in out.rglob("*")] == ["run.lock"]


def test_a_discard_that_was_killed_is_taken_up_again(out: Path) -> None:
    for path in ownership.belongings(out)[:-1]:
        path.unlink()
        assert ownership.holds_a_study(out), path
    check_folder(DIGITS, out, fresh=True)
    ownership.discard(out)
    assert [path.name for path in out.rglob("*") if path.is_file()] == ["run.lock"]


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(
    "names",
    [
        ["results/thesis.csv"], ["logs/server.log"], ["artefacts/a.zip"], ["report.html"], ["failures/1.json"], ["catalogue.json"], ["study.toml"],
        ["results/thesis.csv", "run.lock"], ["run.lock", "study.toml"], ["results/manifest.json", "results/thesis.csv"],
        ["artefacts/train/latest/manifest.json"], ["running.json"], [".tmp-thesis"],
    ],
)  # fmt: skip
def test_folders_with_names_like_ours_are_refused(names: list[str], fresh: bool, tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(
            "" if name == "run.lock" else "mine = 1" if name == "study.toml" else '{"mine": 1}'
        )
    with pytest.raises(StudyError, match="other files"):
        check_folder(DIGITS, tmp_path, fresh)
    assert all((tmp_path / name).is_file() for name in names)


@pytest.mark.parametrize(
    "name",
    [
        "results",
        "logs",
        "failures",
        "forks",
        "artefacts",
        "work",
        "results/tables",
        "artefacts/train",
        f"artefacts/train/{KEY}",
    ],
)
def test_links_are_not_followed(name: str, out: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (out / name).mkdir(exist_ok=True)
    (out / name).rename(elsewhere)
    (out / name).symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    with pytest.raises(StudyError, match="is a link to another place"):
        check_folder(DIGITS, out, fresh=True)
    ownership.discard(out)  # nor where nobody looked first
    assert sorted(elsewhere.rglob("*")) == before


def test_linked_files_stay(out: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.html"
    thesis.write_text("mine")
    layout.report(out).unlink()
    layout.report(out).symlink_to(thesis)
    ownership.discard(out)
    assert thesis.read_text() == "mine"


def test_files_inside_a_step_are_refused_before_anything_is_removed(out: Path) -> None:
    (layout.artefact(out, "train", KEY) / "notes.txt").write_text("mine")
    before = sorted(out.rglob("*"))
    with pytest.raises(StudyError, match=r"notes\.txt, which piescope did not write"):
        check_folder(DIGITS, out, fresh=True)
    assert sorted(out.rglob("*")) == before


def test_manifests_cannot_point_elsewhere(out: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.csv"
    thesis.write_text("mine")
    (out / "thesis.csv").write_text("mine")
    listed = {
        "../thesis.csv": "",
        str(thesis): "",
        "thesis.csv": "",
        "results/../thesis.csv": "",
        "results/../../thesis.csv": "",
    }
    layout.results_manifest(out).write_text(json.dumps({"made_from": {}, "files": listed}))
    manifest = layout.artefact(out, "train", KEY) / layout.MANIFEST
    manifest.write_text(json.dumps({"key": KEY, "files": {"../../../thesis.csv": {}, str(thesis): {}}}))
    ownership.discard(out)
    assert thesis.read_text() == (out / "thesis.csv").read_text() == "mine"


def test_damaged_manifests_do_not_make_a_folder_unusable(out: Path) -> None:
    for manifest in out.rglob("manifest.json"):
        manifest.write_text("{")
    layout.catalogue(out).write_text("")
    check_folder(DIGITS, out, fresh=True)
    ownership.discard(out)
    assert not list(out.glob("artefacts/*/*/*"))


def test_fresh_in_a_folder_that_is_merely_called_so(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    (folder / "results").mkdir(parents=True)
    (folder / "logs").mkdir()
    (folder / "results" / "thesis.csv").write_text("mine")
    for flags in ([], ["--fresh"]):
        done = run_piescope("run", SMALL, "--out", folder, *flags)
        assert done.returncode == 2
        assert "a folder with other files" in done.stderr
    assert (folder / "results" / "thesis.csv").read_text() == "mine"
    assert (folder / "logs").is_dir()


@pytest.mark.sampled(8, heavy=True)
def test_folders_of_finished_studies_stay_usable(small_run: Run, tmp_path: Path) -> None:
    """Nothing was added to what a run writes: folders of before are known by their content, also without a lock."""
    out = small_run.copy(tmp_path / "old")
    layout.lock(out).unlink()
    (out / "results" / "thesis.csv").write_text("mine")
    assert run_piescope("run", SMALL, "--out", out).returncode == 0
    assert run_piescope("report", out).returncode == 0
    check_folder(load_study(str(SMALL)), out, fresh=True)
    ownership.discard(out)
    assert {path.name for path in out.rglob("*") if path.is_file()} == {"run.lock", "thesis.csv"}
    shutil.rmtree(out)
