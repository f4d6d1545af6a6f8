"""An audit as a value: its rows, with and without a folder."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import piescope
from piescope.problems import InputError
from piescope.store import audit_layout

DENSE, COPY, TRUTH = [0, 1, 1, 0, 2, 2], [0, 1, 0, 1, 2, 0], [0, 1, 1, 1, 2, 1]


def rows(table: object) -> list[dict[str, object]]:
    return list(pa.table(table).to_pylist())


@pytest.mark.parametrize("has_folder", [True, False])
def test_rows_are_there_with_a_folder_and_without_one(has_folder: bool, tmp_path: Path) -> None:
    found = piescope.audit(DENSE, COPY, labels=TRUTH, out=tmp_path / "out" if has_folder else None)
    assert found.folder == (tmp_path / "out" if has_folder else None)
    assert [row["dense_label"] for row in rows(found.examples)] == [str(label) for label in DENSE]
    assert rows(found.pies) == [
        {"example_id": "2", "true": "1", "before": "1", "after": "0", "kind": "lost", "confirmed": False},
        {"example_id": "3", "true": "1", "before": "0", "after": "1", "kind": "won back", "confirmed": False},
        {"example_id": "5", "true": "1", "before": "2", "after": "0", "kind": "moved", "confirmed": False},
    ]


def test_classes_are_those_of_the_answers(tmp_path: Path) -> None:
    found = piescope.audit(DENSE, COPY, labels=TRUTH)
    classes = rows(found.classes)
    assert next(iter(classes[0])) == "class"
    assert [row["class"] for row in classes] == [row.name for row in found.record.classes]
    for row, told in zip(classes, found["classes"], strict=True):
        assert {name: row[name] for name in told} == told


def test_without_true_labels_examples_changed_and_no_class_lost() -> None:
    found = piescope.audit(DENSE, COPY)
    assert {row["kind"] for row in rows(found.pies)} == {"changed"}
    assert {row["true"] for row in rows(found.pies)} == {None}
    assert len(found.classes) == 0 and "impact" in pa.table(found.classes).column_names


def test_pies_are_as_many_as_the_answers_say() -> None:
    random = np.random.default_rng(0)
    dense, copy, truth = random.integers(0, 3, (3, 5000))
    found = piescope.audit(dense, copy, labels=truth)
    kinds = [row["kind"] for row in rows(found.pies)]
    flips = found.record.flips
    assert flips is not None
    assert len(kinds) == found.record.changed
    assert kinds.count("lost") == flips.correct_to_wrong and kinds.count("won back") == flips.wrong_to_correct


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    """What audits without a folder leave beside them."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return lambda: sorted(tmp_path.iterdir())


def test_what_was_not_asked_for_goes_with_the_value(scratch: Callable[[], list[Path]]) -> None:
    found = piescope.audit(DENSE, COPY, labels=TRUTH)
    assert len(scratch()) == 1 and len(found.examples) == 6
    del found
    gc.collect()
    assert scratch() == []


def test_a_fork_leaves_it_to_the_process_that_made_it(scratch: Callable[[], list[Path]]) -> None:
    found = piescope.audit(DENSE, COPY, labels=TRUTH)
    child = os.fork()
    if child == 0:
        del found
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    assert len(scratch()) == 1 and len(found.examples) == 6


def test_what_cannot_be_audited_leaves_nothing(scratch: Callable[[], list[Path]]) -> None:
    with pytest.raises(InputError):
        piescope.audit(DENSE, [0, 1], labels=TRUTH)
    assert scratch() == []


def test_rows_that_are_gone_or_damaged_are_named(tmp_path: Path) -> None:
    found = piescope.audit(DENSE, COPY, labels=TRUTH, out=tmp_path / "out")
    audit_layout.examples(tmp_path / "out").write_bytes(b"PAR1 no more")
    with pytest.raises(InputError, match=r"examples\.parquet"):
        len(found.examples)
    audit_layout.examples(tmp_path / "out").unlink()
    with pytest.raises(InputError, match=r"examples\.parquet"):
        len(found.pies)
    with pytest.raises(InputError, match=r"examples\.parquet"):
        len(piescope.Audit(found.record, None).examples)
    assert json.loads(audit_layout.audit(tmp_path / "out").read_bytes())["changed"] == 3
