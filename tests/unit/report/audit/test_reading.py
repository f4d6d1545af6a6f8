"""How the files were read, in a few lines."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from made_audit import CASES
from piescope.report.audit.reading import how_read
from piescope.store.audit_record import AuditRecord


def test_a_line_a_file_and_how_rows_found_each_other(pair: dict[str, Any]) -> None:
    assert how_read(AuditRecord.of(pair)) == [
        "dense.csv: 1 model; one column a model (1)",
        "pruned-90.csv: 1 model; one column a model (1); separator ;",
        "labels.csv: column label",
        "10,000 examples, matched by id; left out: 3 that only compressed has and 12 that only labels has.",
    ]


def test_what_is_read_alike_is_told_once(pair: dict[str, Any]) -> None:
    pair["inputs"]["compressed"]["told"] = pair["inputs"]["dense"]["told"]
    pair["inputs"]["labels"] = None
    assert how_read(AuditRecord.of(pair))[1:-1] == ["pruned-90.csv: likewise"]


@pytest.mark.parametrize("name", CASES)
def test_a_line_is_a_line(name: str) -> None:
    content = copy.deepcopy(CASES[name])
    content["inputs"]["dense"].update(name="a\nb", told=["x\ny", *"12345"])
    lines = how_read(AuditRecord.of(content))
    assert 3 <= len(lines) <= 5 and not any("\n" in line for line in lines)
    assert lines[0].endswith("; 1; 2; 3")  # four notes at most


def test_groups_are_named(pair: dict[str, Any]) -> None:
    pair["inputs"]["metadata"] = {"name": "meta.parquet", "columns": ["camera", "region"]}
    assert "meta.parquet: groups by camera and region" in how_read(AuditRecord.of(pair))
