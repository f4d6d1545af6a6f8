"""Runs steps as tasks of a Ray cluster. Keys of steps travel, artefacts go through the folder that all nodes share."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from piescope.data.locate import VARIABLE
from piescope.problems import InputError
from piescope.processes import Silence
from piescope.study.executors.local import CHECKPOINT_SECONDS, DEATH_CURE, HUNG_AFTER, WORKER_VARIABLES
from piescope.study.executors.protocol import Event, Images, Started, Task, Unsuccessful
from piescope.study.executors.ray_worker import Relay, Sign, end_process, work

LOOK = 1.0
"""Seconds between two looks at what the cluster has, and at who gives signs of life."""

LONGEST_END = 5.0
"""Seconds to wait for tasks that were killed."""

NODE_LOST = "its node was lost: see that it is up, and `ray status`"

LOST = {
    "WorkerCrashedError": f"its worker process ended before it did: {DEATH_CURE}",
    "OutOfMemoryError": "memory ran out on its node, and Ray killed its worker: give the node fewer CPUs, or memory",
    "NodeDiedError": NODE_LOST,
    "LocalRayletDiedError": NODE_LOST,
}
"""Why a task came to nothing, by the names of Ray's errors."""


class RayExecutor:
    """Tasks of a Ray cluster: of those that this machine is a node of, or of one that is started here.

    Each has one CPU and one thread, and on GPUs a share of one. Ray tries nothing again: what is tried again is
    decided for all executors alike.

    Args:
        out: the study's folder, which all nodes have under the same path.
        device: ``"cpu"``, ``"cuda"``, or None: GPUs where the cluster has any.
        workers: tasks at once; None: as many as the cluster has room for, also as nodes come and go.
        address: of the cluster, or ``"auto"``: the one that runs here; None: RAY_ADDRESS, else a new one on this
            machine, which nothing outside it reaches and which ends with the run.
        gpu_share: of a GPU, for each task.
        checkpoint_seconds: between two checkpoints of a training.
        hung_after: seconds without a sign of life after which a worker is killed.

    Attributes:
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        ModuleNotFoundError: Ray is not installed.
        InputError: nothing listens at the address.
    """

    def __init__(
        self,
        out: Path,
        device: str | None,
        workers: int | None,
        address: str | None = None,
        gpu_share: float = 1.0,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        hung_after: float = HUNG_AFTER,
    ) -> None:
        self._ray, self._address = _connected(address), address
        self.device = device or ("cuda" if self._ray.cluster_resources().get("GPU") else "cpu")
        self._workers, self._hung_after = workers, hung_after
        self._share = gpu_share if self.device == "cuda" else 0.0
        self._constants = str(out.resolve()), self.device, checkpoint_seconds
        self._under_way: dict[Any, _Try] = {}
        self._given_up: list[Event] = []
        self._silence = Silence()
        self._looked, self._room, self._nodes = 0.0, 0, frozenset[str]()
        self._make_ready()

    @property
    def slots(self) -> int:
        """As many as were asked for, or as the cluster has room for."""
        self._look()
        return self._workers or self._room

    def start(self, steps: int) -> None:
        """Connects again after a stop; Ray starts workers as they are needed."""
        if not self._ray.is_initialized():
            self._ray = _connected(self._address)
            self._make_ready()

    def submit(self, task: Task) -> None:
        """Makes a task of a step."""
        token = task.lease.folder.name
        ref = self._task.remote(task.step.key, token, *self._constants, self._relay)
        self._under_way[ref] = _Try(task, token)

    def events(self, patience: float) -> list[Event]:
        """What workers have said, and what became of tasks."""
        ended: list[Any] = []
        if self._under_way:
            self._ray.wait(list(self._under_way), timeout=patience)
            ended, _ = self._ray.wait(list(self._under_way), num_returns=len(self._under_way), timeout=0)
        else:
            time.sleep(patience)
        heard = [event for sign in self._ray.get(self._relay.heard.remote()) for event in self._hear(sign)]
        heard += [self._end(ref) for ref in ended]
        self._look()
        heard, self._given_up = heard + self._given_up, []
        return heard

    def abandon(self, key: str) -> None:
        """Ends the task that does this step."""
        for ref, tried in list(self._under_way.items()):
            if tried.task.step.key == key:
                self._give_up(ref, "another runner does it")

    def wind_down(self) -> None:
        """Trainings leave a checkpoint and end."""
        self._relay.wind_down.remote()

    def stop(self) -> None:
        """Ends all tasks, and leaves the cluster."""
        if not self._ray.is_initialized():
            return
        for ref, tried in self._under_way.items():
            self._kill(ref, tried)
        if self._under_way:
            self._ray.wait(list(self._under_way), num_returns=len(self._under_way), timeout=LONGEST_END)
        self._under_way.clear()
        self._given_up.clear()
        self._ray.shutdown()

    def _make_ready(self) -> None:
        """The relay, on this node, and the task, both of the present connection."""
        here = self._ray.get_runtime_context().get_node_id()
        self._relay = self._ray.remote(Relay).options(num_cpus=0, **self._on(here)).remote()
        self._task = self._ray.remote(work).options(
            max_retries=0, num_cpus=1, num_gpus=self._share, runtime_env={"env_vars": _variables()}
        )
        self._look()

    def _look(self) -> None:
        """At how much room there is, and at who is silent."""
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        has = self._ray.cluster_resources()
        self._room = room(has.get("CPU", 0.0), has.get("GPU", 0.0), self._share)
        self._nodes = frozenset(node["NodeID"] for node in self._ray.nodes() if node["Alive"])
        has_room = self._has_room()
        for ref, tried in list(self._under_way.items()):
            if tried.sign is not None and tried.sign.node not in self._nodes:
                self._give_up(ref, NODE_LOST)  # Ray itself may wait for minutes for what is gone without a word
            elif self._silence.of(tried.token, tried.life(has_room)) > self._hung_after:
                self._give_up(ref, f"its worker gave no sign of life for {self._hung_after:g} s and was killed")

    def _has_room(self) -> bool:
        """Whether a task that waits would begin."""
        free = self._ray.available_resources()
        return free.get("CPU", 0.0) >= 1 and free.get("GPU", 0.0) >= self._share

    def _hear(self, sign: Sign) -> Iterator[Event]:
        tried = next((tried for tried in self._under_way.values() if tried.token == sign.token), None)
        if tried is None:
            return
        if tried.sign is None:
            yield Started(tried.task.step.key)
        tried.sign = sign
        if sign.images:
            tried.images += sign.images
            yield Images(tried.task.step.key, sign.images)

    def _end(self, ref: Any) -> Event:
        tried = self._under_way.pop(ref)
        self._silence.forget(tried.token)
        try:
            ended: Event = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            return lost(tried.task.step.key, error)
        return ended

    def _give_up(self, ref: Any, reason: str) -> None:
        """Kills a worker and waits for nothing: what it still writes is fenced off with its lease."""
        tried = self._under_way.pop(ref)
        self._silence.forget(tried.token)
        self._kill(ref, tried)
        self._given_up.append(Unsuccessful(tried.task.step.key, reason, reason, True))

    def _kill(self, ref: Any, tried: _Try) -> None:
        """A task that waits is taken back; a process is killed on its node, for one that was stopped hears nothing."""
        self._ray.cancel(ref, force=True)
        if tried.sign is not None and tried.sign.node in self._nodes:
            killer = self._ray.remote(end_process).options(num_cpus=0, max_retries=0, **self._on(tried.sign.node))
            killer.remote(tried.sign.process)

    def _on(self, node: str) -> dict[str, Any]:
        strategy = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        return {"scheduling_strategy": strategy(node_id=node, soft=False)}


@dataclass
class _Try:
    """A task that is under way, or waits for room.

    Attributes:
        task: the step, and its lease.
        token: of the lease.
        sign: the last one of its worker; None: it has not begun.
        images: that it has told of.
    """

    task: Task
    token: str
    sign: Sign | None = None
    images: int = 0

    def life(self, has_room: bool) -> float:
        """What grows as long as its worker lives: a training's images, else what its process has computed.

        Of one that has given no sign, time, while it may be waiting for room: with room it should have begun.
        """
        if self.sign is None:
            return 0.0 if has_room else time.monotonic()
        return self.images if self.task.step.forward_backward and self.images else int(10 * self.sign.computed)


def room(cpus: float, gpus: float, share: float) -> int:
    """How many tasks fit: each takes a CPU, and on GPUs a share of one; a task's share lies on one GPU.

    Example:
        >>> room(12.0, 0.0, 0.0), room(12.0, 4.0, 0.5), room(12.0, 2.0, 0.3)
        (12, 8, 6)
    """
    if share == 0:
        return int(cpus)
    return min(int(cpus), int(gpus * share**-1) if share > 1 else int(gpus) * int(1 / share + 1e-9))


def lost(key: str, error: Exception) -> Unsuccessful:
    """What is told of a task of which Ray says that it came to nothing.

    Example:
        >>> class NodeDiedError(Exception): ...
        >>> lost("0123", NodeDiedError()).reason
        'its node was lost: see that it is up, and `ray status`'
    """
    name, text = type(error).__name__, str(error)
    reason = LOST.get(name) or " ".join(f"{name}: {text}".split())[:300]
    return Unsuccessful(key, reason, text or reason, True, name == "OutOfMemoryError")


def _connected(address: str | None) -> Any:
    """Ray, connected; signals stay with those who had them."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # of a cluster that is started here: nothing is sent
    import ray
    import ray.util.scheduling_strategies

    address = address or os.environ.get("RAY_ADDRESS") or "local"
    _check_reachable(address)
    place = {"_node_ip_address": "127.0.0.1", "include_dashboard": False} if address == "local" else {}
    with _signals_kept():
        ray.init(address, log_to_driver=False, logging_level="ERROR", namespace="piescope", **place)
    return ray


def _check_reachable(address: str) -> None:
    """Ray itself would wait for a quarter of an hour."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=10.0).close()
    except OSError as error:
        found, expected = f"{address}: {error.strerror or error}", "HOST:PORT of a Ray cluster that is up"
        cure = "start one on that machine (`ray start`), or correct the address"
        raise InputError.of("the command line", "--address", found, expected, cure) from None


@contextmanager
def _signals_kept() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _variables() -> dict[str, str]:
    """The environment of workers: one thread, and where the data lie."""
    data = os.environ.get(VARIABLE)
    return {**WORKER_VARIABLES, **({VARIABLE: str(Path(data).resolve())} if data else {})}
