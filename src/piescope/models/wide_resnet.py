"""WideResNet-d-k, pre-activation (Zagoruyko and Komodakis 2016), for any image size and channel count."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn


class ResidualBlock(nn.Module):
    """norm, ReLU, 3x3 convolution, twice, plus a shortcut (1x1 convolution where the shape changes)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        same = inputs == outputs and stride == 1
        self.shortcut = None if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """``[batch, inputs, height, width]`` to ``[batch, outputs, height / stride, width / stride]``."""
        active = self.relu1(self.norm1(images))
        residual = self.conv2(self.relu2(self.norm2(self.conv1(active))))
        return residual + (images if self.shortcut is None else self.shortcut(active))


class WideResNet(nn.Module):
    """WideResNet-depth-width with a linear head.

    Args:
        depth: 6 n + 4 (10, 16, 22, 28, 40 ...); n blocks in each of three stages.
        width: multiplies the 16, 32 and 64 channels of the stages.
        num_classes: outputs of the head.
        channels: channels of the images.
        generator: the initial weights' only randomness; convolutions are Kaiming normal (fan-out, ReLU), the head
            is uniform in +-1/sqrt(dims) with zero biases.

    Attributes:
        dims: length of a representation, 64 * width.

    Raises:
        ValueError: depth is not 6 n + 4, or a number is not positive.

    Example:
        >>> model = WideResNet(16, 2, num_classes=10, channels=3)
        >>> sum(parameter.numel() for parameter in model.parameters())
        691674
        >>> model(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self, depth: int, width: int, num_classes: int, channels: int = 3, generator: Generator | None = None
    ) -> None:
        if depth < 10 or (depth - 4) % 6:
            raise ValueError(f"depth is {depth}; expected 6 n + 4: 10, 16, 22, 28, 40 ...")
        if min(width, num_classes, channels) < 1:
            raise ValueError(f"width {width}, num_classes {num_classes}, channels {channels}: expected at least 1")
        with torch.random.fork_rng(devices=[]):  # module constructors draw from the global generator
            super().__init__()
            blocks = (depth - 4) // 6
            widths = [16, 16 * width, 32 * width, 64 * width]
            self.dims = widths[-1]
            self.conv1 = nn.Conv2d(channels, widths[0], 3, 1, 1, bias=False)
            self.stage1 = self._stage(blocks, widths[0], widths[1], stride=1)
            self.stage2 = self._stage(blocks, widths[1], widths[2], stride=2)
            self.stage3 = self._stage(blocks, widths[2], widths[3], stride=2)
            self.norm = nn.BatchNorm2d(self.dims)
            self.relu = nn.ReLU(inplace=True)
            self.head = nn.Linear(self.dims, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        nn.init.uniform_(self.head.weight, -(self.dims**-0.5), self.dims**-0.5, generator=generator)
        nn.init.zeros_(self.head.bias)

    @staticmethod
    def _stage(blocks: int, inputs: int, outputs: int, stride: int) -> nn.Sequential:
        first = ResidualBlock(inputs, outputs, stride)
        return nn.Sequential(first, *(ResidualBlock(outputs, outputs, 1) for _ in range(blocks - 1)))

    def features(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch dims"]:
        """The representation: last norm, ReLU, global average pool; never negative."""
        maps = self.stage3(self.stage2(self.stage1(self.conv1(images))))
        return self.relu(self.norm(maps)).mean((2, 3))

    def logits(self, features: Float[Tensor, "batch dims"]) -> Float[Tensor, "batch classes"]:
        """The linear head on representations."""
        return self.head(features)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        """``logits(features(images))``."""
        return self.logits(self.features(images))
