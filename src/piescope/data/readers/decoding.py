"""One picture from bytes that nobody vouches for: its header is looked at before its pixels are decoded."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from piescope.problems import DataError

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "PPM")

PLAIN_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
"""Colour modes that become 8-bit grey or RGB in one way only: palettes are looked up, alpha is dropped."""

MODES = (*PLAIN_MODES, "CMYK")
"""Of an audit, which converts CMYK and says so; a study refuses it, as it trains on what the conversion makes."""

ORIENTATION = 0x0112
"""The tag of EXIF."""

MOST_PIXELS = 64_000_000
"""Of one picture: more is a bomb, or no data set for small networks."""

MOST_GROWTH, HARMLESS = 300, 2**24
"""Decoded bytes for a byte of a picture's file, where it has so many pixels; a picture of anything has a tenth."""

BROKEN = (
    *(ValueError, EOFError, OSError, RuntimeError, NotImplementedError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
"""What damaged, encrypted or lying files make the readers raise."""


@contextmanager
def whole_file(source: str, where: str, kind: str, expected: str, cure: str, *more: type[Exception]) -> Iterator[None]:
    """What is read inside is there as a whole, or refused.

    Args:
        source: for messages.
        where: the file.
        kind: what it should be, ``"array"``.
        expected: from what writes such files.
        cure: of a damaged one.
        more: what a library raises beside `BROKEN`.

    Raises:
        DataError: it is damaged, or may not be read.

    Example:
        >>> with whole_file("data", "train.npz", "array", "what numpy.save writes", "write it again"):
        ...     raise EOFError("no data left")
        Traceback (most recent call last):
        ...
        piescope.problems.DataError: data: train.npz
          found     no whole array (no data left)
          expected  what numpy.save writes
          cure      write it again
    """
    kinds: tuple[type[Exception], ...] = (*BROKEN, *more)
    try:
        yield
    except PermissionError:
        raise unreadable(source, where, kind) from None
    except kinds as reason:
        first = str(reason).split("\n")[0]
        raise DataError.of(source, where, f"no whole {kind} ({first})", expected, cure) from None


def unreadable(source: str, where: str, kind: str) -> DataError:
    """What is raised where permissions forbid to read a file of a kind."""
    article = "an" if kind[0] in "aeiou" else "a"
    return DataError.of(source, where, "a file that may not be read", f"{article} {kind}", "change its permissions")


def decoded(
    content: bytes | Path,
    where: str,
    colours: Literal["L", "RGB"] | None = None,
    modes: tuple[str, ...] = MODES,
    is_upright: bool = False,
) -> np.ndarray:
    """One picture as 8-bit grey ``[height, width]`` or RGB ``[height, width, 3]``.

    Args:
        content: its bytes, or the path of a file.
        where: for messages.
        colours: ``"L"``: grey, ``"RGB"``; None: grey where the picture is.
        modes: of colour, that are taken.
        is_upright: it is turned as its EXIF orientation says; else it is as its pixels lie.

    Raises:
        DataError: no whole picture of a kind in `FORMATS`, too many pixels, or another colour mode (16-bit grey).
    """
    with opened(content, where, modes) as picture:
        try:
            picture.load()
            turned = ImageOps.exif_transpose(picture) if is_upright and has_orientation(picture) else picture
            plain = turned.convert(colours or ("L" if picture.mode in ("1", "L", "LA") else "RGB"))
        except (*BROKEN, SyntaxError, Image.DecompressionBombError) as reason:
            raise _no_picture(content, where, reason) from None
        return np.asarray(plain)


def has_orientation(picture: Image.Image) -> bool:
    """Whether its EXIF data say that it is to be turned, as far as they are read; what is no EXIF says nothing."""
    if "exif" not in picture.info:  # a PNG would be decoded to look behind its pixels
        return False
    with suppress(*BROKEN, SyntaxError, struct.error, TypeError):
        return picture.getexif().get(ORIENTATION, 1) in range(2, 9)
    return False


def opened(content: bytes | Path, where: str, modes: tuple[str, ...] = MODES) -> Image.Image:
    """The picture with its header checked and its pixels not yet decoded; its caller closes it.

    Raises:
        DataError: as `decoded`, as far as the header tells.
    """
    source = BytesIO(content) if isinstance(content, bytes) else content
    try:
        picture = Image.open(source, formats=FORMATS)
    except PermissionError:
        raise unreadable(where, where, "picture") from None
    except Image.DecompressionBombError as reason:
        found = f"far too many pixels ({type(reason).__name__})"
        raise DataError.of(where, where, found, f"at most {MOST_PIXELS:,}", "scale it down") from None
    except (*BROKEN, SyntaxError) as reason:
        raise _no_picture(content, where, reason) from None
    pixels, size = (
        picture.width * picture.height,
        len(content) if isinstance(content, bytes) else content.stat().st_size,
    )
    if pixels > MOST_PIXELS or (pixels > HARMLESS and 3 * pixels > MOST_GROWTH * size):
        found, cure = f"{picture.width} x {picture.height} pixels in {size:,} bytes", "scale it down first"
        expected = f"at most {MOST_PIXELS:,} pixels, and of more than {HARMLESS:,} no empty ones"
    elif picture.mode not in modes:
        kinds = "8-bit grey, palette, RGB or CMYK" if "CMYK" in modes else "8-bit grey, palette or RGB"
        found, expected, cure = f"colour mode {picture.mode}", kinds, "convert it to 8-bit RGB"
        if picture.mode.startswith(("I", "F")):  # convert("RGB") of Pillow cuts off what is above 255
            cure = "divide its values to 0 to 255 (those of 16 bits by 257), then save it as 8-bit grey"
    else:
        return picture
    picture.close()
    raise DataError.of(where, where, found, expected, cure)


def _no_picture(content: bytes | Path, where: str, reason: BaseException) -> DataError:
    try:
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
    except OSError:
        size = 0
    found = f"{size:,} bytes that are no whole picture ({type(reason).__name__})"
    return DataError.of(where, where, found, "a picture: PNG, JPEG, BMP, WebP or PPM", "replace or remove it")
