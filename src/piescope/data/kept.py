"""Images of a user's files as one array in the user's cache: decoded once, and mapped by all workers, not loaded.

What is larger than memory can be learnt from, and many workers share what the system holds of it. A file is named by
what it was made from and ends in the SHA-256 of its bytes: one that is damaged is made again. A user's own file is
never mapped for long: it may be written anew while a study runs.
"""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
import PIL
from jaxtyping import UInt8

from piescope.data.dataset import BLOCK
from piescope.data.locate import cache_folder

SMALL = 64 << 20
"""Bytes of images below which they are held in memory, and nothing is kept."""

FORM = 1
"""Part of every name: a change of how pictures become images makes new files."""

ABANDONED = 24 * 3600.0
"""Seconds after the last byte after which a file that is not whole is taken for one of a process that is gone."""

Images = UInt8[np.ndarray, "examples channels height width"]


def name_of(made_from: object) -> str:
    """The name under which images are kept that are made from this by this version.

    Example:
        >>> name_of(("train", 1)) == name_of(("train", 1)), len(name_of(("test", 1)))
        (True, 32)
    """
    return hashlib.sha256(repr((FORM, PIL.__version__, made_from)).encode()).hexdigest()[:32]


def state_of(path: Path) -> tuple[object, ...]:
    """A file's place, size and times: it has other ones once somebody has written to it."""
    found = path.stat()
    return str(path.resolve()), found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def kept(name: str, image_shape: tuple[int, ...]) -> Images | None:
    """Images that are kept under a name, mapped, not to be written to; None: none, or damaged ones, which are removed.

    Args:
        name: see `name_of`.
        image_shape: ``(channels, height, width)``.
    """
    path = _place(name)
    with suppress(OSError), path.open("rb") as file:
        digest = hashlib.sha256()
        size = max(0, path.stat().st_size - digest.digest_size)
        for start in range(0, size, BLOCK):
            digest.update(file.read(min(BLOCK, size - start)))
        if size and size % math.prod(image_shape) == 0 and file.read() == digest.digest():
            return np.memmap(file, np.uint8, "r", 0, (size // math.prod(image_shape), *image_shape))
        path.unlink()
    return None


def keep(name: str, shape: tuple[int, ...], parts: Callable[[], Iterable[np.ndarray]]) -> Images | None:
    """Images under a name: those that are kept, or else made, kept and mapped.

    Few images, and those that the cache does not take, are returned in memory.

    Args:
        name: see `name_of`.
        shape: ``[examples, channels, height, width]``.
        parts: makes the images, one or more at a time, uint8; only called if they are not kept.

    Returns:
        None: there were fewer images than ``shape`` says.

    Example:
        >>> keep(name_of("two"), (2, 1, 1, 2), lambda: [np.zeros(2, np.uint8), np.ones(2, np.uint8)]).tolist()
        [[[[0, 0]]], [[[1, 1]]]]
    """
    if math.prod(shape) < SMALL:
        return _in_memory(shape, parts())
    found = kept(name, shape[1:])
    if found is not None:
        return found
    try:
        place = _place(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(place.parent)
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".tmp-", delete=False) as file:
            whole = False
            try:
                whole = _write(file, math.prod(shape), parts())
                if whole:
                    Path(file.name).replace(place)
            finally:
                if not whole:
                    Path(file.name).unlink()
        return np.memmap(place, np.uint8, "r", 0, shape) if whole else None
    except OSError:
        return _in_memory(shape, parts())


def _place(name: str) -> Path:
    return cache_folder() / "images" / f"{name}.uint8"


def _write(file: IO[bytes], size: int, parts: Iterable[np.ndarray]) -> bool:
    """Writes images and their hash, on disk when this returns; whether there were as many bytes as expected."""
    digest = hashlib.sha256()
    for part in parts:
        content = np.ascontiguousarray(part).tobytes()
        digest.update(content)
        file.write(content)
    whole = file.tell() == size
    file.write(digest.digest())
    file.flush()
    os.fsync(file.fileno())
    return whole


def _in_memory(shape: tuple[int, ...], parts: Iterable[np.ndarray]) -> Images | None:
    images = np.empty(math.prod(shape), np.uint8)
    end = 0
    for part in parts:
        images[end : end + part.size] = part.ravel()
        end += part.size
    return images.reshape(shape) if end == images.size else None


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob(".tmp-*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED:
                path.unlink()
