"""How far a study's steps can be spread: what handing one out costs, and the paper's study on 1 to 512 GPUs.

    python benchmarks/scaling.py cost [--executor local|ray] [--steps 20000] [--workers 2]
    python benchmarks/scaling.py simulate [--study corti2022-paper] [--flops 2e13] [--others 2] [--gpus 1,8,64]

`cost` plans a study of so many steps and runs it with the real command's executor, store and leases; steps only write
an empty artefact. `simulate` runs the real scheduler, with real leases, on an executor whose clock jumps from one end
of a step to the next: what a step takes is counted (FLOPs at a GPU's pace, and what is measured of the rest), what the
scheduler takes meanwhile is measured here and added, as it would be on a cluster.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from piescope.models.build import flops_per_sample
from piescope.store.artefacts import Store
from piescope.store.leases import Holder
from piescope.study.executors.protocol import Event, Executor, Task
from piescope.study.executors.virtual import Duration, VirtualTime
from piescope.study.forks import forks_of
from piescope.study.parse import load_study
from piescope.study.plan import Plan, Step, make_plan
from piescope.study.scheduling import Observer, run_steps
from piescope.training.recipe import Contrastive

NOTHING = """
import sys, types

def perform(step, store, device, on_images, checkpoints):
    store.write(step.kind, step.key, {"a.json": b"[]"}, label=step.label, spec={})

steps = types.ModuleType("piescope.study.steps")
steps.perform, steps.set_up_worker = perform, lambda device: None
checkpoints = types.ModuleType("piescope.training.checkpoints")
checkpoints.When = lambda seconds, is_asked: None
sys.modules |= {steps.__name__: steps, checkpoints.__name__: checkpoints}
"""
"""A sitecustomize: every interpreter that starts with it has steps that do nothing, and no torch."""

PREDICT_AND_COMPARE = 2.0
"""Seconds of a GPU's worker for what is no training: reading, hashing and syncing tens of megabytes, numbers in NumPy."""


MAPS = 60.0
"""Of the maps of an objective."""


def plan_of(steps: int) -> Plan:
    """Digits with so many replicates that there are so many steps, or a few more."""
    digits = load_study("digits")
    some, more = (len(make_plan(digits.model_copy(update={"replicates": count})).steps) for count in (20, 40))
    return make_plan(digits.model_copy(update={"replicates": 20 + math.ceil(20 * (steps - some) / (more - some))}))


def spread(plan: Plan, out: Path, executor: Executor, observer: Observer | None = None) -> None:
    """All steps of a plan, by the scheduler that `run` has."""
    with Holder(out) as leases:
        ended = run_steps(plan.steps, [], Store(out), executor, leases, observer or Observer())
    assert ended.ran == len(plan.steps), ended


def cost(name: str, steps: int, workers: int) -> None:
    began = time.perf_counter()
    plan = plan_of(steps)
    print(f"planned {len(plan.steps):,} steps in {time.perf_counter() - began:.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sitecustomize.py").write_text(NOTHING)
        os.environ["PYTHONPATH"] = folder
        out = Path(folder) / "out"
        executor: Executor
        if name == "ray":
            from piescope.study.execute import prepare
            from piescope.study.executors.ray_tasks import RayExecutor

            prepare(plan.study, out, fresh=False)
            executor = RayExecutor(out, "cpu", workers)
        else:
            from piescope.study.executors.local import LocalExecutor

            executor = LocalExecutor(out, "cpu", workers)
        ends: list[float] = []

        class Ends(Observer):
            def finished(self, step: Step, seconds: float) -> None:
                ends.append(time.perf_counter())

        began = time.perf_counter()
        spread(plan, out, executor, Ends())
        tenth = len(ends) // 10
        print(f"start-up, and the first step: {ends[0] - began:.1f} s")
        for what, first, last in (("first", 0, tenth), ("last", len(ends) - tenth - 1, len(ends) - 1), ("all", 0, -1)):
            taken = (ends[last] - ends[first]) / (len(ends[first:last]) or 1)
            print(f"{name}, {workers} workers: {1000 * taken:.1f} ms a step ({what})")


class VirtualGpus(VirtualTime):
    """Workers that only count, whose clock also runs while the scheduler works."""

    def __init__(self, slots: int, durations: dict[str, Duration]) -> None:
        super().__init__(slots, durations)
        self.scheduling = 0.0
        self._returned = time.perf_counter()

    def start(self, steps: int) -> None:
        self._returned = time.perf_counter()

    def submit(self, task: Task) -> None:
        self._scheduled()
        super().submit(task)

    def events(self, patience: float) -> list[Event]:
        self._scheduled()
        heard = super().events(patience)
        self._returned = time.perf_counter()
        return heard

    def _scheduled(self) -> None:
        """Adds what the scheduler has taken since it was last answered."""
        taken = time.perf_counter() - self._returned
        self.now, self.scheduling, self._returned = self.now + taken, self.scheduling + taken, time.perf_counter()


def seconds_of(plan: Plan, flops_a_second: float, others: float) -> dict[str, float]:
    """What each step takes on a GPU, a training from its first step on."""
    facts = plan.study.data.facts
    flops = flops_per_sample(plan.study.model, facts.image_shape, facts.num_classes)
    seconds = {}
    for step in plan.steps:
        compute = (step.forward_backward + step.taken_over) * flops.forward_backward + step.forward * flops.forward
        seconds[step.key] = others + (compute / flops_a_second if step.kind != "project" else MAPS)
    return seconds


def seconds_to(plan: Plan, flops_a_second: float) -> dict[str, dict[str, float]]:
    """What each training takes on a GPU until it comes to each of its forks."""
    facts = plan.study.data.facts
    flops = flops_per_sample(plan.study.model, facts.image_shape, facts.num_classes).forward_backward
    to: dict[str, dict[str, float]] = {}
    for step in plan.steps:
        training = getattr(step.spec, "training", None)
        first, views = (training.encoder, 2) if isinstance(training, Contrastive) else (training, 1)
        to[step.key] = {
            fork.key: views * first.images(facts.train_examples, fork.steps) * flops / flops_a_second
            for fork in forks_of(step)
        }
    return to


def longest_chain(steps: tuple[Step, ...] | list[Step], seconds: dict[str, float]) -> float:
    """No number of GPUs is faster than this."""
    ends: defaultdict[object, float] = defaultdict(float)
    for step in steps:
        ends[step.ref] = seconds[step.key] + max((ends[ref] for ref in step.parent_refs()), default=0.0)
    return max(ends.values())


def simulate(study: str, flops_a_second: float, others: float, gpus: list[int]) -> None:
    plan = make_plan(load_study(study))
    seconds = seconds_of(plan, flops_a_second, others)
    to = seconds_to(plan, flops_a_second)
    alone = sum(seconds.values())
    total = alone - sum(max(to[step.key].values()) for step in plan.steps if step.taken_over)
    print(f"{study}: {len(plan.steps):,} steps, {total / 3600:,.1f} GPU-hours at {flops_a_second:.2g} FLOP/s", end=" ")
    print(
        f"({alone / 3600:,.1f} if trainings shared nothing); longest chain {longest_chain(plan.steps, seconds) / 3600:.2f} h"
    )
    print("| GPUs | makespan | efficiency | done twice | the scheduler's own work |\n|---|---|---|---|---|")
    for count in gpus:
        with tempfile.TemporaryDirectory() as folder:
            executor = VirtualGpus(count, {key: Duration(taken, to[key]) for key, taken in seconds.items()})
            spread(plan, Path(folder), executor)
        parts = [f"{executor.now / 3600:,.2f} h", f"{total / count / executor.now:.1%}"]
        parts += [f"{max(executor.busy - total, 0.0) / total:.1%}", f"{executor.scheduling:.1f} s"]
        print(f"| {count} | {' | '.join(parts)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("cost", "simulate"))
    parser.add_argument("--executor", choices=("local", "ray"), default="local")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--study", default="corti2022-paper")
    parser.add_argument("--flops", type=float, default=2e13)
    parser.add_argument("--others", type=float, default=PREDICT_AND_COMPARE)
    parser.add_argument("--gpus", default="1,8,64,128,256,512,1024")
    given = parser.parse_args()
    if given.what == "cost":
        cost(given.executor, given.steps, given.workers)
    else:
        simulate(given.study, given.flops, given.others, [int(count) for count in given.gpus.split(",")])


if __name__ == "__main__":
    sys.exit(main())
