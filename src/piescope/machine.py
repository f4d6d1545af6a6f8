"""On what and when results are made: processor, versions of the libraries that shape them, day. No part of any key."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

CORES = Path("/sys/devices/system/cpu")
"""Where Linux tells which hardware threads share a core."""


def processor() -> str:
    """The processor's model, as the system calls it; processors of one instruction set still round sums differently.

    Example:
        >>> processor() != ""
        True
    """
    import platform

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == "model name"]
    return next(filter(None, named), "") or platform.processor() or platform.machine() or "unknown"


def one_thread_a_core(numbers: Sequence[int]) -> list[int]:
    """Of hardware threads, by the system's numbers, the first of each core; all where the system tells of no cores.

    Example:
        >>> one_thread_a_core([4711, 4712])
        [4711, 4712]
    """
    first: dict[str, int] = {}
    for number in sorted(numbers):
        siblings = str(number)
        with suppress(OSError):
            siblings = (CORES / f"cpu{number}/topology/thread_siblings_list").read_text(encoding="ascii").strip()
        first.setdefault(siblings, number)
    return list(first.values())


def cpp_compiler() -> str | None:
    """The C++ compiler that torch.compile would take (CXX, or the system's); None: there is none."""
    import os
    import shutil
    import sys

    return shutil.which(os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++"))


def today() -> str:
    """The day in UTC, or that of SOURCE_DATE_EPOCH, for builds that are to be equal to the byte.

    Example:
        >>> len(today())
        10
    """
    import os
    import time
    from datetime import UTC, datetime

    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch) if epoch.isdecimal() else time.time(), UTC).date().isoformat()


def versions(libraries: Sequence[str]) -> dict[str, str]:
    """The installed version of each library; those that are not installed are left out.

    Example:
        >>> list(versions(["numpy", "no such library"]))
        ['numpy']
    """
    from importlib.metadata import PackageNotFoundError, version

    installed = {}
    for library in libraries:
        with suppress(PackageNotFoundError):
            installed[library] = version(library)
    return installed
