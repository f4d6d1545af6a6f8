"""Measures this machine: as many workers as a run would have, in the same places, at the same time. Loads no torch."""

from __future__ import annotations

import multiprocessing
import os
import signal
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self

from piescope.processes import Silence, processor_seconds
from piescope.store.arithmetic import Arithmetic
from piescope.study.calibrations import Pace, Setting
from piescope.study.executors.local import core_of, inherited, variables_of
from piescope.study.paces import MappedExample, StartUp

HUNG_AFTER = 120.0
"""Seconds in which a worker computes nothing after which it hangs; a compiler that it waits for takes less."""

LOOK = 1.0
"""Seconds between two looks."""


class MeasuringError(RuntimeError):
    """Nothing could be measured."""


def only_kept(setting: Setting) -> Pace:
    """A `Meter` where nothing is to be measured.

    Raises:
        MeasuringError: always.
    """
    raise MeasuringError(f"nothing is kept of {setting.question.what}")


class Crew:
    """Measures settings, as a `Meter`; a context that ends its workers. The first setting starts them.

    Args:
        device: ``"cpu"`` or ``"cuda"``.
        gpus: names of the GPUs to spread them over.
    """

    def __init__(self, device: str, gpus: Sequence[str] = ()) -> None:
        self._device, self._gpus = device, gpus
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
        self._workers = []

    def __call__(self, setting: Setting) -> Pace:
        """What they need for one: the mean, and the peak of the one that takes most memory.

        Raises:
            MeasuringError: one of them ended, or could not do it.
        """
        while len(self._workers) < setting.workers:
            self._workers.append(_Worker(self._device, variables_of(len(self._workers), self._gpus)))
        asked = self._workers[: setting.workers]
        if isinstance(setting.question, StartUp):
            return _mean([worker.start() for worker in asked])
        for worker in asked:  # all of them are ready before one begins
            worker.start()
        if isinstance(setting.question, MappedExample):  # one after the other: what the first compiles is kept
            return [worker.asked(setting) for worker in asked[:2]][-1]
        for place, worker in enumerate(asked):
            worker.ask(setting, core_of(place, setting.workers) if self._device == "cpu" else None)
        return _mean([worker.answer() for worker in asked])


def _mean(paces: list[Pace]) -> Pace:
    return Pace(
        seconds=statistics.mean(pace.seconds for pace in paces),
        spread=max(pace.spread for pace in paces),
        first=max(pace.first for pace in paces),
        peak_bytes=max(pace.peak_bytes for pace in paces),
        card_bytes=max(pace.card_bytes for pace in paces),
    )


class _Worker:
    """A spawned process that measures what it is asked."""

    def __init__(self, device: str, variables: dict[str, str]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, device), daemon=True)
        with inherited(variables):
            self.process.start()
        theirs.close()  # so that the pipe ends with the process
        self._start: Pace | None = None

    def start(self) -> Pace:
        """What its start took; waits for it."""
        if self._start is None:
            self._start = self.answer()
        return self._start

    def ask(self, setting: Setting, core: int | None = None) -> None:
        with suppress(OSError):  # it died in this instant, which is heard next
            self.pipe.send((setting.question, setting.arithmetic, core))

    def answer(self) -> Pace:
        silence, pid = Silence(), self.process.pid or 0
        try:
            while not self.pipe.poll(LOOK):
                computed = processor_seconds(pid)
                if silence.of(pid, time.monotonic() if computed is None else int(10 * computed)) > HUNG_AFTER:
                    raise MeasuringError(f"a worker that measured gave no sign of life for {HUNG_AFTER:g} s")
            answer: Pace | str = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            raise MeasuringError(f"a worker that measured ended with code {self.process.exitcode}") from None
        if isinstance(answer, str):
            raise MeasuringError(answer)
        return answer

    def asked(self, setting: Setting) -> Pace:
        self.ask(setting)
        return self.answer()


def _serve(pipe: Any, device: str) -> None:
    """In a worker: a question after the other; of signals the parent decides."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    multiprocessing.set_start_method("fork", force=True)  # so, locks of libraries have no name that outlives a kill
    question, arithmetic, core = StartUp(), Arithmetic(), None
    everywhere = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    while True:
        try:
            from piescope.study.meters import pace_of
            from piescope.study.steps import Place, set_up_worker

            if everywhere:
                os.sched_setaffinity(0, everywhere if core is None else {core})
            set_up_worker(device)
            answer: Pace | str = pace_of(question, Place(device, arithmetic))
        except Exception as error:
            answer = " ".join(f"{type(error).__name__}: {error}".split())
        try:
            pipe.send(answer)
            question, arithmetic, core = pipe.recv()
        except (EOFError, OSError):
            os._exit(0)
