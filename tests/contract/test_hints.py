"""What a type checker of a user sees of the public API: types, and `Any` nowhere."""

from __future__ import annotations

import ast
import inspect
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from mypy import api

import piescope

ROOT = Path(__file__).parents[2]
NAMES = [name for name in piescope.__all__ if name != "__version__"]

EXCEPTIONS: dict[str, str] = {}
"""Places where `Any` may stand, each with its reason. The list may not grow."""

SPECIAL = ("__init__", "__call__", "__getitem__", "__len__")


@pytest.mark.parametrize("name", NAMES)
def test_hints_are_there_and_hold_no_any(name: str) -> None:
    for place, hints, parameters in hints_of(name):
        assert set(parameters) <= hints.keys(), f"{place} has parameters without a type"
        assert [f"{place}: {label}" for label, hint in hints.items() if holds_any(hint)] == (
            [place] if place in EXCEPTIONS else []
        )


def test_any_is_found_wherever_it_stands() -> None:
    from jaxtyping import Float

    for hint in (
        Any,
        dict[str, Any],
        list[tuple[int, Any]] | None,
        typing.Callable[[Any], int],
        Float[Any, "examples"],
    ):
        assert holds_any(hint)
    for hint in (int, dict[str, object], typing.Callable[[int], str], Float[np_array(), "examples"], np_array()):
        assert not holds_any(hint)


def np_array() -> type:
    import numpy as np

    return np.ndarray


def hints_of(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Of a public function, or of a public class and all its public members: place, hints, parameters that need one."""
    made = getattr(piescope, name)
    if not inspect.isclass(made):
        yield name, resolved(made, made.__module__), list(inspect.signature(made).parameters)
        return
    for kind in inspect.getmro(made):
        if not kind.__module__.startswith("piescope."):
            continue
        yield name, resolved(SimpleNamespace(__annotations__=inspect.get_annotations(kind)), kind.__module__), []
        for member, value in vars(kind).items():
            function = getattr(value, "fget", getattr(value, "func", getattr(value, "__func__", value)))
            is_ours = inspect.isfunction(function) and function.__module__ == kind.__module__
            if is_ours and (member in SPECIAL or not member.startswith("_")):
                parameters = [given for given in inspect.signature(function).parameters if given not in ("self", "cls")]
                yield f"{name}.{member}", resolved(function, kind.__module__), parameters


def resolved(thing: Any, module: str) -> dict[str, Any]:
    """Hints as types; also those that are imported for type checkers alone."""
    names: dict[str, Any] = {}
    for each in (module, "piescope.dataframes", "piescope.auditing.options"):  # the last two have aliases for all
        names |= for_type_checkers(sys.modules[each])
    return typing.get_type_hints(thing, names, names, include_extras=True)


def for_type_checkers(module: ModuleType) -> dict[str, Any]:
    """The names of a module as a type checker sees them, but for those that it defines otherwise."""
    names = dict(vars(module))
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not node.orelse:
            for line in node.body:
                exec(ast.unparse(line), names)
        elif isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
            name = ast.unparse(node.target)
            names[name] = eval(names[name], names) if isinstance(names[name], str) else names[name]
    return names


def holds_any(hint: Any) -> bool:
    """Whether `Any` stands in a type; what NumPy's own types are made of is NumPy's business."""
    if hint is Any or (isinstance(hint, str) and "Any" in hint):
        return True
    if hasattr(hint, "array_type"):
        return holds_any(hint.array_type)
    if getattr(typing.get_origin(hint), "__module__", "").startswith("numpy"):
        return False
    parts = [inner for part in typing.get_args(hint) for inner in (part if isinstance(part, list) else [part])]
    return any(holds_any(part) for part in parts if not isinstance(part, str))


USERS = """
from pathlib import Path
from typing import assert_type

import numpy as np
import pandas as pd
import torch

import piescope

labels = np.array([0, 1, 1, 0])
found = piescope.audit(labels, [0, 1, 0, 0], labels=labels, budgets={"max_flips": "2%"}, out=Path("out"))
assert_type(found, piescope.Audit)
assert_type(found.is_within_budget, bool)
assert_type(found.record.changed, int | float)
for kind in found.pies["kind"]:
    print(kind)
run = piescope.load("runs/digits")
assert_type(run, piescope.StudyRun | piescope.Audit)
if isinstance(run, piescope.StudyRun):
    assert_type(run.name, str)
print(len(run.examples), len(run.classes))
pies = run.pies
if isinstance(pies, pd.DataFrame):
    print(pies.query("kind == 'lost'"))
run.plot().savefig("curve.pdf")
run.figure(1, style="talk", width="page")
assert_type(run.explore().path, Path)

votes = torch.zeros(3, 4, dtype=torch.long)
print(piescope.pie_mask(votes, [[0, 1, 2, 2]], num_classes=3).sum())
assert_type(piescope.class_impact(votes, votes, labels, 3)[0]["change"], float | None)
assert_type(piescope.excess_pies(votes, votes, 3).floor, float)
assert_type(piescope.magnitude_masks({"w": np.ones(3)}, 0.5), dict[str, np.ndarray])
assert_type(piescope.magnitude_masks({"w": torch.ones(3)}, 0.5), dict[str, torch.Tensor])


def brightness(pixels: np.ndarray) -> np.ndarray:
    return (pixels.mean(axis=(1, 2, 3)) > 127).astype(np.int64)


pictures = np.zeros((2, 1, 8, 8), np.uint8)
piescope.audit(torch.nn.Linear(2, 2), brightness, (pictures, labels[:2]))
piescope.audit({"one": labels, "other": labels}, ["a.csv", "b.csv"], classes=("cat", "dog"))
"""

WRONG = {
    "piescope.audit(labels, labels, device=3)": "arg-type",
    'piescope.audit(labels, labels, budget={"max_flips": 2})': "call-arg",
    'piescope.pie_mask(labels, labels, num_classes="3")': "arg-type",
    "found.record.change": "attr-defined",
    "run.name": "union-attr",
    'piescope.class_impact(votes, votes, labels, 3)[0]["recall"]': "typeddict-item",
}
"""Slips of a user, and by which rule mypy finds them."""


@pytest.mark.sampled(8, heavy=True)
def test_mypy_passes_what_users_write_and_finds_their_slips(tmp_path: Path) -> None:
    written = tmp_path / "users.py"
    written.write_text(USERS + "\n".join(WRONG) + "\n")
    told, faults, _ = api.run([str(written), "--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary"])
    assert not faults
    lines = [line for line in told.splitlines() if ": error:" in line]
    first = USERS.count("\n") + 1
    assert [(int(line.split(":")[1]) - first, line.rsplit("[")[-1].rstrip("]")) for line in lines] == list(
        enumerate(WRONG.values())
    )
