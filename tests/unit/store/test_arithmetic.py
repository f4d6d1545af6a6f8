"""How a folder's networks compute is written down once, and never differs within it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from piescope.store import layout, ownership
from piescope.store.arithmetic import Arithmetic, ArithmeticRecord, arithmetic_in, record_in, settle
from piescope.store.artefacts import Store
from piescope.store.run_records import DamagedRecordError

OTHER = Arithmetic(memory_format="default", compiled=True)
WANTED = ArithmeticRecord(arithmetic=OTHER, why="1.30 times as fast", day="2026-01-02")


def trained(out: Path, kind: str = "train", **environment: Any) -> None:
    Store(out).write(kind, "0" * 32, {"a.json": b"[]"}, label="a training", spec={}, environment=environment)


def test_what_was_chosen_is_kept_before_the_first_training_and_by_every_later_run(tmp_path: Path) -> None:
    settle(tmp_path, None)
    assert arithmetic_in(tmp_path) is None
    trained(tmp_path, "data")
    settle(tmp_path, WANTED)
    assert record_in(tmp_path) == WANTED
    for later in (None, WANTED.model_copy(update={"arithmetic": Arithmetic()})):
        settle(tmp_path, later)
        assert record_in(tmp_path) == WANTED
    assert str(WANTED) == "default memory format, compiled: 1.30 times as fast (kept since 2026-01-02)"


@pytest.mark.parametrize("kind", ["train", "finetune"])
def test_a_folder_with_trainings_of_before_is_never_tuned(kind: str, tmp_path: Path) -> None:
    trained(tmp_path, kind, device="cpu")
    settle(tmp_path, WANTED)
    assert arithmetic_in(tmp_path) is None


def test_a_record_that_was_lost_is_written_as_its_trainings_were_made(tmp_path: Path) -> None:
    trained(tmp_path, device="cpu", **OTHER.model_dump())
    settle(tmp_path, WANTED.model_copy(update={"arithmetic": Arithmetic()}))
    assert arithmetic_in(tmp_path) == OTHER


def test_steps_that_are_not_captured_are_not_told_of() -> None:
    """As before there was that choice: checkpoints compare environments, and kept paces bear settings' hashes."""
    assert OTHER.model_dump() == {"memory_format": "default", "compiled": True}
    graphs = Arithmetic(captured=True)
    assert Arithmetic.model_validate(graphs.model_dump()) == graphs != Arithmetic()


def test_a_damaged_record_is_refused_with_its_cure(tmp_path: Path) -> None:
    layout.arithmetic(tmp_path).write_bytes(WANTED.as_bytes().replace(b"true", b"false"))
    with pytest.raises(DamagedRecordError, match="remove it: the next run takes what"):
        settle(tmp_path, None)


def test_it_belongs_to_the_folder_and_a_file_of_somebody_else_does_not(tmp_path: Path) -> None:
    path = layout.arithmetic(tmp_path)
    path.write_bytes(WANTED.as_bytes())
    assert path in ownership.belongings(tmp_path)
    path.write_text('{"sums": [1, 2]}')
    assert path not in ownership.belongings(tmp_path)
