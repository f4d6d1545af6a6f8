"""`run --events FILE`: what happens in a run as JSON lines, for dashboards and schedulers; never in the run's way."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from piescope.problems import InputError
from piescope.store.durable import naming
from piescope.study.fitting import Unfit
from piescope.study.plan import Plan, Step
from piescope.study.scheduling import Failed, Observer
from piescope.wording import json_text, printable

IMAGES_EVERY = 10.0
"""Seconds between two lines that say how many images were trained on."""


class Events(Observer):
    r"""Appends a line for each thing that happens, and goes silent (once with a word) where that fails.

    Each line is an object with ``time`` (UTC), ``event`` and what belongs to it: ``began`` (study, steps, done);
    ``started``, ``finished`` (seconds), ``found`` (another run of the folder did it), ``failed`` (reason) and
    ``set_aside`` (reason: a finished step does not fit any more), each with ``kind``, ``key`` and ``label`` of a step;
    ``said`` (text: what is tried again, and why); ``images`` (trained on since the last such line); ``ended``
    (finished, failed, and ``how``: ``done``, or what stopped it: a signal, or the kind of an error). In ASCII, so no
    name in it can speak to whatever shows it.

    Args:
        path: of the file; lines are added to what is there.
        complain: told once why nothing more is written.
        clock: seconds since some moment.

    Raises:
        InputError: it is no file that lines can be added to.
        OSError: the file cannot be opened.

    Example:
        >>> import json, tempfile
        >>> file = Path(tempfile.mkdtemp()) / "events.jsonl"
        >>> events = Events(file, complain=print)
        >>> events.say("began", steps=3)
        >>> json.loads(file.read_text())["steps"]
        3
    """

    def __init__(
        self, path: Path, complain: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path, self._clock, self._complain = path, clock, complain
        if path.exists() and not path.is_file():
            raise InputError.of(str(path), "--events", "no file", "a file, new or to be added to", "give another path")
        with naming(path):
            self._file: IO[bytes] | None = path.open("ab", buffering=0)
        self._images, self._spoke = 0, clock()
        self._count = {"finished": 0, "failed": 0}

    def began(self, plan: Plan, left: list[Step], unused: int) -> None:
        """The first line."""
        self.say("began", study=plan.study.name, steps=len(left), done=len(plan.steps) - len(left))

    def unfit(self, unfit: list[Unfit]) -> None:
        """A line for each."""
        for found in unfit:
            step = found.step
            self.say("set_aside", kind=step.kind, key=step.key, label=step.label, reason=found.why)

    def say(self, event: str, **facts: str | float) -> None:
        """A line."""
        if self._file is None:
            return
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts}
        try:
            self._file.write(json_text(line).encode() + b"\n")
        except OSError as error:
            self._file = None
            self._complain(f"{printable(self._path)}: {error.strerror}; no more events are written, the run goes on")

    def __enter__(self) -> Events:
        return self

    def __exit__(self, _kind: type[BaseException] | None, stopped: BaseException | None, *_: object) -> None:
        """The last line."""
        self._tell_images()
        self.say("ended", how=_how(stopped), **self._count)

    def said(self, text: str) -> None:
        """A line."""
        self.say("said", text=text)

    def started(self, step: Step) -> None:
        """A line."""
        self._of_step("started", step)

    def images(self, count: int) -> None:
        """Added up, for a line now and then."""
        self._images += count

    def finished(self, step: Step, seconds: float) -> None:
        """A line."""
        self._count["finished"] += 1
        self._of_step("finished", step, seconds=round(seconds, 3))

    def found(self, step: Step) -> None:
        """A line."""
        self._of_step("found", step)

    def failed(self, failure: Failed) -> None:
        """A line."""
        self._count["failed"] += 1
        self._of_step("failed", failure.step, reason=failure.reason)

    def tick(self) -> None:
        """Time for a line of images?"""
        if self._clock() - self._spoke >= IMAGES_EVERY:
            self._tell_images()

    def _tell_images(self) -> None:
        if self._images:
            self.say("images", images=self._images)
        self._images, self._spoke = 0, self._clock()

    def _of_step(self, event: str, step: Step, **facts: str | float) -> None:
        self.say(event, kind=step.kind, key=step.key, label=step.label, **facts)


def _how(stopped: BaseException | None) -> str:
    """How a run ended: by itself, by a signal, or by an error."""
    if isinstance(stopped, KeyboardInterrupt):
        return signal.Signals(stopped.args[0]).name if stopped.args else signal.SIGINT.name
    return "done" if stopped is None else type(stopped).__name__
