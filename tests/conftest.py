"""What several tests share: a tiny whole study, run once as a user would, on any x86-64 with the same arithmetic."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TINY = Path(__file__).parent / "golden" / "tiny.toml"

PORTABLE_ARITHMETIC = {
    # every x86-64 processor of the last ten years has AVX2: with these, newer ones compute as older ones do
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "FAISS_OPT_LEVEL": "avx2",
}


def piescope_command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", "from piescope.cli.app import main; main()", *map(str, arguments)]


def run_piescope(
    *arguments: str | Path, timeout: float = 300, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        piescope_command(*arguments),
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=cwd,
        env={**os.environ, **PORTABLE_ARITHMETIC, "COLUMNS": "120", "NO_COLOR": "1", **(env or {})},
        check=False,
    )


@dataclass(frozen=True)
class TinyRun:
    """A finished tiny study.

    Attributes:
        out: its folder; tests copy it before they change anything.
        printed: what the run printed.
    """

    out: Path
    printed: str

    def copy(self, to: Path) -> Path:
        shutil.copytree(self.out, to)
        return to


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    out = tmp_path_factory.mktemp("tiny") / "a folder with spaces"
    done = run_piescope("run", TINY, "--out", out, "--workers", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    return TinyRun(out, done.stdout)


@pytest.fixture(scope="session")
def cifar10() -> Path:
    """The real CIFAR-10: PIESCOPE_DATA, or ../shared/data beside the project; where neither is, its tests skip."""
    given = os.environ.get("PIESCOPE_DATA")
    place = Path(given) if given else Path(__file__).parents[2] / "shared" / "data"
    if not place.exists():
        pytest.skip("CIFAR-10 is not here: set PIESCOPE_DATA to its folder")
    return place
