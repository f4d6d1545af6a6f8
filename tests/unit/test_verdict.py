"""Can it be shipped? Which answer is given when, how often a wrong one is, and that no sentence contradicts an interval."""

from __future__ import annotations

import html
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pyarrow import parquet
from scipy import stats

from piescope import wording
from piescope.auditing.budgets import Budgets, is_broken, judge
from piescope.auditing.suggested_budgets import suggested_budgets
from piescope.auditing.units import units
from piescope.auditing.verdict import ACCURACY_LIMIT, CLASS_LIMIT, verdict_of
from piescope.audits import audit
from piescope.cli.audit_summary import summary_lines
from piescope.measure.accuracy import RightSums
from piescope.measure.flips import adjusted_p_values, selected_level
from piescope.problems import InputError
from piescope.report.audit import headlines
from piescope.report.audit.markdown import audit_markdown
from piescope.report.audit.page import render_audit
from piescope.store.audit_record import AuditRecord, BudgetRow

Counts = list[tuple[int, int, int, int]]
"""Of each class: examples right on both sides, lost, won back, wrong on both."""


def from_counts(classes: Counts, **more: Any) -> dict[str, Any]:
    """The audit of one model a side with these counts; a wrong answer is the next class."""
    truth, dense, compressed = [], [], []
    many = max(2, len(classes))
    for label, (both, lost, won, neither) in enumerate(classes):
        wrong = (label + 1) % many
        truth += [label] * (both + lost + won + neither)
        dense += [label] * (both + lost) + [wrong] * (won + neither)
        compressed += [label] * both + [wrong] * lost + [label] * won + [wrong] * neither
    names = [f"c{label}" for label in range(many)]
    return audit(np.array(dense), np.array(compressed), labels=np.array(truth), classes=names, **more).content


def budgets_of(content: dict[str, Any]) -> tuple[BudgetRow, ...]:
    return AuditRecord.of(content).budgets


# --- which answer


def test_safe_is_what_excludes_a_loss_in_all_and_in_every_class() -> None:
    content = from_counts([(900, 3, 4, 93), (950, 5, 3, 42)])
    found = content["verdict"]
    assert (found["answer"], found["judged_by"], found["harms"], found["unsettled"]) == ("safe", "limits", [], [])
    assert -ACCURACY_LIMIT <= found["accuracy_bound"] < 0 and -CLASS_LIMIT <= found["class_bound"] < 0
    assert headlines.verdict(AuditRecord.of(content)).replace(wording.SPACE, " ") == (
        "SAFE: a loss of more than 1 point of accuracy, or 3 points in any class, is excluded (one-sided 95 %)."
    )
    (row,) = judge(AuditRecord.of(content), Budgets.of({"max_class_drop": CLASS_LIMIT}))
    assert row.verdict == "kept" and row.low == pytest.approx(found["class_bound"])


def test_a_clear_loss_within_the_limits_is_safe_and_told() -> None:
    content = from_counts([(9_000, 40, 5, 955), (9_500, 3, 3, 494)])
    assert content["verdict"]["answer"] == "safe"
    assert headlines.verdict(AuditRecord.of(content)).endswith(
        "; what is lost beyond chance is less: accuracy (−0.18\xa0points); 1 of 2 classes: c0 (−0.35)."
    )


def test_harm_names_where() -> None:
    content = from_counts([(80, 15, 1, 4), (90, 1, 2, 7)])
    assert content["verdict"]["answer"] == "harm shown"
    assert (
        headlines.verdict(AuditRecord.of(content))
        == "HARM SHOWN: accuracy (−6.5\xa0points); 1 of 2 classes: c0 (−14.0)."
    )


def test_too_few_tells_how_many_would_do() -> None:
    content = from_counts([(45, 1, 1, 3), (48, 0, 0, 2)])
    found = content["verdict"]
    assert found["answer"] == "too few to tell"
    assert [row["where"] for row in found["unsettled"]] == ["accuracy", "class", "class"]
    assert f"about {found['enough']:,} examples of this kind would settle it" in headlines.verdict(
        AuditRecord.of(content)
    )
    times = found["enough"] / 100
    larger = [tuple(round(times * count) for count in row) for row in [(45, 1, 1, 3), (48, 0, 0, 2)]]
    assert from_counts(larger)["verdict"]["answer"] == "safe"
    smaller = [tuple(round(times * count / 1.3) for count in row) for row in [(45, 1, 1, 3), (48, 0, 0, 2)]]
    assert from_counts(smaller)["verdict"]["answer"] == "too few to tell"


def test_too_few_for_a_loss_that_looks_large_are_enough_once_it_is_beyond_chance() -> None:
    few = [(40, 4, 0, 6), (48, 0, 0, 2)]
    found = from_counts(few)["verdict"]
    assert found["answer"] == "too few to tell"
    times = found["enough"] / 100
    assert (
        from_counts([tuple(math.ceil(times * count) for count in row) for row in few])["verdict"]["answer"]
        == "harm shown"
    )


def test_without_labels_and_with_classes_that_have_no_example() -> None:
    content = audit(np.array([0, 1, 1]), np.array([0, 1, 0])).content
    assert content["verdict"]["answer"] == "no true labels"
    assert headlines.verdict(AuditRecord.of(content)).startswith("CANNOT BE TOLD: there are no true labels")
    empty = from_counts([(900, 3, 4, 93), (950, 5, 3, 42), (0, 0, 0, 0)])
    assert empty["verdict"]["empty_classes"] == 1
    assert "; of 1 class without any example nothing is known." in headlines.verdict(AuditRecord.of(empty))


def test_what_may_be_about_something_else_is_never_safe() -> None:
    """Ids of one side shifted by one: nothing was lost between two sides that are both wrong."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 10, 3000)
    content = audit((truth + 1) % 10, (truth + 1) % 10, labels=truth).content
    assert content["warnings"] and content["verdict"]["answer"] == "in doubt"
    assert headlines.verdict(AuditRecord.of(content)).startswith("IN DOUBT: ")
    content = audit((truth + 1) % 10, (truth + 1) % 10, labels=truth, budgets={"max_flips": "2%"}).content
    assert content["budgets"][0]["verdict"] == "undecided" and content["verdict"]["answer"] == "in doubt"
    assert headlines.verdict(AuditRecord.of(content)).endswith(
        "see the warning. Its one budget is undecided: max_flips."
    )


def test_with_budgets_these_decide_and_other_harm_is_told() -> None:
    classes = [(800, 60, 5, 135), (950, 5, 3, 42)]
    for limits, answer, label in (
        ({"max_flips": "9%"}, "safe", "WITHIN BUDGET: its one budget is kept. Harm is shown all the same: accuracy ("),
        ({"max_flips": "2%"}, "harm shown", "BUDGET BROKEN: its one budget is broken: max_flips."),
        ({"max_flips": "3.5%"}, "too few to tell", "TOO FEW TO TELL: its one budget is undecided: max_flips."),
    ):
        content = from_counts(classes, budgets=limits)
        assert content["verdict"]["answer"] == answer and content["verdict"]["judged_by"] == "budgets"
        assert headlines.verdict(AuditRecord.of(content)).startswith(label)


def test_the_verdict_stands_first_everywhere_and_in_audit_json() -> None:
    content = from_counts([(80, 15, 1, 4), (90, 1, 2, 7)])
    assert json.loads(json.dumps(content["verdict"], allow_nan=False)) == content["verdict"]
    first = headlines.verdict(AuditRecord.of(content))
    plain = first.replace(wording.SPACE, " ").replace(wording.MINUS, "-")
    assert plain in " ".join(summary_lines(AuditRecord.of(content), 100)[:5])
    assert f"**{first}**" in audit_markdown(AuditRecord.of(content))
    assert f"<h1>{first}</h1>" in render_audit(AuditRecord.of(content), {}).decode()


# --- budgets from an audit


@pytest.mark.parametrize(
    "classes", [[(900, 3, 4, 93), (950, 5, 3, 42)], [(80, 15, 1, 4), (90, 1, 2, 7)], [(5, 0, 0, 1), (6, 1, 0, 0)]]
)
def test_an_audit_keeps_the_budgets_that_it_suggests(classes: Counts, tmp_path: Path) -> None:
    file = tmp_path / "budgets.toml"
    file.write_text(suggested_budgets(AuditRecord.of(from_counts(classes))))
    budgets = Budgets.from_file(file)
    assert set(budgets.given) == {"max_flips", "max_class_drop", "max_changed", "equivalent_within"}
    rows = budgets_of(from_counts(classes, budgets=budgets))
    assert not is_broken(rows, strict=True), rows
    worse = [(both - both // 4, lost + both // 4, won, neither) for both, lost, won, neither in classes]
    assert is_broken(budgets_of(from_counts(worse, budgets=budgets)), strict=True)


def test_suggested_budgets_of_groups_pairs_and_populations_are_kept(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    truth = random.integers(0, 3, 400)
    meta = tmp_path / "meta.parquet"
    columns = {"camera": ["ab"[row % 2] for row in range(400)], "lens": ["xyz"[row % 3] for row in range(400)]}
    parquet.write_table(pa.table(columns), meta)
    for models, others in ((1, 1), (4, 1), (1, 3), (5, 5), (5, 3), (2, 1)):
        dense, compressed = (
            np.where(random.random((count, 400)) < 0.9, truth, (truth + 1) % 3) for count in (models, others)
        )
        given = audit(dense, compressed, labels=truth, metadata=meta)
        text = suggested_budgets(AuditRecord.of(given.content))
        file = tmp_path / "budgets.toml"
        file.write_text(text)
        budgets = Budgets.from_file(file)
        assert "max_group_drop" in budgets.given
        assert ("max_flips" in budgets.given) == ((models, others) != (2, 1))  # two cannot tell what seeds do
        again = audit(dense, compressed, labels=truth, metadata=meta, budgets=budgets)
        assert not is_broken(again.record.budgets, strict=True), (models, others)


def test_nothing_is_suggested_of_what_shows_nothing() -> None:
    with pytest.raises(InputError, match="audit more examples"):
        suggested_budgets(AuditRecord.of(audit(np.array([0, 1]), np.array([1, 0])).content))
    named = from_counts([(900, 3, 4, 93), (950, 5, 3, 42)])
    named["inputs"]["dense"]["name"] = 'a\n[budgets]\nmax_flips = "100%"'
    assert suggested_budgets(AuditRecord.of(named)).count("\n[budgets]") == 1


# --- how often a wrong answer is given


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
    draws, harmed, safe, found = 400, 0, 0, 0
    for _ in range(draws):
        harmed += drawn(random, 200, [(0.8, 0.03, 0.03)] * 5) == "harm shown"
        safe += drawn(random, 1500, [(0.9, lost, 0.005) for lost in (0.035, 0.005, 0.005, 0.005)]) == "safe"
        found += drawn(random, 300, [(0.8, lost, 0.01) for lost in (0.12, 0.01, 0.01)]) == "harm shown"
    most = 0.05 + 3 * math.sqrt(0.05 * 0.95 / draws)
    assert harmed / draws <= most and safe / draws <= most
    assert found / draws > 0.9


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


# --- sentences and intervals

MINUS = "−"
NUMBER = rf"([+{MINUS}-]?\d[\d,]*(?:\.\d+)?)"
INTERVAL = re.compile(rf"\[{NUMBER}, {NUMBER}\]")


def ends_of(line: str) -> list[tuple[float, float]]:
    plain = line.replace("\xa0", " ")
    return [
        tuple(float(end.replace(MINUS, "-").replace(",", "")) for end in found.groups())  # type: ignore[misc]
        for found in INTERVAL.finditer(plain)
    ]


def changes_shown(content: dict[str, Any]) -> list[tuple[str, bool | None]]:
    """Sentences and table rows of every document in which a change stands, and whether they call it clear."""
    shown: list[tuple[str, bool | None]] = []
    printed = summary_lines(AuditRecord.of(content), 110)
    start = next((i for i, line in enumerate(printed) if line.startswith("classes, worst first")), len(printed))
    for line in printed[start + 1 : start + 6]:
        if "->" in line:
            shown.append((line, "not beyond chance" not in line))
    for line in audit_markdown(AuditRecord.of(content)).split("### Classes that paid")[-1].split("###")[0].splitlines():
        if line.startswith("| c") and not line.startswith("| class"):
            shown.append((line, True))
    page = render_audit(AuditRecord.of(content), {}).decode()
    for row in re.findall(r"<tr[^>]*><th scope=\"row\"><bdi>c\d.*?</tr>", page, re.DOTALL):
        text = html.unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", row, flags=re.DOTALL))
        shown.append((text, 'class="unclear"' not in row))
    for text in (
        " ".join(printed),
        audit_markdown(AuditRecord.of(content)),
        html.unescape(re.sub(r"<[^>]+>", " ", page)),
    ):
        plain = " ".join(text.replace("\\", "").split())
        shown += [(said, False) for said in re.findall(r"no clear change of accuracy, [^\]]*\]", plain)]
        shown += [(said, True) for said in re.findall(r"gets (?:more|fewer) right, [^\]]*\]", plain)]
        shown += [(said, False) for said in re.findall(r"the largest observed is that of [^\]]*\]", plain)]
    return shown


@settings(max_examples=50, deadline=None)
@given(
    some.lists(
        some.tuples(*(some.integers(0, most) for most in (60, 14, 14, 20))).filter(lambda row: sum(row) > 0),
        min_size=1,
        max_size=9,
    )
)
def test_no_document_contradicts_an_interval_beside_it(classes: Counts) -> None:
    content = from_counts(classes)
    found = changes_shown(content)
    assert found
    for text, is_clear in found:
        for low, high in ends_of(text)[:1]:
            assert (low > 0 or high < 0) == is_clear, text
    rows = {row["class"]: row for row in content["classes"] if row["impact"] is not None}
    for row in rows.values():
        assert (row["low"] > 0 or row["high"] < 0) == (row["q_value"] <= 0.05)
    named = {harm["name"] for harm in content["verdict"]["harms"] if harm["where"] == "class"}
    assert named == {name for name, row in rows.items() if row["high"] < 0}
    low, high = content["accuracy"]["change_interval"]
    assert (low > 0 or high < 0) == (content["accuracy"]["change_p"] <= 0.05)
    assert not (content["flips"]["mcnemar_p"] > 0.05 and (low > 0 or high < 0))
    assert ("accuracy" in {harm["where"] for harm in content["verdict"]["harms"]}) == (high < 0)


def test_the_field_s_no_clear_change_that_excluded_0_is_gone() -> None:
    """Five lost and none won of 100: the score interval excludes 0, the exact test does not."""
    assert stats.binomtest(0, 5).pvalue > 0.05
    content = from_counts([(80, 5, 0, 15)])
    low, high = content["accuracy"]["change_interval"]
    assert low < 0 == high
    assert (
        "no clear change of accuracy, −5.0\xa0points [−11.2,\xa00.0]" in headlines.headline(AuditRecord.of(content))[1]
    )
