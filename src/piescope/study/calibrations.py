"""What was measured of this machine, kept in the user's cache: what a study needs is measured once. Loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Self

from piescope.data.locate import cache_folder
from piescope.machine import today
from piescope.spec import Spec, content_key
from piescope.store.arithmetic import Arithmetic
from piescope.store.durable import write_file
from piescope.store.run_records import DamagedRecordError, SealedRecord
from piescope.study.paces import Question

FORM = 3
"""Part of every name: a change of what is measured, or of the code that is, makes new files."""


class Machine(Spec):
    """What paces hang on.

    Attributes:
        device: ``cpu`` or ``cuda``.
        name: the processor's model, or the card's, and whether processes share it at the same time (MPS).
        cores: that processes may use.
        torch: its version.
    """

    device: Literal["cpu", "cuda"]
    name: str
    cores: int
    torch: str


class Setting(Spec):
    """What is measured, and how.

    Attributes:
        machine: where.
        workers: that do the same at the same time, as in a run: cores share caches, memory and execution units.
        question: of what.
        arithmetic: how networks compute.
    """

    machine: Machine
    workers: int
    question: Question
    arithmetic: Arithmetic = Arithmetic()


class Pace(Spec):
    """How long one takes a worker.

    Attributes:
        seconds: of a processor, so that other work of the machine does not count; on a card, that passed.
        spread: between the parts of the measurement, as a share of the seconds.
        first: seconds more, once in each worker.
        peak_bytes: of the worker's memory.
        card_bytes: of a card's memory, likewise; 0 where there is none.
    """

    seconds: float
    spread: float = 0.0
    first: float = 0.0
    peak_bytes: int = 0
    card_bytes: int = 0


class KeptPace(SealedRecord):
    """A pace that was measured.

    Attributes:
        form: see `FORM`.
        setting: of what it is.
        pace: what came out.
        day: when.
    """

    CURE: ClassVar[str] = "it is measured again"

    form: int
    setting: Setting
    pace: Pace
    day: str


Meter = Callable[[Setting], Pace]
"""Measures."""


@dataclass(frozen=True)
class MeasuredPaces:
    """Paces, and whence they are.

    Attributes:
        paces: by setting.
        days: on which those that were kept were measured.
        new: how many were measured now.
    """

    paces: dict[Setting, Pace]
    days: tuple[str, ...]
    new: int

    @classmethod
    def together(cls, several: Iterable[MeasuredPaces]) -> Self:
        """All of them; what was measured for one of them was measured now, though another has read it."""
        listed = list(several)
        paces = {setting: pace for each in listed for setting, pace in each.paces.items()}
        return cls(paces, tuple(day for each in listed for day in each.days), sum(each.new for each in listed))

    def __str__(self) -> str:
        """For people."""
        parts = ["measured now"] if self.new else []
        days = sorted(set(self.days) - ({today()} if self.new else set()))
        if days:
            parts.append(f"kept of {days[0] if len(days) == 1 else f'{days[0]} to {days[-1]}'}")
        return ", ".join(parts)


def measured(settings: Iterable[Setting], meter: Meter) -> MeasuredPaces:
    """The pace of each: what is kept is read, what is not, or is damaged, is measured and kept."""
    paces: dict[Setting, Pace] = {}
    days: list[str] = []
    for setting in dict.fromkeys(settings):
        found = kept(setting)
        if found is None:
            paces[setting] = meter(setting)
            keep(setting, paces[setting])
        else:
            paces[setting] = found.pace
            days.append(found.day)
    return MeasuredPaces(paces, tuple(days), len(paces) - len(days))


def kept(setting: Setting) -> KeptPace | None:
    """What is kept of a setting; None: nothing, or nothing that is as it was written."""
    with suppress(OSError, DamagedRecordError):
        found = KeptPace.read(_place(setting))
        if found is not None and (found.form, found.setting) == (FORM, setting):
            return found
    return None


def keep(setting: Setting, pace: Pace) -> None:
    """Keeps it, all or nothing; where the cache cannot be written, it is measured again next time."""
    with suppress(OSError):
        write_file(_place(setting), KeptPace(form=FORM, setting=setting, pace=pace, day=today()).as_bytes())


def _place(setting: Setting) -> Path:
    return cache_folder() / "calibrations" / f"{content_key({'form': FORM, **setting.model_dump(mode='json')})}.json"
