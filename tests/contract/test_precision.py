"""docs/precision.md is what the kept answers of both precisions give, and its verdict is true of them."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from scipy import stats


@pytest.fixture
def precision(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark("precision")


@pytest.mark.sampled(8, heavy=True)
def test_populations_in_bfloat16_cannot_be_told_from_those_in_float32(precision: ModuleType) -> None:
    rows = precision.compared(*precision.kept())
    assert {row.models for row in rows} == {20} and len(rows) == 6
    assert precision.smallest_p(rows) > 0.05
    assert precision.table(rows) in precision.PAGE.read_text()


def test_the_page_has_the_accuracies_and_their_changes(precision: ModuleType) -> None:
    exact, rounded = precision.kept()
    page = precision.PAGE.read_text()
    assert len(exact["truth"]) == 797 and {len(exact[name]) for name in exact if name != "truth"} == {20}
    for name, arm in (("supcon dense", "supervised contrastive, dense"), ("supervised gmp", "supervised, GMP")):
        before, after = (100 * (said[name] == exact["truth"]).mean(1) for said in (exact, rounded))
        paired = stats.ttest_rel(after, before)
        low, high = paired.confidence_interval(0.95)
        change = f"{(after - before).mean():+.2f} [{low:+.2f}, {high:+.2f}]"
        assert f"| {arm} | {before.mean():.2f} / {after.mean():.2f} | {change} |" in page


@pytest.mark.sampled(3)
def test_a_loss_of_accuracy_and_of_examples_would_be_seen(precision: ModuleType) -> None:
    """Of models that answer 8 more of 797 wrong; and of pruned ones that agree on them, so that the mode is lost."""
    exact = {name: said if name == "truth" else said[:6] for name, said in precision.kept()[0].items()}
    right = exact["supervised gmp"][:, :8] == exact["truth"][:8]
    worse = {**exact, "supervised gmp": exact["supervised gmp"].copy()}
    worse["supervised gmp"][:, :8] = (exact["truth"][:8] + 1) % 10
    rows = {row.arm: row for row in precision.compared(exact, worse)}
    row = rows["supervised, GMP"]
    assert row.change.value == pytest.approx(-100 * right.mean() * 8 / 797)
    assert row.change.high < 0 < row.pies_change.low
    assert precision.smallest_p(list(rows.values())) < 0.05 and "**at least one is** clear" in precision.table(
        list(rows.values())
    )
    assert rows["supervised, one-shot"].change == precision.Estimate(0.0, 0.0, 0.0, 1.0)


def test_the_error_of_a_mean_by_leaving_out_is_its_standard_error(precision: ModuleType) -> None:
    drawn = np.random.default_rng(0).normal(0.3, 1, 12)
    made = precision.jackknife(lambda seeds: float(drawn[seeds].mean()), 12)
    expected = stats.ttest_1samp(drawn, 0)
    low, high = expected.confidence_interval(0.95)
    assert (made.value, made.low, made.high, made.p) == pytest.approx((drawn.mean(), low, high, expected.pvalue))
