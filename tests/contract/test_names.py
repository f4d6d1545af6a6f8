"""One name, one thing: no two public classes of piescope have one name."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"


def test_no_two_public_classes_have_one_name() -> None:
    homes = homes_of_classes(SOURCE)
    assert len(homes) > 200 and homes["Spec"] == ["piescope/spec.py"]
    twice = {name: places for name, places in homes.items() if len(places) > 1}
    assert twice == {}


def test_a_name_that_two_classes_have_is_found(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("class Facts: ...\nclass _Own: ...\n")
    (tmp_path / "other.py").write_text("def made():\n    class Facts: ...\nclass _Own: ...\n")
    assert homes_of_classes(tmp_path) == {"Facts": ["one.py", "other.py"]}


def homes_of_classes(source: Path) -> dict[str, list[str]]:
    """Where each public class stands, by its name."""
    homes: dict[str, list[str]] = defaultdict(list)
    for path in sorted(source.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(str(path.relative_to(source)))
    return dict(homes)
