"""Pipes, sockets, devices and folders where a file is expected: refused at once, for to open a pipe may take for ever."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import at_most, run_piescope


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder with one of each kind, and a file of predictions."""
    (tmp_path / "c.csv").write_text("id,prediction\na,1\nb,0\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    before = Path.cwd()
    os.chdir(tmp_path)  # the name of a socket has to be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        os.chdir(before)
        yield tmp_path


INPUTS = (
    ("plan", "{}"),
    ("run", "{}"),
    ("run", "digits", "--out", "{}"),
    ("status", "{}"),
    ("report", "{}"),
    ("figures", "{}"),
    ("show", "--no-browser", "{}"),
    ("data", "image_folder", "--data-dir", "{}"),
    ("audit", "{}", "c.csv"),
    ("audit", "c.csv", "c.csv", "--labels", "{}"),
    ("audit", "c.csv", "c.csv", "--metadata", "{}"),
    ("audit", "c.csv", "c.csv", "--classes", "{}"),
    ("audit", "c.csv", "c.csv", "--budgets", "{}"),
    ("audit", "c.csv", "c.csv", "--junit", "{}"),
    ("audit", "c.csv", "c.csv", "--suggest-budgets", "{}"),
    ("audit", "c.csv", "c.csv", "--out", "{}"),
    ("audit", "c.csv", "c.csv", "--data", "{}"),
    ("audit", "WRN-10-1@{}", "c.csv", "--data", "digits"),
    ("audit", "onnx:{}", "c.csv", "--data", "digits"),
)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("arguments", INPUTS, ids=" ".join)
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "loop", "folder"])
def test_each_input_of_each_command(kind: str, arguments: tuple[str, ...], place: Path) -> None:
    if (kind == "folder" and "--out" in arguments) or (
        kind == "loop" and {*arguments} & {"--junit", "--suggest-budgets"}
    ):
        return  # a folder is what it asks for; a link is replaced
    before = sorted(place.iterdir())
    with at_most(10):
        done = run_piescope(*(argument.format(kind) for argument in arguments), cwd=place)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ") and "cure" in done.stderr and "Traceback" not in done.stderr
    assert sorted(place.iterdir()) == before


def test_pipes_within_the_folders_that_are_given(place: Path) -> None:
    for name in ("hf/config.json", "run/study.toml", "run/catalogue.json", "out/audit.json", "data/train.npz"):
        (place / name).parent.mkdir(exist_ok=True)
        os.mkfifo(place / name)
    for arguments in (
        ("audit", "hf", "c.csv", "--data", "digits"),
        ("status", "run"),
        ("report", "run"),
        ("audit", "c.csv", "c.csv", "--out", "out"),
        ("data", "arrays", "--data-dir", "data"),
        ("audit", "c.csv", "c.csv", "--data", "data"),
    ):
        with at_most(10):
            done = run_piescope(*arguments, cwd=place)
        assert done.returncode == 2, (arguments, done.stderr)
