"""What a worker of a cluster does, and says while it does; tests/cluster has clusters (`make cluster`)."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import HANG
from made_executors import FIRST, SECOND, three_models
from piescope.store import failures
from piescope.store.artefacts import Store
from piescope.study.execute import prepare
from piescope.study.executors.ray_worker import Relay, Sign, Voice, end_process, step_of
from piescope.study.partial import plan_of_what_can_be


def test_images_and_signs_of_life_are_heard_until_the_end() -> None:
    relay = Relay()
    with Voice("0123", "a node", relay.say) as voice:
        voice.add(50)
        patience = time.monotonic() + HANG
        while sum(sign.images for sign in relay._signs) < 50:
            assert time.monotonic() < patience
            time.sleep(0.02)
        voice.add(7)
        assert not voice.is_wound_down()
        relay.wind_down()
        while not voice.is_wound_down():
            assert time.monotonic() < patience
            time.sleep(0.02)
    signs = relay.heard()
    assert sum(sign.images for sign in signs) == 57 and signs[0].images == 0  # the first one says that it began
    assert {(sign.token, sign.node) for sign in signs} == {("0123", "a node")}
    assert [sign.computed for sign in signs] == sorted(sign.computed for sign in signs)
    assert relay.heard() == []


def test_a_worker_whose_driver_is_gone_is_to_end() -> None:
    def gone(_: Sign) -> bool:
        raise ConnectionError

    with Voice("0123", "a node", gone) as voice:
        assert voice.is_wound_down()


def test_a_key_is_looked_up_in_the_study_of_the_folder(tmp_path: Path) -> None:
    plan = three_models()
    out = tmp_path / "out"
    step = next(step for step in plan.steps if step.label == FIRST)
    with pytest.raises(FileNotFoundError, match="under the same path"):
        step_of(out, step.key)
    prepare(plan.study, out, fresh=False)
    assert step_of(out, step.key) == step
    failed = next(step for step in plan.steps if step.label == SECOND)
    failures.record(out, failed.key, failed.label, "ValueError: not my day", "Traceback ...", may_pass=False)
    without = plan_of_what_can_be(plan, Store(out)).steps[-1]
    assert without not in plan.steps and step_of(out, without.key) == without
    with pytest.raises(RuntimeError, match="install one version on all nodes"):
        step_of(out, "0" * 32)


def test_a_worker_that_was_stopped_can_be_killed() -> None:
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    worker.send_signal(signal.SIGSTOP)
    end_process(worker.pid)
    assert worker.wait(HANG) == -signal.SIGKILL
    end_process(worker.pid)  # it is gone
