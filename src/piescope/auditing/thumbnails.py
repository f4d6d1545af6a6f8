"""Small pictures of the examples that people look at; pixels are decoded and written anew."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

LARGEST = 96
"""Pixels of the longer side."""


def thumbnail(pixels: np.ndarray) -> bytes:
    r"""A PNG of ``[height, width]`` or ``[height, width, channels]`` uint8, no larger than 96 pixels.

    Other numbers of channels than 1, 3 or 4 show their first.

    Example:
        >>> thumbnail(np.zeros((200, 100, 3), np.uint8))[:4]
        b'\x89PNG'
    """
    shown = pixels
    if shown.ndim == 3:
        shown = shown[..., 0] if shown.shape[2] not in (3, 4) else shown[..., :3]
    picture = Image.fromarray(np.ascontiguousarray(shown))
    if max(picture.size) > LARGEST:
        picture.thumbnail((LARGEST, LARGEST))
    sink = io.BytesIO()
    picture.save(sink, format="PNG", optimize=True)
    return sink.getvalue()
