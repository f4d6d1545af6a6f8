"""The digits study with something changed, for tests of studies and plans."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import tomli_w

from piescope.study.parse import builtin_studies

CONTENT = tomllib.loads(builtin_studies()["digits"])


def changed(path: str, value: Any) -> str:
    """The digits study with one key set (or removed: ...)."""
    content = copy.deepcopy(CONTENT)
    *folders, last = path.split(".")
    table = content
    for folder in folders:
        table = table[folder]
    if value is ...:
        del table[last]
    else:
        table[last] = value
    return tomli_w.dumps(content)


def with_controls(**controls: dict[str, str]) -> dict[str, Any]:
    content = copy.deepcopy(CONTENT)
    content["controls"] = controls
    content["arms"]["supervised"] += list(controls)
    return content
