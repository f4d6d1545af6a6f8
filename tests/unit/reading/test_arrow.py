"""Types of Arrow's columns: what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from made_predictions import as_parquet
from made_refusals import GOOD, Cases, Refusal, write
from piescope.reading.arrow import floats_of

CASES = Cases()


def test_numbers_have_a_value_of_ones_own_where_they_are_empty() -> None:
    column = pa.chunked_array([pa.array([1, None]), pa.array([], pa.int64()), pa.array([3])])
    assert floats_of(column, -1.0).tolist() == [1.0, -1.0, 3.0]
    assert np.isnan(floats_of(column)[1]) and floats_of(column.drop_null()).dtype == np.float64
    assert floats_of(pa.array([], pa.int32())).shape == (0,)


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
