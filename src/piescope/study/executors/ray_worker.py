"""What a worker of a Ray cluster does with the key of a step, and how it is heard while it does."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.leases import Lease
from piescope.study.executors.protocol import Finished, Stopped, Task, Unsuccessful
from piescope.study.executors.worker import do, told
from piescope.study.folder import study_of
from piescope.study.partial import plan_of_what_can_be
from piescope.study.plan import Plan, Step, make_plan
from piescope.version import __version__

REPORT = 0.25
"""Seconds between two signs of life."""


@dataclass(frozen=True)
class Sign:
    """Of life.

    Attributes:
        token: of the lease under which the step is done.
        images: pushed through a network since the last one.
        computed: seconds that the process has.
        node: where it is.
        process: its id there.
    """

    token: str
    images: int
    computed: float
    node: str
    process: int


class Relay:
    """An actor beside the driver: signs of the workers until they are fetched, and what the workers are asked.

    Example:
        >>> relay = Relay()
        >>> relay.say(Sign("0123", 50, 1.5, "a node", 4711))
        False
        >>> len(relay.heard()), len(relay.heard())
        (1, 0)
    """

    def __init__(self) -> None:
        self._signs: list[Sign] = []
        self._is_wound_down = False

    def say(self, sign: Sign) -> bool:
        """A worker gives a sign, and hears whether it is to end."""
        self._signs.append(sign)
        return self._is_wound_down

    def heard(self) -> list[Sign]:
        """All signs since the last call."""
        signs, self._signs = self._signs, []
        return signs

    def wind_down(self) -> None:
        """Trainings are to leave a checkpoint and end."""
        self._is_wound_down = True


def work(
    key: str, token: str, out: str, device: str, checkpoint_seconds: float, relay: Any
) -> Finished | Stopped | Unsuccessful:
    """The task: does a step, and publishes its artefact in the study's folder.

    Args:
        key: of the step.
        token: of its lease.
        out: the study's folder.
        device: ``"cpu"`` or ``"cuda"``.
        checkpoint_seconds: between two checkpoints of a training.
        relay: the actor.
    """
    import ray

    node = ray.get_runtime_context().get_node_id()
    with Voice(token, node, lambda sign: ray.get(relay.say.remote(sign))) as voice:
        try:
            step = step_of(Path(out), key)
        except Exception as error:
            return told(key, error)
        task = Task(step, Lease(layout.lease(Path(out), key) / token))
        return do(task, Path(out), device, voice.add, checkpoint_seconds, voice.is_wound_down)


class Voice:
    """Tells the relay every quarter of a second that this worker lives, first and last included.

    Where nobody hears any more, the worker is asked to end, too.

    Args:
        token: of the lease.
        node: where this is.
        say: to the relay; the answer is whether to end.
    """

    def __init__(self, token: str, node: str, say: Callable[[Sign], bool]) -> None:
        self._token, self._node, self._say = token, node, say
        self._images, self._lock = 0, threading.Lock()
        self._asked, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def __enter__(self) -> Self:
        self._speak()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._speak()

    def add(self, images: int) -> None:
        """So many images more."""
        with self._lock:
            self._images += images

    def is_wound_down(self) -> bool:
        """Whether to end."""
        return self._asked.is_set()

    def _go_on(self) -> None:
        while not self._ended.wait(REPORT):
            self._speak()

    def _speak(self) -> None:
        with self._lock:
            images, self._images = self._images, 0
        try:
            asked = self._say(Sign(self._token, images, time.process_time(), self._node, os.getpid()))
        except Exception:  # the driver is gone
            asked = True
        if asked:
            self._asked.set()


def step_of(out: Path, key: str) -> Step:
    """The step of a key, from the plan of the study that the folder holds.

    Raises:
        FileNotFoundError: this machine has not the folder.
        RuntimeError: this piescope plans the study otherwise.
    """
    host = socket.gethostname()
    if not layout.study(out).is_file():
        why = f"node {host} has no such file: all nodes must have the study's folder under the same path"
        raise FileNotFoundError(errno.ENOENT, why, str(layout.study(out)))
    plan, steps = _planned(out)
    if key not in steps:  # a comparison without what has failed meanwhile?
        steps = {step.key: step for step in plan_of_what_can_be(plan, Store(out)).steps}
    if key not in steps:
        why = f"piescope {__version__} of node {host} has no such step"
        raise RuntimeError(f"{why}: install one version on all nodes")
    return steps[key]


@lru_cache(maxsize=1)
def _planned(out: Path) -> tuple[Plan, dict[str, Step]]:
    """The plan, and its steps by their keys; made once in each process, which serves one run."""
    plan = make_plan(study_of(out))
    return plan, {step.key: step for step in plan.steps}


def end_process(process: int) -> None:
    """The task that kills a worker of its node."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
