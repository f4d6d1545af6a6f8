"""From pictures of any sizes to the pixels that a model takes, with Pillow and NumPy alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Shaped
from PIL import Image

from piescope.adapters.protocol import PixelScale, Settings
from piescope.problems import DataError

Prepare = Callable[[Sequence[np.ndarray]], np.ndarray]
"""Pictures to pixels ``[examples, channels, height, width]``."""

INTERPOLATIONS = {
    name: Image.Resampling[name.upper()] for name in ("nearest", "bilinear", "bicubic", "box", "hamming", "lanczos")
}


@dataclass(frozen=True)
class Fit:
    """How pictures come to one size.

    Attributes:
        size: ``(height, width)`` at the end.
        scaled: ``(height, width)`` to scale towards first; larger than size where a border is cut off.
        mode: ``"center"``: the picture covers ``scaled`` and keeps its proportions; ``"squash"``: it becomes exactly
            ``scaled``; ``"border"``: it fits into ``scaled`` and keeps its proportions. Then the middle is cut out.
        interpolation: a name from `INTERPOLATIONS`; antialiased, as Pillow does it.
        fill: 0..255 for each channel, where a picture is smaller than what is cut out.
    """

    size: tuple[int, int]
    scaled: tuple[int, int]
    mode: Literal["center", "squash", "border"] = "center"
    interpolation: str = "bilinear"
    fill: tuple[int, ...] = (0, 0, 0)

    @staticmethod
    def to(size: tuple[int, int]) -> Fit:
        """Scaled by the shorter side, the middle cut out: what a user's size means."""
        return Fit(size, size)

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """``[height, width]`` or ``[height, width, channels]``, uint8, at the size."""
        height, width = self._sides(picture.shape[0], picture.shape[1])
        if (height, width) != picture.shape[:2]:
            picture = _resized(picture, height, width, INTERPOLATIONS[self.interpolation])
        return self._cut(picture)

    def _sides(self, height: int, width: int) -> tuple[int, int]:
        wanted_height, wanted_width = self.scaled
        if self.mode == "squash":
            return self.scaled
        if self.mode == "center" and wanted_height == wanted_width:  # torchvision's Resize(side) truncates
            short, side = min(height, width), wanted_height
            long = int(side * max(height, width) / short)
            return (side, long) if height <= width else (long, side)
        ratios = height / wanted_height, width / wanted_width
        ratio = max(ratios) if self.mode == "border" else min(ratios)
        return max(1, round(height / ratio)), max(1, round(width / ratio))

    def _cut(self, picture: np.ndarray) -> np.ndarray:
        height, width = self.size
        missing = max(0, height - picture.shape[0]), max(0, width - picture.shape[1])
        if any(missing):
            channels = 1 if picture.ndim == 2 else picture.shape[2]
            fill = np.array((self.fill * channels)[:channels], np.uint8)
            shape = picture.shape[0] + missing[0], picture.shape[1] + missing[1]
            canvas = np.empty((*shape, channels), np.uint8)
            canvas[:] = fill
            top, left = missing[0] // 2, missing[1] // 2
            inside = picture[:, :, None] if picture.ndim == 2 else picture
            canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = inside
            picture = canvas[:, :, 0] if picture.ndim == 2 else canvas
        top = round((picture.shape[0] - height) / 2)  # torchvision's rounding, halves to even
        left = round((picture.shape[1] - width) / 2)
        return picture[top : top + height, left : left + width]


@dataclass(frozen=True)
class Preparation:
    """What is done to pictures before a model sees them.

    Attributes:
        channels: 1 or 3: pictures become grey (Pillow's luma) or RGB; None: as they are, if they are alike.
        bgr: the model takes blue first.
        fit: to one size; None: as they are, if they are alike.
        scale: what 0..255 becomes; None: uint8, as they are.
        mean: subtracted after scaling, for each channel or for all.
        std: divided by after that.
    """

    channels: int | None = None
    bgr: bool = False
    fit: Fit | None = None
    scale: PixelScale | None = "0-1"
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def with_settings(self, settings: Settings) -> Preparation:
        """The same, but for what a user says."""
        changed = self
        if settings.size is not None:
            changed = replace(changed, fit=Fit.to(settings.size))
        if settings.says_pixels:
            # mean and std belong to a scale: none of the model's own is mixed with the user's
            changed = replace(changed, scale=settings.scale or "0-1", mean=settings.mean, std=settings.std)
        if settings.channels is not None:
            changed = replace(changed, channels=1 if settings.channels == "grey" else 3, bgr=settings.channels == "bgr")
        return changed

    def __call__(self, batch: Sequence[np.ndarray]) -> Shaped[np.ndarray, "examples channels height width"]:
        """uint8 pictures to float32 pixels (uint8 where there is no scale).

        Raises:
            DataError: sizes or channels that differ and nothing that says what they should be.

        Example:
            >>> Preparation(channels=3)([np.full((2, 2), 255, np.uint8)]).mean((0, 2, 3)).tolist()
            [1.0, 1.0, 1.0]
        """
        pixels = _stacked(batch, self.channels, self.fit)
        if self.bgr:
            pixels = pixels[:, ::-1]
        return self.scaled(pixels)

    def scaled(self, pixels: np.ndarray) -> np.ndarray:
        """``[examples, channels, height, width]`` of 0..255 to what the model takes."""
        if self.scale is None:
            return np.ascontiguousarray(pixels)
        scaled = pixels.astype(np.float32)
        if self.scale == "0-1":
            scaled /= 255
        elif self.scale == "-1-1":
            scaled = scaled / np.float32(127.5) - 1
        for numbers, sign in ((self.mean, "-"), (self.std, "/")):
            if numbers is None:
                continue
            if len(numbers) not in (1, pixels.shape[1]):
                found, cure = f"{len(numbers)} numbers for {pixels.shape[1]} channels", "correct --mean and --std"
                raise DataError.of("pixels", "mean and std", found, "one for each channel, or one", cure)
            by_channel = np.array(numbers, np.float32)[:, None, None]
            scaled = scaled - by_channel if sign == "-" else scaled / by_channel
        return np.ascontiguousarray(scaled, np.float32)


def _stacked(
    batch: Sequence[np.ndarray], channels: int | None, fit: Fit | None
) -> Shaped[np.ndarray, "examples channels height width"]:
    """Pictures as one uint8 array, brought to a number of channels and a size where those are given."""
    pictures = [with_channels(picture, channels) for picture in batch]
    if fit is not None:
        pictures = [fit.apply(picture) for picture in pictures]
    shapes = {picture.shape for picture in pictures}
    if len(shapes) > 1:
        listed = ", ".join(" x ".join(map(str, shape)) for shape in sorted(shapes, key=str)[:3])
        lacks = [("--size, such as 224", "size=(224, 224)")] if len({shape[:2] for shape in shapes}) > 1 else []
        lacks += [("--channels rgb", "channels='rgb'")] if len({shape[2:] for shape in shapes}) > 1 else []
        found = f"pictures of different sizes or channels ({listed})"
        flags, settings = (sep.join(each) for sep, each in zip((" and ", ", "), zip(*lacks, strict=True), strict=True))
        cure = f"give {flags} (Python: Settings({settings}))"
        raise DataError.of("pictures", "sizes", found, "one size, or a model that says which it takes", cure)
    pixels = np.stack(pictures)
    return pixels[:, None] if pixels.ndim == 3 else pixels.transpose(0, 3, 1, 2)


def with_channels(picture: np.ndarray, channels: int | None) -> np.ndarray:
    """Grey ``[height, width]`` for 1 channel, RGB ``[height, width, 3]`` for 3; others as they are.

    Raises:
        DataError: pictures of 2 or 4 channels for a model of 1 or 3, or the other way round.
    """
    own = 1 if picture.ndim == 2 else picture.shape[2]
    if channels is None or own == channels:
        return picture
    if own == 1 and channels == 3:
        return np.repeat(picture.reshape(*picture.shape[:2], 1), 3, axis=2)
    if own == 3 and channels == 1:
        return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).convert("L"))
    found, expected = f"{own} channels for a model of {channels}", "pictures of as many channels, grey or RGB"
    cure = "leave alpha out: images[..., :3]" if own == 4 and channels == 3 else "give pictures of other channels"
    raise DataError.of("pictures", "channels", found, expected, cure)


def _resized(picture: np.ndarray, height: int, width: int, how: Image.Resampling) -> np.ndarray:
    picture = np.ascontiguousarray(picture)
    if picture.ndim == 2 or picture.shape[2] == 3:
        return np.asarray(Image.fromarray(picture).resize((width, height), how))
    planes = [_resized(picture[:, :, channel], height, width, how) for channel in range(picture.shape[2])]
    return np.stack(planes, axis=2)
