"""Whether populations trained in bfloat16 differ from those in float32: accuracy and PIEs on digits, with intervals.

    python benchmarks/precision.py [--replicates 20] [--out runs/precision]

Two studies of the same seeds, which differ in `precision` alone: dense, gradual pruning and one-shot pruning to 90 %,
supervised and supervised contrastive. Printed, each with a 95 % interval:

- accuracy: bfloat16 minus float32 in points, paired by seed (Student's t over the differences);
- PIEs beyond chance of each precision against its own dense models (`piescope.excess_pies`), and their difference
  (jackknife over seeds: leaving a seed out of all four populations);
- PIEs of bfloat16 against float32 models of the same arm, beyond those that other seeds make.

A finished folder is read, not run again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import stats

import piescope
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.study.execute import execute
from piescope.study.executors.local import LocalExecutor
from piescope.study.parse import load_study
from piescope.study.plan import make_plan
from piescope.study.scheduling import Observer
from piescope.study.spec import Measures, Study

PRUNED = ("gmp", "one_shot")
SPARSITY = 0.9


def study_in(precision: str, replicates: int) -> Study:
    """Digits with less of what is not asked here, trained in a precision."""
    study = load_study("digits")
    stages = {"precision": precision}
    supervised = study.training_of("supervised").model_copy(update=stages)
    contrastive = study.training_of("supcon")
    both = {stage: getattr(contrastive, stage).model_copy(update=stages) for stage in ("encoder", "head")}
    one_shot = study.pruning["one_shot"]
    return study.model_copy(
        update={
            "name": f"digits-{precision}",
            "replicates": replicates,
            "sparsities": (SPARSITY,),
            "measures": Measures(),
            "arms": dict.fromkeys(("supervised", "supcon"), ("dense", *PRUNED)),
            "training": study.training.model_copy(
                update={"supervised": supervised, "supcon": contrastive.model_copy(update=both)}
            ),
            "pruning": {
                "gmp": study.pruning["gmp"],
                "one_shot": one_shot.model_copy(update={"finetune": one_shot.finetune.model_copy(update=stages)}),
            },
        }
    )


def said_by(study: Study, out: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Of each arm ``[models, examples]`` labels, and the true ones; runs what is not there."""
    executor = LocalExecutor(out, "cpu", len(os.sched_getaffinity(0)))
    ended = execute(study, out, executor, False, Observer())
    if ended.failed:
        sys.exit(f"{study.name}: {ended.failed}")
    store, labels = Store(out), {}
    for arm in make_plan(study).arms:
        role = "dense" if arm.arm.pruning == "dense" else "pruned"
        predictions = [ref.key for ref in arm.compare.parents[role]]
        said = [store.load("predict", key).tensors(layout.PREDICTIONS)["logits"].argmax(1) for key in predictions]
        labels[f"{arm.arm.objective} {arm.arm.pruning}"] = np.stack(said)
    data = make_plan(study).arms[0].compare.parents["data"][0]
    return labels, store.load("data", data.key).tensors(layout.IMAGES)["labels"]


def jackknife(of: Callable[[np.ndarray], float], replicates: int) -> tuple[float, float, float]:
    """A number that is computed of seeds, and its 95 % interval."""
    value, every = of(np.arange(replicates)), np.arange(replicates)
    left_out = np.array([of(np.delete(every, seed)) for seed in range(replicates)])
    error = np.sqrt((replicates - 1) / replicates * ((left_out - left_out.mean()) ** 2).sum())
    half = stats.t.ppf(0.975, replicates - 1) * error
    return value, value - half, value + half


def compared(
    exact: dict[str, np.ndarray], rounded: dict[str, np.ndarray], truth: np.ndarray
) -> list[dict[str, object]]:
    """A row an arm."""
    rows = []
    for arm, theirs in exact.items():
        ours, objective = rounded[arm], arm.partition(" ")[0]
        right = [100 * (labels == truth).mean(1) for labels in (theirs, ours)]
        difference = right[1] - right[0]
        half = stats.t.ppf(0.975, len(difference) - 1) * stats.sem(difference)
        row: dict[str, object] = {
            "arm": arm,
            "models": len(theirs),
            "accuracy": [float(each.mean()) for each in right],
            "accuracy_change": [float(difference.mean() + side * half) for side in (0, -1, 1)],
        }
        between = piescope.excess_pies(theirs, ours, 10, null="same_seeds")
        row["between_precisions"] = [between.excess, *between.interval]
        if not arm.endswith(" dense"):
            null = "descended" if arm.endswith("one_shot") else "same_seeds"
            dense = f"{objective} dense"

            def beyond_chance(seeds: np.ndarray, arm: str = arm, dense: str = dense, null: str = null) -> float:
                of = [
                    piescope.excess_pies(each[dense][seeds], each[arm][seeds], 10, null=null)
                    for each in (exact, rounded)
                ]  # type: ignore[arg-type]
                return float(of[1].excess - of[0].excess)

            each = [piescope.excess_pies(side[dense], side[arm], 10, null=null) for side in (exact, rounded)]  # type: ignore[arg-type]
            row["pies_beyond_chance"] = [[one.excess, *one.interval] for one in each]
            row["pies_change"] = list(jackknife(beyond_chance, len(theirs)))
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("runs/precision"))
    arguments = parser.parse_args()
    sides = {
        each: said_by(study_in(each, arguments.replicates), arguments.out / each) for each in ("float32", "bfloat16")
    }
    rows = compared(sides["float32"][0], sides["bfloat16"][0], sides["float32"][1])
    for row in rows:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
