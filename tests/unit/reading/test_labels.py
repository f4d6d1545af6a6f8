"""One list of classes for all files: what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_predictions import as_npy
from made_refusals import Cases, Refusal, write

CASES = Cases()


@CASES.add
def sides_with_other_numbers_of_classes(root: Path) -> Refusal:
    dense, compressed = np.full((4, 2), 0.5), np.full((4, 5), 0.2)
    return {"dense": as_npy(dense, root / "d.npy"), "compressed": as_npy(compressed, root / "c.npy")}, (
        "c.npy: classes",
        "5 scores an example",
        "2, as d.npy has",
    )


@CASES.add
def unknown_class_name(root: Path) -> Refusal:
    scores = write(root, "d.csv", "id,cat,dog\na,0.1,0.9\nb,0.9,0.1\n")
    return {"dense": scores, "compressed": scores, "labels": write(root, "l.csv", "id,label\na,dgo\nb,cat\n")}, (
        "l.csv: labels",
        "unknown class name 'dgo'",
        "did you mean 'dog'?",
    )


@CASES.add
def unknown_class_name_among_a_thousand(root: Path) -> Refusal:
    names = [f"kind {number:04d}" for number in range(999)] + ["zebra"]
    asked = {
        "dense": np.zeros((2, 1000)),
        "compressed": np.zeros((2, 1000)),
        "classes": names,
        "labels": ["zebr", "zebra"],
    }
    return asked, ("labels\n", "unknown class name 'zebr'", "did you mean 'zebra'?")


@CASES.add
def names_against_ids(root: Path) -> Refusal:
    paths = write(root, "d.csv", "id,prediction\na,cat\nb,dog\n"), write(root, "c.csv", "id,prediction\na,0\nb,1\n")
    return {"dense": paths[0], "compressed": paths[1]}, (
        "d.csv: labels",
        "class names ('cat'), where c.csv has ids",
        "--classes FILE",
    )


@CASES.add
def one_odd_cell_among_ids(root: Path) -> Refusal:
    paths = write(root, "d.csv", "id,prediction\na,0\nb,?\n"), write(root, "c.csv", "id,prediction\na,0\nb,1\n")
    return {"dense": paths[0], "compressed": paths[1]}, ("d.csv: labels", "class names ('?'), where c.csv has ids")


@CASES.add
def other_class_columns(root: Path) -> Refusal:
    paths = write(root, "d.csv", "cat,dog\n0.1,0.9\n0.9,0.1\n"), write(root, "c.csv", "cat,cow\n0.1,0.9\n0.9,0.1\n")
    return {"dense": paths[0], "compressed": paths[1]}, (
        "c.csv: classes",
        "'cow' in one of c.csv and d.csv only",
        "rename the columns alike",
    )


@CASES.add
def too_few_classes(root: Path) -> Refusal:
    return {"dense": np.array([0, 5]), "compressed": np.array([0, 1]), "classes": ["cat", "dog"]}, (
        "--classes: classes",
        "2 names",
        "more than 5",
    )


@CASES.add
def a_class_twice(root: Path) -> Refusal:
    return {
        "dense": np.array([0, 1]),
        "compressed": np.array([0, 1]),
        "classes": write(root, "names.txt", "cat\ndog\ncat\n"),
    }, ("names.txt: --classes", "'cat' more than once")


@CASES.add
def classes_in_other_json(root: Path) -> Refusal:
    return {
        "dense": np.array([0, 1]),
        "compressed": np.array([0, 1]),
        "classes": write(root, "names.json", '{"cat": 0}'),
    }, ("names.json: --classes", "other JSON", '{"0": "cat", ...}')


@CASES.add
def labels_beyond_the_scores(root: Path) -> Refusal:
    scores = as_npy(np.full((3, 2), 0.5), root / "d.npy")
    return {"dense": scores, "compressed": scores, "labels": np.array([1, 2, 1])}, (
        "d.npy: classes",
        "2 scores an example",
        "more than 2",
        "from 0",
    )


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)
