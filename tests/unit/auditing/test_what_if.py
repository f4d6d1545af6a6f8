"""A row of the curve says what a copy's own audit says."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from made_audit import CASES, nothing
from piescope.adapters.compression import Compression, CopyFacts
from piescope.auditing.verdict import CLASS_LIMIT
from piescope.auditing.what_if import curve_row
from piescope.store.audit_record import AuditRecord, CopyRow

FACTS = CopyFacts(0.5, ("layer",), 1000, 1000, 900, 500, ())


def row_of(content: dict[str, Any]) -> CopyRow:
    return curve_row(AuditRecord.of(content), Compression("magnitude", 0.5), FACTS)


def test_a_row_has_the_numbers_of_the_copys_audit() -> None:
    content = copy.deepcopy(CASES["labels"])
    row = row_of(content)
    assert (row.name, row.method, row.amount, row.folder) == ("magnitude 0.5", "magnitude", 0.5, "magnitude-0.5")
    assert (row.accuracy, row.change) == (content["accuracy"]["compressed"], content["accuracy"]["change"])
    assert [row.low, row.high] == content["accuracy"]["compressed_interval"]
    assert [row.change_low, row.change_high] == content["accuracy"]["change_interval"]
    assert (row.correct_to_wrong, row.changed) == (content["flips"]["correct_to_wrong"], content["changed"])
    assert row.verdict == content["verdict"]["answer"] == "harm shown"
    assert set(row.lost_classes) == {harm["name"] for harm in content["verdict"]["harms"] if harm["where"] == "class"}
    worst = content["classes"][0]
    assert (row.worst_class, row.worst_impact) == (worst["class"], worst["impact"])
    assert (row.n_classes, row.smallest_class) == (10, 1000)
    assert (row.realised_sparsity, row.bytes_after, row.zipped_after) == (0.5, 1000, 500)


def test_the_limit_of_a_class_is_the_budgets() -> None:
    content = copy.deepcopy(CASES["labels"])
    assert row_of(content).class_limit == CLASS_LIMIT
    content["budgets"] = copy.deepcopy(CASES["probabilities"]["budgets"])
    (budget,) = (row for row in content["budgets"] if row["budget"] == "max_class_drop")
    budget["limit"] = 40
    row = row_of(content)
    assert row.class_limit == 40 and row.near_limit == ()
    assert row.broken == ("max_flips", "max_class_drop")
    assert "cat" in row_of(CASES["labels"]).near_limit


@pytest.mark.parametrize("content", [nothing(), CASES["no true labels"]], ids=["nothing", "no true labels"])
def test_what_is_not_known_is_none(content: dict[str, Any]) -> None:
    row = row_of(content)
    assert row.accuracy is row.change is row.correct_to_wrong is row.worst_class is row.smallest_class is None
    assert (row.lost_classes, row.near_limit, row.n_classes) == ((), (), 0)
