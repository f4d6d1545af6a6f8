"""Where the figures of docs/signal.md come from: studies whose truth is known, and what equal seeds share in a real run.

python benchmarks/simulations.py [--studies 300]      coverage of the excess, and of counts drawn out (minutes)
python benchmarks/simulations.py --run DIR            PIEs of groups of two models of the same and of other seeds
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np

from piescope.measure.noise_floor import NoiseFloor, Null
from piescope.measure.pies import pie_mask
from piescope.measure.replicates import replicate_curve
from piescope.report.study.results import load_results

EXAMPLES = 1500


def said(random: np.random.Generator, logit: np.ndarray) -> np.ndarray:
    return (random.random(logit.shape) < 1 / (1 + np.exp(-logit))).astype(int)


def study(
    random: np.random.Generator, models: int, dense: int, planted: float, common: float, null: Null
) -> tuple[np.ndarray, np.ndarray]:
    """Two classes; seeds may move all examples at once; pruning may move a tenth of them; descendants keep most of the luck."""
    hard = random.beta(0.5, 2, EXAMPLES)
    logit = np.log(hard / (1 - hard) + 1e-9) + common * random.normal(size=(dense, 1))
    luck, moved = random.random((dense, EXAMPLES)), planted * (random.random(EXAMPLES) < 0.1)
    before = (luck < 1 / (1 + np.exp(-logit))).astype(int)
    if null == "independent":
        own = np.log(hard / (1 - hard) + 1e-9) + common * random.normal(size=(models, 1))
        return before, said(random, own + moved)
    kept = np.where(random.random((models, EXAMPLES)) < 0.2, random.random((models, EXAMPLES)), luck[:models])
    return before, (kept < 1 / (1 + np.exp(-(logit[:models] + moved)))).astype(int)


def excess(studies: int) -> None:
    for null in ("independent", "descended"):
        for models, dense in ((5, 5), (5, 10), (10, 10)):
            for planted, common in ((0.0, 0.0), (3.0, 0.0), (0.0, 0.5), (3.0, 0.5)):
                random = np.random.default_rng(1)
                intervals = [
                    NoiseFloor(before, 2, seed).under(after, null).excess
                    for seed in range(studies)
                    for before, after in [study(random, models, dense, planted, common, null)]
                ]
                mean = float(np.mean([interval.value for interval in intervals]))
                covered = np.mean([interval.low <= mean <= interval.high for interval in intervals])
                print(f"excess, {null}, {models} pruned and {dense} dense models, planted {planted:g}, common {common:g}: "
                      f"mean {mean:.1f}, covered {100 * covered:.1f} % of {studies}")  # fmt: skip


def drawn_out(studies: int) -> None:
    random = np.random.default_rng(0)
    for models, common in ((5, 0.0), (12, 0.0), (5, 0.4), (10, 0.4), (30, 0.4)):
        inside = []
        for _ in range(studies):
            logit, shift = random.normal(-2, 2, EXAMPLES), 2.5 * (random.random(EXAMPLES) < 0.1)
            truth = ((logit > 0) != (logit + shift > 0)).sum()
            sides = [said(random, side + common * random.normal(size=(models, 1))) for side in (logit, logit + shift)]
            curve = replicate_curve(*sides, 2)
            inside.append(curve.limit_low <= truth <= curve.limit_high)
        print(
            f"any number of models from {models}, common {common:g}: between the guesses in {100 * np.mean(inside):.0f} % of {studies}"
        )


def seeds_in_common(folder: Path) -> None:
    results = load_results(folder)
    assert results is not None, "a finished run"
    classes = len(results.class_names)
    for arm in results.pruned():
        dense = results.find(arm.objective, "dense", 0.0)
        assert dense is not None
        same, other = [], []
        for chosen in combinations(range(len(arm.labels)), 2):
            others = [seed for seed in range(len(arm.labels)) if seed not in chosen]
            for seeds in (chosen, *combinations(others, 2)):
                pies = pie_mask(dense.labels[list(chosen)], arm.labels[list(seeds)], classes).sum()
                (same if seeds == chosen else other).append(pies)
        gap = 100 * (np.mean(same) / np.mean(other) - 1)
        print(
            f"{arm.objective} {arm.pruning} {arm.sparsity:g}: same seeds {np.mean(same):.0f}, others {np.mean(other):.0f}, {gap:+.1f} %"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=300)
    parser.add_argument("--run", type=Path)
    arguments = parser.parse_args()
    if arguments.run:
        seeds_in_common(arguments.run)
    else:
        excess(arguments.studies)
        drawn_out(arguments.studies)
