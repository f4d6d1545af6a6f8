"""What every command needs of the terminal: exit codes, errors with their cure, lines, and where networks run."""

from __future__ import annotations

import errno
import functools
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from piescope.cli.outlets import lost_output
from piescope.store.durable import NO_ROOM
from piescope.version import missing_extra
from piescope.wording import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Column

DONE, STEP_FAILED, BAD_INPUT, BAD_ENVIRONMENT, INTERNAL = 0, 1, 2, 3, 70
"""What a command ends with. 1 says that a step failed, what is stored is damaged, or a budget is broken, and nothing
else: a fault of piescope's own is 70 (EX_SOFTWARE of sysexits.h)."""

ENDINGS = {
    signal.SIGINT: ("interrupted", 130),
    signal.SIGTERM: ("terminated", 143),
    signal.SIGHUP: ("its terminal was closed", 129),
}
"""What a signal does to a command, in words, and the exit code that shells give it (128 and its number)."""

NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


class Device(StrEnum):
    """Where networks run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def guarded(
    after_interrupt: str = "nothing was kept, the same command starts anew",
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Turns what can go wrong in a command into one message with its cure and the documented exit code.

    Args:
        after_interrupt: what a user should know after Ctrl-C.
    """

    def shield(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def shielded(*args: Any, **kwargs: Any) -> None:
            with signals_as_interrupts(), explained(after_interrupt):
                command(*args, **kwargs)

        return shielded

    return shield


@contextmanager
def explained(after_interrupt: str) -> Iterator[None]:
    """Ends the command with a message and its exit code, whatever is raised inside.

    Args:
        after_interrupt: what a user should know after Ctrl-C.
    """
    from piescope.problems import InputError
    from piescope.store.artefacts import CorruptArtefactError
    from piescope.store.run_records import DamagedRecordError

    try:
        yield
    except InputError as error:
        fail(str(error), BAD_INPUT)
    except (CorruptArtefactError, DamagedRecordError) as error:
        fail(str(error), STEP_FAILED)
    except KeyboardInterrupt as interrupt:
        why, code = ending_of(interrupt)
        fail(f"{why}; {after_interrupt}", code)
    except OSError as error:
        fail(told_of_system(error), BAD_ENVIRONMENT)
    except MemoryError:
        fail("not enough memory; close other programs, or use a machine with more", BAD_ENVIRONMENT)
    except ImportError as error:
        if (error.name or "").split(".")[0] == "piescope":
            fail_as_fault_of_ours(error)
        command = missing_extra(error)
        if command is not None:
            fail(f"{error.name} is not installed, which this needs: {command}", BAD_ENVIRONMENT)
        fail(f"a library that piescope needs cannot be loaded: {error}; install it again", BAD_ENVIRONMENT)
    except Exception as error:
        if hasattr(error, "exit_code"):  # typer's own ways to end a command
            raise
        if type(error).__name__ == "OutOfMemoryError":  # torch's, without loading torch
            fail(f"not enough memory on the device: {str(error).splitlines()[0]}; use --device cpu", BAD_ENVIRONMENT)
        fail_as_fault_of_ours(error)


def told_of_system(error: OSError) -> str:
    """What the system refused, where, and what to do.

    Example:
        >>> print(told_of_system(OSError(errno.ENOSPC, "No space left on device", "out/report.html")))
        out/report.html: No space left on device; make room there, or choose another place
    """
    named = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else None
    nameless = "a temporary file" if error.errno in NO_ROOM else "the system"  # open files that are full have no name
    return f"{named or nameless}: {error.strerror or error}; {_cure(error, _another_place(named))}"


def _another_place(named: str | None) -> str:
    """Where else a file can go: what is in the user's cache goes where a variable says."""
    from piescope.data.locate import cache_folder

    with suppress(RuntimeError):  # there is no home
        cache = cache_folder().absolute()
        if named is not None and Path(named).absolute().is_relative_to(cache):
            return f"let the variable PIESCOPE_CACHE name another folder than {cache}"
    return "choose another place"


def _cure(error: OSError, elsewhere: str) -> str:
    if (error.errno in NO_ROOM and error.filename is None) or "temporary" in (error.strerror or ""):
        return f"make room there ({os.environ.get('TMPDIR', '/tmp')}), or let the variable TMPDIR name another folder"
    if error.errno == errno.EFBIG:
        return f"raise the limit of a file's size (ulimit -f), or {elsewhere}"
    if error.errno in NO_ROOM:
        return f"make room there, or {elsewhere}"
    if error.errno in NOT_ALLOWED:
        return f"make it writable, or {elsewhere}"
    if error.errno == errno.EMFILE:
        return "allow more open files (ulimit -n)"
    return "see to it that this can be read and written, then try the same command again"


def fail_as_fault_of_ours(error: Exception) -> NoReturn:
    """Ends the command with the trace and a code of its own: not an answer, and no fault of the input."""
    typer.echo(_lines("".join(traceback.format_exception(error))), err=True, nl=False)
    fail(
        f"this is a fault of piescope ({type(error).__name__}), not of your input, and no answer; please report it "
        "with the lines above, the command, and what `piescope --version` says",
        INTERNAL,
    )


def ending_of(interrupt: KeyboardInterrupt) -> tuple[str, int]:
    """Why a command ended, and with which code: by the signal that the interrupt bears, Ctrl-C where it bears none.

    Example:
        >>> ending_of(KeyboardInterrupt(signal.SIGTERM)), ending_of(KeyboardInterrupt())
        (('terminated', 143), ('interrupted', 130))
    """
    return ENDINGS[signal.Signals(interrupt.args[0]) if interrupt.args else signal.SIGINT]


@contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """SIGTERM and SIGHUP end a command as Ctrl-C does: what is half written is taken away."""
    heard = [number for number in ENDINGS if signal.getsignal(number) == signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        heard = []

    def receive(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(number)

    for number in heard:
        signal.signal(number, receive)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL)


def ignore_signals() -> None:
    """From here on the exit code stands: nothing is left that a signal could end."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)


def concluded(command: Callable[[], object]) -> int:
    """Runs a whole command line and returns its exit code, which no reader of its output can change.

    A reader that went early (`| head -1`) is nothing that needs saying. Output that a full disk swallowed is: a code
    of 0 becomes 3 then; any other stays.
    """
    try:
        command()
        code = DONE
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else DONE if end.code is None else INTERNAL
    except KeyboardInterrupt as interrupt:  # before the command began, or after its end
        why, code = ending_of(interrupt)
        typer.echo(f"error: {why}", err=True)
    except Exception:
        traceback.print_exc()
        code = INTERNAL
    lost = lost_output()
    if lost is not None:
        typer.echo(f"error: standard output: {lost.strerror}; send it elsewhere, or make room there", err=True)
    return BAD_ENVIRONMENT if lost is not None and code == DONE else code


def cores() -> int:
    """Processors that this process may use; of SLURM, which need not bind a job to its own, as many as the job has."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    given = os.environ.get("SLURM_CPUS_ON_NODE", "")
    return min(allowed, int(given)) if given.isdecimal() and int(given) else allowed


def device_type(wanted: Device) -> str:
    """The device's type; torch is only asked where there is a driver to ask about."""
    if wanted is Device.cpu or (wanted is Device.auto and not Path("/dev/nvidiactl").exists()):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted is Device.cuda:
        fail(
            "--device cuda: torch finds no CUDA device; install a CUDA build of torch, or use --device cpu",
            BAD_ENVIRONMENT,
        )
    return "cpu"


def gpus() -> list[str]:
    """The CUDA devices that this process may use, by the names that CUDA_VISIBLE_DEVICES takes."""
    import torch

    count = torch.cuda.device_count()
    named = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return named[:count] or [str(number) for number in range(count)]


def memory_of_cards(device: str) -> list[int]:
    """Bytes of each CUDA device; of processors none."""
    if device == "cpu":
        return []
    import torch

    return [torch.cuda.get_device_properties(card).total_memory for card in range(torch.cuda.device_count())]


def console_here(stderr: bool = False) -> Console:
    """The terminal that stdout (or stderr) is."""
    from rich.console import Console

    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal's encoding has not is no reason to end
        sys.stdout.reconfigure(errors="replace")
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)  # text is what it says


def show_table(
    console: Console, heads: Sequence[str | Column], rows: Iterable[Sequence[str]], title: str | None = None
) -> None:
    """A table, with a title at its left."""
    from rich.table import Table

    table = Table(*heads, title=None if title is None else printable(title), title_justify="left")
    for row in rows:
        table.add_row(*map(printable, row))
    console.print(table)


LAST = 15
"""Characters that the last column of a list of names is to have, at least."""


def show_names(console: Console, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table whose rows begin with a name to be typed, whole at any width: lines, where a table has no room for it."""
    from rich.table import Column

    *first, last = heads
    widths = [max(len(cell) for cell in column) for column in zip(first, *(row[:-1] for row in rows), strict=True)]
    if sum(widths) + LAST + 3 * len(heads) + 1 <= console.width:
        show_table(console, [*(Column(head, no_wrap=True) for head in first), last], rows)
        return
    for name, *facts, about in rows:
        told = [f"{head} {fact}" for head, fact in zip(first[1:], facts, strict=True) if fact]
        say(console, f"{name}\n  {', '.join([*told, about])}")


def say(console: Console, text: str) -> None:
    """Lines as they are."""
    console.print(_lines(text), markup=False, highlight=False, soft_wrap=True)


def _lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def fail(message: str, code: int) -> NoReturn:
    """Ends the command with a message."""
    typer.echo(f"error: {_lines(message)}", err=True)
    raise typer.Exit(code) from None
