"""Augmentation as it was written first, each operation on every image: the twin that the fast one is equal to, bit by bit.

`apply` is `Augmentation.apply` with these. What has one form only, the resized crop, comes from the package.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional

from piescope.data.augment import GREY_WEIGHTS, random_resized_crop
from piescope.training.recipe import Augmentation


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: Generator, like: Tensor) -> Tensor:
    draws = torch.rand(shape, generator=generator, device=generator.device)
    return (low + (high - low) * draws).to(like.device)


def _chosen(batch: int, probability: float, generator: Generator, like: Tensor) -> Tensor:
    return (_uniform((batch,), 0.0, 1.0, generator, like) < probability).view(-1, 1, 1, 1)


def pad_and_crop(images: Tensor, padding: int, generator: Generator) -> Tensor:
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


def horizontal_flip(images: Tensor, probability: float, generator: Generator) -> Tensor:
    flip = _chosen(len(images), probability, generator, images)
    return torch.where(flip, images.flip(3), images)


def vertical_flip(images: Tensor, probability: float, generator: Generator) -> Tensor:
    flip = _chosen(len(images), probability, generator, images)
    return torch.where(flip, images.flip(2), images)


def to_grey(images: Tensor) -> Tensor:
    if images.shape[1] == 1:
        return images
    weights = torch.tensor(GREY_WEIGHTS, device=images.device, dtype=images.dtype).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True).expand_as(images)


def grayscale(images: Tensor, probability: float, generator: Generator) -> Tensor:
    return torch.where(_chosen(len(images), probability, generator, images), to_grey(images), images)


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return (factor * images + (1 - factor) * other).clamp(0, 1)


def adjust_brightness(images: Tensor, factor: Tensor) -> Tensor:
    return _blend(images, torch.zeros_like(images), factor)


def adjust_contrast(images: Tensor, factor: Tensor) -> Tensor:
    return _blend(images, to_grey(images).mean((1, 2, 3), keepdim=True), factor)


def adjust_saturation(images: Tensor, factor: Tensor) -> Tensor:
    return _blend(images, to_grey(images), factor)


def adjust_hue(images: Tensor, shift: Tensor) -> Tensor:
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
    images: Tensor,
    brightness: float,
    contrast: float,
    saturation: float,
    hue: float,
    generator: Generator,
    probability: float = 1.0,
) -> Tensor:
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


def apply(recipe: Augmentation, images: Tensor, generator: Generator) -> Tensor:
    if recipe.pad_and_crop:
        images = pad_and_crop(images, recipe.pad_and_crop, generator)
    if recipe.resized_crop is not None:
        images = random_resized_crop(images, recipe.resized_crop, generator)
    if recipe.horizontal_flip:
        images = horizontal_flip(images, recipe.horizontal_flip, generator)
    if recipe.vertical_flip:
        images = vertical_flip(images, recipe.vertical_flip, generator)
    if recipe.color_jitter is not None:
        jitter = recipe.color_jitter
        strengths = (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)
        images = color_jitter(images, *strengths, generator, jitter.probability)
    if recipe.grayscale:
        images = grayscale(images, recipe.grayscale, generator)
    return images
