"""What sentences about an audit are made of."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from made_audit import CASES


@pytest.fixture
def pair() -> dict[str, Any]:
    """An audit of one model against one, to be changed."""
    return copy.deepcopy(CASES["labels"])
