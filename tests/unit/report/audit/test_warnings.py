"""What makes numbers doubtful, in sentences."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from made_audit import CASES
from piescope.report.audit.warnings import warnings
from piescope.store.audit_record import AuditRecord


def sentences(*rows: dict[str, Any], models: int = 1) -> list[str]:
    content = copy.deepcopy(CASES["labels" if models == 1 else "population of labels"])
    content["warnings"] = list(rows)
    return [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in warnings(AuditRecord.of(content))]


def renamed(how: str, classes: list[tuple[str, str]], by: int | None = None, moved: int = 0) -> dict[str, Any]:
    return {"how": how, "by": by, "classes": classes, "moved": moved or len(classes)}


def relabelled(how: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "side_relabelled", "side": "compressed", "renamed": how, "before": 190, "after": 7, "examples": 200,
    }  # fmt: skip


PAIRS = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (renamed("shift", [("1", "0")], -1), "count their classes differently: after a shift of the compressed side's class ids by −1 only"),
        (renamed("swap", PAIRS[:1]), "name their classes differently: after swapping a and b in the compressed side's answers only"),
        (renamed("spelling", PAIRS[:1]), "spell their classes differently: after writing the compressed side's class names as the other's (a as b)"),
        (renamed("permutation", PAIRS[:3], moved=5), "after a permutation of 5 of the compressed side's classes (a is b, b is c and c is d and 2 more)"),
    ],
)  # fmt: skip
def test_every_way_to_rename_a_side(how: dict[str, Any], words: str) -> None:
    (sentence,) = sentences(relabelled(how))
    assert words in sentence
    assert "only 7 of 200 answers differ (as given: 190)" in sentence and sentence.endswith("audit again.")


def test_labels_that_name_other_classes() -> None:
    row = {
        "kind": "labels_relabelled", "renamed": renamed("swap", PAIRS[:1]), "dense": (10.0, 80.0), "compressed": (9.0, 78.5),
    }  # fmt: skip
    (sentence,) = sentences(row)
    assert (
        "after swapping a and b in the labels the dense side is right in 80.0 % and the compressed in 78.5 %"
        in sentence
    )
    assert "(as given: 10.0 % and 9.0 %)" in sentence


def test_files_that_share_no_name() -> None:
    row = {"kind": "no_shared_names", "between": ("dense", "labels"), "names": ("cat", "n0212")}
    assert sentences(row) == [
        "The dense side and the labels share no class name: the dense side has “cat”, the labels have “n0212”. "
        "No answer can agree as the files are: write the names alike."
    ]


@pytest.mark.parametrize(("models", "verb"), [(1, "The compressed model answers"), (3, "The compressed models answer")])
def test_one_answer_only(models: int, verb: str) -> None:
    row = {
        "kind": "one_answer",
        "side": "compressed",
        "answer": "3",
        "share": 100.0,
        "against": "labels",
        "expected": 10.0,
    }
    assert sentences(row, models=models) == [f"{verb} class 3 only; the labels have it in 10.0 %."]
    row |= {"share": 99.2, "against": "dense"}
    assert sentences(row, models=models) == [
        f"{verb} class 3 in 99.2 % of examples; the dense side gives it in 10.0 %."
    ]


def never(side: str, count: int = 2) -> dict[str, Any]:
    return {
        "kind": "never_answered", "side": side, "classes": ["cat", "dog"], "examples": [30, 20], "count": count, "against": "labels",
    }  # fmt: skip


def test_classes_that_are_never_answered_are_sentence_of_both_sides() -> None:
    sentence = "Neither side ever answers cat (30) and dog (20): in brackets, how often the labels have it."
    assert sentences(never("dense"), never("compressed")) == [sentence]
    assert sentences(never("dense", 3)) == [
        "The dense model never answers cat (30), dog (20) and one more class: in brackets, how often the labels have it."
    ]
    assert len(sentences(never("dense"), never("compressed") | {"classes": ["cat", "eel"]})) == 2


def near_chance(side: str, has_sure_rows: bool = False) -> dict[str, Any]:
    return {"kind": "near_chance", "side": side, "accuracy": 10.5, "chance": 10.0, "has_sure_rows": has_sure_rows}


@pytest.mark.parametrize(
    ("rows", "ends"),
    [
        ([near_chance("compressed", True)], ["nothing is left of it."]),
        ([near_chance("compressed")], ["Ids in all files tell which."]),
        ([near_chance("dense")], ["are these its labels?"]),
        ([near_chance("dense"), near_chance("compressed", True)], ["are these its labels?"] * 2),
    ],
)
def test_sides_that_guess(rows: list[dict[str, Any]], ends: list[str]) -> None:
    for sentence, end in zip(sentences(*rows), ends, strict=True):
        assert "right in 10.5 %, no more often than guesses would be (10.0 %)" in sentence and sentence.endswith(end)


def test_one_file_for_both_sides() -> None:
    assert sentences({"kind": "one_file", "name": "dense.csv"}) == [
        "Both sides are the same file, dense.csv: nothing was compared; if its columns are two models, name them: "
        "--prediction-column DENSE,COMPRESSED."
    ]
    assert sentences() == []
