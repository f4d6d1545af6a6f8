"""The training loop against a loop written out."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from made_trainings import SEEDS, data, model
from piescope.training.loop import DivergedError, fit
from piescope.training.recipe import Training
from piescope.training.schedule import Cosine


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


def test_drop_last_and_steps() -> None:
    recipe = Training(epochs=3, batch_size=25, learning_rate=0.01, drop_last=True)
    seen: list[int] = []
    net = model()
    fit(
        lambda images, labels: functional.cross_entropy(net(images), labels),
        net, net.parameters(), data(), recipe, SEEDS, "x", on_step=lambda step, steps, images: seen.append(images),
    )  # fmt: skip
    assert seen == [25] * recipe.steps(60) == [25] * 6


def test_divergence_is_reported_with_its_step() -> None:
    net = model()
    recipe = Training(epochs=9, batch_size=30, learning_rate=1e9)
    with pytest.raises(DivergedError, match=r"at step \d+ of 18"):
        fit(
            lambda images, labels: functional.cross_entropy(net(images), labels),
            net, net.parameters(), data(), recipe, SEEDS, "supervised",
        )  # fmt: skip
