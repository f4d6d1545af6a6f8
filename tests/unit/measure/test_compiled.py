"""Compiled code is kept for the next process, is the same code, and is never a reason to fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conftest import run_python

pytestmark = pytest.mark.sampled(3, of_file=True)

LIBRARY = """
import numba

@numba.njit
def inner(x):
    return x * 3.0

@numba.njit(fastmath=True)
def outer(x):
    return inner(x) + 1.0
"""

USE = """
import errno, sys
import numba.core.caching as caching
import compiled_library
from piescope.measure import compiled
from piescope.measure.compiled import keep_compiled

if "full" in sys.argv:
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")
    caching.IndexDataCacheFile.save = full
if "other" in sys.argv:
    compiled.versions = lambda _: {"umap-learn": "another"}
keep_compiled(["compiled_library"])
keep_compiled(["compiled_library"])
print(compiled_library.outer(2.0), sum(compiled_library.outer.stats.cache_hits.values()))
"""


def used(folder: Path, how: str = "") -> str:
    """What a process of its own says: the outcome, and how often it found code instead of making it."""
    library = folder / "compiled_library.py"
    if not library.exists():  # its time stamp is part of what is kept
        library.write_text(LIBRARY)
    code = f"import sys; sys.argv.append({how!r})\n" + USE
    done = run_python(code, env={**os.environ, "NUMBA_CACHE_DIR": str(folder / "kept"), "PYTHONPATH": str(folder)})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_the_next_process_finds_it(tmp_path: Path) -> None:
    assert [used(tmp_path), used(tmp_path)] == ["7.0 0", "7.0 1"]


def test_code_beside_other_versions_is_not_used(tmp_path: Path) -> None:
    assert [used(tmp_path), used(tmp_path, "other"), used(tmp_path, "other")] == ["7.0 0", "7.0 0", "7.0 1"]


def test_a_damaged_file_is_compiled_anew(tmp_path: Path) -> None:
    used(tmp_path)
    kept = [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert [used(tmp_path), used(tmp_path)] == ["7.0 0", "7.0 1"]


def test_a_full_disk_is_no_reason_to_end(tmp_path: Path) -> None:
    assert [used(tmp_path, "full"), used(tmp_path, "full")] == ["7.0 0", "7.0 0"]
