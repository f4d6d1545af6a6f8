"""What a folder holds is told by its contents; what is neither is refused with its cure."""

from __future__ import annotations

from pathlib import Path

import pytest

import piescope
from conftest import run_python
from piescope.problems import InputError
from piescope.store import audit_layout


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("loading") / "results"
    piescope.audit([0, 1, 1, 0], [0, 1, 0, 0], labels=[0, 1, 1, 1], out=out)
    return out


def test_a_study_is_loaded_as_one(stored_run: Path) -> None:
    run = piescope.load(str(stored_run))
    assert isinstance(run, piescope.StudyRun)
    assert run.folder == stored_run


def test_an_audit_is_loaded_as_one_with_all_that_it_found(audited: Path) -> None:
    found = piescope.load(audited)
    assert isinstance(found, piescope.Audit)
    assert (found.folder, found["changed"], found["flips"]) == (audited, 1, found.record.content()["flips"])
    assert list(found.pies["example_id"]) == ["2"]


def test_what_is_neither_is_refused_with_its_cure(tmp_path: Path, audited: Path) -> None:
    (tmp_path / "study.toml").write_text("name = 'mine'")  # its author's, and no run's
    (tmp_path / "audit.json").write_text('{"vulnerabilities": []}')  # another tool's
    for place, found, cure in (
        (tmp_path, "neither a study nor an audit", "name what --out named"),
        (tmp_path / "nowhere", "nothing there", "name what --out named"),
        (audited / "report.html", "a file", f"name its folder, {audited}"),
    ):
        with pytest.raises(InputError) as error:
            piescope.load(place)
        (problem,) = error.value.problems
        assert (problem.found, problem.cure) == (found, cure)


def test_damaged_answers_are_refused(audited: Path, tmp_path: Path) -> None:
    content = audit_layout.audit(audited).read_text().replace('"changed": 1', '"changed": "many"')
    audit_layout.audit(tmp_path).write_text(content)
    with pytest.raises(InputError, match="changed"):
        piescope.load(tmp_path)


def test_a_study_is_loaded_without_torch_and_without_pandas(stored_run: Path) -> None:
    code = (
        "import sys, piescope\n"
        f"run = piescope.load({str(stored_run)!r})\n"
        "print(repr(run), [name for name in ('torch', 'pandas', 'matplotlib') if name in sys.modules])"
    )
    done = run_python(code)
    assert done.stdout.strip() == "StudyRun('tiny': 12 arms, 2 models each, 60 examples, complete) []", done.stderr


def test_of_a_study_whose_page_ships_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="piescope show digits, or piescope run digits first"):
        piescope.load("digits")
    (tmp_path / "digits").mkdir()  # of the user's own
    with pytest.raises(InputError, match="neither a study nor an audit"):
        piescope.load("digits")
