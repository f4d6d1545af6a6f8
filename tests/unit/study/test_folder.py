"""Which folders a run takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from piescope.problems import StudyError
from piescope.store import layout
from piescope.store.durable import write_file
from piescope.study.folder import check_folder
from piescope.study.parse import load_study, study_toml

DIGITS = load_study("digits")


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(
    "left", [["run.lock"], [".tmp-study.toml-0-0123abcd"], ["run.lock", ".tmp-study.toml-0-0123abcd"]]
)
def test_what_a_kill_can_leave_does_not_lock_the_folder(tmp_path: Path, left: list[str], fresh: bool) -> None:
    for name in left:
        (tmp_path / name).write_text("")
    check_folder(DIGITS, tmp_path, fresh)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, fresh: bool) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(StudyError, match="other files"):
        check_folder(DIGITS, tmp_path, fresh)


def test_another_study_is_refused_unless_fresh(tmp_path: Path) -> None:
    other = DIGITS.model_copy(update={"name": "other"})
    write_file(layout.study(tmp_path), study_toml(other).encode())
    layout.lock(tmp_path).touch()
    with pytest.raises(StudyError, match="the study 'other'"):
        check_folder(DIGITS, tmp_path, fresh=False)
    check_folder(DIGITS, tmp_path, fresh=True)


@pytest.mark.parametrize("fresh", [False, True])
def test_the_study_that_its_author_wrote_is_not_written_over(tmp_path: Path, fresh: bool) -> None:
    write_file(layout.study(tmp_path), study_toml(DIGITS).encode())
    with pytest.raises(StudyError, match="other files"):
        check_folder(DIGITS, tmp_path, fresh)
