"""The wheel that people install: whole, and small where files alone are audited."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from conftest import Once, run_piescope, run_program
from piescope.version import STUDY, install_command

ROOT = Path(__file__).parents[2]
SMALL_INSTALL = 450 * 2**20
"""Bytes of it with its bytecode: 425 MiB in November 2026, of which pyarrow, SciPy and NumPy are 386."""
LONG = os.environ.get("PIESCOPE_PACKAGE") == "long"


@pytest.fixture(scope="module")
def wheel(once: Once) -> Path:
    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir"]
        done = run_program([*command, folder, ROOT])
        assert done.returncode == 0, done.stderr

    (built,) = once("wheel", build).glob("piescope-*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    source = ROOT / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in (source / "piescope").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == wanted
    assert {"piescope/data/digits.npz", "piescope/py.typed", "piescope/report/templates/blocks.html"} <= held


def test_the_small_installation_needs_nothing_of_the_extra_study(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    needed = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    small = {re.split(r"[<>=; ]", line)[0] for line in needed if "extra ==" not in line}
    study = {re.split(r"[<>=; ]", line)[0] for line in needed if re.search(r"extra == .study.", line)}
    assert small == {
        "numpy", "scipy", "pydantic", "typer", "rich", "safetensors", "pyarrow", "jinja2", "pillow", "jaxtyping",
    }  # fmt: skip
    imported = {"scikit-learn": "sklearn", "faiss-cpu": "faiss", "umap-learn": "umap", "tomli-w": "tomli_w"}
    assert {imported.get(name, name) for name in study} == set(STUDY)


@pytest.fixture
def without_study(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing of the extra can be imported."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    for name in STUDY:
        (hidden / f"{name}.py").write_text(f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')\n")
    return {"PYTHONPATH": str(hidden)}


def predictions(folder: Path) -> list[str]:
    for name, wrong in (("dense", 7), ("copy", 5), ("labels", 0)):
        rows = (f"{row},{(row + (bool(wrong) and row % wrong == 0)) % 3}" for row in range(300))
        (folder / f"{name}.csv").write_text(f"id,{'label' if name == 'labels' else 'prediction'}\n" + "\n".join(rows))
    return ["audit", "dense.csv", "copy.csv", "--labels", "labels.csv", "--out", "out"]


def test_files_are_audited_without_it(tmp_path: Path, without_study: dict[str, str]) -> None:
    done = run_piescope(*predictions(tmp_path), cwd=tmp_path, env=without_study, new=True)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "audit.json").read_bytes())["n_examples"] == 300


@pytest.mark.parametrize(
    "command", ["run digits", "plan digits --json", "audit WRN-10-1@a.pt WRN-10-1@a.pt --data digits"]
)
def test_what_needs_it_says_the_line_to_type(tmp_path: Path, without_study: dict[str, str], command: str) -> None:
    (tmp_path / "a.pt").write_bytes(b"PK\x03\x04")
    done = run_piescope(*command.split(), cwd=tmp_path, env=without_study, new=True)
    assert done.returncode in (2, 3) and "Traceback" not in done.stderr
    assert install_command("study") in done.stderr or install_command("models") in done.stderr, done.stderr


@pytest.mark.skipif(not LONG, reason="`make package` has it: it installs from an index")
def test_the_small_installation_audits_two_files_and_is_small(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "small"
    assert run_program([sys.executable, "-m", "venv", home]).returncode == 0
    installed = run_program([home / "bin" / "python", "-m", "pip", "install", "--quiet", wheel])
    assert installed.returncode == 0, installed.stderr
    packages = next(home.glob("lib/python*/site-packages"))
    for name in ("pip", "setuptools"):  # of every environment
        for path in packages.glob(f"{name}*"):
            shutil.rmtree(path)
    size = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file())
    assert size < SMALL_INSTALL, f"{size / 2**20:.0f} MiB"
    done = subprocess.run(
        [home / "bin" / "piescope", *predictions(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "report.html").is_file()
    refused = run_program([home / "bin" / "piescope", "run", "digits"], cwd=tmp_path)
    assert refused.returncode == 3 and "[study]'" in refused.stderr, refused.stderr


LOCKS = {f"requirements{of}.lock" for of in ("", "-cluster", "-docs", "-trackers", "-without-dependencies")}
FOLDERS = {".ci", "benchmarks", "docs", "examples", "explorer", "src", "tests"}
OF_THE_ROOT = LOCKS | FOLDERS | {".gitignore", "Makefile", "mkdocs.yml", "pyproject.toml", "LICENSE"}
TEXTS = {"CHANGELOG.md", "CONTRIBUTING.md", "README.md"}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout")
def test_nothing_that_a_command_left_lies_in_the_checkout() -> None:
    """An audit that is tried in it writes beside the sources."""
    tracked = run_program(["git", "-C", ROOT, "ls-files"]).stdout.splitlines()
    assert {name.split("/")[0] for name in tracked} == OF_THE_ROOT | TEXTS
