"""How long a study takes here, and in how much memory: its steps in the real scheduler's order, at measured paces."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from piescope.data.kept import SMALL
from piescope.store.artefacts import Store
from piescope.store.leases import Holder, Lease
from piescope.study.calibrations import Pace
from piescope.study.executors.virtual import Duration, VirtualTime
from piescope.study.paces import Question, StartUp, forks_in_images, stages_of, work_of
from piescope.study.plan import Plan, Step
from piescope.study.scheduling import Observer, run_steps
from piescope.study.spec import Study

ROUGH_START = 3.2
"""Seconds of a worker's start where the following were taken; where it takes longer, they do."""

STEP, COMPARED, PARENT, REPORT, REPORTED_ARM = 0.02, 4e-6, 2.0, 3.0, 0.14
"""Seconds of each step for reading, hashing and syncing, of a comparison for what a model says of an example, of the
process that hands out steps, of the report and of each of its arms: taken of the digits on an AMD EPYC."""

PARENT_BYTES = 150 << 20
"""Of the process that hands out steps and draws the report."""


@dataclass(frozen=True)
class Forecast:
    """What a study, or what is left of it, would take on a machine that does nothing else.

    Attributes:
        seconds: wall clock.
        processor_seconds: of all processes; on a card, those in which a worker is at work.
        peak_memory_bytes: of all processes at their most; what a worker takes was measured, the data and arrays of the
            steps that were not are counted.
    """

    seconds: float
    processor_seconds: float
    peak_memory_bytes: int


def forecast(plan: Plan, workers: int, paces: Mapping[Question, Pace]) -> Forecast:
    """Has the real scheduler spread the steps over workers that only count.

    Args:
        plan: the steps that are left.
        workers: processes.
        paces: of all that the steps are made of (`paces.work_of`), and of a worker's start.
    """
    durations = {step.key: _duration(plan.study, step, paces) for step in plan.steps}
    at_work = min(workers, max(1, len(plan.steps)))
    executor = VirtualTime(at_work, durations)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        there = {ref for step in plan.steps for ref in step.parent_refs()} - {step.ref for step in plan.steps}
        if plan.steps:
            run_steps(plan.steps, there, Store(out), executor, _NoOthers(out), Observer())
    start, slower = paces[StartUp()].seconds, _slower(paces)
    alone = slower * (PARENT + REPORT + REPORTED_ARM * len(plan.arms))
    peak = max(pace.peak_bytes for pace in paces.values()) + bytes_of_largest_step(plan)
    return Forecast(
        seconds=start + executor.now + alone,
        processor_seconds=at_work * start + executor.busy + alone,
        peak_memory_bytes=PARENT_BYTES + at_work * peak,
    )


class _NoOthers(Holder):
    """Leases that nobody else wants."""

    def take(self, key: str, label: str) -> Lease | None:
        return Lease(self._out)

    def give_back(self, lease: Lease) -> None:
        pass


def _slower(paces: Mapping[Question, Pace]) -> float:
    """How many times as long this machine takes for what is not measured, by what it takes for a start."""
    return paces[StartUp()].seconds / ROUGH_START


def _duration(study: Study, step: Step, paces: Mapping[Question, Pace]) -> Duration:
    work = work_of(study, step)
    seconds = sum(paces[question].seconds * amount for question, amount in work.items())
    said = [step.parents[role] for role in ("dense", "pruned", "fresh")] if step.kind == "compare" else []
    others = _slower(paces) * (STEP + COMPARED * step.forward * sum(map(len, said)))
    forks = forks_in_images(study, step)
    image = paces[stages_of(study, step)[0]].seconds if forks else 0.0
    to_forks = {fork: images * image for fork, images in forks.items()}
    first = max((paces[question].first for question in work), default=0.0)
    return Duration(seconds + others, to_forks, first)


def bytes_of_largest_step(plan: Plan) -> int:
    """Data and arrays that a worker holds beside a training's: the data set, and what probing or comparing keeps."""
    study, whole, facts = plan.study, plan.study.data.whole, plan.study.data.facts
    pixels = math.prod(whole.image_shape)
    halves = [whole.train_examples * pixels, whole.test_examples * pixels]
    data = sum(half for half in halves if half < SMALL)  # larger ones are mapped
    examples, pixels = facts.train_examples + facts.test_examples, math.prod(facts.image_shape)
    data += examples * pixels if facts != whole else 0
    files = 0 if study.data.holds else sum(halves)  # read whole before it is parsed
    files = max(files, 3 * facts.test_examples * pixels)  # the test half, copied into an artefact
    dims = study.probe_dims()
    # what is kept of every probe, then a copy of the largest in the index
    depth = 4 * (examples * sum(dims) + facts.train_examples * max(dims, default=0)) if dims else 0
    # labels and Q, Z, L1 of each model of two populations, and one model's representations in double precision
    compare = facts.test_examples * (2 * len(study.seeds) * 5 * 8 + 4 * 8 * study.model.dims)
    return data + max(files, depth, compare)
