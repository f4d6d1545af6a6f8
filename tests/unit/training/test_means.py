"""What steps are done with: draws, rates and SGD of the host, or of a device that works behind it."""

from __future__ import annotations

from functools import partial
from itertools import islice

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from piescope.data.draws import uniform
from piescope.training.means import AS_IT_GOES, Means, augmented, numbers_for
from piescope.training.recipe import Augmentation, ColorJitter, Training
from piescope.training.sgd import Sgd

HOST, QUEUED = AS_IT_GOES, Means(queued=True)
ALL = Augmentation(
    pad_and_crop=4, resized_crop=(0.2, 1.0), horizontal_flip=0.5, vertical_flip=0.5, grayscale=0.2,
    color_jitter=ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, probability=0.8),
)  # fmt: skip
RECIPE = Training(epochs=1, batch_size=4, learning_rate=0.1, augmentation=ALL)
IMAGES = torch.randint(0, 256, (10, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("views", [1, 2])
def test_all_numbers_of_an_epoch_are_drawn_and_each_is_used(views: int) -> None:
    assert numbers_for(ALL, IMAGES) == 2 + 40 + 1 + 1 + 9 + 1
    assert numbers_for(Augmentation(), IMAGES) == 0
    drawn = list(QUEUED.draws(None, 7, RECIPE, IMAGES, views))
    numbers = uniform(7, torch.arange(10), 54 * views)
    assert torch.equal(torch.cat([each for each in drawn if isinstance(each, Tensor)]), numbers)
    made = [augmented(ALL, views, rows, each) for rows, each in zip(IMAGES.split(4), drawn, strict=True)]
    assert [each.shape for each in made] == [
        (*((count, 2) if views == 2 else (count,)), 3, 8, 8) for count in (4, 4, 2)
    ]


def test_each_view_has_numbers_of_its_own() -> None:
    """Without the resized crop, whose products of matrices round by how many there are."""
    cropped = ALL.model_copy(update={"resized_crop": None})
    numbers = uniform(7, torch.arange(10), 28)
    each_alone = [augmented(cropped, 1, IMAGES, own) for own in numbers.split(14, dim=1)]
    assert torch.equal(augmented(cropped, 2, IMAGES, numbers), torch.stack(each_alone, dim=1))
    assert not torch.equal(*each_alone)


def test_what_becomes_of_an_image_hangs_on_its_own_numbers_alone() -> None:
    cropped = ALL.model_copy(update={"resized_crop": None})
    numbers, order = uniform(7, torch.arange(10), 14), torch.tensor([3, 9, 0, 1, 8, 2, 7, 4, 6, 5])
    whole = augmented(cropped, 1, IMAGES, numbers)
    assert torch.equal(augmented(cropped, 1, IMAGES[order], numbers[order]), whole[order])


def test_the_host_draws_as_it_goes() -> None:
    generator = HOST.generator()
    assert generator is not None and QUEUED.generator() is None
    assert all(each is generator for each in islice(HOST.draws(generator, 7, RECIPE, IMAGES, 1), 3))


def test_rates_are_where_the_optimiser_reads_them() -> None:
    assert HOST.rates([0.1, 0.05], torch.device("cpu")) == [0.1, 0.05]
    rates = QUEUED.rates([0.1, 0.05], torch.device("meta"))
    assert [(each.shape, each.dtype, each.device.type) for each in rates if isinstance(each, Tensor)] == [
        ((), torch.float32, "meta")
    ] * 2


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_both_ways_of_sgd_agree_but_for_rounding(momentum: float, nesterov: bool) -> None:
    recipe = RECIPE.model_copy(update={"momentum": momentum, "nesterov": nesterov, "weight_decay": 1e-2})
    found = []
    for means in (HOST, QUEUED):
        draws = torch.Generator().manual_seed(0)
        weights = [nn.Parameter(torch.rand(shape, generator=draws)) for shape in ((3, 4), (5,))]
        optimizer = Sgd(weights, recipe, means.queued)
        for rate in means.rates([0.1, 0.1, 0.02], torch.device("cpu")):
            for weight in weights:
                weight.grad = torch.randn(weight.shape, generator=draws)
            optimizer.rate = rate
            optimizer.step()
        found.append(torch.cat([weight.detach().flatten() for weight in weights]))
    torch.testing.assert_close(found[0], found[1], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("views", [1, 2])
def test_what_a_queued_augmentation_does_hangs_on_no_number(views: int) -> None:
    """So it can be compiled and captured: its operators, traced with other numbers, give the same."""
    numbers, others = uniform(7, torch.arange(10), 54 * views), uniform(8, torch.arange(10), 54 * views)
    traced = make_fx(QUEUED.augmentation(RECIPE, views))(IMAGES, others)
    assert torch.equal(traced(IMAGES, numbers), augmented(ALL, views, IMAGES, numbers))


def test_augmentation_is_compiled_where_it_draws_from_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda function, dynamic: ("compiled", function.func, dynamic))
    assert Means(queued=True, compiled=True).augmentation(RECIPE, 1) == ("compiled", augmented, False)
    assert isinstance(Means(compiled=True).augmentation(RECIPE, 1), partial)
