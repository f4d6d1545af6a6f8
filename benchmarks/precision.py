"""Whether populations trained in bfloat16 differ from those in float32: accuracy and PIEs on digits, with intervals.

    python benchmarks/precision.py [--replicates 20] [--out runs/precision] [--kept] [--write]

Two studies of the same seeds, which differ in `precision` alone: dense, gradual pruning and one-shot pruning to 90 %,
supervised and supervised contrastive. Of each arm:

- accuracy: bfloat16 minus float32 in points, paired by seed (Student's t over the differences);
- PIEs beyond chance of each precision against its own dense models (`piescope.excess_pies`), and their difference
  (jackknife over seeds: leaving a seed out of all four populations);
- PIEs of bfloat16 against float32 models of the same arm, beyond those that other seeds make.

Of the first two, p-values over all arms together by Holm. A finished folder is read, not run again. `--write` keeps
what the models said in docs/results/precision.npz and writes the table of docs/precision.md from it; `--kept --write`
writes that table anew from what is kept, by the rules of now.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy import stats

import piescope
from piescope.measure.noise_floor import Null
from piescope.report.study.words import OBJECTIVES_IN_FULL, PRUNINGS
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.study.execute import execute
from piescope.study.executors.local import LocalExecutor
from piescope.study.parse import load_study
from piescope.study.plan import make_plan
from piescope.study.scheduling import Observer
from piescope.study.spec import Measures, Study
from piescope.training.recipe import OneShotPruning

DOCS = Path(__file__).parents[1] / "docs"
PAGE, KEPT = DOCS / "precision.md", DOCS / "results" / "precision.npz"
BEGINS, ENDS = "<!-- by benchmarks/precision.py -->\n", "<!-- end -->\n"
PRECISIONS = ("float32", "bfloat16")
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
    assert isinstance(one_shot, OneShotPruning)
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


def said_by(study: Study, out: Path) -> dict[str, np.ndarray]:
    """Of each arm ``[models, examples]`` labels, and the true ones as ``truth``; runs what is not there."""
    executor = LocalExecutor(out, "cpu", len(os.sched_getaffinity(0)))
    ended = execute(study, out, executor, False, Observer())
    if ended.failed:
        sys.exit(f"{study.name}: {ended.failed}")
    store, labels = Store(out), {}
    for arm in make_plan(study).arms:
        role = "dense" if arm.arm.pruning == "dense" else "pruned"
        predictions = [ref.key for ref in arm.compare.parents[role]]
        said = [store.load("predict", key).tensors(layout.PREDICTIONS)["logits"].argmax(1) for key in predictions]
        labels[f"{arm.arm.objective} {arm.arm.pruning}"] = np.stack(said).astype(np.uint8)
    data = make_plan(study).arms[0].compare.parents["data"][0]
    truth = store.load("data", data.key).tensors(layout.IMAGES)["labels"]
    return {**labels, "truth": truth.astype(np.uint8)}


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval and the p-value of none.

    Attributes:
        value: the number.
        low: the interval's lower end.
        high: its upper end.
        p: two-sided; NaN where none is asked.
    """

    value: float
    low: float
    high: float
    p: float = math.nan

    def __str__(self) -> str:
        return f"{self.value:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"


@dataclass(frozen=True)
class Compared:
    """An arm in both precisions.

    Attributes:
        arm: its name.
        models: of each population.
        accuracy: mean of each, in percent.
        change: of accuracy, in points.
        pies: beyond chance, of each; None of dense models.
        pies_change: of these.
        between: PIEs of one precision against the other, beyond those that other seeds make.
    """

    arm: str
    models: int
    accuracy: tuple[float, float]
    change: Estimate
    pies: tuple[float, float] | None
    pies_change: Estimate | None
    between: Estimate


def estimated(value: float, error: float, models: int) -> Estimate:
    """By Student's t with a degree of freedom less than there are models; a number without any error is itself."""
    if error == 0:
        return Estimate(value, value, value, 1.0 if value == 0 else 0.0)
    half = stats.t.ppf(0.975, models - 1) * error
    return Estimate(value, value - half, value + half, float(2 * stats.t.sf(abs(value) / error, models - 1)))


def jackknife(of: Callable[[np.ndarray], float], models: int) -> Estimate:
    """A number that is computed of seeds, its error by leaving each out."""
    every = np.arange(models)
    left_out = np.array([of(np.delete(every, seed)) for seed in range(models)])
    error = np.sqrt((models - 1) / models * ((left_out - left_out.mean()) ** 2).sum())
    return estimated(of(every), float(error), models)


Sides = Sequence[tuple[np.ndarray, np.ndarray]]
"""Labels of dense and of pruned models, of each precision."""


def beyond_chance(sides: Sides, null: Null, seeds: np.ndarray) -> tuple[float, float]:
    """PIEs of each precision that other seeds alone would not make."""
    first, second = (piescope.excess_pies(dense[seeds], pruned[seeds], 10, null=null).excess for dense, pruned in sides)
    return float(first), float(second)


def change_beyond_chance(sides: Sides, null: Null, seeds: np.ndarray) -> float:
    """bfloat16 minus float32."""
    first, second = beyond_chance(sides, null, seeds)
    return second - first


def compared(exact: Mapping[str, np.ndarray], rounded: Mapping[str, np.ndarray]) -> list[Compared]:
    """What each arm says in float32 and in bfloat16; ``truth`` is in both."""
    rows = []
    for arm in exact:
        if arm == "truth":
            continue
        both, (objective, pruning) = (exact[arm], rounded[arm]), arm.split()
        right = [100 * (labels == exact["truth"]).mean(1) for labels in both]
        difference = right[1] - right[0]
        between = piescope.excess_pies(*both, 10, null="same_seeds")
        pies, pies_change = None, None
        if pruning != "dense":
            null: Null = "descended" if pruning == "one_shot" else "same_seeds"
            dense = (exact[f"{objective} dense"], rounded[f"{objective} dense"])
            sides = list(zip(dense, both, strict=True))
            pies = beyond_chance(sides, null, np.arange(len(both[0])))
            pies_change = jackknife(partial(change_beyond_chance, sides, null), len(both[0]))
        rows.append(
            Compared(
                arm=f"{OBJECTIVES_IN_FULL[objective]}, {PRUNINGS[pruning]}",
                models=len(both[0]),
                accuracy=(float(right[0].mean()), float(right[1].mean())),
                change=estimated(float(difference.mean()), float(stats.sem(difference)), len(difference)),
                pies=pies,
                pies_change=pies_change,
                between=Estimate(between.excess, *between.interval),
            )
        )
    return rows


def smallest_p(rows: Sequence[Compared]) -> float:
    """Of all changes together, by Holm: the chance of so clear a one among them where there is none."""
    asked = [each.p for row in rows for each in (row.change, row.pies_change) if each is not None]
    return min(1.0, len(asked) * min(asked))


def table(rows: Sequence[Compared]) -> str:
    """In Markdown, with what it comes to."""
    head = "| arm | accuracy, float32 / bfloat16 (%) | change (points) | PIEs beyond chance | change | PIEs of one against the other, beyond those of other seeds |"
    lines = [head, "|---|---|---|---|---|---|"]
    for row in rows:
        pies = "" if row.pies is None else f"{row.pies[0]:.1f} / {row.pies[1]:.1f}"
        accuracy = f"{row.accuracy[0]:.2f} / {row.accuracy[1]:.2f}"
        lines.append(f"| {row.arm} | {accuracy} | {row.change} | {pies} | {row.pies_change or ''} | {row.between} |")
    p, models = smallest_p(rows), rows[0].models
    changes = [(f"accuracy of {row.arm}", row.change) for row in rows]
    changes += [(f"PIEs of {row.arm}", row.pies_change) for row in rows if row.pies_change is not None]
    alone = "; ".join(f"{what}, {change}" for what, change in changes if change.p < 0.05)
    verdict = f"of {len(changes)} changes together {'no change is' if p > 0.05 else '**at least one is**'} clear"
    by_itself = f" Taken by itself one would be: {alone}." if alone else ""
    return "\n".join(lines) + f"\n\n{models} models an arm; {verdict} (Holm, smallest p = {p:.2g}).{by_itself}\n"


def kept(path: Path = KEPT) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What the models of both precisions said when the page was written."""
    with np.load(path) as stored:
        names = [name.partition("/") for name in stored.files]
        return tuple({name: stored[f"{side}/{name}"] for of, _, name in names if of == side} for side in PRECISIONS)  # type: ignore[return-value]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("runs/precision"))
    parser.add_argument("--write", action="store_true", help="the page, and what it is made of")
    parser.add_argument("--kept", action="store_true", help="of what is kept; nothing runs")
    arguments = parser.parse_args()
    if arguments.kept:
        said = dict(zip(PRECISIONS, kept(), strict=True))
    else:
        said = {each: said_by(study_in(each, arguments.replicates), arguments.out / each) for each in PRECISIONS}
    shown = table(compared(said["float32"], said["bfloat16"]))
    print(shown)
    if arguments.write:
        if not arguments.kept:
            arrays = {f"{side}/{name}": labels for side in PRECISIONS for name, labels in said[side].items()}
            np.savez_compressed(KEPT, **arrays)  # type: ignore[arg-type]
        PAGE.write_text(re.sub(f"(?<={BEGINS}).*?(?={ENDS})", f"\n{shown}\n", PAGE.read_text(), flags=re.S))


if __name__ == "__main__":
    main()
