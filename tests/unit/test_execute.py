from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from piescope.machine import processor
from piescope.problems import StudyError
from piescope.store import layout
from piescope.store.artefacts import write_file
from piescope.study import execute
from piescope.study.parse import load_study, study_toml
from piescope.study.steps import LIBRARIES

DIGITS = load_study("digits")


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(
    "left", [["run.lock"], [".tmp-study.toml-0-0123abcd"], ["run.lock", ".tmp-study.toml-0-0123abcd"]]
)
def test_what_a_kill_can_leave_does_not_lock_the_folder(tmp_path: Path, left: list[str], fresh: bool) -> None:
    for name in left:
        (tmp_path / name).write_text("")
    execute._check_folder(DIGITS, tmp_path, fresh)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, fresh: bool) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(StudyError, match="other files"):
        execute._check_folder(DIGITS, tmp_path, fresh)


def test_another_study_is_refused_unless_fresh(tmp_path: Path) -> None:
    other = DIGITS.model_copy(update={"name": "other"})
    write_file(layout.study(tmp_path), study_toml(other).encode())
    layout.lock(tmp_path).touch()
    with pytest.raises(StudyError, match="the study 'other'"):
        execute._check_folder(DIGITS, tmp_path, fresh=False)
    execute._check_folder(DIGITS, tmp_path, fresh=True)


@pytest.mark.parametrize("fresh", [False, True])
def test_the_study_that_its_author_wrote_is_not_written_over(tmp_path: Path, fresh: bool) -> None:
    write_file(layout.study(tmp_path), study_toml(DIGITS).encode())
    with pytest.raises(StudyError, match="other files"):
        execute._check_folder(DIGITS, tmp_path, fresh)


def test_the_catalogue_tells_on_what_every_step_was_made(stored_run: Path) -> None:
    """Its models come from elsewhere, and were compared here."""
    here, elsewhere = json.loads(layout.catalogue(stored_run).read_bytes())["environments"]
    assert elsewhere["cpu"] == "stored"
    assert here["processor"] == processor() != ""
    cpuinfo = Path("/proc/cpuinfo")
    assert not cpuinfo.is_file() or "model name" not in cpuinfo.read_text() or here["processor"] in cpuinfo.read_text()
    assert here["libraries"] == {name: version(name) for name in LIBRARIES}
    assert {"numpy", "scipy", "scikit-learn", "faiss-cpu", "umap-learn", "numba"} == set(here["libraries"])
