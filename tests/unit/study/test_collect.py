"""What nothing wants goes, what anybody else wrote stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from made_stores import MADE, held, labelled, make, make_all, small_plan
from piescope.cli.app import app
from piescope.store import layout, ownership
from piescope.store.artefacts import Store
from piescope.store.durable import as_json
from piescope.store.quarantine import set_aside
from piescope.study.collect import unwanted
from piescope.study.folder import write_study
from piescope.study.forks import forks_of
from piescope.study.parse import load_study

PLAN = small_plan()
OTHER = "a" * 32
MODEL = labelled(PLAN, "supervised dense, seed 0")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A whole study, a step of another version of it, one that was set aside, a killed writer's file, an old failure."""
    write_study(load_study(str(Path(__file__).parents[2] / "small.toml")), tmp_path)
    store = make_all(PLAN, tmp_path)
    store.write("train", OTHER, {MADE: as_json([1])}, "supervised dense, seed 9", {})
    set_aside(tmp_path, MODEL.kind, MODEL.key, "why")
    make(MODEL, store)
    layout.failures(tmp_path).mkdir()
    layout.failure(tmp_path, OTHER).write_text("{}")
    layout.failure(tmp_path, MODEL.key).write_text("{}")
    (tmp_path / ".tmp-x-0-0123abcd").write_text("left")
    return tmp_path


def gc(out: Path, *options: str) -> str:
    done = CliRunner().invoke(app, ["gc", str(out), *options], terminal_width=200)
    assert done.exit_code == 0, done.output
    return done.output


def everything(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*")} - {"run.lock"}


def test_folders_that_a_killed_removal_left_empty_go_and_no_others(out: Path) -> None:
    gc(out)
    gone = layout.artefact(out, "train", OTHER)
    for folder in (gone, layout.artefacts(out) / "other", layout.quarantine(out), out / "notes"):
        folder.mkdir()
    said = gc(out)
    assert f"artefacts/train/{OTHER}: an empty folder of what was removed, 0 bytes" in said
    assert "artefacts/other" in said and "quarantine: an empty folder" in said
    assert not gone.exists() and not (layout.artefacts(out) / "other").exists() and not layout.quarantine(out).exists()
    assert (out / "notes").is_dir() and "nothing that can go" in gc(out)


def test_a_dry_run_says_it_all_and_removes_nothing(out: Path) -> None:
    before = everything(out)
    said = gc(out, "--dry-run")
    assert everything(out) == before
    assert f"artefacts/train/{OTHER}: a finished step of another version of this study" in said
    assert f"quarantine/train-{MODEL.key}-1: set aside" in said
    assert f"failures/{OTHER}.json" in said and f"failures/{MODEL.key}.json" not in said
    assert ".tmp-x-0-0123abcd: what a killed writer left" in said


def test_what_it_says_is_what_goes(out: Path) -> None:
    wanted = {path: content for path, content in held(out).items() if OTHER not in path}
    said = gc(out, "--dry-run")
    assert gc(out) == said + "removed\n"
    assert held(out) == wanted
    assert not layout.quarantine(out).exists()
    assert layout.failure(out, MODEL.key).exists() and not layout.failure(out, OTHER).exists()
    assert unwanted(out) == [] and "there is nothing that can go" in gc(out)


def test_what_somebody_else_wrote_stays(out: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "thesis").write_text("mine")
    mine = [
        layout.artefact(out, "train", OTHER) / "notes.txt",
        layout.quarantine(out) / f"train-{MODEL.key}-1" / "thesis.tex",
        layout.quarantine(out) / "list.txt",
        layout.artefacts(out) / "train" / "notes" / "a.txt",
        layout.failures(out) / "mine.json",
    ]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    link = layout.artefact(out, "train", OTHER) / "link"
    link.symlink_to(elsewhere)
    linked = layout.quarantine(out) / f"train-{OTHER}-7"
    linked.symlink_to(elsewhere)
    said = gc(out)
    assert "notes.txt stays: piescope did not write it" in said
    assert all(path.read_text() == "mine" for path in mine) and link.is_symlink() and linked.is_symlink()
    assert (elsewhere / "thesis").read_text() == "mine"
    assert not (layout.artefact(out, "train", OTHER) / MADE).exists()


def test_forks_go_once_all_trainings_that_begin_there_are_done(out: Path) -> None:
    pruned = labelled(PLAN, "supcon gmp 0.5, seed 0")
    (fork,) = (layout.fork(out, fork.key) for fork in forks_of(pruned))
    fork.parent.mkdir()
    for path in (fork, layout.fork(out, OTHER)):
        path.write_text("begun")
    shutil.rmtree(layout.artefact(out, pruned.kind, pruned.key))
    said = gc(out)
    assert f"forks/{OTHER}.safetensors: of a step of another version of this study" in said
    assert fork.exists() and not layout.fork(out, OTHER).exists()
    make(pruned, Store(out))
    assert f"forks/{fork.name}: all trainings that could begin there are done" in gc(out)
    assert not fork.parent.exists()


def test_where_study_toml_is_damaged_nothing_goes(out: Path) -> None:
    path = layout.study(out)
    path.write_text(path.read_text().replace("small", "smell"))
    before = everything(out)
    done = CliRunner().invoke(app, ["gc", str(out)])
    assert done.exit_code == 2 and everything(out) == before


def test_a_run_at_work_is_not_disturbed(out: Path) -> None:
    from piescope.store.durable import folder_lock

    before = everything(out)
    with folder_lock(out):
        assert CliRunner().invoke(app, ["gc", str(out)]).exit_code == 3
    assert everything(out) == before


def test_a_store_alone_is_no_study(tmp_path: Path) -> None:
    Store(tmp_path).write("train", OTHER, {MADE: b"1"}, "x", {})
    assert CliRunner().invoke(app, ["gc", str(tmp_path)]).exit_code == 2


def test_fresh_discards_what_was_set_aside_and_leaves_what_is_not_ours(out: Path) -> None:
    layout.verifying(out).write_text("")
    mine = layout.quarantine(out) / f"train-{MODEL.key}-1" / "notes.txt"
    mine.write_text("mine")
    ownership.discard(out)
    assert [path for path in out.rglob("*") if path.is_file() and not path.name.startswith(".tmp-")] == [mine]
