"""Workers that only count: their clock jumps from one end of a step to the next. For the real scheduler; no torch."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from piescope.study.executors.protocol import Event, Finished, Started, Task


@dataclass(frozen=True)
class Duration:
    """What a step takes.

    Attributes:
        seconds: a training from its first step on.
        to_forks: until a training comes to each of its forks, by the fork's key.
        first: more, once in each worker that does a step of its kind.
    """

    seconds: float
    to_forks: Mapping[str, float] = field(default_factory=dict)
    first: float = 0.0


class VirtualTime:
    """So many workers. A training begins at the furthest fork that another has passed by then, and passes the others.

    Args:
        slots: workers.
        durations: of each step, by its key.

    Attributes:
        now: the time.
        busy: seconds of all workers together.
    """

    def __init__(self, slots: int, durations: Mapping[str, Duration]) -> None:
        self.slots = slots
        self.now = self.busy = 0.0
        self._durations = durations
        self._passed: dict[str, float] = {}
        self._under_way: list[tuple[float, str, float]] = []
        self._begun: dict[str, int] = {}

    def start(self, steps: int) -> None:
        """They are there."""

    def submit(self, task: Task) -> None:
        """It will end some time."""
        of = self._durations[task.step.key]
        forks = of.to_forks
        begun = max((to for fork, to in forks.items() if self._passed.get(fork, math.inf) <= self.now), default=0.0)
        for fork, to in forks.items():
            self._passed[fork] = min(self._passed.get(fork, math.inf), self.now + max(to - begun, 0.0))
        seconds = of.seconds - begun
        if self._begun.get(task.step.kind, 0) < self.slots:
            self._begun[task.step.kind] = self._begun.get(task.step.kind, 0) + 1
            seconds += of.first
        self.busy += seconds
        heapq.heappush(self._under_way, (self.now + seconds, task.step.key, seconds))

    def events(self, patience: float) -> list[Event]:
        """The next end of a step, at once."""
        ended, key, seconds = heapq.heappop(self._under_way)
        self.now = max(self.now, ended)
        return [Started(key), Finished(key, seconds)]

    def abandon(self, key: str) -> None:
        """Nobody else does it."""

    def wind_down(self) -> None:
        """There is nothing to end."""

    def stop(self) -> None:
        """Likewise."""
