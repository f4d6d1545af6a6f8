"""How the files were read, in a few lines."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from made_audit import CASES, page, printed, short, text_of
from piescope.report.audit.reading import MOST, command, hashes, how_read
from piescope.store.audit_inputs import FileHash
from piescope.store.audit_record import AuditRecord


def said(content: dict[str, Any]) -> dict[str, str]:
    return {fact.name: fact.value for fact in how_read(AuditRecord.of(content))}


def test_a_line_a_file(pair: dict[str, Any]) -> None:
    classes = "10: airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck"
    assert said(pair) == {
        "dense": "dense.csv: 1 model, labels; one column a model (1)",
        "compressed": "pruned-90.csv: 1 model, labels; one column a model (1); separator ;",
        "labels": "labels.csv: column label",
        "classes": classes,
    }
    matched = "10,000 examples, matched by id; left out: 3 that only compressed has and 12 that only labels has"
    for text in (text_of(page(pair)), short(pair), " ".join(" ".join(printed(pair, 100)).split())):
        assert matched in text and classes in text and "pruned-90.csv: 3 examples are in no other file" in text


def test_what_is_read_alike_is_told_once(pair: dict[str, Any]) -> None:
    pair["inputs"]["compressed"]["told"] = pair["inputs"]["dense"]["told"]
    pair["inputs"]["labels"] = None
    assert said(pair)["compressed"] == "pruned-90.csv: 1 model, labels; likewise"
    assert said(pair)["labels"] == "none"


def test_the_page_says_of_which_files_it_was_made(pair: dict[str, Any]) -> None:
    made_of = "dense.csv 0123456789abcdef, pruned-90.csv 1123456789abcdef (SHA-256, first 16)"
    assert f"Made of {made_of} Made on" in text_of(page(pair))
    del pair["inputs"]["files"]  # an earlier version's
    assert "Made of" not in text_of(page(pair))
    one = FileHash(role="dense", name="a.npy", bytes=1, sha256="ab" * 32)
    many = hashes((one,) * (MOST + 3))
    assert many.count("a.npy abababababababab") == MOST and "and 3 more files, which audit.json has" in many
    assert hashes((FileHash(role="data", name="pictures", files=300),)) == "pictures: 300 files"


@pytest.mark.parametrize("name", CASES)
def test_a_line_is_a_line(name: str) -> None:
    content = copy.deepcopy(CASES[name])
    content["inputs"]["dense"].update(name="a\nb", told=["x\ny", *"12345"])
    lines = said(content)
    assert 4 <= len(lines) <= 6 and not any("\n" in line for line in lines.values())
    assert lines["dense"].endswith("; 1; 2; 3; 4; 5")  # all that was noted


def test_groups_are_named(pair: dict[str, Any]) -> None:
    pair["inputs"]["metadata"] = {"name": "meta.parquet", "columns": ["camera", "region"]}
    assert said(pair)["metadata"] == "meta.parquet: groups by camera and region"


def test_what_to_type_for_such_a_page(pair: dict[str, Any]) -> None:
    assert command(AuditRecord.of(pair)) == ""  # an earlier version wrote it
    pair["inputs"]["command"] = ["piescope", "audit", "my dense.csv", "x\x1b[31m.csv", "--labels", "labels.csv"]
    assert command(AuditRecord.of(pair)) == "piescope audit 'my dense.csv' 'x\\x1b[31m.csv' --labels labels.csv"
