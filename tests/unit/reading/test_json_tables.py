"""Tables in JSON: what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from made_predictions import as_npy
from made_refusals import Cases, Refusal, write
from piescope.problems import InputError
from piescope.reading.hints import Hints
from piescope.reading.inputs import read_file

CASES = Cases()


CASES.text("an empty list", "[]", "content", "a JSON list", suffix="json")


@CASES.add
def other_files_in_a_folder(root: Path) -> Refusal:
    write(root, "runs/config.json", '{"lr": 0.1}'), as_npy(np.array([0, 1]), root / "runs" / "b.npy")
    return {"dense": root / "runs", "compressed": np.array([1, 0])}, (
        "config.json: content",
        "a JSON dict",
        "runs/b.npy",
    )


CASES.text("JSON of another shape", '{"accuracy": 0.9}', "content", "a JSON dict", "one object a row", suffix="json")
CASES.text("JSON lines of numbers", "1\n0\n", "line 1", "b'1\\n0\\n'", "a JSON object", suffix="jsonl")
CASES.text("JSON lines of null", "null\n", "line 1", "a JSON object", suffix="jsonl")
CASES.text(
    "deep JSON lines",
    '{"a": ' + "[" * 10_000 + "]" * 10_000 + "}",
    "line 1",
    "brackets within brackets",
    suffix="jsonl",
)


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)


@pytest.mark.parametrize("at", [0, 3, 5])
def test_lines_with_a_key_of_several_kinds_are_read_without_it(tmp_path: Path, at: int) -> None:
    """As some versions of evaluation harnesses write a request's answer: a number beside true or false."""
    rows = [{"doc_id": row, "resps": [[-1.5]], "other": {"a": [1]}, "acc": row % 2} for row in range(6)]
    rows[at]["resps"] = [[-1.5, False]]
    rows[at]["note"] = [{"a": 1}, "b"]
    path = tmp_path / "samples.jsonl"
    path.write_text("\ufeff" + "\n".join(map(json.dumps, rows)) + "\n\n", encoding="utf-8")
    (part,) = read_file(path, Hints())
    assert part.labels(slice(None)).tolist() == [[0, 1, 0, 1, 0, 1]] and part.is_correctness
    assert "not read: 'resps', 'note' (values of several kinds)" in part.notes
    assert part.ids.to_pylist() == list("012345")  # type: ignore[union-attr]


def test_a_line_that_is_no_json_is_still_named(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text('{"id": 0, "acc": 1, "resps": [1, true]}\n{"id": 1, "acc": 0\n')
    with pytest.raises(InputError, match="rows that are all alike"):
        read_file(path, Hints())
