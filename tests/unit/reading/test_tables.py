"""Tables that are read batch by batch: what is refused, and what looks wrong and works."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from made_predictions import as_npy, as_parquet
from made_refusals import Cases, Refusal, write
from piescope.audits import audit
from piescope.problems import InputError
from piescope.reading import columns, tables
from piescope.reading.hints import Hints
from piescope.reading.inputs import read_file
from piescope.reading.tables import open_table

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
for name, rows, line in (
    ("more in one row", ";1;1\nb;1;1\nc;1;1;of it\nd;0;1\n", "line 4"),
    ("fewer in one row", ";1;1\nb;1;1\nc;1\nd;0;1\n", "line 4"),
    ("more in each row", ";1;1;\nb;1;0;\nc;0;1;\n", "line 2"),
):
    text = f"id;label;prediction\na{rows}"
    CASES.text(f"semicolons, {name}", text, line, "cells", "3, as in the first row", "mend that row")
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


DAMAGED_FACTS = (
    b"c-obeO^?z*7{_NyDc#r@cH=bDO)(s#K?Ca)0e1~14lJ-6s{#>;-"
    b"gv29HXsPAc=TjEdNiImsxi@M;z1KXg%>^h0X*&5nJFx6Ru4XDXP!JSzyHjWrWIPVk&LDidJY|g5m*D@1x%;_fNtMQ5<;>O4W!w-"
    b"WoWWZm}4`Cq?mJwy_*p&l9S2h2qyMYQw9MPM~MU?D2x=Om{|~4{hV#%nMcU#Dr-"
    b"68NNgog4uw;<1Dy$e`RZ$IpB?HPiaTuMM_StsvYN5$cI>%Bn1qhjk4XeY1s0nRKNa`kF!W{pK7(CD7aXJtW>kh?1p;X$grFG!zA>"
    b"nYq6;Wi=NYWd9H6tioQw*&(`jE$3RRwcdjIAuk_{&VurhA%x&0<m0McR-"
    b"4!KX7{bA3I0mtN;JQnN^I&N<skz)V{d(D>H13EEGBWD2<X+{PpVdJPBNjlNL1@yO)^#NMyzh`VD_!yDIZx?1;PJbFO6vG09X)Tle"
    b"LkR8^>aU@7C|Mt+zfJZe@;5w&l;=os3xPa@`Y&irW$S0)|K@r^?EG9w|E}o7QuWV4V3=5=wc4%56@S?Hoph1gmPeUYsc+XQozT2T"
    b"OO$%FAW}4+r}PGQ3Y6}Oz+$I<D!;ja@U`G^v?$pVL2pqnti+dAxzxSam~eNO>oWe%tW=Z>-"
    b"pzeR;`m~zD54@?T%hVac+g7KdM$ArQD5cVj8~?#O}A&_M@`kbK=07ytFsb*l=7YQ-G)7BmFu$>k-"
    b"rLXbl4m{eB>S^+rwe9IT{Tn(Z}v++#NiKrm`Dk!!~m4+w>psgMH@}_V4%u%5=p|"
)
"""A Parquet file, packed, in which one byte of what it says of a column of text is another."""


@CASES.add
def facts_of_a_column_that_are_damaged(root: Path) -> Refusal:
    path = write(root, "d.parquet", zlib.decompress(base64.b85decode(DAMAGED_FACTS)))
    return {"dense": path, "compressed": path}, ("d.parquet: file", "histogram size mismatch", "may be truncated")


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)


@pytest.mark.sampled(8, heavy=True)
def test_columns_whose_first_rows_do_not_show_what_they_hold(tmp_path: Path) -> None:
    rows = ["1,0,x"] * 150_000 + ["0.25,0.75,x"] * 150_000
    path = write(tmp_path, "d.csv", "cat,dog,note\n" + "\n".join(rows))
    assert path.stat().st_size > 2**21  # more than a block
    result = audit(path, np.array([0] * 150_000 + [1] * 150_000), values="probabilities")
    assert (result["changed"], result["class_names"]) == (0, ["cat", "dog"])
    meta = write(
        tmp_path,
        "m.csv",
        "row,house,camera\n"
        + "".join(f"{n},12,\n" for n in range(200_000))
        + "".join(f"{n},12a,night\n" for n in range(200_000, 300_000)),
    )
    labels = np.zeros(300_000, int)
    result = audit(labels, labels, labels=labels, metadata=meta)
    assert {(row["column"], row["value"], row["examples"]) for row in result["groups"]} == {
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
    result = audit(path, path)
    assert result["inputs"]["matched_by"] == "id"
    assert any("not read: 'image'" in message for message in result["inputs"]["dense"]["told"])


def test_lists_that_unpack_to_far_more_than_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the rows might be as long as all together: not even a batch of one row is sure to have room."""
    lists = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(2**20, np.float32)), 2**19)
    parquet.write_table(pa.table({"logits": lists}), path := tmp_path / "a.parquet")
    assert sum(batch.num_rows for batch in open_table(path, "parquet").batches()) == 2
    monkeypatch.setattr(tables, "HARMLESS", 1_000)
    with pytest.raises(InputError, match="lists that unpack to 4,194,304 bytes"):
        list(open_table(path, "parquet").batches())


def test_ids_that_unpack_to_far_more_than_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = pa.table({"id": [f"{number}" * 500 for number in range(1_000)], "prediction": [0, 1] * 500})
    parquet.write_table(texts, path := tmp_path / "a.parquet", compression="zstd", use_dictionary=False)
    assert read_file(path, Hints())[0].examples == 1_000
    monkeypatch.setattr(columns, "MOST_IDS", 1_000)
    with pytest.raises(InputError, match=r"ids of 1,4\d\d,\d{3} bytes"):
        read_file(path, Hints())
