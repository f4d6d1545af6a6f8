"""How many examples would tell, if the shares that were seen stayed as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Int64

from piescope.auditing.units import LEVEL, Unit
from piescope.measure.drops import drop_bounds
from piescope.measure.flips import exact_share_interval

Sizes = Int64[np.ndarray, " sizes"]


# the sizes of samples that are proposed: two significant digits each, 10 to 990 million
_SIZES = np.array([digits * 10**zeros for zeros in range(8) for digits in range(10, 100)])


def enough_for_drop(unit: Unit, limit: float, level: float = LEVEL) -> int | None:
    """How many examples would show that a drop is within a limit, if the shares lost and gained stayed as they are.

    Args:
        unit: a class or a group whose bounds come from its flips, with a drop below the limit.
        limit: points.
        level: of the one-sided bound.

    Returns:
        None: more than are proposed, or bounds that do not come from flips.
    """
    return None if unit.flips is None else _enough_for_counts(*unit.flips, unit.examples, limit, level)


@lru_cache(maxsize=4096)
def _enough_for_counts(lost: int, gained: int, examples: int, limit: float, level: float) -> int | None:
    def shown(sizes: Sizes) -> Bool[np.ndarray, " sizes"]:
        _, high = drop_bounds(counts_in(lost / examples, sizes), counts_in(gained / examples, sizes), sizes, level)
        return np.asarray(high <= limit)

    return enough(shown, examples)


def enough_for_share(share: float, allowed: float, examples: int) -> int | None:
    """How many examples would show that the share is allowed, if it stayed as it is."""

    def shown(sizes: Sizes) -> Bool[np.ndarray, " sizes"]:
        _, high = exact_share_interval(counts_in(share / 100, sizes), sizes, 1 - 2 * LEVEL)
        return np.asarray(high <= allowed)

    return enough(shown, examples)


def enough(shown: Callable[[Sizes], Bool[np.ndarray, " sizes"]], examples: int) -> int | None:
    """The smallest sample from which on the limit would be shown to be kept; None beyond the largest.

    Whole counts make bounds rise and fall a little from size to size: from which on, not at which for once.
    """
    larger = _SIZES[np.searchsorted(_SIZES, examples, side="right") :]
    if not len(larger):
        return None
    # coarsely first: quantiles of the beta distribution are slow for large counts
    coarse = np.append(np.arange(0, len(larger), 30), len(larger) - 1)
    failed = np.flatnonzero(~shown(larger[coarse]))
    last = int(failed[-1]) if failed.size else 0
    if failed.size and last == len(coarse) - 1:
        return None
    between = larger[coarse[last] : coarse[last + 1] + 1]  # the end of it is shown
    failed = np.flatnonzero(~shown(between))
    return int(between[failed[-1] + 1 if failed.size else 0])


def counts_in(rate: float, sizes: Sizes) -> Sizes:
    """A share as whole examples of samples."""
    return np.rint(rate * sizes).astype(np.int64)


def about(size: int | None) -> str:
    """A size that was found, in words."""
    return f"{f'more than {_SIZES[-1]:,}' if size is None else f'about {size:,}'} examples"
