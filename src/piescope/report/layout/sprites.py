"""Many small pictures in a few large ones, as many as a page can hold."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from piescope.report.layout.explorer_data import ArrayName, Packed, SpriteSheets
from piescope.report.layout.standalone import data_uri

SHEET = 2048
"""Pixels of a full sheet's sides, about: one is decoded in some hundredths of a second."""

SIDES = (96, 64, 48, 32)
"""Pixels of a tile's longer side, the largest whose pictures fit; smaller pictures keep their size."""

SHARP = 16
"""Pixels of the longer side up to which a tile is enlarged with hard edges."""

LOSSLESS = 1_500_000
"""Characters of all sheets up to which they are exact."""

QUALITIES = (80, 60, 40)
"""Of WebP, the best that fits."""

MOST_PIXELS = 2**26
"""Of all sheets: decoded, each takes four bytes. Tiles of the smallest kind may have more."""

TRIED = 256
"""SpriteSheets that sizes are foretold from."""

Pixels = Callable[[int], np.ndarray]
"""An example's picture, ``[height, width, 3]`` uint8."""


@dataclass(frozen=True)
class _Way:
    """How pictures are written: pixels of a tile's longer side, and WebP's quality; None: exact."""

    longest: int
    quality: int | None


def sprites(
    packed: Packed, pixels: Pixels, ranked: Sequence[int], examples: int, room: int
) -> tuple[SpriteSheets | None, int]:
    """The pictures of a page.

    Args:
        packed: gets the array that says which picture is where, if one is needed.
        pixels: gives a picture.
        ranked: examples that have one, those to be kept first at the front.
        examples: how many there are.
        room: characters that all sheets may take, as data URIs.

    Returns:
        the pictures, None where there is none or no room; and how many of ``ranked`` were left out.
    """
    if not ranked:
        return None, 0
    tried = [ranked[place] for place in np.linspace(0, len(ranked) - 1, min(TRIED, len(ranked))).astype(int)]
    first = [pixels(example) for example in tried]
    way, each = _chosen(first, len(ranked), room)
    size, kept = _tile_size(first, way.longest), max(0, min(len(ranked), int(room / each)))
    while kept:
        shown = sorted(ranked[:kept])
        columns, rows = _grid(kept, size)
        sheets = tuple(_sheets(pixels, shown, size, columns * rows, columns, way.quality))
        taken = sum(map(len, sheets))
        if taken <= room:
            tile = None if kept == examples else _tiles(packed, shown, examples)
            return SpriteSheets(*size, columns, rows, sheets, max(size) <= SHARP, tile), len(ranked) - kept
        kept = int(0.98 * kept * room / taken)
    return None, len(ranked)


def without_picture(left_out: int, examples: int) -> tuple[str, ...]:
    """A sentence for the page, where pictures were left out."""
    if not left_out:
        return ()
    return (f"{left_out:,} of {examples:,} examples have no picture here: the page would be too large.",)


def _grid(count: int, size: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows of a sheet: as many as it can hold, and no more than are needed."""
    columns = max(1, min(SHEET // size[0], count))
    return columns, max(1, min(SHEET // size[1], -(-count // columns)))


def _sheets(
    pixels: Pixels, shown: Sequence[int], size: tuple[int, int], of_sheet: int, columns: int, quality: int | None
) -> Iterator[str]:
    for start in range(0, len(shown), of_sheet):
        tiles = [_fitted(pixels(example), *size) for example in shown[start : start + of_sheet]]
        yield data_uri("image/webp", _webp(_sheet(tiles, columns, of_sheet // columns), quality))


def _tiles(packed: Packed, shown: Sequence[int], examples: int) -> ArrayName:
    places = np.zeros(examples, np.int64)
    places[list(shown)] = np.arange(1, len(shown) + 1)
    return packed.whole("tile", places, most=2**32 - 1)


def _chosen(tried: list[np.ndarray], count: int, room: int) -> tuple[_Way, float]:
    """The best way of which all pictures fit, else the smallest; and characters that a picture takes in it."""
    width, height = _tile_size(tried, max(SIDES))
    sides = [max(width, height), *(side for side in SIDES if side < max(width, height))]
    ways = [_Way(sides[0], None), *(_Way(side, quality) for side in sides for quality in QUALITIES)]
    for way in ways:
        width, height = _tile_size(tried, way.longest)
        each = _characters(tried, way)
        fits = each * count <= (min(room, LOSSLESS) if way.quality is None else room)
        if fits and width * height * count <= MOST_PIXELS:
            break
    return way, each


def _characters(tried: list[np.ndarray], way: _Way) -> float:
    """What a picture takes in base64, about."""
    width, height = _tile_size(tried, way.longest)
    columns = max(1, int(len(tried) ** 0.5))
    sheet = _sheet([_fitted(picture, width, height) for picture in tried], columns, -(-len(tried) // columns))
    return 4 / 3 * len(_webp(sheet, way.quality)) / len(tried)


def _tile_size(pictures: list[np.ndarray], longest: int) -> tuple[int, int]:
    """Width and height of a tile that holds all these pictures, shrunk where they are larger than it may be."""
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    shrunk = min(1.0, longest / max(width, height))
    return max(1, round(width * shrunk)), max(1, round(height * shrunk))


def _fitted(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """A picture in the middle of a tile, shrunk where it is larger."""
    own_height, own_width = pixels.shape[:2]
    if (own_height, own_width) == (height, width):
        return pixels
    shrunk = min(1.0, width / own_width, height / own_height)
    size = max(1, round(own_width * shrunk)), max(1, round(own_height * shrunk))
    picture = pixels if shrunk == 1 else np.asarray(Image.fromarray(pixels).resize(size))
    tile = np.zeros((height, width, 3), np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = picture
    return tile


def _sheet(tiles: list[np.ndarray], columns: int, rows: int) -> Image.Image:
    height, width = tiles[0].shape[:2]
    empty = [np.zeros_like(tiles[0])] * (columns * rows - len(tiles))
    grid = np.stack([*tiles, *empty]).reshape(rows, columns, height, width, 3)
    return Image.fromarray(grid.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, 3))


def _webp(sheet: Image.Image, quality: int | None) -> bytes:
    sink = io.BytesIO()
    if quality is None:
        sheet.save(
            sink, "WEBP", lossless=True, quality=0, method=0
        )  # 4 % more than by the best method, in a tenth of its time
    else:
        sheet.save(sink, "WEBP", quality=quality, method=2)
    return sink.getvalue()
