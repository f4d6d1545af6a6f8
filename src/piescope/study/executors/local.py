"""Runs steps on this machine: one single-threaded process per core, or one per GPU."""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import Any

from piescope.machine import one_thread_a_core
from piescope.processes import Silence, killed_for_memory, processor_seconds
from piescope.study.executors.protocol import Event, Images, Started, Task, Unsuccessful
from piescope.study.executors.worker import do

CHECKPOINT_SECONDS = 60.0
"""Between two checkpoints of a training, where nothing else is asked for."""

HUNG_AFTER = 600.0
"""Seconds without a sign of life after which a worker is killed."""

LOOK = 1.0
"""Seconds between two looks at who gives signs of life."""

REPORT = 0.2
"""Seconds between two reports of images."""

DEATH_CURE = "free memory, use fewer --workers, and look at the system's log"

WORKER_VARIABLES = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"),
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
}
"""What libraries of a worker read from the environment as they are loaded: one thread each; and glibc keeps what a
training step frees for the next one, which else the system would take back, clear and hand out again, page by page."""


class LocalExecutor:
    """Worker processes of this machine.

    On a CPU each has one thread and, where there is one for each core, a core of its own; on GPUs, each has one
    of them. A sign of life of a training is the images that it reports, of any other step what its process computes.

    Args:
        out: the study's folder.
        device: ``"cpu"`` or ``"cuda"``.
        workers: processes.
        gpus: names of the GPUs to spread them over, as CUDA_VISIBLE_DEVICES has them.
        checkpoint_seconds: between two checkpoints of a training.
        hung_after: seconds without a sign of life after which a worker is killed.
    """

    def __init__(
        self,
        out: Path,
        device: str,
        workers: int,
        gpus: Sequence[str] = (),
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        hung_after: float = HUNG_AFTER,
    ) -> None:
        self._work = _Work(out, device, checkpoint_seconds)
        self._gpus, self._hung_after = gpus, hung_after
        self._count = workers
        self._workers: list[_Worker | None] = [None] * workers
        self._silence = Silence()
        self._looked = time.monotonic()
        self._killed_for_memory = killed_for_memory()

    @property
    def slots(self) -> int:
        """One a worker."""
        return len(self._workers)

    def start(self, steps: int) -> None:
        """Starts the workers, no more than there are steps: they load what they need while the first one works."""
        self._workers = [None] * min(self._count, max(1, steps))
        for place in range(len(self._workers)):
            self._worker(place)

    def submit(self, task: Task) -> None:
        """Gives a step to a worker that is idle."""
        place = next(place for place, worker in enumerate(self._workers) if worker is None or worker.task is None)
        worker = self._worker(place)
        worker.task, worker.images = task, 0
        self._silence.forget(place)
        with suppress(OSError):  # it died in this instant, which is heard next
            worker.pipe.send(task)

    def events(self, patience: float) -> list[Event]:
        """What the workers say, and what became of those that say nothing any more."""
        places = {worker.pipe: place for place, worker in enumerate(self._workers) if worker is not None}
        if not places:
            time.sleep(patience)
        heard: list[Event] = []
        for pipe in connection.wait(list(places), patience):
            heard += self._hear(places[pipe])  # type: ignore[index]
        if time.monotonic() - self._looked > LOOK:
            self._looked = time.monotonic()
            self._kill_the_hung()
        return heard

    def abandon(self, key: str) -> None:
        """Kills the worker that does this step."""
        for worker in self._alive():
            if worker.task is not None and worker.task.step.key == key:
                worker.process.kill()

    def wind_down(self) -> None:
        """Trainings leave a checkpoint and end."""
        for worker in self._alive():
            with suppress(OSError):
                worker.pipe.send(None)

    def stop(self) -> None:
        """Kills the workers: a step leaves nothing half done, and a killed process no traceback."""
        alive = self._alive()
        self._workers = [None] * len(self._workers)
        for worker in alive:
            worker.process.kill()
        for worker in alive:
            worker.bury()

    def _alive(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker is not None]

    def _worker(self, place: int) -> _Worker:
        """The worker of a place, started if there is none."""
        worker = self._workers[place]
        if worker is None:
            core = core_of(place, len(self._workers)) if self._work.device == "cpu" else None
            worker = self._workers[place] = _Worker(self._work, core, variables_of(place, self._gpus))
        return worker

    def _hear(self, place: int) -> Iterator[Event]:
        """All that a worker has said; if it is dead, that too."""
        worker = self._workers[place]
        assert worker is not None
        try:
            while worker.pipe.poll():
                event: Event = worker.pipe.recv()
                if isinstance(event, Images):
                    worker.images += event.count
                elif not isinstance(event, Started):
                    worker.task = None
                yield event
        except (EOFError, OSError):
            worker.bury()
            self._workers[place] = None
            if worker.task is not None:
                yield self._death(worker)

    def _death(self, worker: _Worker) -> Unsuccessful:
        assert worker.task is not None
        before, self._killed_for_memory = self._killed_for_memory, killed_for_memory()
        memory = worker.process.exitcode == -signal.SIGKILL and (before is None or before != self._killed_for_memory)
        reason = worker.killed_because or f"its worker {_end_of(worker.process.exitcode)}: {DEATH_CURE}"
        return Unsuccessful(worker.task.step.key, reason, reason, True, memory and not worker.killed_because)

    def _kill_the_hung(self) -> None:
        """Kills workers that gave no sign of life for too long; their deaths are heard next."""
        for place, worker in enumerate(self._workers):
            if worker is None or worker.task is None:
                continue
            computed = processor_seconds(worker.process.pid or 0)
            is_training = worker.task.step.forward_backward > 0 and worker.images > 0
            sign = worker.images if is_training else time.monotonic() if computed is None else int(10 * computed)
            if self._silence.of(place, sign) > self._hung_after:
                worker.killed_because = f"its worker gave no sign of life for {self._hung_after:g} s and was killed"
                worker.process.kill()


def core_of(place: int, workers: int) -> int | None:
    """The core that a worker keeps to: where there is one for each, the system need not move them about."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    for cores in (allowed, one_thread_a_core(allowed)):
        if len(cores) == workers:
            return cores[place]
    return None


def variables_of(place: int, gpus: Sequence[str]) -> dict[str, str]:
    """What libraries of a worker read from the environment as they are loaded."""
    variables = dict(WORKER_VARIABLES)
    if len(gpus) > 1:
        variables["CUDA_VISIBLE_DEVICES"] = gpus[place % len(gpus)]
    return variables


@dataclass(frozen=True)
class _Work:
    """What all workers need to know."""

    out: Path
    device: str
    checkpoint_seconds: float


class _Worker:
    """A spawned process, and the pipe to it.

    Attributes:
        task: what it is at.
        images: that it has reported of it.
        killed_because: why it was killed, if it was.
    """

    def __init__(self, work: _Work, core: int | None, variables: Mapping[str, str]) -> None:
        self.task: Task | None = None
        self.images = 0
        self.killed_because = ""
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work, core))
        with inherited(variables):
            self.process.start()
        theirs.close()  # so that the pipe ends with the process

    def bury(self) -> None:
        """Waits for its end, but not for ever: what hangs in a file server cannot be killed."""
        self.process.join(5.0)
        self.pipe.close()


def _end_of(code: int | None) -> str:
    """How a process ended, in words.

    Example:
        >>> _end_of(-9), _end_of(1)
        ('was killed (SIGKILL)', 'ended with code 1')
    """
    if code is not None and code < 0:
        with suppress(ValueError):
            return f"was killed ({signal.Signals(-code).name})"
    return f"ended with code {code}"


@contextmanager
def inherited(variables: Mapping[str, str]) -> Iterator[None]:
    """Variables that a process inherits which is started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _serve(pipe: Any, work: _Work, core: int | None) -> None:
    """In a worker: steps one after the other, as the parent hands them over; of signals, too, the parent decides."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a terminal and a queue send them to all
        signal.signal(number, signal.SIG_IGN)
    atexit.register(gc.freeze)  # taking down, object by object, what torch has loaded takes half a second
    # a worker starts no processes; so, the locks of libraries have no name in the system that outlives a kill
    multiprocessing.set_start_method("fork", force=True)
    if core is not None:
        with suppress(OSError):  # it was taken from this process meanwhile
            os.sched_setaffinity(0, {core})
    inbox: queue.SimpleQueue[Task] = queue.SimpleQueue()
    is_wound_down = threading.Event()
    threading.Thread(target=_listen, args=(pipe, inbox, is_wound_down), daemon=True).start()
    with suppress(Exception):  # what cannot be loaded is told of the first step
        from piescope.study.steps import set_up_worker

        set_up_worker(work.device)
    while True:
        task = inbox.get()
        _tell(pipe, Started(task.step.key))
        counted = _Counted(pipe, task.step.key)
        ended = do(task, work.out, work.device, counted.add, work.checkpoint_seconds, is_wound_down.is_set)
        counted.report()
        _tell(pipe, ended)


def _tell(pipe: Any, event: Event) -> None:
    try:
        pipe.send(event)
    except OSError:  # the parent is gone
        os._exit(1)


def _listen(pipe: Any, inbox: queue.SimpleQueue[Task], is_wound_down: threading.Event) -> None:
    """Hears the parent, also while a step is under way; ends with it."""
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            os._exit(1)
        if task is None:
            is_wound_down.set()
        else:
            inbox.put(task)


class _Counted:
    """Tells the parent of images, not of each batch."""

    def __init__(self, pipe: Any, key: str) -> None:
        self._pipe, self._key = pipe, key
        self._images, self._last = 0, time.monotonic()

    def add(self, images: int) -> None:
        self._images += images
        if time.monotonic() - self._last > REPORT:
            self.report()

    def report(self) -> None:
        if self._images:
            _tell(self._pipe, Images(self._key, self._images))
        self._images, self._last = 0, time.monotonic()
