"""Which classes pay: PIEs counted by true class."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64, Num

from piescope.axes import ExampleLabels, ExampleMask
from piescope.measure.arrays import class_ids, same_length, to_numpy


def class_counts(mask: ExampleMask, labels: ExampleLabels, num_classes: int) -> Int64[np.ndarray, " classes"]:
    """How many marked examples (PIEs, say) each true class has.

    Args:
        mask: ``[examples]``.
        labels: ``[examples]``, true class ids.
        num_classes: classes are ``range(num_classes)``.

    Returns:
        ``[classes]`` counts that sum to the number of marked examples.

    Raises:
        ValueError: other lengths, or class ids out of range.

    Example:
        >>> class_counts(np.array([True, False, True]), np.array([0, 0, 2]), 3).tolist()
        [1, 0, 1]
    """
    marked = to_numpy(mask).astype(bool)
    truth = class_ids(labels, "labels", 1, num_classes)
    same_length(mask=marked, labels=truth)
    return np.bincount(truth[marked], minlength=num_classes)


def same_class_probability(
    masks: Bool[Any, "*rows examples"],
    labels: ExampleLabels,
    num_classes: int,
    weights: Num[Any, "*draws examples"],
) -> Float[np.ndarray, "*rows"]:
    """How likely two different marked examples are of one class: low where the marked spread evenly over classes.

    ``sum_c n_c (n_c - 1) / (n (n - 1))`` (Simpson 1949). Unlike an entropy of shares it is unbiased for any number of
    marked examples, so few PIEs do not look uneven for being few. With 10 equal classes an even spread gives just
    under 0.1.

    Args:
        masks: PIEs.
        labels: ``[examples]``, true class ids.
        num_classes: classes are ``range(num_classes)``.
        weights: how often each example counts (1 but in resampling); pairs of an example with itself do not count.

    Returns:
        0 to 1; NaN where fewer than two examples are marked.

    Example:
        >>> marked, labels = np.array([True, True, True, False]), np.array([0, 0, 1, 1])
        >>> float(same_class_probability(marked, labels, 2, np.ones(4)))
        0.3333333333333333
    """
    counted = to_numpy(masks).astype(bool) * np.asarray(weights, np.float64)
    truth = np.eye(num_classes)[class_ids(labels, "labels", 1, num_classes)]
    per_class, squares = counted @ truth, (counted**2).sum(-1)
    total = per_class.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        probability = ((per_class**2).sum(-1) - squares) / (total**2 - squares)
    return np.asarray(probability)
