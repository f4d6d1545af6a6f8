"""How much power can any rule of intervals have that holds what it promises, and how much has ours?

An oracle knows the standard error; who has a few models must estimate it, and pays for that with power. How much at least
is a linear program (Neyman and Pearson's lemma with many null hypotheses): among all tests of a normal estimate and the
variances that its groups of seeds show, one that says "not 0" in at most 5 % of the worlds in which it is 0, whatever the
seeds of each group do, and as often as can be in the one world that is asked about. The best test of one world is not
that of another, and need not come from an interval: so this is what no rule exceeds, not what one rule reaches.

python benchmarks/power.py [--docs]     the table (half a minute), or into docs/signal.md
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product

import numpy as np
from scipy import optimize, stats

from simulations import PAGE, normal_coverage

POWER = "<!-- power, by make simulations -->\n", "<!-- power end -->"
ORACLES = 0.8
"""How often the oracle of each line finds the effect."""

BOTH = 0.3
"""Of the variance over examples, which is 1: what a model and an example do together."""

MODELS = [3, 3], [5, 5], [10, 10]
SEEDS = 0.0, 0.3, 1.0, 5.0
"""What seeds add to the variance over examples, half of it in each group."""


def effect_of(variance: float) -> float:
    """An effect that who knows the variance finds in 80 %, two-sided at 5 %."""
    edge = stats.norm.ppf(0.975)

    def more(shift: float) -> float:
        return float(stats.norm.sf(edge - shift) + stats.norm.cdf(-edge - shift) - ORACLES)

    return float(np.sqrt(variance) * optimize.brentq(more, 0.0, 8.0))


def best_power(
    strata: Sequence[int],
    seeds: float,
    both: float = BOTH,
    examples: float = 1.0,
    size: float = 0.05,
    cells: tuple[int, int] = (45, 24),
    nulls: int = 10,
) -> float:
    """What no test exceeds where an oracle has 80 %.

    Tests are functions of how far the estimate is from 0 and of each group's variance, both cut into cells; the null
    hypotheses are some of those that a rule must hold in. More cells give a little more, more nulls a little less.

    Args:
        strata: models of each group.
        seeds: variance of the estimate that they add in the world that is asked about, in equal parts.
        both: variance of a model and an example together, part of that over examples.
        examples: variance over examples, known.
        size: how often at most it may say "not 0" where it is 0.
        cells: of the estimate, and of each variance.
        nulls: of what each group's seeds may do.
    """
    parts = [both] if len(strata) == 1 else [both * models / sum(strata) for models in reversed(strata)]
    least = max(examples, 0.2)
    away = np.concatenate([np.linspace(0, 6, cells[0] * 2 // 3), np.geomspace(6.3, 60, cells[0] // 3), [np.inf]])
    shown = np.concatenate([[0], np.geomspace(1e-3, 400, cells[1] - 1), [np.inf]])

    def chances(effect: float, adds: Sequence[float]) -> np.ndarray:
        """Of each cell."""
        error = np.sqrt(examples + sum(adds))
        chance = np.diff(stats.norm.cdf((away - effect) / error)) + np.diff(stats.norm.cdf((away + effect) / error))
        for models, own, part in zip(strata, adds, parts, strict=True):
            degrees = models - 1
            chance = np.multiply.outer(chance, np.diff(stats.chi2.cdf(shown * degrees / (own + part), degrees)))
        return chance.ravel()

    moves = np.concatenate([[0.0], np.geomspace(0.05 * least, 100, nulls - 1)])
    never = np.array([chances(0.0, adds) for adds in product(moves, repeat=len(strata)) if sum(adds) + examples > 0])
    asked = chances(effect_of(examples + seeds), [seeds / len(strata)] * len(strata))
    found = optimize.linprog(-asked, A_ub=never, b_ub=np.full(len(never), size), bounds=(0, 1), method="highs")
    if not found.success:
        raise RuntimeError(found.message)
    return float(-found.fun)


def our_power(strata: Sequence[int], seeds: float, both: float = BOTH) -> float:
    """Of `piescope.measure.intervals.combined_variance`, in the same world."""
    return 1 - normal_coverage(strata, [seeds / len(strata)] * len(strata), both, effect=effect_of(1 + seeds))


def table() -> str:
    """Markdown."""
    lines = ["| models | seeds add | no rule exceeds | ours |", "|---|---|---|---|"]
    for strata, seeds in product(MODELS, SEEDS):
        best, ours = 100 * best_power(strata, seeds), 100 * our_power(strata, seeds)
        lines.append(f"| {' + '.join(map(str, strata))} | {seeds:g} | {best:.0f} | {ours:.0f} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", action="store_true")
    to_page = parser.parse_args().docs
    made = table()
    print(made)
    if to_page:
        page, (begin, end) = PAGE.read_text(encoding="utf-8"), POWER
        PAGE.write_text(f"{page.split(begin)[0]}{begin}{made}{end}{page.split(end)[1]}", encoding="utf-8")
