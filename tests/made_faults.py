"""Faults at the system calls of whoever writes: killed at each, or each refused by the system. Needs strace.

A program loads what it needs and says where its work begins; from there on every call that touches a folder or a file in
it is counted. Its work is then done once for each of them, and strace kills it there, or lets the call fail.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
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

BEGIN = """
import ctypes, gc, json, os, signal, sys
from contextlib import contextmanager
from pathlib import Path

import typer

from piescope.cli.terminal import explained

C = ctypes.CDLL(None)
PR_SET_PTRACER, PR_SET_PTRACER_ANY = 0x59616D61, ctypes.c_ulong(-1)

@contextmanager
def command():
    try:
        with explained("the same command goes on"):
            yield
    except typer.Exit as end:
        sys.exit(end.exit_code)
    sys.stderr.flush()
    os._exit(0)

def tell(number):
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()

def begin():
    global out
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            out, null = Path(asked["out"]), os.open(os.devnull, os.O_RDWR)
            for number, opened in ((0, null), (1, null), (2, os.open(asked["err"], os.O_WRONLY | os.O_CREAT))):
                os.dup2(opened, number)
            if asked["stops"]:
                C.prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)
                os.kill(os.getpid(), signal.SIGSTOP)
            return
        if asked["stops"]:
            os.waitpid(child, os.WUNTRACED)
            tell(child)
        tell(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    os._exit(0)
"""
"""What every program starts with; after its imports it says `begin()`, which returns, by a fork, once for every time that
the work is asked for; it works inside `command()`, in the folder ``out``. Stopped before, it waits for strace."""


@dataclass(frozen=True)
class Ended:
    """How a program's work ended.

    Attributes:
        returncode: its exit code; of a signal, less than 0.
        stderr: what it said.
    """

    returncode: int
    stderr: str


class Program:
    """A program that has loaded what it needs, and does its work, in a process of its own, when it is asked to.

    Args:
        code: after `BEGIN`.
    """

    def __init__(self, code: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        script = Path(self._folder.name) / "program.py"
        script.write_text(BEGIN + code)
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, str(script)], stdin=pipe, stdout=pipe, text=True, env=environment()
        )
        atexit.register(self._end)

    def work(self, out: Path, strace: Sequence[str] | None = None) -> Ended:
        """Once, in a folder; under strace with these options."""
        said = Path(self._folder.name) / "stderr"
        said.unlink(missing_ok=True)
        asked = {"out": str(out), "err": str(said), "stops": strace is not None}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        if strace is not None:
            assert STRACE is not None
            child = self._heard()
            tracer = subprocess.Popen([STRACE, "-qq", "-s", "32", "-p", str(child), *strace], stderr=subprocess.PIPE)
            while "TracerPid:\t0\n" in Path(f"/proc/{child}/status").read_text():
                if tracer.poll() is not None:
                    os.kill(child, signal.SIGKILL)
                    raise AssertionError(f"strace cannot attach: {tracer.communicate()[1].decode()}")
                time.sleep(0.001)
            os.kill(child, signal.SIGCONT)
            code = self._heard()
            tracer.communicate(timeout=HANG)
        else:
            code = self._heard()
        return Ended(code, said.read_text(errors="backslashreplace"))

    def _heard(self) -> int:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], HANG)
        line = self._process.stdout.readline() if ready else ""
        assert line, "the program ended, or hangs"
        return int(line)

    def _end(self) -> None:
        self._process.communicate()
        self._folder.cleanup()


@cache
def program(code: str) -> Program:
    """One for each."""
    return Program(code)


@dataclass(frozen=True)
class Call:
    """One system call of a program.

    Attributes:
        name: which.
        number: the how manieth of its kind since the work began.
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
        code: after `BEGIN`; says `begin()` when its imports are done, and works in the folder ``out`` then.
        prepare: makes the folder as it is before.
        sound: asserts what holds in the folder at any moment.
        ignored: paths in the folder that may differ from time to time.
    """

    name: str
    code: str
    prepare: Callable[[Path], None] = lambda out: out.mkdir()
    sound: Callable[[Path], None] = lambda out: None
    ignored: str = r"(?!)"

    def work(self, out: Path, strace: Sequence[str] | None = None) -> Ended:
        """See `Program`."""
        return program(self.code).work(out, strace)

    def calls(self, folder: Path) -> list[Call]:
        """Its calls that touch the folder."""
        out, log = folder / "traced", folder / "trace.txt"
        self.prepare(out)
        done = self.work(out, ["-y", "-o", str(log), "-e", f"trace={','.join(CALLS)}"])
        assert done.returncode == 0, done.stderr
        counts: Counter[str] = Counter()
        found = []
        for line in log.read_text(errors="replace").splitlines():
            made = re.match(r"(\w+)\((.*)", line)
            if made is None:
                continue
            counts[made[1]] += 1
            if str(out) in line:
                found.append(Call(made[1], counts[made[1]], made[2]))
        assert found, "the program touched nothing"
        return found

    def undisturbed(self, folder: Path) -> dict[str, str]:
        """What the program leaves when nothing happens."""
        out = folder / "undisturbed"
        self.prepare(out)
        done = self.work(out)
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


def environment() -> dict[str, str]:
    """That of every try: the same calls in the same order."""
    here = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    return {**here, "PYTHONHASHSEED": "0", "PYTHONPATH": str(Path(__file__).parent), "NO_COLOR": "1"}


def tried(writer: Writer, folder: Path, calls: list[Call], inject: str) -> Iterator[tuple[Call, Path, Ended]]:
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
        fault = f"inject={call.name}:{inject}:when={call.number}"
        yield call, out, writer.work(out, ["-o", os.devnull, "-e", f"trace={call.name}", "-e", fault])
        shutil.rmtree(out, ignore_errors=True)
