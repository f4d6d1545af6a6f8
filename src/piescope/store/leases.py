"""Who works on which step, so that several runners share a folder and each step is done once. Loads no torch.

A lease is the folder work/KEY/TOKEN/, its token made up anew each time. In it: owner.json (whose it is), beat (a
counter that the owner raises), files/ (the artefact while it is written).

- Taking one: it is made ready beside, and renamed to work/KEY. That succeeds only where nothing is, or an empty folder:
  for one of all who try.
- Publishing: files/ is renamed to where artefacts lie.
- Taking one over from an owner that is dead: work/KEY/TOKEN is renamed away. That succeeds for one of all who try, and
  only while the token is still the one that was found dead. If its owner wakes, its folder is gone: whatever it
  writes or publishes there ends with ENOENT. No machine's clock is compared with another's, and nothing is decided
  by a look before the deed.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from piescope import processes
from piescope.store import layout
from piescope.store.durable import temporary_name
from piescope.store.step_records import Record

PATIENCE = 60.0
"""Seconds without a beat after which another runner takes a lease over."""

BEATS = 6
"""In that time, of an owner that lives."""

OWNER, BEAT, FILES = "owner.json", "beat", "files"


class LostLeaseError(RuntimeError):
    """Another runner has taken the step over; nothing was published."""


class Owner(Record):
    """owner.json: the runner that works on a step.

    Attributes:
        label: of the step, for people.
        place: `processes.here` of the runner.
        process: its id there.
        began: `processes.began` of it.
    """

    label: str
    place: str
    process: int
    began: int | None

    @property
    def host(self) -> str:
        """The machine's name."""
        return self.place.partition(" ")[0]

    def is_gone(self) -> bool:
        """Whether this machine knows that the runner has ended."""
        if self.place != processes.here():
            return False
        return not processes.is_alive(self.process) or processes.began(self.process) != self.began


@dataclass(frozen=True)
class Lease:
    """The right to do a step, as long as its folder is there.

    Attributes:
        folder: ``work/KEY/TOKEN``.
    """

    folder: Path

    @property
    def key(self) -> str:
        """The step's."""
        return self.folder.parent.name

    @property
    def files(self) -> Path:
        """Where the artefact is written; publishing renames it."""
        return self.folder / FILES

    def is_held(self) -> bool:
        """Whether nobody has taken it over."""
        return self.folder.is_dir()

    def owner(self) -> Owner | None:
        """Whose it is; None where that cannot be read."""
        with suppress(OSError, ValueError):
            return Owner.of((self.folder / OWNER).read_bytes())
        return None

    def beats(self) -> bytes | None:
        """The counter as it stands; None where it is gone."""
        with suppress(OSError):
            return (self.folder / BEAT).read_bytes()
        return None

    def beat(self, count: int) -> bool:
        """Says that the owner lives; False where the lease is no longer its own."""
        try:
            descriptor = os.open(self.folder / BEAT, os.O_WRONLY)  # without O_CREAT: a lease that is gone stays gone
        except FileNotFoundError:
            return False
        try:
            os.pwrite(descriptor, f"{count:020d}".encode(), 0)
        finally:
            os.close(descriptor)
        return True

    def end(self) -> bool:
        """Takes it away, given back or from a dead owner; False where somebody else did so first."""
        away = temporary_name(self.folder.parent)
        try:
            self.folder.rename(away)
        except OSError:
            return False
        with suppress(OSError):
            self.folder.parent.rmdir()  # or somebody has taken a new one already
        shutil.rmtree(away, ignore_errors=True)
        return True


def take(out: Path, key: str, label: str) -> Lease | None:
    """Takes the lease of a step; None where somebody has it.

    Example:
        >>> import tempfile
        >>> out = Path(tempfile.mkdtemp())
        >>> lease = take(out, "0" * 32, "a demo")
        >>> take(out, "0" * 32, "a demo") is None, lease.end(), take(out, "0" * 32, "a demo") is None
        (True, True, False)
    """
    place = layout.lease(out, key)
    if next(_inside(place), None) is not None:
        return None
    me, token = os.getpid(), uuid.uuid4().hex
    owner = Owner(label=label, place=processes.here(), process=me, began=processes.began(me))
    ready = temporary_name(place)
    while True:  # the last of another runner's leases may just have taken the folder of all with it
        with suppress(FileNotFoundError):
            (ready / token).mkdir(parents=True)
            break
    try:
        (ready / token / OWNER).write_bytes(owner.as_bytes())
        (ready / token / BEAT).write_bytes(b"0" * 20)
        with suppress(OSError):
            ready.rename(place)
    finally:
        shutil.rmtree(ready, ignore_errors=True)
    lease = Lease(place / token)
    return lease if lease.is_held() else None  # what the rename said may be lost on the way from a file server


def lease_of(out: Path, key: str) -> Lease | None:
    """The lease of a step that somebody has; None: nobody."""
    return next((Lease(folder) for folder in _inside(layout.lease(out, key))), None)


def all_leases(out: Path) -> Iterator[Lease]:
    """Those of a folder, by key."""
    for place in sorted(_inside(layout.work(out))):
        yield from map(Lease, _inside(place))


class Holder:
    """The leases that a runner holds: it beats for all of them, and gives back what is left when it ends.

    Args:
        out: the study's folder.
        patience: seconds without a beat after which it takes over what another runner holds.
        clock: this process's own.
    """

    def __init__(self, out: Path, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._patience = out, patience
        self._held: dict[str, Lease] = {}
        self._silence = processes.Silence(patience / BEATS, clock)
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        self._heart.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._heart.join()
        for lease in list(self._held.values()):
            self.give_back(lease)

    def take(self, key: str, label: str) -> Lease | None:
        """The lease of a step; None where another runner has it."""
        lease = take(self._out, key, label)
        if lease is not None:
            self._held[key] = lease
        return lease

    def give_back(self, lease: Lease) -> None:
        """Ends a lease of this runner; nothing happens where another has taken it over."""
        self._held.pop(lease.key, None)
        lease.end()

    def is_free(self, key: str) -> bool:
        """Whether a step that another runner had can be taken now; takes it from one that is dead."""
        lease = lease_of(self._out, key)
        if lease is None:
            return True
        owner = lease.owner()
        is_dead = owner is not None and owner.is_gone()
        return (is_dead or self._silence.of(lease.folder, lease.beats()) > self._patience) and lease.end()

    def _beat(self) -> None:
        count = 0
        while not self._ended.wait(self._patience / BEATS):
            count += 1
            for lease in list(self._held.values()):
                with suppress(OSError):  # a file server that is away for a moment
                    lease.beat(count)


def tidy(out: Path) -> None:
    """Removes every lease of a folder; the caller knows that no runner is at work there."""
    for lease in all_leases(out):
        lease.end()
    with suppress(OSError):  # there is none, or somebody put a file there
        for empty in _inside(layout.work(out)):
            empty.rmdir()
        layout.work(out).rmdir()


def _inside(folder: Path) -> Iterator[Path]:
    """Folders in it that are called as keys and tokens are, no links; none where it is gone."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            if re.fullmatch(r"[0-9a-f]{32,64}", entry.name) and entry.is_dir(follow_symlinks=False):
                yield Path(entry.path)
