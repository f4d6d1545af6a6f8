"""Models and pictures that tests of the adapters share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from piescope.adapters.compression import Compression, parse_compressions
from piescope.adapters.opening import open_model
from piescope.adapters.protocol import Model
from piescope.problems import InputError

RNG = np.random.default_rng(0)


def photos(count: int = 4, height: int = 8, width: int = 8, channels: int = 3) -> list[np.ndarray]:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return [RNG.integers(0, 256, shape, dtype=np.uint8) for _ in range(count)]


def fault(text: str | Path, **options: Any) -> str:
    """The message of a refusal, which has all its parts and no private path."""
    with pytest.raises(InputError) as caught:
        open_model(str(text), **options)
    message = str(caught.value)
    assert all(word in message for word in ("found", "expected", "cure"))
    return message


class Wrapped(nn.Module):
    """Returns what a test asks for."""

    def __init__(self, how: Any) -> None:
        super().__init__()
        self.body = nn.Linear(64, 12)
        self.head = nn.Linear(12, 3)
        self.how = how

    def forward(self, pixels: Tensor) -> Any:
        seen = self.body(pixels.flatten(1)).relu()
        return self.how(self.head(seen), seen)


def same_scores(model: Model, net: nn.Module, batch: list[np.ndarray]) -> None:
    scores = model.scores(batch).scores
    with torch.no_grad():
        expected = net(torch.from_numpy(np.stack(batch)[:, None].astype(np.float32) / 255))
    assert scores is not None and np.allclose(scores, expected.numpy(), atol=1e-5)


def asked(text: str) -> Compression:
    (one,) = parse_compressions(text)
    return one


def close(first: Model, second: Model, batch: list[np.ndarray], share: float) -> None:
    """Scores that differ, by less than a share of their spread."""
    a, b = first.scores(batch).scores, second.scores(batch).scores
    assert a is not None and b is not None
    assert 0 < np.abs(a - b).max() < share * a.std() * 3
