"""Whatever a step raises is told in one line and with its trace, and whether it is worth another try."""

from __future__ import annotations

import errno
import pickle
from pathlib import Path

import pytest

from made_executors import FIRST, three_models
from piescope.store.artefacts import Store
from piescope.store.leases import take
from piescope.study import steps
from piescope.study.executors.protocol import Finished, Stopped, Task, Unsuccessful
from piescope.study.executors.worker import do, told
from piescope.training.checkpoints import StoppedError, When

STEP = next(step for step in three_models().steps if step.label == FIRST)


class OutOfMemoryError(RuntimeError):
    """As torch's is called."""


@pytest.mark.parametrize(
    ("error", "passes", "memory", "full"),
    [
        (ValueError("no such class"), False, False, False),
        (OSError(errno.EIO, "Input/output error", "a.json"), True, False, False),
        (OSError(errno.ENOSPC, "No space left on device", "a.json"), False, False, True),
        (MemoryError(), True, True, False),
        (OutOfMemoryError("CUDA out of memory. Tried ..."), True, True, False),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: ..."), True, True, False),
    ],
)  # fmt: skip
def test_what_is_worth_another_try(error: Exception, passes: bool, memory: bool, full: bool) -> None:
    ended = pickle.loads(pickle.dumps(told("0123", error)))
    assert (ended.passes, ended.memory, ended.full is not None) == (passes, memory, full)
    assert type(error).__name__ in ended.reason
    if isinstance(error, OSError):
        assert "a.json" in ended.reason
        assert ended.full is None or ended.full.filename == "a.json"


def test_long_texts_and_many_lines_become_one_short_one() -> None:
    ended = told("0123", ValueError("line\n" * 10_000))
    assert "\n" not in ended.reason and len(ended.reason) <= 8000 and len(ended.trace) <= 8000


def test_a_step_is_done_under_its_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "set_up_worker", lambda device: None)
    lease = take(tmp_path, STEP.key, STEP.label)
    assert lease is not None
    task, images = Task(STEP, lease), list[int]()

    def publishes(step: object, store: Store, device: str, on_images: object, when: When) -> None:
        assert (when.seconds, when.is_asked()) == (7.0, False)
        store.write(STEP.kind, STEP.key, {"a.json": b"[]"}, label=STEP.label, spec={})

    def stops(*_: object) -> None:
        raise StoppedError

    for perform, kind in ((stops, Stopped), (publishes, Finished)):
        monkeypatch.setattr(steps, "perform", perform)
        assert isinstance(do(task, tmp_path, "cpu", images.append, 7.0, lambda: False), kind)
    assert Store(tmp_path).has(STEP.kind, STEP.key) and not lease.files.exists()

    other = next(step for step in three_models().steps if step.label != FIRST)
    lost = take(tmp_path, other.key, other.label)
    assert lost is not None and lost.end()

    def too_late(step: object, store: Store, *_: object) -> None:
        store.write(other.kind, other.key, {"a.json": b"[]"}, label=other.label, spec={})

    monkeypatch.setattr(steps, "perform", too_late)
    ended = do(Task(other, lost), tmp_path, "cpu", images.append, 7.0, lambda: False)
    assert isinstance(ended, Unsuccessful) and "another runner has taken the step over" in ended.reason
    assert not Store(tmp_path).has(other.kind, other.key)
