"""How far an interval over seeds and examples reaches, by search, from the rule as its docstring has it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import optimize, stats


def freedom_by_search(
    over_examples: float, known: float, over_seeds: Sequence[tuple[float, int]], both: float
) -> float:
    """Degrees of freedom with which t times the standard error is the rule's reach (`combined_variance`).

    Args:
        over_examples: variance over examples.
        known: its degrees of freedom.
        over_seeds: of each stratum, variance and degrees of freedom.
        both: variance of a unit and an example together.
    """
    total = sum(variance for variance, _ in over_seeds)
    error = math.sqrt(over_examples + max(0.0, total - both))
    freedom = total**2 / sum(variance**2 / each for variance, each in over_seeds)
    few, many = (float(stats.t.ppf(0.975, each)) for each in (freedom, known))
    kept = few**2 * (freedom - 1) / (freedom + few**2) * max(0.0, over_examples - both)
    reaches = [many * error]
    for variance, each in ((total, freedom), *over_seeds):
        weight = float(stats.chi2.cdf(each * variance / both, each)) ** 2
        seeds_move = float(stats.t.ppf(0.975, each)) ** 2 * variance + kept
        reaches.append(math.sqrt(weight * seeds_move + (1 - weight) * many**2 * over_examples))
    if max(reaches) <= many * error:
        return known
    return float(optimize.brentq(lambda each: stats.t.ppf(0.975, each) * error - max(reaches), 0.5, known))
