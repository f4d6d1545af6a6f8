"""Cohen's kappa: how far two classifiers agree beyond what their class frequencies alone would give."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Integer
from scipy import special

from piescope.measure.arrays import same_length
from piescope.measure.intervals import CONFIDENCE


class Kappa(NamedTuple):
    """Agreement beyond chance.

    Attributes:
        value: 1: always alike; 0: as often as chance; negative: less often. NaN where both give one class only.
        error: standard error; NaN likewise.
        low: of the interval; NaN also where all answers are alike, as nothing varies then.
        high: likewise; never above 1.
    """

    value: float
    error: float
    low: float
    high: float


def cohen_kappa(
    first: Integer[Any, " cells"],
    second: Integer[Any, " cells"],
    counts: Integer[Any, " cells"],
    num_classes: int,
    confidence: float = CONFIDENCE,
) -> Kappa:
    """Cohen's kappa of two classifiers' labels, from how often each pair of labels occurs.

    ``kappa = (p_o - p_e) / (1 - p_e)``: the share of equal labels ``p_o`` against the share ``p_e`` that independent
    labels with the same class frequencies would have. Its standard error is that of Fleiss, Cohen and Everitt; the
    interval is taken on the scale of ``log(1 - kappa)``, so that it keeps its level also where few labels differ, and
    never passes 1.

    What is random: which examples there are. Assumed: they are independent. It is about these two classifiers.

    Args:
        first: ``[cells]`` class ids of the first; cells may come twice.
        second: ``[cells]`` of the second.
        counts: ``[cells]`` examples with these two labels.
        num_classes: ids lie below it.
        confidence: of the interval.

    Raises:
        ValueError: arrays of other lengths, or no example.

    Source: Cohen 1960, https://doi.org/10.1177/001316446002000104; standard error: Fleiss, Cohen and Everitt 1969,
    https://doi.org/10.1037/h0028106, equation 13.

    Example:
        >>> kappa = cohen_kappa(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([20, 5, 10, 15]), 2)
        >>> [round(number, 3) for number in kappa]
        [0.4, 0.127, 0.092, 0.604]
    """
    same_length(first=first, second=second, counts=counts)
    total = int(np.sum(counts))
    if total < 1:
        raise ValueError("there are no examples to agree on; expected counts that sum to 1 or more")
    shares = np.asarray(counts, np.float64) / total
    one, other = (np.bincount(labels, shares, num_classes) for labels in (first, second))
    is_equal = np.asarray(first) == np.asarray(second)
    observed, expected = float(shares[is_equal].sum()), float(one @ other)
    if expected >= 1 - 1e-12:
        return Kappa(np.nan, np.nan, np.nan, np.nan)
    if not shares[~is_equal].any():
        return Kappa(1.0, 0.0, np.nan, np.nan)
    value = (observed - expected) / (1 - expected)
    chance = one[np.asarray(second)] + other[np.asarray(first)]  # p_.i + p_j. of each cell
    lack = 1 - value
    terms = np.where(is_equal, (1 - chance * lack) ** 2, (lack * chance) ** 2)
    variance = (float(shares @ terms) - (value - expected * lack) ** 2) / (total * (1 - expected) ** 2)
    error = float(np.sqrt(max(variance, 0.0)))
    if error == 0:
        return Kappa(value, error, np.nan, np.nan)
    reach = float(np.exp(special.ndtri((1 + confidence) / 2) * error / lack))
    return Kappa(value, error, max(-1.0, 1 - lack * reach), 1 - lack / reach)
