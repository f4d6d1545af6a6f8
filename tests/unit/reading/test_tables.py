"""Tables that are read batch by batch: what is refused, and what looks wrong and works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from made_predictions import as_npy, as_parquet
from made_refusals import Cases, Refusal, write
from piescope.audits import audit

CASES = Cases()


@CASES.add
def a_parquet_file_without_columns(root: Path) -> Refusal:
    parquet.write_table(pa.table({}), root / "d.parquet")
    return {"dense": root / "d.parquet", "compressed": np.array([1])}, ("d.parquet: columns", "none")


@CASES.add
def a_note_in_a_folder(root: Path) -> Refusal:
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


@CASES.add
def text_among_scores_far_down(root: Path) -> Refusal:
    rows = ["0.25,0.5,0.25"] * 200_000
    rows[150_000] = "0.25,0.5,oops"
    return {"dense": write(root, "d.csv", "cat,dog,cow\n" + "\n".join(rows)), "compressed": np.zeros(200_000, int)}, (
        "d.csv: column 'cow', line 150,002",
        "'oops'",
        "a number, as in the first rows",
    )


CASES.text(
    "a row of more cells",
    "id,prediction\na,1\nb,1,2\nc,1\n",
    "line 3",
    "3 cells: b,1,2",
    "2, as in the first row",
    "quotes",
)
CASES.text("a row of fewer cells", "id,cat,dog\na,0.5,0.5\nb,1\n", "line 3", "2 cells: b,1", "3, as in the first row")
CASES.text("a column twice", "id,cat,cat\na,0.5,0.5\n", "columns", "'cat' more than once", "rename one of them")
CASES.text("JSON that ends early", '[{"id": "a", "prediction": 1}', "rows", "Expecting ',' delimiter", suffix="json")
CASES.text(
    "JSON lines that change their type",
    '{"prediction": 1}\n{"prediction": "cat"}\n',
    "rows",
    "changed from number to string",
    suffix="jsonl",
)
CASES.text("a huge number in JSON", '[{"prediction": 1' + "0" * 400 + "}]", "rows", suffix="json")


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)


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
