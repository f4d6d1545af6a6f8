"""An audit's folder holds one audit, whole, and what is not an audit's stays."""

from __future__ import annotations

import errno
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import piescope
from piescope.problems import InputError
from piescope.store import audit_layout

DENSE = np.array([0, 1, 2, 0, 1, 2] * 5)
COPY = np.where(np.arange(30) % 7 == 0, 0, DENSE)
PLAIN = {"audit.json", "audit.md", "examples.parquet", "report.html"}


def files(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}


def compressed(out: Path, compress: str) -> None:
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (24, 1, 4, 4), dtype=np.uint8)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    piescope.audit(model, None, (images, random.integers(0, 3, 24)), compress=compress, out=out)


def test_nothing_of_the_last_audit_is_left(tmp_path: Path) -> None:
    out = tmp_path / "out"
    compressed(out, "magnitude:0.5,0.9 2:4")
    (out / "magnitude-0.9" / "notes.txt").write_text("mine")
    (out / "notes.txt").write_text("mine")
    assert {"images.parquet", "magnitude-0.5/audit.json", "2-4/images.parquet"} <= files(out)
    compressed(out, "random:0.5")
    assert {name.split("/")[0] for name in files(out) if "/" in name} == {"random-0.5", "magnitude-0.9"}
    assert not (out / "2-4").exists()
    piescope.audit(DENSE, COPY, labels=DENSE, out=out)
    assert files(out) == PLAIN | {"notes.txt", "magnitude-0.9/notes.txt"}  # no pictures of other examples either


def test_a_copy_is_not_written_into_somebody_elses_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    piescope.audit(DENSE, COPY, labels=DENSE, out=out)
    piescope.audit(
        DENSE, COPY, labels=DENSE, out=out / "magnitude-0.5"
    )  # an audit of its own that happens to lie there
    before = (out / "magnitude-0.5" / "audit.json").read_bytes()
    with pytest.raises(InputError, match="which no audit wrote"):
        compressed(out, "magnitude:0.5")
    piescope.audit(DENSE, COPY, labels=DENSE, out=out)
    assert (out / "magnitude-0.5" / "audit.json").read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        '{"auditReportVersion": 2, "vulnerabilities": {}}',
        '{"format_version": 1}',
        "[" * 100_000,
        "\x00",
    ],
)
def test_an_audit_json_of_another_tool_is_no_audit(content: str, tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text(content)
    with pytest.raises(InputError, match="other files"):
        piescope.audit(DENSE, COPY, labels=DENSE, out=tmp_path)
    assert files(tmp_path) == {"audit.json"}
    assert (tmp_path / "audit.json").read_text() == content


def test_what_an_audit_names_as_copies_cannot_point_elsewhere(tmp_path: Path) -> None:
    out = tmp_path / "out"
    piescope.audit(DENSE, COPY, labels=DENSE, out=out)
    piescope.audit(DENSE, COPY, labels=DENSE, out=tmp_path / "other")
    (out / "link").symlink_to(tmp_path / "other")
    content = json.loads((out / "audit.json").read_bytes())
    content["what_if"] = [
        {"folder": name} for name in ("../other", str(tmp_path / "other"), "link", "..", ".", "", 3)
    ] + ["x", None]
    (out / "audit.json").write_text(json.dumps(content))
    piescope.audit(DENSE, COPY, labels=DENSE, out=out)
    assert files(tmp_path / "other") == PLAIN
    assert (out / "link").is_symlink()


def test_linked_files_are_replaced_not_followed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    piescope.audit(DENSE, COPY, labels=DENSE, out=out)
    thesis = tmp_path / "thesis.html"
    thesis.write_text("mine")
    (out / "report.html").unlink()
    (out / "report.html").symlink_to(thesis)
    piescope.audit(DENSE, COPY, labels=DENSE, out=out)
    assert thesis.read_text() == "mine"
    assert not (out / "report.html").is_symlink()


def test_bad_input_leaves_the_last_audit_as_it_was(tmp_path: Path) -> None:
    piescope.audit(DENSE, COPY, labels=DENSE, out=tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    with pytest.raises(InputError):
        piescope.audit(DENSE, COPY[:-1], labels=DENSE, out=tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before


def test_what_a_killed_audit_left_is_taken_away(tmp_path: Path) -> None:
    left = tmp_path / ".tmp-audit-0-0123abcd"
    left.mkdir()
    (left / "examples.parquet").write_text("half")
    piescope.audit(DENSE, COPY, labels=DENSE, out=tmp_path)
    assert files(tmp_path) == PLAIN
    mine = tmp_path / ".tmp-audit"
    mine.mkdir()
    piescope.audit(DENSE, COPY, labels=DENSE, out=tmp_path)
    assert mine.is_dir()


def test_audits_of_before_are_known(tmp_path: Path) -> None:
    """Told by what every audit.json has had from the first on, whatever its version."""
    (tmp_path / "audit.json").write_text(
        json.dumps({"format_version": 0, "n_examples": 1, "inputs": {}, "budgets": [], "what_if": []})
    )
    assert audit_layout.written(tmp_path) == [tmp_path / "audit.json"]
    piescope.audit(DENSE, COPY, labels=DENSE, out=tmp_path)
    assert files(tmp_path) == PLAIN


MOVES = 4 + 4
"""Renames of an audit that takes the place of another."""


def at_the_move(number: int, what: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Something happens instead of one of the renames that put an audit in its place."""
    seen, replace = itertools.count(1), Path.replace

    def counted(source: Path, target: Path) -> Path:
        if ".tmp-audit-" in f"{source}{target}" and next(seen) == number:
            what()
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", counted)


@pytest.mark.parametrize("number", range(1, MOVES + 1))
def test_a_move_that_fails_leaves_the_last_audit(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    piescope.audit(COPY, DENSE, labels=DENSE, out=out)
    before = {name: (out / name).read_bytes() for name in files(out)}

    def fail() -> None:
        raise OSError(errno.EIO, "Input/output error")

    at_the_move(number, fail, monkeypatch)
    with pytest.raises(OSError, match="Input/output error"):
        piescope.audit(DENSE, COPY, labels=DENSE, out=out)
    assert {name: (out / name).read_bytes() for name in files(out)} == before


@pytest.mark.parametrize("number", range(1, MOVES + 1))
def test_after_a_kill_between_two_moves_the_same_audit_is_made(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    piescope.audit(DENSE, COPY, labels=DENSE, out=whole)
    piescope.audit(COPY, DENSE, labels=DENSE, out=out)
    (out / "notes.txt").write_text("mine")
    child = os.fork()
    if child == 0:
        at_the_move(number, lambda: os._exit(9), monkeypatch)
        piescope.audit(DENSE, COPY, labels=DENSE, out=out)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    piescope.audit(DENSE, COPY, labels=DENSE, out=out)
    assert files(out) == PLAIN | {"notes.txt"}
    assert all((out / name).read_bytes() == (whole / name).read_bytes() for name in PLAIN)
