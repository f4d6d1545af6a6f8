"""The sample of `make test` names tests that there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from .conftest import SAMPLE


@pytest.mark.parametrize("name", SAMPLE)
def test_every_part_of_the_sample_is_of_a_test(name: str) -> None:
    tree = ast.parse((Path(__file__).parent / name).read_text(encoding="utf-8"))
    tests = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    assert len(tests) > 3
    for part in SAMPLE[name]:
        assert any(re.search(part.split("[")[0], test) for test in tests), part
