"""What every command needs of the terminal: exit codes, errors with their cure, lines, and where networks run."""

from __future__ import annotations

import functools
import io
import os
import signal
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

STEP_FAILED, BAD_INPUT, BAD_ENVIRONMENT, INTERRUPTED, TERMINATED = 1, 2, 3, 130, 143


class Device(StrEnum):
    """Where networks run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Turns what can go wrong into one message with its cure and the documented exit code."""

    @functools.wraps(command)
    def shielded(*args: Any, **kwargs: Any) -> None:
        from piescope.problems import InputError
        from piescope.store.artefacts import CorruptArtefactError

        try:
            command(*args, **kwargs)
        except InputError as error:
            fail(str(error), BAD_INPUT)
        except CorruptArtefactError as error:
            fail(str(error), STEP_FAILED)
        except KeyboardInterrupt as interrupt:
            terminated = interrupt.args == (signal.SIGTERM,)
            why = "terminated" if terminated else "interrupted"
            fail(f"{why}; the same command goes on where it stopped", TERMINATED if terminated else INTERRUPTED)
        except BrokenPipeError:
            # the reader (head, less) has gone: that is no error, but Python would print one at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            fail(f"{error.filename or 'the system'}: {error.strerror or error}", BAD_ENVIRONMENT)

    return shielded


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


def console_here(stderr: bool = False) -> Console:
    """The terminal that stdout (or stderr) is."""
    from rich.console import Console

    class OpenEnded(Console):
        """Leaves a reader that has gone to `guarded`; rich would end with 1, which here means a failed step."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal's encoding has not is no reason to end
        sys.stdout.reconfigure(errors="replace")
    return OpenEnded(stderr=stderr)


def say(console: Console, text: str) -> None:
    """A line as it is."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def fail(message: str, code: int) -> NoReturn:
    """Ends the command with a message."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(code) from None
