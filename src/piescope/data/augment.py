"""Augmentation as pure functions of a batch and an explicit generator.

Every function takes and returns float images ``[batch, channels, height, width]`` in 0 to 1 and draws for each image
on its own, from a generator of torch's or from numbers that are drawn already (`DrawnNumbers`): then it asks nothing
of the host and copies nothing to the device. The constants and the sampling follow torchvision's transforms
(RandomCrop, RandomResizedCrop, ColorJitter, RandomGrayscale), which the paper's code uses; torchvision itself is no
dependency.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn import functional

from piescope.data.draws import DrawnNumbers

Images = Float[Tensor, "batch channels height width"]
Draws = Generator | DrawnNumbers
GREY_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R 601-2 luma, as Pillow's convert("L")


def _rand(before: int, batch: int, after: int, generator: Draws) -> Float[Tensor, "before batch after"]:
    if isinstance(generator, DrawnNumbers):
        return generator.rand(before, after)
    return torch.rand((before, batch, after), generator=generator, device=generator.device)


def _offsets(batch: int, most: int, generator: Draws) -> Tensor:
    """``[batch, 2]``, each from 0 to most."""
    if isinstance(generator, DrawnNumbers):
        return (generator.rand(1, 2)[0] * (most + 1)).long()
    return torch.randint(0, most + 1, (batch, 2), generator=generator, device=generator.device)


def _chosen(batch: int, probability: float, generator: Draws, like: Tensor) -> Tensor:
    chosen = _rand(1, batch, 1, generator) < probability
    return chosen.to(like.device, non_blocking=True).view(-1, 1, 1, 1)


def pad_and_crop(images: Images, padding: int, generator: Draws, mirrored: tuple[float, float] = (0.0, 0.0)) -> Images:
    """Pads with zeros on all sides, then cuts the original size at a uniform offset, 0 to 2 * padding each way.

    Args:
        images: ``[batch, channels, height, width]``.
        padding: pixels; 0 is no crop.
        generator: the only randomness.
        mirrored: probabilities with which the cut is mirrored left to right, then top to bottom: what
            `horizontal_flip` and `vertical_flip` would make of it, from the same draws. 0 draws nothing.

    Example:
        >>> images = torch.ones(2, 1, 8, 8)
        >>> pad_and_crop(images, 1, torch.Generator().manual_seed(0)).shape
        torch.Size([2, 1, 8, 8])
    """
    if padding == 0 and not any(mirrored):
        return images
    batch, channels, *size = images.shape
    offsets = torch.zeros(1, 2, dtype=torch.long, device=images.device)
    if padding:
        offsets = _offsets(batch, 2 * padding, generator).to(images.device, non_blocking=True)
    columns, rows = (torch.arange(length, device=images.device) for length in reversed(size))
    if mirrored[0]:
        columns = torch.where(_chosen(batch, mirrored[0], generator, images)[:, 0, 0], columns.flip(0), columns)
    if mirrored[1]:
        rows = torch.where(_chosen(batch, mirrored[1], generator, images)[:, 0, 0], rows.flip(0), rows)
    padded = functional.pad(images.permute(0, 2, 3, 1), (0, 0, *(padding,) * 4))
    _, high, wide, _ = padded.shape
    top = torch.arange(0, batch * high, high, device=images.device)[:, None] + offsets[:, :1]
    pixels = ((top + rows) * wide)[:, :, None] + (offsets[:, 1:] + columns)[:, None, :]
    pixels = pixels.expand(batch, *size).flatten()
    return padded.reshape(-1, channels).index_select(0, pixels).view(batch, *size, channels).permute(0, 3, 1, 2)


def horizontal_flip(images: Images, probability: float, generator: Draws) -> Images:
    """Mirrors each image left to right with the given probability (0 to 1)."""
    flip = _chosen(len(images), probability, generator, images)
    return torch.where(flip, images.flip(3), images)


def vertical_flip(images: Images, probability: float, generator: Draws) -> Images:
    """Mirrors each image top to bottom with the given probability (0 to 1)."""
    flip = _chosen(len(images), probability, generator, images)
    return torch.where(flip, images.flip(2), images)


def crop_boxes(
    batch: int, size: tuple[int, int], scale: tuple[float, float], ratio: tuple[float, float], generator: Draws
) -> Tensor:
    """Draws crop boxes as torchvision's RandomResizedCrop does: ten attempts, else the largest central box.

    Returns:
        ``[batch, 4]`` integers: top, left, height, width, inside the image.
    """
    height, width = size
    draws = _rand(4, batch, 10, generator).double()
    area = height * width * (scale[0] + (scale[1] - scale[0]) * draws[0])
    aspect = torch.exp(math.log(ratio[0]) + (math.log(ratio[1]) - math.log(ratio[0])) * draws[1])
    widths = torch.round(torch.sqrt(area * aspect))
    heights = torch.round(torch.sqrt(area / aspect))
    fits = (widths >= 1) & (widths <= width) & (heights >= 1) & (heights <= height)
    tops = torch.floor(draws[2] * (height - heights + 1))
    lefts = torch.floor(draws[3] * (width - widths + 1))
    first = fits.to(torch.int8).argmax(dim=1, keepdim=True)
    whole = width / height
    wide = min(width, round(height * ratio[1])) if whole > ratio[1] else width
    high = min(height, round(width / ratio[0])) if whole < ratio[0] else height
    central, is_there = ((height - high) // 2, (width - wide) // 2, high, wide), fits.any(dim=1)
    drawn = (each.gather(1, first).squeeze(1) for each in (tops, lefts, heights, widths))
    columns = [torch.where(is_there, one, other) for one, other in zip(drawn, central, strict=True)]
    return torch.stack(columns, dim=1).long()


def _resize_weights(start: Tensor, length: Tensor, size: int) -> Tensor:
    """Bilinear weights ``[batch, size, size]`` that stretch pixels start..start+length over size pixels."""
    target = torch.arange(size, device=start.device, dtype=torch.float32) + 0.5
    centre = target[None] * (length[:, None] / size) - 0.5
    centre = torch.minimum(centre.clamp(min=0.0), (length[:, None] - 1).float()) + start[:, None]
    pixels = torch.arange(size, device=start.device, dtype=torch.float32)
    return (1 - (centre[:, :, None] - pixels).abs()).clamp(min=0.0)


def random_resized_crop(
    images: Images, scale: tuple[float, float], generator: Draws, ratio: tuple[float, float] = (3 / 4, 4 / 3)
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
    boxes = crop_boxes(len(images), (height, width), scale, ratio, generator).to(images.device, non_blocking=True)
    rows = _resize_weights(boxes[:, 0], boxes[:, 2], height)
    columns = _resize_weights(boxes[:, 1], boxes[:, 3], width)
    return torch.einsum("bih,bchw,bjw->bcij", rows, images, columns)


def to_grey(images: Images) -> Images:
    """The luma of each pixel in all channels; one-channel images come back as they are."""
    if images.shape[1] == 1:
        return images
    red, green, blue = (colour * weight for colour, weight in zip(images.unbind(1), GREY_WEIGHTS, strict=True))
    return (red + green + blue)[:, None].expand_as(images)


def grayscale(images: Images, probability: float, generator: Draws) -> Images:
    """Turns each image grey with the given probability (0 to 1), keeping its channels."""
    return torch.where(_chosen(len(images), probability, generator, images), to_grey(images), images)


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return (factor * images + (1 - factor) * other).clamp(0, 1)


def adjust_brightness(images: Images, factor: Tensor) -> Images:
    """Scales towards black (0) or brighter (above 1); factor ``[batch, 1, 1, 1]``; clamped to 0..1."""
    return (factor * images).clamp(0, 1)


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
    value = torch.maximum(torch.maximum(red, green), blue)
    chroma = value - torch.minimum(torch.minimum(red, green), blue)
    divisor = chroma.clamp(min=torch.finfo(images.dtype).tiny)
    sector = torch.where(green == value, 2 + (blue - red) / divisor, 4 + (red - green) / divisor)
    sector = torch.where(red == value, (green - blue) / divisor, sector)  # of grey ones too, which gives 0
    hue = sector / 6 + shift.squeeze(1)
    hue = (hue - hue.floor()) * 6
    colourful = value * (chroma / value.clamp(min=1e-12))

    def channel(offset: float) -> Tensor:
        k = hue + offset  # up to 11 sixths of the circle: of k and k - 6, the one within it rises above 0
        return value - colourful * torch.maximum(torch.minimum(k, 4 - k), torch.minimum(k - 6, 10 - k)).clamp(0, 1)

    return torch.stack([channel(5.0), channel(3.0), channel(1.0)], dim=1)


def color_jitter(
    images: Images,
    brightness: float,
    contrast: float,
    saturation: float,
    hue: float,
    generator: Draws,
    probability: float = 1.0,
) -> Images:
    """Jitters each chosen image in brightness, contrast, saturation and hue, in an order of its own.

    What is done to which image is settled where the generator draws; on a GPU, draws of the CPU wait for nothing. Of
    numbers that are drawn already nobody is asked who has which turn: each image goes through all turns.

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
    reaches = [(max(0.0, 1 - strength), 1 + strength) for strength in (brightness, contrast, saturation)]
    of_operations = zip(_rand(4, batch, 1, generator).squeeze(2), [*reaches, (-hue, hue)], strict=True)
    strengths = torch.stack([low + (high - low) * drawn for drawn, (low, high) in of_operations])
    turns, is_chosen = _rand(1, batch, 4, generator)[0].argsort(1), _rand(1, batch, 1, generator)[0, :, 0] < probability
    if isinstance(generator, DrawnNumbers):
        return torch.where(is_chosen.view(-1, 1, 1, 1), _jittered_together(images, strengths, turns), images)
    return _jittered_in_lots(images, strengths, turns, is_chosen.nonzero().squeeze(1))


def _jittered_together(images: Images, strengths: Tensor, turns: Tensor) -> Images:
    """Each image by its four operations (``[batch, 4]``) in turn: a blend with one of three, or its hue."""
    for turn in turns.T:
        factor = strengths.gather(0, turn[None]).view(-1, 1, 1, 1)
        turn, grey = turn.view(-1, 1, 1, 1), to_grey(images)
        other = torch.where(turn == 0, 0.0, torch.where(turn == 1, grey.mean((1, 2, 3), keepdim=True), grey))
        images = torch.where(turn == 3, adjust_hue(images, factor), _blend(images, other, factor))
    return images


def _jittered_in_lots(images: Images, strengths: Tensor, turns: Tensor, chosen: Tensor) -> Images:
    """The same of those that are chosen, nothing twice; the numbers lie where the host reads them."""
    operations, turns = (adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue), turns[chosen].T
    # at each of four places, images lie together by what is done to them there, so that it is done to no others
    together = turns.argsort(1)
    images_there = chosen[together]
    from_before = together.argsort(1)[:-1].gather(1, together[1:])
    sizes = [turn.bincount(minlength=4).tolist() for turn in turns]
    factors = strengths[turns.gather(1, together), images_there].to(images.device, non_blocking=True)
    moves = torch.cat([images_there[:1], from_before, images_there[-1:]]).to(images.device, non_blocking=True)
    jittered = images
    for move, factor, counts in zip(moves[:-1], factors, sizes, strict=True):
        lots = zip(operations, jittered.index_select(0, move).split(counts), factor.split(counts), strict=True)
        jittered = torch.cat([operation(lot, own.view(-1, 1, 1, 1)) for operation, lot, own in lots])
    return images.index_copy(0, moves[-1], jittered)


def two_views(
    images: Images, augment: Callable[[Tensor, Draws], Tensor], generator: Draws
) -> Float[Tensor, "batch 2 channels height width"]:
    """Two independent augmentations of each image, for contrastive losses."""
    return torch.stack([augment(images, generator), augment(images, generator)], dim=1)
