"""What is made of what Ray says, with a Ray that has no cluster; tests/cluster has one (`make cluster`)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from conftest import HANG
from made_executors import DATA, FIRST, SECOND, THIRD, Heard, publish, three_models
from piescope.problems import InputError
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.leases import Holder, Lease
from piescope.study.executors import ray_tasks
from piescope.study.executors.protocol import Finished, Task, Unsuccessful
from piescope.study.executors.ray_tasks import RayExecutor, lost
from piescope.study.executors.ray_worker import Sign
from piescope.study.plan import Step
from piescope.study.scheduling import Ended, run_steps

STEPS = {step.key: step for step in three_models().steps}


class RayError(Exception):
    """The base of Ray's."""


class WorkerCrashedError(RayError): ...


class OutOfMemoryError(RayError): ...


class FakeRay(ModuleType):
    """Runs a task when it is waited for, here; whether a worker dies or hangs is scripted, by labels."""

    def __init__(self, out: Path) -> None:
        super().__init__("ray")
        self.out = out
        self.exceptions = SimpleNamespace(RayError=RayError)
        self.resources = self.free = {"CPU": 2.0}
        self.alive = {"here": True, "a node": True}
        self.is_silent = False
        self.options: list[dict[str, Any]] = []
        self.scripts: dict[str, list[Callable[[Step, str], Any]]] = {}
        self.is_up = False
        self.results: dict[int, Any] = {}
        self.cancelled: list[int] = []
        self.killed: list[int] = []
        self.relay: Any = None
        strategies = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node_id, soft: (node_id, soft))
        self.util = SimpleNamespace(scheduling_strategies=strategies)

    def init(self, address: str, **_: object) -> None:
        assert address == "local"
        self.is_up = True

    def is_initialized(self) -> bool:
        return self.is_up

    def shutdown(self) -> None:
        self.is_up = False

    def cluster_resources(self) -> dict[str, float]:
        return self.resources

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": name, "Alive": is_alive} for name, is_alive in self.alive.items()]

    def available_resources(self) -> dict[str, float]:
        return self.free

    def get_runtime_context(self) -> SimpleNamespace:
        return SimpleNamespace(get_node_id=lambda: "here")

    def remote(self, thing: Any) -> SimpleNamespace:
        def options(**chosen: Any) -> SimpleNamespace:
            self.options.append({"of": thing.__name__, **chosen})
            return SimpleNamespace(remote=lambda *arguments: self.start(thing, arguments))

        return SimpleNamespace(options=options)

    def start(self, thing: Any, arguments: tuple[Any, ...]) -> Any:
        if isinstance(thing, type):
            self.relay = thing()
            methods = ("heard", "wind_down", "say")
            return SimpleNamespace(**{name: SimpleNamespace(remote=getattr(self.relay, name)) for name in methods})
        if thing.__name__ == "end_process":
            self.killed.append(arguments[0])
            return None
        ref = len(self.results) + 1
        self.results[ref] = arguments
        return ref

    def wait(self, refs: list[int], num_returns: int = 1, timeout: float | None = None) -> tuple[list[int], list[int]]:
        for ref in refs:
            if isinstance(self.results[ref], tuple):
                self.results[ref] = self.worked(ref, *self.results[ref][:2])
        return [ref for ref in refs if self.results[ref] is not None], []

    def worked(self, ref: int, key: str, token: str) -> Any:
        step = STEPS[key]
        if not self.is_silent:
            self.relay.say(Sign(token, 5, 1.0, "a node", 4711))
        scripts = self.scripts.get(step.label, [])
        if scripts:
            return scripts.pop(0)(step, token)
        publish(
            Task(step, Lease(layout.lease(self.out, key) / token)),
            Store(self.out, Lease(layout.lease(self.out, key) / token)),
        )
        return Finished(key, 1.0)

    def get(self, ref: Any) -> Any:
        if not isinstance(ref, int):
            return ref
        result = self.results[ref]
        if isinstance(result, Exception):
            raise result
        return result

    def cancel(self, ref: int, force: bool) -> None:
        assert force
        self.cancelled.append(ref)
        if self.results[ref] is None:
            self.results[ref] = WorkerCrashedError("it was killed")


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeRay:
    made = FakeRay(tmp_path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for name, module in (
        ("ray", made),
        ("ray.util", ModuleType("u")),
        ("ray.util.scheduling_strategies", ModuleType("s")),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    return made


def run(ray: FakeRay, heard: Heard, **options: Any) -> Ended:
    executor = RayExecutor(ray.out, **{"device": None, "workers": None, **options})
    with Holder(ray.out) as leases:
        return run_steps(list(STEPS.values()), [], Store(ray.out), executor, leases, heard)


def test_only_keys_travel_and_ray_tries_nothing_again(ray: FakeRay) -> None:
    heard = Heard()
    assert run(ray, heard).ran == len(STEPS) and not ray.is_up
    assert heard.count == 5 * len(STEPS)
    task = next(options for options in ray.options if options["of"] == "work")
    assert (task["max_retries"], task["num_cpus"], task["num_gpus"]) == (0, 1, 0.0)
    assert task["runtime_env"]["env_vars"]["OMP_NUM_THREADS"] == "1"
    relay = next(options for options in ray.options if options["of"] == "Relay")
    assert relay["scheduling_strategy"] == ("here", False)  # it ends with the driver's node, which all ends with


def test_a_lost_worker_is_another_try(ray: FakeRay) -> None:
    ray.scripts = {
        DATA: [lambda *_: WorkerCrashedError("The worker died unexpectedly ...")],
        FIRST: [lambda *_: OutOfMemoryError("killed") for _ in range(3)],
    }
    heard = Heard()
    assert run(ray, heard).ran == 5
    assert "its worker process ended" in heard.lines[0] and "tried again (2 of 3)" in heard.lines[0]
    assert any("memory ran out: from now on 1 at a time" in line for line in heard.lines)
    assert list(heard.given_up) == [FIRST] and "memory ran out on its node" in heard.given_up[FIRST]


def test_a_worker_that_hangs_is_killed_where_it_is(ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_tasks, "LOOK", 0.0)
    ray.scripts = {SECOND: [lambda *_: None]}
    heard = Heard()
    assert run(ray, heard, hung_after=0.05).ran == len(STEPS)
    assert "its worker gave no sign of life for 0.05 s and was killed; tried again (2 of 3)" in heard.lines[0]
    assert set(ray.killed) == {4711} and len(set(ray.cancelled)) == 1
    assert next(options for options in ray.options if options["of"] == "end_process")["scheduling_strategy"] == (
        "a node",
        False,
    )


def test_a_worker_of_a_node_that_is_gone_is_not_waited_for(ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_tasks, "LOOK", 0.0)

    def goes(*_: object) -> None:
        ray.alive["a node"] = False

    def comes_back(step: Step, token: str) -> Any:
        ray.alive["a node"] = True
        return ray.worked(0, step.key, token)

    ray.scripts = {SECOND: [goes, comes_back]}
    heard = Heard()
    assert run(ray, heard).ran == len(STEPS)
    assert any(f"{SECOND}: its node was lost" in line and "tried again (2 of 3)" in line for line in heard.lines)
    assert ray.killed == []


def test_a_task_without_a_sign_waits_for_room_or_hangs(ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_tasks, "LOOK", 0.0)
    ray.is_silent, ray.scripts = True, {DATA: [lambda *_: None]}
    executor = RayExecutor(ray.out, None, None, hung_after=0.05)
    step = next(step for step in STEPS.values() if step.label == DATA)
    with Holder(ray.out) as leases:
        lease = leases.take(step.key, step.label)
        assert lease is not None
        ray.free = {}
        executor.submit(Task(step, lease))
        until = time.monotonic() + 0.2
        while time.monotonic() < until:
            assert executor.events(0.0) == []  # others have the cluster
        ray.free = {"CPU": 1.0}
        until = time.monotonic() + HANG
        while not (heard := executor.events(0.0)):
            assert time.monotonic() < until
        executor.stop()
    assert [type(event) for event in heard] == [Unsuccessful] and ray.cancelled == [1] and ray.killed == []


def test_there_is_as_much_room_as_the_cluster_has(ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_tasks, "LOOK", 0.0)
    executor = RayExecutor(ray.out, None, None)
    assert (executor.slots, executor.device) == (2, "cpu")
    ray.resources = {"CPU": 5.0}
    assert executor.slots == 5
    assert RayExecutor(ray.out, None, 9).slots == 9  # also more than there is room for: a cluster may grow by it
    ray.resources = {"CPU": 8.0, "GPU": 2.0}
    shared = RayExecutor(ray.out, None, None, gpu_share=0.25)
    assert (shared.slots, shared.device, ray.options[-1]["num_gpus"]) == (8, "cuda", 0.25)
    assert RayExecutor(ray.out, "cpu", None).device == "cpu"


def test_whatever_is_under_way_ends_with_the_executor(ray: FakeRay) -> None:
    executor = RayExecutor(ray.out, None, None)
    with Holder(ray.out) as leases:
        ray.scripts = {label: [lambda *_: None] for label in (FIRST, THIRD)}
        for step in STEPS.values():
            if step.label in ray.scripts:
                lease = leases.take(step.key, step.label)
                assert lease is not None
                executor.submit(Task(step, lease))
        executor.events(0.0)
        executor.wind_down()
        assert ray.relay.say(Sign("0123", 0, 0.0, "a node", 1))
        executor.abandon(next(step.key for step in STEPS.values() if step.label == FIRST))
        assert ray.cancelled == [1]
        executor.stop()
        executor.stop()
    assert not ray.is_up and ray.cancelled == [1, 2]
    executor.start(1)  # the next round of a run
    assert ray.is_up and executor.events(0.0) == []


def test_signals_stay_with_who_had_them(ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    monkeypatch.setattr(ray, "init", lambda *_, **__: signal.signal(signal.SIGTERM, signal.SIG_IGN))
    RayExecutor(ray.out, None, None)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_an_address_where_nothing_listens(ray: FakeRay) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(InputError, match=f"127.0.0.1:{port}: Connection refused"):
        RayExecutor(ray.out, None, None, f"127.0.0.1:{port}")


def test_without_ray_it_is_said_how_to_have_it() -> None:
    code = "import sys; sys.modules['ray'] = None; from piescope.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "digits", "--executor", "ray", "--out", os.devnull + "/none"],
        capture_output=True, text=True, timeout=HANG, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "ray is not installed, which this needs: python -m pip install" in done.stderr and "[ray]" in done.stderr


def test_other_errors_of_ray_are_told_in_one_line() -> None:
    class RuntimeEnvSetupError(RayError): ...

    told = lost("0123", RuntimeEnvSetupError("no room\n for it"))
    assert (told.reason, told.passes, told.memory) == ("RuntimeEnvSetupError: no room for it", True, False)
