"""Which classes pay: PIEs counted by true class."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

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
