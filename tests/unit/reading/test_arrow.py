"""Types of Arrow's columns: what is refused."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from made_predictions import as_parquet
from made_refusals import GOOD, Cases, Refusal, write

CASES = Cases()


@CASES.add
def ids_that_are_lists(root: Path) -> Refusal:
    path = as_parquet(pa.table({"id": [[1], [2], [3]], "prediction": [1, 0, 1]}), root / "c.parquet")
    return {"dense": write(root, "d.csv", GOOD), "compressed": path}, (
        "c.parquet: id",
        "values of type list<",
        "name another column",
    )


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)
