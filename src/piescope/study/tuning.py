"""What is chosen for a machine by measuring it, or without: how many workers; and the paces of a plan. No torch."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from piescope.machine import processor, versions
from piescope.store.arithmetic import Arithmetic
from piescope.study.calibrations import Machine, MeasuredPaces, Meter, Pace, Setting, measured
from piescope.study.forecast import ROUGH_START
from piescope.study.measuring import MeasuringError
from piescope.study.paces import (
    UMAP_EXAMPLE,
    UMAP_LOADED,
    MappedExample,
    Network,
    PredictedImage,
    ProbedModel,
    Question,
    StartUp,
    TrainedImage,
    work_of,
)
from piescope.study.plan import Plan

CLEARLY = 1.05
"""So many times as fast is worth a change; more where measurements spread further."""

WORTH = {"cpu": 600.0, "cuda": 60_000.0}
"""Seconds of a processor, roughly, that trainings must take for a run to measure for them what is not kept."""

# Rough, of one core of an AMD EPYC: FLOPs a second of a network, a distance of a kNN search, a worker's memory.
ROUGH_FLOPS, ROUGH_DISTANCE, ROUGH_BYTES = 5e10, 2e-8, 600 << 20

USUAL = Arithmetic()
FORMATS: tuple[Literal["channels_last", "default"], ...] = ("channels_last", "default")
WAYS = {"cpu": ((False, False), (True, False)), "cuda": ((False, False), (False, True), (True, True))}
"""On a processor, or a card: whether trainings are compiled, and whether their steps are captured."""


def arithmetics(device: str) -> list[Arithmetic]:
    """Those that are measured, the usual one first.

    Example:
        >>> [str(each) for each in arithmetics("cuda")][2:4]
        ['channels_last, captured', 'default memory format, captured']
    """
    return [
        Arithmetic(memory_format=memory_format, compiled=compiled, captured=captured)
        for compiled, captured in WAYS[device]
        for memory_format in FORMATS
    ]


@dataclass(frozen=True)
class Tuned:
    """What was chosen, and on what grounds.

    Attributes:
        workers: processes of one thread, or one a card.
        paces: of all that the plan is made of, with so many of them.
        whence: for people: measured or kept, and when; or why nothing was.
        why: for people: why so many; empty where there was no choice.
        computed: for people: how networks compute, and why; empty where that is as usual.
    """

    workers: int
    paces: Mapping[Question, Pace]
    whence: str
    why: str = ""
    computed: str = ""


def machine_here(device: str, cores: int) -> Machine:
    """Where this process is, as paces hang on it.

    Args:
        device: ``"cpu"`` or ``"cuda"``.
        cores: that processes may use.
    """
    if device == "cpu":
        return Machine(device="cpu", name=processor(), cores=cores, torch=versions(["torch"])["torch"])
    import torch

    name = torch.cuda.get_device_name() + (", MPS" if has_mps() else "")
    return Machine(device="cuda", name=name, cores=cores, torch=torch.__version__)


def has_mps() -> bool:
    """Whether NVIDIA's daemon lets the kernels of several processes run on a card at the same time."""
    return (Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps")) / "control").exists()


def made_of(plan: Plan) -> dict[Question, float]:
    """All that a plan asks of its workers, trainings first: their memory is measured before others take more."""
    amounts: defaultdict[Question, float] = defaultdict(float)
    for step in plan.steps:
        for question, amount in work_of(plan.study, step).items():
            amounts[question] += amount
    return {StartUp(): 1, **dict(sorted(amounts.items(), key=lambda item: not isinstance(item[0], TrainedImage)))}


@dataclass(frozen=True)
class Workers:
    """How many there are to be.

    Attributes:
        count: processes.
        known: what was measured to choose them.
        why: for people: why so many; empty where there was no choice.
    """

    count: int
    known: MeasuredPaces
    why: str = ""


def choose_workers(
    plan: Plan, machine: Machine, counts: Sequence[int], meter: Meter, cards: Sequence[int] = ()
) -> Workers:
    """Chooses among numbers of workers by what all of them together train.

    Args:
        plan: what is to be done.
        machine: where.
        counts: to choose from, the usual one first, the others from the one that asks least; those that cannot be
            measured, or that the cards' memory does not hold, and those after them, are left out.
        meter: measures what is not kept.
        cards: bytes of each card that they share.
    """
    trained = {each: amount for each, amount in made_of(plan).items() if isinstance(each, TrainedImage)}
    if len(counts) == 1 or not trained:
        return Workers(counts[0], MeasuredPaces({}, (), 0))
    found: dict[int, MeasuredPaces] = {}
    left_out = ""
    for count in counts:
        try:
            paces = measured([_setting(machine, count, each) for each in trained], meter)
        except MeasuringError as error:
            if not found:
                raise
            left_out = f"; {count} cannot be measured: {error}"
            break
        needed = max(pace.card_bytes for pace in paces.paces.values())
        if found and cards and -(-count // len(cards)) * needed > min(cards):
            left_out = f"; {count} would need {needed / 1e9:.1f} GB each, more than a card has"
            break
        found[count] = paces

    def rate(count: int) -> float:
        paces = {each: found[count].paces[_setting(machine, count, each)].seconds for each in trained}
        return count / sum(amount * paces[each] for each, amount in trained.items())

    known = MeasuredPaces.together(found.values())
    if len(found) == 1:
        return Workers(counts[0], known, f"no other number is possible{left_out}")
    clearly = max(CLEARLY, 1 + max(pace.spread for pace in known.paces.values()))
    best = max(list(found)[1:], key=rate)
    chosen = next(count for count in found if clearly * rate(count) >= rate(best))
    if chosen != counts[0]:
        gain = rate(chosen) / rate(counts[0])
        return Workers(chosen, known, f"{chosen} train {gain:.2f} times as much as {counts[0]}{left_out}")
    return Workers(chosen, known, f"{best} would train {rate(best) / rate(chosen):.2f} times as much{left_out}")


def is_worth_it(plan: Plan, device: str) -> bool:
    """Whether trainings take so long that to measure for them is little beside it."""
    trained = [(each, amount) for each, amount in made_of(plan).items() if isinstance(each, TrainedImage)]
    return sum(amount * _rough(each).seconds for each, amount in trained) > WORTH[device]


@dataclass(frozen=True)
class Computing:
    """How networks are to compute.

    Attributes:
        arithmetic: what was chosen.
        why: for people.
        known: what was measured to choose it.
    """

    arithmetic: Arithmetic
    why: str
    known: MeasuredPaces

    def __str__(self) -> str:
        """For people."""
        return f"{self.arithmetic}: {self.why} ({self.known})"


def choose_arithmetic(plan: Plan, machine: Machine, workers: int, meter: Meter, compiles: bool) -> Computing:
    """Chooses what the trainings of a plan are clearly fastest with, what each worker compiles first included.

    Args:
        plan: what is to be done.
        machine: where.
        workers: processes.
        meter: measures what is not kept.
        compiles: whether there is a compiler.
    """
    trained = {each: amount for each, amount in made_of(plan).items() if isinstance(each, TrainedImage)}
    known: dict[Arithmetic, MeasuredPaces] = {}
    left_out = "" if compiles else "; nothing is compiled, as there is no C++ compiler (g++, or what CXX names)"
    for arithmetic in [each for each in arithmetics(machine.device) if compiles or not each.compiled]:
        try:
            known[arithmetic] = measured([_setting(machine, workers, each, arithmetic) for each in trained], meter)
        except MeasuringError as error:
            if arithmetic == USUAL:
                raise
            left_out = f"; {arithmetic} cannot be measured: {error}"

    def seconds(arithmetic: Arithmetic) -> float:
        paces = {each: known[arithmetic].paces[_setting(machine, workers, each, arithmetic)] for each in trained}
        return sum(amount * paces[each].seconds + workers * paces[each].first for each, amount in trained.items())

    together = MeasuredPaces.together(known.values())
    best = min((each for each in known if each != USUAL), key=seconds)
    gain = seconds(USUAL) / seconds(best) if trained else 1.0
    spread = max((pace.spread for each in (USUAL, best) for pace in known[each].paces.values()), default=0.0)
    if gain > max(CLEARLY, 1 + spread):
        return Computing(best, f"{gain:.2f} times as fast as {USUAL}{left_out}", together)
    return Computing(USUAL, f"{best} would be {gain:.2f} times as fast{left_out}", together)


def tuned(
    plan: Plan, machine: Machine, workers: Workers, meter: Meter, arithmetic: Arithmetic = USUAL, computed: str = ""
) -> Tuned:
    """The paces of all that a plan is made of, with what was chosen."""
    wanted = {each: _setting(machine, workers.count, each, arithmetic) for each in made_of(plan)}
    known = MeasuredPaces.together([workers.known, measured(wanted.values(), meter)])
    paces = {each: known.paces[setting] for each, setting in wanted.items()}
    return Tuned(workers.count, paces, str(known), workers.why, computed)


def _setting(machine: Machine, workers: int, question: Question, arithmetic: Arithmetic = USUAL) -> Setting:
    """What is asked; only trainings are compiled, and only networks have a memory format."""
    if not isinstance(question, TrainedImage):
        memory_format = arithmetic.memory_format if isinstance(question, Network) else USUAL.memory_format
        arithmetic = Arithmetic(memory_format=memory_format)
    return Setting(machine=machine, workers=workers, question=question, arithmetic=arithmetic)


def roughly(plan: Plan, workers: int, why: str = "nothing was to be measured", computed: str = "") -> Tuned:
    """Paces that nothing was measured for: of another machine, by FLOPs."""
    paces = {question: _rough(question) for question in made_of(plan)}
    return Tuned(workers, paces, f"roughly: {why}", computed=computed)


def _rough(question: Question) -> Pace:
    match question:
        case StartUp():
            return Pace(seconds=ROUGH_START, peak_bytes=ROUGH_BYTES)
        case MappedExample():
            return Pace(seconds=UMAP_EXAMPLE, first=UMAP_LOADED, peak_bytes=ROUGH_BYTES)
    forward = _flops(question) / ROUGH_FLOPS
    match question:
        case TrainedImage(stage="head") | PredictedImage():
            return Pace(seconds=forward, peak_bytes=ROUGH_BYTES)
        case TrainedImage():
            return Pace(seconds=3 * forward, peak_bytes=ROUGH_BYTES + _held(question))
        case ProbedModel():
            searched = ROUGH_DISTANCE * len(question.points) * question.bank * question.asked
            return Pace(seconds=forward * (question.bank + question.asked) + searched, peak_bytes=ROUGH_BYTES)


def _flops(question: Network) -> float:
    """Of an image's forward pass: those of the convolutions of 3 x 3 that do not change the number of channels."""
    return sum(2 * 9 * channels**2 * pixels * _convolutions(question) for channels, pixels in _maps(question))


def _held(question: TrainedImage) -> int:
    """Bytes of a batch's maps that wait for the backward pass: what each convolution, norm and ReLU leaves."""
    floats = sum(3 * channels * pixels * _convolutions(question) for channels, pixels in _maps(question))
    return 4 * floats * question.views * question.training.batch_size


def _maps(question: Network) -> list[tuple[int, int]]:
    """Channels and pixels of each stage."""
    _, height, width = question.image_shape
    return [(channels, height * width // 4**stage) for stage, channels in enumerate(question.model.stage_widths)]


def _convolutions(question: Network) -> int:
    """Of a stage."""
    return (question.model.depth - 4) // 3
