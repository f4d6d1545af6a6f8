"""Which row is which example: what is refused, and what looks wrong and works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from made_predictions import as_arrow, as_parquet
from made_refusals import GOOD, Cases, Refusal, with_embeddings, with_metadata, write
from piescope.audits import audit
from piescope.problems import InputError

CASES = Cases()


@CASES.add
def wrong_row_count(root: Path) -> Refusal:
    paths = write(root, "d.csv", "prediction\n1\n0\n"), write(root, "c.csv", "prediction\n1\n0\n1\n")
    return {"dense": paths[0], "compressed": paths[1]}, ("c.csv", "3 rows", "2, as d.csv has", "an id column")


@CASES.add
def wrong_row_count_of_labels(root: Path) -> Refusal:
    asked = {
        "dense": np.array([0, 1, 1]),
        "compressed": np.array([0, 1, 1]),
        "labels": write(root, "l.csv", "label\n0\n1\n"),
    }
    return asked, ("l.csv", "2 rows", "3, as dense has")


@CASES.add
def duplicate_ids(root: Path) -> Refusal:
    paths = write(root, "d.csv", GOOD), write(root, "c.csv", "id,prediction\na,1\na,0\nc,1\n")
    return {"dense": paths[0], "compressed": paths[1]}, ("c.csv: ids", "'a' among them", "a column named model")


@CASES.add
def missing_ids(root: Path) -> Refusal:
    paths = write(root, "d.csv", GOOD), write(root, "c.csv", "id,prediction\na,1\nc,1\n")
    return {"dense": paths[0], "compressed": paths[1]}, ("c.csv", "1 of the examples of d.csv missing, 'b'", "--common")


@CASES.add
def ids_that_only_the_other_side_has(root: Path) -> Refusal:
    paths = write(root, "d.csv", "id,prediction\na,1\nc,1\n"), write(root, "c.csv", GOOD)
    return {"dense": paths[0], "compressed": paths[1]}, ("d.csv", "1 of the examples of c.csv missing, 'b'", "--common")


@CASES.add
def ids_written_otherwise(root: Path) -> Refusal:
    paths = write(root, "d.csv", "id,prediction\n001,1\n002,0\n"), write(root, "c.csv", "id,prediction\n1,1\n2,0\n")
    return {"dense": paths[0], "compressed": paths[1]}, (
        "c.csv",
        "ids like '1'",
        "('001')",
        "write the ids alike: '1' here is '001' in d.csv",
    )


@CASES.add
def nothing_in_common_with_common(root: Path) -> Refusal:
    paths = write(root, "d.csv", GOOD), write(root, "c.csv", "id,prediction\nx,1\n")
    return {"dense": paths[0], "compressed": paths[1], "common": True}, ("c.csv", "'x'", "'a'")


@CASES.add
def models_of_different_length_in_a_dict(root: Path) -> Refusal:
    return {"dense": {"a": np.array([0, 1, 1]), "b": np.array([0, 1])}, "compressed": np.array([0, 1, 1])}, (
        "b: dense",
        "2 rows",
        "3, as a has",
    )


CASES["metadata of fewer rows"] = with_metadata(
    "camera\nday\nnight\n", "metadata", "2 rows and no ids", "3 rows, as good.csv has", "add the ids"
)
CASES["metadata of other examples"] = with_metadata(
    "id,camera\na,day\nb,day\n", "metadata", "1 of the examples of good.csv missing, 'c'"
)
CASES["metadata with repeated ids"] = with_metadata("id,camera\na,day\na,day\nb,day\nc,day\n", "ids", "'a' among them")
CASES["embeddings of other rows"] = with_embeddings(np.ones((5, 4)), "ce.npy: compressed", "5 rows", "3, as dense has")


@CASES.add
def rows_in_another_order_that_a_column_beside_many_scores_shows(root: Path) -> Refusal:
    random = np.random.default_rng(0)
    items, tickets = random.permutation(20) + 100, np.arange(20) * 7  # two that may be ids: neither is taken for them
    heads = ["latency_ms", *(f"logit_{place}" for place in range(4)), "item", "ticket"]
    for side, order in (("d", np.arange(20)), ("c", np.arange(20)[::-1])):
        scores = random.normal(size=(20, 5)).round(4)
        rows = [[*map(str, scores[row]), str(items[row]), str(tickets[row])] for row in order]
        write(root, f"{side}.csv", "\n".join(map(",".join, [heads, *rows])))
    return {"dense": root / "d.csv", "compressed": root / "c.csv"}, (
        "c.csv: rows",
        "item '115' in the row of '104' in d.csv",
        "match by that column: --id-column item",
    )


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)


def test_ids_of_other_types_are_the_same_ids(tmp_path: Path) -> None:
    text = write(tmp_path, "text.csv", "id,prediction\n1,1\n2,0\n3,1\n")
    ids: dict[str, Any] = {"ints": [3, 1, 2], "floats": [3.0, 1.0, 2.0], "texts": ["3", "1", "2"]}
    for name, values in ids.items():
        path = as_parquet(pa.table({"id": values, "prediction": [1, 1, 0]}), tmp_path / f"{name}.parquet")
        result = audit(text, path)
        assert (result["changed"], result["inputs"]["matched_by"]) == (0, "id")
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


SHUFFLED = [3, 1, 0, 2, 9, 4, 8, 5, 7, 6]


@pytest.mark.parametrize("ids", ["{}", "img_{}.png", "img_{:05d}.png"])
def test_ids_that_number_the_examples_otherwise_than_rows_are_no_order(tmp_path: Path, ids: str) -> None:
    """A Series that was sorted, a table of metadata in another order: by row they would be about other examples."""
    labels = np.arange(10) % 3
    table = tmp_path / "copy.csv"
    table.write_text("id,prediction\n" + "".join(f"{ids.format(row)},{labels[row]}\n" for row in SHUFFLED))
    with pytest.raises(InputError, match=r"(?s)copy.csv.*number the examples in another order.*give dense the ids"):
        audit(labels, table, out=tmp_path / "out")
    table.write_text("id,prediction\n" + "".join(f"{ids.format(row + 3)},{labels[row]}\n" for row in range(10)))
    assert audit(labels, table, out=tmp_path / "out")["changed"] == 0


@pytest.mark.parametrize("order", ["text", "folders", "text of bare numbers"])
def test_names_in_the_order_of_letters_or_of_folders_are_in_order(tmp_path: Path, order: str) -> None:
    rows = np.arange(40)
    names = {
        "text": sorted(f"img_{row}.png" for row in rows),
        "folders": [f"val_{row:05}.JPEG" for first in range(4) for row in rows[first::4]],
        "text of bare numbers": sorted(map(str, rows)),
    }[order]
    labels = rows % 3
    (tmp_path / "copy.csv").write_text(
        "filename,prediction\n" + "".join(f"{name},{label}\n" for name, label in zip(names, labels, strict=True))
    )
    assert audit(labels, tmp_path / "copy.csv", out=tmp_path / "out")["changed"] == 0


def test_ids_in_two_orders_are_no_order(tmp_path: Path) -> None:
    names, labels = [f"{letter}x" for letter in "qwertyuiop"], np.arange(10) % 3
    for file, order in (("copy.csv", range(10)), ("labels.csv", SHUFFLED)):
        rows = "".join(f"{names[row]},{labels[row]}\n" for row in order)
        (tmp_path / file).write_text(f"id,{'prediction' if file == 'copy.csv' else 'label'}\n{rows}")
    with pytest.raises(InputError, match=r"(?s)labels.csv.*the ids of copy.csv in another order, and dense has none"):
        audit(labels, tmp_path / "copy.csv", labels=tmp_path / "labels.csv", out=tmp_path / "out")
