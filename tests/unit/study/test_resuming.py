"""A training step that is stopped is published as if nothing had been; tests/unit/training has every place to stop at."""

from __future__ import annotations

import hashlib
import json
import shutil
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import tomli_w

from conftest import SMALL
from piescope.store import layout
from piescope.store.artefacts import Artefact, Store, as_tensors
from piescope.store.checkpoints import CHECKPOINT_FORMAT, Origin, write_checkpoint
from piescope.study import steps
from piescope.study.forks import forks_of
from piescope.study.parse import parse_study
from piescope.study.plan import Step, make_plan
from piescope.training.checkpoints import StoppedError, When
from piescope.version import __version__

pytestmark = pytest.mark.sampled(3, of_file=True)

PLAN = make_plan(parse_study(SMALL.read_text()))
NAMED = {step.label: replace(step, forks=()) for step in PLAN.steps}
DENSE, GMP, ONE_SHOT = "supervised dense, seed 0", "supcon gmp 0.5, seed 0", "supervised one_shot 0.5, seed 0"
BATCHES = {DENSE: 8, GMP: 8, ONE_SHOT: 4}
NEVER = When(float("inf"))


def done(
    label: str,
    store: Store,
    when: When | None = NEVER,
    stop_after: int | None = None,
    named: Mapping[str, Step] = NAMED,
) -> tuple[Artefact, int]:
    """What a step makes, and how many batches it took; it is asked to stop after so many."""
    step, batches = named[label], 0

    def on_images(_images: int) -> None:
        nonlocal batches
        batches += 1

    if stop_after is not None:
        when = When(float("inf"), lambda: batches == stop_after)
    return steps.perform(step, store, "cpu", on_images, when), batches


def stop(label: str, store: Store, after: int) -> Path:
    """The checkpoint that a stopped step leaves."""
    with pytest.raises(StoppedError):
        done(label, store, stop_after=after)
    assert not store.has(NAMED[label].kind, NAMED[label].key)
    return layout.checkpoint(store.out, NAMED[label].key)


def hashes(made: Artefact) -> dict[str, str]:
    """Of all its files, the manifest included."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made.folder.iterdir()}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Of a study whose data are loaded."""
    begun = Store(tmp_path / "out")
    done(PLAN.data.label, begun)
    return begun


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The hashes of what each training makes without checkpoints."""
    whole = Store(tmp_path_factory.mktemp("whole"))
    done(PLAN.data.label, whole)
    return {label: hashes(done(label, whole, None)[0]) for label in BATCHES}


@pytest.mark.parametrize(("label", "after"), [(DENSE, 3), (GMP, 2), (GMP, 6), (ONE_SHOT, 1)])
def test_a_stopped_step_goes_on_and_makes_the_same_bytes(
    label: str, after: int, store: Store, undisturbed: dict[str, dict[str, str]]
) -> None:
    if label == ONE_SHOT:
        done(DENSE, store)
    path = stop(label, store, after)
    assert path.is_file()
    made, batches = done(label, store)
    assert hashes(made) == undisturbed[label]
    assert batches == BATCHES[label] - after
    assert not path.exists()
    assert not layout.log(store.out, NAMED[label].key).exists()


def test_a_step_killed_again_and_again_goes_on_from_the_last_checkpoint(
    store: Store, undisturbed: dict[str, dict[str, str]]
) -> None:
    for _ in range(BATCHES[GMP] - 1):
        stop(GMP, store, 1)
    made, batches = done(GMP, store)
    assert (hashes(made), batches) == (undisturbed[GMP], 1)


def rewritten(path: Path, without: str = "", **changed: Any) -> None:
    """The same checkpoint, whole, of another origin or without a tensor."""
    content = path.read_bytes()
    said = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    arrays = {name: array for name, array in safetensors.numpy.load(content).items() if name != without}
    origin = Origin.model_validate_json(said["origin"])
    write_checkpoint(path, origin.model_copy(update=changed), said["stage"], arrays)


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def made_elsewhere(path: Path) -> None:
    rewritten(path, environment={**steps.environment("cpu"), "piescope": __version__, "processor": "another"})


OF_NO_USE = [
    pytest.param(damaged, "SHA-256", id="damaged"),
    pytest.param(made_elsewhere, "processor 'another', here ", id="of another machine"),
    pytest.param(
        partial(rewritten, format_version=CHECKPOINT_FORMAT + 1),
        f"format_version {CHECKPOINT_FORMAT + 1}, here",
        id="of another format",
    ),
    pytest.param(partial(rewritten, key="0" * 32), "key '0000", id="of other trainings"),
    pytest.param(partial(rewritten, parents={}), "parents {}, here", id="of other data"),
    pytest.param(partial(rewritten, without="network.model.conv1.weight"), "it lacks", id="misfit"),
]
"""Ways in which a checkpoint or a fork is not one to go on from, and what the log says."""


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        *OF_NO_USE,
        (partial(rewritten, without="losses.head"), "0 of 4 steps of head"),
    ],
)
def test_a_checkpoint_that_is_of_no_use_is_said_in_the_log_and_the_step_begun_anew(
    spoil: Callable[[Path], None], why: str, store: Store, undisturbed: dict[str, dict[str, str]]
) -> None:
    path = stop(GMP, store, 2 if why == "it lacks" else 6)
    spoil(path)
    made, batches = done(GMP, store)
    assert (hashes(made), batches) == (undisturbed[GMP], BATCHES[GMP])
    (line,) = layout.log(store.out, NAMED[GMP].key).read_text().splitlines()
    assert f"{GMP}: checkpoints/{path.name} is of no use: it" in line
    assert why in line
    assert not path.exists()


def test_a_fine_tuning_goes_on_from_no_other_model(store: Store) -> None:
    """A dense model that was made again elsewhere has the same key, and other bits."""
    dense, _ = done(DENSE, store)
    stop(ONE_SHOT, store, 1)
    files, dense_tensors = {name: dense.read(name) for name in dense.manifest.files}, dense.tensors(layout.MODEL)
    shutil.rmtree(dense.folder)
    network = {**dense_tensors, "head.bias": dense_tensors["head.bias"] + np.float32(1)}
    store.write("train", dense.key, {**files, layout.MODEL: as_tensors(network)}, DENSE, {})
    assert done(ONE_SHOT, store)[1] == BATCHES[ONE_SHOT]
    assert "parents" in layout.log(store.out, NAMED[ONE_SHOT].key).read_text()


def test_no_room_for_checkpoints_ends_no_training(store: Store, undisturbed: dict[str, dict[str, str]]) -> None:
    layout.checkpoints(store.out).write_text("no folder")
    made, _ = done(DENSE, store, When(0))
    assert hashes(made) == undisturbed[DENSE]
    assert f"{DENSE}: no checkpoint could be written: " in layout.log(store.out, NAMED[DENSE].key).read_text()


def with_forks() -> dict[str, Step]:
    """The trainings of a study in which those of a seed part after 2 and after 4 of the encoder's 8 batches."""
    content = tomllib.loads(SMALL.read_text())
    content |= {"arms": {"supcon": ["dense", "gmp", "delayed_gmp"]}, "sparsities": [0.5, 0.9], "measures": {}}
    content["training"]["supcon"]["encoder"]["epochs"] = 2
    for name, begin in (("gmp", 2), ("delayed_gmp", 4)):
        encoder = {"begin": begin, "end": 7, "frequency": 1}
        content["pruning"][name] = {**content["pruning"]["gmp"], "encoder": encoder}
    plan = make_plan(parse_study(tomli_w.dumps(content)))
    return {step.label.removeprefix("supcon "): step for step in plan.steps if step.kind in ("train", "data")}


FORKED = with_forks()
FORKED_BATCHES = 8 + 4
S0 = ", seed 0"
EARLY, LATE = (f"{name} 0.5{S0}" for name in ("gmp", "delayed_gmp"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The hashes of what each of some trainings makes that never heard of the others."""
    whole = Store(tmp_path_factory.mktemp("alone"))
    labels = [PLAN.data.label, f"dense{S0}", EARLY, LATE]
    return {label: hashes(done(label, whole, None, named=FORKED)[0]) for label in labels}


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("first", "second", "begun"),
    [
        (f"dense{S0}", EARLY, 2),
        (f"dense{S0}", LATE, 4),
        (f"gmp 0.9{S0}", EARLY, 2),
        (f"gmp 0.9{S0}", LATE, 2),
        (f"delayed_gmp 0.9{S0}", EARLY, 2),
        (f"delayed_gmp 0.9{S0}", LATE, 4),
        (f"delayed_gmp 0.9{S0}", f"dense{S0}", 4),
        ("dense, seed 1", LATE, 0),
    ],
)
def test_a_training_begins_where_another_of_its_seed_has_been(
    first: str, second: str, begun: int, store: Store, alone: dict[str, dict[str, str]]
) -> None:
    assert done(first, store, named=FORKED)[1] == FORKED_BATCHES
    made, batches = done(second, store, named=FORKED)
    assert (hashes(made), batches) == (alone[second], FORKED_BATCHES - begun)
    assert not layout.logs(store.out).exists()


def test_what_is_told_of_images_is_what_the_plan_counts(store: Store) -> None:
    for label in (f"dense{S0}", EARLY, f"gmp 0.9{S0}", LATE):
        heard: list[int] = []
        steps.perform(FORKED[label], store, "cpu", heard.append, NEVER)
        assert sum(heard) == FORKED[label].forward_backward + FORKED[label].forward


@pytest.mark.sampled(3)
@pytest.mark.parametrize("after", [1, 3, 6])
def test_one_that_is_stopped_goes_on_from_its_own_checkpoint(
    after: int, store: Store, alone: dict[str, dict[str, str]]
) -> None:
    """Stopped before the first fork, between both, or after them; what it has left serves the next one."""
    with pytest.raises(StoppedError):
        done(LATE, store, stop_after=after, named=FORKED)
    forks = [layout.fork(store.out, fork.key).is_file() for fork in forks_of(FORKED[LATE])]
    assert forks == [after >= 4, after >= 2]
    made, batches = done(LATE, store, named=FORKED)
    assert (hashes(made), batches) == (alone[LATE], FORKED_BATCHES - after)
    assert done(EARLY, store, named=FORKED)[1] == FORKED_BATCHES - 2


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        *OF_NO_USE,
        (partial(rewritten, without="losses.encoder"), "0 of 8 steps of encoder"),
    ],
)
def test_a_fork_that_is_of_no_use_is_said_in_the_log_and_made_again(
    spoil: Callable[[Path], None], why: str, store: Store, alone: dict[str, dict[str, str]]
) -> None:
    done(f"dense{S0}", store, named=FORKED)
    late, early = (layout.fork(store.out, fork.key) for fork in forks_of(FORKED[LATE]))
    sound = late.read_bytes()
    spoil(late)
    made, batches = done(LATE, store, named=FORKED)
    assert (hashes(made), batches) == (alone[LATE], FORKED_BATCHES - 2)  # the earlier fork is sound
    (line,) = layout.log(store.out, FORKED[LATE].key).read_text().splitlines()
    assert f"{FORKED[LATE].label}: forks/{late.name} is of no use: it" in line
    assert why in line
    assert late.read_bytes() == sound
    spoil(early)
    made, batches = done(EARLY, store, named=FORKED)
    assert (hashes(made), batches) == (alone[EARLY], FORKED_BATCHES)


def test_where_no_fork_can_be_left_every_training_does_all_its_steps(
    store: Store, alone: dict[str, dict[str, str]]
) -> None:
    layout.forks(store.out).write_text("no folder")
    for label in (f"dense{S0}", LATE):
        made, batches = done(label, store, named=FORKED)
        assert (hashes(made), batches) == (alone[label], FORKED_BATCHES)
        assert "no checkpoint could be written" in layout.log(store.out, FORKED[label].key).read_text()
