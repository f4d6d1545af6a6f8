"""What users get wrong: one case an item. Each ends before any work, says where, what, what else and the cure, and leaves nothing."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from safetensors.numpy import save_file

from conftest import at_most
from made_predictions import as_arrow, as_csv, as_npy, as_parquet, made, table_of_scores
from piescope.audits import audit
from piescope.problems import InputError

GOOD = "id,prediction\na,1\nb,0\nc,1\n"
SECONDS = 10
"""Of a processor, that a refusal may take."""


def write(root: Path, name: str, content: str | bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(root: Path, **asked: Any) -> str:
    """The message; nothing was written, here or among temporary files."""
    out = root / "new" / "out"
    before = set(root.rglob("*"))
    with tempfile.TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", scratch)
        with at_most(SECONDS), pytest.raises(InputError) as caught:
            audit(out=out, **asked)
        assert not list(Path(scratch).iterdir()), "temporary files are left"
    assert set(root.rglob("*")) == before, "something was written"
    for problem in caught.value.problems:
        assert all((problem.where, problem.found, problem.expected, problem.cure)), str(caught.value)
    return str(caught.value)


Case = Callable[[Path], tuple[dict[str, Any], tuple[str, ...]]]
CASES: dict[str, Case] = {}


def case(make: Case) -> Case:
    CASES[make.__name__.strip("_").replace("_", " ")] = make
    return make


def text_case(name: str, content: str | bytes, *fragments: str, suffix: str = "csv", **more: Any) -> None:
    """A file that is wrong by itself, whatever stands on the other side."""

    def make(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
        path = write(root, f"wrong.{suffix}", content)
        return {"dense": path, "compressed": write(root, "good.csv", GOOD), **more}, ("wrong.", *fragments)

    CASES[name] = make


# -- rows and ids -----------------------------------------------------------------------------------------------------


@case
def wrong_row_count(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    paths = write(root, "d.csv", "prediction\n1\n0\n"), write(root, "c.csv", "prediction\n1\n0\n1\n")
    return {"dense": paths[0], "compressed": paths[1]}, ("c.csv", "3 rows", "2, as d.csv has", "an id column")


@case
def wrong_row_count_of_labels(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    asked = {
        "dense": np.array([0, 1, 1]),
        "compressed": np.array([0, 1, 1]),
        "labels": write(root, "l.csv", "label\n0\n1\n"),
    }
    return asked, ("l.csv", "2 rows", "3, as dense has")


@case
def duplicate_ids(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    paths = write(root, "d.csv", GOOD), write(root, "c.csv", "id,prediction\na,1\na,0\nc,1\n")
    return {"dense": paths[0], "compressed": paths[1]}, ("c.csv: ids", "'a' among them", "a column named model")


@case
def missing_ids(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    paths = write(root, "d.csv", GOOD), write(root, "c.csv", "id,prediction\na,1\nc,1\n")
    return {"dense": paths[0], "compressed": paths[1]}, ("c.csv", "1 of the examples of d.csv missing, 'b'", "--common")


@case
def ids_that_only_the_other_side_has(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    paths = write(root, "d.csv", "id,prediction\na,1\nc,1\n"), write(root, "c.csv", GOOD)
    return {"dense": paths[0], "compressed": paths[1]}, ("d.csv", "1 of the examples of c.csv missing, 'b'", "--common")


@case
def ids_written_otherwise(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    paths = write(root, "d.csv", "id,prediction\n001,1\n002,0\n"), write(root, "c.csv", "id,prediction\n1,1\n2,0\n")
    return {"dense": paths[0], "compressed": paths[1]}, (
        "c.csv",
        "ids like '1'",
        "('001')",
        "write the ids alike: '1' here is '001' in d.csv",
    )


@case
def empty_id(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": write(root, "d.csv", GOOD), "compressed": write(root, "c.csv", "id,prediction\na,1\n,0\nc,1\n")}, (
        "c.csv: id, row 1",
        "an empty id",
    )


@case
def null_id(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    path = as_parquet(pa.table({"id": ["a", "b", None], "prediction": [1, 0, 1]}), root / "c.parquet")
    return {"dense": write(root, "d.csv", GOOD), "compressed": path}, ("c.parquet: id, row 2", "an empty id")


@case
def ids_that_are_lists(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    path = as_parquet(pa.table({"id": [[1], [2], [3]], "prediction": [1, 0, 1]}), root / "c.parquet")
    return {"dense": write(root, "d.csv", GOOD), "compressed": path}, (
        "c.parquet: id",
        "values of type list<",
        "name another column",
    )


@case
def no_such_id_column(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    path = write(root, "d.csv", GOOD)
    return {"dense": path, "compressed": path, "id_column": "image"}, (
        "d.csv: --id-column",
        "no column 'image'",
        "'id', 'prediction'",
    )


@case
def other_number_of_ids_than_of_rows_in_an_npz(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    np.savez(root / "d.npz", predictions=np.array([1, 0, 1]), ids=np.array(["a", "b"]))
    return {"dense": root / "d.npz", "compressed": np.array([1, 0, 1])}, ("d.npz: ids", "2 ids", "3, one an example")


@case
def other_number_of_labels_than_of_rows_in_an_npz(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    np.savez(root / "d.npz", predictions=np.array([1, 0, 1]), labels=np.array([1, 0]))
    return {"dense": root / "d.npz", "compressed": np.array([1, 0, 1])}, ("d.npz: labels", "2 labels for 3 examples")


@case
def ids_that_are_fractions(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    np.savez(root / "d.npz", predictions=np.array([1, 0, 1]), ids=np.array([0.5, 1, 2]))
    return {"dense": root / "d.npz", "compressed": np.array([1, 0, 1])}, ("d.npz: ids", "fractions")


@case
def nothing_in_common_with_common(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    paths = write(root, "d.csv", GOOD), write(root, "c.csv", "id,prediction\nx,1\n")
    return {"dense": paths[0], "compressed": paths[1], "common": True}, ("c.csv", "'x'", "'a'")


@case
def a_pair_twice_in_a_long_table(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    path = write(root, "d.csv", "example,model,label\na,s0,1\nb,s0,0\na,s1,1\na,s1,0\n")
    return {"dense": path, "compressed": path}, ("d.csv: rows", "none for example 'b' and model 's1'", "each pair")


@case
def an_incomplete_long_table(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    path = write(root, "d.csv", "example,model,label\na,s0,1\nb,s0,0\na,s1,1\n")
    return {"dense": path, "compressed": path}, ("d.csv: rows", "3 rows for 2 examples and 2 models", "4, one for each")


@case
def a_long_table_without_ids(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    path = write(root, "d.csv", "model,prediction\ns0,1\ns1,0\n")
    return {"dense": path, "compressed": path}, ("d.csv: columns", "a column 'model' and no ids", "--id-column")


@case
def two_truths_in_a_long_table(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    path = write(root, "d.csv", "example,model,prediction,true_label\na,s0,1,1\na,s1,1,0\n")
    return {"dense": path, "compressed": path}, ("d.csv: true_label", "two true labels for example 'a'")


@case
def models_of_different_length_in_a_folder(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    for place, count in enumerate((3, 3, 2)):
        as_npy(np.arange(count), write(root, f"runs/{place}.npy", ""))
    return {"dense": root / "runs", "compressed": np.array([0, 1, 2])}, ("2.npy", "2 rows", "3, as 0.npy has")


@case
def models_of_different_length_in_a_dict(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": {"a": np.array([0, 1, 1]), "b": np.array([0, 1])}, "compressed": np.array([0, 1, 1])}, (
        "b: dense",
        "2 rows",
        "3, as a has",
    )


@case
def models_of_different_length_in_an_npz(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    np.savez(root / "d.npz", first=np.array([0, 1, 1]), second=np.array([0, 1]))
    return {"dense": root / "d.npz", "compressed": np.array([0, 1, 1])}, (
        "d.npz: arrays",
        "first [3], second [2]",
        "as many examples in each",
    )


@case
def models_with_other_numbers_of_classes(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    table = pa.table({"m0": [[0.5, 0.5], [1.0, 0.0]], "m1": [[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]})
    return {"dense": as_parquet(table, root / "d.parquet"), "compressed": np.array([0, 1])}, (
        "d.parquet: m1",
        "lists of 3 numbers",
        "2, as in m0",
    )


@case
def sides_with_other_numbers_of_classes(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    dense, compressed = np.full((4, 2), 0.5), np.full((4, 5), 0.2)
    return {"dense": as_npy(dense, root / "d.npy"), "compressed": as_npy(compressed, root / "c.npy")}, (
        "c.npy: classes",
        "5 scores an example",
        "2, as d.npy has",
    )


@case
def a_list_that_is_longer(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    table = pa.table({"logits": [[0.5, 1.5], [1.0, 0.0], [1.0, 0.0, 2.0]]})
    return {"dense": as_parquet(table, root / "d.parquet"), "compressed": np.array([0, 1, 1])}, (
        "d.parquet: logits, row 2",
        "a list of 3 numbers, after lists of 2",
    )


@case
def a_list_that_is_longer_in_another_batch(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    table = pa.table({"logits": [[0.5, 1.5]] * 50 + [[1.0, 0.0, 2.0]] * 50})
    return {"dense": as_arrow(table, root / "d.arrow"), "compressed": np.zeros(100, int)}, (
        "d.arrow: rows",
        "lists of 3 numbers, after lists of 2",
    )


# -- nothing there ----------------------------------------------------------------------------------------------------


text_case("an empty file", "", "file", "0 bytes", "write the file again")
text_case("only a header", "id,prediction\n", "rows", "a header and no rows")
text_case("only line breaks", "\n\n \n", "rows", "none")
text_case("an empty list", "[]", "content", "a JSON list", suffix="json")
text_case("only ids", "id\na\nb\n", "columns", "'id'", "columns of predictions", "--id-column")


@case
def an_empty_folder(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    (root / "runs").mkdir()
    return {"dense": root / "runs", "compressed": np.array([1])}, ("runs: dense", "an empty folder", "'runs/*.csv'")


@case
def a_folder_of_other_files(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    write(root, "runs/readme.md", "hello")
    return {"dense": root / "runs", "compressed": np.array([1])}, (
        "runs: dense",
        "a folder with 1 files, none of them readable",
    )


@case
def a_pattern_that_matches_nothing(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": f"{root}/run*.npy", "compressed": np.array([1])}, (
        "run*.npy: dense",
        "no file that matches",
        "check the pattern",
    )


@case
def a_missing_file(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": np.array([1]), "compressed": root / "nowhere.csv"}, (
        "nowhere.csv: compressed",
        "no such file",
        "timm:",
        "check the path",
    )


@case
def an_empty_name(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": "", "compressed": np.array([1])}, ("dense: dense", "an empty name", "a variable may be empty")


@case
def no_compressed_side(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": np.array([1])}, ("audit: COMPRESSED", "nothing", "--compress")


@case
def a_parquet_file_without_rows(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    table = pa.table({"id": pa.array([], pa.string()), "prediction": pa.array([], pa.int64())})
    return {"dense": as_parquet(table, root / "d.parquet"), "compressed": np.array([1])}, (
        "d.parquet: rows",
        "none",
        "at least one example",
    )


@case
def a_parquet_file_without_columns(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    parquet.write_table(pa.table({}), root / "d.parquet")
    return {"dense": root / "d.parquet", "compressed": np.array([1])}, ("d.parquet: columns", "none")


@case
def an_array_without_rows(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": as_npy(np.zeros((0, 10)), root / "d.npy"), "compressed": np.array([1])}, (
        "d.npy: array",
        "shape [0, 10]",
    )


@case
def an_npz_without_arrays(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    np.savez(root / "d.npz")
    return {"dense": root / "d.npz", "compressed": np.array([1])}, ("d.npz: file", "an empty archive", "numpy.savez")


@case
def an_empty_dict(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": {}, "compressed": np.array([1])}, ("dense: dense", "an empty dict")


# -- classes and labels -----------------------------------------------------------------------------------------------


@case
def unknown_class_name(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    scores = write(root, "d.csv", "id,cat,dog\na,0.1,0.9\nb,0.9,0.1\n")
    return {"dense": scores, "compressed": scores, "labels": write(root, "l.csv", "id,label\na,dgo\nb,cat\n")}, (
        "l.csv: labels",
        "unknown class name 'dgo'",
        "did you mean 'dog'?",
    )


@case
def unknown_class_name_among_a_thousand(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    names = [f"kind {number:04d}" for number in range(999)] + ["zebra"]
    asked = {
        "dense": np.zeros((2, 1000)),
        "compressed": np.zeros((2, 1000)),
        "classes": names,
        "labels": ["zebr", "zebra"],
    }
    return asked, ("labels: labels", "unknown class name 'zebr'", "did you mean 'zebra'?")


@case
def names_against_ids(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    paths = write(root, "d.csv", "id,prediction\na,cat\nb,dog\n"), write(root, "c.csv", "id,prediction\na,0\nb,1\n")
    return {"dense": paths[0], "compressed": paths[1]}, (
        "d.csv: labels",
        "class names ('cat'), where c.csv has ids",
        "--classes FILE",
    )


@case
def one_odd_cell_among_ids(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    paths = write(root, "d.csv", "id,prediction\na,0\nb,?\n"), write(root, "c.csv", "id,prediction\na,0\nb,1\n")
    return {"dense": paths[0], "compressed": paths[1]}, ("d.csv: labels", "class names ('?'), where c.csv has ids")


@case
def other_class_columns(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    paths = write(root, "d.csv", "cat,dog\n0.1,0.9\n0.9,0.1\n"), write(root, "c.csv", "cat,cow\n0.1,0.9\n0.9,0.1\n")
    return {"dense": paths[0], "compressed": paths[1]}, (
        "c.csv: classes",
        "'cow' in one of c.csv and d.csv only",
        "rename the columns alike",
    )


@case
def too_few_classes(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": np.array([0, 5]), "compressed": np.array([0, 1]), "classes": ["cat", "dog"]}, (
        "--classes: classes",
        "2 names",
        "more than 5",
    )


@case
def a_class_twice(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {
        "dense": np.array([0, 1]),
        "compressed": np.array([0, 1]),
        "classes": write(root, "names.txt", "cat\ndog\ncat\n"),
    }, ("names.txt: --classes", "'cat' more than once")


@case
def classes_in_other_json(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {
        "dense": np.array([0, 1]),
        "compressed": np.array([0, 1]),
        "classes": write(root, "names.json", '{"cat": 0}'),
    }, ("names.json: --classes", "other JSON", '{"0": "cat", ...}')


@case
def a_missing_file_of_classes(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": np.array([0, 1]), "compressed": np.array([0, 1]), "classes": root / "names.txt"}, (
        "names.txt: --classes",
        "no such file",
    )


@case
def labels_beyond_the_scores(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    scores = as_npy(np.full((3, 2), 0.5), root / "d.npy")
    return {"dense": scores, "compressed": scores, "labels": np.array([1, 2, 1])}, (
        "d.npy: classes",
        "2 scores an example",
        "more than 2",
        "from 0",
    )


@case
def negative_class_id(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": write(root, "d.csv", "prediction\n1\n0\n-1\n"), "compressed": np.array([0, 1, 1])}, (
        "d.csv: prediction, row 2",
        "class id -1",
        "0 or more",
    )


@case
def negative_class_id_far_down(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    labels = np.zeros((300_000, 3), np.int16)
    labels[234_567, 1] = -7
    return {"dense": as_npy(labels, root / "d.npy"), "compressed": np.zeros(300_000, int)}, (
        "d.npy: array, row 234567",
        "class id -7",
    )


@case
def negative_class_id_in_the_second_of_three_columns(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {
        "dense": write(root, "d.csv", "id,s0,s1,s2\na,1,1,1\nb,0,0,0\nc,1,-4,1\n"),
        "compressed": np.array([0, 1, 1]),
    }, ("d.csv: s1, row 2", "class id -4")


@case
def fractional_class_id(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {
        "dense": np.array([0, 1, 2]),
        "compressed": np.array([0, 1, 1]),
        "labels": write(root, "l.csv", "label\n0\n1.5\n2\n"),
    }, ("l.csv: label, row 1", "1.5", "whole class ids")


@case
def a_fraction_among_whole_numbers(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": as_npy(np.array([0, 1, 2.5, 3]), root / "d.npy"), "compressed": np.array([0, 1, 1, 3])}, (
        "d.npy: array, row 2",
        "2.5 among whole numbers",
        "--values logits",
    )


@case
def nan_among_labels(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    labels = np.zeros(5000)
    labels[1500] = np.nan
    return {"dense": as_npy(labels, root / "d.npy"), "compressed": np.zeros(5000, int)}, (
        "d.npy: array, row 1500",
        "nan",
        "whole class ids",
    )


@case
def huge_class_id(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": as_npy(np.array([0, 2**63], np.uint64), root / "d.npy"), "compressed": np.array([0, 1])}, (
        "d.npy: array, row 1",
        "class id 9223372036854775808",
        "below 32,768",
    )


@case
def ids_taken_for_labels(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    lines = "".join(f"picture-{number}\n" for number in range(40_000))
    return {"dense": write(root, "d.csv", f"prediction\n{lines}"), "compressed": np.zeros(40_000, int)}, (
        "d.csv: prediction",
        "40,000 different texts in 40,000 rows",
        "class names, each of which occurs again",
    )


@case
def an_empty_cell_among_labels(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": write(root, "d.csv", "id,prediction\na,1\nb,\nc,1\n"), "compressed": write(root, "c.csv", GOOD)}, (
        "d.csv: prediction, row 1",
        "an empty cell",
        "leave that example out",
    )


@case
def an_empty_cell_among_names(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {
        "dense": write(root, "d.csv", "id,prediction\na,cat\nb, \nc,dog\n"),
        "compressed": write(root, "c.csv", GOOD),
    }, ("d.csv: prediction, row 1", "an empty cell")


@case
def one_hot_predictions(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {
        "dense": as_npy(np.eye(3, dtype=int)[np.arange(30) % 3], root / "d.npy"),
        "compressed": np.arange(30) % 3,
    }, ("d.npy: array", "one-hot rows", "[30, 3]", "--values probabilities")


@case
def one_hot_columns(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {
        "dense": write(root, "d.csv", "cat,dog,cow\n" + "1,0,0\n0,1,0\n0,0,1\n" * 4),
        "compressed": np.arange(12) % 3,
    }, ("d.csv: columns", "one-hot rows", "'cat', 'dog', 'cow'", "--values probabilities")


@case
def one_hot_labels(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    labels = as_npy(np.eye(3, dtype=int)[np.arange(30) % 3], root / "l.npy")
    return {"dense": np.arange(30) % 3, "compressed": np.arange(30) % 3, "labels": labels}, (
        "l.npy: array",
        "shape [30, 3]",
        "argmax(1)",
    )


@case
def labels_given_as_probabilities(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {
        "dense": np.array([0, 1]),
        "compressed": np.array([0, 1]),
        "labels": write(root, "l.csv", "id,label\na,0.25\nb,0.75\n"),
    }, ("l.csv: label, row 0", "0.25", "whole class ids")


@case
def several_columns_that_may_be_labels(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {
        "dense": np.array([0, 1]),
        "compressed": np.array([0, 1]),
        "labels": write(root, "l.csv", "first,second\n1,0\n0,1\n"),
    }, ("l.csv: columns", "'first', 'second'", "--label-column NAME")


@case
def no_such_label_column(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    asked = {
        "dense": np.array([0, 1]),
        "compressed": np.array([0, 1]),
        "labels": write(root, "l.csv", "label\n1\n0\n"),
        "label_column": "lable",
    }
    return asked, ("l.csv: --label-column", "no column 'lable'", "one of: 'label'")


@case
def several_files_of_labels(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    write(root, "labels/a.csv", "label\n1\n"), write(root, "labels/b.csv", "label\n1\n")
    return {"dense": np.array([0]), "compressed": np.array([0]), "labels": root / "labels"}, (
        "labels: labels",
        "2 files",
        "name the file",
    )


@case
def truths_that_disagree(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    paths = (
        write(root, "d.csv", "prediction,true_label\n1,1\n0,0\n"),
        write(root, "c.csv", "prediction,true_label\n1,1\n0,1\n"),
    )
    return {"dense": paths[0], "compressed": paths[1]}, ("c.csv: labels, row 1", "another true label than in d.csv")


@case
def labels_and_scores_in_a_folder(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    write(root, "runs/a.csv", "prediction\n1\n0\n"), as_npy(np.full((2, 2), 0.5), root / "runs" / "b.npy")
    return {"dense": root / "runs", "compressed": np.array([1, 0])}, (
        "a.csv: dense",
        "labels, where b.npy has scores",
        "'runs/*_logits.npy'",
    )


@case
def other_files_in_a_folder(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    write(root, "runs/config.json", '{"lr": 0.1}'), as_npy(np.array([0, 1]), root / "runs" / "b.npy")
    return {"dense": root / "runs", "compressed": np.array([1, 0])}, (
        "config.json: content",
        "a JSON dict",
        "runs/b.npy",
    )


@case
def a_note_in_a_folder(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    (
        write(root, "runs/notes.txt", "Some notes\non this run, which went well\n"),
        as_npy(np.array([0, 1]), root / "runs" / "b.npy"),
    )
    return {"dense": root / "runs", "compressed": np.array([1, 0])}, (
        "notes.txt: line 2",
        "2 cells",
        "1, as in the first row",
        "runs/b.npy",
    )


# -- scores -----------------------------------------------------------------------------------------------------------


@case
def probabilities_that_do_not_sum_to_1(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {
        "dense": write(root, "d.csv", "id,cat,dog\na,0.5,0.5\nb,0.5,0.9\nc,1.0,0\n"),
        "compressed": write(root, "c.csv", GOOD),
    }, ("d.csv: 'cat', 'dog', row 1", "sum to 1.4", "--values logits")


@case
def probabilities_that_do_not_sum_to_1_between_those_looked_at(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    scores = np.full((50_000, 4), 0.25, np.float32)
    scores[12_345] = [0.5, 0.5, 0.5, 0]
    return {"dense": as_npy(scores, root / "d.npy"), "compressed": np.zeros(50_000, int)}, (
        "d.npy: example 12345",
        "sum to 1.5",
        "--values logits",
    )


@case
def sigmoids(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": as_npy(np.full((10, 4), 0.9), root / "d.npy"), "compressed": np.zeros(10, int)}, (
        "d.npy: array, row 0",
        "sum to 3.6 (10 such of 10",
        "sigmoids",
    )


@pytest.mark.parametrize("where", [5, 24_999, 12_345])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_in_logits(value: float, where: int, tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(size=(25_000, 3)).astype(np.float32)
    logits[where, 1] = value
    told = refused(tmp_path, dense=np.zeros(25_000, int), compressed=as_npy(logits, tmp_path / "c.npy"))
    assert told.startswith("c.npy: ")
    assert f" {where}\n" in told
    assert "NaN" in told
    assert "leave the diverged model or the broken examples out" in told


def test_infinity_in_logits_that_are_matched_by_id_is_told_by_id(tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32)
    ids = np.array([f"image-{number}" for number in range(5000)])
    np.savez(tmp_path / "d.npz", logits=logits, ids=ids)
    order = np.random.default_rng(1).permutation(5000)
    turned = logits[order]
    turned[1234, 1] = np.inf
    np.savez(tmp_path / "c.npz", logits=turned, ids=ids[order])
    told = refused(tmp_path, dense=tmp_path / "d.npz", compressed=tmp_path / "c.npz")
    assert ids[order][1234] in told or "row 1234" in told


@case
def nan_in_csv(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": write(root, "d.csv", "id,cat,dog\na,0.5,0.5\nb,nan,0.9\n"), "compressed": np.array([0, 1])}, (
        "d.csv: cat, row 1",
        "an empty cell or NaN",
        "a number in each row",
    )


@case
def nan_in_a_list(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    table = pa.table({"logits": [[0.5, 1.5], [None, 0.0]]})
    return {"dense": as_parquet(table, root / "d.parquet"), "compressed": np.array([0, 1])}, (
        "d.parquet: logits, row 1",
        "an empty cell or NaN",
    )


@case
def a_missing_list(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    table = pa.table({"logits": [[0.5, 1.5], None]})
    return {"dense": as_parquet(table, root / "d.parquet"), "compressed": np.array([0, 1])}, (
        "d.parquet: logits, row 1",
        "an empty cell",
        "a list of numbers",
    )


@case
def text_among_scores(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {
        "dense": write(root, "d.csv", "id,cat,dog,cow\na,.1,.2,.7\nb,.1,.2,?\nc,.1,.2,.7\n"),
        "compressed": write(root, "c.csv", GOOD),
    }, ("d.csv: cow, row 1", "'?'", "a number in each row")


@case
def text_among_scores_far_down(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    rows = ["0.25,0.5,0.25"] * 200_000
    rows[150_000] = "0.25,0.5,oops"
    return {"dense": write(root, "d.csv", "cat,dog,cow\n" + "\n".join(rows)), "compressed": np.zeros(200_000, int)}, (
        "d.csv: column 'cow', line 150,002",
        "'oops'",
        "a number, as in the first rows",
    )


@case
def four_axes(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": as_npy(np.zeros((2, 2, 2, 2)), root / "d.npy"), "compressed": np.array([0, 1])}, (
        "d.npy: array",
        "shape [2, 2, 2, 2]",
        "[models, examples, classes]",
    )


@case
def embeddings_for_predictions(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    np.savez(root / "d.npz", embeddings=np.zeros((3, 8)))
    return {"dense": root / "d.npz", "compressed": np.array([0, 1, 1])}, (
        "d.npz: arrays",
        "embeddings [3, 8]",
        "name it logits, probabilities or predictions",
    )


@case
def weights_for_predictions(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    np.savez(root / "d.npz", **{"conv.weight": np.zeros((3, 8)), "conv.bias": np.zeros(3)})
    return {"dense": root / "d.npz", "compressed": np.array([0, 1, 1])}, (
        "d.npz: tensors",
        "weights of a network",
        "WRN-16-2@FILE",
    )


@case
def other_values_than_said(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": np.array([0.5, 0.25]), "compressed": np.array([0, 1]), "values": "labels"}, (
        "dense: array, row 0",
        "0.5",
        "whole class ids",
    )


@case
def an_unknown_kind_of_values(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": np.array([0, 1]), "compressed": np.array([0, 1]), "values": "logit"}, (
        "audit: --values",
        "'logit'",
        "did you mean 'logits'?",
    )


@case
def complex_numbers(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": as_npy(np.array([1j, 0]), root / "d.npy"), "compressed": np.array([0, 1])}, (
        "d.npy: array",
        "complex128",
        "integers, floats or text",
    )


@case
def rows_of_different_lengths(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": [[1, 2], [3]], "compressed": [1, 2]}, ("dense: dense", "inhomogeneous", "rows of one length")


@case
def none_among_labels(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"dense": [None, 1], "compressed": [1, 2]}, ("dense: dense", "values of type object", "numbers or names")


# -- files that are something else ------------------------------------------------------------------------------------


text_case(
    "a git lfs pointer",
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
    "file",
    "a git-LFS pointer",
    "git lfs pull",
    suffix="npy",
)
text_case(
    "an HTML page", "\n<!DOCTYPE html><html><body>404</body></html>", "file", "an HTML page", "download the file itself"
)
text_case(
    "an XML page",
    '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "file",
    "an XML page",
    "access is denied",
    suffix="parquet",
)
text_case("a pickle", pickle.dumps({"predictions": [1, 2]}), "file", "a pickle", "never opened", suffix="npy")
text_case("a pickle by name", pickle.dumps({"predictions": [1, 2]}), "file", "a pickle", "never opened", suffix="pkl")
text_case("gzip", gzip.compress(GOOD.encode()), "file", "a gzip file", "gunzip", suffix="csv.gz")
text_case("gzip by another name", gzip.compress(GOOD.encode()), "file", "a gzip file")
text_case("bzip2", bz2.compress(GOOD.encode()), "file", "a bzip2 file")
text_case("xz", lzma.compress(GOOD.encode()), "file", "an xz file")
text_case("HDF5", b"\x89HDF\r\n\x1a\n" + bytes(100), "file", "an HDF5 file", "numpy.savez", suffix="h5")
text_case("GGUF", b"GGUF\3\0\0\0" + bytes(100), "file", "a GGUF file", suffix="csv")
text_case("a PNG image", b"\x89PNG\r\n\x1a\n" + bytes(100), "file", "a PNG image", "--data", suffix="png")
text_case(
    "old Excel",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100),
    "file",
    "an old Excel",
    "save the table as CSV",
    suffix="xls",
)
text_case("binary data", b"a,b\n\x00\x01\x02\x03", "file", "binary data", "text, as .csv says")
text_case("text called npy", GOOD, "file", "bytes that are not of this format", "a .npy file", suffix="npy")
text_case("text called parquet", GOOD, "file", "bytes that are not of this format", "a .parquet file", suffix="parquet")
text_case("an unknown ending", "hello", "file", "a file with .dat", "predictions.csv", suffix="dat")
text_case("UTF-16", GOOD.encode("utf-16"), "encoding", "UTF-16", "save it again as UTF-8")
text_case("Latin-1", "id,prediction\nä,1\nb,0\n".encode("latin-1"), "byte 14", "no UTF-8", "Windows-1252")
text_case(
    "a row of more cells",
    "id,prediction\na,1\nb,1,2\nc,1\n",
    "line 3",
    "3 cells: b,1,2",
    "2, as in the first row",
    "quotes",
)
text_case("a row of fewer cells", "id,cat,dog\na,0.5,0.5\nb,1\n", "line 3", "2 cells: b,1", "3, as in the first row")
text_case("a column twice", "id,cat,cat\na,0.5,0.5\n", "columns", "'cat' more than once", "rename one of them")
text_case("JSON that ends early", '[{"id": "a", "prediction": 1}', "rows", "Expecting ',' delimiter", suffix="json")
text_case("JSON of another shape", '{"accuracy": 0.9}', "content", "a JSON dict", "one object a row", suffix="json")
text_case("JSON lines of numbers", "1\n0\n", "line 1", "b'1\\n0\\n'", "a JSON object", suffix="jsonl")
text_case("JSON lines of null", "null\n", "line 1", "a JSON object", suffix="jsonl")
text_case(
    "JSON lines that change their type",
    '{"prediction": 1}\n{"prediction": "cat"}\n',
    "rows",
    "changed from number to string",
    suffix="jsonl",
)
text_case(
    "deep JSON lines",
    '{"a": ' + "[" * 10_000 + "]" * 10_000 + "}",
    "line 1",
    "brackets within brackets",
    suffix="jsonl",
)
text_case("a huge number in JSON", '[{"prediction": 1' + "0" * 400 + "}]", "rows", suffix="json")


def archive_case(name: str, members: dict[str, bytes], *fragments: str, suffix: str = "npz") -> None:
    def make(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
        with zipfile.ZipFile(root / f"wrong.{suffix}", "w") as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        return {"dense": root / f"wrong.{suffix}", "compressed": np.array([0, 1])}, (f"wrong.{suffix}: ", *fragments)

    CASES[name] = make


archive_case(
    "TorchScript",
    {"net/code/net.py": b"", "net/constants.pkl": b"", "net/data.pkl": b""},
    "a TorchScript archive",
    "onnx:FILE",
)
archive_case(
    "a checkpoint of torch",
    {"net/data.pkl": b"", "net/data/0": b""},
    "a checkpoint of torch",
    "WRN-16-2@FILE",
    suffix="pt",
)
archive_case(
    "Excel",
    {"[Content_Types].xml": b"", "xl/workbook.xml": b""},
    "an Excel workbook",
    "save the sheet as CSV",
    suffix="xlsx",
)
archive_case("a zipped table", {"a.csv": b"1"}, "a zip archive that holds 'a.csv'", "unzip", suffix="zip")
archive_case("another zip", {"a.log": b"1"}, "a zip archive that holds 'a.log'", "numpy.savez", suffix="zip")
archive_case("a damaged member", {"x.npy": b"hello"}, "x", "malformed", "numpy.save")


@case
def an_object_array(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    np.save(root / "d.npy", np.array([1, "a", None], object), allow_pickle=True)
    return {"dense": root / "d.npy", "compressed": np.array([0, 1, 1])}, (
        "d.npy: array",
        "Python objects",
        "never loaded",
        "dtype=np.int64",
    )


@case
def an_object_array_in_an_npz(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    np.savez(root / "d.npz", predictions=np.array([1, None], object))
    return {"dense": root / "d.npz", "compressed": np.array([0, 1])}, ("d.npz: predictions", "Python objects")


@pytest.mark.parametrize("ending", ["npy", "npz", "small.npz", "parquet", "arrow", "safetensors"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated_files(ending: str, share: float, tmp_path: Path) -> None:
    data = made(examples=400)
    path = tmp_path / f"d.{ending}"
    match ending:
        case "npy":
            np.save(path, data.dense[0])
        case "npz":
            np.savez(path, logits=data.dense[0])
        case "small.npz":
            np.savez_compressed(path, logits=data.dense[0])
        case "parquet":
            as_parquet(table_of_scores(data, "dense"), path)
        case "arrow":
            as_arrow(table_of_scores(data, "dense"), path)
        case "safetensors":
            save_file({"logits": data.dense[0]}, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    told = refused(tmp_path, dense=path, compressed=data.labels("compressed")[0])
    assert told.startswith(f"{path.name}: ")
    assert "truncated" in told


@pytest.mark.parametrize("what", ["dense", "labels", "metadata", "classes", "dense_embeddings"])
@pytest.mark.parametrize("kind", ["fifo", "fifo.safetensors", "device", "loop", "folder"])
def test_what_is_no_file_does_not_hang(what: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("x.safetensors" if kind == "fifo.safetensors" else "x.csv")
    match kind:
        case "fifo" | "fifo.safetensors":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "loop":
            path.symlink_to(path)
        case "folder":
            path.mkdir()
    asked: dict[str, Any] = {"dense": np.array([0, 1]), "compressed": np.array([0, 1]), what: path}
    if what == "dense_embeddings":
        asked["compressed_embeddings"] = path
    told = refused(tmp_path, **asked)
    assert told.startswith(path.name)
    found = {"loop": ("no such file", "symbolic links"), "folder": ("a folder", "an empty folder")}
    assert any(text in told for text in found.get(kind, ("neither a file nor a folder",)))


@pytest.mark.parametrize("text", ["x" * 5000, "a\x00b.csv", "no\nsuch\x1b[2Jfile.csv", "~nobody/x.csv", "-", "[", "**"])
def test_odd_names(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for asked in (
        {"dense": text, "compressed": np.array([0, 1])},
        {"dense": np.array([0, 1]), "compressed": np.array([0, 1]), "labels": text},
        {"dense": np.array([0, 1]), "compressed": np.array([0, 1]), "classes": text},
    ):
        told = refused(tmp_path, **asked)
        assert "\x1b" not in told
        assert told.count("\n") == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write(tmp_path, "d.csv", GOOD)
    path.chmod(0)
    assert "Permission denied" in refused(tmp_path, dense=path, compressed=np.array([1, 0, 1]))


# -- metadata and embeddings ------------------------------------------------------------------------------------------


def with_metadata(content: str, *fragments: str, name: str = "meta.csv") -> Case:
    def make(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
        good = write(root, "good.csv", GOOD)
        return {"dense": good, "compressed": good, "labels": good, "metadata": write(root, name, content)}, (
            f"{name}: ",
            *fragments,
        )

    return make


CASES["metadata of ids only"] = with_metadata("id\na\nb\nc\n", "columns", "none but ids", "add a column to group by")
CASES["metadata of addresses only"] = with_metadata(
    "id,street\n" + "".join(f"{n},street {n}\n" for n in range(300)),
    "columns",
    "'street' is not used",
    "a few different values",
)
CASES["metadata without rows"] = with_metadata("id,camera\n", "a header and no rows")
CASES["metadata of fewer rows"] = with_metadata(
    "camera\nday\nnight\n", "metadata", "2 rows and no ids", "3 rows, as good.csv has", "add the ids"
)
CASES["metadata of other examples"] = with_metadata(
    "id,camera\na,day\nb,day\n", "metadata", "1 of the examples of good.csv missing, 'c'"
)
CASES["metadata with repeated ids"] = with_metadata("id,camera\na,day\na,day\nb,day\nc,day\n", "ids", "'a' among them")


@case
def metadata_in_an_array(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    path = as_npy(np.array([0, 1]), root / "meta.npy")
    return {"dense": np.array([0, 1]), "compressed": np.array([0, 1]), "metadata": path}, (
        "meta.npy: metadata",
        "a npy file",
        "a table",
    )


@case
def several_files_of_metadata(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    write(root, "meta/a.csv", "x\n1\n2\n"), write(root, "meta/b.csv", "x\n1\n2\n")
    return {"dense": np.array([0, 1]), "compressed": np.array([0, 1]), "metadata": root / "meta"}, (
        "meta: metadata",
        "2 files",
        "name the file",
    )


def with_embeddings(compressed: np.ndarray | None, *fragments: str) -> Case:
    def make(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
        asked: dict[str, Any] = {"dense": np.array([0, 1, 0]), "compressed": np.array([0, 1, 1])}
        asked["dense_embeddings"] = as_npy(np.ones((3, 4), np.float32), root / "de.npy")
        if compressed is not None:
            asked["compressed_embeddings"] = as_npy(compressed, root / "ce.npy")
        return asked, fragments

    return make


BROKEN = np.ones((3, 4))
BROKEN[2, 1] = np.nan
CASES["embeddings of one side"] = with_embeddings(None, "compressed: --compressed-embeddings", "the same of both sides")
CASES["embeddings of other rows"] = with_embeddings(np.ones((5, 4)), "ce.npy: compressed", "5 rows", "3, as dense has")
CASES["embeddings with NaN"] = with_embeddings(
    BROKEN, "ce.npy: example 2", "NaN or infinity", "leave the diverged model out"
)
CASES["embeddings of three axes"] = with_embeddings(
    np.ones((3, 4, 2)), "ce.npy: array", "float64 [3, 4, 2]", "average over space or tokens first"
)
CASES["embeddings of one axis"] = with_embeddings(np.ones(3), "ce.npy: array", "float64 [3]", "[examples, dims]")
CASES["embeddings of text"] = with_embeddings(
    np.array([["a"], ["b"], ["c"]]), "ce.npy: array", "numbers [examples, dims]"
)
CASES["embeddings without dims"] = with_embeddings(np.ones((3, 0)), "ce.npy: array", "[3, 0]")


@case
def embeddings_with_nan_far_down(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    points = np.ones((30_000, 2), np.float32)
    points[25_001, 1] = np.inf
    path = as_npy(points, root / "e.npy")
    labels = np.zeros(30_000, int)
    return {"dense": labels, "compressed": labels, "dense_embeddings": path, "compressed_embeddings": path}, (
        "e.npy: example 25001",
        "NaN or infinity",
    )


@case
def other_numbers_of_layers(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    for side, count in (("d", 3), ("c", 2)):
        for layer in range(count):
            as_npy(np.ones((3, 4)), write(root, f"{side}/layer{layer}.npy", ""))
    asked = {
        "dense": np.array([0, 1, 0]),
        "compressed": np.array([0, 1, 1]),
        "dense_layers": f"{root}/d",
        "compressed_layers": f"{root}/c",
    }
    return asked, ("layers: --compressed-layers", "2 files", "3, as many as dense layers")


@case
def ids_of_embeddings_that_are_too_few(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    np.savez(root / "e.npz", embeddings=np.ones((3, 4)), ids=np.array(["a", "b"]))
    good = write(root, "good.csv", GOOD)
    return {
        "dense": good,
        "compressed": good,
        "dense_embeddings": root / "e.npz",
        "compressed_embeddings": root / "e.npz",
    }, ("e.npz: ids", "2 ids", "3, one an example")


@case
def paired_sides_of_other_numbers(root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    asked = {
        "dense": np.zeros((3, 9), int),
        "compressed": np.zeros((2, 9), int),
        "paired": True,
        "labels": np.zeros(9, int),
    }
    return asked, ("compressed: --paired", "2 models", "3, as many as on the dense side")


@pytest.mark.parametrize("name", sorted(CASES))
def test_bad_input(name: str, tmp_path: Path) -> None:
    asked, fragments = CASES[name](tmp_path)
    told = refused(tmp_path, **asked)
    for fragment in fragments:
        assert fragment in told, told
    assert told.count("\n") == 3, told


# -- where to ---------------------------------------------------------------------------------------------------------


def test_folders_that_are_no_place_for_an_audit(tmp_path: Path) -> None:
    labels = np.array([0, 1])
    file = write(tmp_path, "file", "mine")
    write(tmp_path, "thesis/chapter.tex", "mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for out, fragments in (
        (file, ("file: --out", "a file", "a folder")),
        (file / "below", ("below: --out", "a file above it, file", "name another folder")),
        (tmp_path / "thesis", ("thesis: --out", "a folder with other files", "name another folder")),
        (tmp_path / "dangling", ("dangling: --out",)),
        (tmp_path / ("x" * 300), ("--out", "File name too long")),
    ):
        before = set(tmp_path.rglob("*"))
        with pytest.raises(InputError) as caught:
            audit(labels, labels, out=out)
        assert set(tmp_path.rglob("*")) == before
        for fragment in fragments:
            assert fragment in str(caught.value)
    assert file.read_text() == "mine"


def test_a_fault_leaves_the_audit_before_as_it_was(tmp_path: Path) -> None:
    good, out = write(tmp_path, "good.csv", GOOD), tmp_path / "out"
    audit(good, good, out=out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    logits = np.random.default_rng(0).normal(size=(5000, 3))
    logits[1500] = np.inf
    for wrong in (np.array([1, 0]), logits):
        with pytest.raises(InputError):
            audit(np.zeros(len(wrong), int) if wrong is logits else good, wrong, out=out)
        assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_folder_that_is_there_and_empty_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(InputError):
        audit(np.array([0, 1]), np.array([[0.5, np.nan], [0.5, 0.5]]), out=out)
    assert out.is_dir()
    assert not list(out.iterdir())


# -- what looks wrong and works ---------------------------------------------------------------------------------------


def test_one_model_a_side_says_what_cannot_be_told(tmp_path: Path) -> None:
    found = audit(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]), labels=np.array([0, 1, 1, 1]))
    assert not found["is_population"]
    assert found["confirmed"]["pies"] is None
    assert "one model on a side" in found["confirmed"]["why_not"]
    assert "train or compress several" in found["confirmed"]["why_not"]
    assert found["noise"] is None
    assert "labels of few models" in found["label_errors"]["why_not"]
    assert found["accuracy"]["interval_over"] == "examples"


def test_an_empty_group_and_a_class_without_examples(tmp_path: Path) -> None:
    meta = write(tmp_path, "meta.csv", "camera\nday\n\nnight\n\n".replace("\n\n", '\n""\n'))
    found = audit(
        np.array([0, 1, 1, 0]),
        np.array([0, 1, 0, 0]),
        labels=np.array([0, 1, 1, 0]),
        metadata=meta,
        classes=["cat", "dog", "cow"],
    )
    assert {row["value"] for row in found["groups"]} == {"day", "night", "(none)"}
    assert [row["class"] for row in found["classes"] if row["examples"] == 0] == ["cow"]
    assert next(row for row in found["classes"] if row["class"] == "cow")["dense_recall"] is None
    json.dumps(found.content, allow_nan=False)


def test_ties_go_to_the_smallest_class_id(tmp_path: Path) -> None:
    ties = np.array([[0.25, 0.25, 0.25, 0.25], [0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5]])
    assert audit(ties, np.array([0, 1, 0]))["changed"] == 0
    assert audit(np.log(ties + 1e-9), np.array([0, 1, 0]))["changed"] == 0
    dense = write(tmp_path, "d.csv", "cat,dog\n0.5,0.5\n0.5,0.5\n")
    turned = write(tmp_path, "c.csv", "dog,cat\n0.5,0.5\n0.5,0.5\n")
    assert audit(dense, turned)["changed"] == 0
    votes = np.array([[0, 2, 1], [1, 0, 2]])
    same = np.array([[0, 0, 1], [0, 0, 1]])
    assert audit(votes, same, labels=np.array([0, 0, 1]))["changed"] == 0


def test_ids_of_other_types_are_the_same_ids(tmp_path: Path) -> None:
    text = write(tmp_path, "text.csv", "id,prediction\n1,1\n2,0\n3,1\n")
    ids: dict[str, Any] = {"ints": [3, 1, 2], "floats": [3.0, 1.0, 2.0], "texts": ["3", "1", "2"]}
    for name, values in ids.items():
        path = as_parquet(pa.table({"id": values, "prediction": [1, 1, 0]}), tmp_path / f"{name}.parquet")
        found = audit(text, path)
        assert (found["changed"], found["inputs"]["matched_by"]) == (0, "id")
    kinds = {
        "coded": pa.array(ids["texts"]).dictionary_encode(),
        "large": pa.array(ids["texts"], pa.large_string()),
        "view": pa.array(ids["texts"], pa.string_view()),
    }
    for name, column in kinds.items():
        path = as_arrow(pa.table({"id": column, "prediction": [1, 1, 0]}), tmp_path / f"{name}.arrow")
        assert audit(text, path)["changed"] == 0
    np.savez(tmp_path / "bytes.npz", predictions=np.array([1, 1, 0]), ids=np.array([b"3", b"1", b"2"]))
    assert audit(text, tmp_path / "bytes.npz")["changed"] == 0


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
        found = audit(path, np.array(labels), labels=path)
        assert (found["changed"], found["accuracy"]["dense"]) == (0, 100.0), dtype


def test_probabilities_written_as_0_and_1_are_scores(tmp_path: Path) -> None:
    path = write(tmp_path, "d.csv", "id,cat,dog,cow\na,0,0.25,0.75\nb,1,0.0,0.0\nc,0,0.5,0.5\n")
    found = audit(path, path)
    assert found["class_names"] == ["cat", "dog", "cow"]
    assert found["inputs"]["dense"]["values"] == "probabilities"


def test_columns_whose_first_rows_do_not_show_what_they_hold(tmp_path: Path) -> None:
    rows = ["1,0,x"] * 150_000 + ["0.25,0.75,x"] * 150_000
    path = write(tmp_path, "d.csv", "cat,dog,note\n" + "\n".join(rows))
    assert path.stat().st_size > 2**21  # more than a block
    found = audit(path, np.array([0] * 150_000 + [1] * 150_000), values="probabilities")
    assert (found["changed"], found["class_names"]) == (0, ["cat", "dog"])
    meta = write(
        tmp_path,
        "m.csv",
        "row,house,camera\n"
        + "".join(f"{n},12,\n" for n in range(200_000))
        + "".join(f"{n},12a,night\n" for n in range(200_000, 300_000)),
    )
    labels = np.zeros(300_000, int)
    found = audit(labels, labels, labels=labels, metadata=meta)
    assert {(row["column"], row["value"], row["examples"]) for row in found["groups"]} == {
        ("house", "12", 200_000),
        ("house", "12a", 100_000),
        ("camera", "(none)", 200_000),
        ("camera", "night", 100_000),
    }


def test_a_header_longer_than_what_is_looked_at_first(tmp_path: Path) -> None:
    count = 3000
    header = ",".join(f"a rather long name of class number {number}" for number in range(count))
    rows = [",".join("1.0" if place == row else "0.0" for place in range(count)) for row in range(3)]
    path = write(tmp_path, "d.csv", f"{header}\n" + "\n".join(rows))
    found = audit(
        path, np.array([0, 1, 2]), classes=[f"a rather long name of class number {number}" for number in range(count)]
    )
    assert (found["changed"], len(found["class_names"])) == (0, count)


def test_lines_of_other_kinds(tmp_path: Path) -> None:
    for text in (
        GOOD,
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.rstrip(),
        "FEA1,prediction\na,1\nb,0\nc,1\n",
    ):
        path = write(tmp_path, "d.csv", text)
        assert audit(path, np.array([1, 0, 1]))["changed"] == 0
    commas = write(tmp_path, "d.csv", "id;cat;dog\r\na;0,25;0,75\r\nb;0,9;0,1\r\n".replace("\r\n", "\n"))
    assert audit(commas, np.array([1, 0]))["changed"] == 0


def test_one_score_an_example_of_several_models(tmp_path: Path) -> None:
    chance = np.random.default_rng(0).random((3, 40)).astype(np.float32)
    expected = (chance > 0.5).astype(int)
    values = ("probabilities", "labels")  # drawn at random: nothing else tells that these are models
    found = audit(as_npy(chance[..., None], tmp_path / "d.npy"), expected, labels=expected[0], values=values)
    assert found["changed"] == 0
    assert found["inputs"]["dense"]["n_models"] == 3
    long = pa.table(
        {
            "example": [f"e{example}" for _ in range(3) for example in range(40)],
            "model": [f"s{model}" for model in range(3) for _ in range(40)],
            "probability of dog": chance.reshape(-1).astype(np.float64),
        }
    )
    found = audit(as_csv(long, tmp_path / "long.csv"), expected, labels=expected[0], values=values)
    assert found["changed"] == 0
    assert found["inputs"]["dense"]["n_models"] == 3


def test_columns_of_bytes_beside_the_predictions_are_left_alone(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": ["a", "b"],
            "image": pa.array([b"\x89PNG", b"\xff\xd8"], pa.binary()),
            "label": [1, 0],
            "boxes": [[[1, 2]], [[3, 4]]],
        }
    )
    path = as_parquet(table, tmp_path / "d.parquet")
    found = audit(path, path)
    assert found["inputs"]["matched_by"] == "id"
    assert any("not read: 'image'" in told for told in found["inputs"]["dense"]["told"])


def test_nothing_of_a_pickle_or_of_torch_is_loaded_to_refuse_it(tmp_path: Path) -> None:
    write(tmp_path, "evil.pkl", b"cos\nsystem\n(S'touch touched'\ntR.")
    write(tmp_path, "evil.npy", pickle.dumps([1]))
    code = (
        "import sys\nfrom piescope.audits import audit\nfrom piescope.problems import InputError\n"
        "for name in ('evil.pkl', 'evil.npy'):\n"
        "    try: audit(name, name)\n    except InputError as error: print(error.problems[0].found)\n"
        "print(sorted(name for name in ('torch', 'pandas') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[1:] == ["a pickle", "[]"]
    assert not (tmp_path / "touched").exists()
