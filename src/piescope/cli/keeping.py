"""`piescope verify` and `piescope gc`: whether a study's folder is as it was written, and what in it can go."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from piescope.cli.terminal import BAD_ENVIRONMENT, STEP_FAILED, console_here, cores, fail, say
from piescope.study.folder import run_again
from piescope.wording import counted, printable

if TYPE_CHECKING:
    from piescope.study.collect import Unwanted


def verify_folder(directory: Path) -> None:
    """Compares every byte with its hash, and says what does not verify."""
    from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

    from piescope.study.verify import verify

    console, began = console_here(), time.monotonic()
    bar = Progress("verifying", DownloadColumn(), TransferSpeedColumn(), console=console, transient=True)
    bar.disable = not console.is_terminal
    with bar:
        task = bar.add_task("", total=None)
        found = verify(directory, cores(), lambda count: bar.advance(task, count))
    pace = found.bytes / 1e6 / max(time.monotonic() - began, 1e-3)
    said = f"{counted(found.files, 'file')} of {counted(found.steps, 'finished step')}, {found.bytes:,} bytes"
    again = f"; {found.before:,} of the steps before an interruption, and unchanged since" if found.before else ""
    say(console, f"compared {said} ({pace:,.0f} MB/s){again}")
    for note in found.notes:
        say(console, f"note: {note}")
    for fault in found.faults:
        say(console, printable(fault))
    if found.faults:
        cure = f"next: {run_again(directory)} sets aside what is damaged or does not fit, and makes it again"
        fail(f"{counted(len(found.faults), 'fault')} found; {cure}", STEP_FAILED)
    say(console, "all as it was written")


def collect(directory: Path, dry_run: bool) -> None:
    """Says what nothing wants any more, and removes it."""
    from piescope.store.durable import folder_lock
    from piescope.study.collect import remove, unwanted

    found = unwanted(directory)
    if dry_run or not found:
        _say_unwanted(directory, found)
        return
    with folder_lock(directory, patience=1.0) as lock:
        if lock is None or not lock.is_alone:
            fail(f"a `piescope run` is at work in {directory}; wait for it", BAD_ENVIRONMENT)
        found = unwanted(directory)
        _say_unwanted(directory, found)
        remove(found)
    say(console_here(), "removed")


def _say_unwanted(directory: Path, found: list[Unwanted]) -> None:
    console = console_here()
    for one in found:
        say(console, f"{printable(one.path.relative_to(directory))}: {one.what}, {one.bytes:,} bytes")
        for path in one.others:
            say(console, f"  {printable(path.relative_to(directory))} stays: piescope did not write it")
    total = sum(one.bytes for one in found)
    said = f"{counted(len(found), 'thing')} that nothing wants, {total:,} bytes"
    say(console, said if found else "there is nothing that can go")
