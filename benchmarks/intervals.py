"""Do the claims' intervals promise too much? Simulated studies in which two prunings are alike, and how often one "wins".

python benchmarks/intervals.py [--models 5] [--studies 200]

Each model of a population flips labels of hard examples more often; half of what decides a flip belongs to the seed and
is shared by the dense and both pruned populations. The statistic is C2's: the difference of PIE counts of two prunings.
"""

from __future__ import annotations

import argparse

import numpy as np

from piescope.measure.pies import group_modal_labels
from piescope.measure.resampling import estimate, two_way_draws

EXAMPLES, CLASSES, DRAWS = 800, 5, 150


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=5)
    parser.add_argument("--studies", type=int, default=200)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    shape = (arguments.models, EXAMPLES)
    values, errors, wrong = [], [], 0
    for study in range(arguments.studies):
        truth, hard, of_seed = random.integers(0, CLASSES, EXAMPLES), random.random(EXAMPLES), random.random(shape)
        drawn = two_way_draws(arguments.models, EXAMPLES, DRAWS, seed=study)
        modal = []
        for _ in ("dense", "one pruning", "the other"):
            flips = 0.5 * of_seed + 0.5 * random.random(shape) > 1 - 0.45 * hard
            said = np.where(flips, random.integers(0, CLASSES, shape), truth)
            modal.append(group_modal_labels(said, drawn.models, CLASSES))
        counts = [((modal[0] != pruned) * drawn.examples).sum(1) * 100 / EXAMPLES for pruned in modal[1:]]
        difference = estimate(counts[0] - counts[1], arguments.models)
        wrong += min(difference.p_positive, difference.p_negative) < 0.025
        values.append(difference.value)
        errors.append(difference.error)
    print(f"{wrong} of {arguments.studies} intervals of {arguments.models} models miss the truth, which is 0 (5 % may)")
    print(f"standard error {np.nanmean(errors):.2f}, true spread {np.std(values):.2f} % of examples")


if __name__ == "__main__":
    main()
