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
    return tomli_w.dumps(with_changes(CONTENT, (path, value)))


def with_changes(study: dict[str, Any], *changes: tuple[str, Any]) -> dict[str, Any]:
    """A study with some keys set (or removed: ...)."""
    content = copy.deepcopy(study)
    for path, value in changes:
        *folders, last = path.split(".")
        table = content
        for folder in folders:
            table = table[folder]
        if value is ...:
            del table[last]
        else:
            table[last] = value
    return content


def with_controls(**controls: dict[str, str]) -> dict[str, Any]:
    content = copy.deepcopy(CONTENT)
    content["controls"] = controls
    content["arms"]["supervised"] += list(controls)
    return content
