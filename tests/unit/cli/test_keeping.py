"""What `verify` says, and what it ends with; `gc` is in tests/unit/study/test_collect.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from made_stores import MADE, SMALL, labelled, make_all, small_plan
from piescope.cli.app import app
from piescope.store import layout
from piescope.study.catalogue import refresh_catalogue
from piescope.study.folder import run_again, write_study
from piescope.study.parse import load_study

PLAN = small_plan()
OWN = """source = "arrays"
holds = { train_examples = 300, test_examples = 200, image_shape = [1, 8, 8], num_classes = 10 }"""
MODEL = labelled(PLAN, "supervised dense, seed 0")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    write_study(load_study(str(SMALL)), tmp_path)
    make_all(PLAN, tmp_path)
    refresh_catalogue(tmp_path)
    return tmp_path


def verify(out: Path) -> Result:
    return CliRunner().invoke(app, ["verify", str(out)])


def test_a_whole_folder(out: Path) -> None:
    done = verify(out)
    assert done.exit_code == 0
    assert done.stdout.startswith("compared 25 files of 25 finished steps, ")
    assert done.stdout.endswith("MB/s)\nall as it was written\n")


def test_a_damaged_one_is_named_with_the_next_command_and_found_by_it(out: Path) -> None:
    folder = layout.artefact(out, MODEL.kind, MODEL.key)
    (folder / MADE).write_bytes((folder / MADE).read_bytes().replace(b"0", b"1"))
    (folder / layout.MANIFEST).touch()  # no stamp shows it
    done = verify(out)
    assert done.exit_code == 1
    assert f"artefacts/train/{MODEL.key} ({MODEL.label}): {MADE} has SHA-256 " in done.stdout
    assert f"1 fault found; next: piescope run {out}/study.toml --out {out}" in done.stderr
    said = CliRunner().invoke(app, ["status", str(out)]).stdout
    assert "1 finished step changed after they were written" in said


def test_a_folder_of_nothing_is_refused(tmp_path: Path) -> None:
    done = verify(tmp_path)
    assert done.exit_code == 2 and "no study.toml" in done.stderr


def test_the_next_command_names_what_the_folder_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.toml"
    own.write_text(SMALL.read_text().replace('source = "digits"', OWN))
    write_study(load_study(str(own)), tmp_path)
    for variable, data in (("", " --data-dir DIR"), (str(tmp_path), "")):
        monkeypatch.setenv("PIESCOPE_DATA", variable)
        said = CliRunner().invoke(app, ["status", str(tmp_path)]).stdout
        assert said.splitlines()[-1] == f"next: piescope run {tmp_path}/study.toml --out {tmp_path}{data}"
    (tmp_path / "study.toml").write_text("damaged")
    assert run_again(tmp_path) == f"piescope run STUDY --out {tmp_path}"
