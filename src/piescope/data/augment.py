"""Augmentation as pure functions of a batch and an explicit generator.

Every function takes and returns float images ``[batch, channels, height, width]`` in 0 to 1 and draws for each image
on its own. The constants and the sampling follow torchvision's transforms (RandomCrop, RandomResizedCrop,
ColorJitter, RandomGrayscale), which the paper's code uses; torchvision itself is no dependency.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn import functional

Images = Float[Tensor, "batch channels height width"]
GREY_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R 601-2 luma, as Pillow's convert("L")


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: Generator, like: Tensor) -> Tensor:
    draws = torch.rand(shape, generator=generator, device=generator.device)
    return (low + (high - low) * draws).to(like.device)


def _chosen(batch: int, probability: float, generator: Generator, like: Tensor) -> Tensor:
    return (_uniform((batch,), 0.0, 1.0, generator, like) < probability).view(-1, 1, 1, 1)


def pad_and_crop(images: Images, padding: int, generator: Generator) -> Images:
    """Pads with zeros on all sides, then cuts the original size at a uniform offset, 0 to 2 * padding each way.

    Example:
        >>> images = torch.ones(2, 1, 8, 8)
        >>> pad_and_crop(images, 1, torch.Generator().manual_seed(0)).shape
        torch.Size([2, 1, 8, 8])
    """
    if padding == 0:
        return images
    batch, _, height, width = images.shape
    padded = functional.pad(images, (padding,) * 4)
    offsets = torch.randint(0, 2 * padding + 1, (batch, 2), generator=generator, device=generator.device)
    offsets = offsets.to(images.device)
    rows = (offsets[:, :1] + torch.arange(height, device=images.device))[:, :, None]
    columns = (offsets[:, 1:] + torch.arange(width, device=images.device))[:, None, :]
    picked = torch.arange(batch, device=images.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[picked, rows, columns].permute(0, 3, 1, 2)


def horizontal_flip(images: Images, probability: float, generator: Generator) -> Images:
    """Mirrors each image left to right with the given probability (0 to 1)."""
    flip = _chosen(len(images), probability, generator, images)
    return torch.where(flip, images.flip(3), images)


def vertical_flip(images: Images, probability: float, generator: Generator) -> Images:
    """Mirrors each image top to bottom with the given probability (0 to 1)."""
    flip = _chosen(len(images), probability, generator, images)
    return torch.where(flip, images.flip(2), images)


def crop_boxes(
    batch: int, size: tuple[int, int], scale: tuple[float, float], ratio: tuple[float, float], generator: Generator
) -> Tensor:
    """Draws crop boxes as torchvision's RandomResizedCrop does: ten attempts, else the largest central box.

    Returns:
        ``[batch, 4]`` integers: top, left, height, width, inside the image.
    """
    height, width = size
    shape = (batch, 10)
    draws = torch.rand((4, *shape), generator=generator, device=generator.device).double()
    area = height * width * (scale[0] + (scale[1] - scale[0]) * draws[0])
    aspect = torch.exp(math.log(ratio[0]) + (math.log(ratio[1]) - math.log(ratio[0])) * draws[1])
    widths = torch.round(torch.sqrt(area * aspect))
    heights = torch.round(torch.sqrt(area / aspect))
    fits = (widths >= 1) & (widths <= width) & (heights >= 1) & (heights <= height)
    tops = torch.floor(draws[2] * (height - heights + 1))
    lefts = torch.floor(draws[3] * (width - widths + 1))
    boxes = torch.stack([tops, lefts, heights, widths], dim=-1)
    first = fits.to(torch.int8).argmax(dim=1)
    fitting = boxes[torch.arange(batch), first]
    whole = width / height
    wide = min(width, round(height * ratio[1])) if whole > ratio[1] else width
    high = min(height, round(width / ratio[0])) if whole < ratio[0] else height
    central = torch.tensor([(height - high) // 2, (width - wide) // 2, high, wide], dtype=fitting.dtype)
    return torch.where(fits.any(dim=1)[:, None], fitting, central).long()


def _resize_weights(start: Tensor, length: Tensor, size: int) -> Tensor:
    """Bilinear weights ``[batch, size, size]`` that stretch pixels start..start+length over size pixels."""
    target = torch.arange(size, device=start.device, dtype=torch.float32) + 0.5
    centre = target[None] * (length[:, None] / size) - 0.5
    centre = torch.minimum(centre.clamp(min=0.0), (length[:, None] - 1).float()) + start[:, None]
    pixels = torch.arange(size, device=start.device, dtype=torch.float32)
    return (1 - (centre[:, :, None] - pixels).abs()).clamp(min=0.0)


def random_resized_crop(
    images: Images, scale: tuple[float, float], generator: Generator, ratio: tuple[float, float] = (3 / 4, 4 / 3)
) -> Images:
    """Cuts a box of random area (share of the image: scale) and aspect, and stretches it back bilinearly.

    A box is never larger than the image, so the stretch only ever enlarges and needs no anti-aliasing.

    Example:
        >>> images = torch.full((2, 3, 8, 8), 0.5)
        >>> crops = random_resized_crop(images, (0.2, 1.0), torch.Generator().manual_seed(0))
        >>> crops.shape, bool(torch.allclose(crops, torch.tensor(0.5)))
        (torch.Size([2, 3, 8, 8]), True)
    """
    height, width = images.shape[2:]
    boxes = crop_boxes(len(images), (height, width), scale, ratio, generator).to(images.device)
    rows = _resize_weights(boxes[:, 0], boxes[:, 2], height)
    columns = _resize_weights(boxes[:, 1], boxes[:, 3], width)
    return torch.einsum("bih,bchw,bjw->bcij", rows, images, columns)


def to_grey(images: Images) -> Images:
    """The luma of each pixel in all channels; one-channel images come back as they are."""
    if images.shape[1] == 1:
        return images
    weights = torch.tensor(GREY_WEIGHTS, device=images.device, dtype=images.dtype).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True).expand_as(images)


def grayscale(images: Images, probability: float, generator: Generator) -> Images:
    """Turns each image grey with the given probability (0 to 1), keeping its channels."""
    return torch.where(_chosen(len(images), probability, generator, images), to_grey(images), images)


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return (factor * images + (1 - factor) * other).clamp(0, 1)


def adjust_brightness(images: Images, factor: Tensor) -> Images:
    """Scales towards black (0) or brighter (above 1); factor ``[batch, 1, 1, 1]``; clamped to 0..1."""
    return _blend(images, torch.zeros_like(images), factor)


def adjust_contrast(images: Images, factor: Tensor) -> Images:
    """Scales around each image's mean luma; factor ``[batch, 1, 1, 1]``; clamped to 0..1."""
    return _blend(images, to_grey(images).mean((1, 2, 3), keepdim=True), factor)


def adjust_saturation(images: Images, factor: Tensor) -> Images:
    """Scales around each pixel's luma; factor ``[batch, 1, 1, 1]``; clamped to 0..1."""
    return _blend(images, to_grey(images), factor)


def adjust_hue(images: Images, shift: Tensor) -> Images:
    """Turns the hue by shift ``[batch, 1, 1, 1]`` of a full circle (-0.5 to 0.5); grey images are unchanged."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images.unbind(1)
    value, which = images.max(1)
    chroma = value - images.min(1).values
    grey = chroma == 0
    divisor = torch.where(grey, torch.ones_like(chroma), chroma)
    sector = torch.stack([(green - blue) / divisor, 2 + (blue - red) / divisor, 4 + (red - green) / divisor], dim=1)
    hue = torch.where(grey, torch.zeros_like(value), sector.gather(1, which[:, None]).squeeze(1) / 6)
    hue = (hue + shift.squeeze(1)) % 1.0
    saturation = torch.where(value == 0, torch.zeros_like(value), chroma / value.clamp(min=1e-12))

    def channel(offset: float) -> Tensor:
        k = (offset + hue * 6) % 6
        return value - value * saturation * torch.minimum(k, 4 - k).clamp(0, 1)

    return torch.stack([channel(5.0), channel(3.0), channel(1.0)], dim=1)


def color_jitter(
    images: Images,
    brightness: float,
    contrast: float,
    saturation: float,
    hue: float,
    generator: Generator,
    probability: float = 1.0,
) -> Images:
    """Jitters each chosen image in brightness, contrast, saturation and hue, in an order of its own.

    Args:
        images: ``[batch, channels, height, width]``, 0 to 1.
        brightness: factors are uniform in 1 - brightness to 1 + brightness, not below 0.
        contrast: likewise.
        saturation: likewise; nothing happens to one-channel images.
        hue: shifts are uniform in -hue to hue, as a share of the colour circle, at most 0.5.
        generator: the only randomness.
        probability: share of images that are jittered at all.
    """
    batch = len(images)

    def factors(strength: float) -> Tensor:
        return _uniform((batch, 1, 1, 1), max(0.0, 1 - strength), 1 + strength, generator, images)

    operations: list[tuple[Callable[[Tensor, Tensor], Tensor], Tensor]] = [
        (adjust_brightness, factors(brightness)),
        (adjust_contrast, factors(contrast)),
        (adjust_saturation, factors(saturation)),
        (adjust_hue, _uniform((batch, 1, 1, 1), -hue, hue, generator, images)),
    ]
    order = _uniform((batch, len(operations)), 0.0, 1.0, generator, images).argsort(1)
    jittered = images
    for place in range(len(operations)):
        current = jittered
        for index, (operation, strength) in enumerate(operations):
            turn = (order[:, place] == index).view(-1, 1, 1, 1)
            jittered = torch.where(turn, operation(current, strength), jittered)
    return torch.where(_chosen(batch, probability, generator, images), jittered, images)


def two_views(
    images: Images, augment: Callable[[Tensor, Generator], Tensor], generator: Generator
) -> Float[Tensor, "batch 2 channels height width"]:
    """Two independent augmentations of each image, for contrastive losses."""
    return torch.stack([augment(images, generator), augment(images, generator)], dim=1)
