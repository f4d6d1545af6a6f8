"""The small study on a Ray cluster of three nodes, whatever is killed meanwhile: the same hashes as on one machine."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from conftest import HANG, SEEN, SMALL, Run, hear_signals, piescope_command, run_piescope, run_program, wait_until

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = (
    "0"  # Ray's word for it: nodes are at 127.0.0.1, and are looked for there
)
pytest.importorskip("ray", reason="Ray is not in this environment: `make cluster` has one with it")

from ray.cluster_utils import Cluster

NODE: dict[str, Any] = {"node_ip_address": "127.0.0.1", "num_cpus": 1}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Three nodes of one core; a test that takes one away puts another in its place."""
    made = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    made.add_node(**NODE)
    made.add_node(**NODE)
    yield made
    made.shutdown()


def hashes(out: Path) -> dict[str, str]:
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != "run.lock"
    }


class Driver:
    """A run on the cluster, and the workers that it has there."""

    def __init__(self, cluster: Cluster, out: Path, *options: str) -> None:
        self.out, self.cluster = out, cluster
        command = piescope_command("run", SMALL, "--out", out, "--executor", "ray", "--address", cluster.address)
        self.process = subprocess.Popen(
            [*command, "--checkpoint-seconds", "0", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**os.environ, **SEEN}, preexec_fn=hear_signals,
        )  # fmt: skip

    def wait(self, happened: Callable[[], bool]) -> None:
        wait_until(happened, self.process)

    def freeze_a_worker(self, nodes: list[Any]) -> tuple[Any, int]:
        """Stops a worker in the midst of a step other than the first; which, and of which node."""
        while True:
            self.wait(lambda: any(self.out.glob("artefacts/data/[!.]*")) and any(busy(node) for node in nodes))
            frozen = [(node, worker) for node in all_nodes(self.cluster) for worker in busy(node)]
            for _, worker in frozen:
                os.kill(worker, signal.SIGSTOP)
            chosen = next(((node, worker) for node, worker in frozen if node in nodes and worker in busy(node)), None)
            if any(any(self.out.glob(f"artefacts/*/{lease.name}")) for lease in self.out.glob("work/*")):
                chosen = None  # a worker that has published, and has not said so
            for node, worker in frozen:
                if (node, worker) != chosen:
                    os.kill(worker, signal.SIGCONT)
            if chosen is not None:
                return chosen

    def end(self) -> str:
        printed, errors = self.process.communicate(timeout=HANG)
        assert self.process.returncode == 0, printed + errors
        return printed


def busy(node: Any) -> list[int]:
    """Workers of a node that do a step: Ray names a process after what it does."""
    raylet = next(info.process.pid for info in node.all_processes["raylet"])
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                name = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if parent == raylet and name.startswith(b"ray::work"):
                found.append(int(entry.name))
    return found


def all_nodes(cluster: Cluster) -> list[Any]:
    return [cluster.head_node, *cluster.worker_nodes]


def workers_end(cluster: Cluster) -> None:
    patience = time.monotonic() + HANG
    while any(busy(node) for node in all_nodes(cluster)):
        assert time.monotonic() < patience, "orphans"
        time.sleep(0.1)


def test_three_nodes_make_what_one_machine_makes(cluster: Cluster, small_run: Run, tmp_path: Path) -> None:
    driver, seen = Driver(cluster, tmp_path / "out"), set[int]()
    while driver.process.poll() is None:
        seen |= {place for place, node in enumerate(all_nodes(cluster)) if busy(node)}
        time.sleep(0.02)
    printed = driver.end()
    assert "(3 workers, cpu)" in printed and "ran 25 steps" in printed
    assert len(seen) > 1, "all was done on one node"
    assert hashes(driver.out) == hashes(small_run.out)


def test_a_worker_is_killed(cluster: Cluster, small_run: Run, tmp_path: Path) -> None:
    driver = Driver(cluster, tmp_path / "out")
    _, worker = driver.freeze_a_worker(all_nodes(cluster))
    os.kill(worker, signal.SIGKILL)
    assert "its worker process ended before it did" in driver.end()
    assert hashes(driver.out) == hashes(small_run.out)


def test_a_worker_hangs(cluster: Cluster, small_run: Run, tmp_path: Path) -> None:
    driver = Driver(cluster, tmp_path / "out", "--hung-after", "5")
    driver.freeze_a_worker(all_nodes(cluster))
    assert "its worker gave no sign of life for 5 s and was killed; tried again (2 of 3)" in driver.end()
    assert hashes(driver.out) == hashes(small_run.out)


def test_a_node_is_lost_and_another_joins(cluster: Cluster, small_run: Run, tmp_path: Path) -> None:
    driver = Driver(cluster, tmp_path / "out")
    node, worker = driver.freeze_a_worker(list(cluster.worker_nodes))  # which is silent then, as one of a lost machine
    cluster.remove_node(node, allow_graceful=False)
    joined = cluster.add_node(**NODE)
    printed = driver.end()
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)
    assert "its node was lost" in printed and "tried again (2 of 3)" in printed
    assert joined in cluster.worker_nodes
    assert hashes(driver.out) == hashes(small_run.out)


def test_a_node_that_joins_takes_steps(cluster: Cluster, small_run: Run, tmp_path: Path) -> None:
    for node in list(cluster.worker_nodes):
        cluster.remove_node(node)
    patience = time.monotonic() + HANG
    while sum(node["Alive"] for node in cluster.global_state.node_table()) > 1:  # the cluster hears of it later
        assert time.monotonic() < patience
        time.sleep(0.1)
    driver = Driver(cluster, tmp_path / "out")
    _, worker = driver.freeze_a_worker(all_nodes(cluster))  # so that there is something left when they have joined
    joined = [cluster.add_node(**NODE), cluster.add_node(**NODE)]
    driver.wait(lambda: any(busy(node) for node in joined))
    os.kill(worker, signal.SIGCONT)
    assert "(1 worker, cpu)" in driver.end()
    assert hashes(driver.out) == hashes(small_run.out)


def test_the_driver_is_killed_and_started_again(cluster: Cluster, small_run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for artefacts in (2, 8):
        driver = Driver(cluster, out)
        driver.wait(lambda most=artefacts: sum(1 for _ in out.glob("artefacts/*/[!.]*/manifest.json")) >= most)
        driver.process.kill()
        driver.process.communicate(timeout=HANG)
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("artefacts/*/[!.]*/manifest.json")}
    assert stamps
    Driver(cluster, out).end()
    assert all(path.stat().st_mtime_ns == before for path, before in stamps.items())
    assert hashes(out) == hashes(small_run.out)
    workers_end(cluster)


def test_ctrl_c_stops_it_with_checkpoints(cluster: Cluster, small_run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    driver = Driver(cluster, out)
    driver.wait(lambda: any(out.glob("checkpoints/*.safetensors")))
    driver.process.send_signal(signal.SIGINT)
    _, errors = driver.process.communicate(timeout=HANG)
    assert driver.process.returncode == 130 and "Traceback" not in errors
    workers_end(cluster)
    assert not (out / "work").exists()
    assert not (out / "failures").exists()
    Driver(cluster, out).end()
    assert hashes(out) == hashes(small_run.out)


STAND_IN = """
import sys, types

def perform(step, store, device, on_images, checkpoints):
    if step.label == "supervised dense, seed 1":
        raise ValueError("not my day")
    store.write(step.kind, step.key, {"a.json": b"[]"}, label=step.label, spec={})

for name in ("piescope.study.steps", "piescope.training.checkpoints"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["piescope.study.steps"].perform = perform
sys.modules["piescope.study.steps"].set_up_worker = lambda device: None
sys.modules["piescope.training.checkpoints"].When = lambda seconds, is_asked: None
"""
"""A sitecustomize: every interpreter that starts with it has steps that do nothing, and one that fails."""

ROUNDS = """
import sys
from pathlib import Path
from made_executors import Heard, scheduled, three_models
from piescope.store.artefacts import Store
from piescope.store.leases import Holder
from piescope.study.execute import prepare
from piescope.study.executors.ray_tasks import RayExecutor
from piescope.study.partial import plan_of_what_can_be
from piescope.study.scheduling import run_steps

out, plan, heard = Path(sys.argv[1]), three_models(), Heard()
prepare(plan.study, out, fresh=False)
executor, store = RayExecutor(out, "cpu", None), Store(out)
scheduled(out, executor, heard)
assert heard.given_up == {"supervised dense, seed 1": "ValueError: not my day"}, heard.given_up
without = plan_of_what_can_be(plan, store)
done = [step.ref for step in without.steps if store.has(step.kind, step.key)]
with Holder(out) as leases:
    run_steps(without.steps[-1:], done, store, executor, leases, heard)
assert heard.done[-1].endswith("2 of 3 models"), (heard.done, heard.given_up)
"""


def test_an_arm_that_lost_a_model_is_compared_in_a_second_round(tmp_path: Path) -> None:
    """On a cluster of this machine that begins and ends with each round."""
    (tmp_path / "sitecustomize.py").write_text(STAND_IN)
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    done = run_program([sys.executable, "-c", ROUNDS, tmp_path / "out"], env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr


def test_digits_on_the_cluster(cluster: Cluster, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    assert run_piescope("run", "digits", "--out", here).returncode == 0
    done = run_piescope("run", "digits", "--out", there, "--executor", "ray", "--address", cluster.address)
    assert done.returncode == 0, done.stderr
    assert hashes(here) == hashes(there)
