"""What an executor is: something that runs the steps it is handed, and tells what becomes of them.

Which step is handed over, how often, and what waits for it is decided in `study/scheduling.py`, once for all executors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from piescope.store.leases import Lease
from piescope.study.plan import Step


@dataclass(frozen=True)
class Task:
    """A step to do, and the lease under which it is published."""

    step: Step
    lease: Lease


@dataclass(frozen=True)
class Started:
    """A worker began with a step."""

    key: str


@dataclass(frozen=True)
class Images:
    """So many images more were pushed through a network."""

    key: str
    count: int


@dataclass(frozen=True)
class Finished:
    """A step's artefact is published."""

    key: str
    seconds: float


@dataclass(frozen=True)
class Stopped:
    """A step ended early because it was asked to."""

    key: str


@dataclass(frozen=True)
class Unsuccessful:
    """A try that came to nothing.

    Attributes:
        key: of the step.
        reason: one line.
        trace: all that is known.
        passes: whether the same step may succeed when it is tried again; what a step computes is the same each time.
        memory: whether memory ran out, so that fewer at once may succeed.
        full: what the system said where there is no room to write to; nothing else will succeed then either.
    """

    key: str
    reason: str
    trace: str
    passes: bool
    memory: bool = False
    full: OSError | None = None


Event = Started | Images | Finished | Stopped | Unsuccessful


class Executor(Protocol):
    """Runs steps; called by one thread."""

    @property
    def slots(self) -> int:
        """How many steps it takes at once; may change while it runs."""

    def start(self, steps: int) -> None:
        """Makes ready for so many steps in all."""

    def submit(self, task: Task) -> None:
        """Runs a step; called while fewer than `slots` are under way."""

    def events(self, patience: float) -> Sequence[Event]:
        """What happened, in order, since the last call; waits for something to happen, at most so many seconds.

        Each step that was submitted ends with one of `Finished`, `Stopped` and `Unsuccessful`: also one whose worker
        died, or gave no sign of life for too long and was killed.
        """

    def abandon(self, key: str) -> None:
        """Ends a step at once, because another runner does it; if it is at work, it ends as unsuccessful."""

    def wind_down(self) -> None:
        """Asks every step under way to end where it can go on later; returns at once."""

    def stop(self) -> None:
        """Ends everything at once; nothing of its own is left when it returns. May be called twice."""
