"""Which verdict on a budget is given when, and how often a wrong one is."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats

from made_budgets import an_audit, class_row, judge, population, proposed, reason, slow_upper, verdict
from piescope.auditing.budgets import Budgets, verdict_line
from piescope.auditing.units import LEVEL
from piescope.measure.accuracy import RightSums


def test_a_count_is_kept_up_to_the_limit_and_broken_beyond() -> None:
    assert [verdict(an_audit(lost=30), max_flips=limit) for limit in (29, 30, 31)] == ["broken", "kept", "kept"]
    assert [verdict(an_audit(changed=50), max_changed=limit) for limit in (49, 50)] == ["broken", "kept"]
    (row,) = judge(an_audit(lost=30), Budgets.of({"max_flips": 29}))
    assert (row.observed, row.unit, row.limit, row.of) == (30, "examples", 29, "")
    low, high = stats.binomtest(30, 2000).proportion_ci(0.9, "exact")
    assert (row.low, row.high) == pytest.approx((2000 * low, 2000 * high))


def test_a_count_that_could_not_have_been_broken_is_not_passed_silently() -> None:
    assert [verdict(an_audit(examples=50, changed=0), max_changed=limit) for limit in (49, 50, 51)] == [
        "kept",
        "undecided",
        "undecided",
    ]
    # the dense side has 90 % of 2,000 right: no more could flip
    assert [verdict(an_audit(), max_flips=limit) for limit in (1799, 1800)] == ["kept", "undecided"]
    assert "only 1,800 of 2,000 examples could have" in reason(an_audit(), max_flips=1800)


def test_without_examples_nothing_is_decided() -> None:
    nothing = an_audit(examples=0, lost=0, gained=0, changed=0)
    for limits in ({"max_flips": 3}, {"max_changed": "3%"}, {"equivalent_within": 1}, {"max_class_drop": 3}):
        (row,) = judge(nothing, Budgets.of(limits))
        assert row.verdict == "undecided" and row.observed is None
        assert "nothing observed" in verdict_line(row)


def test_a_share_is_kept_only_where_the_exact_upper_bound_says_so() -> None:
    for changed in (0, 1, 2, 5, 20, 39, 40, 41):
        bound = 100 * (stats.beta.ppf(0.95, changed + 1, 2000 - changed))
        for limit in (0.1, 0.15, 0.25, 1.0, 1.45, 1.5, 2.0, 2.6, 2.7):
            expected = "broken" if changed / 20 > limit else "kept" if bound <= limit else "undecided"
            assert verdict(an_audit(changed=changed), max_changed=f"{limit}%") == expected, (changed, limit, bound)
    (row,) = judge(an_audit(changed=20), Budgets.of({"max_changed": "2%"}))
    assert row.high == pytest.approx(100 * stats.beta.ppf(0.95, 21, 1980))
    assert row.low == pytest.approx(100 * stats.beta.ppf(0.05, 20, 1981))


@pytest.mark.parametrize(("changed", "examples"), [(3, 1000), (7, 1000), (29, 100), (57, 10_000), (1, 3)])
def test_a_share_that_equals_the_limit_is_not_broken_by_rounding(changed: int, examples: int) -> None:
    limit = f"{100 * changed / examples:.17g}%"
    assert verdict(an_audit(examples=examples, changed=changed), max_changed=limit) == "undecided"
    assert "no number of examples would do" in reason(an_audit(examples=examples, changed=changed), max_changed=limit)
    assert verdict(an_audit(examples=examples, changed=changed + 1), max_changed=limit) == "broken"


def test_every_class_must_be_shown_to_keep_its_recall() -> None:
    classes = [class_row("cat", 1000, 20, 4), class_row("dog", 960, 8, 6)]
    bounds = [slow_upper(20, 4, 1000, 0.05), slow_upper(8, 6, 960, 0.05)]
    (row,) = judge(an_audit(classes), Budgets.of({"max_class_drop": 3}))
    assert row.verdict == "kept" and row.observed == pytest.approx(-1.6) and row.low == pytest.approx(-max(bounds))
    assert row.high == pytest.approx(slow_upper(4, 20, 1000, 0.05))
    assert [verdict(an_audit(classes), max_class_drop=max(bounds) + off) for off in (1e-6, -1e-6)] == [
        "kept",
        "undecided",
    ]
    assert [verdict(an_audit(classes), max_class_drop=limit) for limit in (1.6, 1.59)] == ["undecided", "broken"]


def test_the_worst_class_and_those_that_are_too_small_are_named() -> None:
    classes = [class_row("cat", 1000, 20, 4), class_row("dog", 960, 8, 6), class_row("eel", 40, 0, 0)]
    sentence = reason(an_audit(classes), max_class_drop=3)
    assert "worst: cat, −1.6" in sentence and "eel (40 examples, down to −" in sentence and "dog" not in sentence
    enough = proposed(sentence)
    assert slow_upper(0, 0, enough, 0.05) <= 3 < slow_upper(0, 0, int(0.9 * enough), 0.05)
    broken = reason(an_audit([*classes, class_row("fox", 100, 9, 0)]), max_class_drop=1)
    assert broken == "fox −9.0 (9 lost, 0 gained of 100) and cat −1.6 (20 lost, 4 gained of 1,000)"
    many = reason(an_audit([class_row(f"c{i}", 50, 1, 0) for i in range(9)]), max_class_drop=3)
    assert "and 6 more" in many and "c3" not in many


def test_a_class_without_examples_is_not_passed_silently() -> None:
    classes = [class_row("cat", 1000, 2, 0), class_row("fox", 0, 0, 0)]
    assert verdict(an_audit(classes), max_class_drop=3) == "undecided"
    assert reason(an_audit(classes), max_class_drop=3) == "class without any example: fox"
    assert verdict(an_audit(classes[:1]), max_class_drop=3) == "kept"
    assert verdict(an_audit([class_row("cat", 1000, 90, 0), classes[1]]), max_class_drop=3) == "broken"


def test_groups_are_judged_like_classes() -> None:
    groups = [
        {"column": "camera", "value": "night", **class_row("", 100, 9, 0)},
        {"column": "camera", "value": "day", **class_row("", 5000, 9, 0)},
    ]
    assert reason(an_audit(groups=groups), max_group_drop=8).startswith("camera = night −9.0")
    assert "camera = night (100 examples" in reason(an_audit(groups=groups), max_group_drop=12)
    assert verdict(an_audit(groups=groups), max_group_drop=25) == "kept"


def test_equivalence_is_two_one_sided_tests() -> None:
    low, high = -slow_upper(30, 10, 2000, 0.05), slow_upper(10, 30, 2000, 0.05)
    (row,) = judge(an_audit(), Budgets.of({"equivalent_within": 2}))
    assert (row.verdict, row.observed) == ("kept", -1.0)
    assert (row.low, row.high) == pytest.approx((low, high))
    assert [verdict(an_audit(), equivalent_within=limit) for limit in (-low + 1e-6, -low - 1e-6, 1.0, 0.99)] == [
        "kept", "undecided", "undecided", "broken",
    ]  # fmt: skip
    assert verdict(an_audit(lost=10, gained=30), equivalent_within=0.99) == "broken"  # better is not equivalent, either
    assert "at the limit" in reason(an_audit(), equivalent_within=1)
    assert proposed(reason(an_audit(), equivalent_within=1.2)) == pytest.approx(2000 * ((-low - 1) / 0.2) ** 2, rel=0.2)


def of_pairs(
    excess: float, error: float | None, *, side: str = "dense", floor: float = 120.0, why_not: str = ""
) -> dict[str, Any]:
    """2,000 examples; flips as means over pairs of models."""
    audit = population(0.5, 3.0, drop=0.6)
    pairs = {"observed": floor + excess, "floor": floor, "excess": excess, "error": error, "freedom": 3.0}
    share = {"value": (floor + excess) / 20, "error": None if error is None else error / 20, "freedom": 3.0}
    audit["seeds"] = {"side": side, "n_models": 4, "changed": pairs, "correct_to_wrong": pairs, "why_not": why_not}
    audit["flips"] |= {"correct_to_wrong": floor + excess, "correct_to_wrong_share": share}
    return audit | {"changed": floor + excess, "changed_share": share, "n_examples": 2000}


def test_what_seeds_do_is_no_flip_of_the_copy() -> None:
    (row,) = judge(of_pairs(5.0, 6.0), Budgets.of({"max_flips": "2%"}))
    reach = stats.t.ppf(0.95, 3) * 6.0 / 20
    assert (row.observed, row.low, row.high) == pytest.approx((0.25, 0.25 - reach, 0.25 + reach))
    assert row.verdict == "kept"
    assert row.reason == (
        "125.0 of 2,000 examples lost, mean over pairs of models, of which 120.0 by seeds alone; judged is the rest"
    )
    assert verdict(of_pairs(5.0, 20.0), max_flips="2%") == "undecided"  # seeds vary too much to tell
    assert verdict(of_pairs(60.0, 6.0), max_flips="2%") == "broken"
    assert verdict(of_pairs(60.0, 40.0), max_flips="2%") == "undecided"  # as much as seeds may do by chance
    assert verdict(of_pairs(5.0, 6.0), max_flips=3) == "undecided"  # likewise of a count
    assert verdict(of_pairs(60.0, 6.0), max_changed=30) == "broken"
    assert verdict(of_pairs(60.0, 6.0), max_changed=75) == "kept"


def test_two_dense_models_cannot_tell_what_seeds_do() -> None:
    sentence = "two models cannot tell how much the flips of seeds vary; three can"
    audit = of_pairs(60.0, None, why_not=sentence)
    assert verdict(audit, max_flips="2%") == "undecided" and sentence in reason(audit, max_flips="2%")


def test_copies_that_differ_among_each_other_are_no_excuse() -> None:
    audit = of_pairs(5.0, 6.0, side="compressed")
    (row,) = judge(audit, Budgets.of({"max_flips": "2%"}))
    assert row.verdict == "broken" and row.observed == pytest.approx(6.25)
    assert verdict(audit, max_flips="7%") == "kept" and verdict(audit, max_flips="6.5%") == "undecided"


def test_seeds_alone_break_no_budget_of_classes_or_accuracy() -> None:
    audit = of_pairs(5.0, 6.0)
    audit["classes"] = [audit["classes"][0] | {"class": str(i), "impact": -4.0, "error": 1.5} for i in range(10)]
    assert verdict(audit, max_class_drop=3) == "undecided"
    assert "seeds alone may have done it" in reason(audit, max_class_drop=3)
    audit["classes"][0]["error"] = 0.5  # t is 8, and ten classes of t with 3 degrees of freedom are asked
    assert verdict(audit, max_class_drop=3) == "broken" and reason(audit, max_class_drop=3).startswith("0 −4.0")
    audit["accuracy"] |= {"change": -1.0, "change_error": 0.5}
    assert verdict(audit, equivalent_within=0.5) == "undecided"
    assert reason(audit, equivalent_within=0.5).endswith("seeds alone may have done it")
    audit["accuracy"] |= {"change_error": 0.2}
    assert verdict(audit, equivalent_within=0.5) == "broken"


DRAWS = 1000


def most_wrong(draws: int = DRAWS) -> float:
    """5 % and what chance adds to it in so many draws, three standard errors of it."""
    return LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / draws)


@pytest.mark.simulation
@pytest.mark.parametrize(("examples", "limit"), [(60, 5.0), (300, 1.0), (1000, 2.0), (5000, 2.0)])
def test_kept_is_rarely_said_of_a_share_at_the_limit(examples: int, limit: float) -> None:
    random = np.random.default_rng(1)
    budgets = Budgets.of({"max_changed": f"{limit}%"})
    counts, times = np.unique(random.binomial(examples, limit / 100, DRAWS), return_counts=True)
    verdicts = [judge(an_audit(examples=examples, changed=int(count)), budgets)[0].verdict for count in counts]
    kept = sum(times[np.array(verdicts) == "kept"]) / DRAWS
    assert kept <= most_wrong()
    assert kept > 0 or stats.binom.pmf(0, examples, limit / 100) > LEVEL  # it can be said at all


@pytest.mark.simulation
@pytest.mark.parametrize(("gain", "others"), [(0.0, 0.0), (0.02, 0.0), (0.0, 0.03), (0.02, 0.03)])
def test_kept_is_rarely_said_with_a_class_at_the_limit(gain: float, others: float) -> None:
    """Ten classes of 300; the first loses exactly what it may; the others nothing, or as much."""
    random = np.random.default_rng(2)
    budgets, kept = Budgets.of({"max_class_drop": 3}), 0
    losses = np.array([0.03, *[others] * 9]) + gain
    for _ in range(DRAWS):
        flips = [random.multinomial(300, (loss, gain, 1 - loss - gain)) for loss in losses]
        audit = an_audit([class_row(str(i), 300, int(lost), int(won)) for i, (lost, won, _) in enumerate(flips)])
        kept += judge(audit, budgets)[0].verdict == "kept"
    assert kept / DRAWS <= most_wrong()


@pytest.mark.simulation
def test_kept_is_rarely_said_of_an_accuracy_at_the_margin() -> None:
    random = np.random.default_rng(3)
    budgets = Budgets.of({"equivalent_within": 2})
    for examples, gain in ((150, 0.0), (500, 0.01), (2000, 0.03)):
        flips = random.multinomial(examples, (0.02 + gain, gain, 0.98 - 2 * gain), DRAWS)
        kept = sum(
            judge(an_audit(examples=examples, lost=int(a), gained=int(b)), budgets)[0].verdict == "kept"
            for a, b, _ in flips
        )
        assert 0 < kept / DRAWS <= most_wrong()


@pytest.mark.sampled(8, heavy=True)
@pytest.mark.simulation
@pytest.mark.parametrize("models", [3, 10])
def test_kept_is_rarely_said_of_a_population_with_a_class_at_the_limit(models: int) -> None:
    """Classes' drops as t-intervals have them, with the fewest degrees of freedom that they may have."""
    random = np.random.default_rng(4)
    budgets, kept, equal = Budgets.of({"max_class_drop": 3}), 0, 0
    for _ in range(DRAWS):
        seeds = random.normal([-3.0, *[0.0] * 9], 0.5, (models, 10))
        impacts, errors = seeds.mean(0), seeds.std(0, ddof=1) / math.sqrt(models)
        rows = [
            class_row(str(i), 100, 0, 0, impact=float(m), error=float(e), freedom=models - 1.0)
            for i, (m, e) in enumerate(zip(impacts, errors, strict=True))
        ]
        sure = {"change_error": float(errors[0]), "change_freedom": models - 1.0}
        audit = an_audit(rows, models=(models, models), change=float(impacts[0]), **sure)
        kept += judge(audit, budgets)[0].verdict == "kept"
        equal += judge(audit, Budgets.of({"equivalent_within": 3}))[0].verdict == "kept"
    assert kept / DRAWS <= most_wrong()
    assert 0 < equal / DRAWS <= most_wrong()


@pytest.mark.simulation
@pytest.mark.parametrize(("classes", "size", "models"), [(1, 100, 5), (1, 1000, 5), (10, 300, 5), (10, 300, 3)])
def test_kept_is_rarely_said_of_populations_that_lose_the_same_examples(classes: int, size: int, models: int) -> None:
    """The audit's own intervals; all compressed models lose an example of the first class, or none does.

    A t-interval of few flips is somewhat too short: with one class, "kept" is said in up to 6 % instead of 5 %.
    """
    random = np.random.default_rng(6)
    limit, draws, kept, group = 3.0, 500, 0, np.repeat(np.arange(classes), size)
    for _ in range(draws):
        gone = (random.random(classes * size) < limit / 100) & (group == 0)
        dense, compressed = (random.random((models, classes * size)) >= 0.05 for _ in range(2))
        dense[:, gone], compressed[:, gone] = True, False
        change = RightSums.of(dense, compressed, group, classes).change()
        modal = [side.mean(0) > 0.5 for side in (dense, compressed)]
        flips = [np.bincount(group[one & ~other], minlength=classes) for one, other in (modal, modal[::-1])]
        numbers = zip(flips[0], flips[1], change.value, change.error, change.freedom, strict=True)
        rows = [
            class_row(
                str(i), size, int(lost), int(won), impact=float(value), error=float(error), freedom=float(freedom)
            )
            for i, (lost, won, value, error, freedom) in enumerate(numbers)
        ]
        audit = an_audit(rows, models=(models, models), change=0.0)
        kept += judge(audit, Budgets.of({"max_class_drop": limit}))[0].verdict == "kept"
    assert kept / draws <= 0.06 + 3 * math.sqrt(0.06 * 0.94 / draws)
    assert kept or classes > 1


@pytest.mark.simulation
def test_with_enough_examples_good_models_pass() -> None:
    """A verdict of undecided that never went away would be no verdict."""
    random = np.random.default_rng(5)
    kept = 0
    for _ in range(200):
        flips = random.multinomial(2000, (0.015, 0.01, 0.975), 10)
        audit = an_audit([class_row(str(i), 2000, int(lost), int(won)) for i, (lost, won, _) in enumerate(flips)])
        kept += judge(audit, Budgets.of({"max_class_drop": 3}))[0].verdict == "kept"
    assert kept / 200 > 0.95


@given(some.integers(1, 3000), some.data())
@settings(max_examples=300, deadline=None)
def test_every_sample_and_limit_has_a_verdict(examples: int, data: some.DataObject) -> None:
    changed = data.draw(some.integers(0, examples))
    limit = data.draw(
        some.sampled_from([0, changed, changed + 1, changed + 2, 2 * changed]) | some.integers(0, examples)
    )
    audit = an_audit(examples=examples, changed=changed, lost=changed // 2, gained=changed - changed // 2)
    share = f"{min(100.0, 100 * limit / examples):.9f}%"
    for budgets in (
        {"max_changed": share},
        {"max_changed": limit},
        {"equivalent_within": min(100.0, 0.01 + 100 * limit / examples)},
    ):
        (row,) = judge(audit, Budgets.of(budgets))
        assert row.low <= row.observed <= row.high
        proposal = re.search(r"about ([\d,]+) examples would do", row.reason)
        assert proposal is None or int(proposal[1].replace(",", "")) > examples
