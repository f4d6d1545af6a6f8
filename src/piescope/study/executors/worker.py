"""What a worker process does with a step that it is handed, whichever executor has started it."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from pathlib import Path

from piescope.store.artefacts import Store
from piescope.store.durable import NO_ROOM
from piescope.study.executors.protocol import Finished, Stopped, Task, Unsuccessful

LONGEST_TRACE = 8000
"""Characters of a trace that are kept, the last ones: a message between processes stays in one piece."""


def do(
    task: Task,
    out: Path,
    device: str,
    on_images: Callable[[int], None],
    checkpoint_seconds: float,
    is_asked_to_stop: Callable[[], bool],
) -> Finished | Stopped | Unsuccessful:
    """Does a step and publishes its artefact; whatever it raises becomes what is told of it.

    Args:
        task: what to do.
        out: the study's folder.
        device: ``"cpu"`` or ``"cuda"``.
        on_images: hears of images trained on.
        checkpoint_seconds: between two checkpoints of a training.
        is_asked_to_stop: whether a training is to leave one now, and end.
    """
    key, began = task.step.key, time.monotonic()
    try:
        from piescope.study.steps import perform, set_up_worker
        from piescope.training.checkpoints import When

        set_up_worker(device)
        perform(task.step, Store(out, task.lease), device, on_images, When(checkpoint_seconds, is_asked_to_stop))
    except Exception as error:
        return Stopped(key) if type(error).__name__ == "StoppedError" else told(key, error)
    return Finished(key, time.monotonic() - began)


def told(key: str, error: Exception) -> Unsuccessful:
    """What is told of a step that raised.

    Example:
        >>> told("0123", ValueError("no such class")).reason, told("0123", OSError(5, "Input/output error")).passes
        ('ValueError: no such class', True)
    """
    memory = _is_of_memory(error)
    full = error if isinstance(error, OSError) and error.errno in NO_ROOM else None
    passes = memory or (isinstance(error, OSError) and full is None)
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    trace = "".join(traceback.format_exception(error))[-LONGEST_TRACE:]
    return Unsuccessful(key, reason[:LONGEST_TRACE], trace, passes, memory, full)


def _is_of_memory(error: Exception) -> bool:
    """Of torch there are errors of its own for it: a class on a GPU, a text on a CPU."""
    named = type(error).__name__ == "OutOfMemoryError"
    return isinstance(error, MemoryError) or named or "can't allocate memory" in str(error)
