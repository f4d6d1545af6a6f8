"""What `run` does once its options are understood: signals, what is shown and told of it, the report, how it ended."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from piescope.cli.events import Events
from piescope.cli.progress import Progress
from piescope.cli.reports import study_report
from piescope.cli.terminal import BAD_ENVIRONMENT, ENDINGS, STEP_FAILED, fail, say
from piescope.cli.trackers import Tracking
from piescope.store.arithmetic import ArithmeticRecord
from piescope.store.artefacts import CorruptArtefactError
from piescope.study.execute import BusyError, execute
from piescope.study.executors.protocol import Executor
from piescope.study.scheduling import Observer, together
from piescope.study.spec import Study
from piescope.wording import counted


def do_run(
    console: Console,
    study: Study,
    out: Path,
    executor: Executor,
    where: str,
    fresh: bool,
    events: Path | None,
    trackers: Sequence[str],
    chosen: ArithmeticRecord | None = None,
) -> None:
    """Runs a study, or what is left of it, and writes its report; ends the command where a step failed.

    What the report finds to be damaged is made again first.

    Args:
        console: where to print.
        study: what to run.
        out: its folder.
        executor: where steps run.
        where: the same for people.
        fresh: throw away what the folder holds of the study first.
        events: a file for them.
        trackers: names.
        chosen: how networks are to compute, where the folder does not keep that yet.
    """
    told = ""
    while True:
        progress = Progress(console, executor.slots, where, out)
        try:
            with _heard_by(progress, out, events, trackers) as observer:
                outcome = execute(study, out, executor, fresh, observer, chosen=chosen)
        except BusyError as busy:
            fail(str(busy), BAD_ENVIRONMENT)
        if outcome.ran or outcome.found:
            say(console, progress.summary())
        try:
            study_report(console, out)
            break
        except CorruptArtefactError as damage:  # bytes that changed without a trace, which only a reader finds
            if str(damage) == told:
                raise
            told, fresh = str(damage), False
            say(console, told)
    if outcome.failed:
        failed = counted(len(outcome.failed), "step")
        fail(
            f"{failed} failed, {outcome.waiting} wait for what failed; traces: {out / 'logs'}.\n"
            f"`{shlex.join(['piescope', 'status', str(out)])}` lists them; the same `run` command tries them again.",
            STEP_FAILED,
        )


@contextmanager
def _heard_by(progress: Progress, out: Path, events: Path | None, trackers: Sequence[str]) -> Iterator[Observer]:
    """Whoever is to hear of a run, all in one; a signal that comes at its very end is heeded, too."""
    signals = Signals()
    listening: list[Signals | Progress | Events | Tracking] = [signals, progress]
    if events is not None:
        listening.append(Events(events, progress.said))
    listening += [Tracking(name, out, progress.said) for name in trackers]
    with ExitStack() as entered:
        for one in listening:
            entered.enter_context(one)
        yield together(*listening)
        signals.tick()


class Signals(Observer):
    """Takes signals at a moment when no worker is half started; a second one at once."""

    def __init__(self) -> None:
        self._received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        for number in ENDINGS:
            if signal.getsignal(number) != signal.SIG_IGN:  # `nohup` has it so
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _frame: object) -> None:
        if self._received is not None:
            raise KeyboardInterrupt(number)
        self._received = number

    def tick(self) -> None:
        """Raises what was received."""
        if self._received is not None:
            raise KeyboardInterrupt(self._received)
