"""Which files a call goes through, in the order in which it enters them, and how often it steps back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import piescope

ROOT = Path(piescope.__file__).parent


@dataclass
class Walk:
    """The way of a call through the files of src/piescope.

    A file is entered when a function, a property or a generator of it runs. A *step back* is a call from a file into
    another one that was entered before the caller was; each pair (from, to) is one step, however often it is taken.
    Calls within a file and returns are none, and what runs while a module is imported does not count. A call that goes
    by way of others' code (a generated ``__init__``, NumPy, a checker of shapes) is one of the last file before it.

    Attributes:
        files: in order of first entry, below src/piescope.
        back: the steps back, (from, to), in the order in which they were taken.
    """

    files: list[str] = field(default_factory=list)
    back: list[tuple[str, str]] = field(default_factory=list)

    def enter(self, frame: FrameType, event: str, _: object) -> None:
        """Notes a call: what `sys.setprofile` asks of a profiler."""
        name = _file_of(frame)
        if event != "call" or name is None or _is_import(frame):
            return
        if name not in self.files:
            self.files.append(name)
        before = frame.f_back
        while before is not None and _file_of(before) is None:
            before = before.f_back
        caller = name if before is None else str(_file_of(before))
        step = (caller, name)
        if caller in self.files and self.files.index(name) < self.files.index(caller) and step not in self.back:
            self.back.append(step)

    def __str__(self) -> str:
        steps = "\n".join(f"  {caller} -> {name}" for caller, name in self.back)
        files = "\n".join(f"  {place:2d} {name}" for place, name in enumerate(self.files, 1))
        return f"{len(self.files)} files\n{files}\n{len(self.back)} steps back\n{steps}"


def walk_of(call: Callable[[], object]) -> Walk:
    """The files that a call goes through. It is made twice: the first time imports what it needs."""
    call()
    walk = Walk()
    sys.setprofile(walk.enter)
    try:
        call()
    finally:
        sys.setprofile(None)
    return walk


def _file_of(frame: FrameType) -> str | None:
    path = Path(frame.f_code.co_filename)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else None


def _is_import(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "<module>" and _file_of(frame) is not None:
            return True
        frame = frame.f_back
    return False
