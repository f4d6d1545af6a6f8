"""Can it be shipped? Which answer is given when, and how often a wrong one is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_audit import budgets_of, from_counts
from piescope import wording
from piescope.auditing.budgets import Budgets, is_broken, judge
from piescope.auditing.suggested_budgets import suggested_budgets
from piescope.auditing.verdict import ACCURACY_LIMIT, CLASS_LIMIT, verdict_of
from piescope.audits import audit
from piescope.measure.accuracy import RightSums
from piescope.measure.flips import adjusted_p_values, selected_level
from piescope.problems import InputError
from piescope.report.audit import headlines
from piescope.report.layout.blocks import Tag
from piescope.store.audit_record import AuditRecord


def test_safe_is_what_excludes_a_loss_in_all_and_in_every_class() -> None:
    content = from_counts([(900, 3, 4, 93), (950, 5, 3, 42)])
    verdict = content["verdict"]
    assert (verdict["answer"], verdict["judged_by"], verdict["harms"], verdict["unsettled"]) == (
        "safe",
        "limits",
        [],
        [],
    )
    assert -ACCURACY_LIMIT <= verdict["accuracy_bound"] < 0 and -CLASS_LIMIT <= verdict["class_bound"] < 0
    assert headlines.verdict(AuditRecord.of(content)).replace(wording.SPACE, " ") == (
        "The compressed model can be shipped: a loss of more than 1 point of accuracy, or 3 points in any class, is "
        "excluded (one-sided 95 %)."
    )
    (row,) = judge(AuditRecord.of(content), Budgets.of({"max_class_drop": CLASS_LIMIT}))
    assert row.verdict == "kept" and row.low == pytest.approx(verdict["class_bound"])


def test_too_few_tells_how_many_would_do() -> None:
    content = from_counts([(45, 1, 1, 3), (48, 0, 0, 2)])
    verdict = content["verdict"]
    assert verdict["answer"] == "too few to tell"
    assert [row["where"] for row in verdict["unsettled"]] == ["accuracy", "class", "class"]
    assert f"about {verdict['enough']:,} examples of this kind would settle it" in headlines.verdict(
        AuditRecord.of(content)
    )
    times = verdict["enough"] / 100
    larger = [tuple(round(times * count) for count in row) for row in [(45, 1, 1, 3), (48, 0, 0, 2)]]
    assert from_counts(larger)["verdict"]["answer"] == "safe"
    smaller = [tuple(round(times * count / 1.3) for count in row) for row in [(45, 1, 1, 3), (48, 0, 0, 2)]]
    assert from_counts(smaller)["verdict"]["answer"] == "too few to tell"


def test_too_few_for_a_loss_that_looks_large_are_enough_once_it_is_beyond_chance() -> None:
    few = [(40, 4, 0, 6), (48, 0, 0, 2)]
    verdict = from_counts(few)["verdict"]
    assert verdict["answer"] == "too few to tell"
    times = verdict["enough"] / 100
    assert (
        from_counts([tuple(math.ceil(times * count) for count in row) for row in few])["verdict"]["answer"]
        == "harm shown"
    )


def test_without_labels_and_with_classes_that_have_no_example() -> None:
    content = audit(np.array([0, 1, 1]), np.array([0, 1, 0])).content
    assert content["verdict"]["answer"] == "no true labels"
    assert headlines.verdict(AuditRecord.of(content)).startswith(
        "The compressed model cannot be judged: there are no true labels"
    )
    assert headlines.chip(AuditRecord.of(content)) == Tag("CANNOT BE TOLD")
    empty = from_counts([(900, 3, 4, 93), (950, 5, 3, 42), (0, 0, 0, 0)])
    assert empty["verdict"]["empty_classes"] == 1
    assert "; of 1 class without any example nothing is known." in headlines.verdict(AuditRecord.of(empty))


def test_what_may_be_about_something_else_is_never_safe() -> None:
    """Ids of one side shifted by one: nothing was lost between two sides that are both wrong."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 10, 3000)
    content = audit((truth + 1) % 10, (truth + 1) % 10, labels=truth).content
    assert content["warnings"] and content["verdict"]["answer"] == "in doubt"
    assert headlines.verdict(AuditRecord.of(content)).startswith("The compressed model cannot be judged: the numbers")
    assert headlines.chip(AuditRecord.of(content)) == Tag("IN DOUBT", "undecided")
    content = audit((truth + 1) % 10, (truth + 1) % 10, labels=truth, budgets={"max_flips": "2%"}).content
    assert content["budgets"][0]["verdict"] == "undecided" and content["verdict"]["answer"] == "in doubt"
    assert headlines.verdict(AuditRecord.of(content)).endswith(
        "see the warning. The one budget is undecided: max_flips."
    )


def test_with_budgets_these_decide_and_other_harm_is_told() -> None:
    classes = [(800, 60, 5, 135), (950, 5, 3, 42)]
    for limits, answer, label, said in (
        (
            {"max_flips": "9%"},
            "safe",
            "WITHIN BUDGET",
            "can be shipped as far as its budgets go: the one budget is kept. Harm is shown all the same: accuracy (",
        ),
        (
            {"max_flips": "2%"},
            "harm shown",
            "BUDGET BROKEN",
            "should not be shipped: the one budget is broken: max_flips.",
        ),
        (
            {"max_flips": "3.5%"},
            "too few to tell",
            "TOO FEW TO TELL",
            "should not be shipped yet: the one budget is undecided: max_flips.",
        ),
    ):
        content = from_counts(classes, budgets=limits)
        assert content["verdict"]["answer"] == answer and content["verdict"]["judged_by"] == "budgets"
        assert headlines.chip(AuditRecord.of(content)).text == label
        assert headlines.verdict(AuditRecord.of(content)).startswith(f"The compressed model {said}")


def measured(sums: RightSums, **inputs: int) -> dict[str, Any]:
    """The parts of audit.json that a verdict is made of, as the audit computes them from these sums."""
    whole = sums.whole().change()
    p_values = sums.change().p_value
    change, q_values = sums.change(1 - selected_level(p_values)), adjusted_p_values(p_values)
    rows = [
        {
            "class": str(place), "examples": int(size), "impact": float(change.value[place]), "high": float(change.high[place]),
            "error": None if np.isnan(change.error[place]) else float(change.error[place]),
            "freedom": float(change.freedom[place]), "q_value": float(q_values[place]),
            "correct_to_wrong": sums.lost[place], "wrong_to_correct": sums.gained[place],
        }
        for place, size in enumerate(sums.sizes)
    ]  # fmt: skip
    flips = {"correct_to_wrong": sums.whole().lost[0], "wrong_to_correct": sums.whole().gained[0]}
    accuracy = {"change": float(whole.value[0]), "change_interval": [float(whole.low[0]), float(whole.high[0])]}
    accuracy |= {"change_error": float(whole.error[0]), "change_freedom": float(whole.freedom[0])}
    models = {side: {"n_models": len(getattr(sums, side))} for side in ("dense", "compressed")}
    return {
        "n_examples": int(sums.sizes.sum()), "changed": 0, "inputs": models, "accuracy": accuracy, "flips": flips, "classes": rows,
        "groups": [], "budgets": [],
    }  # fmt: skip


def drawn(random: np.random.Generator, size: int, chances: list[tuple[float, float, float]]) -> str:
    """The answer for one model a side: of each class so many examples, right on both sides, lost or won back so often."""
    kinds = np.concatenate([random.choice(4, size, p=[*row, 1 - sum(row)]) for row in chances])
    dense, compressed = np.isin(kinds, (0, 1)), np.isin(kinds, (0, 2))
    sums = RightSums.of(dense[None], compressed[None], np.repeat(np.arange(len(chances)), size), len(chances))
    return verdict_of(AuditRecord.of(measured(sums))).answer


@pytest.mark.sampled(8, heavy=True)
@pytest.mark.simulation
def test_a_further_dense_run_is_rarely_called_harmed() -> None:
    """A fifth run of the recipe of four: nothing was compressed. At most 2.5 % for the accuracy, 2.5 % for classes."""
    random = np.random.default_rng(5)
    draws, harmed = 1000, 0
    for _ in range(draws):
        group, hard = random.integers(0, 5, 500), random.normal(1.2, 1.5, 500)
        skill = random.normal(0, 0.1, (5, 1)) + random.normal(0, 0.1, (5, 5))[:, group]
        right = random.random((5, 500)) < 1 / (1 + np.exp(-(hard + skill + random.normal(0, 0.7, (5, 500)))))
        harmed += (
            verdict_of(AuditRecord.of(measured(RightSums.of(right[:4], right[4:], group, 5)))).answer == "harm shown"
        )
    assert harmed / draws <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / draws)


@pytest.mark.simulation
def test_a_model_that_lost_nothing_is_rarely_called_harmed_and_one_at_the_limit_rarely_safe() -> None:
    random = np.random.default_rng(6)
    draws, harmed, safe, shown = 250, 0, 0, 0
    for _ in range(draws):
        harmed += drawn(random, 200, [(0.8, 0.03, 0.03)] * 5) == "harm shown"
        safe += drawn(random, 1500, [(0.9, lost, 0.005) for lost in (0.035, 0.005, 0.005, 0.005)]) == "safe"
        shown += drawn(random, 300, [(0.8, lost, 0.01) for lost in (0.12, 0.01, 0.01)]) == "harm shown"
    most = 0.05 + 3 * math.sqrt(0.05 * 0.95 / draws)
    assert harmed / draws <= most and safe / draws <= most
    assert shown / draws > 0.9


def test_a_dense_model_that_answers_one_class_only_leaves_all_in_doubt(tmp_path: Path) -> None:
    """Most likely it was not read as what it is; a copy that does so is harmed."""
    truth = np.arange(400) % 2
    one, right = np.ones(400, int), truth.copy()
    limits = {"max_flips": "1%", "max_changed": "1%"}
    both = audit(one, one, labels=truth, budgets=limits).content
    assert both["verdict"]["answer"] == "in doubt"
    assert {row.verdict for row in budgets_of(both)} == {"undecided"} and is_broken(budgets_of(both), strict=True)
    with pytest.raises(InputError, match="see to the warning first"):
        suggested_budgets(AuditRecord.of(both))
    collapsed = audit(right, one, labels=truth, budgets=limits).content
    assert collapsed["verdict"]["answer"] == "harm shown" and is_broken(budgets_of(collapsed))


@pytest.mark.parametrize(
    "counts", [(190, 4, 0, 6), (190, 5, 0, 5), (460, 10, 3, 27), (470, 12, 4, 14), (180, 6, 1, 13)]
)
def test_as_many_as_would_settle_it_do(counts: tuple[int, int, int, int]) -> None:
    """The drop looks larger than the limit: of so many, at the same shares, it is harm shown, and not of as many as now."""
    content = from_counts([counts])
    assert content["verdict"]["answer"] == "too few to tell"
    enough, examples = content["verdict"]["enough"], sum(counts)
    assert enough > examples
    lost, gained = (round(enough * count / examples) for count in counts[1:3])
    rest = enough - lost - gained
    right = round(rest * counts[0] / (counts[0] + counts[3]))
    assert from_counts([(right, lost, gained, rest - right)])["verdict"]["answer"] == "harm shown"
