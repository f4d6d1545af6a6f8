"""The training loop against a loop written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from host_reads import HostReads
from made_trainings import SEEDS, data, model
from piescope.data.batches import epoch_batches
from piescope.models.heads import ProjectionHead
from piescope.models.wide_resnet import WideResNet
from piescope.pruning.pruner import Pruner
from piescope.pruning.schedules import Gradual
from piescope.pruning.scope import prunable_parameters
from piescope.study.steps import set_up_worker
from piescope.training import history as losses_of
from piescope.training import stages
from piescope.training.checkpoints import Checkpoint, Checkpoints, When
from piescope.training.history import DivergedError
from piescope.training.loop import TrainingData, fit
from piescope.training.means import Means
from piescope.training.predict import predict
from piescope.training.recipe import Augmentation, ColorJitter, Contrastive, GradualPruning, QScoreTerm, Training
from piescope.training.schedule import Cosine
from piescope.training.stages import History, train_contrastive, train_supervised

ALL = Augmentation(
    pad_and_crop=1,
    resized_crop=(0.5, 1.0),
    horizontal_flip=0.5,
    grayscale=0.5,
    color_jitter=ColorJitter(brightness=0.4),
)


def test_the_loop_against_a_loop_written_out() -> None:
    recipe = Training(
        epochs=2, batch_size=25, learning_rate=0.1, momentum=0.8, nesterov=True, weight_decay=1e-3, schedule=Cosine()
    )
    ours, theirs = model(), model()
    given = data()
    losses = fit(
        lambda images, labels: functional.cross_entropy(ours(images), labels),
        ours, ours.parameters(), given, recipe, SEEDS, "supervised",
    )  # fmt: skip
    optimizer = torch.optim.SGD(theirs.parameters(), 0.1, 0.8, nesterov=True, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)
    expected = []
    for epoch in range(2):
        order = torch.randperm(60, generator=SEEDS.torch("order/supervised", epoch))
        for batch in (order[:25], order[25:50], order[50:]):
            images = (given.images[batch].float() / 255 - 0.3) / 0.4
            loss = functional.cross_entropy(theirs(images), given.labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            expected.append(loss.item())
    assert losses == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("objective", ["supervised", "supcon"])
def test_bfloat16_rounds_the_products_of_training_and_nothing_that_stays(objective: str) -> None:
    recipe = Training(epochs=2, batch_size=25, learning_rate=0.05, precision="bfloat16")
    plain = recipe.model_copy(update={"precision": "float32"})

    def trained(recipe: Training) -> tuple[WideResNet, History, set[torch.dtype]]:
        net, products = model(), set[torch.dtype]()
        net.conv1.register_forward_hook(lambda _module, _given, made: products.add(made.dtype))
        if objective == "supervised":
            return net, train_supervised(net, data(), recipe, SEEDS), products
        both = Contrastive(encoder=recipe, head=recipe, temperature=0.5)
        return net, train_contrastive(net, data(), both, SEEDS, True), products

    (ours, losses, products), (again, same, _), (_, others, _) = map(trained, (recipe, recipe, plain))
    assert products == {torch.bfloat16}
    assert {tensor.dtype for tensor in ours.state_dict().values()} == {torch.float32, torch.int64}
    assert losses == same and all(map(torch.equal, ours.state_dict().values(), again.state_dict().values()))
    for stage, each in losses.items():
        assert each != others[stage] and each == pytest.approx(others[stage], rel=0.1)
    with torch.no_grad():
        assert ours(torch.zeros(1, 1, 8, 8)).dtype == torch.float32


@pytest.fixture
def worker() -> Iterator[None]:
    """This process as one."""
    threads = torch.get_num_threads()
    set_up_worker("cpu")
    yield
    torch.use_deterministic_algorithms(False)
    torch.utils.deterministic.fill_uninitialized_memory = True
    torch.set_flush_denormal(False)
    torch.set_num_threads(threads)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_no_operator_of_a_worker_reads_memory_that_none_has_written(precision: str, worker: None) -> None:
    assert torch.are_deterministic_algorithms_enabled() and not torch.utils.deterministic.fill_uninitialized_memory
    recipe = Training(epochs=1, batch_size=20, learning_rate=0.05, precision=precision, augmentation=ALL)
    both = Contrastive(encoder=recipe, head=recipe, temperature=0.5)
    schedule = Gradual(begin=1, end=3, frequency=1)
    pruning = GradualPruning(kind="gradual", encoder=schedule, head=schedule)

    def trained() -> list[Tensor]:
        net, given = model().to(memory_format=torch.channels_last), data()  # type: ignore[call-overload]
        train_contrastive(net, given, both, SEEDS, True, pruning, 0.5)
        answers = predict(net, given.images, given.normalisation)
        return [*net.state_dict().values(), *map(torch.from_numpy, answers)]

    unfilled = trained()
    torch.utils.deterministic.fill_uninitialized_memory = True  # with NaN
    assert all(map(torch.equal, unfilled, trained()))


def test_drop_last_and_steps() -> None:
    recipe = Training(epochs=3, batch_size=25, learning_rate=0.01, drop_last=True)
    seen: list[int] = []
    net = model()
    fit(
        lambda images, labels: functional.cross_entropy(net(images), labels),
        net, net.parameters(), data(), recipe, SEEDS, "x", on_step=lambda step, steps, images: seen.append(images),
    )  # fmt: skip
    assert seen == [25] * recipe.steps(60) == [25] * 6


@pytest.mark.parametrize("drop_last", [True, False])
def test_images_of_the_first_steps(drop_last: bool) -> None:
    recipe = Training(epochs=3, batch_size=25, learning_rate=0.01, drop_last=drop_last)
    for examples in (25, 60, 75):
        batches = [len(batch) for _ in range(3) for batch in epoch_batches(examples, 25, SEEDS.torch("x"), drop_last)]
        assert [recipe.images(examples, steps) for steps in range(len(batches) + 1)] == [0, *accumulate(batches)]


def test_divergence_is_reported_with_its_step() -> None:
    net = model()
    recipe = Training(epochs=9, batch_size=30, learning_rate=1e9)
    with pytest.raises(DivergedError, match=r"at step \d+ of 18"):
        fit(
            lambda images, labels: functional.cross_entropy(net(images), labels),
            net, net.parameters(), data(), recipe, SEEDS, "supervised",
        )  # fmt: skip


def test_where_representations_are_rewarded_divergence_names_that_weight_first() -> None:
    net = model()
    for term, cure in (
        (None, "; lower the learning rate,"),
        (QScoreTerm(weight=1e38), r"; lower the weight of q_score \(1e\+38\) or"),
    ):
        recipe = Training(epochs=1, batch_size=30, learning_rate=0.01, q_score=term)
        with pytest.raises(DivergedError, match=cure):
            fit(
                lambda images, labels: functional.cross_entropy(net(images), labels) * torch.nan,
                net, net.parameters(), data(), recipe, SEEDS, "supervised",
            )  # fmt: skip


def diverging(at: int, seen: list[int], pruner: bool = False, kept: Checkpoints | None = None) -> None:
    """Twelve steps, of which one has a loss that is no number."""
    net, steps = model(), iter(range(1, 13))

    def loss(images: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(net(images), labels) * (torch.nan if next(steps) == at else 1.0)

    schedule = Gradual(begin=2, end=10, frequency=4)
    prunes = Pruner(prunable_parameters(net), schedule=schedule, final=0.5) if pruner else None
    recipe = Training(epochs=6, batch_size=30, learning_rate=0.01)
    fit(
        loss, net, net.parameters(), data(), recipe, SEEDS, "supervised", pruner=prunes,
        on_step=lambda step, *_: seen.append(step), checkpoints=kept,
    )  # fmt: skip


@pytest.mark.parametrize(("at", "told_after"), [(1, 5), (3, 5), (5, 5), (6, 10), (11, 12), (12, 12)])
def test_divergence_is_told_a_few_steps_later_at_the_step_where_it_happened(
    at: int, told_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses_of, "EVERY", 5)
    seen: list[int] = []
    with pytest.raises(DivergedError, match=f"nan at step {at} of 12 "):
        diverging(at, seen)
    assert len(seen) in (told_after - 1, told_after)


def test_divergence_is_told_before_what_diverged_is_pruned_or_kept() -> None:
    with pytest.raises(DivergedError, match="at step 3 of 12"):
        diverging(3, [], pruner=True)  # due before step 6
    seen: list[int] = []
    left: list[Checkpoint] = []
    with (
        pytest.raises(DivergedError, match="at step 3 of 12"),
        Checkpoints(left.append, When(float("inf"), lambda: len(seen) == 8)) as kept,
    ):
        diverging(3, seen, kept=kept)
    assert (len(seen), left) == (8, [])


def test_losses_are_the_same_however_often_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Training(epochs=2, batch_size=25, learning_rate=0.1)
    histories = []
    for every in (1, 4, 50):
        monkeypatch.setattr(losses_of, "EVERY", every)
        histories.append(train_supervised(model(), data(), recipe, SEEDS))
    assert histories[0] == histories[1] == histories[2]


STAGE = Training(
    epochs=4, batch_size=20, learning_rate=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3, schedule=Cosine()
)  # twelve steps
GMP = Gradual(begin=2, end=11, frequency=3)
GRADUAL = GradualPruning(
    kind="gradual", scope="layer", biases=True, regrowth=True, supervised=GMP, encoder=GMP, head=GMP
)
TRAININGS: dict[str, tuple[Callable[[WideResNet, TrainingData, Training], History], int]] = {
    "supervised": (lambda net, given, stage: train_supervised(net, given, stage, SEEDS), 1),
    "gmp": (lambda net, given, stage: train_supervised(net, given, stage, SEEDS, GRADUAL, 0.7), 1),
    "supcon": (lambda net, given, stage: train_contrastive(net, given, contrastive(stage), SEEDS, True), 2),
    "supcon, gmp": (
        lambda net, given, stage: train_contrastive(net, given, contrastive(stage), SEEDS, True, GRADUAL, 0.7), 2,
    ),
    "simclr": (lambda net, given, stage: train_contrastive(net, given, contrastive(stage), SEEDS, False), 2),
}  # fmt: skip


def contrastive(stage: Training) -> Contrastive:
    return Contrastive(encoder=stage, head=stage, temperature=0.5)


@pytest.mark.parametrize("training", TRAININGS)
def test_the_host_waits_for_losses_once_in_so_many_steps(training: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And where it prunes: before that it reads the losses, too."""
    train, stages = TRAININGS[training]
    monkeypatch.setattr(losses_of, "EVERY", 5)
    in_prunings: list[int] = []
    with HostReads() as reads:

        def prune(self: Pruner, sparsity: float, plain: Callable[[Pruner, float], None] = Pruner.prune) -> None:
            before = reads.seen.total()
            plain(self, sparsity)
            in_prunings.append(reads.seen.total() - before)

        monkeypatch.setattr(Pruner, "prune", prune)
        train(model(), data(), STAGE.model_copy(update={"augmentation": Augmentation(pad_and_crop=1)}))
    is_pruned = "gmp" in training
    assert len(in_prunings) == (stages * len(GMP.steps()) if is_pruned else 0)
    # after steps 5, 10 and 12; or after 1, 4, 7, 10, before those that prune, and 12
    assert reads.seen.total() - sum(in_prunings) == stages * (5 if is_pruned else 3), reads.seen


def test_a_loss_that_is_read_at_each_step_is_seen() -> None:
    net = model()

    def loss(images: Tensor, labels: Tensor) -> Tensor:
        value = functional.cross_entropy(net(images), labels)
        assert value > 0
        return value

    with HostReads() as reads:
        fit(loss, net, net.parameters(), data(), STAGE, SEEDS, "supervised")
    assert reads.seen == {"_local_scalar_dense": 12, "tolist": 1}


COLOURS = ALL.model_copy(update={"color_jitter": ColorJitter(brightness=0.4, hue=0.1, probability=0.8)})


@pytest.mark.sampled(3)
@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize("augmentation", [Augmentation(pad_and_crop=1, vertical_flip=0.5), COLOURS])
def test_a_queued_step_copies_nothing_to_the_device(
    training: str, augmentation: Augmentation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a device that computes nothing, so that whoever asks it for a number is told off by torch itself."""
    train, stages = TRAININGS[training]
    given, device = data(), torch.device("meta")
    queued = TrainingData(given.images.to(device), given.labels.to(device), given.normalisation, Means(queued=True))
    monkeypatch.setattr(losses_of.Losses, "read", lambda losses: losses._read)  # the host may wait in these two

    def without_ranking(pruner: Pruner, sparsity: float) -> None:
        pruner._reached = sparsity
        pruner._keep()

    monkeypatch.setattr(Pruner, "prune", without_ranking)
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # of which the device knows nothing
    net, stage = model().to(device), STAGE.model_copy(update={"augmentation": augmentation})
    given.normalisation.apply(queued.images)  # its numbers are copied once in a process
    with torch.library._scoped_library("aten", "IMPL") as library, HostReads() as reads:
        library.impl("_fused_sgd_.tensor_lr", lambda *_, **__: None, "Meta")
        train(net, queued, stage)
    copied_to_begin_with = len(list(ProjectionHead(1, 1, 1).parameters())) if stages == 2 else 0
    assert reads.seen == {"_to_copy": copied_to_begin_with + 2 * STAGE.epochs * stages}  # an epoch's order and rates


def test_a_copy_to_the_device_is_seen() -> None:
    there = torch.zeros(3, device="meta")
    with HostReads() as reads:
        there + torch.arange(3.0).to("meta") + 1.0 + torch.tensor(2.0)
        there.copy_(torch.arange(3.0))
    assert reads.seen == {"_to_copy": 1, "copy_": 1}


def test_queued_steps_are_those_of_the_host_but_for_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without draws, which are others."""
    given = data()
    queued = replace(given, means=Means(queued=True))
    for train, _ in TRAININGS.values():
        ours, theirs = model(), model()
        losses, expected = train(ours, queued, STAGE), train(theirs, given, STAGE)
        for stage, each in losses.items():
            assert each == pytest.approx(expected[stage], rel=1e-4)
        for name, tensor in ours.state_dict().items():
            torch.testing.assert_close(tensor, theirs.state_dict()[name], rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("training", TRAININGS)
def test_on_a_gpu_the_host_waits_nowhere_else(training: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given, stage = data(), STAGE.model_copy(update={"augmentation": COLOURS})
    given = TrainingData(given.images.cuda(), given.labels.cuda(), given.normalisation, Means(queued=True))
    train, _ = TRAININGS[training]
    train(model().cuda(), given, stage)  # libraries are loaded at first use

    def within(mode: str, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        before = torch.cuda.get_sync_debug_mode()
        torch.cuda.set_sync_debug_mode(mode)
        try:
            return function(*given, **named)
        finally:
            torch.cuda.set_sync_debug_mode(before)

    monkeypatch.setattr(stages, "fit", partial(within, "error", stages.fit))
    for owner, name in ((losses_of.Losses, "read"), (Pruner, "prune")):
        waits = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *given, waits=waits: within("default", waits, *given))
    train(model().cuda(), given, stage)
