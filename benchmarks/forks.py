"""What it saves that trainings of a seed do their common steps once: the same study with and without, in turn.

All trainings of one seed of digits (dense, GMP and delayed GMP at six sparsities, supervised and contrastive), as a
worker of `piescope run` does them, one after another; processor seconds of the process and its threads, start-up left
out. What comes out is compared to the bit. Then what is counted of the studies that ship.

    python benchmarks/forks.py [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from piescope.store.artefacts import Store
from piescope.study.cost import cost_of
from piescope.study.forks import forks_of
from piescope.study.parse import builtin_studies, load_study, parse_study
from piescope.study.plan import Step, make_plan
from piescope.study.steps import perform, set_up_worker
from piescope.training.checkpoints import When

STUDY = """
extends = "digits"
name = "digits-forks"
replicates = 1
sparsities = [0.3, 0.5, 0.7, 0.9, 0.95, 0.99]
unset = ["measures"]

[arms]
supervised = ["dense", "gmp", "delayed_gmp"]
supcon = ["dense", "gmp", "delayed_gmp"]

[pruning.delayed_gmp]
supervised = { begin = 128, end = 272, frequency = 10 }
"""


def done(steps: list[Step]) -> tuple[dict[str, float], list[bytes]]:
    """Processor seconds of each kind of training, and the bytes of the models."""
    seconds: dict[str, float] = {}
    models = []
    with tempfile.TemporaryDirectory() as folder:
        for step in steps:
            began = time.process_time()
            made = perform(step, Store(Path(folder)), "cpu", lambda _: None, When(60.0))
            if step.kind == "train":
                kind = " ".join(step.label.split(",")[0].split()[:2])
                seconds[kind] = seconds.get(kind, 0.0) + time.process_time() - began
                models += [made.read(name) for name in made.manifest.files]
    return seconds, models


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    set_up_worker("cpu")
    steps = [step for step in make_plan(parse_study(STUDY)).steps if step.kind in ("data", "train")]
    arms = {"shared": steps, "alone": [replace(step, forks=()) for step in steps]}
    taken: dict[str, list[dict[str, float]]] = {arm: [] for arm in arms}
    for turn in range(rounds):
        models = {}
        for arm in sorted(arms, reverse=bool(turn % 2)):
            seconds, models[arm] = done(arms[arm])
            taken[arm].append(seconds)
        assert models["shared"] == models["alone"], "other bits"
    ratios: dict[str, list[float]] = {}
    for shared, alone in zip(taken["shared"], taken["alone"], strict=True):
        for kind in (*shared, "all"):
            ours, theirs = (sum(each.values()) if kind == "all" else each[kind] for each in (shared, alone))
            ratios.setdefault(kind, []).append(ours / theirs)
    counted: dict[str, list[int]] = {}
    for step in steps:
        for kind in (" ".join(step.label.split(",")[0].split()[:2]), "all"):
            did, whole = counted.setdefault(kind, [0, 0])
            counted[kind] = [did + step.forward_backward, whole + step.forward_backward + step.taken_over]
    print(
        "| trainings | processor seconds with / without, median | spread | images with / without |\n|---|---|---|---|"
    )
    for kind, found in ratios.items():
        spread = f"{min(found):.3f} to {max(found):.3f}, n = {len(found)}"
        did, whole = counted[kind]
        print(f"| {kind} | {statistics.median(found):.3f} | {spread} | {did / whole:.3f} |")
    totals = {arm: statistics.median(sum(each.values()) for each in rounds) for arm, rounds in taken.items()}
    print(f"all {len(steps) - 1} trainings: {totals['shared']:.1f} s with, {totals['alone']:.1f} s without (medians)")
    print("\n| study | training FLOPs | shared | of all | forks |\n|---|---|---|---|---|")
    for name in builtin_studies():
        plan = make_plan(load_study(name))
        cost = cost_of(plan)
        share = cost.shared_flops / (cost.training_flops + cost.shared_flops)
        forks = len({fork.key for step in plan.steps for fork in forks_of(step)})
        print(f"| {name} | {cost.training_flops:.3g} | {cost.shared_flops:.3g} | {share:.1%} | {forks} |")


if __name__ == "__main__":
    sys.exit(main())
