"""Where the data of a command lie: found, fetched with a progress bar if need be, and checked before any work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from piescope.cli.terminal import say

if TYPE_CHECKING:
    from rich.console import Console

    from piescope.data.locate import OnBytes
    from piescope.study.spec import Study


def place_of_data(data_dir: Path | None, former: Path | None) -> Path | None:
    """Where the data lie: by --data-dir, or by --data, which meant the same here before it came to name a data set."""
    from piescope.data.sources import SOURCES
    from piescope.problems import DataError

    error = DataError("the command line")
    if former is not None and data_dir is not None:
        error.add("--data", "--data-dir too", "one of the two", "leave --data out")
    elif former is not None and str(former) in SOURCES and not former.exists():
        cure = "leave it out: the study, or NAME, says which; where it lies is --data-dir DIR"
        error.add("--data", f"{former}, a data set", "the folder of one", cure)
    error.raise_if_any()
    return former if data_dir is None else data_dir


def check_data(console: Console, study: Study, folder: Path, data: Path | None, fresh: bool) -> None:
    """Finds the data, fetches them if need be, and checks them, before any work; workers find them where they were."""
    from piescope.data.locate import VARIABLE
    from piescope.study.status import needs_data

    if data is not None:  # also where all is done: what a run finds damaged is made again
        os.environ[VARIABLE] = str(data.resolve())
    if not fresh and not needs_data(study, folder):
        return
    with downloading(console) as on_bytes:
        splits = study.data.load(data, on_bytes)
    twice = splits.duplicates()
    if twice:
        where = f"{twice} of {len(splits.test)} test images stand in the training images too, pixel for pixel"
        say(console, f"warning: {where}; models may know them by heart")


@contextmanager
def downloading(console: Console) -> Iterator[OnBytes]:
    """A progress bar that appears when something is fetched; plain lines without a terminal."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = "fetching the data", BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", visible=False)
        last = -1

        def on_bytes(done: int, total: int) -> None:
            nonlocal last
            progress.update(task, completed=done, total=total or None, visible=True)
            tenth = 10 * done // total if total else done >> 24
            if not console.is_terminal and tenth != last:
                last = tenth
                say(console, f"fetching the data: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB")

        yield on_bytes
