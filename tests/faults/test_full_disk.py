"""A disk that is really full, at several levels: one line names what could not be written; with room again the run goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import SMALL, Run, hashes, run_piescope
from made_faults import Survived

pytestmark = [
    pytest.mark.skipif(os.environ.get("PIESCOPE_FAULTS") != "long", reason="`make faults` has it; refused calls are in test_system_calls.py"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk"),
]  # fmt: skip


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk in memory; `resized` gives it its size."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def resized(disk: Path, kilobytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", disk], check=True)


def size_of(out: Path) -> int:
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())


@pytest.mark.parametrize("share", [0.02, 0.25, 0.5, 0.75, 0.95])
def test_the_run_says_what_is_full_and_goes_on_when_there_is_room(
    small_run: Run, disk: Path, share: float, survived: Survived
) -> None:
    out = disk / "out"
    resized(disk, max(8, int(size_of(small_run.out) * share / 1024)))
    full = run_piescope("run", SMALL, "--out", out, "--workers", "1")
    assert full.returncode == 3, full.stdout + full.stderr
    assert "Traceback" not in full.stderr and "No space left on device" in full.stderr and str(disk) in full.stderr
    assert not [process for process in Path("/proc").glob("[0-9]*/cwd") if process.resolve().is_relative_to(disk)]
    resized(disk, 64 * 1024)
    done = run_piescope("run", SMALL, "--out", out, "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert hashes(out) == hashes(small_run.out)
    assert not list(out.rglob(".tmp-*")) and not (out / "work").exists()
    survived("a disk that is really full", 1)
