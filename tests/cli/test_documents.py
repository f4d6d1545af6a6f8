"""What the documents show must run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from piescope.study.parse import parse_study
from piescope.study.plan import make_plan

ROOT = Path(__file__).parents[2]


def test_the_quickstart_runs_and_is_what_the_readme_shows() -> None:
    code = (ROOT / "examples" / "quickstart.py").read_text()
    assert f"```python\n{code}```" in (ROOT / "README.md").read_text()
    assert len([line for line in code.splitlines() if line.strip()]) <= 12 + 1  # twelve lines and what they print
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+ of 797 digits are forgotten, \['digits-\d{4}'.*\] among them\n", done.stdout)


def test_the_study_in_the_docs_is_valid() -> None:
    text = re.search(r"```toml\n(.*?)```", (ROOT / "docs" / "studies.md").read_text(), re.DOTALL)
    assert text is not None
    assert make_plan(parse_study(text[1])).models == 5 * (1 + 2 + 2 + 1 + 2)


def test_no_figure_of_the_readme_was_left_open() -> None:
    assert not re.findall(r"@[A-Z]+@|TODO|TBD", (ROOT / "README.md").read_text())


def test_the_images_of_the_readme_exist() -> None:
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)|\]\((?!http)([^)#]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / (path[0] or path[1])).exists()
