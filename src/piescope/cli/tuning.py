"""`--tune`: what `plan` and `run` choose by measuring this machine."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING

from piescope.cli.terminal import Device, cores, device_type, gpus, say
from piescope.machine import one_thread_a_core
from piescope.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from piescope.study.plan import Plan
    from piescope.study.spec import Study
    from piescope.study.tuning import Tuned


class Tune(StrEnum):
    """How much is chosen by measuring."""

    off = "off"
    auto = "auto"


def counts_of_workers(device: str, cards: int) -> list[int]:
    """How many workers there can be, the usual number first: one a card or a core; or one a core of several threads."""
    if device == "cuda":
        return [cards]
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    fewer = len(one_thread_a_core(allowed))
    return [cores(), fewer] if cores() == len(allowed) > fewer else [cores()]


def tuned_for(plan: Plan, tune: Tune, wanted: Device, workers: int | None) -> Tuned:
    """What is chosen for a plan, and the paces of all that it is made of.

    Args:
        plan: what is to be done.
        tune: whether anything is measured.
        wanted: where.
        workers: processes, where they are not to be chosen.
    """
    from piescope.study.measuring import Crew, MeasuringError
    from piescope.study.tuning import machine_here, roughly, tuned

    device = device_type(wanted)
    cards = gpus() if device == "cuda" else []
    counts = [workers] if workers is not None else counts_of_workers(device, len(cards))
    if tune is Tune.off:
        return roughly(plan, counts[0])
    try:
        with Crew(device, cards) as crew:
            return tuned(plan, machine_here(device, cores()), counts, crew)
    except MeasuringError as error:
        return roughly(plan, counts[0], str(error))


def workers_for(console: Console, study: Study, tune: Tune) -> int:
    """How many workers a run has on this machine's processors; what was chosen is said.

    What is kept is read, and what is not measured, where trainings are long enough for that.
    """
    from piescope.study.measuring import Crew, MeasuringError, only_kept
    from piescope.study.plan import make_plan
    from piescope.study.tuning import choose_workers, is_worth_it, machine_here

    counts = counts_of_workers("cpu", 0)
    if tune is Tune.off or len(counts) == 1:
        return counts[0]
    plan = make_plan(study)
    try:
        with Crew("cpu") as crew:
            meter = crew if is_worth_it(plan) else only_kept
            chosen = choose_workers(plan, machine_here("cpu", cores()), counts, meter)
    except MeasuringError:
        return counts[0]
    say(console, f"{counted(chosen.count, 'worker')}: {chosen.why} ({chosen.known})")
    return chosen.count
