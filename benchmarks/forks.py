"""What it saves that trainings of a seed do their common steps once: the same study with and without, in turn.

All trainings of one seed of digits (dense, GMP and delayed GMP at six sparsities, supervised and contrastive), as a
worker of `piescope run` does them, one after another; processor seconds of the process and its threads, start-up left
out. What comes out is compared to the bit. With `--counted` also what is counted of the studies that ship.

    python benchmarks/forks.py [--rounds 3] [--counted]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from piescope.store.artefacts import Store
from piescope.study.cost import cost_of
from piescope.study.forks import forks_of
from piescope.study.parse import builtin_studies, load_study, parse_study
from piescope.study.plan import Step, make_plan
from piescope.study.steps import perform, set_up_worker
from piescope.training.checkpoints import When
from rows import Row, command, ratios

STUDY = """
extends = "digits"
name = "digits-forks"
replicates = 1
sparsities = [0.9]
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
                kind, _ = kinds_of(step.label)
                seconds[kind] = seconds.get(kind, 0.0) + time.process_time() - began
                models += [made.read(name) for name in made.manifest.files]
    return seconds, models


def kinds_of(label: str) -> tuple[str, str]:
    """What a training counts for."""
    return " ".join(label.split(",")[0].split()[:2]), "all"


def measured(given: argparse.Namespace) -> Iterator[Row]:
    set_up_worker("cpu")
    study = parse_study(STUDY).model_copy(update={"sparsities": tuple(given.sparsities)})
    steps = [step for step in make_plan(study).steps if step.kind in ("data", "train")]
    arms = {"shared": steps, "alone": [replace(step, forks=()) for step in steps]}
    taken: dict[str, list[dict[str, float]]] = {arm: [] for arm in arms}
    for turn in range(given.rounds):
        models = {}
        for arm in sorted(arms, reverse=bool(turn % 2)):
            seconds, models[arm] = done(arms[arm])
            taken[arm].append(seconds)
        assert models["shared"] == models["alone"], "other bits"
    images: dict[str, list[int]] = {}
    for step in steps[1:]:
        for kind in kinds_of(step.label):
            did, whole = images.get(kind, [0, 0])
            images[kind] = [did + step.forward_backward, whole + step.forward_backward + step.taken_over]
    for kind, (did, whole) in images.items():
        ours, theirs = ([sum(each.values()) if kind == "all" else each[kind] for each in taken[arm]] for arm in arms)
        yield ratios(f"{kind}: seconds without shared steps / with them", theirs, ours)
        yield Row(f"{kind}: images without shared steps / with them", "x", (whole / did,))
    for name in builtin_studies() if given.counted else ():
        plan = make_plan(load_study(name))
        cost = cost_of(plan)
        forks = len({fork.key for step in plan.steps for fork in forks_of(step)})
        share = 100 * cost.shared_flops / (cost.training_flops + cost.shared_flops)
        yield Row(
            f"{name}: of {cost.training_flops:.3g} training FLOPs not done again, at {forks} forks", "%", (share,)
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sparsities", type=float, nargs="+", default=[0.3, 0.5, 0.7, 0.9, 0.95, 0.99])
    parser.add_argument("--counted", action="store_true", help="of the studies that ship, too")
    command(parser, measured, {"rounds": 1, "sparsities": [0.9]})
