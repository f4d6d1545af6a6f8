"""A whole folder verifies; whatever is damaged in it, or does not fit, is named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from made_stores import MADE, SMALL, labelled, make, make_all, small_plan
from piescope.problems import StudyError
from piescope.store import layout
from piescope.store.arithmetic import Arithmetic, ArithmeticRecord
from piescope.store.artefacts import Store
from piescope.store.checkpoints import Origin, write_checkpoint
from piescope.store.durable import as_json, sha256_of
from piescope.store.failures import Failure
from piescope.store.run_records import ResultsManifest
from piescope.study.catalogue import refresh_catalogue
from piescope.study.folder import study_of, write_study
from piescope.study.parse import load_study
from piescope.study.verify import Verification, verify

PLAN = small_plan()
MODEL = labelled(PLAN, "supervised dense, seed 0")
OTHER = "a" * 32


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """With everything that verify looks at."""
    tmp_path = tmp_path / "out"
    tmp_path.mkdir()
    write_study(load_study(str(SMALL)), tmp_path)
    make_all(PLAN, tmp_path)
    refresh_catalogue(tmp_path)
    layout.failures(tmp_path).mkdir()
    failure = Failure(key=OTHER, label="x", reason="it diverged", time="now")
    layout.failure(tmp_path, OTHER).write_bytes(failure.as_bytes())
    kept = ArithmeticRecord(arithmetic=Arithmetic(), why="it was fastest", day="2026-01-02")
    layout.arithmetic(tmp_path).write_bytes(kept.as_bytes())
    layout.results(tmp_path).mkdir()
    origin = Origin(key=OTHER, parents={}, environment={"device": "cpu"})
    for path in (layout.checkpoint(tmp_path, OTHER), layout.fork(tmp_path, OTHER)):
        write_checkpoint(path, origin, "supervised", {"w": np.ones(3, np.float32)})
    layout.report(tmp_path).write_text("a page")
    files = {"report.html": sha256_of(layout.report(tmp_path))}
    layout.results_manifest(tmp_path).write_bytes(ResultsManifest(made_from={}, files=files).as_bytes())
    return tmp_path


def verification(out: Path) -> Verification:
    return verify(out, 2, lambda _: None)


def test_a_whole_folder_verifies_wherever_it_lies(out: Path) -> None:
    size = sum(path.stat().st_size for path in out.rglob(MADE))
    assert verification(out) == Verification(len(PLAN.steps), len(PLAN.steps), size)
    moved = out.with_name("moved")
    out.rename(moved)
    assert not verification(moved).faults


def test_a_study_that_is_gone_from_its_finished_steps_is_named_with_its_cure(out: Path) -> None:
    layout.study(out).unlink()
    assert verification(out).faults == ["study.toml: DIR: no study.toml"]
    with pytest.raises(StudyError, match=f"piescope run STUDY --out {out} writes it anew"):
        study_of(out)


def test_results_without_what_says_what_they_are(out: Path) -> None:
    layout.results_manifest(out).unlink()
    gone = "results/manifest.json is gone: nothing says what the page is; `piescope report` writes it anew"
    assert verification(out).faults == [gone]
    layout.report(out).unlink()
    assert not verification(out).faults


def test_a_folder_where_a_record_should_be_is_to_be_moved_first(out: Path) -> None:
    layout.catalogue(out).unlink()
    layout.catalogue(out).mkdir()
    (fault,) = verification(out).faults
    assert fault.endswith("it is no file; move that folder away; then `piescope report` writes it anew")


RECORDS = {
    "study.toml": layout.study, "arithmetic.json": layout.arithmetic, "catalogue.json": layout.catalogue, f"checkpoints/{OTHER}.safetensors": lambda out: layout.checkpoint(out, OTHER),
    f"forks/{OTHER}.safetensors": lambda out: layout.fork(out, OTHER),
    f"failures/{OTHER}.json": lambda out: layout.failure(out, OTHER),
    "results/manifest.json": layout.results_manifest, "report.html": layout.report,
    "manifest.json": lambda out: layout.artefact(out, MODEL.kind, MODEL.key) / layout.MANIFEST,
    MADE: lambda out: layout.artefact(out, MODEL.kind, MODEL.key) / MADE,
}  # fmt: skip


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def zero_tail(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3] + bytes(3))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other_json(path: Path) -> None:
    path.write_bytes(as_json({"a": [1]}))


def a_list(path: Path) -> None:
    path.write_bytes(b"[]")


def nested(path: Path) -> None:
    path.write_bytes(b"[" * 10**5)


def no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing")


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGE: tuple[Callable[[Path], None], ...] = (
    flip, zero_tail, truncate, empty, other_json, a_list, nested, no_text, a_folder, a_link_to_nothing, a_pipe,
)  # fmt: skip


@pytest.mark.parametrize("name", RECORDS)
def test_damage_of_every_kind_in_every_file_is_named(out: Path, name: str) -> None:
    path = RECORDS[name](out)
    content = path.read_bytes()
    for damage in DAMAGE:
        damage(path)
        found = verification(out)
        assert any(name in fault for fault in found.faults), (damage.__name__, found)
        path.rmdir() if path.is_dir() else path.unlink()
        path.write_bytes(content)
    assert not verification(out).faults


def test_a_misfit_is_named(out: Path) -> None:
    shutil.rmtree(layout.artefact(out, MODEL.kind, MODEL.key))
    make(MODEL, Store(out), "other bits")
    faults = verification(out).faults
    assert len(faults) == 4 and all(fault.endswith("made of an earlier result of " + MODEL.label) for fault in faults)


def test_a_failure_of_another_step_is_named(out: Path) -> None:
    layout.failure(out, OTHER).rename(layout.failure(out, "b" * 32))
    (fault,) = verification(out).faults
    assert fault == f"failures/{'b' * 32}.json is that of another step, x"


def test_what_was_made_before_is_accepted_and_said(tmp_path: Path) -> None:
    write_study(load_study(str(SMALL)), tmp_path)
    make_all(PLAN, tmp_path, remembers=False)
    found = verification(tmp_path)
    assert not found.faults
    assert found.notes[0].startswith(f"{len(PLAN.steps)} finished steps of a version that kept neither")


def test_a_stale_catalogue_is_no_damage(out: Path) -> None:
    shutil.rmtree(layout.artefact(out, "compare", PLAN.arms[0].compare.key))
    found = verification(out)
    assert not found.faults and found.notes == [
        "catalogue.json is of an earlier state of the folder: `piescope report` makes it anew"
    ]
    assert json.loads(layout.catalogue(out).read_bytes())["missing"] == []  # it changes nothing
