"""Do two ways of training lose the same examples?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Num

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


def jaccard(
    one: Bool[Any, "*rows examples"], other: Bool[Any, "*rows examples"], weights: Num[Any, "*draws examples"]
) -> Float[np.ndarray, "*rows"]:
    """How much of what either mask marks both mark: 0 (nothing in common) to 1 (the same); NaN where neither marks any.

    Args:
        one: PIEs of one objective, say.
        other: of another.
        weights: how often each example counts (1 but in resampling).

    Example:
        >>> float(jaccard(np.array([True, True, False]), np.array([False, True, True]), np.ones(3)))
        0.3333333333333333
    """
    one, other = to_numpy(one).astype(bool), to_numpy(other).astype(bool)
    both, either = ((mask * weights).sum(-1, dtype=np.float64) for mask in (one & other, one | other))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(both / either)


def chance_jaccard(one: Num[Any, "*rows"], other: Num[Any, "*rows"], examples: int) -> Float[np.ndarray, "*rows"]:
    """The overlap of two independent random sets of these sizes, to first order: it grows with their sizes.

    Args:
        one: size of the one set.
        other: of the other.
        examples: what both are drawn from.

    Example:
        >>> float(chance_jaccard(np.array(50), np.array(50), 100))
        0.3333333333333333
    """
    both = np.asarray(one, np.float64) * np.asarray(other, np.float64) / examples
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(both / (np.asarray(one) + np.asarray(other) - both))
