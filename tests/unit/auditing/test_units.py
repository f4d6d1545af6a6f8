"""What bounds a class, a group or the whole has: of counts, and of models that vary."""

from __future__ import annotations

import pytest
from scipy import stats

from made_budgets import an_audit, class_row, judge, population, reason, verdict
from piescope.auditing.budgets import Budgets


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
