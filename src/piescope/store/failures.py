"""failures/KEY.json and logs/KEY.log: what became of a step that has not succeeded yet. Loads no torch."""

from __future__ import annotations

import datetime
import re
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from piescope.store import layout
from piescope.store.durable import write_file
from piescope.store.run_records import DamagedRecordError, SealedRecord
from piescope.store.step_records import Record

TRIES = 3
"""How often a step is tried in all, if it may succeed the next time."""


class Try(Record):
    """One that failed: why, and when (UTC)."""

    reason: str
    time: str


class Failure(SealedRecord):
    """failures/KEY.json; files of earlier versions have neither ``key`` nor ``tries``.

    Attributes:
        key: of the step.
        label: of the step, for people.
        reason: of the last try.
        time: of the last try, UTC.
        tries: all that failed, in order.
        forgiven: how many of them count no more: those before the last run that began without others at work.
        may_pass: whether the last one may succeed when it is tried again.
    """

    CURE: ClassVar[str] = "the log of the step says why it failed, and the next run tries it again"

    key: str = ""
    label: str
    reason: str
    time: str
    tries: tuple[Try, ...] = ()
    forgiven: int = 0
    may_pass: bool = False

    @property
    def counted(self) -> int:
        """Tries that count."""
        return len(self.tries) - self.forgiven

    @property
    def is_final(self) -> bool:
        """Whether no runner tries again, as long as any is at work."""
        return self.counted > 0 and not (self.may_pass and self.counted < TRIES)


def failure_of(out: Path, key: str) -> Failure | None:
    """What is recorded of a step; None: nothing, or nothing that is as it was written."""
    with suppress(OSError, DamagedRecordError):
        return Failure.read(layout.failure(out, key))
    return None


def record(out: Path, key: str, label: str, reason: str, trace: str, may_pass: bool) -> Failure:
    """Adds a try that failed; the owner of the step's lease calls it, so that no two write at a time."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    before = failure_of(out, key)
    tries = (*(before.tries if before else ()), Try(reason=reason, time=now))
    failure = Failure(
        key=key,
        label=label,
        reason=reason,
        time=now,
        tries=tries,
        forgiven=before.forgiven if before else 0,
        may_pass=may_pass,
    )
    log = layout.log(out, key)
    said = log.read_bytes() if log.is_file() else b""
    write_file(log, said + f"{now} {label}\n{trace}\n".encode(errors="backslashreplace"))
    write_file(layout.failure(out, key), failure.as_bytes())
    return failure


def forgive(out: Path) -> None:
    """What failed before counts no more: it is kept, and tried again."""
    for path in sorted(layout.failures(out).glob("*.json")):
        failure = failure_of(out, path.stem)
        if failure is not None and failure.counted:
            write_file(path, failure.model_copy(update={"forgiven": len(failure.tries)}).as_bytes())


def note(out: Path, key: str, label: str, line: str) -> None:
    """Adds to a step's log what should be known of it though it goes on; `notes` finds it."""
    path, now = layout.log(out, key), datetime.datetime.now(datetime.UTC)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", errors="backslashreplace") as log:
        log.write(f"{now.isoformat(timespec='seconds')} {label}: {line}\n")


def notes(out: Path, key: str, label: str) -> list[str]:
    """The lines that were noted of a step, each once, without traces; of a log that cannot be read none."""
    with suppress(OSError):
        said = layout.log(out, key).read_text(encoding="utf-8", errors="backslashreplace")
        return list(dict.fromkeys(re.findall(rf"^\S+ {re.escape(label)}: (.+)$", said, flags=re.M)))
    return []


def clear(out: Path, key: str) -> None:
    """Forgets what is recorded of a step that succeeded."""
    layout.failure(out, key).unlink(missing_ok=True)
    layout.log(out, key).unlink(missing_ok=True)
