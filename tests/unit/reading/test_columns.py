"""Cells as numbers: what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from made_predictions import as_parquet
from made_refusals import GOOD, Cases, Refusal, write

CASES = Cases()


@CASES.add
def a_list_that_is_longer(root: Path) -> Refusal:
    table = pa.table({"logits": [[0.5, 1.5], [1.0, 0.0], [1.0, 0.0, 2.0]]})
    return {"dense": as_parquet(table, root / "d.parquet"), "compressed": np.array([0, 1, 1])}, (
        "d.parquet: logits, row 2",
        "a list of 3 numbers, after lists of 2",
    )


@CASES.add
def a_missing_list(root: Path) -> Refusal:
    table = pa.table({"logits": [[0.5, 1.5], None]})
    return {"dense": as_parquet(table, root / "d.parquet"), "compressed": np.array([0, 1])}, (
        "d.parquet: logits, row 1",
        "an empty cell",
        "a list of numbers",
    )


@CASES.add
def text_among_scores(root: Path) -> Refusal:
    return {
        "dense": write(root, "d.csv", "id,cat,dog,cow\na,.1,.2,.7\nb,.1,.2,?\nc,.1,.2,.7\n"),
        "compressed": write(root, "c.csv", GOOD),
    }, ("d.csv: cow, row 1", "'?'", "a number in each row")


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)
