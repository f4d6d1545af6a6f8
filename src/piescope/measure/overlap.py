"""Do two ways of training lose the same examples?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from piescope.axes import ExampleMask
from piescope.measure.arrays import same_length, to_numpy


def shared_mask(masks: Sequence[ExampleMask]) -> Bool[np.ndarray, " examples"]:
    """Examples that every mask marks: the paper's strong colours in Figures 4 and 7.

    Raises:
        ValueError: no mask, or other lengths.

    Example:
        >>> shared_mask([np.array([True, True]), np.array([True, False])]).tolist()
        [True, False]
    """
    if not masks:
        raise ValueError("no masks; expected at least one")
    arrays = [to_numpy(mask).astype(bool) for mask in masks]
    same_length(**{f"mask {index}": array for index, array in enumerate(arrays)})
    return np.logical_and.reduce(arrays)
