"""The verdict in words, and the sentences that follow it, the same in every document."""

from __future__ import annotations

import copy
import html
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats

from made_audit import (
    CASES,
    Counts,
    from_counts,
    headline,
    headline_text,
    nothing,
    page,
    printed,
    short,
    text_of,
)
from piescope import wording
from piescope.report.audit import findings, headlines
from piescope.report.layout.markdown import escaped
from piescope.store.audit_record import AuditRecord


def test_a_clear_loss_is_told_with_its_interval_and_flips(pair: dict[str, Any]) -> None:
    pair["accuracy"].update(change=-1.3, change_interval=[-1.7, -0.9])
    pair["flips"].update(correct_to_wrong=210, wrong_to_correct=80)
    first, second = headline(pair)
    assert first == (
        "The compressed model should not be shipped. It lost more than chance explains: accuracy (−1.3 points); 4 of 10 classes: cat (−7.0), bird (−2.9), airplane (−0.9) and deer (−0.9)."
    )
    assert second == (
        "The compressed model gets fewer right, −1.3 points [−1.7, −0.9]: it lost 210 examples and won 80 back."
    )


def test_a_clear_gain_is_no_loss(pair: dict[str, Any]) -> None:
    pair["accuracy"].update(change=0.8, change_interval=[0.2, 1.4])
    pair["flips"].update(correct_to_wrong=0, wrong_to_correct=80)
    assert headline(pair)[1] == (
        "The compressed model gets more right, +0.8 points [+0.2, +1.4]: it lost no example and won 80 back."
    )
    assert "accuracy" not in headline(pair)[0]


@pytest.mark.parametrize(("low", "high"), [(-0.6, 0.2), (-0.4, 0.0)])
def test_an_interval_that_holds_zero_is_no_clear_change(pair: dict[str, Any], low: float, high: float) -> None:
    pair["accuracy"].update(change=-0.2, change_interval=[low, high])
    first = headline(pair)[1]
    assert "no clear change of accuracy" in first
    assert "fewer right" not in first
    assert "yet it lost" in first  # accuracy hides the flips: they are told all the same


def test_the_same_labels_are_told_as_such() -> None:
    first = headline(copy.deepcopy(CASES["identical"]))[1]
    assert first == "The compressed model is exactly as accurate: it lost no example and won none back."
    assert headline(nothing())[1] == "The compressed model gives all 40 examples the same label as before."


def test_without_true_labels_nothing_is_called_right() -> None:
    content = copy.deepcopy(CASES["no true labels, labels only"])
    assert headline(content)[0].startswith("The compressed model cannot be judged: there are no true labels")
    assert re.match(
        r"The compressed model gives \d+ of 500 examples \(\S+ % \[.*\]\) another label\.", headline(content)[1]
    )
    for said in (
        text_of(page(content)).split("How the files were read")[0],
        "\n".join(printed(content, 100)),
    ):
        said = said.replace("no true labels, so that", "")
        for absent in ("Accuracy", "accuracy", "recall", "fewer right", "won back", "McNemar"):
            assert absent not in said


def test_paid_most_needs_a_class_beyond_chance(pair: dict[str, Any]) -> None:
    assert "classes: cat (−7.0), " in headline(pair)[0] and "paid most" not in headline_text(pair)  # it is said once
    for row in pair["classes"]:
        row["q_value"] = 0.06
    assert "paid most" not in headline_text(pair)
    assert "No class's loss is beyond chance." in headline_text(pair)
    assert "paid most" not in text_of(page(pair)) + short(pair) + "\n".join(printed(pair, 80))
    assert short(pair).split("### Who paid?")[1].split("###")[0].count("not beyond chance") == 5
    assert text_of(page(pair)).count("not beyond chance") > 10
    assert page(pair).count('<tr class="unclear">') == 10  # every bar is pale
    pair["classes"][0]["q_value"] = 0.05
    assert page(pair).count('<tr class="unclear">') == 9
    pair["classes"][0]["q_value"] = 0.06
    for row in pair["classes"]:
        row["impact"] = 0.0
    assert "No class lost recall." in headline_text(pair)
    for row in pair["classes"]:
        row.update(impact=-3.0, q_value=None)
    assert "beyond chance" not in headline_text(pair) and "paid" not in headline_text(pair)
    assert "cannot be told" in " ".join(findings.classes(AuditRecord.of(pair)))


def test_who_paid_most_is_the_worst_of_those_beyond_chance(pair: dict[str, Any]) -> None:
    first, second = pair["classes"][:2]
    first.update(impact=-40.0, q_value=0.3)  # a tiny class
    second.update(impact=-5.0, q_value=0.001)
    for row in pair["classes"][2:]:
        row.update(impact=0.5, q_value=0.5)
    assert f"1 of 10 classes: {second['class']} (−5.0)." in headline_text(pair)
    second.update(impact=5.0)  # a gain beyond chance is no loss
    assert "paid" not in headline_text(pair)
    assert f"1 class gained beyond chance: {second['class']} (+5.0)." in findings.classes(AuditRecord.of(pair))


def test_the_number_of_classes_that_paid(pair: dict[str, Any]) -> None:
    for index, row in enumerate(pair["classes"]):
        row.update(impact=-10.0 + index, q_value=0.01 if index < 3 else 0.9)
    first = pair["classes"][0]["class"]
    assert f"3 of 10 classes: {first} (−10.0), " in headline_text(pair)
    pair["budgets"] = copy.deepcopy(CASES["probabilities"]["budgets"])  # then the verdict is about these
    assert f"{first} paid most: −10.0 points of recall; 2 more classes lost beyond chance." in headline_text(pair)
    assert findings.classes(AuditRecord.of(pair))[0].startswith("3 classes of 10 lost beyond chance: ")


@pytest.mark.parametrize("name", CASES)
def test_page_terminal_and_markdown_say_the_same_sentences(name: str) -> None:
    content = CASES[name]
    first = headlines.headline(AuditRecord.of(content))[0]
    said = " ".join(" ".join(printed(content, 100)).split())
    plain = first.replace(wording.SPACE, " ").replace(wording.MINUS, "-").replace("…", "...")
    assert plain in said
    assert escaped(first) in short(content)
    assert html.escape(first, quote=False).replace("'", "&#39;").replace('"', "&#34;") in page(content)


def test_a_clear_loss_within_the_limits_is_safe_and_told() -> None:
    content = from_counts([(9_000, 40, 5, 955), (9_500, 3, 3, 494)])
    assert content["verdict"]["answer"] == "safe"
    assert headlines.verdict(AuditRecord.of(content)).endswith(
        "; what is lost beyond chance is less: accuracy (−0.18\xa0points); 1 of 2 classes: c0 (−0.35)."
    )


def test_harm_names_where() -> None:
    content = from_counts([(80, 15, 1, 4), (90, 1, 2, 7)])
    assert content["verdict"]["answer"] == "harm shown"
    assert headlines.verdict(AuditRecord.of(content)) == (
        "The compressed model should not be shipped. It lost more than chance explains: accuracy (−6.5\xa0points); "
        "1 of 2 classes: c0 (−14.0)."
    )


def test_the_verdict_stands_first_everywhere_and_in_audit_json() -> None:
    content = from_counts([(80, 15, 1, 4), (90, 1, 2, 7)])
    assert json.loads(json.dumps(content["verdict"], allow_nan=False)) == content["verdict"]
    first = headlines.verdict(AuditRecord.of(content))
    plain = first.replace(wording.SPACE, " ").replace(wording.MINUS, "-")
    assert plain in " ".join(printed(content, 100)[:6])
    assert f"**HARM SHOWN. {first}**" in short(content)
    assert f'<p class="chip">HARM SHOWN</p>\n<h1>{first}</h1>' in page(content)


MINUS = "−"


NUMBER = rf"([+{MINUS}-]?\d[\d,]*(?:\.\d+)?)"


INTERVAL = re.compile(rf"\[{NUMBER}, {NUMBER}\]")


def ends_of(line: str) -> list[tuple[float, float]]:
    plain = line.replace("\xa0", " ")
    return [
        tuple(float(end.replace(MINUS, "-").replace(",", "")) for end in match.groups())  # type: ignore[misc]
        for match in INTERVAL.finditer(plain)
    ]


def changes_shown(content: dict[str, Any]) -> list[tuple[str, bool | None]]:
    """Sentences and table rows of every document in which a change stands, and whether they call it clear."""
    shown: list[tuple[str, bool | None]] = []
    terminal = printed(content, 110)
    start = next((i for i, line in enumerate(terminal) if line == "Who paid?"), len(terminal))
    for line in terminal[start + 1 : start + 12]:
        if "->" in line:
            shown.append((line, "not beyond chance" not in line))
    for line in short(content).split("### Who paid?")[-1].split("###")[0].splitlines():
        if line.startswith("| c") and not line.startswith("| class"):
            shown.append((line, "not beyond chance" not in line))
    written = page(content)
    for row in re.findall(r"<tr[^>]*><th scope=\"row\"><bdi>c\d.*?</tr>", written, re.DOTALL):
        text = html.unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", row, flags=re.DOTALL))
        shown.append((text, 'class="unclear"' not in row))
    for text in (
        " ".join(terminal),
        short(content),
        html.unescape(re.sub(r"<[^>]+>", " ", written)),
    ):
        plain = " ".join(text.replace("\\", "").split())
        shown += [(said, False) for said in re.findall(r"no clear change of accuracy, [^\]]*\]", plain)]
        shown += [(said, True) for said in re.findall(r"gets (?:more|fewer) right, [^\]]*\]", plain)]
        shown += [(said, False) for said in re.findall(r"the largest observed is that of [^\]]*\]", plain)]
    return shown


@pytest.mark.sampled(3)
@settings(max_examples=30, deadline=None)
@given(
    some.lists(
        some.tuples(*(some.integers(0, most) for most in (60, 14, 14, 20))).filter(lambda row: sum(row) > 0),
        min_size=1,
        max_size=9,
    )
)
def test_no_document_contradicts_an_interval_beside_it(classes: Counts) -> None:
    content = from_counts(classes)
    shown = changes_shown(content)
    assert shown
    for text, is_clear in shown:
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
