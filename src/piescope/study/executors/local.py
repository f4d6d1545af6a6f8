"""Runs steps on this machine: one single-threaded process per core, children only after their parents."""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from piescope.store.artefacts import Store
from piescope.study.plan import Ref, Step

if TYPE_CHECKING:
    from piescope.training.checkpoints import When

CHECKPOINT_SECONDS = 60.0
"""Between two checkpoints of a training, where nothing else is asked for."""

ATTEMPTS_ALONE = 2
"""How often a step that lost its worker (killed, out of memory) is tried again, alone, before it counts as failed."""

DEATH_CURE = "it was killed or ran out of memory: free memory, use fewer --workers, and look at the system's log"

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
TICK = 0.2

STOPPING = 1.2
"""Seconds that trainings have to leave a checkpoint, once the run is asked to stop."""


@dataclass(frozen=True)
class Failed:
    """A step that raised.

    Attributes:
        step: which.
        reason: one line.
        trace: all of it.
    """

    step: Step
    reason: str
    trace: str


@dataclass(frozen=True)
class Observer:
    """What the caller wants to hear while steps run; all called in its own process and thread."""

    started: Callable[[Step], None]
    images: Callable[[int], None]
    finished: Callable[[Step, float], None]
    failed: Callable[[Failed], None]
    tick: Callable[[], None]


def run_steps(
    steps: Sequence[Step],
    done: Iterable[Ref],
    out: Path,
    workers: int,
    device: str,
    observer: Observer,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> list[Failed]:
    """Runs all steps whose parents are done or succeed; goes on after failures with what does not hang on them.

    Args:
        steps: parents before children; none of them done.
        done: what is.
        out: the study's folder.
        workers: processes.
        device: ``"cpu"`` or ``"cuda"``.
        observer: hears of everything; where it raises KeyboardInterrupt, trainings leave a checkpoint and stop.
        checkpoint_seconds: between two checkpoints of a training.

    Returns:
        the steps that failed; their descendants were not started.
    """
    finished = set(done)
    waiting = list(steps)
    failures: list[Failed] = []
    while True:
        with _Pool(min(workers, max(1, len(waiting))), out, device, checkpoint_seconds) as pool:
            suspects = _drain(pool, waiting, finished, failures, observer)
        if suspects is None:
            return failures
        for step in suspects:  # one of them lost its worker; alone, each shows whether it was the one
            for _ in range(ATTEMPTS_ALONE):
                with _Pool(1, out, device, checkpoint_seconds) as pool:
                    if _drain(pool, [step], finished, failures, observer) is None:
                        break
            else:
                failure = Failed(step, f"its worker process died {1 + ATTEMPTS_ALONE} times; {DEATH_CURE}", DEATH_CURE)
                failures.append(failure)
                observer.failed(failure)


def _drain(
    pool: _Pool, waiting: list[Step], finished: set[Ref], failures: list[Failed], observer: Observer
) -> list[Step] | None:
    """Runs until nothing can start: None; or until a worker dies: the steps that were under way (none, if it idled)."""
    under_way: dict[Future[_Outcome], Step] = {}
    while True:
        for step in [step for step in waiting if finished.issuperset(step.parent_refs())]:
            if len(under_way) >= pool.workers:
                break
            try:
                future = pool.submit(step)
            except BrokenProcessPool:
                return list(under_way.values())
            waiting.remove(step)
            under_way[future] = step
            observer.started(step)
        if not under_way:
            return None
        ended, _ = wait(under_way, timeout=TICK, return_when=FIRST_COMPLETED)
        for images in pool.heard():
            observer.images(images)
        for future in ended:
            step = under_way.pop(future)
            try:
                outcome = future.result()
            except BrokenProcessPool:
                return [step, *under_way.values()]
            if outcome.trace:
                failure = Failed(step, outcome.reason, outcome.trace)
                failures.append(failure)
                observer.failed(failure)
            else:
                finished.add(step.ref)
                observer.finished(step, outcome.seconds)
        observer.tick()


@dataclass(frozen=True)
class _Outcome:
    seconds: float
    reason: str = ""
    trace: str = ""


class _Pool:
    """Spawned single-threaded workers, the queue on which they tell how many images they did, and the word to stop."""

    def __init__(self, workers: int, out: Path, device: str, checkpoint_seconds: float) -> None:
        self.workers = workers
        self._trainings: list[Future[_Outcome]] = []
        context = multiprocessing.get_context("spawn")
        self._progress: Any = context.Queue()
        self._stop = context.RawValue("b", 0)  # no Event: a worker that is killed within one takes its lock along
        self._before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))  # read by libraries as workers load them
        self._executor = ProcessPoolExecutor(
            workers,
            mp_context=context,
            initializer=_start,
            initargs=(out, device, self._progress, checkpoint_seconds, self._stop),
        )

    def __enter__(self) -> _Pool:
        for _ in range(self.workers):  # workers start on demand: ask for all at once, while the first step runs
            self._executor.submit(_nothing)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is KeyboardInterrupt:
                self._stop.value = 1
                wait(self._trainings, timeout=STOPPING)
        finally:
            self._end(by_force=kind is not None)

    def _end(self, by_force: bool) -> None:
        if by_force:
            for process in list((self._executor._processes or {}).values()):
                process.kill()  # a step leaves nothing half done, and SIGKILL no traceback
        self._executor.shutdown(wait=True, cancel_futures=True)
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def submit(self, step: Step) -> Future[_Outcome]:
        future = self._executor.submit(_work, step)
        if step.forward_backward:
            self._trainings.append(future)
        return future

    def heard(self) -> list[int]:
        messages = []
        while True:
            try:
                messages.append(self._progress.get_nowait())
            except queue.Empty:
                return messages


_worker: tuple[Store, str, Any, When] | None = None


def _start(out: Path, device: str, progress: Any, checkpoint_seconds: float, stop: Any) -> None:
    """In a new worker: ignore the terminal's Ctrl-C (the parent decides), end with the parent, load torch once."""
    global _worker
    import signal

    atexit.register(gc.freeze)  # taking down, object by object, what torch has loaded takes half a second
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    from piescope.study.steps import set_up_worker
    from piescope.training.checkpoints import When

    set_up_worker(device)
    _worker = Store(out), device, progress, When(checkpoint_seconds, lambda: bool(stop.value))


def _nothing() -> None:
    """A task that only brings its worker up."""


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def _work(step: Step) -> _Outcome:
    from piescope.study.steps import perform

    assert _worker is not None
    store, device, progress, checkpoints = _worker
    images, last = 0, time.monotonic()

    def on_images(count: int) -> None:
        nonlocal images, last
        images += count
        now = time.monotonic()
        if now - last > TICK:
            progress.put(images)
            images, last = 0, now

    began = time.monotonic()
    try:
        perform(step, store, device, on_images, checkpoints)
        progress.put(images)
    except Exception as error:
        return _Outcome(time.monotonic() - began, f"{type(error).__name__}: {error}", traceback.format_exc())
    return _Outcome(time.monotonic() - began)
