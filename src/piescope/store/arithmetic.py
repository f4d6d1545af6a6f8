"""arithmetic.json: how a folder's networks compute, where measuring has chosen that. It changes bits, so it stays."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from piescope.machine import today
from piescope.spec import Spec
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.durable import write_file
from piescope.store.run_records import SealedRecord
from piescope.store.soundness import read_manifest


class Arithmetic(Spec):
    """In which order sums are computed; what is not chosen is as it always was.

    Attributes:
        memory_format: of networks and what goes through them.
        compiled: whether trainings go through torch.compile.
        captured: whether their steps are CUDA graphs; only on a GPU.
    """

    memory_format: Literal["channels_last", "default"] = "channels_last"
    compiled: bool = False
    captured: bool = False

    @model_serializer(mode="wrap")
    def _as_before_there_was_a_choice(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without graphs where there are none: environments and kept paces of before are what they were."""
        fields: dict[str, Any] = plain(self)
        return {name: value for name, value in fields.items() if name != "captured" or value}

    def __str__(self) -> str:
        """For people.

        Example:
            >>> str(Arithmetic(captured=True)), str(Arithmetic(memory_format="default", compiled=True))
            ('channels_last, captured', 'default memory format, compiled')
        """
        format_of = "channels_last" if self.memory_format == "channels_last" else "default memory format"
        return format_of + (", compiled" if self.compiled else "") + (", captured" if self.captured else "")


class ArithmeticRecord(SealedRecord):
    """What a folder's trainings keep, whoever runs them.

    Attributes:
        arithmetic: what was chosen.
        why: for people.
        day: when.
    """

    CURE: ClassVar[str] = "remove it: the next run takes what the folder's trainings were made with"

    arithmetic: Arithmetic
    why: str
    day: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.arithmetic}: {self.why} (kept since {self.day})"


def record_in(out: Path) -> ArithmeticRecord | None:
    """What was chosen for a folder; None: nothing.

    Raises:
        DamagedRecordError: it is not what was written.
    """
    return ArithmeticRecord.read(layout.arithmetic(out))


def arithmetic_in(out: Path) -> Arithmetic | None:
    """The same without the reasons."""
    record = record_in(out)
    return None if record is None else record.arithmetic


def trained_with(out: Path) -> dict[str, Any] | None:
    """The environment of a folder's trainings, which have one arithmetic, all of them; None: none is finished."""
    for path in Store(out).manifests():
        if path.parent.parent.name in ("train", "finetune"):
            with suppress(ValueError, OSError):
                return read_manifest(path.parent).environment
    return None


def settle(out: Path, wanted: ArithmeticRecord | None) -> None:
    """Writes down what was chosen, where no training is finished yet; and anew, what was lost. The caller is alone.

    Args:
        out: the study's folder.
        wanted: None: nothing was chosen.

    Raises:
        DamagedRecordError: what is written is damaged.
    """
    if record_in(out) is not None:
        return
    environment = trained_with(out)
    record = wanted if environment is None else _of(environment)
    if record is not None:
        write_file(layout.arithmetic(out), record.as_bytes())


def _of(environment: dict[str, Any]) -> ArithmeticRecord | None:
    """What trainings were made with, if that was chosen."""
    told = {name: environment[name] for name in Arithmetic.model_fields if name in environment}
    arithmetic = Arithmetic.model_validate(told)
    return ArithmeticRecord(arithmetic=arithmetic, why="as its trainings were made", day=today()) if told else None
