"""`piescope show`: what is meant, made anew only if stale, opened without waiting; `piescope report`."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path

import pytest
import typer
from PIL import Image

from conftest import Run, at_most, piescope_command, run_piescope, run_program, wait_until
from piescope.cli.reports import report_of
from piescope.store import layout
from piescope.store.ownership import belongings
from piescope.version import STUDY

pytestmark = pytest.mark.sampled(3, of_file=True)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the demonstration was made; nobody writes to it."""
    place = tmp_path_factory.mktemp("audited")
    assert run_piescope("audit", "--demo", cwd=place).returncode == 0
    return place


def audit_in(folder: Path) -> Path:
    assert run_piescope("audit", "--demo", cwd=folder).returncode == 0
    return folder / "piescope-demo" / "audit"


def browser(folder: Path, then: str = "") -> Path:
    """A program that writes down what it is given; ``then``: what else it does."""
    program = folder / "fake browser"
    program.write_text(
        f'#!/bin/sh\nprintf %s "$1" > "{folder}/opened.new"\nmv "{folder}/opened.new" "{folder}/opened"\n{then}\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_it_prints_the_path_and_opens_it_without_waiting(audited: Path, tmp_path: Path) -> None:
    """The browser never ends by itself: a command that waited for it would not, either."""
    program = browser(tmp_path, f'while [ ! -e "{tmp_path}/stop" ]; do sleep 0.05; done; : > "{tmp_path}/stopped"')
    done = run_piescope("show", "piescope-demo/audit", cwd=audited, env={"BROWSER": f"'{program}' %s"}, new=True)
    page = audited / "piescope-demo" / "audit" / "report.html"
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{page}\n", "")
    wait_until((tmp_path / "opened").exists, _Alive())
    assert (tmp_path / "opened").read_text() == page.as_uri()
    assert not (tmp_path / "stopped").exists()
    (tmp_path / "stop").touch()
    wait_until((tmp_path / "stopped").exists, _Alive())


class _Alive:
    """What `wait_until` asks of a program: whether it ended."""

    def poll(self) -> None:
        return None


@pytest.mark.parametrize("what", ["piescope-demo/audit", "piescope-demo/audit/report.html", None])
def test_what_is_meant(audited: Path, what: str | None) -> None:
    done = run_piescope("show", *([what] if what else []), "--no-browser", cwd=audited)
    assert done.stdout == f"{audited / 'piescope-demo' / 'audit' / 'report.html'}\n", done.stderr


def test_the_newest_of_runs_and_audits_is_meant_if_nothing_is_named(small_run: Run, tmp_path: Path) -> None:
    audit = audit_in(tmp_path)
    run = small_run.copy(tmp_path / "runs" / "small")
    for newest, other in (
        (run / "catalogue.json", audit / "audit.json"),
        (audit / "audit.json", run / "catalogue.json"),
    ):
        os.utime(newest, (2e9, 2e9))
        os.utime(other, (1e9, 1e9))
        done = run_piescope("show", "--no-browser", cwd=tmp_path)
        assert done.stdout == f"{newest.parent / 'report.html'}\n", done.stderr
    named = run_piescope("show", "small", "--no-browser", cwd=tmp_path)  # as `run` named it
    assert named.stdout == f"{run / 'report.html'}\n"


def test_a_page_is_made_anew_only_if_it_is_missing_or_stale(tmp_path: Path) -> None:
    audit = audit_in(tmp_path)
    page = audit / "report.html"
    ours = page.read_bytes()

    def shown() -> bytes:
        done = run_piescope("show", audit, "--no-browser")
        assert done.stdout == f"{page}\n", done.stderr
        assert ("making the page" in done.stderr) == (page.read_bytes() != marked)
        return page.read_bytes()

    marked = ours + b"<!-- not made anew -->"
    page.write_bytes(marked)
    assert shown() == marked
    os.utime(audit / "audit.json", (2e9, 2e9))  # newer answers
    assert shown() == ours
    os.utime(audit / "audit.json", (1e9, 1e9))
    page.write_bytes(b"of another version")
    assert shown() == ours
    page.unlink()
    assert shown() == ours


def test_a_study_is_reported_anew_only_if_it_is_stale(small_run: Run, tmp_path: Path) -> None:
    out = small_run.copy(tmp_path / "copy")
    before = (out / "report.html").stat().st_mtime_ns
    assert run_piescope("show", out, "--no-browser").stderr == ""
    assert (out / "report.html").stat().st_mtime_ns == before
    (out / "report.html").write_text("damaged")
    done = run_piescope("show", out, "--no-browser")
    assert done.stdout == f"{out / 'report.html'}\n" and "making the page" in done.stderr
    assert (out / "report.html").read_text().startswith("<!")


def test_what_cannot_be_shown_is_refused_with_a_cure(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.csv").touch()
    for what, expected in (
        ("empty", "neither a study nor an audit"),
        ("a.csv", "a file of neither"),
        ("digit", "did you mean 'digits'?"),
        ("corti2022-paper", "piescope run corti2022-paper"),
    ):
        done = run_piescope("show", what, "--no-browser", cwd=tmp_path)
        assert done.returncode == 2 and expected in done.stderr and "cure" in done.stderr, done.stderr
    nothing = run_piescope("show", cwd=tmp_path)
    assert nothing.returncode == 2 and "piescope show digits" in nothing.stderr


def test_a_closed_output_is_no_reason_to_end_otherwise(audited: Path, tmp_path: Path) -> None:
    program = browser(tmp_path)
    command = piescope_command("show", "piescope-demo/audit")
    env = {**os.environ, "BROWSER": f"'{program}' %s"}
    done = run_program(["bash", "-c", '"$@" >&-', "bash", *command], cwd=audited, env=env)
    assert done.returncode == 0, done.stderr
    wait_until((tmp_path / "opened").exists, _Alive())


@pytest.mark.parametrize("name", ["digits", "cifar10-small"])
def test_a_study_that_ships_is_shown_from_the_cache_by_the_small_installation(name: str, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    for library in STUDY:
        (hidden / f"{library}.py").write_text("raise ModuleNotFoundError\n")
    env = {"PIESCOPE_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(hidden)}
    with at_most(4):
        done = run_piescope("show", name, "--no-browser", cwd=tmp_path, env=env, new=True)
    page = Path(done.stdout.strip())
    assert page.is_relative_to(tmp_path / "cache") and page.read_bytes().startswith(b"<!")
    assert "the study that ships with piescope" in done.stderr
    (tmp_path / "runs" / name).mkdir(parents=True)  # no study yet: the shipped one is meant
    assert run_piescope("show", name, "--no-browser", cwd=tmp_path, env=env).stdout == done.stdout


def test_report_says_where_the_page_is(audited: Path, small_run: Run, tmp_path: Path) -> None:
    out = small_run.copy(tmp_path / "copy")
    *finding, said = run_piescope("report", out).stdout.splitlines()
    assert said == f"report: {out / 'report.html'}"
    summary = (out / "results" / "summary.md").read_text()
    assert "TOO FEW TO TELL. With 50" in " ".join(finding) and "**TOO FEW TO TELL. With 50" in summary


@pytest.mark.sampled(3)
def test_a_card_is_written_beside_the_page(small_run: Run, tmp_path: Path) -> None:
    audit, run = audit_in(tmp_path), small_run.copy(tmp_path / "copy")
    for folder in (audit, run):
        assert run_piescope("report", folder, "--card").stdout.splitlines()[-1] == f"card: {folder / 'card.png'}"
        first = (folder / "card.png").read_bytes()
        with Image.open(folder / "card.png") as card:
            assert card.size == (1200, 630)
        (folder / "card.png").unlink()
        shown = run_piescope("show", folder, "--card", "--no-browser").stdout.splitlines()
        assert shown == [str(folder / "report.html"), str(folder / "card.png")]
        assert (folder / "card.png").read_bytes() == first
    assert run_piescope("report", run).returncode == 0
    assert not (run / "card.png").exists()  # it was of the report before
    again = run_piescope("audit", "--demo", "--card", cwd=tmp_path)
    assert f"card: {audit.relative_to(tmp_path) / 'card.png'}" in again.stdout.splitlines()
    assert run_piescope("audit", "--demo", cwd=tmp_path).returncode == 0
    assert not (audit / "card.png").exists()


@pytest.mark.sampled(3)
def test_a_picture_of_that_name_that_is_not_ours_stays(small_run: Run, tmp_path: Path) -> None:
    audit, run = audit_in(tmp_path), small_run.copy(tmp_path / "copy")
    for folder in (audit, run):
        (folder / "card.png").write_bytes(b"mine")
        assert run_piescope("report", folder).returncode == 0
        for command in (["report", folder, "--card"], ["show", folder, "--card", "--no-browser"]):
            refused = run_piescope(*command)
            assert refused.returncode == 2 and "of your own" in refused.stderr
    refused = run_piescope("audit", "--demo", "--card", cwd=tmp_path)
    assert refused.returncode == 2 and "of your own" in refused.stderr
    assert run_piescope("audit", "--demo", cwd=tmp_path).returncode == 0
    assert all((folder / "card.png").read_bytes() == b"mine" for folder in (audit, run))
    assert run / "card.png" not in belongings(run)


@pytest.mark.parametrize("name", ["digits", "cifar10-small"])
def test_the_card_of_a_study_ships(name: str, tmp_path: Path) -> None:
    env = {"PIESCOPE_CACHE": str(tmp_path / "cache")}
    page, card = run_piescope("show", name, "--card", "--no-browser", env=env).stdout.splitlines()
    assert Path(card) == Path(page).with_name("card.png") and Path(card).is_file()


@pytest.mark.sampled(3)
def test_results_beside_a_study_leave_its_folder_as_it_is(stored_run: Path, tmp_path: Path) -> None:
    """Also where its catalogue is of an earlier state, and its name is another."""
    moved, into = tmp_path / "moved", tmp_path / "results of mine"
    shutil.copytree(stored_run, moved)
    layout.catalogue(moved).unlink()

    def state() -> dict[str, tuple[int, int]]:
        found = {path: path.lstat() for path in (moved, *moved.rglob("*"))}
        return {str(path): (seen.st_mtime_ns, seen.st_size) for path, seen in found.items()}

    before = state()
    for _ in range(2):  # the second takes the place of the first
        done = run_piescope("report", moved, "--out", into, "--card")
        assert done.returncode == 0, done.stderr
        assert f"report: {into / 'report.html'}" in done.stdout
    assert state() == before
    assert {path.name for path in into.iterdir()} == {"report.html", "results", "card.png"}
    (into / "results" / "manifest.json").unlink()
    done = run_piescope("report", moved, "--out", into)
    assert done.returncode == 2 and "a folder with other files" in done.stderr
    for other in (moved, into / "report.html"):
        assert run_piescope("report", moved, "--out", other).returncode == 2


@pytest.mark.parametrize(("number", "cured"), [(errno.EROFS, True), (errno.EACCES, True), (errno.EIO, False)])
def test_where_a_study_cannot_be_written_to_its_report_can_go_elsewhere(
    number: int, cured: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number), "a study/catalogue.json")

    monkeypatch.setattr("piescope.runs.write_page", refused)
    with pytest.raises(typer.Exit if cured else OSError):
        report_of(Path("a study"))
    told = capsys.readouterr().err
    assert ("`piescope report 'a study' --out DIR` writes what people read to another folder" in told) == cured
    with pytest.raises(OSError):  # of that folder it is no cure
        report_of(Path("a study"), into=Path("other"))
