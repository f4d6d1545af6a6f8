"""The two halves of a data set: what they are called in files and folders of others."""

from __future__ import annotations

from typing import Literal

Half = Literal["train", "test"]

HALVES: tuple[Half, ...] = ("train", "test")

HELD_OUT = ("test", "validation", "valid", "val", "dev")
"""Names of what is not trained on, the best first."""


def called(half: Half) -> tuple[str, ...]:
    """What a half may be called, the best name first; a test half may be a validation half, which is then said.

    Example:
        >>> called("train")
        ('train',)
    """
    return HELD_OUT if half == "test" else (half,)
