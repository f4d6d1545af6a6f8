"""Variances of many groups, each known from few draws, tell of each other: empirical Bayes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy import optimize, special

FEWEST = 3
"""Groups whose draws differ, below which nothing is told of how variances vary."""

KNOWN = 1e6
"""Degrees of freedom of a variance that all groups share."""


def moderated(
    variances: Float[np.ndarray, " groups"], freedom: float
) -> tuple[Float[np.ndarray, " groups"], Float[np.ndarray, " groups"]]:
    """Variances of groups between their own and what all have in common, with their degrees of freedom.

    True variances are taken as ``d0 s0^2 / chi-squared(d0)``; d0 and s0 are fitted by the mean and the variance of the
    logarithms of those that were seen. A group's is the mean of its own and of s0^2, weighed by degrees of freedom.

    Args:
        variances: ``[groups]``, each of ``freedom + 1`` draws; 0 or NaN tell nothing, and get what is common.
        freedom: degrees of freedom of each.

    Returns:
        ``(variances, freedoms)``, ``[groups]``; as they were where fewer than three are above 0.

    Source: Smyth 2004, https://doi.org/10.2202/1544-6115.1027, sections 6.2 and 3.

    Example:
        >>> found, freedom = moderated(np.array([1.0, 2.0, 3.0, 2.5]), 4.0)
        >>> found.round(2).tolist(), freedom.tolist()  # as alike as draws of one variance are
        ([2.58, 2.58, 2.58, 2.58], [1000000.0, 1000000.0, 1000000.0, 1000000.0])
    """
    own = np.where(np.isfinite(variances), variances, 0.0)
    seen = own[own > 0]
    if len(seen) < FEWEST:
        return np.asarray(variances), np.full(len(own), float(freedom))
    logs = np.log(seen) - special.digamma(freedom / 2) + np.log(freedom / 2)
    beyond = float(logs.var(ddof=1) - special.polygamma(1, freedom / 2))
    prior = KNOWN if beyond <= special.polygamma(1, KNOWN / 2) else 2 * _where_trigamma_is(beyond)
    common = np.exp(logs.mean() + special.digamma(prior / 2) - np.log(prior / 2))
    together = np.full(len(own), min(KNOWN, prior + freedom))
    if prior >= KNOWN:
        return np.full(len(own), common), together
    together = np.where(own > 0, together, prior)
    return np.where(own > 0, (prior * common + freedom * own) / (prior + freedom), common), together


def _where_trigamma_is(value: float) -> float:
    def off(log: float) -> float:
        return float(np.log(special.polygamma(1, np.exp(log))) - np.log(value))

    return float(np.exp(optimize.brentq(off, np.log(1e-8), np.log(KNOWN))))
