"""Faults at the system calls of whoever writes: killed at each, or each refused by the system. Needs strace.

A program marks where its work begins; from there on every call that touches a folder or a file in it is counted. It is
then run again once for each of them, and strace kills it there, or lets the call fail.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conftest import HANG

Survived = Callable[[str, int], None]
"""Told what was injected, and how often: the fixture `survived`."""

STRACE = shutil.which("strace")

CALLS = (
    *("open", "openat", "read", "pread64", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "mkdir", "mkdirat"),
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "link", "linkat", "symlink"),
)
"""Calls that reach the disk."""

READING = ("read", "pread64")

MARK = "/the work begins here"

BEGIN = f"""
import os, sys
from contextlib import contextmanager
from pathlib import Path

import typer

from piescope.cli.terminal import explained

out = Path(sys.argv[1])

@contextmanager
def command():
    try:
        with explained("the same command goes on"):
            yield
    except typer.Exit as end:
        sys.exit(end.exit_code)

def begin():
    try:
        os.open({MARK!r}, os.O_RDONLY)
    except OSError:
        pass
"""
"""What every program starts with; after its imports it says `begin()`, and works inside `command()`."""


@dataclass(frozen=True)
class Call:
    """One system call of a program.

    Attributes:
        name: which.
        number: the how manieth of its kind since the program started.
        text: its arguments and what came of it; descriptors with the path that they stand for.
    """

    name: str
    number: int
    text: str

    @property
    def changes(self) -> bool:
        """Whether the disk is another one after it."""
        return self.name not in READING and not (self.name in ("open", "openat") and "O_CREAT" not in self.text)

    def __str__(self) -> str:
        return f"{self.name} {self.number}: {self.text[:160]}"


@dataclass(frozen=True)
class Writer:
    """A program that writes.

    Attributes:
        name: of what is tried.
        code: after `BEGIN`; says `begin()` when its imports are done, and works in the folder ``out``.
        prepare: makes the folder as it is before.
        sound: asserts what holds in the folder at any moment.
        ignored: paths in the folder that may differ from time to time.
    """

    name: str
    code: str
    prepare: Callable[[Path], None] = lambda out: out.mkdir()
    sound: Callable[[Path], None] = lambda out: None
    ignored: str = r"(?!)"

    def command(self, folder: Path, out: Path) -> list[str]:
        script = folder / f"{self.name.replace(' ', '-')}.py"
        script.write_text(BEGIN + self.code)
        return [sys.executable, str(script), str(out)]

    def calls(self, folder: Path) -> list[Call]:
        """Its calls after the mark."""
        out, log = folder / "traced", folder / "trace.txt"
        self.prepare(out)
        done = strace(["-y", "-o", str(log), "-e", f"trace={','.join(CALLS)}"], self.command(folder, out))
        assert done.returncode == 0, done.stderr
        counts: Counter[str] = Counter()
        found, begun = [], False
        for line in log.read_text(errors="replace").splitlines():
            made = re.match(r"(\w+)\((.*)", line)
            if made is None:
                continue
            counts[made[1]] += 1
            begun = begun or MARK in line
            if begun and MARK not in line and str(out) in line:
                found.append(Call(made[1], counts[made[1]], made[2]))
        assert begun, "the program did not say where its work begins"
        return found

    def undisturbed(self, folder: Path) -> dict[str, str]:
        """What the program leaves when nothing happens."""
        out = folder / "undisturbed"
        self.prepare(out)
        done = run(self.command(folder, out))
        assert done.returncode == 0, done.stderr
        return self.tree(out)

    def tree(self, out: Path) -> dict[str, str]:
        """SHA-256 of each file, by its place; empty folders have none."""
        files = {str(path.relative_to(out)): path for path in sorted(out.rglob("*"))}
        return {
            name: hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            for name, path in files.items()
            if not re.search(self.ignored, name)
        }


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=HANG, check=False, env=environment())


def strace(options: list[str], command: list[str]) -> subprocess.CompletedProcess[str]:
    assert STRACE is not None
    return run([STRACE, "-qq", "-s", "32", *options, *command])


def environment() -> dict[str, str]:
    """That of every try: the same calls in the same order."""
    here = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    return {**here, "PYTHONHASHSEED": "0", "PYTHONPATH": str(Path(__file__).parent), "NO_COLOR": "1"}


def tried(
    writer: Writer, folder: Path, calls: list[Call], inject: str
) -> Iterator[tuple[Call, Path, subprocess.CompletedProcess[str]]]:
    """The program once for each call, with a fault there: the folder that it leaves, and how it ended.

    Args:
        writer: the program.
        folder: for all tries.
        calls: where.
        inject: what strace does there: ``signal=KILL``, ``error=ENOSPC``.
    """
    for place, call in enumerate(calls):
        out = folder / f"{inject.replace('=', '-')}-{place}"
        writer.prepare(out)
        options = [
            "-o",
            "/dev/null",
            "-e",
            f"trace={call.name}",
            "-e",
            f"inject={call.name}:{inject}:when={call.number}",
        ]
        yield call, out, strace(options, writer.command(folder, out))
        shutil.rmtree(out, ignore_errors=True)
