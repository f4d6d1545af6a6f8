from __future__ import annotations

from pathlib import Path

import pytest

from piescope.problems import StudyError
from piescope.store import layout
from piescope.store.artefacts import write_file
from piescope.study import execute
from piescope.study.parse import load_study, study_toml

DIGITS = load_study("digits")


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("left", ["run.lock", ".tmp-study.toml-1-abcd", "catalogue.json", "report.html", "artefacts"])
def test_what_a_kill_can_leave_does_not_lock_the_folder(tmp_path: Path, left: str, fresh: bool) -> None:
    (tmp_path / left).write_text("")
    execute._check_folder(DIGITS, tmp_path, fresh)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, fresh: bool) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(StudyError, match="other files"):
        execute._check_folder(DIGITS, tmp_path, fresh)


def test_another_study_is_refused_unless_fresh(tmp_path: Path) -> None:
    other = DIGITS.model_copy(update={"name": "other"})
    write_file(layout.study(tmp_path), study_toml(other).encode())
    with pytest.raises(StudyError, match="the study 'other'"):
        execute._check_folder(DIGITS, tmp_path, fresh=False)
    execute._check_folder(DIGITS, tmp_path, fresh=True)


def test_discard_removes_what_is_ours_and_only_that(tmp_path: Path) -> None:
    for name in ("study.toml", "catalogue.json", "report.html", "running.json", ".tmp-x-1-0", "mine.txt", "run.lock"):
        (tmp_path / name).write_text("")
    for name in ("artefacts", "results", "logs", "failures", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("")
    execute._discard(tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"mine.txt", "mine", "run.lock"}
