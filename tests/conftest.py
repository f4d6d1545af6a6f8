"""What several tests share: a tiny whole study, run once as a user would, on any x86-64 with the same arithmetic."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
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


Once = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Gives a folder that is made by whichever test process asks for it first; the others wait and share it.

    Nobody may write to it.
    """
    own = tmp_path_factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def shared(name: str, make: Callable[[Path], None]) -> Path:
        folder, made = root / "shared" / name, root / "shared" / f"{name}.made"
        folder.parent.mkdir(exist_ok=True)
        with (root / "shared" / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                make(folder)
                made.touch()
        return folder

    return shared


@pytest.fixture(scope="session")
def tiny_run(once: Once) -> TinyRun:
    def run(folder: Path) -> None:
        done = run_piescope("run", TINY, "--out", folder / "a folder with spaces", "--workers", "2")
        assert done.returncode == 0, done.stdout + done.stderr
        (folder / "printed.txt").write_text(done.stdout)

    folder = once("tiny", run)
    return TinyRun(folder / "a folder with spaces", (folder / "printed.txt").read_text())


@pytest.fixture(scope="session")
def stored_run(once: Once) -> Path:
    """The folder of a study whose models nobody trained: the same on every processor."""
    from portable import write_stored_study

    return once("stored", write_stored_study)


@pytest.fixture(scope="session")
def cifar10() -> Path:
    """The real CIFAR-10: PIESCOPE_DATA, or ../shared/data beside the project; where neither is, its tests skip."""
    given = os.environ.get("PIESCOPE_DATA")
    place = Path(given) if given else Path(__file__).parents[2] / "shared" / "data"
    if not place.exists():
        pytest.skip("CIFAR-10 is not here: set PIESCOPE_DATA to its folder")
    return place
