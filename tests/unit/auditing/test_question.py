"""What is asked: hints, true labels, and questions that cannot be put."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from made_questions import question
from piescope import audit
from piescope.auditing.options import Asked
from piescope.auditing.question import hints_of
from piescope.problems import InputError

DENSE, COPY, TRUTH = np.array([0, 1, 2, 0]), np.array([0, 1, 2, 1]), np.array([0, 1, 2, 2])


def test_what_the_user_says_becomes_hints() -> None:
    asked = Asked(
        id_column="name", prediction_column=("p", "q"), score_columns=["a", "b"], header=False, right_from=0.5
    )
    hints = hints_of(asked)
    assert (hints.id_columns, hints.prediction_columns, hints.score_columns) == (("name",), ("p", "q"), ("a", "b"))
    assert (hints.has_header, hints.right_from, hints.values, hints.label_column) == (False, 0.5, "correct", None)


def test_kinds_of_values_may_differ_between_the_sides() -> None:
    asked = Asked(values=("logits", "labels"))
    assert [hints_of(asked, side).values for side in ("dense", "compressed", "")] == ["logits", "labels", None]
    assert [hints_of(Asked(values="logits"), side).values for side in ("dense", "compressed", "")] == ["logits"] * 3


def truth_of(folder: Path, **options: Any) -> list[int] | None:
    """True labels of two files, one with true labels beside its predictions."""
    parquet.write_table(pa.table({"prediction": DENSE, "label": TRUTH}), folder / "dense.parquet")
    parquet.write_table(pa.table({"prediction": COPY}), folder / "copy.parquet")
    truth = question(folder / "dense.parquet", folder / "copy.parquet", **options).truth
    return None if truth is None else truth.codes.part(slice(None)).tolist()


def test_given_labels_go_before_those_beside_predictions(tmp_path: Path) -> None:
    assert truth_of(tmp_path) == TRUTH.tolist()
    assert truth_of(tmp_path, labels=DENSE) == DENSE.tolist()
    assert question(DENSE, COPY).truth is None


def test_right_and_wrong_are_told_of_both_sides_or_of_none() -> None:
    right, copy_right = DENSE == TRUTH, COPY == TRUTH
    asked = question(right, copy_right, values="correct")
    assert asked.is_right_or_wrong and asked.truth is not None
    assert set(asked.truth.codes.part(slice(None)).tolist()) == {1}  # true is: right
    with pytest.raises(InputError, match="right or wrong on one side, predictions on the other"):
        _ = question(right, COPY, values=("correct", "labels")).is_right_or_wrong


@pytest.mark.parametrize("link", ["same", "hard"])
def test_one_file_by_two_names_is_one_file(tmp_path: Path, link: str) -> None:
    one, other = tmp_path / "one.npy", tmp_path / "other.npy"
    np.save(one, DENSE)
    if link == "hard":
        other.hardlink_to(one)
    assert question(one, one if link == "same" else other).is_one_file
    np.save(tmp_path / "third.npy", DENSE)
    assert not question(one, tmp_path / "third.npy").is_one_file  # as equal as it may be


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"batch_size": 8}, "predictions on both sides"),
        ({"dense_embeddings": "x.npy"}, "--compressed-embeddings"),
        ({"compressed_layers": "x-*.npy"}, "--dense-layers"),
    ],
)
def test_what_cannot_be_asked_of_predictions_is_refused(options: dict[str, Any], found: str) -> None:
    with pytest.raises(InputError, match=found):
        question(DENSE, COPY, **options)


BOTH = {
    "labels.csv": "id,label,before,after\n7,cat,cat,cat\n9,dog,dog,cat\n8,cat,dog,cat\n",
    "unnamed ids.csv": "after,truth,before\ncat,cat,cat\ncat,dog,dog\ncat,cat,dog\n",
    "scores of one class.csv": "id,before,after,y\na,0.25,0.125,0\nb,0.75,0.25,1\nc,0.625,0.375,0\n",
    "lists.jsonl": "\n".join(
        f'{{"id": "{name}", "before": {before}, "after": {after}, "label": {label}}}'
        for name, before, after, label in (
            ("a", [2.5, 1], [3.5, 1], 0),
            ("b", [0, 1.5], [2.5, 1], 1),
            ("c", [1, 4.5], [2, 1.5], 0),
        )
    ),
}


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("how", ["once", "twice", "by a link"])
def test_two_columns_of_one_file_are_two_sides(tmp_path: Path, name: str, how: str) -> None:
    path = tmp_path / name
    path.write_text(BOTH[name])
    other = {"once": None, "twice": path, "by a link": tmp_path / f"other {name}"}[how]
    if how == "by a link":
        other.symlink_to(path)  # type: ignore[union-attr]
    found = audit(path, other, prediction_column=["before", "after"])
    flips = found["flips"]
    assert isinstance(flips, dict)
    assert (found["n_examples"], found["changed"], flips["correct_to_wrong"], flips["wrong_to_correct"]) == (3, 2, 1, 1)
    assert not found["warnings"] and "the same bytes" not in str(found["inputs"])
    sides = found["inputs"]["dense"], found["inputs"]["compressed"]  # type: ignore[index, call-overload]
    assert [(side["name"], side["file"]) for side in sides] == [
        ("before", name),
        ("after", name if how != "by a link" else other.name),
    ]  # type: ignore[index, call-overload]
    turned = audit(path, other, prediction_column=["after", "before"])["flips"]
    assert isinstance(turned, dict) and turned["correct_to_wrong"] == 1


def test_columns_of_both_sides_are_two_and_of_one_file(tmp_path: Path) -> None:
    path, other = tmp_path / "both.csv", tmp_path / "other.csv"
    for each in (path, other):
        each.write_text("id,before,after,later\n1,0,0,1\n2,1,0,0\n")
    for columns, found in (
        (("before", "before"), "one column twice"),
        (("before", "after", "later"), "3 columns of one"),
    ):
        with pytest.raises(InputError, match=f"(?s){found}.*DENSE,COMPRESSED"):
            question(path, path, prediction_column=columns)
    with pytest.raises(InputError, match=r"(?s)COMPRESSED.*nothing.*--prediction-column BEFORE,AFTER"):
        audit(path, prediction_column="before")
    with pytest.raises(InputError, match=r"(?s)3 columns of one file.*BEFORE,AFTER.*to a file a side"):
        audit(path, prediction_column=("before", "after", "later"))
    with pytest.raises(InputError, match="no such file"):
        audit(tmp_path / "bth.csv", prediction_column=("before", "after"))
    with pytest.raises(InputError, match="one file"):
        audit(tmp_path, prediction_column=("before", "after"))
    with pytest.raises(InputError, match="no column 'afer'"):
        audit(path, prediction_column=["before", "afer"])
    assert question(path, other, prediction_column=("before", "after")).dense.file is None  # two models a side, as ever
    with pytest.raises(InputError, match="COMPRESSED"):
        audit(DENSE, prediction_column=["before", "after"])


def test_layers_of_both_sides_are_as_many(tmp_path: Path) -> None:
    for name in ("dense-1", "dense-2", "copy-1"):
        np.save(tmp_path / f"{name}.npy", np.zeros((4, 3), np.float32))
    dense, copies = str(tmp_path / "dense-*.npy"), str(tmp_path / "copy-*.npy")
    with pytest.raises(InputError, match="1 files"):
        question(DENSE, COPY, dense_layers=dense, compressed_layers=copies)
    represented = question(DENSE, COPY, dense_layers=dense, compressed_layers=dense).represented
    assert represented is not None and represented.dense is represented.layers[0][-1]  # the last layer is the end


def test_a_column_of_true_labels_is_in_some_file(tmp_path: Path) -> None:
    names = {"label_column": "lable"}
    with pytest.raises(InputError, match=r"(?s)--label-column.*no column 'lable'.*'prediction', 'label'.*spelling"):
        truth_of(tmp_path, **names)
    with pytest.raises(InputError, match="no column 'lable'"):  # true labels beside them do not answer it
        truth_of(tmp_path, labels=DENSE, **names)
    with pytest.raises(InputError, match="leave --label-column out"):
        question(DENSE, COPY, labels=TRUTH, **names)
    assert truth_of(tmp_path, label_column="label") == TRUTH.tolist()  # one side may lack it
    parquet.write_table(pa.table({"lable": TRUTH, "split": ["a"] * 4}), tmp_path / "labels.parquet")
    assert truth_of(tmp_path, labels=tmp_path / "labels.parquet", **names) == TRUTH.tolist()


def test_an_array_of_true_labels_is_in_some_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "dense.npz", predictions=DENSE, why=TRUTH)
    np.savez(tmp_path / "copy.npz", predictions=COPY)
    sides = tmp_path / "dense.npz", tmp_path / "copy.npz"
    truth = question(*sides, label_column="why").truth
    assert truth is not None and truth.codes.part(slice(None)).tolist() == TRUTH.tolist()
    with pytest.raises(InputError, match=r"(?s)no column 'wy'.*'predictions', 'why'"):
        question(*sides, label_column="wy")
    with pytest.raises(InputError, match="no column 'wy'"):
        question(sides[1], COPY, labels=TRUTH, label_column="wy")
    np.savez(tmp_path / "labels.npz", why=TRUTH, other=DENSE)
    assert question(*sides, labels=tmp_path / "labels.npz", label_column="why").truth is not None


@pytest.mark.parametrize(
    ("name", "found"),
    [("reviewed", "reviewed\n  found     an empty column"), ("id", "id\n  found     the column with the ids")],
)
def test_a_named_column_without_true_labels_is_no_leave_to_take_another(name: str, found: str, tmp_path: Path) -> None:
    for side, said in (("dense", DENSE), ("copy", COPY)):
        rows = [f"a{row},{said[row]},{TRUTH[row]}," for row in range(4)]
        (tmp_path / f"{side}.csv").write_text("\n".join(["id,prediction,label,reviewed", *rows]))
    with pytest.raises(InputError, match=found):
        question(tmp_path / "dense.csv", tmp_path / "copy.csv", label_column=name)


def test_classes_are_named_in_the_order_of_their_ids() -> None:
    names = ["ant", "bee", "cat"]
    for classes in (
        names,
        tuple(names),
        np.array(names),
        {0: "ant", 1: "bee", 2: "cat"},
        {"2": "cat", "0": "ant", "1": "bee"},
    ):
        assert question(DENSE, COPY, classes=classes).class_names == names
    for wrong in ({"ant": 0, "bee": 1, "cat": 2}, {1: "ant", 2: "bee", 3: "cat"}, set(names), 3):
        with pytest.raises(InputError, match="classes"):
            question(DENSE, COPY, classes=wrong)


@pytest.mark.parametrize("options", [{"prediction_column": "ant"}, {"score_columns": ["cat", "ant"]}])
def test_the_true_labels_are_no_predictions(tmp_path: Path, options: dict[str, Any]) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("ant,cat,y\n0,1,1\n1,0,1\n")
    with pytest.raises(InputError, match="--label-column"):
        question(tmp_path / "a.csv", tmp_path / "b.csv", label_column="ant", **options)
