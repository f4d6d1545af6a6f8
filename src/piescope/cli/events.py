"""`run --events FILE`: what happens in a run as JSON lines, for dashboards and schedulers; never in the run's way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from piescope.problems import InputError
from piescope.store.durable import naming
from piescope.study.fitting import Unfit
from piescope.study.plan import Step
from piescope.study.scheduling import Failed, Observer
from piescope.wording import json_text, printable

IMAGES_EVERY = 10.0
"""Seconds between two lines that say how many images were trained on."""


class Events:
    r"""Appends a line for each thing that happens, and goes silent (once with a word) where that fails.

    Each line is an object with ``time`` (UTC), ``event`` and what belongs to it: ``began`` (steps, done, workers);
    ``started``, ``finished`` (seconds), ``found`` (another run of the folder did it), ``failed`` (reason) and
    ``set_aside`` (reason: a finished step does not fit any more), each with ``kind``, ``key`` and ``label`` of a step;
    ``said`` (text: what is tried again, and why); ``images`` (trained on since the last such line); ``ended``
    (finished, failed, and ``how``: ``done``, or what stopped it). In ASCII, so no name in it can speak to whatever
    shows it.

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

    def observer(self) -> Observer:
        """What the executor calls."""
        return Observer(
            started=self._started,
            images=self._saw_images,
            finished=self._finished,
            found=self._found,
            failed=self._failed,
            unfit=self._unfit,
            said=lambda text: self.say("said", text=text),
            tick=self._tick,
        )

    def _unfit(self, unfit: list[Unfit]) -> None:
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

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """The last line."""
        self._tell_images()
        self.say("ended", how="done" if kind is None else kind.__name__, **self._count)

    def _started(self, step: Step) -> None:
        self._of_step("started", step)

    def _saw_images(self, images: int) -> None:
        self._images += images

    def _finished(self, step: Step, seconds: float) -> None:
        self._count["finished"] += 1
        self._of_step("finished", step, seconds=round(seconds, 3))

    def _found(self, step: Step) -> None:
        self._of_step("found", step)

    def _failed(self, failure: Failed) -> None:
        self._count["failed"] += 1
        self._of_step("failed", failure.step, reason=failure.reason)

    def _tick(self) -> None:
        if self._clock() - self._spoke >= IMAGES_EVERY:
            self._tell_images()

    def _tell_images(self) -> None:
        if self._images:
            self.say("images", images=self._images)
        self._images, self._spoke = 0, self._clock()

    def _of_step(self, event: str, step: Step, **facts: str | float) -> None:
        self.say(event, kind=step.kind, key=step.key, label=step.label, **facts)


def together(*observers: Observer) -> Observer:
    """One that tells all of them, in their order."""

    def to_all(name: str) -> Callable[..., None]:
        def tell(*facts: Any) -> None:
            for observer in observers:
                getattr(observer, name)(*facts)

        return tell

    return Observer(**{field.name: to_all(field.name) for field in fields(Observer)})
