"""Curves in other tools, and that no tool can touch a run. `make trackers` has what the suite's environment lacks."""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from types import ModuleType

import numpy as np
import pytest

from conftest import SMALL, Run, run_piescope
from piescope.cli import trackers
from piescope.cli.trackers import Point, Tracking, chosen
from piescope.problems import InputError
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.step_records import ArmSummary
from piescope.study.parse import load_study
from piescope.study.plan import Plan, Step, make_plan


class Kept:
    """A tracker that keeps what it is given."""

    points: list[Point]
    closed: bool

    def __init__(self, _out: Path, _name: str) -> None:
        type(self).points, type(self).closed = [], False

    def write(self, points: Sequence[Point]) -> None:
        self.points.extend(points)

    def close(self) -> None:
        type(self).closed = True


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(load_study(str(SMALL)))


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Makes something the tracker ``made``."""
    return lambda tracker: monkeypatch.setitem(trackers.TRACKERS, "made", tracker)  # type: ignore[arg-type]


def track(plan: Plan, out: Path, steps: Sequence[Step], name: str = "made") -> list[str]:
    """What was complained about."""
    said: list[str] = []
    with Tracking(name, out, said.append) as told:
        told.began(plan, list(steps), 0)
        for step in steps:
            told.started(step)
            told.images(1)
            told.finished(step, 1.0)
            told.tick()
    return said


def losses(out: Path, step: Step) -> dict[str, np.ndarray]:
    return Store(out).load(step.kind, step.key).tensors(layout.HISTORY)


def test_a_model_gives_its_losses_and_an_arm_its_numbers(
    plan: Plan, small_run: Run, add: Callable[[object], None]
) -> None:
    add(Kept)
    assert track(plan, small_run.out, plan.steps) == [] and Kept.closed
    for step in plan.steps:
        if step.kind in ("train", "finetune"):
            for stage, values in losses(small_run.out, step).items():
                curve = [point for point in Kept.points if point.curve == f"loss {stage}/{step.label}"]
                assert [point.step for point in curve] == list(range(1, len(values) + 1))
                np.testing.assert_allclose([point.value for point in curve], values)
    for item in plan.arms:
        summary = ArmSummary.of(Store(small_run.out).load("compare", item.compare.key).read(layout.SUMMARY))
        place = round(1000 * item.arm.sparsity)
        assert Point(f"PIEs/{item.arm.objective} {item.arm.pruning}", place, summary.pies) in Kept.points


def test_a_long_curve_is_means_of_its_parts(
    plan: Plan, small_run: Run, add: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trackers, "MOST_POINTS", 2)
    add(Kept)
    step = next(step for step in plan.steps if step.kind == "train")
    track(plan, small_run.out, [step])
    ((_, values),) = losses(small_run.out, step).items()
    half = -(-len(values) // 2)
    assert [point.step for point in Kept.points] == [half, len(values)]
    np.testing.assert_allclose([point.value for point in Kept.points], [values[:half].mean(), values[half:].mean()])


def test_a_tracker_that_fails_is_said_once_and_not_asked_again(
    plan: Plan, small_run: Run, add: Callable[[object], None]
) -> None:
    class Broken(Kept):
        def write(self, points: Sequence[Point]) -> None:
            raise SystemExit("::error::no\x1b[2J")

    add(Broken)
    (line,) = track(plan, small_run.out, plan.steps)
    assert (
        line.startswith("made: SystemExit: ") and line.endswith("; the run goes on without it") and "\x1b" not in line
    )


def test_one_that_is_not_installed_is_said_with_what_to_type(
    plan: Plan, small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    (line,) = track(plan, small_run.out, plan.steps, "wandb")
    assert (
        line.startswith("wandb: wandb is not installed, which this needs: python -m pip install ")
        and "[wandb]'" in line
    )


def test_one_that_hangs_does_not_hold_the_run(
    plan: Plan, small_run: Run, add: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = Event()

    class Hangs(Kept):
        def write(self, points: Sequence[Point]) -> None:
            let_go.wait()

    add(Hangs)
    monkeypatch.setattr(trackers, "PATIENCE", 0.01)
    said = track(plan, small_run.out, plan.steps)
    let_go.set()
    assert said == ["made: not all is written after 0.01 s; the run does not wait for it"]


def test_an_unknown_tracker_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tensorboard"):
        chosen("tensorbord")
    ended = run_piescope("run", SMALL, "--out", tmp_path / "out", "--track", "tensorbord")
    assert ended.returncode == 2 and "did you mean" in ended.stderr.lower() and not (tmp_path / "out").exists()


def events_of(folder: Path) -> Iterator[bytes]:
    """The records of TensorBoard's files: length, its check sum, content, its check sum."""
    for path in folder.iterdir():
        content = path.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            yield content[12 : 12 + length]
            content = content[16 + length :]


def test_tensorboard_has_the_curves(plan: Plan, small_run: Run, tmp_path: Path) -> None:
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2", reason="tensorboardX is of the extra tensorboard")
    run = small_run.copy(tmp_path / "run")
    assert track(plan, run, plan.steps, "tensorboard") == []
    written: dict[str, list[float]] = {}
    for record in events_of(run / "tensorboard"):
        for value in event_pb2.Event.FromString(record).summary.value:
            written.setdefault(value.tag, []).append(value.simple_value)
    step = next(step for step in plan.steps if step.kind == "train")
    ((stage, values),) = losses(run, step).items()
    tag = re.sub(r"[^-/\w.]", "_", f"loss {stage}/{step.label}")  # TensorBoard's letters
    np.testing.assert_allclose(written[tag], values)


def test_mlflow_has_the_curves(plan: Plan, small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking = pytest.importorskip("mlflow.tracking", reason="`make trackers` has MLflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run = small_run.copy(tmp_path / "run")
    assert track(plan, run, plan.steps, "mlflow") == []
    client = tracking.MlflowClient((run / "mlruns").as_uri())
    (kept,) = client.search_runs([client.get_experiment_by_name(plan.study.name).experiment_id])
    step = next(step for step in plan.steps if step.kind == "train")
    ((stage, values),) = losses(run, step).items()
    history = client.get_metric_history(kept.info.run_id, f"loss {stage}/{step.label}".replace(",", "_"))
    np.testing.assert_allclose([metric.value for metric in sorted(history, key=lambda metric: metric.step)], values)
    assert kept.info.status == "FINISHED"


def test_wandb_writes_a_run_offline(
    plan: Plan, small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb: ModuleType = pytest.importorskip("wandb", reason="`make trackers` has Weights & Biases")
    assert wandb.__version__
    monkeypatch.delenv("WANDB_MODE", raising=False)
    run = small_run.copy(tmp_path / "run")
    assert track(plan, run, plan.steps, "wandb") == []
    (kept,) = (run / "wandb").glob("offline-run-*/*.wandb")
    assert kept.stat().st_size > 0
