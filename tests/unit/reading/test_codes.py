"""Labels as numbers: what is refused, and what looks wrong and works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from made_predictions import as_arrow, as_npy
from made_refusals import GOOD, Cases, Refusal, write
from piescope.audits import audit

CASES = Cases()


@CASES.add
def negative_class_id(root: Path) -> Refusal:
    return {"dense": write(root, "d.csv", "prediction\n1\n0\n-1\n"), "compressed": np.array([0, 1, 1])}, (
        "d.csv: prediction, row 2",
        "class id -1",
        "0 or more",
    )


@CASES.add
def negative_class_id_far_down(root: Path) -> Refusal:
    labels = np.zeros((300_000, 3), np.int16)
    labels[234_567, 1] = -7
    return {"dense": as_npy(labels, root / "d.npy"), "compressed": np.zeros(300_000, int)}, (
        "d.npy: array, row 234567",
        "class id -7",
    )


@CASES.add
def negative_class_id_in_the_second_of_three_columns(root: Path) -> Refusal:
    return {
        "dense": write(root, "d.csv", "id,s0,s1,s2\na,1,1,1\nb,0,0,0\nc,1,-4,1\n"),
        "compressed": np.array([0, 1, 1]),
    }, ("d.csv: s1, row 2", "class id -4")


CASES.text(
    "nan among names",
    "id,prediction\na,cat\nb,dog\nc, NaN\n",
    *("csv: prediction, row 2", "NaN, no number", "leave that example out of all files", "write it otherwise"),
)
CASES.text(
    "nan among names of several models",
    "id,model,prediction\na,s0,cat\na,s1,cat\nb,s0,dog\nb,s1,nan\n",
    *("csv: prediction, row 3", "nan, no number"),
)


@CASES.add
def nan_among_names_of_an_array(root: Path) -> Refusal:
    names = np.array([["cat", "dog", "dog"], ["cat", "nan", "dog"]])
    return {"dense": as_npy(names, root / "d.npy"), "compressed": np.array(["cat", "dog", "dog"])}, (
        "d.npy: array, row",
        "nan, no number",
    )


@CASES.add
def nan_among_names_of_true_labels(root: Path) -> Refusal:
    labels = as_arrow(pa.table({"label": ["cat"] * 70_000 + ["NAN", "dog"]}), root / "l.arrow")
    return {"dense": np.array(["cat", "dog"] * 35_001), "compressed": np.array(["cat"] * 70_002), "labels": labels}, (
        "l.arrow: label, row 70000",
        "NAN, no number",
    )


@CASES.add
def fractional_class_id(root: Path) -> Refusal:
    return {
        "dense": np.array([0, 1, 2]),
        "compressed": np.array([0, 1, 1]),
        "labels": write(root, "l.csv", "label\n0\n1.5\n2\n"),
    }, ("l.csv: label, row 1", "1.5", "whole class ids")


@CASES.add
def nan_among_labels(root: Path) -> Refusal:
    labels = np.zeros(5000)
    labels[1500] = np.nan
    return {"dense": as_npy(labels, root / "d.npy"), "compressed": np.zeros(5000, int)}, (
        "d.npy: array, row 1500",
        "nan",
        "whole class ids",
    )


@CASES.add
def huge_class_id(root: Path) -> Refusal:
    return {"dense": as_npy(np.array([0, 2**63], np.uint64), root / "d.npy"), "compressed": np.array([0, 1])}, (
        "d.npy: array, row 1",
        "class id 9223372036854775808",
        "below 32,768",
    )


@CASES.add
def an_empty_cell_among_labels(root: Path) -> Refusal:
    return {"dense": write(root, "d.csv", "id,prediction\na,1\nb,\nc,1\n"), "compressed": write(root, "c.csv", GOOD)}, (
        "d.csv: prediction, row 1",
        "an empty cell",
        "leave that example out",
    )


@CASES.add
def an_empty_cell_among_names(root: Path) -> Refusal:
    return {
        "dense": write(root, "d.csv", "id,prediction\na,cat\nb, \nc,dog\n"),
        "compressed": write(root, "c.csv", GOOD),
    }, ("d.csv: prediction, row 1", "an empty cell")


@CASES.add
def labels_given_as_probabilities(root: Path) -> Refusal:
    return {
        "dense": np.array([0, 1]),
        "compressed": np.array([0, 1]),
        "labels": write(root, "l.csv", "id,label\na,0.25\nb,0.75\n"),
    }, ("l.csv: label, row 0", "0.25", "whole class ids")


@CASES.add
def other_values_than_said(root: Path) -> Refusal:
    return {"dense": np.array([0.5, 0.25]), "compressed": np.array([0, 1]), "values": "labels"}, (
        "dense: array, row 0",
        "0.5",
        "whole class ids",
    )


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)


def test_labels_of_every_type_are_the_same_labels(tmp_path: Path) -> None:
    from decimal import Decimal

    labels = [2, 0, 1, 2]
    columns = {
        "int8": pa.array(labels, pa.int8()),
        "uint64": pa.array(labels, pa.uint64()),
        "double": pa.array(labels, pa.float64()),
        "decimal": pa.array([Decimal(label) for label in labels], pa.decimal128(10, 2)),
        "coded": pa.array(labels, pa.int64()).dictionary_encode(),
        "runs": pa.RunEndEncodedArray.from_arrays(pa.array([1, 2, 3, 4], pa.int32()), pa.array(labels)),
        "text": pa.array([str(label) for label in labels]),
    }
    for name, column in columns.items():
        path = as_arrow(pa.table({"prediction": column}), tmp_path / f"{name}.arrow")
        assert audit(path, np.array(labels))["changed"] == 0, name
    for dtype in (">i4", ">u2", "<i8", ">f8", "<f2", "g"):
        path = as_npy(np.array(labels, dtype), tmp_path / "d.npy")
        result = audit(path, np.array(labels), labels=path)
        assert (result["changed"], result["accuracy"]["dense"]) == (0, 100.0), dtype
