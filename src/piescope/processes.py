"""Which processes live, on which machine, and how long one gave no sign."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
"""Where Linux tells of processes; elsewhere it is not there, and what is asked of it is unknown."""


def here() -> str:
    """Names the place in which a process id means something: the machine, since it was started, and its namespace.

    Two containers of one machine differ in it, and so does a machine before and after it was started anew.

    Example:
        >>> here() == here()
        True
    """
    boot, namespace = "", ""
    with suppress(OSError):
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = str((PROC / "self/ns/pid").readlink())
    return " ".join((socket.gethostname(), boot, namespace))


def began(process: int) -> int | None:
    """When a process began, in the system's ticks since it was started; a later one with the same id began later.

    Returns:
        None where there is none, or where the system does not tell.
    """
    fields = _stat(process)
    return None if fields is None else int(fields[19])


def processor_seconds(process: int) -> float | None:
    """What a process has computed, all its threads together; None where the system does not tell."""
    fields = _stat(process)
    return None if fields is None else (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _stat(process: int) -> list[str] | None:
    """What follows the name in /proc/ID/stat; None of one that is gone, or dead and not yet buried."""
    try:
        text = (PROC / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZXx" else fields


def is_alive(process: int) -> bool:
    """Whether a process of this machine lives.

    Example:
        >>> is_alive(os.getpid()), is_alive(0)
        (True, False)
    """
    if process <= 0 or (PROC.is_dir() and _stat(process) is None and _stat(os.getpid()) is not None):
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it exists and is somebody else's
    return True


def killed_for_memory() -> int | None:
    """How many processes the system has killed since its start because memory ran out; None where it does not tell."""
    with suppress(OSError, ValueError):
        lines = (PROC / "vmstat").read_text(encoding="ascii").splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)
    return None


class Silence:
    """For how long each of several things gave no new sign, in seconds in which this process looked.

    A process that was stopped, or on a machine that slept, saw nothing meanwhile: between two looks pass at most
    ``longest_look`` seconds. The clock is this process's own and never set back.

    Example:
        >>> times = iter([0.0, 4.0, 9.0, 5000.0])
        >>> silence = Silence(longest_look=10.0, clock=lambda: next(times))
        >>> [silence.of("a worker", sign) for sign in (1, 1, 2, 2)]
        [0.0, 4.0, 0.0, 10.0]
    """

    def __init__(self, longest_look: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._longest, self._clock = longest_look, clock
        self._seen: dict[Hashable, tuple[object, float, float]] = {}  # sign, silent for, looked at

    def of(self, name: Hashable, sign: object) -> float:
        """Looks at one thing's sign; for how long it has been the same."""
        now = self._clock()
        before, silent, looked = self._seen.get(name, (None, 0.0, now))
        silent = silent + min(now - looked, self._longest) if sign == before else 0.0
        self._seen[name] = sign, silent, now
        return silent

    def forget(self, name: Hashable) -> None:
        """What begins anew under this name was not silent before."""
        self._seen.pop(name, None)
