"""Variances of many groups, each known from few draws, tell of each other: empirical Bayes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num
from scipy import optimize, special

TRENDS = np.array([[1.0, 2.0], [-1.0, 0.0]])
"""Of a share's variance: the least and the largest power of ``p (1 - p)``, and of the size of the group."""

TREND_SPREAD = 0.5
"""Standard deviation of each power, before groups tell."""

MOST = 4.0
"""Degrees of freedom for which what shares of groups have in common counts at most."""

FEWEST = 3
"""Groups whose draws differ, below which nothing is told of how variances vary."""

KNOWN = 1e6
"""Degrees of freedom from which on groups are as alike as draws of one variance."""


def moderated(
    variances: Float[np.ndarray, " groups"], freedom: float, most: float = np.inf
) -> tuple[Float[np.ndarray, " groups"], Float[np.ndarray, " groups"]]:
    """Variances of groups between their own and what all have in common, with their degrees of freedom.

    True variances are taken as ``d0 s0^2 / chi-squared(d0)``; d0 and s0 are fitted by the mean and the variance of the
    logarithms of those that were seen. A group's is the mean of its own and of s0^2, weighed by degrees of freedom.

    Args:
        variances: ``[groups]``, each of ``freedom + 1`` draws; 0 or NaN tell nothing, and get what is common.
        freedom: degrees of freedom of each.
        most: degrees of freedom for which s0^2 counts at most, however alike groups are: a group may be unlike others.

    Returns:
        ``(variances, freedoms)``, ``[groups]``; freedom at most that of all draws together; as they were where fewer
        than three are above 0.

    Source: Smyth 2004, https://doi.org/10.2202/1544-6115.1027, sections 6.2 and 3.

    Example:
        >>> found, freedom = moderated(np.array([1.0, 2.0, 3.0, 2.5]), 4.0)
        >>> found.round(2).tolist(), freedom.tolist()  # as alike as draws of one variance are: their mean
        ([2.12, 2.12, 2.12, 2.12], [16.0, 16.0, 16.0, 16.0])
    """
    own = np.where(np.isfinite(variances), variances, 0.0)
    seen = own[own > 0]
    if len(seen) < FEWEST:
        return np.asarray(variances), np.full(len(own), float(freedom))
    common, prior = _common(seen, freedom)
    weight = min(prior, most)
    found = np.full(len(own), common)
    if weight < KNOWN:
        found = np.where(own > 0, (weight * common + freedom * own) / (weight + freedom), common)
    # what is common is known no better than all draws tell it
    return found, np.minimum(len(seen) * freedom, np.where(own > 0, weight + freedom, weight))


def _common(seen: np.ndarray, freedom: float) -> tuple[float, float]:
    """The variance that groups have in common, and for how many degrees of freedom it counts."""
    logs = np.log(seen) - special.digamma(freedom / 2) + np.log(freedom / 2)
    beyond = float(logs.var(ddof=1) - special.polygamma(1, freedom / 2))
    if beyond <= special.polygamma(1, KNOWN / 2):
        return float(seen.mean()), np.inf
    prior = 2 * _where_trigamma_is(beyond)
    return float(np.exp(logs.mean() + special.digamma(prior / 2) - np.log(prior / 2))), prior


def moderated_shares(
    variances: Float[np.ndarray, " groups"],
    shares: Float[np.ndarray, "sides groups"],
    sizes: Num[np.ndarray, " groups"],
    freedom: float,
) -> tuple[Float[np.ndarray, " groups"], Float[np.ndarray, " groups"]]:
    """How much a share varies from model to model in each group, as groups tell each other.

    Shares p near 0 or 1 vary less than those in the middle, and those of large groups less than those of small ones. So
    what groups tell each other (`moderated`) is their variance over ``(p (1 - p))**a size**b``. Were it the luck of
    counts alone, a would be 1 and b -1; where seeds move log odds by as much everywhere, 2 and 0. Both are fitted to
    the groups, between these, from the middle on (a normal prior, standard deviation 0.5). What is common counts for no
    more than four degrees of freedom, so that a class that varies more than its like is not taken for one of them.

    Args:
        variances: ``[groups]``, over models, of the share of right answers, say, or of a change from one to another; in
            any unit. 0 or NaN tell nothing.
        shares: the share in each group, 0 to 1, neither included; of a change those before and after.
        sizes: examples of each group.
        freedom: degrees of freedom of each variance.

    Returns:
        ``(variances, freedoms)``, ``[groups]``; as they were where fewer than three are above 0.

    Source: Smyth 2004, as `moderated`, along a trend (Law, Chen, Shi and Smyth 2014,
    https://doi.org/10.1186/gb-2014-15-2-r29); trend and prior are our own.

    Example:
        >>> shares = np.array([[0.9, 0.92, 0.88], [0.8, 0.8, 0.83], [0.7, 0.66, 0.71]])
        >>> found, freedom = moderated_shares(shares.var(1, ddof=1), shares.mean(1)[None], np.full(3, 100), 2.0)
        >>> (100 * np.sqrt(found)).round(1).tolist(), freedom.round(1).tolist()
        ([1.7, 2.1, 2.8], [6.0, 6.0, 6.0])
    """
    own = np.nan_to_num(variances)
    if (own > 0).sum() < FEWEST:
        return variances, np.full(len(own), float(freedom))
    room, size = (shares * (1 - shares)).mean(0), np.maximum(np.asarray(sizes, np.float64), 1.0)
    logs = np.log(np.stack([room, size]))
    expected = np.exp(_trend(logs, own, freedom) @ logs)
    told, freedoms = moderated(own / expected, freedom, MOST)
    return expected * told, freedoms


def _trend(logs: np.ndarray, variances: np.ndarray, freedom: float) -> np.ndarray:
    """By how much the logarithm of a variance rises with each of these logarithms, ``[2, groups]``."""
    middle, seen = np.mean(TRENDS, axis=1), variances > 0
    across = logs[:, seen] - logs[:, seen].mean(1, keepdims=True)
    off = np.log(variances[seen])
    noise = float(special.polygamma(1, freedom / 2))  # of the logarithm of a variance
    known = across @ across.T + noise / TREND_SPREAD**2 * np.eye(2)
    beyond = np.linalg.solve(known, across @ (off - off.mean() - middle @ across))
    return np.asarray(np.clip(middle + beyond, *TRENDS.T))


def _where_trigamma_is(value: float) -> float:
    def off(log: float) -> float:
        return float(np.log(special.polygamma(1, np.exp(log))) - np.log(value))

    return float(np.exp(optimize.brentq(off, np.log(1e-8), np.log(KNOWN))))
