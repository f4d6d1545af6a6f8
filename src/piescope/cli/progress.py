"""Progress for people: a live table in a terminal, plain lines elsewhere; rates and time left in both."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from piescope.cli.board import Board, State
from piescope.cli.terminal import say
from piescope.store import layout
from piescope.study.fitting import Unfit
from piescope.study.paces import UMAP_EXAMPLE, UMAP_LOADED
from piescope.study.plan import Plan, Step
from piescope.study.scheduling import Failed, Observer
from piescope.wording import counted, printable

NETWORK_KINDS = ("train", "finetune", "predict", "depth")
"""Steps whose time is that of passes through the network."""

RATE_OVER = 10.0
"""Seconds that the rate looks back."""

PLAIN_EVERY = 10.0
"""Seconds between plain lines."""

FORWARD_BACKWARD = 3
"""A forward and backward pass costs about three forward passes."""


def work_of(step: Step) -> int:
    """A step's size in forward passes of an image; what measures cost on top is learnt as they finish."""
    return max(1, FORWARD_BACKWARD * step.forward_backward + step.forward)


class Progress(Observer):
    """Watches a run: what is done, how fast, how long still.

    Time left: the work of the steps that are left, each kind at the pace that it showed in this run, over the
    workers. Kinds that have not finished one yet go at the pace of the network's passes, maps at a typical one.

    Args:
        console: where to print.
        workers: processes.
        where: for people: the devices, ``"cpu"`` or ``"cuda"``.
        out: the study's folder.
    """

    def __init__(self, console: Console, workers: int, where: str, out: Path) -> None:
        self._console = console
        self._workers, self._where, self._out = workers, where, out
        self._left: dict[str, Step] = {}
        self._total = 0
        self._done = 0
        self._failed = 0
        self._elsewhere = 0
        self._seen: deque[tuple[float, int]] = deque()
        self._pace: dict[str, tuple[float, float]] = {}
        self._began = time.monotonic()
        self._spoke = self._began
        self._current: dict[str, str] = {}
        self._board: Board | None = None
        self._live = Live(console=console, refresh_per_second=5, transient=True) if console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def began(self, plan: Plan, left: list[Step], unused: int) -> None:
        """Says what there is and what is to run; the clock starts."""
        self.said(
            f"{plan.study.name}: {counted(plan.models, 'model')} in {counted(len(plan.arms), 'arm')}, in {self._out}"
        )
        how = f" ({counted(self._workers, 'worker')}, {self._where})" if left else ""
        self.said(f"{len(plan.steps) - len(left)} done, {len(left)} to run{how}")
        if unused:
            self.said(f"{unused} more finished steps there are of another version of this study: kept, not used")
        self._board = Board(plan, left)
        self._left = {step.key: step for step in left}
        self._total = len(left)
        self._began = self._spoke = time.monotonic()

    def unfit(self, unfit: list[Unfit]) -> None:
        """There is more to run: finished steps that turned out to be unfit."""
        names = printable("; ".join(map(str, unfit)))
        self.said(f"set aside in {layout.quarantine(self._out)}, to be made again: {names}")
        steps = [found.step for found in unfit]
        self._left |= {step.key: step for step in steps}
        self._total += len(steps)
        for step in steps:
            self._on_board(step, "waiting")

    def started(self, step: Step) -> None:
        """It is under way."""
        self._current[step.key] = step.label
        self._on_board(step, "running")

    def _on_board(self, step: Step, state: State) -> None:
        if self._board is not None:
            self._board.set(step, state)

    def images(self, count: int) -> None:
        """They count for the rate."""
        self._seen.append((time.monotonic(), count))

    def images_per_second(self) -> float:
        """Of training, over the last seconds: what the workers do now, not what start-up or maps left of the mean."""
        now = time.monotonic()
        while self._seen and self._seen[0][0] < now - RATE_OVER:
            self._seen.popleft()
        return sum(images for _, images in self._seen) / min(RATE_OVER, max(1.0, now - self._began))

    def finished(self, step: Step, seconds: float) -> None:
        """It is done, and tells its kind's pace."""
        self._done += 1
        self._left.pop(step.key, None)
        self._current.pop(step.key, None)
        self._on_board(step, "done")
        if step.kind == "project":  # the first map of a worker compiles; the next ones do not
            seconds = min(seconds, max(seconds - UMAP_LOADED, step.forward * UMAP_EXAMPLE))
        work, spent = self._pace.get(step.kind, (0.0, 0.0))
        self._pace[step.kind] = work + work_of(step), spent + seconds

    def found(self, step: Step) -> None:
        """It is done elsewhere."""
        self._elsewhere += 1
        self._left.pop(step.key, None)
        self._current.pop(step.key, None)
        self._on_board(step, "done")

    def failed(self, failure: Failed) -> None:
        """It is said, and counted."""
        self._failed += 1
        self._left.pop(failure.step.key, None)
        self._current.pop(failure.step.key, None)
        self._on_board(failure.step, "failed")
        self.said(f"failed: {failure.step.label}: {failure.reason}")

    def seconds_left(self) -> float | None:
        """An estimate, or None before the first training has ended: nothing else says how fast this machine is."""
        trained = [self._pace[kind] for kind in NETWORK_KINDS if kind in self._pace]
        if not any(kind in self._pace for kind in ("train", "finetune")):
            return None
        work, spent = (sum(values) for values in zip(*trained, strict=True))
        expected = 0.0
        for step in self._left.values():
            if step.kind in self._pace:
                known, took = self._pace[step.kind]
                expected += work_of(step) * took / known
            elif step.kind in NETWORK_KINDS:
                expected += work_of(step) * spent / work
            elif step.kind == "project":
                expected += step.forward * UMAP_EXAMPLE
        if "project" not in self._pace and any(step.kind == "project" for step in self._left.values()):
            expected += UMAP_LOADED * self._workers
        return expected / self._workers

    def line(self) -> str:
        """One line: steps, rate, time left, what is under way."""
        elapsed = time.monotonic() - self._began
        left = self.seconds_left()
        parts = [
            f"{self._done + self._elsewhere}/{self._total} steps" + self._others(),
            f"{self.images_per_second():,.0f} training images/s",
            f"{duration(elapsed)} gone",
            "time left unknown yet" if left is None else f"about {duration(left)} left",
        ]
        if self._failed:
            parts.append(f"{self._failed} failed")
        return ", ".join(parts)

    def summary(self) -> str:
        """One line for the end."""
        elapsed = time.monotonic() - self._began
        failed = f", {self._failed} failed" if self._failed else ""
        return f"ran {counted(self._done, 'step')} in {duration(elapsed)}{self._others()}{failed}"

    def _others(self) -> str:
        return f", {self._elsewhere} by other runners" if self._elsewhere else ""

    def tick(self) -> None:
        """The table, or now and then a line."""
        if self._live is not None:
            self._live.update(self._picture())
        elif time.monotonic() - self._spoke > PLAIN_EVERY:
            self._spoke = time.monotonic()
            self.said(self.line())

    def _picture(self) -> Group:
        """The table, the line, and what is under way; whole names, wrapped where the terminal is narrow."""
        below = Text("\n".join([self.line(), *self._current.values()]), overflow="fold")
        if self._board is None:
            return Group(below)
        room = self._console.height - len(below.wrap(self._console, self._console.width)) - 3
        return Group(self._board.table(self._console.width, max(1, room)), below)

    def said(self, text: str) -> None:
        """A line above the table."""
        say(self._console, text)


def duration(seconds: float) -> str:
    """``75`` as ``1 min 15 s``.

    Example:
        >>> duration(4.2), duration(75), duration(7320), duration(200_000)
        ('4 s', '1 min 15 s', '2 h 2 min', '2 days 7 h')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400:,} days {whole % 86400 // 3600} h"
