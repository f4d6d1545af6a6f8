"""Models and pictures that tests of the adapters share."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from piescope.adapters.compression import Compression, parse_compressions
from piescope.adapters.opening import open_model
from piescope.adapters.protocol import Model
from piescope.models.wide_resnet import WideResNet
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


def wide_resnet(channels: int = 1, classes: int = 10) -> WideResNet:
    net = WideResNet(10, 1, classes, channels, torch.Generator().manual_seed(0))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):  # norms that do something in eval mode
            module.running_mean.uniform_(-0.1, 0.1)
    return net.eval()


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


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return buffer.getvalue()


def asked(text: str) -> Compression:
    (one,) = parse_compressions(text)
    return one


def close(first: Model, second: Model, batch: list[np.ndarray], share: float) -> None:
    """Scores that differ, by less than a share of their spread."""
    a, b = first.scores(batch).scores, second.scores(batch).scores
    assert a is not None and b is not None
    assert 0 < np.abs(a - b).max() < share * a.std() * 3
