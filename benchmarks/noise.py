"""Time and memory of all statistics behind "signal or noise", at the paper's size.

    python benchmarks/noise.py [examples ...]

30 + 30 models, 10 classes, 6 sparsities, 5 arms (2 supervised, 3 contrastive; the second of each made from dense models),
predictions drawn at random: of examples that are mostly easy, as real ones are, and of labels with no rule at all, the
worst case for the exact tests. Everything is counted: p-values of each example, and every table of the report's section.
Seconds are the machine's of the day; the ratio between numbers of examples is what should stay.
"""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

import numpy as np

from piescope.measure.pies import modal_label, pie_mask, vote_entropy, vote_margin
from piescope.measure.significance import confirm, permutation_p_values, smallest_p_value
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.signal import Signal
from piescope.store.catalogue import Described, ObjectiveRun
from piescope.store.step_records import ArmSummary, DataRecord

MODELS, CLASSES = 30, 10
SPARSITIES = (0.3, 0.5, 0.7, 0.9, 0.95, 0.99)
FAMILIES = {"supervised": ("gmp", "one_shot"), "supcon": ("gmp", "delayed_gmp", "one_shot")}
SIZES = (5_000, 10_000, 20_000)


def drawn(random: np.random.Generator, chance: np.ndarray) -> np.ndarray:
    ends = chance.cumsum(1)
    said = [(random.random((len(chance), 1)) > ends).sum(1) for _ in range(MODELS)]
    return np.stack(said).clip(0, CLASSES - 1).astype(np.int16)


def arm(
    objective: str, pruning: str, sparsity: float, said: np.ndarray, dense: np.ndarray, truth: np.ndarray, random: Any
) -> ArmResult:
    descended = pruning == "one_shot"
    is_pie = pie_mask(dense, said, CLASSES)
    p_values, q_values, confirmed = (
        confirm(permutation_p_values(dense, said, CLASSES, paired=descended), is_pie)
        if pruning != "dense"
        else confirm(np.ones(len(truth)), is_pie)
    )
    columns: dict[str, np.ndarray] = {
        "is_pie": is_pie, "p_value": p_values, "q_value": q_values, "is_confirmed": confirmed,
        "pruned_label": modal_label(said, CLASSES),
    }  # fmt: skip
    for side, votes in (("dense", dense), ("pruned", said)):
        columns[f"{side}_margin"], columns[f"{side}_entropy"] = (
            vote_margin(votes, CLASSES),
            vote_entropy(votes, CLASSES),
        )
    summary = ArmSummary(
        n_models=MODELS, pies=int(is_pie.sum()), ties=0, rescued=0, confirmed=int(confirmed.sum()), changed=int((q_values <= 0.05).sum()),
        smallest_p_value=smallest_p_value(MODELS, MODELS, descended), test="", accuracy_mean=0.0, accuracy_std=None,
        degenerate_representations=0, error_auroc=None, models=(),
    )  # fmt: skip
    models = {"labels": said}
    for score in ("q", "q_aaai24"):
        models[score] = random.random(said.shape).astype(np.float32)
    for score in ("depth", "depth_baldock"):
        models[score] = random.integers(1, 17, (5, len(truth))).astype(np.int16)
    return ArmResult(objective, pruning, sparsity, columns, summary, None, models, None, descended)


def run(examples: int, easy: bool) -> tuple[float, float, Results]:
    """Seconds of the p-values, and of the tables."""
    random = np.random.default_rng(0)
    truth = random.integers(0, CLASSES, examples)
    p_seconds, arms = 0.0, []
    for objective, prunings in FAMILIES.items():
        chance = random.dirichlet(np.full(CLASSES, 0.05 if easy else 1e6), examples)
        dense = drawn(random, chance)
        for pruning in ("dense", *prunings):
            for sparsity in (0.0,) if pruning == "dense" else SPARSITIES:
                said = dense if pruning == "dense" else drawn(random, chance)
                if pruning == "one_shot":  # two thirds of what the parent says
                    said = np.where(random.random(said.shape) < 2 / 3, dense, said)
                began = time.perf_counter()
                arms.append(arm(objective, pruning, sparsity, said, dense, truth, random))
                p_seconds += time.perf_counter() - began
    study = Described(
        name="noise", title="noise", seed=0, replicates=MODELS, model="none", sparsities=SPARSITIES, methods=(), depth=None, maps=None,
        objectives=tuple(ObjectiveRun(objective=o, prunings=("dense", *p), trainings=()) for o, p in FAMILIES.items()),
    )  # fmt: skip
    data = DataRecord(
        source="made", about="made", fingerprint="", duplicates=0, train_examples=0, test_examples=examples, image_shape=(1, 1, 1),
        class_names=tuple(map(str, range(CLASSES))), ids=(),
    )  # fmt: skip
    results = Results(study, data, np.zeros(0), truth, tuple(arms), (), (), (), None)
    began = time.perf_counter()
    signal = Signal(results)
    parts = []
    for name in ("_noise", "_decomposition", "class_impact", "_overlap", "_replicates", "_predictors"):
        start = time.perf_counter()
        count = len(list(getattr(signal, name)()))
        parts.append(f"{name.lstrip('_')} {time.perf_counter() - start:.1f} s ({count} rows)")
    signal.intersections()
    print("   ", ", ".join(parts))
    return p_seconds, time.perf_counter() - began, results


if __name__ == "__main__":
    for examples in [int(size) for size in sys.argv[1:]] or SIZES:
        for easy in (True, False):
            p_seconds, tables, _ = run(examples, easy)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            kind = "mostly easy" if easy else "no rule"
            print(f"{examples:>7,} examples, {kind:<11}: p-values {p_seconds:5.1f} s, tables {tables:5.1f} s, "
                  f"together {p_seconds + tables:5.1f} s; peak so far {peak:.2f} GB")  # fmt: skip
