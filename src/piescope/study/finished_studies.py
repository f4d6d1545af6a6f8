"""Studies that ship finished: the page of each with its tables in one file, unpacked into the user's cache.

``finished/NAME.zip.zst`` is made by docs/results/ship.py from the run that docs/results/NAME keeps. A page is whole, so
that it opens at once, and without what drew it.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from importlib import resources
from pathlib import Path

from piescope.data.locate import cache_folder

SUFFIX = ".zip.zst"


def finished_studies() -> tuple[str, ...]:
    """The names of all that ship, in order.

    Example:
        >>> finished_studies()
        ('cifar10-small', 'digits')
    """
    entries = (resources.files("piescope.study") / "finished").iterdir()
    return tuple(sorted(entry.name.removesuffix(SUFFIX) for entry in entries if entry.name.endswith(SUFFIX)))


def unpacked(name: str) -> Path:
    """The folder of a finished study in the user's cache, unpacked if it is not there yet.

    Raises:
        OSError: the cache cannot be written to.
    """
    from piescope.store.durable import is_leftover, temporary_name

    packed = (resources.files("piescope.study") / "finished" / f"{name}{SUFFIX}").read_bytes()
    folder = cache_folder() / "finished" / f"{name}-{hashlib.sha256(packed).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    for leftover in filter(is_leftover, folder.parent.iterdir()):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    place = temporary_name(folder)
    try:
        unpack(packed, place)
        place.rename(folder)
    except OSError:
        if not folder.is_dir():  # another process was quicker
            raise
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return folder


def unpack(packed: bytes, folder: Path) -> None:
    """The files of such an archive (a zip as one zstd frame), in a folder that is not there yet."""
    import pyarrow as pa

    with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
        content = stream.read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
