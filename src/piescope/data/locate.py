"""Where a data set lies: --data-dir, PIESCOPE_DATA, the cache; else fetched once, checked, and resumed if cut off."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from piescope.problems import DataError

VARIABLE = "PIESCOPE_DATA"
CHUNK = 1 << 14
"""A cut loses at most one."""

OnBytes = Callable[[int, int], None]
"""Called while fetching with (bytes so far, bytes in all or 0)."""


def cache_folder() -> Path:
    """The user's cache: fetched data sets, finished studies (``PIESCOPE_CACHE``, or the system's place for caches)."""
    given = os.environ.get("PIESCOPE_CACHE")
    if given:
        return Path(given)
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "piescope"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "piescope" / "piescope" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "piescope"


def places(explicit: Path | None) -> list[Path]:
    """Where to look, in order. An explicit folder is the only one: what is meant is not to be guessed.

    Raises:
        DataError: the explicit folder, or the one that PIESCOPE_DATA names, does not exist.
    """
    listed = []
    for where, place in (("--data-dir", explicit), (VARIABLE, os.environ.get(VARIABLE))):
        if not place:
            continue
        if not Path(place).exists():
            raise DataError.of(
                where, str(place), "nothing there", "a folder with a data set, or its tarball", "check the path"
            )
        listed.append(Path(place))
        if where == "--data-dir":
            return listed
    return [*listed, cache_folder()]


def fetch(address: str, archive: str, md5: str, on_bytes: OnBytes | None = None) -> Path:
    """The archive in the cache, fetched if it is not there; a fetch that was cut off goes on where it stopped.

    Raises:
        DataError: no network, or what came is not what was published.
    """
    import pooch
    import requests

    target = cache_folder() / archive
    pooch.get_logger().setLevel("WARNING")  # the caller has a progress bar

    def download(url: str, output_file: Any, _pooch: Any) -> None:
        partial = target.with_name(f"{archive}.partial")
        with partial.open("ab") as file:
            already = file.tell()
            asked = {"Range": f"bytes={already}-"} if already else {}
            with requests.get(url, headers=asked, stream=True, timeout=30) as reply:
                if reply.status_code == 416:  # all of it was there
                    already = -1
                else:
                    reply.raise_for_status()
                    if reply.status_code != 206 and already:
                        file.truncate(0)
                        already = 0
                    total = already + int(reply.headers.get("Content-Length", -already))
                    for chunk in reply.iter_content(CHUNK):
                        file.write(chunk)
                        already += len(chunk)
                        if on_bytes is not None:
                            on_bytes(already, total)
                    if already < total:
                        raise requests.ConnectionError(f"{already:,} of {total:,} bytes came")
        partial.replace(output_file)

    try:
        pooch.retrieve(address + archive, f"md5:{md5}", archive, target.parent, downloader=download)
    except (requests.RequestException, OSError) as reason:
        found = f"cannot be fetched: {type(reason).__name__}"
        cure = f"put the file at {target}, or give --data-dir DIR; the same command goes on where it stopped"
        raise DataError.of(archive, address + archive, found, "a network, or the file in its place", cure) from reason
    except ValueError as reason:  # pooch: the hash differs; what came is gone
        found, cure = "a file with another hash came", f"try again, or put the right file at {target}"
        raise DataError.of(archive, address + archive, found, f"MD5 {md5}, as published", cure) from reason
    return target
