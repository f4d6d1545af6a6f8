"""The script that stands in the package is what explorer/ gives, and that is typed and tested."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import run_program
from piescope.report.layout import html

ROOT = Path(__file__).parents[2]
EXPLORER = ROOT / "explorer"
BUILT = Path(html.__file__).parents[1] / "explorer"
BUNDLE = ("explorer.css", "explorer.js")
MOST_BYTES = 60_000
"""Of the script, not compressed: 51 kB in November 2026."""


def npm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    beside = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}
    return run_program([beside / "npm", *map(str, arguments)], cwd=EXPLORER, env=environment)


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if not (Path(sys.executable).parent / "npm").exists():
        pytest.skip("no npm beside this Python: make setup")
    if not (EXPLORER / "node_modules" / ".package-lock.json").exists():
        done = npm("ci", "--silent")
        if done.returncode != 0:
            pytest.skip(f"npm installs nothing here: {done.stderr.strip()[-300:]}")


def test_types_are_right() -> None:
    done = npm("run", "--silent", "check")
    assert done.returncode == 0, done.stdout


def test_its_own_tests_pass() -> None:
    done = npm("test", "--silent")
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"\bpass (\d+)$", done.stdout, re.MULTILINE)[1]) > 35  # type: ignore[index]


def test_the_package_holds_what_the_sources_give(tmp_path: Path) -> None:
    done = npm("run", "--silent", "build", "--", tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == list(BUNDLE)
    for name in BUNDLE:
        assert (tmp_path / name).read_bytes() == (BUILT / name).read_bytes(), f"{name}: make explorer"


def test_the_bundle_can_stand_in_a_page() -> None:
    script, style = ((BUILT / name).read_text(encoding="ascii") for name in reversed(BUNDLE))
    assert len(script) < MOST_BYTES
    for text in (script, style):
        assert not re.search(r"</(script|style)|<!--|sourceMappingURL", text, re.IGNORECASE)
    assert not re.search(r"\beval\(|new Function|innerHTML|insertAdjacentHTML|fetch\(|XMLHttpRequest", script)
    assert "http" not in script.replace("http://www.w3.org/2000/svg", "")


def test_the_lock_names_no_host() -> None:
    assert "://" not in (EXPLORER / "package-lock.json").read_text()
