"""What goes wrong on the command line of `piescope audit`: exit code 2 (130 for Ctrl-C), one message, nothing left."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from conftest import HANG, at_most, hear_signals, piescope_command, run_piescope, run_program, wait_until

GOOD = "id,prediction\na,1\nb,0\nc,1\n"
OTHER = "id,prediction\na,1\nb,1\nc,1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "runs"
    root.mkdir()
    (root / "dense.csv").write_text(GOOD)
    (root / "compressed.csv").write_text(OTHER)
    return root


def refused(folder: Path, *arguments: str | Path, env: dict[str, str] | None = None) -> str:
    """What stderr says of a command that ends with 2 and leaves nothing."""
    before, temporary = set(folder.rglob("*")), folder.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    with at_most(30):
        done = run_piescope("audit", *arguments, cwd=folder, env={"TMPDIR": str(temporary), **(env or {})})
    assert done.returncode == 2, done.stdout + done.stderr
    assert set(folder.rglob("*")) == before
    assert not list(temporary.iterdir())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize(
    ("content", "name", "fragments"),
    [
        (
            "id,prediction\na,1\nb,0\n",
            "c.csv",
            ("c.csv: compressed", "1 of the examples of dense.csv missing, 'c'", "--common"),
        ),
        ("id,prediction\na,2\nb,-1\nc,1\n", "c.csv", ("c.csv: prediction, row 1", "class id -1")),
        ("<html>", "c.csv", ("c.csv: file", "an HTML page")),
        ("version https://git-lfs.github.com/spec/v1\n", "c.parquet", ("c.parquet: file", "git lfs pull")),
        (pickle.dumps([1]), "c.npy", ("c.npy: file", "a pickle")),
        (pickle.dumps([1]), "c.pkl", ("c.pkl: file", "a pickle")),
    ],
)
def test_a_wrong_file(content: str | bytes, name: str, fragments: tuple[str, ...], folder: Path) -> None:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    told = refused(folder, "dense.csv", name)
    assert told.startswith("error: ")
    for part in (*fragments, "\n  found ", "\n  expected ", "\n  cure "):
        assert part in told


def test_typos(folder: Path) -> None:
    assert "No such option: --lables" in refused(folder, "dense.csv", "compressed.csv", "--lables", "x.csv").replace(
        "\n", " "
    )
    assert "did you mean 'logits'" in refused(folder, "dense.csv", "compressed.csv", "--values", "logit")
    told = refused(folder, "dense.csv", "compresed.csv")
    assert "compresed.csv: compressed" in told
    assert "no such file" in told
    assert "COMPRESSED" in refused(folder, "dense.csv")
    assert "DENSE" in refused(folder)
    assert "no column 'image'" in refused(folder, "dense.csv", "compressed.csv", "--id-column", "image")
    assert "no column 'lable'" in refused(folder, "dense.csv", "compressed.csv", "--label-column", "lable")


def test_a_model_without_pictures_and_budgets_without_labels(folder: Path) -> None:
    assert "--data" in refused(folder, "timm:resnet18", "compressed.csv")
    assert "--labels" in refused(folder, "dense.csv", "compressed.csv", "--max-flips", "2%")


def test_output_folders_that_are_none(folder: Path) -> None:
    (folder / "file").write_text("mine")
    (folder / "thesis").mkdir()
    (folder / "thesis" / "chapter.tex").write_text("mine")
    assert "file: --out" in refused(folder, "dense.csv", "compressed.csv", "--out", "file")
    assert "a file above it, file" in refused(folder, "dense.csv", "compressed.csv", "--out", "file/below")
    assert "a folder with other files" in refused(folder, "dense.csv", "compressed.csv", "--out", "thesis")
    assert (folder / "file").read_text() == (folder / "thesis" / "chapter.tex").read_text() == "mine"


def test_a_read_only_folder(folder: Path) -> None:
    without_power: list[str] = []
    if os.geteuid() == 0:  # root may write everywhere, unless it gives that up
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere")
        without_power = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    locked = folder / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    try:
        command = [*without_power, *piescope_command("audit", "dense.csv", "compressed.csv", "--out", "locked/out")]
        done = run_program(command, cwd=folder)
        assert done.returncode == 2, done.stderr
        assert "--out" in done.stderr
        assert "a folder that may not be written" in done.stderr
        assert not list(locked.iterdir())
    finally:
        locked.chmod(0o755)


@pytest.mark.parametrize(
    "name", ["with spaces", 'it\'s "quoted"', "two\nlines", "größe ☃", "-dash", "a[b]*", "$HOME;ls", "<script>"]
)
def test_odd_paths_work(name: str, folder: Path) -> None:
    place = folder / name
    place.mkdir()
    (place / f"{name}.csv").write_text(GOOD)
    out = folder / f"out {name}"
    done = run_piescope("audit", place / f"{name}.csv", folder / "compressed.csv", "--out", out)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.iterdir()} == {"audit.json", "audit.md", "examples.parquet", "report.html"}
    assert "<script>.csv" not in (out / "report.html").read_text()
    broken = place / f"{name}.txt"
    broken.write_text("<html>")
    done = run_piescope("audit", broken, folder / "compressed.csv", "--out", folder / "none")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 4  # one line each: where, found, expected, cure
    assert not (folder / "none").exists()


def test_colours_and_narrow_terminals(folder: Path) -> None:
    (folder / "wrong.csv").write_text("id,prediction\na\x1b[31m,1\n")
    for env in ({"NO_COLOR": "1"}, {"COLUMNS": "40"}, {"TERM": "dumb"}):
        assert "\x1b" not in refused(folder, "dense.csv", "wrong.csv", env=env)
    for env in ({"NO_COLOR": "1", "COLUMNS": "40"}, {"TERM": "dumb", "COLUMNS": "40"}):
        done = run_piescope("audit", "dense.csv", "compressed.csv", "--out", folder / "out", cwd=folder, env=env)
        assert done.returncode == 0
        assert "\x1b" not in done.stdout
        lines = [line for line in done.stdout.splitlines() if "report:" not in line]
        assert max(map(len, lines)) <= 40


@pytest.mark.sampled(8, heavy=True)
def test_a_reader_that_has_gone(folder: Path) -> None:
    for closed in ("| true", "| head -n 1 > /dev/null", ">&-"):
        shell = f"\"$@\" 2> '{folder.parent}/errors' {closed}; echo ${{PIPESTATUS[0]}} >&2"
        arguments = piescope_command("audit", "dense.csv", "compressed.csv", "--out", folder / "out")
        done = run_program(["bash", "-c", shell, "bash", *arguments], cwd=folder)
        assert done.stderr.strip() == "0", closed
        assert (folder.parent / "errors").read_text() == "", closed
        assert (folder / "out" / "report.html").is_file()


@pytest.mark.sampled(8, heavy=True)
def test_ctrl_c_leaves_nothing(folder: Path) -> None:
    rows = 400_000_000  # of zeros that take no room on the disk, and many seconds to compare
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({rows},), }}".encode()
    header += b" " * (117 - len(header)) + b"\n"
    for name in ("d.npy", "c.npy"):
        with (folder / name).open("wb") as file:
            file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
            file.truncate(10 + len(header) + rows)
    temporary = folder.parent / "tmp"
    temporary.mkdir()
    out = folder / "deep" / "out"
    running = subprocess.Popen(
        piescope_command("audit", "d.npy", "c.npy", "--out", out),
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_signals,
    )
    wait_until(out.exists, running)
    time.sleep(0.5)  # well into its work; whether it is matters little
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=HANG)
    assert running.returncode == 130, told
    assert told.startswith("error: interrupted")
    assert "KeyboardInterrupt" not in told
    assert not (folder / "deep").exists()
    assert not list(temporary.iterdir())


def test_a_fault_far_down_says_one_thing(folder: Path) -> None:
    logits = np.random.default_rng(0).normal(size=(150_000, 3)).astype(np.float32)
    np.save(folder / "d.npy", logits)
    logits[123_456, 1] = np.inf
    np.save(folder / "c.npy", logits)
    done = run_piescope("audit", "d.npy", "c.npy", "--out", "out", cwd=folder)
    assert done.returncode == 2
    assert not (folder / "out").exists()
    assert "error: c.npy: example 123456\n" in done.stderr
    assert "Traceback" not in done.stderr
