"""What is odd in what users give for an audit: what is refused, and what looks wrong and works."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from made_predictions import as_npy
from made_refusals import GOOD, Cases, Refusal, with_embeddings, with_metadata, write
from piescope.audits import audit
from piescope.problems import InputError

CASES = Cases()


BROKEN = np.ones((3, 4))
BROKEN[2, 1] = np.nan


@CASES.add
def no_compressed_side(root: Path) -> Refusal:
    return {"dense": np.array([1])}, ("audit: COMPRESSED", "nothing", "--compress")


CASES["metadata of ids only"] = with_metadata("id\na\nb\nc\n", "columns", "none but ids", "add a column to group by")
CASES["metadata of addresses only"] = with_metadata(
    "id,street\n" + "".join(f"{n},street {n}\n" for n in range(300)),
    "columns",
    "'street' is not used",
    "a few different values",
)


@CASES.add
def metadata_in_an_array(root: Path) -> Refusal:
    path = as_npy(np.array([0, 1]), root / "meta.npy")
    return {"dense": np.array([0, 1]), "compressed": np.array([0, 1]), "metadata": path}, (
        "meta.npy: metadata",
        "a npy file",
        "a table",
    )


CASES["embeddings of one side"] = with_embeddings(None, "compressed: --compressed-embeddings", "the same of both sides")
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


@CASES.add
def embeddings_with_nan_far_down(root: Path) -> Refusal:
    points = np.ones((30_000, 2), np.float32)
    points[25_001, 1] = np.inf
    path = as_npy(points, root / "e.npy")
    labels = np.zeros(30_000, int)
    return {"dense": labels, "compressed": labels, "dense_embeddings": path, "compressed_embeddings": path}, (
        "e.npy: example 25001",
        "NaN or infinity",
    )


@CASES.add
def other_numbers_of_layers(root: Path) -> Refusal:
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


@CASES.add
def ids_of_embeddings_that_are_too_few(root: Path) -> Refusal:
    np.savez(root / "e.npz", embeddings=np.ones((3, 4)), ids=np.array(["a", "b"]))
    good = write(root, "good.csv", GOOD)
    return {
        "dense": good,
        "compressed": good,
        "dense_embeddings": root / "e.npz",
        "compressed_embeddings": root / "e.npz",
    }, ("e.npz: ids", "2 ids", "3, one an example")


@CASES.add
def paired_sides_of_other_numbers(root: Path) -> Refusal:
    asked = {
        "dense": np.zeros((3, 9), int),
        "compressed": np.zeros((2, 9), int),
        "paired": True,
        "labels": np.zeros(9, int),
    }
    return asked, ("compressed: --paired", "2 models", "3, as many as on the dense side")


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)


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


def test_one_model_a_side_says_what_cannot_be_told(tmp_path: Path) -> None:
    result = audit(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]), labels=np.array([0, 1, 1, 1]))
    assert not result["is_population"]
    assert result["confirmed"]["pies"] is None
    assert "one model on a side" in result["confirmed"]["why_not"]
    assert "train or compress several" in result["confirmed"]["why_not"]
    assert result["noise"] is None
    assert "labels of few models" in result["label_errors"]["why_not"]
    assert result["accuracy"]["interval_over"] == "examples"


def test_an_empty_group_and_a_class_without_examples(tmp_path: Path) -> None:
    meta = write(tmp_path, "meta.csv", "camera\nday\n\nnight\n\n".replace("\n\n", '\n""\n'))
    result = audit(
        np.array([0, 1, 1, 0]),
        np.array([0, 1, 0, 0]),
        labels=np.array([0, 1, 1, 0]),
        metadata=meta,
        classes=["cat", "dog", "cow"],
    )
    assert {row["value"] for row in result["groups"]} == {"day", "night", "(none)"}
    assert [row["class"] for row in result["classes"] if row["examples"] == 0] == ["cow"]
    assert next(row for row in result["classes"] if row["class"] == "cow")["dense_recall"] is None
    json.dumps(result.content, allow_nan=False)
