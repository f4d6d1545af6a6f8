"""docs/api.md against the code: every name, every signature, every attribute, every example."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
from pathlib import Path

import pytest

import piescope

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
ENTRIES = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
NAMES = [name for name in piescope.__all__ if name != "__version__"]


def test_every_public_name_has_one_entry() -> None:
    assert sorted(ENTRIES) == sorted(NAMES)
    assert PAGE.count("\n### `") == len(NAMES)


def told_parameters(name: str) -> list[str]:
    """The parameters that the page tells, each as ``name``, ``name=default``, ``*`` or ``...``; shapes left out."""
    code = re.match(rf"`{name}\((.*?)\)( -> [^`]*)?`", ENTRIES[name], re.DOTALL)
    assert code is not None, f"the entry of {name} does not begin with its signature"
    without_shapes = re.sub(r" ?(uint8 |bool )?[\[{][^\]}]*[\]}]", "", code[1])
    return [part.strip() for part in re.split(r",(?![^(]*\))", without_shapes)]


@pytest.mark.parametrize("name", NAMES)
def test_signatures_are_those_of_the_code(name: str) -> None:
    found = list(inspect.signature(getattr(piescope, name)).parameters.values())
    told = told_parameters(name)
    is_cut = told[-1] == "..."
    named = [part for part in told if part not in ("*", "...")]
    assert len(named) == len(found) or (is_cut and len(named) < len(found)), name
    for part, parameter in zip(named, found, strict=False):
        label, _, default = part.partition("=")
        assert label == parameter.name
        expected = inspect.Parameter.empty if not default else ast.literal_eval(default)
        assert parameter.default == expected, part
    by_name = [parameter.name for parameter in found if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
    told_by_name = [part.partition("=")[0] for part in told[told.index("*") + 1 :]] if "*" in told else []
    assert told_by_name == by_name or (is_cut and told_by_name[:-1] == by_name[: len(told_by_name) - 1])


@pytest.mark.parametrize("name", NAMES)
def test_attributes_are_there(name: str) -> None:
    prose = re.sub(r"```.*?```", "", ENTRIES[name], flags=re.DOTALL)
    for attribute in re.findall(r"`\.(\w+)", prose):
        made = getattr(piescope, name)
        assert hasattr(made, attribute) or attribute in getattr(made, "__annotations__", {}) | getattr(
            made, "model_fields", {}
        )


def test_examples_run() -> None:
    examples = doctest.DocTestParser().get_doctest(PAGE, {}, "api.md", "docs/api.md", 0)
    assert len(examples.examples) > 20
    told: list[str] = []
    failed = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=told.append).failed
    assert not failed, "".join(told)
