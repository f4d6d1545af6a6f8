"""How a step's networks compute: as usual, or as the folder keeps. What steps make is in tests/golden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from conftest import SMALL, run_python
from piescope.machine import cpp_compiler
from piescope.models.build import ModelSpec
from piescope.store import layout
from piescope.store.arithmetic import Arithmetic, ArithmeticRecord
from piescope.store.artefacts import Store
from piescope.study import steps
from piescope.study.parse import parse_study
from piescope.study.plan import make_plan
from piescope.study.steps import Place, environment, network_of
from piescope.training.checkpoints import StoppedError, When
from piescope.training.history import DivergedError
from piescope.training.means import Means
from piescope.training.recipe import QScoreTerm, Training

PLAN = make_plan(parse_study(SMALL.read_text()))
NAMED = {step.label: step for step in PLAN.steps}
DENSE = NAMED["supervised dense, seed 0"]
BOTH = Arithmetic(memory_format="default", compiled=True)


def kept(out: Path, arithmetic: Arithmetic) -> Store:
    """A folder that keeps how its networks compute."""
    record = ArithmeticRecord(arithmetic=arithmetic, why="it is a test", day="2026-01-02")
    out.mkdir()
    layout.arithmetic(out).write_bytes(record.as_bytes())
    return Store(out)


class Compile:
    """Stands for torch.compile: what is called goes on as it was, and is counted."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, function: Any, dynamic: bool) -> Any:
        assert dynamic is False  # else bits would hang on the sizes that a process saw before

        def compiled(*args: Any) -> Any:
            self.calls += 1
            return function(*args)

        return compiled


@pytest.fixture
def compile_(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Compile:
    stand_in = Compile()
    monkeypatch.setattr(torch, "compile", stand_in)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    return stand_in


def test_an_environment_tells_how_networks_compute_only_where_that_was_chosen() -> None:
    usual = environment("cpu")
    assert not {"memory_format", "compiled"} & usual.keys()
    assert environment("cpu", BOTH) == {"memory_format": "default", "compiled": True, **usual}


def test_steps_are_queued_on_a_card_alone_and_its_environments_tell_whose_draws_they_have() -> None:
    graphs = Arithmetic(compiled=True, captured=True)
    assert Place("cpu", graphs).means == Means(queued=False, compiled=True, captured=False)
    assert Place("cuda", graphs).means == Means(queued=True, compiled=True, captured=True)
    assert Place("cuda:1", Arithmetic()).means == Means(queued=True)
    assert environment("cuda")["draws"] == "philox4x32-10" and "draws" not in environment("cpu")
    assert environment("cuda", graphs)["captured"] is True


@pytest.mark.parametrize("memory_format", ["channels_last", "default"])
def test_networks_have_the_memory_format_of_their_place(memory_format: Any) -> None:
    place = Place("cpu", Arithmetic(memory_format=memory_format))
    weight = network_of(ModelSpec(depth=10, width=1), (3, 8, 8), 4, place, torch.Generator()).stage1[0].conv2.weight
    assert weight.is_contiguous() == (memory_format == "default")
    assert weight.is_contiguous(memory_format=torch.channels_last) == (memory_format == "channels_last")


def test_a_step_computes_as_its_folder_keeps_and_says_so(tmp_path: Path, compile_: Compile) -> None:
    usual, tuned = Store(tmp_path / "usual"), kept(tmp_path / "tuned", BOTH)
    images: list[int] = []
    for store in (usual, tuned):
        steps.perform(PLAN.data, store, "cpu", images.append)
        assert compile_.calls == 0
        made = steps.perform(DENSE, store, "cpu", images.append)
    assert made.manifest.environment == environment("cpu", BOTH)
    assert made.key == DENSE.key
    assert compile_.calls == len(images) / 2 > 0  # a training step each, and of the tuned folder alone
    predict = NAMED["supervised dense, seed 0: predict"]
    assert steps.perform(predict, tuned, "cpu", images.append).manifest.environment == environment("cpu", BOTH)
    assert compile_.calls == len(images) / 2


@pytest.mark.usefixtures("compile_")
def test_a_checkpoint_of_another_arithmetic_is_of_no_use(tmp_path: Path) -> None:
    store, seen = kept(tmp_path / "out", BOTH), list[int]()
    steps.perform(PLAN.data, store, "cpu", seen.append)
    with pytest.raises(StoppedError):
        steps.perform(DENSE, store, "cpu", seen.append, When(float("inf"), lambda: len(seen) == 3))
    layout.arithmetic(store.out).unlink()
    steps.perform(DENSE, store, "cpu", seen.append, When(float("inf")))
    assert (
        "compiled True, here None; memory_format 'default', here None" in layout.log(store.out, DENSE.key).read_text()
    )


@pytest.mark.sampled(8, heavy=True)
@pytest.mark.skipif(cpp_compiler() is None, reason="there is no C++ compiler")
@pytest.mark.parametrize("memory_format", ["channels_last", "default"])
def test_what_a_process_has_compiled_before_has_no_say_in_bits(memory_format: str, tmp_path: Path) -> None:
    code = f"""
import json, os, sys, torch, torch._dynamo
os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
from pathlib import Path
from piescope.store.arithmetic import Arithmetic, ArithmeticRecord
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.study.parse import parse_study
from piescope.study.plan import make_plan
from piescope.study.steps import perform, set_up_worker
set_up_worker("cpu")
plan = make_plan(parse_study(Path({str(SMALL)!r}).read_text()))
named = {{step.label: step for step in plan.steps}}
arithmetic = Arithmetic(memory_format={memory_format!r}, compiled=True)
seen = {{}}
for order in (["0", "1"], ["1"]):
    torch._dynamo.reset()  # as a process that has compiled nothing
    out = Path({str(tmp_path)!r}) / "".join(order)
    out.mkdir()
    layout.arithmetic(out).write_bytes(ArithmeticRecord(arithmetic=arithmetic, why="", day="").as_bytes())
    perform(plan.data, Store(out), "cpu", lambda images: None)
    for seed in order:
        made = perform(named["supervised dense, seed " + seed], Store(out), "cpu", lambda images: None)
    seen["".join(order)] = made.manifest.content
print(json.dumps(seen))
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert len(set(json.loads(done.stdout).values())) == 1


def test_weights_that_diverged_are_no_artefact_and_the_cure_is_that_of_their_training() -> None:
    model = ModelSpec(depth=10, width=1).build((1, 8, 8), 10, None)
    torch.nn.init.constant_(model.head.weight, torch.nan)
    trained = Training(epochs=1, batch_size=50, learning_rate=0.1, q_score=QScoreTerm(weight=9.0))
    with pytest.raises(
        DivergedError, match=r"head.weight holds .*; lower the weight of q_score \(9\) or the learning rate"
    ):
        steps._model_files(model, {}, 0.0, [], trained)
