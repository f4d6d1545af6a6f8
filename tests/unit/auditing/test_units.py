"""Bounds of a class, a group or the whole: of counts, and of models that vary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from scipy import stats

from made_budgets import an_audit, class_row, judge, population, reason, verdict
from piescope.auditing.budgets import Budgets
from piescope.auditing.units import units
from piescope.audits import audit


@pytest.mark.parametrize("freedom", [1.0, 4.0, 7.3, 1e6])
def test_a_population_has_bounds_of_its_t_distribution(freedom: float) -> None:
    reach = 0.5 * stats.t.ppf(0.95, freedom)
    audit = population(0.5, freedom)
    (row,) = judge(audit, Budgets.of({"equivalent_within": 9}))
    assert (row.low, row.high) == pytest.approx((-1 - reach, -1 + reach))
    audit["classes"] = [audit["classes"][0] | {"class": str(i)} for i in range(10)]
    # each class at 5 %: all must pass, so their number does not matter
    (row,) = judge(audit, Budgets.of({"max_class_drop": 9}))
    assert (row.low, row.high) == pytest.approx((-1 - reach, -1 + reach))


def test_a_population_of_few_examples_is_not_sure_because_its_models_are() -> None:
    sure = class_row("cat", 10, 0, 0, impact=-2.0, error=0.05, freedom=4.0)
    (row,) = judge(an_audit([sure], models=(5, 5), change=-2.0), Budgets.of({"max_class_drop": 9}))
    assert row.verdict == "undecided" and row.low == pytest.approx(-2 - 100 * (1 - 0.05**0.1))


def test_a_population_without_spread_is_judged_by_its_modal_labels() -> None:
    same = class_row("cat", 1000, 0, 0)
    assert verdict(an_audit([same], models=(5, 5)), max_class_drop=3) == "kept"
    # modal labels that tell another story than the mean over models are no substitute for its interval
    other = class_row("cat", 1000, 0, 0, impact=-1.0)
    assert verdict(an_audit([other], models=(5, 5)), max_class_drop=3) == "undecided"
    assert "more examples or models" in reason(an_audit([other], models=(5, 5)), max_class_drop=3)
    assert "more examples or models" in reason(population(1.5, 4.0), equivalent_within=2)


def test_nothing_is_told_from_counts_of_a_group_of_one_example_that_half_of_the_models_lose(tmp_path: Path) -> None:
    """One example has no error over examples; half an example lost, rounded to none, is no count either."""
    truth = np.arange(12) % 2
    dense, compressed = np.tile(truth, (1, 1)), np.tile(truth, (6, 1))
    compressed[:3, 0] = 1 - truth[0]
    compressed[3:, 4:] = 1 - truth[4:]
    groups = tmp_path / "groups.parquet"
    parquet.write_table(pa.table({"kind": ["rare"] + ["common"] * 11}), groups)
    record = audit(dense, compressed, labels=truth, metadata=groups, values="labels").record
    rare = next(row for row in record.groups if row.value == "rare")
    assert (rare.examples, rare.impact, rare.correct_to_wrong) == (1, -50.0, 0.5)
    (unit,) = (unit for unit in units(record, record.groups) if "rare" in unit.name)
    assert unit.flips is None and unit.bounds(0.05) == (-100.0, 100.0)
