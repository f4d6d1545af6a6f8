"""Pictures of any size and colour become the pixels that a model takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from made_models import photos
from piescope.adapters.preparation import Fit, Preparation
from piescope.problems import DataError, InputError


def test_preparation_against_plain_arithmetic() -> None:
    pictures = photos(3, 6, 5)
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    made = Preparation(mean=mean, std=std)(pictures)
    for n in range(3):
        for channel in range(3):
            expected = (pictures[n][:, :, channel] / 255 - mean[channel]) / std[channel]
            assert np.allclose(made[n, channel], expected, atol=1e-6)
    assert made.dtype == np.float32
    signed = Preparation(scale="-1-1")(pictures)
    assert signed.min() >= -1 and np.allclose(
        signed, made * 0 + np.stack(pictures).transpose(0, 3, 1, 2) / 127.5 - 1, atol=1e-6
    )
    raw = Preparation(scale=None, bgr=True)(pictures)
    assert raw.dtype == np.uint8 and np.array_equal(raw[0, 0], pictures[0][:, :, 2])
    assert Preparation(scale="0-255")(pictures).max() > 1


def test_grey_and_rgb_meet() -> None:
    (grey,) = photos(1, channels=1)
    (rgb,) = photos(1)
    as_rgb = Preparation(channels=3, scale=None)([grey])
    assert all(np.array_equal(as_rgb[0, channel], grey) for channel in range(3))
    assert np.array_equal(
        Preparation(channels=1, scale=None)([rgb])[0, 0], np.asarray(Image.fromarray(rgb).convert("L"))
    )
    with pytest.raises(InputError, match="4 channels"):
        Preparation(channels=3)([np.zeros((2, 2, 4), np.uint8)])


def test_sizes_that_differ_need_a_size() -> None:
    with pytest.raises(InputError, match="--size"):
        Preparation()([*photos(1, 6, 6), *photos(1, 8, 8)])
    assert Preparation(fit=Fit.to((7, 5)))([*photos(1, 6, 6), *photos(1, 20, 9)]).shape == (2, 3, 7, 5)


@pytest.mark.parametrize(("height", "width"), [(300, 200), (337, 225), (225, 337), (224, 224), (100, 90), (31, 97)])
def test_centre_crop_is_torchvisions(height: int, width: int) -> None:
    """Its documented steps in Pillow: the shorter side to 256, the longer truncated, the middle of 224 rounded."""
    (photo,) = photos(1, height, width)
    short = min(height, width)
    sides = (256, int(256 * height / short)) if width == short else (int(256 * width / short), 256)
    scaled = Image.fromarray(photo).resize(sides, Image.Resampling.BICUBIC)
    left, top = round((sides[0] - 224) / 2.0), round((sides[1] - 224) / 2.0)
    expected = np.asarray(scaled.crop((left, top, left + 224, top + 224)))
    made = Fit((224, 224), (256, 256), "center", "bicubic").apply(photo)
    assert np.array_equal(made, expected)


def test_squash_border_and_pictures_smaller_than_the_cut() -> None:
    (photo,) = photos(1, 30, 60)
    assert np.array_equal(
        Fit((16, 16), (16, 16), "squash").apply(photo),
        np.asarray(Image.fromarray(photo).resize((16, 16), Image.Resampling.BILINEAR)),
    )
    bordered = Fit((16, 16), (16, 16), "border", fill=(9, 8, 7)).apply(photo)
    assert bordered.shape == (16, 16, 3) and bordered[0, 0].tolist() == [9, 8, 7] == bordered[-1, -1].tolist()
    assert np.array_equal(bordered[4:12], np.asarray(Image.fromarray(photo).resize((16, 8), Image.Resampling.BILINEAR)))
    padded = Fit((10, 10), (4, 4), "squash", fill=(5,)).apply(photos(1, 4, 4, 1)[0])
    assert padded.shape == (10, 10) and padded[0, 0] == 5 and (padded != 5).sum() >= 10


@settings(max_examples=80, deadline=None)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    mode=st.sampled_from(["center", "squash", "border"]),
    channels=st.sampled_from([1, 3, 4]),
)
def test_any_picture_comes_to_the_size(
    height: int, width: int, size: tuple[int, int], mode: Any, channels: int
) -> None:
    shape = (height, width) if channels == 1 else (height, width, channels)
    made = Fit(size, size, mode).apply(np.zeros(shape, np.uint8))
    assert made.shape[:2] == size and made.dtype == np.uint8


@pytest.mark.parametrize(
    ("shapes", "flags", "settings"),
    [
        (((8, 8), (8, 8, 3)), "give --channels rgb ", "Settings(channels='rgb')"),
        (((8, 8), (9, 8)), "give --size, such as 224 ", "Settings(size=(224, 224))"),
        (
            ((8, 8), (9, 8, 3)),
            "give --size, such as 224 and --channels rgb ",
            "Settings(size=(224, 224), channels='rgb')",
        ),
    ],
)
def test_what_is_to_be_given_is_what_lacks(shapes: tuple[tuple[int, ...], ...], flags: str, settings: str) -> None:
    pictures = [np.zeros(shape, np.uint8) for shape in shapes]
    with pytest.raises(DataError) as refusal:
        Preparation()(pictures)
    assert flags in str(refusal.value) and settings in str(refusal.value)


def test_alpha_is_to_be_left_out() -> None:
    with pytest.raises(DataError, match=r"leave alpha out: images\[\.\.\., :3\]"):
        Preparation(channels=3)([np.zeros((8, 8, 4), np.uint8)])
    with pytest.raises(DataError, match="give pictures of other channels"):
        Preparation(channels=3)([np.zeros((8, 8, 2), np.uint8)])
