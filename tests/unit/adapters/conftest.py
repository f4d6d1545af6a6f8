"""What all tests of models share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from piescope.data.opening import open_pictures
from piescope.data.pictures import Pictures
from piescope.models.wide_resnet import WideResNet


def wide_resnet(channels: int = 1, classes: int = 10) -> WideResNet:
    net = WideResNet(10, 1, classes, channels, torch.Generator().manual_seed(0))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):  # norms that do something in eval mode
            module.running_mean.uniform_(-0.1, 0.1)
    return net.eval()


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Threads of torch that wait for each other cost more than they give here, most of all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def net() -> WideResNet:
    torch.manual_seed(0)
    return wide_resnet()


@pytest.fixture
def digits() -> Pictures:
    return open_pictures("digits")


@pytest.fixture(scope="module")
def batch() -> list[np.ndarray]:
    return open_pictures("digits").batch(0, 96)
