"""Predictions and labels from tables: what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from made_predictions import as_arrow, as_parquet
from made_refusals import GOOD, Cases, Refusal, write
from piescope import audit

CASES = Cases()


@CASES.add
def empty_id(root: Path) -> Refusal:
    return {"dense": write(root, "d.csv", GOOD), "compressed": write(root, "c.csv", "id,prediction\na,1\n,0\nc,1\n")}, (
        "c.csv: id, row 1",
        "an empty id",
    )


@CASES.add
def null_id(root: Path) -> Refusal:
    path = as_parquet(pa.table({"id": ["a", "b", None], "prediction": [1, 0, 1]}), root / "c.parquet")
    return {"dense": write(root, "d.csv", GOOD), "compressed": path}, ("c.parquet: id, row 2", "an empty id")


@CASES.add
def a_pair_twice_in_a_long_table(root: Path) -> Refusal:
    path = write(root, "d.csv", "example,model,label\na,s0,1\nb,s0,0\na,s1,1\na,s1,0\n")
    return {"dense": path, "compressed": path}, ("d.csv: rows", "none for example 'b' and model 's1'", "each pair")


@CASES.add
def an_incomplete_long_table(root: Path) -> Refusal:
    path = write(root, "d.csv", "example,model,label\na,s0,1\nb,s0,0\na,s1,1\n")
    return {"dense": path, "compressed": path}, ("d.csv: rows", "3 rows for 2 examples and 2 models", "4, one for each")


@CASES.add
def a_long_table_without_ids(root: Path) -> Refusal:
    path = write(root, "d.csv", "model,prediction\ns0,1\ns1,0\n")
    return {"dense": path, "compressed": path}, ("d.csv: columns", "a column 'model' and no ids", "--id-column")


@CASES.add
def two_truths_in_a_long_table(root: Path) -> Refusal:
    path = write(root, "d.csv", "example,model,prediction,true_label\na,s0,1,1\na,s1,1,0\n")
    return {"dense": path, "compressed": path}, ("d.csv: true_label", "two true labels for example 'a'")


@CASES.add
def models_with_other_numbers_of_classes(root: Path) -> Refusal:
    table = pa.table({"m0": [[0.5, 0.5], [1.0, 0.0]], "m1": [[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]})
    return {"dense": as_parquet(table, root / "d.parquet"), "compressed": np.array([0, 1])}, (
        "d.parquet: m1",
        "lists of 3 numbers",
        "2, as in m0",
    )


@CASES.add
def a_list_that_is_longer_in_another_batch(root: Path) -> Refusal:
    table = pa.table({"logits": [[0.5, 1.5]] * 50 + [[1.0, 0.0, 2.0]] * 50})
    return {"dense": as_arrow(table, root / "d.arrow"), "compressed": np.zeros(100, int)}, (
        "d.arrow: rows",
        "lists of 3 numbers, after lists of 2",
    )


@CASES.add
def a_parquet_file_without_rows(root: Path) -> Refusal:
    table = pa.table({"id": pa.array([], pa.string()), "prediction": pa.array([], pa.int64())})
    return {"dense": as_parquet(table, root / "d.parquet"), "compressed": np.array([1])}, (
        "d.parquet: rows",
        "none",
        "at least one example",
    )


@CASES.add
def nan_in_csv(root: Path) -> Refusal:
    return {"dense": write(root, "d.csv", "id,cat,dog\na,0.5,0.5\nb,nan,0.9\n"), "compressed": np.array([0, 1])}, (
        "d.csv: cat, row 1",
        "an empty cell or NaN",
        "a number in each row",
    )


@CASES.add
def nan_in_a_list(root: Path) -> Refusal:
    table = pa.table({"logits": [[0.5, 1.5], [None, 0.0]]})
    return {"dense": as_parquet(table, root / "d.parquet"), "compressed": np.array([0, 1])}, (
        "d.parquet: logits, row 1",
        "an empty cell or NaN",
    )


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)


def test_a_control_character_in_a_column_that_is_not_used_is_spelt_out_once(tmp_path: Path) -> None:
    for side in ("d", "c"):
        (tmp_path / f"{side}.csv").write_text(
            "id,label,pred,x\x1by\n" + "".join(f"{n},a,a,free{n} text\n" for n in range(9))
        )
    found = audit(tmp_path / "d.csv", tmp_path / "c.csv")
    notes = " ".join(found.record.inputs.dense.how_read)
    assert "'x\\x1by'" in notes and "\\\\" not in notes
