"""Variances that groups tell each other, by searches where the code has formulas."""

from __future__ import annotations

import numpy as np
from scipy import optimize, special


def slow_moderated(
    own: np.ndarray, shares: np.ndarray, sizes: np.ndarray, freedom: float
) -> tuple[np.ndarray, np.ndarray]:
    """Variances of groups and their degrees of freedom, as `piescope.measure.moderation.moderated_shares` has them.

    Args:
        own: ``[groups]``, at least three above 0.
        shares: ``[sides, groups]``.
        sizes: ``[groups]``.
        freedom: of each of the groups' own.
    """
    told = np.flatnonzero(own > 0)
    room = np.array([np.mean([p * (1 - p) for p in column]) for column in shares.T])
    noise = float(special.polygamma(1, freedom / 2))

    def posterior(powers: np.ndarray) -> float:
        left = np.log(own) - powers[0] * np.log(room) - powers[1] * np.log(sizes)
        return float(left[told].var() * len(told) / noise + (((powers - [1.5, -0.5]) / 0.5) ** 2).sum())

    best = optimize.minimize(posterior, [1.5, -0.5], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x
    scale = room ** min(2.0, max(1.0, best[0])) * sizes ** min(0.0, max(-1.0, best[1]))
    seen = own[told] / scale[told]
    beyond = np.log(seen).var(ddof=1) - noise
    if beyond <= 1e-9:
        found = np.where(own > 0, (4 * seen.mean() + freedom * own / scale) / (4 + freedom), seen.mean())
        return scale * found, np.minimum(np.where(own > 0, 4 + freedom, 4), len(told) * freedom)
    prior = np.exp(np.linspace(np.log(0.01), np.log(1e5), 400_001))
    prior = prior[np.abs(np.log(special.polygamma(1, prior / 2) / beyond)).argmin()]
    # the mean of the logarithm of an F variable
    mean = special.digamma(freedom / 2) - np.log(freedom / 2) - special.digamma(prior / 2) + np.log(prior / 2)
    common = np.exp(np.log(seen).mean() - mean)
    prior = min(prior, 4.0)
    found = np.where(own > 0, (prior * common + freedom * own / scale) / (prior + freedom), common)
    return scale * found, np.minimum(np.where(own > 0, prior + freedom, prior), len(told) * freedom)
