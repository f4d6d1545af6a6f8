"""Which folders a run takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from piescope.problems import StudyError
from piescope.store import layout
from piescope.store.catalogue import Catalogue
from piescope.store.durable import write_file
from piescope.study.folder import check_folder, study_of, write_study
from piescope.study.parse import load_study, study_toml

DIGITS = load_study("digits")
NOTHING = Catalogue(
    study="digits", recipe=None, data=None, probe_points=(), arms=(), missing=(), environments=(), contents={}
)


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


def test_a_study_goes_on_in_the_folder_of_one_that_it_continues_and_has_all_models_of(tmp_path: Path) -> None:
    part = DIGITS.model_copy(update={"name": "part", "arms": {"supervised": DIGITS.arms["supervised"]}})
    write_study(part, tmp_path)
    layout.lock(tmp_path).touch()
    check_folder(DIGITS.model_copy(update={"continues": "part"}), tmp_path, fresh=False)
    for update in ({}, {"continues": "other"}):
        with pytest.raises(StudyError) as told:
            check_folder(DIGITS.model_copy(update=update), tmp_path, fresh=False)
        assert "all of whose 60 models are this one's" in told.value.problems[0].found
        assert 'write continues = "part" at the top' in told.value.problems[0].cure


@pytest.mark.parametrize("continues", ["part", None])
def test_models_that_a_folder_has_and_a_study_has_not_are_named(tmp_path: Path, continues: str | None) -> None:
    part = DIGITS.model_copy(update={"name": "part", "arms": {"supervised": DIGITS.arms["supervised"]}})
    write_study(part, tmp_path)
    layout.lock(tmp_path).touch()
    fewer = DIGITS.model_copy(update={"replicates_of": {"supervised gmp 0.5": 3}, "continues": continues})
    others = DIGITS.model_copy(update={"arms": {"supcon": DIGITS.arms["supcon"]}, "continues": continues})
    for study, lost, first in ((fewer, 2, "supervised gmp 0.5, seed 3"), (others, 60, "supervised dense, seed 0")):
        with pytest.raises(StudyError) as told:
            check_folder(study, tmp_path, fresh=False)
        problem = told.value.problems[0]
        assert problem.found == f"the study 'part', {lost} of whose 60 models this one has not"
        assert problem.expected.endswith(f"(not so: {first})")
        assert "--out" in problem.cure and "fresh" not in problem.cure


def test_a_study_that_continues_one_whose_file_is_damaged_is_told_so(tmp_path: Path) -> None:
    write_study(DIGITS, tmp_path)
    layout.study(tmp_path).write_text("damaged")
    write_file(layout.catalogue(tmp_path), NOTHING.as_bytes())
    with pytest.raises(StudyError, match="writes it anew"):
        check_folder(DIGITS.model_copy(update={"name": "more", "continues": "digits"}), tmp_path, fresh=False)


@pytest.mark.parametrize("fresh", [False, True])
def test_the_study_that_its_author_wrote_is_not_written_over(tmp_path: Path, fresh: bool) -> None:
    write_file(layout.study(tmp_path), study_toml(DIGITS).encode())
    with pytest.raises(StudyError, match="other files"):
        check_folder(DIGITS, tmp_path, fresh)


def test_a_flipped_bit_of_study_toml_is_found_and_the_next_run_writes_it_anew(tmp_path: Path) -> None:
    write_study(DIGITS, tmp_path)
    path = layout.study(tmp_path)
    content = path.read_bytes()
    assert study_of(tmp_path) == load_study(str(path)) == DIGITS
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        try:
            assert study_of(tmp_path) == DIGITS and place < len(content.partition(b"\n")[0])  # of a comment's own words
        except StudyError as error:
            assert "writes it anew" in str(error)
    path.write_bytes(content[:-50])
    with pytest.raises(StudyError, match="other bytes than a run wrote"):
        load_study(str(path))
    write_file(layout.catalogue(tmp_path), NOTHING.as_bytes())
    check_folder(DIGITS, tmp_path, fresh=False)
    write_study(DIGITS, tmp_path)
    assert path.read_bytes() == content


def test_a_study_toml_that_was_changed_by_hand_is_taken_without_its_first_line(tmp_path: Path) -> None:
    write_study(DIGITS, tmp_path)
    path = layout.study(tmp_path)
    changed = path.read_text().replace("seed = 0", "seed = 1")
    path.write_text(changed)
    with pytest.raises(StudyError, match="delete its first line if you changed it"):
        load_study(str(path))
    path.write_text(changed.partition("\n")[2])
    assert load_study(str(path)).seed == 1


def test_a_study_that_an_earlier_version_took_is_mended_in_its_folder(tmp_path: Path) -> None:
    study = load_study("digits-q-score")
    assert study.training.supervised is not None
    longer = study.training.supervised.model_copy(update={"epochs": 20})
    unlike = study.model_copy(update={"training": study.training.model_copy(update={"supervised": longer})})
    write_study(unlike, tmp_path)
    write_file(layout.catalogue(tmp_path), NOTHING.model_copy(update={"study": study.name}).as_bytes())
    with pytest.raises(StudyError, match=r"20, as training\.supervised has it") as told:
        study_of(tmp_path)
    assert "mend that in your study" in told.value.problems[0].cure
    check_folder(study, tmp_path, fresh=False)
