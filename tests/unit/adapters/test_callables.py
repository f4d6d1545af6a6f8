"""Functions of pixels."""

from __future__ import annotations

import numpy as np
import pytest

from made_models import photos
from piescope.adapters.opening import open_model
from piescope.adapters.protocol import ModelError, Settings


def test_any_function() -> None:
    seen: list[np.ndarray] = []

    def says(pixels: np.ndarray) -> np.ndarray:
        seen.append(pixels)
        return pixels.reshape(len(pixels), -1).argmax(1) % 4

    batch = photos(6)
    labels = open_model(says).scores(batch).labels
    assert labels is not None and labels.dtype == np.int64 and len(labels) == 6
    assert seen[0].dtype == np.uint8 and np.array_equal(seen[0], np.stack(batch).transpose(0, 3, 1, 2))
    open_model(says, settings=Settings(scale="0-1", mean=(0.5,))).scores(batch)
    assert seen[1].dtype == np.float32 and seen[1].min() >= -0.5
    with pytest.raises(ModelError, match="ValueError"):
        open_model(lambda pixels: np.zeros(3).reshape(2, 2)).scores(batch)
    with pytest.raises(ModelError, match=r"nn\.Module or a function"):
        open_model(3)
