"""Text files with cells: what is refused, and what looks wrong and works."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from made_refusals import GOOD, Cases, with_metadata, write
from piescope.audits import audit
from piescope.problems import InputError

CASES = Cases()


CASES.text("only a header", "id,prediction\n", "rows", "a header and no rows")
CASES.text("only line breaks", "\n\n \n", "rows", "none")
CASES.text("UTF-16", GOOD.encode("utf-16"), "encoding", "UTF-16", "save it again as UTF-8")
CASES.text("Latin-1", "id,prediction\nä,1\nb,0\n".encode("latin-1"), "byte 14", "no UTF-8", "Windows-1252")
CASES["metadata without rows"] = with_metadata("id,camera\n", "a header and no rows")


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)


@pytest.mark.sampled(8, heavy=True)
def test_a_header_longer_than_what_is_looked_at_first(tmp_path: Path) -> None:
    count = 3000
    header = ",".join(f"a rather long name of class number {number}" for number in range(count))
    rows = [",".join("1.0" if place == row else "0.0" for place in range(count)) for row in range(3)]
    path = write(tmp_path, "d.csv", f"{header}\n" + "\n".join(rows))
    result = audit(
        path, np.array([0, 1, 2]), classes=[f"a rather long name of class number {number}" for number in range(count)]
    )
    assert (result["changed"], len(result["class_names"])) == (0, count)


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


@pytest.mark.parametrize(
    ("preamble", "named"),
    [("sep=;\n", "which is for Excel alone"), ("# model: int8\n# of Monday\n", "a comment")],
)
def test_lines_before_a_table_are_refused_with_a_line_that_takes_them_out(
    preamble: str, named: str, tmp_path: Path
) -> None:
    table = "id;pred\n" + "".join(f"a{row};{row % 3}\n" for row in range(9))
    (tmp_path / "d.csv").write_text(preamble + table)
    with pytest.raises(InputError, match=named) as refusal:
        audit(tmp_path / "d.csv", tmp_path / "d.csv")
    line = refusal.value.problems[0].cure.removeprefix("take it out: ")
    subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True)
    assert audit(tmp_path / "NEW.csv", tmp_path / "NEW.csv")["n_examples"] == 9


def test_a_header_may_begin_with_a_hash(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("#id,pred\n" + "".join(f"a{row},{row % 3}\n" for row in range(9)))
    assert audit(tmp_path / "d.csv", tmp_path / "d.csv")["n_examples"] == 9


@pytest.mark.parametrize(("delimiter", "more", "ending"), [(",", 1, "\n"), (";", 2, "\r\n"), ("|", 3, "\n")])
def test_rows_that_end_in_empty_cells(delimiter: str, more: int, ending: str, tmp_path: Path) -> None:
    """As spreadsheets write what was once a column: refused with a line that mends it, and read where all rows do."""
    ends, cells = (
        delimiter * more,
        [("id", "label", "prediction"), *((f"a{row}", row % 3, row % 2) for row in range(9))],
    )
    rows = [delimiter.join(map(str, row)) + ends for row in cells]
    (tmp_path / "all.csv").write_text(ending.join(rows) + ending, newline="")
    rows[0] = rows[0].removesuffix(ends)
    (tmp_path / "my d.csv").write_text(ending.join(rows) + ending, newline="")
    with pytest.raises(InputError, match=r"(?s)line 2.*rows end in empty cells") as refusal:
        audit(tmp_path / "my d.csv", tmp_path / "my d.csv")
    line = refusal.value.problems[0].cure.partition("too: ")[2].removesuffix("; else mend that row")
    subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True)
    for name in ("all.csv", "NEW-my d.csv"):
        found = audit(tmp_path / name, np.arange(9) % 3)
        assert (found["n_examples"], found["flips"]) == (
            9,
            audit(np.arange(9) % 2, np.arange(9) % 3, labels=np.arange(9) % 3)["flips"],
        )
        assert found["inputs"]["matched_by"] == "row"  # type: ignore[index, call-overload]


def test_unnamed_columns_that_hold_something_keep_it(tmp_path: Path) -> None:
    """The first is as pandas writes an index; others are called by their places."""
    (tmp_path / "d.csv").write_text(",label,prediction,,\nx,0,0,left,\ny,1,0,right,\nz,1,1,left,\n")
    found = audit(tmp_path / "d.csv", tmp_path / "d.csv", metadata=tmp_path / "d.csv")
    told = found["inputs"]
    assert isinstance(told, dict) and told["matched_by"] == "id"
    assert "'column 4'" in str(told["dense"]) and "column 4" in told["metadata"]["columns"]  # type: ignore[index, call-overload]
