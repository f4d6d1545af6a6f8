"""What imports what: no circle among the modules, not even one that is put off into a function."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"

Graph = Mapping[str, set[str]]


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = imports_of(SOURCE)
    assert len(graph) > 100 and "piescope.problems" in graph["piescope.adapters.protocol"]
    assert list(circles(graph)) == []


def test_what_is_private_stays_in_its_module() -> None:
    taken = [
        f"{path.relative_to(SOURCE)}: {name.name} of {node.module}"
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith("piescope")
        for name in node.names
        if name.name.startswith("_") and not name.name.startswith("__")
    ]
    assert taken == []


def test_quantisers_that_torch_gives_up_are_not_used() -> None:
    assert uses_of("torch.ao", "import torch.ao\nfrom torch.ao.nn import quantized\ntorch.ao.quantization.convert") == 3
    assert sum(uses_of("torch.ao", path.read_text("utf-8")) for path in SOURCE.rglob("*.py")) == 0


def uses_of(library: str, code: str) -> int:
    """How often a library is imported or reached through its parent."""
    count = 0
    for node in ast.walk(ast.parse(code)):
        names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if isinstance(node, ast.Attribute):
            count += ast.unparse(node) == library
        count += any(name == library or name.startswith(f"{library}.") for name in names)
    return count


def test_circles_are_found(tmp_path: Path) -> None:
    package = tmp_path / "house"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "roof.py").write_text("from house import walls\n")
    (package / "walls.py").write_text("def paint():\n    from house.floor import lay\n")
    (package / "floor.py").write_text("import house.roof\nfrom typing import TYPE_CHECKING\n")
    (package / "door.py").write_text("import typing\nif typing.TYPE_CHECKING:\n    from house.window import Pane\n")
    (package / "window.py").write_text("from house.door import Lock\nimport ast\n")
    graph = imports_of(tmp_path)
    assert graph["house.window"] == {"house.door"} and graph["house.door"] == set()
    assert list(circles(graph)) == [["house.floor", "house.roof", "house.walls"]]


def imports_of(source: Path) -> Graph:
    """The modules below a folder, and which of them each imports, wherever in it the import stands."""
    files = {name_of(path.relative_to(source)): path for path in sorted(source.rglob("*.py"))}
    return {name: set(imported(ast.parse(path.read_text("utf-8")), files)) - {name} for name, path in files.items()}


def name_of(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST, known: Iterable[str]) -> Iterator[str]:
    """The modules that are imported at run time: all but those under ``if TYPE_CHECKING``."""
    modules = set(known)
    for node in at_run_time(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in modules)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, "imports are absolute here"
            below = [f"{node.module}.{each.name}" for each in node.names]
            yield from (each if each in modules else node.module for each in below if node.module in modules)


def at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, without what type checkers alone see."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from at_run_time(other)
        else:
            yield from at_run_time(child)


def circles(graph: Graph) -> Iterator[list[str]]:
    """The modules of each circle, by name: those that reach each other."""
    reached = {name: reachable(graph, name) for name in graph}
    left = sorted(name for name in graph if name in reached[name])
    while left:
        circle = [name for name in left if name == left[0] or (name in reached[left[0]] and left[0] in reached[name])]
        yield circle
        left = [name for name in left if name not in circle]


def reachable(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph[name]
    return found


def test_every_module_can_be_read_in_one_sitting() -> None:
    long = {path.name: lines for path in SOURCE.rglob("*.py") if (lines := len(path.read_text().splitlines())) > 500}
    assert long == {}
