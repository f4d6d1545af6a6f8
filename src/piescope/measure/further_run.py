"""One further run against several of one recipe, group by group, on log odds of a right answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64
from scipy import special

from piescope.measure.moderation import moderated


@dataclass(frozen=True)
class FurtherRun:
    """Log odds of a right answer of several runs, and of one more: ``[groups]`` each; NaN where no runs differ.

    Attributes:
        mean: of the several.
        error: standard error of one more, less that mean.
        single: of the one more.
        right: how many it has right.
        sizes: examples.
        freedom: degrees of freedom of the error.

    Source: Haldane 1956, https://doi.org/10.1111/j.1469-1809.1955.tb01285.x (log odds of counts that may be 0); Smyth
    2004 (`piescope.measure.moderation.moderated`).

    Example:
        >>> run = FurtherRun.of(np.array([[90, 80], [92, 77], [91, 81]]), np.array([70, 79]), np.array([100, 100]))
        >>> run.p_value.round(3).tolist()
        [0.009, 0.887]
    """

    mean: Float[np.ndarray, " groups"]
    error: Float[np.ndarray, " groups"]
    single: Float[np.ndarray, " groups"]
    right: Int64[np.ndarray, " groups"]
    sizes: Int64[np.ndarray, " groups"]
    freedom: Float[np.ndarray, " groups"]

    @classmethod
    def of(cls, several: np.ndarray, single: np.ndarray, sizes: np.ndarray) -> FurtherRun:
        """Of how many each has right, ``[models, groups]`` and ``[groups]``, among so many examples."""
        models = len(several)
        odds, one = (special.logit((right + 0.5) / (sizes + 1)) for right in (several, single))
        differ = (several != several[0]).any(0) & (sizes > 1)
        variances, freedom = moderated(np.where(differ, odds.var(0, ddof=1), 0.0), models - 1.0)
        known = (variances > 0) & (sizes > 1)
        error = np.where(known, np.sqrt(np.maximum(variances, 0.0) * (1 + 1 / models)), np.nan)
        return cls(odds.mean(0), error, one, single, sizes, freedom)

    @property
    def p_value(self) -> np.ndarray:
        """Of "the one is a further run of the several"."""
        return np.asarray(2 * special.stdtr(self.freedom, -np.abs(self.single - self.mean) / self.error))

    def change(self, value: np.ndarray, is_dense: bool, confidence: float) -> np.ndarray:
        """``[2, groups]``, the ends of the change in points: the one against all that a further run may be."""
        reach = special.stdtrit(self.freedom, (1 + confidence) / 2) * self.error
        shares = (special.expit(np.stack([self.mean - reach, self.mean + reach])) * (self.sizes + 1) - 0.5) / self.sizes
        apart = 100 * (self.right / self.sizes - np.clip(shares, 0.0, 1.0))[::-1]
        low, high = apart if is_dense else -apart[::-1]
        return np.stack([np.minimum(low, value), np.maximum(high, value)])
