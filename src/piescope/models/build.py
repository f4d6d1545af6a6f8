"""From a model's description in a study to the model, and what a pass through it costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field, field_validator

from piescope.spec import Spec

if TYPE_CHECKING:
    from torch import Generator

    from piescope.models.wide_resnet import WideResNet


STEM = 16
"""Channels of the first convolution, whatever the width."""

STAGES = ("stage1", "stage2", "stage3")


class Convolution(NamedTuple):
    """One of a network's.

    Attributes:
        size: of its window, each way.
        inputs: channels.
        outputs: channels.
        places: of its maps.
    """

    size: int
    inputs: int
    outputs: int
    places: int

    @property
    def weights(self) -> int:
        """How many it has."""
        return self.size**2 * self.inputs * self.outputs


class ModelSpec(Spec):
    """Which network a study trains.

    Attributes:
        family: ``"wide_resnet"``.
        depth: 6 n + 4.
        width: the widening factor k.
    """

    family: Literal["wide_resnet"] = "wide_resnet"
    depth: int = Field(ge=10)
    width: int = Field(ge=1)

    @field_validator("depth")
    @classmethod
    def _depth_has_whole_blocks(cls, depth: int) -> int:
        if (depth - 4) % 6:
            raise ValueError(f"{depth}; expected 6 n + 4: 10, 16, 22, 28, 40 ...; take the nearest of those")
        return depth

    @property
    def name(self) -> str:
        """As the field writes it: ``WRN-16-2``."""
        return f"WRN-{self.depth}-{self.width}"

    @property
    def dims(self) -> int:
        """Length of a representation."""
        return self.stage_widths[-1]

    @property
    def stage_widths(self) -> tuple[int, int, int]:
        """Channels of each stage's maps."""
        return 16 * self.width, 32 * self.width, 64 * self.width

    def dims_at(self, point: str, image_shape: tuple[int, int, int], num_classes: int) -> int:
        """The length of what is held at a probe point: an image, one number a channel of a map, or a class.

        Example:
            >>> model = ModelSpec(depth=10, width=2)
            >>> [model.dims_at(point, (3, 8, 8), 5) for point in ("input", "conv1", "stage2.0.conv2", "softmax")]
            [192, 16, 64, 5]
        """
        ends = {"input": math.prod(image_shape), "conv1": STEM, "relu": self.dims, "softmax": num_classes}
        return (ends | dict(zip(STAGES, self.stage_widths, strict=True)))[point.split(".")[0]]

    def last_map(self, image_shape: tuple[int, int, int]) -> tuple[int, int]:
        """Height and width of the last stage's maps, the smallest that batch normalisation sees.

        Where they are 1 x 1, a training batch of one image leaves one value a channel, and torch refuses to normalise
        it (``Expected more than 1 value per channel when training``).

        Example:
            >>> ModelSpec(depth=10, width=1).last_map((1, 4, 4)), ModelSpec(depth=10, width=1).last_map((3, 32, 9))
            ((1, 1), (8, 3))
        """
        _, height, width = image_shape
        return -(-height // 4), -(-width // 4)  # two stages halve the maps, rounded up

    def corti2022_points(self) -> tuple[str, ...]:
        """The paper's probe points by module name, shallow to deep; for depth 16 its 16 points.

        The first convolution; then in each stage, per block: after the second ReLU, after the second convolution,
        and, but for the stage's first block, after the sum. (Read off the paper's code; the text does not say.)

        Example:
            >>> points = ModelSpec(depth=16, width=2).corti2022_points()
            >>> len(points), points[:4]
            (16, ('conv1', 'stage1.0.relu2', 'stage1.0.conv2', 'stage1.1.relu2'))
        """
        first_sums = {f"{stage}.0" for stage in STAGES}
        return tuple(point for point in self.points() if point not in first_sums | {"input", "relu", "softmax"})

    def block_points(self) -> tuple[str, ...]:
        """Where Baldock et al. 2021 probe: the input, the first convolution, the end of each block, ReLU, softmax.

        Example:
            >>> ModelSpec(depth=10, width=1).block_points()
            ('input', 'conv1', 'stage1.0', 'stage2.0', 'stage3.0', 'relu', 'softmax')
        """
        return tuple(point for point in self.points() if not point.endswith(("relu2", "conv2")))

    def points(self) -> tuple[str, ...]:
        """Every point that a study may probe, shallow to deep: input, inside each block, last ReLU, softmax."""
        inside = [
            point
            for stage in STAGES
            for block in range((self.depth - 4) // 6)
            for point in (f"{stage}.{block}.relu2", f"{stage}.{block}.conv2", f"{stage}.{block}")
        ]
        return ("input", "conv1", *inside, "relu", "softmax")

    def convolutions(self, image_shape: tuple[int, int, int]) -> list[Convolution]:
        """All of the network's, in order, for images of ``(channels, height, width)``.

        Example:
            >>> [layer.outputs for layer in ModelSpec(depth=10, width=1).convolutions((3, 32, 32))]
            [16, 16, 16, 32, 32, 32, 64, 64, 64]
        """
        channels, height, width = image_shape
        layers, inputs = [Convolution(3, channels, STEM, height * width)], STEM
        for stage, outputs in enumerate(self.stage_widths):
            if stage > 0:
                height, width = -(-height // 2), -(-width // 2)
            for block in range((self.depth - 4) // 6):
                layers += [Convolution(3, ends, outputs, height * width) for ends in (inputs, outputs)]
                if block == 0 and (stage > 0 or inputs != outputs):
                    layers.append(Convolution(1, inputs, outputs, height * width))
                inputs = outputs
        return layers

    def build(self, image_shape: tuple[int, int, int], num_classes: int, generator: Generator | None) -> WideResNet:
        """The network with fresh weights for images of ``(channels, height, width)``."""
        from piescope.models.wide_resnet import WideResNet

        return WideResNet(self.depth, self.width, num_classes, image_shape[0], generator)


class Flops(Spec):
    """Floating-point operations of one sample (a multiply-add counts as two)."""

    forward: int
    forward_backward: int


def flops_per_sample(model: ModelSpec, image_shape: tuple[int, int, int], num_classes: int) -> Flops:
    """Counts convolutions and matrix products of one pass.

    Backward each has two, for what goes in and for the weights; the first convolution has one, as images need none.

    Returns:
        operations per sample, forward alone and forward with backward.

    Example:
        >>> round(flops_per_sample(ModelSpec(depth=16, width=2), (3, 32, 32), 10).forward_backward / 1e9, 2)
        0.61
    """
    first, *others = [2 * layer.weights * layer.places for layer in model.convolutions(image_shape)]
    forward = first + sum(others) + 2 * model.dims * num_classes
    return Flops(forward=forward, forward_backward=3 * forward - first)


def parameter_count(model: ModelSpec, image_shape: tuple[int, int, int], num_classes: int) -> int:
    """Trainable parameters of the network.

    Example:
        >>> parameter_count(ModelSpec(depth=16, width=2), (3, 32, 32), 10)
        691674
    """
    layers = model.convolutions(image_shape)
    # each convolution but the shortcuts is followed by a norm of its outputs: a factor and a shift a channel
    norms = sum(2 * layer.outputs for layer in layers if layer.size == 3)
    return weight_count(model, image_shape, num_classes) + norms + num_classes


def weight_count(model: ModelSpec, image_shape: tuple[int, int, int], num_classes: int) -> int:
    """Weights of the network's convolutions and its head, which can be pruned.

    Example:
        >>> weight_count(ModelSpec(depth=16, width=2), (3, 32, 32), 10)
        689840
    """
    return sum(layer.weights for layer in model.convolutions(image_shape)) + model.dims * num_classes
