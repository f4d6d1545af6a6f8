"""Predictions of populations whose truth is known."""

from __future__ import annotations

import numpy as np


def votes_of(random: np.random.Generator, chance: np.ndarray, models: int) -> np.ndarray:
    """``[models, examples]``: labels of models that draw each example's label from ``chance [examples, classes]``."""
    said: np.ndarray = (random.random((models, len(chance), 1)) > chance.cumsum(1)[None]).sum(2)
    return said.clip(0, chance.shape[1] - 1)
