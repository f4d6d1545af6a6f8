"""What is wrong is refused with words that help."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def refused(call: Callable[[], object], *words: str) -> None:
    """A call that raises a ValueError; it says what was found and what was expected."""
    with pytest.raises(ValueError) as caught:
        call()
    for word in (*words, "expected"):
        assert word in str(caught.value), caught.value
