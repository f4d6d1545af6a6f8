"""Thumbnails are small PNGs of any picture."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from piescope.auditing.thumbnails import LARGEST, thumbnail


@pytest.mark.parametrize(
    ("shape", "size", "mode"),
    [
        ((8, 6), (6, 8), "L"),
        ((8, 6, 1), (6, 8), "L"),
        ((8, 6, 2), (6, 8), "L"),
        ((8, 6, 3), (6, 8), "RGB"),
        ((8, 6, 4), (6, 8), "RGB"),
        ((400, 200, 3), (LARGEST // 2, LARGEST), "RGB"),
    ],
)
def test_a_thumbnail_of_any_shape(shape: tuple[int, ...], size: tuple[int, int], mode: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    with Image.open(io.BytesIO(thumbnail(pixels))) as picture:
        assert (picture.format, picture.size, picture.mode) == ("PNG", size, mode)
        if max(size) < LARGEST:  # not a pixel is another
            first = pixels if pixels.ndim == 2 else pixels[..., :3] if shape[2] >= 3 else pixels[..., 0]
            assert np.asarray(picture).tolist() == first.tolist()
