"""Every layout of every format says the same; what was found is said; rows find each other by id or by row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import save_file

from made_predictions import (
    ARRAYS,
    NAMES,
    TABLES,
    Made,
    as_csv,
    as_npy,
    as_parquet,
    long_table,
    made,
    table_of_labels,
    table_of_lists,
    table_of_scores,
)
from made_refusals import Cases, Refusal, write
from piescope.audits import Audit, audit
from piescope.problems import InputError
from piescope.reading.hints import Hints
from piescope.reading.inputs import read_side

SAME = ("n_examples", "accuracy", "flips", "changed", "pies", "classes", "confusions")


def answers(result: Audit) -> dict[str, Any]:
    """What does not depend on the layout; classes by id, examples of confusions aside."""
    said = {name: result.content[name] for name in SAME}
    said["confusions"] = [{key: value for key, value in row.items() if key != "examples"} for row in said["confusions"]]
    rounded: dict[str, Any] = json.loads(json.dumps(said), parse_float=lambda text: float(f"{float(text):.9g}"))
    return rounded


def from_arrays(data: Made, models: bool = False) -> dict[str, Any]:
    sides = [data.labels(side) if models else data.labels(side)[0] for side in ("dense", "compressed")]
    return answers(audit(sides[0], sides[1], labels=data.truth, classes=NAMES))


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (kind, content)
        for kind, (suffix, _) in TABLES.items()
        for content in ("ids", "names", "probabilities", "logits", "lists")
        if content != "lists" or suffix not in ("csv", "tsv")
    ],
)
def test_tables(kind: str, content: str, tmp_path: Path) -> None:
    data = made()
    suffix, write = TABLES[kind]
    tables = {
        side: {
            "ids": lambda side=side: table_of_labels(data, side),
            "names": lambda side=side: table_of_labels(data, side, names=True),
            "probabilities": lambda side=side: table_of_scores(data, side),
            "logits": lambda side=side: table_of_scores(data, side, logits=True),
            "lists": lambda side=side: table_of_lists(data, side),
        }[content]()
        for side in ("dense", "compressed")
    }
    paths = {side: write(table, tmp_path / f"{side}.{suffix}") for side, table in tables.items()}
    result = audit(paths["dense"], paths["compressed"], labels=data.truth, classes=NAMES)
    assert answers(result) == from_arrays(data)
    values = {"ids": "labels", "names": "labels", "lists": "probabilities"}.get(content, content)
    assert result["inputs"]["dense"]["values"] == values
    assert (result["calibration"] is None) == (values == "labels")


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (kind, content)
        for kind in ARRAYS
        for content in ("labels", "models", "names", "probabilities", "logits", "half", "fortran")
        if kind != "safetensors" or content not in ("names", "fortran")  # it has neither text nor Fortran's order
    ],
)
def test_arrays(kind: str, content: str, tmp_path: Path) -> None:
    data = made(models=5 if content == "models" else 1)
    suffix, write = ARRAYS[kind]
    values = {
        side: {
            "labels": data.labels(side)[0],
            "models": data.labels(side).astype(np.uint8),
            "names": np.array(NAMES)[data.labels(side)[0]],
            "probabilities": getattr(data, side)[0],
            "logits": np.log(getattr(data, side)[0]),
            "half": np.log(getattr(data, side)[0]).astype(np.float32),
            "fortran": np.asfortranarray(getattr(data, side)[0]),
        }[content]
        for side in ("dense", "compressed")
    }
    paths = {side: write(array, tmp_path / f"{side}.{suffix}") for side, array in values.items()}
    result = audit(paths["dense"], paths["compressed"], labels=data.truth, classes=NAMES)
    assert answers(result) == from_arrays(data, models=content == "models")
    assert result["inputs"]["matched_by"] == "row"


def test_many_models_wide_long_in_a_folder_and_by_glob_say_the_same(tmp_path: Path) -> None:
    data = made(models=5)
    expected = from_arrays(data, models=True)
    for layout in ("wide", "long", "folder", "glob", "lists", "transposed", "three axes"):
        paths: dict[str, Any] = {}
        for side in ("dense", "compressed"):
            root = tmp_path / layout / side
            root.mkdir(parents=True)
            if layout == "wide":
                paths[side] = as_csv(table_of_labels(data, side), root / "wide.csv")
            elif layout == "long":
                paths[side] = as_csv(long_table(data, side), root / "long.csv")
            elif layout == "lists":
                paths[side] = as_parquet(table_of_lists(data, side), root / "lists.parquet")
            elif layout == "transposed":
                paths[side] = as_npy(data.labels(side).T, root / "labels.npy")
            elif layout == "three axes":
                paths[side] = as_npy(getattr(data, side).astype(np.float64), root / "scores.npy")
            else:
                for place, row in enumerate(data.labels(side)):
                    as_npy(row, root / f"seed{place}.npy")
                paths[side] = root if layout == "folder" else f"{root}/seed*.npy"
        labels: Any = data.truth
        if layout == "long":  # examples come in the order of their first row, so they need their ids
            labels = as_csv(pa.table({"id": list(data.ids), "label": data.truth}), tmp_path / "labels.csv")
        result = audit(paths["dense"], paths["compressed"], labels=labels, classes=NAMES)
        assert answers(result) == expected, layout
        assert result["inputs"]["dense"]["n_models"] == 5


def test_names_of_models_come_from_columns_and_files(tmp_path: Path) -> None:
    data = made(models=3)
    wide = as_csv(table_of_labels(data, "dense"), tmp_path / "wide.csv")
    (tmp_path / "folder").mkdir()
    for place, row in enumerate(data.labels("compressed")):
        as_npy(row, tmp_path / "folder" / f"run-{place}.npy")
    result = audit(wide, tmp_path / "folder", labels=data.truth)
    assert result["inputs"]["dense"]["models"] == ["seed0", "seed1", "seed2"]
    assert result["inputs"]["compressed"]["models"] == ["run-0", "run-1", "run-2"]


def test_equal_names_of_models_are_numbered(tmp_path: Path) -> None:
    for place in range(3):
        (tmp_path / str(place)).mkdir()
        as_npy(np.array([0, 1, place]), tmp_path / str(place) / "run.npy")
    result = audit(f"{tmp_path}/*/run.npy", np.array([0, 1, 1]))
    assert result["inputs"]["dense"]["models"] == ["0: run", "1: run", "2: run"]


def test_other_order_is_matched_by_id(tmp_path: Path) -> None:
    data = made()
    order = np.random.default_rng(1).permutation(len(data.ids))
    tables = [table_of_labels(data, "dense"), table_of_labels(data, "compressed").take(order)]
    labels = pa.table({"id": list(data.ids)[::-1], "label": data.truth[::-1]})
    paths = [as_csv(table, tmp_path / f"{name}.csv") for name, table in zip("dcl", [*tables, labels], strict=True)]
    result = audit(paths[0], paths[1], labels=paths[2], classes=NAMES)
    assert answers(result) == from_arrays(data)
    assert result["inputs"]["matched_by"] == "id"
    lost = {row["id"] for row in result["harmed"] if row["kind"] == "lost"}
    right = {side: data.labels(side)[0] == data.truth for side in ("dense", "compressed")}
    assert lost == {data.ids[row] for row in np.flatnonzero(right["dense"] & ~right["compressed"])}


def test_ids_of_arrays_match_too(tmp_path: Path) -> None:
    data = made()
    order = np.random.default_rng(2).permutation(len(data.ids))
    numbers = np.arange(1000, 1000 + len(order))
    np.savez(tmp_path / "d.npz", logits=np.log(data.dense[0]), ids=numbers, labels=data.truth)
    save_file({"logits": np.log(data.compressed[0])[order], "ids": numbers[order]}, tmp_path / "c.safetensors")
    result = audit(tmp_path / "d.npz", tmp_path / "c.safetensors", classes=NAMES)
    assert answers(result) == from_arrays(data)
    assert result["inputs"]["matched_by"] == "id"
    assert result["inputs"]["labels"]["told"] == ["true labels: labels"]


def test_leading_zeros_of_ids_are_kept(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("id,prediction\n007,1\n07,0\n7,1\n")
    (tmp_path / "c.csv").write_text("id,prediction\n7,1\n07,0\n007,0\n")
    assert audit(tmp_path / "d.csv", tmp_path / "c.csv")["changed"] == 1


def test_labels_may_have_more_examples_and_predictions_may_not(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("id,prediction\na,1\nb,0\nc,1\n")
    (tmp_path / "c.csv").write_text("id,prediction\nc,0\nb,0\n")
    (tmp_path / "l.csv").write_text("id,label\na,1\nb,0\nc,1\nd,1\n")
    with pytest.raises(InputError, match=r"1 of the examples of d\.csv missing, 'a' among them"):
        audit(tmp_path / "d.csv", tmp_path / "c.csv", labels=tmp_path / "l.csv")
    with pytest.raises(InputError, match=r"1 of the examples of d\.csv missing, 'a' among them"):
        audit(tmp_path / "c.csv", tmp_path / "d.csv", labels=tmp_path / "l.csv")
    result = audit(tmp_path / "d.csv", tmp_path / "c.csv", labels=tmp_path / "l.csv", common=True)
    assert result["n_examples"] == 2
    assert result["inputs"]["left_out"] == {"dense": 1, "compressed": 0, "labels": 2}
    assert "left out, not in all files: 1 of d.csv" in result["inputs"]["notes"]


def test_truth_beside_the_predictions_is_found(tmp_path: Path) -> None:
    data = made()
    truth = pa.array([NAMES[code] for code in data.truth])
    dense = table_of_scores(data, "dense").append_column("label", truth)
    compressed = table_of_scores(data, "compressed").append_column("true_label", truth)
    paths = [as_parquet(table, tmp_path / f"{name}.parquet") for name, table in (("d", dense), ("c", compressed))]
    result = audit(paths[0], paths[1])
    assert answers(result) == from_arrays(data)
    assert result["class_names"] == list(NAMES)


def test_files_that_disagree_about_the_truth_are_refused(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("prediction,true_label\n1,1\n0,0\n")
    (tmp_path / "c.csv").write_text("prediction,true_label\n1,1\n0,1\n")
    with pytest.raises(InputError, match=r"another true label than in d\.csv"):
        audit(tmp_path / "d.csv", tmp_path / "c.csv")


def test_classes_of_score_columns_may_come_in_another_order(tmp_path: Path) -> None:
    data = made()
    table = table_of_scores(data, "compressed")
    turned = table.select(["deer", "id", "cat", "airplane", "bird"])
    paths = [as_csv(table_of_scores(data, "dense"), tmp_path / "d.csv"), as_csv(turned, tmp_path / "c.csv")]
    assert answers(audit(paths[0], paths[1], labels=data.truth)) == from_arrays(data)


@pytest.mark.parametrize("prefix", ["prob_", "logit.", "p "])
def test_prefixes_of_score_columns_are_dropped(prefix: str, tmp_path: Path) -> None:
    data = made()
    table = table_of_scores(data, "dense").rename_columns(["id", *(prefix + name for name in NAMES)])
    path = as_csv(table, tmp_path / "d.csv")
    assert audit(path, path)["class_names"] == list(NAMES)


@pytest.mark.parametrize("stem", ["", "p", "prob_", "class "])
def test_columns_that_count_classes_have_ids(stem: str, tmp_path: Path) -> None:
    data = made()
    paths = {}
    for side in ("dense", "compressed"):
        table = table_of_scores(data, side).rename_columns(["id", *(f"{stem}{number}" for number in range(4))])
        paths[side] = as_csv(table, tmp_path / f"{side}.csv")
    result = audit(paths["dense"], paths["compressed"], labels=data.truth)
    assert result["class_names"] == ["0", "1", "2", "3"]
    assert result["changed"] == from_arrays(data)["changed"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\ufeffid,prediction\r\na,1\r\nb,0\r\n", None),
        ("id;prediction\na;1\nb;0\n", "cells are separated by ';'"),
        ("id\tprediction\na\t1\nb\t0\n", "cells are separated by '\\t'"),
        ("id|prediction\na|1\nb|0\n", "cells are separated by '|'"),
        ('"id","prediction"\n"a","1"\n"b","0"\n', None),
        ('id,prediction\n"a",1\n\nb,0\n', None),
        ("id, prediction \na,1\nb,0\n", None),
        ("ID,Predicted_Label\na,1.0\nb,0.0\n", None),
        ("id,prediction\na,true\nb,false\n", None),
    ],
)
def test_ways_to_write_csv(text: str, message: str | None, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(text.encode())
    result = audit(tmp_path / "d.csv", np.array([1, 1]), labels=np.array([1, 0]))
    assert (result["changed"], result["accuracy"]["dense"], result["accuracy"]["compressed"]) == (1, 100.0, 50.0)
    assert message is None or message in result["inputs"]["dense"]["told"][0]


def test_decimal_commas(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("id;cat;dog\na;0,25;0,75\nb;0,9;0,1\n")
    result = audit(tmp_path / "d.csv", tmp_path / "d.csv", labels=np.array([1, 0]))
    assert result["inputs"]["dense"]["values"] == "probabilities"
    assert "decimal commas" in result["inputs"]["dense"]["told"][0]
    assert result["calibration"]["dense"]["confidence"] == pytest.approx(82.5)


def test_a_file_without_header_is_read_and_said(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("1\n0\n2\n")
    result = audit(tmp_path / "d.csv", np.array([1, 0, 1]))
    assert result["n_examples"] == 3
    assert "no header" in result["inputs"]["dense"]["told"][0]


def test_one_probability_an_example_is_that_of_class_one(tmp_path: Path) -> None:
    dense, compressed = np.array([0.2, 0.7, 0.9], np.float32), np.array([0.6, 0.8, 0.4], np.float32)
    np.save(tmp_path / "d.npy", dense)
    np.save(tmp_path / "c.npy", compressed[:, None])
    result = audit(tmp_path / "d.npy", tmp_path / "c.npy", labels=np.array([0, 1, 1]))
    assert result["flips"]["correct_to_wrong"] == 2
    assert result["calibration"]["dense"]["true_probability"] == pytest.approx(80.0)
    logit = audit(np.log(dense / (1 - dense)), np.log(compressed / (1 - compressed)), labels=np.array([0, 1, 1]))
    assert logit["calibration"]["dense"]["true_probability"] == pytest.approx(80.0, abs=1e-4)


def test_bfloat16_and_half_precision(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file as save_torch

    data = made()
    logits = torch.from_numpy(np.log(data.dense[0]))
    save_torch({"logits": logits.bfloat16()}, tmp_path / "b.safetensors")
    save_torch({"logits": logits.half()}, tmp_path / "h.safetensors")
    for name, kind in (("b", torch.bfloat16), ("h", torch.float16)):
        result = audit(tmp_path / f"{name}.safetensors", logits.to(kind).float().numpy(), labels=data.truth)
        assert result["changed"] == 0
        assert result["calibration"]["ece_change"] == pytest.approx(0, abs=1e-5)


def test_torch_tensors_and_lists_are_taken(tmp_path: Path) -> None:
    import torch

    result = audit(torch.tensor([0, 1, 1]), [0, 1, 0], labels=["0", "1", "1"])
    assert result["changed"] == 1
    assert result["class_names"] == ["0", "1"]


def test_names_against_ids_need_the_classes(tmp_path: Path) -> None:
    data = made()
    path = as_csv(table_of_labels(data, "dense", names=True), tmp_path / "d.csv")
    with pytest.raises(InputError, match="--classes FILE"):
        audit(path, data.labels("compressed")[0], labels=data.truth)
    (tmp_path / "classes.txt").write_text("\n".join(NAMES))
    result = audit(path, data.labels("compressed")[0], labels=data.truth, classes=tmp_path / "classes.txt")
    assert answers(result) == from_arrays(data)


@pytest.mark.parametrize(
    "text",
    [
        "airplane\nbird\ncat\ndeer\n",
        '["airplane", "bird", "cat", "deer"]',
        '{"0": "airplane", "1": "bird", "2": "cat", "3": "deer"}',
    ],
)
def test_files_of_class_names(text: str, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text(text)
    assert audit(np.array([0, 3]), np.array([0, 3]), classes=tmp_path / "classes.txt")["class_names"] == list(NAMES)


def test_an_unknown_class_name_is_named_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("id,cat,dog\na,0.1,0.9\nb,0.9,0.1\n")
    (tmp_path / "l.csv").write_text("id,label\na,dgo\nb,cat\n")
    with pytest.raises(InputError, match="did you mean 'dog'"):
        audit(tmp_path / "d.csv", tmp_path / "d.csv", labels=tmp_path / "l.csv")


def test_groups_of_metadata_against_counting_by_hand(tmp_path: Path) -> None:
    data = made(examples=400)
    random = np.random.default_rng(3)
    camera = random.choice(["day", "night", "dusk"], 400)
    size = random.normal(100, 20, 400)
    stars = random.integers(1, 4, 400)
    table = pa.table(
        {
            "id": list(data.ids),
            "camera": camera,
            "size": size,
            "stars": stars,
            "address": [f"x{row}" for row in range(400)],
        }
    )
    order = random.permutation(400)
    meta = as_csv(table.take(order), tmp_path / "meta.csv")
    dense, compressed = (
        as_csv(table_of_labels(data, side), tmp_path / f"{side}.csv") for side in ("dense", "compressed")
    )
    labels = as_csv(pa.table({"id": list(data.ids), "label": data.truth}), tmp_path / "labels.csv")
    result = audit(dense, compressed, labels=labels, metadata=meta)
    right = {side: data.labels(side)[0] == data.truth for side in ("dense", "compressed")}
    edges = np.quantile(size, [0.25, 0.5, 0.75])
    masks = {("camera", name): camera == name for name in ("day", "night", "dusk")}
    masks |= {("stars", str(number)): stars == number for number in (1, 2, 3)}
    masks[("size", f"up to {edges[0]:.4g}")] = size <= edges[0]
    masks[("size", f"above {edges[2]:.4g}")] = size > edges[2]
    rows = {(row["column"], row["value"]): row for row in result["groups"]}
    assert len(rows) == 3 + 3 + 4
    for name, mask in masks.items():
        row = rows[name]
        assert row["examples"] == mask.sum()
        assert row["dense_accuracy"] == pytest.approx(100 * right["dense"][mask].mean())
        assert row["impact"] == pytest.approx(100 * (right["compressed"][mask].mean() - right["dense"][mask].mean()))
        assert row["correct_to_wrong"] == (right["dense"] & ~right["compressed"])[mask].sum()
    impacts = [row["impact"] for row in result["groups"]]
    assert impacts == sorted(impacts)
    assert any("'address' is not used" in message for message in result["inputs"]["metadata"]["told"])


def test_without_true_labels_only_changes_are_told() -> None:
    result = audit(np.array([0, 1, 2, 1]), np.array([0, 1, 1, 1]))
    assert (result["changed"], result["pies"], result["accuracy"], result["flips"]) == (1, 1, None, None)
    assert (result["classes"], result["confusions"], result["calibration"]) == ([], [], None)
    assert [row["kind"] for row in result["harmed"]] == ["changed"]


@pytest.mark.sampled(8, heavy=True)
def test_no_torch_and_no_pandas_are_loaded_for_files(tmp_path: Path) -> None:
    import subprocess
    import sys

    data = made(models=5)
    paths = [as_csv(table_of_labels(data, side), tmp_path / f"{side}.csv") for side in ("dense", "compressed")]
    code = (
        "import sys; from piescope.audits import audit; "
        f"audit({str(paths[0])!r}, {str(paths[1])!r}, out={str(tmp_path / 'out')!r}); "
        "print(sorted(name for name in ('torch', 'pandas', 'matplotlib', 'sklearn', 'transformers') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_any_callables_and_a_data_set() -> None:
    from piescope.data.sources import load_digits, stratified_choice, subset

    digits = load_digits().test
    few = subset(digits, stratified_choice(digits.labels, 100))
    weights = np.random.default_rng(0).normal(size=(64, 10))

    def dense_model(pixels: np.ndarray) -> np.ndarray:
        return pixels.reshape(len(pixels), -1) / 255 @ weights

    def compressed_model(pixels: np.ndarray) -> np.ndarray:
        return pixels.reshape(len(pixels), -1) / 255 @ np.round(weights)

    result = audit(dense_model, compressed_model, few)
    said = [model(few.images).argmax(1) for model in (dense_model, compressed_model)]
    assert result["changed"] == (said[0] != said[1]).sum()
    assert result["accuracy"]["dense"] == pytest.approx(100 * (said[0] == few.labels).mean())
    assert result["inputs"]["data"]["examples"] == 100
    assert len(result["inputs"]["notes"]) == len(set(result["inputs"]["notes"])) == 1


CASES = Cases()


@CASES.add
def models_of_different_length_in_a_folder(root: Path) -> Refusal:
    for place, count in enumerate((3, 3, 2)):
        as_npy(np.arange(count), write(root, f"runs/{place}.npy", ""))
    return {"dense": root / "runs", "compressed": np.array([0, 1, 2])}, ("2.npy", "2 rows", "3, as 0.npy has")


@CASES.add
def an_empty_dict(root: Path) -> Refusal:
    return {"dense": {}, "compressed": np.array([1])}, ("dense\n", "an empty dict")


@CASES.add
def truths_that_disagree(root: Path) -> Refusal:
    paths = (
        write(root, "d.csv", "prediction,true_label\n1,1\n0,0\n"),
        write(root, "c.csv", "prediction,true_label\n1,1\n0,1\n"),
    )
    return {"dense": paths[0], "compressed": paths[1]}, ("c.csv: labels, row 1", "another true label than in d.csv")


@CASES.add
def labels_and_scores_in_a_folder(root: Path) -> Refusal:
    write(root, "runs/a.csv", "prediction\n1\n0\n"), as_npy(np.full((2, 2), 0.5), root / "runs" / "b.npy")
    return {"dense": root / "runs", "compressed": np.array([1, 0])}, (
        "a.csv: dense",
        "labels, where b.npy has scores",
        "'runs/*_logits.npy'",
    )


@CASES.add
def rows_of_different_lengths(root: Path) -> Refusal:
    return {"dense": [[1, 2], [3]], "compressed": [1, 2]}, ("dense\n", "inhomogeneous", "rows of one length")


@CASES.add
def none_among_labels(root: Path) -> Refusal:
    return {"dense": [None, 1], "compressed": [1, 2]}, ("dense\n", "values of type object", "numbers or names")


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)


@pytest.mark.parametrize("count", [4, 12])
def test_columns_that_are_called_as_the_labels_are_though_they_count(count: int, tmp_path: Path) -> None:
    """``class_0, class_1 ...`` and labels of these very names; in any order of the columns."""
    random = np.random.default_rng(0)
    truth = random.integers(0, count, 60)
    said = [np.where(random.random(60) < wrong, (truth + 1) % count, truth) for wrong in (0.1, 0.3)]
    (tmp_path / "y.csv").write_text("id,label\n" + "".join(f"a{row},class_{t}\n" for row, t in enumerate(truth)))
    for name, side, order in (("d", said[0], np.arange(count)), ("c", said[1], np.arange(count)[::-1])):
        rows = [
            f"a{row}," + ",".join("0.9" if c == s else str(0.1 / (count - 1)) for c in order)
            for row, s in enumerate(side)
        ]
        (tmp_path / f"{name}.csv").write_text("\n".join(["id," + ",".join(f"class_{c}" for c in order), *rows]))
    found = audit(tmp_path / "d.csv", tmp_path / "c.csv", labels=tmp_path / "y.csv")
    assert found["changed"] == int((said[0] != said[1]).sum())
    assert found["accuracy"]["compressed"] == pytest.approx(100 * (said[1] == truth).mean())


def folder_of(root: Path, **columns: str) -> Path:
    """Files by name, each with ids and one column of that name."""
    root.mkdir()
    for place, (name, column) in enumerate(columns.items()):
        rows = "".join(f"x{row},{'cat' if (row + place) % 3 else 'dog'}\n" for row in range(12))
        (root / f"{name}.csv").write_text(f"id,{column}\n{rows}")
    return root


@pytest.mark.parametrize(
    ("columns", "odd"),
    [
        ({"a": "prediction", "b": "prediction", "truth": "label"}, "truth.csv: label"),
        ({"a": "prediction", "labels": "answer"}, "labels.csv: answer"),
        ({"labels": "class", "z": "pred"}, "labels.csv: class"),
        ({"labels": "species", "m1": "y_pred", "m2": "y_pred"}, "labels.csv: species"),
        ({"labels": "label", "m1": "seed one", "m2": "seed two"}, "labels.csv: label"),
    ],
    ids=lambda given: ",".join(given) if isinstance(given, dict) else given,
)
def test_true_labels_among_files_of_predictions_are_no_model(columns: dict[str, str], odd: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "side", **columns)
    files = sorted(folder.glob("*.csv"))
    for given in (str(folder), f"{folder}/*.csv", files, [str(file) for file in files]):
        with pytest.raises(InputError, match=odd) as refusal:
            read_side(given, "dense", Hints())
        assert "if this is no model's answer" in refusal.value.problems[0].cure
    others = [file for file in files if not odd.startswith(file.name)]
    assert len(read_side(others, "dense", Hints()).parts) == len(others)


@pytest.mark.parametrize(
    "columns", [{"a": "label", "b": "label"}, {"a": "seed one", "b": "seed two"}, {"a": "prediction", "b": "y_pred"}]
)
def test_files_that_are_named_alike_are_models_each(columns: dict[str, str], tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "side", **columns)
    assert len(read_side(str(folder), "dense", Hints()).parts) == 2
    if "prediction" not in columns.values():  # but for one that the user names as the true labels
        with pytest.raises(InputError, match=r"b\.csv"):
            read_side(str(folder), "dense", Hints(labels_file=folder / "b.csv"))


def test_a_file_of_predictions_may_have_the_true_labels_beside_them(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("id,label,prediction\n1,cat,cat\n2,dog,cat\n3,dog,dog\n")
    found = audit(str(tmp_path), str(tmp_path / "b.csv"), labels=tmp_path / "a.csv")
    assert found["n_examples"] == 3
