"""A training that is stopped and goes on is the undisturbed one to the bit, wherever it was stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from itertools import count
from pathlib import Path

import pytest
import torch
from torch import Tensor

from made_trainings import SEEDS, data, model
from piescope.models.wide_resnet import WideResNet
from piescope.pruning.schedules import Gradual
from piescope.store.checkpoints import Origin, read_checkpoint, write_checkpoint
from piescope.training import checkpoints as module
from piescope.training.checkpoints import Checkpoint, Checkpoints, MisfitError, Moment, StoppedError, When
from piescope.training.loop import OnStep
from piescope.training.means import Means
from piescope.training.recipe import Augmentation, ColorJitter, Contrastive, GradualPruning, OneShotPruning, Training
from piescope.training.schedule import Cosine
from piescope.training.sgd import Sgd
from piescope.training.stages import History, prune_and_finetune, train_contrastive, train_supervised

AUGMENTED = Augmentation(pad_and_crop=1, horizontal_flip=0.5, color_jitter=ColorJitter(brightness=0.4, probability=0.5))
STAGE = Training(
    epochs=3,
    batch_size=25,
    learning_rate=0.05,
    nesterov=True,
    weight_decay=1e-3,
    schedule=Cosine(),
    augmentation=AUGMENTED,
)  # three steps an epoch, the last one smaller
CONTRASTIVE = Contrastive(encoder=STAGE, head=STAGE, temperature=0.5)
GRADUAL = GradualPruning(kind="gradual", scope="layer", biases=True)
ONE_SHOT = OneShotPruning(kind="one_shot", biases=True, finetune=STAGE)

Train = Callable[[WideResNet, OnStep | None, Checkpoints | None], History]


def on(schedule: Gradual, pruning: GradualPruning = GRADUAL) -> GradualPruning:
    return pruning.model_copy(update=dict.fromkeys(("supervised", "encoder", "head"), schedule))


GMP, DELAYED = Gradual(begin=2, end=8, frequency=2), Gradual(begin=5, end=9, frequency=2)
PRUNED = {"dense": None, "gmp": on(GMP), "delayed_gmp": on(DELAYED), "one_shot": None}
STOPS = {
    "mid-epoch": {"dense": 4, "gmp": 5, "delayed_gmp": 4, "one_shot": 4},
    "at an epoch's end": {"dense": 6, "gmp": 6, "delayed_gmp": 6, "one_shot": 6},
    "before the batch of a pruning": {"dense": 1, "gmp": 1, "delayed_gmp": 4, "one_shot": 1},
    "after the first pruning": {"dense": 2, "gmp": 2, "delayed_gmp": 5, "one_shot": 2},
    "at the last step": dict.fromkeys(PRUNED, 9),
}


def training(objective: str, method: str, pruning: GradualPruning | None = None) -> Train:
    """A network of its own, in place; supcon has two stages of nine steps each, but fine-tuning has one everywhere."""
    if method == "one_shot":
        return lambda net, on_step, kept: prune_and_finetune(net, data(), ONE_SHOT, 0.6, SEEDS, on_step, kept)
    pruned = (pruning or PRUNED[method], 0.7)
    if objective == "supervised":
        return lambda net, on_step, kept: train_supervised(net, data(), STAGE, SEEDS, *pruned, on_step, kept)
    return lambda net, on_step, kept: train_contrastive(net, data(), CONTRASTIVE, SEEDS, True, *pruned, on_step, kept)


@cache
def begins_with(objective: str, method: str) -> dict[str, Tensor]:
    """What the network holds before: for one-shot, the dense model of its objective."""
    net = model()
    if method == "one_shot":
        training(objective, "dense")(net, None, None)
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


def fresh(objective: str, method: str) -> WideResNet:
    """As in a process of its own: another network object, another global generator."""
    torch.seed()
    net = model().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    net.load_state_dict(begins_with(objective, method))
    return net


def stopped(train: Train, net: WideResNet, after: int, found: Checkpoint | None = None) -> Checkpoint:
    """The checkpoint that is left when a training is asked to stop after so many of its steps."""
    left: list[Checkpoint] = []
    seen = 0

    def one_more(*_: int) -> None:
        nonlocal seen
        seen += 1

    when = When(float("inf"), lambda: seen == after)
    with pytest.raises(StoppedError), Checkpoints(left.append, when, found) as kept:
        train(net, one_more, kept)
    return left[0]


def left_at(train: Train, net: WideResNet, fork: int) -> Checkpoint:
    """The checkpoint that a whole training leaves on its way."""
    left: list[Checkpoint] = []
    with Checkpoints(print, When(float("inf")), None, {fork: left.append}) as kept:
        train(net, None, kept)
    (only,) = left
    return only


def through_a_file(checkpoint: Checkpoint, folder: Path) -> Checkpoint:
    path, origin = folder / "checkpoint", Origin(key="key", parents={}, environment={})
    write_checkpoint(path, origin, checkpoint.stage, {name: each.numpy() for name, each in checkpoint.tensors.items()})
    stage, arrays = read_checkpoint(path, origin)
    return replace(checkpoint, stage=stage, tensors={name: torch.from_numpy(each) for name, each in arrays.items()})


def losses_in(checkpoint: Checkpoint) -> int:
    """Steps that it has behind it."""
    return sum(len(each) for name, each in checkpoint.tensors.items() if name.startswith("losses."))


def assert_same(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    assert [name for name, tensor in ours.items() if not torch.equal(tensor, theirs[name])] == []


@cache
def undisturbed(objective: str, method: str) -> tuple[Train, dict[str, Tensor], History, Checkpoint]:
    """How to train, the network and the losses at the end, and all that a step after the last would hang on."""
    train, net = training(objective, method), fresh(objective, method)
    history = train(net, None, None)
    last = stopped(train, fresh(objective, method), sum(map(len, history.values())))
    assert [last.tensors[f"losses.{stage}"].tolist() for stage in history] == list(history.values())
    return train, net.state_dict(), history, last


@pytest.mark.sampled(3)
@pytest.mark.parametrize("method", PRUNED)
@pytest.mark.parametrize("objective", ["supervised", "supcon"])
@pytest.mark.parametrize("stop", STOPS)
def test_stopped_and_continued_is_undisturbed(objective: str, method: str, stop: str, tmp_path: Path) -> None:
    train, network, losses, last = undisturbed(objective, method)
    steps = sum(map(len, losses.values()))
    for done in range(STOPS[stop][method], steps + 1, 9):  # the same place of each stage
        left = through_a_file(stopped(train, fresh(objective, method), done), tmp_path)
        assert losses_in(left) == done
        net = fresh(objective, method)
        if done < steps:  # stopped once more, by the last step, to see momentum, masks, draws and losses
            assert_same(dict(stopped(train, net, steps - done, left).tensors), dict(last.tensors))
        else:
            with Checkpoints(print, When(float("inf")), left) as kept:
                assert train(net, None, kept) == losses
        assert_same(net.state_dict(), network)


@pytest.mark.parametrize(
    "pruning",
    [
        GRADUAL.model_copy(update={"criterion": "random", "scope": "global"}),
        GRADUAL.model_copy(update={"criterion": "random", "regrowth": True}),
        GRADUAL.model_copy(update={"counting": "remaining"}),
        GRADUAL.model_copy(update={"ranked": "last_forward"}),
    ],
    ids=["random", "random and regrowth", "counting what remains", "ranked as of the last forward pass"],
)
def test_random_masks_and_what_is_counted_or_ranked(pruning: GradualPruning) -> None:
    train = training("supervised", "gmp", on(GMP, pruning))
    whole = stopped(train, fresh("supervised", "gmp"), 9)
    for done in (3, 5, 6):
        left = stopped(train, fresh("supervised", "gmp"), done)
        assert_same(dict(stopped(train, fresh("supervised", "gmp"), 9 - done, left).tensors), dict(whole.tensors))


def test_weights_that_come_back() -> None:
    fast = STAGE.model_copy(update={"learning_rate": 0.5})
    pruning = on(GMP, GRADUAL.model_copy(update={"regrowth": True}))

    def train(net: WideResNet, on_step: OnStep | None, kept: Checkpoints | None) -> History:
        return train_supervised(net, data(), fast, SEEDS, pruning, 0.7, on_step, kept)

    left, whole = (stopped(train, model(), done) for done in (7, 9))
    masks = [name for name in whole.tensors if name.startswith("pruning.mask.")]
    assert any(bool((whole.tensors[name] & ~left.tensors[name]).any()) for name in masks)
    assert_same(dict(stopped(train, model(), 2, left).tensors), dict(whole.tensors))


ALL_KINDS = {
    "gmp": on(GMP),
    "delayed_gmp": on(DELAYED),
    "random": on(DELAYED, GRADUAL.model_copy(update={"criterion": "random", "scope": "global"})),
    "regrowth": on(GMP, GRADUAL.model_copy(update={"regrowth": True, "prune_head": False})),
    "counting what remains": on(GMP, GRADUAL.model_copy(update={"counting": "remaining"})),
    "ranked as of the last forward pass": on(GMP, GRADUAL.model_copy(update={"ranked": "last_forward"})),
    "the paper's grid": on(Gradual(begin=3, end=9, frequency=2, grid="multiples")),
    "at once": on(Gradual(begin=1, end=2, frequency=5)),
    "nothing goes in the first stage": on(Gradual(begin=5, end=9, frequency=5, grid="multiples")),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("objective", ["supervised", "supcon"])
def test_begun_where_the_dense_one_or_another_sparsity_has_been_it_is_undisturbed(
    objective: str, kind: str, tmp_path: Path
) -> None:
    pruning = ALL_KINDS[kind]
    assert pruning.encoder is not None
    train, fork = training(objective, "gmp", pruning), pruning.shared_steps(pruning.encoder, 9)
    whole = fresh(objective, "gmp")
    losses = train(whole, None, None)
    steps = sum(map(len, losses.values()))
    last = stopped(train, fresh(objective, "gmp"), steps)
    dense = left_at(training(objective, "dense"), fresh(objective, "dense"), fork)
    assert losses_in(dense) == fork
    assert_same(dict(left_at(train, fresh(objective, "gmp"), fork).tensors), dict(dense.tensors))
    net, found = fresh(objective, "gmp"), through_a_file(dense, tmp_path)
    if steps == fork:
        with Checkpoints(print, When(float("inf")), found) as kept:
            assert train(net, None, kept) == losses
    else:
        assert_same(dict(stopped(train, net, steps - fork, found).tensors), dict(last.tensors))
    assert_same(net.state_dict(), whole.state_dict())


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_a_step_later_the_dense_one_is_another(kind: str) -> None:
    """So no fork could be further."""
    pruning = ALL_KINDS[kind]
    assert pruning.supervised is not None
    later = pruning.supervised.unpruned_steps(9) + 1
    if later > 9:
        return
    ours, dense = (
        stopped(training("supervised", *each), fresh("supervised", "gmp"), later)
        for each in (("gmp", pruning), ("dense",))
    )
    assert any(not torch.equal(ours.tensors[name], dense.tensors[name]) for name in dense.tensors if "network" in name)


def test_a_fork_is_left_in_the_first_stage_alone_and_beside_what_is_asked_for() -> None:
    train, left = training("supcon", "dense"), list[Checkpoint]()
    with Checkpoints(left.append, When(0), None, {9: left.append}) as kept:
        train(fresh("supcon", "dense"), None, kept)
    assert [(losses_in(one), one.stage) for one in left if one.is_unpruned] == [(9, "encoder")]
    both: list[Checkpoint] = []
    with pytest.raises(StoppedError), Checkpoints(both.append, When(0, lambda: True), None, {1: both.append}) as kept:
        training("supcon", "gmp")(fresh("supcon", "gmp"), None, kept)
    assert [(losses_in(one), one.is_unpruned) for one in both] == [(1, True), (1, False)]


def test_what_a_pruner_has_is_in_a_fork_s_checkpoint_never_and_in_a_pruned_training_s_always() -> None:
    train = training("supervised", "gmp")
    fork, own = left_at(train, fresh("supervised", "gmp"), 3), stopped(train, fresh("supervised", "gmp"), 3)
    for found in (replace(fork, is_unpruned=False), replace(own, is_unpruned=True)):
        with pytest.raises(MisfitError, match=r"pruning\."), Checkpoints(print, When(float("inf")), found) as kept:
            train(fresh("supervised", "gmp"), None, kept)


def test_momentum_lies_in_memory_as_it_did() -> None:
    """Where kernels go by the order of bytes, they round as they did."""
    strides = []
    for found in (None, stopped(training("supervised", "dense"), fresh("supervised", "dense"), 1)):
        net = fresh("supervised", "dense")
        optimizer = Sgd(net.parameters(), STAGE.model_copy(update={"weight_decay": 0.0}))
        if found is None:
            net(torch.zeros(2, 1, 8, 8)).sum().backward()
            optimizer.step()
        else:
            moment = Moment(net, optimizer, None, torch.Generator())
            moment.restore({name: tensor for name, tensor in found.tensors.items() if name != "losses.supervised"})
        strides.append([momentum.stride() for momentum in optimizer.momenta if momentum is not None])
    assert strides[0] == strides[1] and len(strides[0]) == len(list(net.parameters()))


def test_without_momentum() -> None:
    plain = STAGE.model_copy(update={"momentum": 0.0, "nesterov": False})

    def train(net: WideResNet, on_step: OnStep | None, kept: Checkpoints | None) -> History:
        return train_supervised(net, data(), plain, SEEDS, None, 0.0, on_step, kept)

    whole, left = stopped(train, model(), 9), stopped(train, model(), 4)
    assert not any(name.startswith("momentum") for name in left.tensors)
    assert_same(dict(stopped(train, model(), 5, left).tensors), dict(whole.tensors))


def test_in_bfloat16() -> None:
    rounded = STAGE.model_copy(update={"precision": "bfloat16"})

    def train(net: WideResNet, on_step: OnStep | None, kept: Checkpoints | None) -> History:
        return train_supervised(net, data(), rounded, SEEDS, on(GMP), 0.7, on_step, kept)

    whole, left = stopped(train, model(), 9), stopped(train, model(), 4)
    assert_same(dict(stopped(train, model(), 5, left).tensors), dict(whole.tensors))


@pytest.mark.parametrize("done", [4, 6, 14])
def test_where_steps_are_queued_draws_follow_from_their_place(done: int, tmp_path: Path) -> None:
    given = replace(data(), means=Means(queued=True))

    def train(net: WideResNet, on_step: OnStep | None, kept: Checkpoints | None) -> History:
        return train_contrastive(net, given, CONTRASTIVE, SEEDS, True, on(GMP), 0.7, on_step, kept)

    whole, left = stopped(train, model(), 18), through_a_file(stopped(train, model(), done), tmp_path)
    assert "draws" not in left.tensors
    assert_same(dict(stopped(train, model(), 18 - done, left).tensors), dict(whole.tensors))
    with pytest.raises(MisfitError, match="draws"), Checkpoints(print, When(float("inf")), left) as kept:
        training("supcon", "gmp")(model(), None, kept)


class Killed(BaseException):
    """As a signal: nothing is written any more."""


@pytest.mark.parametrize("at", [1, 4, 5, 9, 13, 17])
def test_at_most_one_interval_is_lost(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that a step moves by one second: four seconds, so four steps."""
    clock, left = [0], list[Checkpoint]()
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    train = training("supcon", "gmp")

    def a_second(*_: int) -> None:
        clock[0] += 1
        for thread in set(threading.enumerate()) - before:
            thread.join()
        if clock[0] == at:
            raise Killed

    before = set(threading.enumerate())
    with pytest.raises(Killed), Checkpoints(left.append, When(4)) as kept:
        train(fresh("supcon", "gmp"), a_second, kept)
    assert len(left) == (at - 1) // 4
    assert 0 < at - (losses_in(left[-1]) if left else 0) <= 4


def test_large_checkpoints_are_rarer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied in 18 ms and written in 18, there is one in 3.6 seconds."""
    clock, left, processor = [0], list[Checkpoint](), count(step=0.018)
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(module.time, "thread_time", lambda: next(processor))
    before = set(threading.enumerate())

    def a_second(*_: int) -> None:
        clock[0] += 1
        for thread in set(threading.enumerate()) - before:
            thread.join()

    with Checkpoints(left.append, When(0)) as kept:
        training("supervised", "dense")(fresh("supervised", "dense"), a_second, kept)
    assert [losses_in(checkpoint) for checkpoint in left] == [1, 5, 9]


def test_training_goes_on_while_a_checkpoint_is_written() -> None:
    train, written, goes_on = training("supervised", "gmp"), list[Checkpoint](), threading.Event()

    def write(checkpoint: Checkpoint) -> None:
        assert goes_on.wait(3600)
        written.append(checkpoint)

    def on_step(step: int, *_: int) -> None:
        if step == 6:
            goes_on.set()  # five more steps have been taken

    with Checkpoints(write, When(0)) as kept:
        train(fresh("supervised", "gmp"), on_step, kept)
    assert_same(dict(written[0].tensors), dict(stopped(train, fresh("supervised", "gmp"), 1).tensors))
    assert 1 <= len(written) <= 5  # none was begun in these steps


def changed(checkpoint: Checkpoint, **tensors: Tensor | None) -> Checkpoint:
    all_of_them = {**checkpoint.tensors, **{name.replace("__", "."): tensor for name, tensor in tensors.items()}}
    return replace(checkpoint, tensors={name: tensor for name, tensor in all_of_them.items() if tensor is not None})


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (partial(changed, network__conv1__weight=None), "network.conv1.weight"),
        (partial(changed, network__conv1__weight=torch.zeros(3)), r"network.conv1.weight is \(3,\)"),
        (partial(changed, network__norm__weight=torch.zeros(64, dtype=torch.float64)), "network.norm.weight"),
        (partial(changed, momentum__999=torch.zeros(3)), "momentum.999"),
        (partial(changed, draws=torch.zeros(5056, dtype=torch.uint8)), "draws"),
        (partial(changed, losses__supervised=torch.zeros(10, dtype=torch.float64)), "10 of 9 steps of supervised"),
        (partial(changed, losses__supervised=None), "0 of 9 steps of supervised"),
        (partial(replace, stage="encoder"), "4 of 9 steps of supervised"),
        (lambda left: Checkpoint("encoder", {}), "a stage 'encoder'"),
    ],
)  # fmt: skip
def test_a_checkpoint_of_another_training_is_refused(spoil: Callable[[Checkpoint], Checkpoint], named: str) -> None:
    train = training("supervised", "dense")
    found = spoil(stopped(train, fresh("supervised", "dense"), 4))
    with pytest.raises(MisfitError, match=named), Checkpoints(print, When(float("inf")), found) as kept:
        train(fresh("supervised", "dense"), None, kept)
