"""Answers of two groups of models, class by class, small enough to count by hand."""

from __future__ import annotations

import numpy as np


def answers(wrong: list[list[int]], labels: np.ndarray) -> np.ndarray:
    """Each model wrong in the examples of its list: it says the next class."""
    group = np.stack([labels] * len(wrong))
    for model, examples in enumerate(wrong):
        group[model, examples] = labels[examples] + 1
    return group


LABELS = np.repeat([0, 1, 3], 4)
DENSE = answers([[0], [4], [0, 8]], LABELS)
PRUNED = answers([[4, 5], [0, 4, 5, 8], [1, 5, 6, 7]], LABELS)
