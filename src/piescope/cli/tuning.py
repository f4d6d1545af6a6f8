"""`--tune`: what `plan` and `run` choose by measuring this machine."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from piescope.cli.terminal import BAD_ENVIRONMENT, Device, cores, device_type, fail, gpus, memory_of_cards, say
from piescope.machine import cpp_compiler, one_thread_a_core, today
from piescope.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from piescope.store.arithmetic import Arithmetic, ArithmeticRecord
    from piescope.study.plan import Plan
    from piescope.study.spec import Study
    from piescope.study.tuning import Tuned


SHARES = (2, 4, 8, 16)
"""Of a card, that may be worth measuring."""


class Tune(StrEnum):
    """How much is chosen by measuring."""

    off = "off"
    auto = "auto"
    full = "full"


def counts_of_workers(device: str, cards: int) -> list[int]:
    """How many workers there can be, the usual number first: one a card or a core; or one a core of several threads.

    Several share a card where each has a core, from which it launches what the card does.
    """
    if device == "cuda":
        return [cards, *(count for count in (cards * each for each in SHARES) if count <= cores())]
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    fewer = len(one_thread_a_core(allowed))
    return [cores(), fewer] if cores() == len(allowed) > fewer else [cores()]


def tuned_for(plan: Plan, tune: Tune, wanted: Device, workers: int | None, out: Path | None) -> Tuned:
    """What is chosen for a plan, and the paces of all that it is made of.

    Args:
        plan: what is to be done.
        tune: how much is measured.
        wanted: where.
        workers: processes, where they are not to be chosen; no more are taken than there are steps.
        out: the study's folder, which may keep how its networks compute.
    """
    from piescope.study.measuring import Crew, MeasuringError
    from piescope.study.tuning import USUAL, choose_arithmetic, choose_workers, machine_here, roughly, tuned

    device = device_type(wanted)
    cards = gpus() if device == "cuda" else []
    counts = [min(workers, max(1, len(plan.steps)))] if workers is not None else counts_of_workers(device, len(cards))
    arithmetic, computed = (USUAL, "") if out is None else kept_in(out)
    if tune is Tune.off:
        return roughly(plan, counts[0], computed=computed)
    try:
        with Crew(device, cards) as crew:
            machine = machine_here(device, cores())
            chosen = choose_workers(plan, machine, counts, crew, memory_of_cards(device))
            if tune is Tune.full and not computed:
                found = choose_arithmetic(plan, machine, chosen.count, crew, cpp_compiler() is not None)
                arithmetic, computed = found.arithmetic, str(found)
            return tuned(plan, machine, chosen, crew, arithmetic, computed)
    except MeasuringError as error:
        return roughly(plan, counts[0], str(error), computed)


def kept_in(out: Path) -> tuple[Arithmetic, str]:
    """How a folder's networks compute, and the same for people; empty where that is still to be chosen."""
    from piescope.store.arithmetic import Arithmetic, record_in, trained_with

    record = record_in(out)
    if record is not None:
        return record.arithmetic, str(record)
    if trained_with(out) is not None:
        return Arithmetic(), f"{Arithmetic()}: {out} has trainings, all of one kind; --fresh begins anew"
    return Arithmetic(), ""


def workers_for(console: Console, study: Study, tune: Tune, device: str, cards: Sequence[str]) -> int:
    """How many workers a run has on this machine's processors or cards; what was chosen is said.

    What is kept is read, and what is not measured, where trainings are long enough for that.
    """
    from piescope.study.measuring import Crew, MeasuringError, only_kept
    from piescope.study.plan import make_plan
    from piescope.study.tuning import choose_workers, is_worth_it, machine_here

    counts = counts_of_workers(device, len(cards))
    if tune is Tune.off or len(counts) == 1:
        return counts[0]
    plan = make_plan(study)
    try:
        with Crew(device, cards) as crew:
            meter = crew if tune is Tune.full or is_worth_it(plan, device) else only_kept
            machine, memory = machine_here(device, cores()), memory_of_cards(device)
            chosen = choose_workers(plan, machine, counts, meter, memory)
    except MeasuringError:
        return counts[0]
    say(console, f"{counted(chosen.count, 'worker')}: {chosen.why} ({chosen.known})")
    return chosen.count


def arithmetic_for(
    console: Console, study: Study, out: Path, fresh: bool, tune: Tune, device: str, workers: int
) -> ArithmeticRecord | None:
    """How a run's networks are to compute, by measuring; None: as the folder keeps, or as usual. It is said.

    Args:
        console: where to say it.
        study: what is to be run.
        out: its folder.
        fresh: whether what the folder keeps is to go.
        tune: whether it is to be chosen.
        device: ``"cpu"`` or ``"cuda"``.
        workers: processes.
    """
    from piescope.store.arithmetic import Arithmetic, ArithmeticRecord, record_in

    arithmetic, kept = (Arithmetic(), "") if fresh else kept_in(out)
    if arithmetic.compiled and cpp_compiler() is None:
        cure = "install one (g++), or let the variable CXX name it; or give another --out, which begins anew"
        fail(f"{out} keeps trainings that are compiled, and there is no C++ compiler; {cure}", BAD_ENVIRONMENT)
    if kept and (tune is Tune.full or record_in(out) is not None):
        say(console, f"networks compute in {kept}")
    if kept or tune is not Tune.full:
        return None
    from piescope.study.measuring import Crew, MeasuringError
    from piescope.study.plan import make_plan
    from piescope.study.tuning import choose_arithmetic, machine_here

    try:
        with Crew(device, gpus() if device == "cuda" else []) as crew:
            compiles = cpp_compiler() is not None
            found = choose_arithmetic(make_plan(study), machine_here(device, cores()), workers, crew, compiles)
    except MeasuringError as error:
        say(console, f"networks compute as usual: nothing could be measured ({error})")
        return None
    say(console, f"networks compute in {found}")
    return ArithmeticRecord(arithmetic=found.arithmetic, why=found.why, day=today())
