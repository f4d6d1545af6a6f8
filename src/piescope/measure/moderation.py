"""Variances of many groups, each known from few draws, tell of each other: empirical Bayes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Integer, Num
from scipy import optimize, special

MIDDLE, SPREAD = 1.5, 0.5
"""Of the slope of a share's variance against ``p (1 - p)``, before groups tell."""

FEWEST = 3
"""Groups whose draws differ, below which nothing is told of how variances vary."""

KNOWN = 1e6
"""Degrees of freedom from which on groups are as alike as draws of one variance."""


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
    logs = np.log(seen) - special.digamma(freedom / 2) + np.log(freedom / 2)
    beyond = float(logs.var(ddof=1) - special.polygamma(1, freedom / 2))
    prior = KNOWN if beyond <= special.polygamma(1, KNOWN / 2) else 2 * _where_trigamma_is(beyond)
    most = len(seen) * freedom  # what is common is known no better than all draws tell it
    if prior >= KNOWN:
        return np.full(len(own), seen.mean()), np.full(len(own), most)
    common = np.exp(logs.mean() + special.digamma(prior / 2) - np.log(prior / 2))
    together = np.minimum(most, np.where(own > 0, prior + freedom, prior))
    return np.where(own > 0, (prior * common + freedom * own) / (prior + freedom), common), together


def moderated_shares(
    counts: Integer[np.ndarray, "models groups"],
    sizes: Num[np.ndarray, " groups"],
    before: Integer[np.ndarray, "models groups"] | None = None,
) -> tuple[Float[np.ndarray, " groups"], Float[np.ndarray, " groups"]]:
    """How much a model's share of each group varies from model to model, as groups tell each other.

    Shares p near 0 or 1 vary less than those in the middle. So what groups tell each other (`moderated`) is their
    variance over ``(p (1 - p))**slope``: the slope is 1 where it is the luck of counts, 2 where seeds move log odds by
    as much everywhere. It is fitted to the groups between the two, from 1.5 on (a normal prior, standard deviation
    0.5).

    Args:
        counts: examples of each group that each model has right, say.
        sizes: examples of each group; of one or none nothing is told.
        before: likewise, of the model that each comes from: then it is the change of the share that varies.

    Returns:
        ``(variances, freedoms)``, ``[groups]``, of one model (0 to 1, squared); the groups' own, with ``models - 1``,
        where models differ in fewer than three groups.

    Source: Smyth 2004, as `moderated`, along a trend (Law, Chen, Shi and Smyth 2014,
    https://doi.org/10.1186/gb-2014-15-2-r29); trend and prior are our own.

    Example:
        >>> counts = np.array([[90, 80, 70], [92, 80, 66], [88, 83, 71]])
        >>> variances, freedom = moderated_shares(counts, np.full(3, 100))
        >>> (np.sqrt(variances) * 100).round(1).tolist(), freedom.round(1).tolist()
        ([1.6, 2.3, 2.9], [6.0, 6.0, 6.0])
    """
    size, freedom = np.asarray(sizes, np.float64), len(counts) - 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        own = ((counts if before is None else counts - before) / size).var(0, ddof=1)
    shares = [(side.mean(0) + 0.5) / (size + 1) for side in (counts, before) if side is not None]
    room = np.mean([share * (1 - share) for share in shares], axis=0)
    expected = room ** _slope(np.log(room), np.where(size > 1, own, 0.0), freedom)
    told, freedoms = moderated(np.where(size > 1, own / expected, 0.0), freedom)
    return np.where(freedoms > freedom, expected * told, own), freedoms


def _slope(rooms: np.ndarray, variances: np.ndarray, freedom: float) -> float:
    """By how much the logarithm of a variance rises with the logarithm of p (1 - p)."""
    seen = variances > 0
    if seen.sum() < FEWEST:
        return MIDDLE
    across, off = rooms[seen] - rooms[seen].mean(), np.log(variances[seen])
    noise = float(special.polygamma(1, freedom / 2))  # of the logarithm of a variance
    beyond = across @ (off - off.mean() - MIDDLE * across) / (across @ across + noise / SPREAD**2)
    return float(np.clip(MIDDLE + beyond, 1.0, 2.0))


def _where_trigamma_is(value: float) -> float:
    def off(log: float) -> float:
        return float(np.log(special.polygamma(1, np.exp(log))) - np.log(value))

    return float(np.exp(optimize.brentq(off, np.log(1e-8), np.log(KNOWN))))
