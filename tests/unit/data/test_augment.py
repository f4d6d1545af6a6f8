"""Augmentation: each function pure, deterministic and checked against a slow or independent twin."""

from __future__ import annotations

import colorsys
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import plain_augmentation as plain
from made_pictures import generator
from piescope.data import augment
from piescope.data.draws import DrawnNumbers, uniform
from piescope.training.recipe import Augmentation, ColorJitter

pytestmark = pytest.mark.shapes


def images(batch: int = 16, channels: int = 3, size: int = 8) -> torch.Tensor:
    return torch.rand(batch, channels, size, size, generator=generator(99))


def test_augmentations_are_pure_and_deterministic() -> None:
    before = images()
    for function in (
        lambda x, g: augment.pad_and_crop(x, 2, g),
        lambda x, g: augment.horizontal_flip(x, 0.5, g),
        lambda x, g: augment.vertical_flip(x, 0.5, g),
        lambda x, g: augment.random_resized_crop(x, (0.2, 1.0), g),
        lambda x, g: augment.color_jitter(x, 0.4, 0.4, 0.4, 0.1, g, 0.8),
        lambda x, g: augment.grayscale(x, 0.5, g),
    ):
        argument = before.clone()
        first = function(argument, generator(1))
        assert torch.equal(argument, before)  # the input is not touched
        assert torch.equal(first, function(argument, generator(1)))
        assert not torch.equal(first, function(argument, generator(2)))
        assert first.shape == before.shape
        assert first.min() >= 0
        assert first.max() <= 1 + 1e-6


def test_pad_and_crop_shows_shifted_originals() -> None:
    before = images(batch=40, channels=1)
    after = augment.pad_and_crop(before, 1, generator())
    padded = torch.nn.functional.pad(before, (1, 1, 1, 1))
    offsets = set()
    for original, crop in zip(padded, after, strict=True):
        found = [
            (dy, dx) for dy in range(3) for dx in range(3) if torch.equal(original[:, dy : dy + 8, dx : dx + 8], crop)
        ]
        assert len(found) == 1
        offsets.add(found[0])
    assert len(offsets) == 9  # every offset occurs among 40


def test_flips_flip() -> None:
    before = images(batch=200)
    for function, axis in ((augment.horizontal_flip, 3), (augment.vertical_flip, 2)):
        after = function(before, 0.5, generator())
        flipped = (after == before.flip(axis)).flatten(1).all(1)
        kept = (after == before).flatten(1).all(1)
        assert bool((flipped ^ kept).all())
        assert 60 < int(flipped.sum()) < 140
        assert torch.equal(function(before, 0.0, generator()), before)
        assert torch.equal(function(before, 1.0, generator()), before.flip(axis))


def test_resized_crop_against_pillow() -> None:
    size = 16
    before = images(batch=30, channels=1, size=size)
    boxes = augment.crop_boxes(30, (size, size), (0.2, 1.0), (3 / 4, 4 / 3), generator(5))
    after = augment.random_resized_crop(before, (0.2, 1.0), generator(5))
    for image, crop, (top, left, height, width) in zip(before, after, boxes.tolist(), strict=True):
        whole = Image.fromarray(image[0].numpy(), mode="F")
        part = whole.crop((left, top, left + width, top + height))
        theirs = np.asarray(part.resize((size, size), Image.Resampling.BILINEAR))
        assert np.abs(crop[0].numpy() - theirs).max() < 1e-5


def test_crop_boxes_have_the_drawn_area_and_lie_inside() -> None:
    boxes = augment.crop_boxes(2000, (32, 32), (0.2, 1.0), (3 / 4, 4 / 3), generator()).double()
    top, left, height, width = boxes.T
    assert bool(((top >= 0) & (left >= 0) & (top + height <= 32) & (left + width <= 32)).all())
    area = height * width / 1024
    assert 0.17 < float(area.min()) < 0.25
    assert float(area.max()) <= 1
    assert 0.5 < float(area.mean()) < 0.65
    ratio = width / height
    assert float(ratio.min()) > 0.68
    assert float(ratio.max()) < 1.47


def test_crop_boxes_fall_back_to_the_largest_central_box() -> None:
    boxes = augment.crop_boxes(5, (10, 100), (1.0, 1.0), (3 / 4, 4 / 3), generator())
    assert boxes.tolist() == [[0, 43, 10, 13]] * 5


def test_hue_against_colorsys() -> None:
    before = images(batch=3, size=4)
    shift = torch.tensor([0.1, -0.3, 0.5]).view(-1, 1, 1, 1)
    after = augment.adjust_hue(before, shift)
    for image, turned, by in zip(before, after, shift.flatten().tolist(), strict=True):
        for y in range(4):
            for x in range(4):
                hue, saturation, value = colorsys.rgb_to_hsv(*image[:, y, x].tolist())
                expected = colorsys.hsv_to_rgb((hue + by) % 1, saturation, value)
                assert turned[:, y, x].tolist() == pytest.approx(expected, abs=1e-5)


def test_grey_and_blends_by_hand() -> None:
    pixel = torch.tensor([0.2, 0.4, 0.8]).view(1, 3, 1, 1)
    luma = 0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.8
    assert augment.to_grey(pixel).flatten().tolist() == pytest.approx([luma] * 3)
    half = torch.full((1, 1, 1, 1), 0.5)
    assert augment.adjust_brightness(pixel, half).flatten().tolist() == pytest.approx([0.1, 0.2, 0.4])
    assert augment.adjust_saturation(pixel, half).flatten().tolist() == pytest.approx(
        [(value + luma) / 2 for value in (0.2, 0.4, 0.8)]
    )
    two = torch.stack([torch.zeros(1, 1, 1), torch.ones(1, 1, 1)], dim=3).view(1, 1, 1, 2)
    assert augment.adjust_contrast(two, half).flatten().tolist() == pytest.approx([0.25, 0.75])


def test_jitter_leaves_the_unchosen_alone_and_one_channel_has_no_colour() -> None:
    before = images(batch=100)
    after = augment.color_jitter(before, 0.4, 0.4, 0.4, 0.1, generator(), probability=0.8)
    same = (after == before).flatten(1).all(1)
    assert 8 < int(same.sum()) < 35
    grey = images(batch=4, channels=1)
    unchanged = augment.color_jitter(grey, 0.0, 0.0, 0.9, 0.5, generator())
    torch.testing.assert_close(unchanged, grey, atol=1e-6, rtol=0)


def test_two_views_differ_and_fit() -> None:
    views = augment.two_views(images(), lambda x, g: augment.pad_and_crop(x, 2, g), generator())
    assert views.shape == (16, 2, 3, 8, 8)
    assert not torch.equal(views[:, 0], views[:, 1])


SHARES = st.sampled_from([0.0, 0.3, 1.0])
STRENGTHS = st.sampled_from([0.0, 0.1, 0.4, 1.5])
RECIPES = st.builds(
    Augmentation,
    pad_and_crop=st.integers(0, 5),
    resized_crop=st.sampled_from([None, None, (0.2, 1.0)]),
    horizontal_flip=SHARES,
    vertical_flip=SHARES,
    color_jitter=st.none()
    | st.builds(
        ColorJitter,
        brightness=STRENGTHS, contrast=STRENGTHS, saturation=STRENGTHS, hue=st.sampled_from([0.0, 0.1, 0.5]),
        probability=st.sampled_from([0.0, 0.1, 0.8, 1.0]),
    ),
    grayscale=SHARES,
)  # fmt: skip


@given(
    RECIPES, st.integers(1, 70), st.sampled_from([1, 3]), st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**31),
    st.sampled_from([2, 6, 256]), st.sampled_from([torch.contiguous_format, torch.channels_last]),
)  # fmt: skip
@settings(deadline=None, max_examples=300)
def test_equal_bit_by_bit_to_each_operation_on_every_image(
    recipe: Augmentation,
    batch: int,
    channels: int,
    height: int,
    width: int,
    seed: int,
    levels: int,
    form: torch.memory_format,
) -> None:
    """Of few levels, so that channels are equal in many pixels: grey ones, and two that are the largest."""
    drawn = torch.randint(0, levels, (batch, channels, height, width), generator=generator(seed)).float() / (levels - 1)
    before = drawn.contiguous(memory_format=form)
    draws, theirs = generator(seed + 1), generator(seed + 1)
    after, expected = recipe.apply(before, draws), plain.apply(recipe, before, theirs)
    assert torch.equal(after, expected)
    for how in (torch.contiguous_format, torch.channels_last):
        assert after.is_contiguous(memory_format=how) == expected.is_contiguous(memory_format=how)
    assert torch.equal(draws.get_state(), theirs.get_state())


@given(
    RECIPES, st.integers(1, 40), st.sampled_from([1, 3]), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**31)
)  # fmt: skip
@settings(deadline=None, max_examples=200)
def test_numbers_that_are_drawn_already_give_the_same_to_the_bit(
    recipe: Augmentation, batch: int, channels: int, height: int, width: int, seed: int
) -> None:
    """The generator's way, handed the same numbers: it alone asks the host who has which turn."""
    before = torch.rand(batch, channels, height, width, generator=generator(seed))
    numbers = uniform(seed, torch.arange(batch), 60)
    ours, theirs = DrawnNumbers(numbers), DrawnNumbers(numbers)

    def offsets(_batch: int, most: int, _generator: Any) -> torch.Tensor:
        return (theirs.rand(1, 2)[0] * (most + 1)).floor().long()

    with (
        mock.patch.object(augment, "_rand", lambda before, _batch, after, _generator: theirs.rand(before, after)),
        mock.patch.object(augment, "_offsets", offsets),
    ):
        expected = recipe.apply(before, generator(0))
    assert torch.equal(recipe.apply(before, ours), expected)
    assert ours.taken == theirs.taken


def test_offsets_of_drawn_numbers_reach_both_ends_and_no_further() -> None:
    before, ends = images(batch=2), torch.tensor([[0.0] * 2, [1 - 2**-24] * 2])
    after, padded = augment.pad_and_crop(before, 3, DrawnNumbers(ends)), torch.nn.functional.pad(before, (3, 3, 3, 3))
    assert torch.equal(after, torch.stack([padded[0, :, :8, :8], padded[1, :, -8:, -8:]]))


def test_what_one_gather_makes_of_a_crop_and_flips() -> None:
    before = images(batch=60, size=9)
    draws = generator(3)
    expected = augment.horizontal_flip(augment.pad_and_crop(before, 2, draws), 0.4, draws)
    expected = augment.vertical_flip(expected, 0.7, draws)
    assert torch.equal(augment.pad_and_crop(before, 2, generator(3), (0.4, 0.7)), expected)
    flipped = augment.horizontal_flip(before, 0.4, generator(4))
    assert torch.equal(augment.pad_and_crop(before, 0, generator(4), (0.4, 0.0)), flipped)


@pytest.mark.parametrize("channels", [2, 4])
def test_colours_are_three(channels: int) -> None:
    with pytest.raises(ValueError, match=r"zip\(\)"):
        augment.to_grey(images(channels=channels))
