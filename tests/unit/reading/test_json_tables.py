"""Tables in JSON: what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_predictions import as_npy
from made_refusals import Cases, Refusal, write

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
