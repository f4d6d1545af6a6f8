"""What people read of an audit follows from its numbers, whatever is missing and however names are spelt."""

from __future__ import annotations

import copy
import html
import itertools
import json
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from conftest import at_most
from made_audit import CASES, HOSTILE, made, nothing, pictures, without_numbers
from piescope import wording
from piescope.auditing.verdict import verdict_of
from piescope.cli.audit_summary import summary_lines
from piescope.report.audit import budget_rows, charts, copies, findings, headlines
from piescope.report.audit.markdown import audit_markdown, escaped
from piescope.report.audit.page import render_audit
from piescope.store.audit_answers import Calibration, ImpactRow, ReliabilityBin, SideCalibration
from piescope.store.audit_record import AuditRecord


def page(content: dict[str, Any], images: dict[str, bytes] | None = None) -> str:
    return render_audit(AuditRecord.of(content), images or {}).decode()


def text_of(written: str) -> str:
    body = written.split("</style>")[1]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


def headline(content: dict[str, Any]) -> list[str]:
    """Of numbers as they are now: the verdict is taken anew."""
    content["verdict"] = verdict_of(AuditRecord.of(content)).model_dump(mode="json")
    return [sentence.replace(wording.SPACE, " ") for sentence in headlines.headline(AuditRecord.of(content))]


def told(content: dict[str, Any]) -> str:
    return " ".join(headline(content))


@pytest.fixture
def pair() -> dict[str, Any]:
    return copy.deepcopy(CASES["labels"])


# what the verdict says


def test_a_clear_loss_is_told_with_its_interval_and_flips(pair: dict[str, Any]) -> None:
    pair["accuracy"].update(change=-1.3, change_interval=[-1.7, -0.9])
    pair["flips"].update(correct_to_wrong=210, wrong_to_correct=80)
    first, second = headline(pair)
    assert first == (
        "HARM SHOWN: accuracy (−1.3 points); 4 of 10 classes: cat (−7.0), bird (−2.9), airplane (−0.9) and deer (−0.9)."
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
    assert headline(content)[0].startswith("CANNOT BE TOLD: there are no true labels")
    assert re.match(
        r"The compressed model gives \d+ of 500 examples \(\S+ % \[.*\]\) another label\.", headline(content)[1]
    )
    for said in (
        text_of(page(content)).split("How the files were read")[0],
        "\n".join(summary_lines(AuditRecord.of(content), 100)),
    ):
        said = said.replace("no true labels, so that", "")
        for absent in ("Accuracy", "accuracy", "recall", "fewer right", "won back", "McNemar"):
            assert absent not in said


def test_populations_speak_of_pies_and_modal_labels_and_single_models_do_not() -> None:
    many, one = text_of(page(CASES["population"])), text_of(page(CASES["labels"]))
    assert "PIEs" in many and "modal label" in many and "Signal or noise?" in many
    assert "PIE" not in one and "modal" not in one and "Signal or noise?" not in one
    assert "One model a side" in one and "One model a side" not in many


def test_paid_most_needs_a_class_beyond_chance(pair: dict[str, Any]) -> None:
    assert "classes: cat (−7.0), " in headline(pair)[0] and "paid most" not in told(pair)  # it is said once
    for row in pair["classes"]:
        row["q_value"] = 0.06
    assert "paid most" not in told(pair)
    assert "No class's loss is beyond chance." in told(pair)
    assert "paid most" not in text_of(page(pair)) + audit_markdown(AuditRecord.of(pair)) + "\n".join(
        summary_lines(AuditRecord.of(pair), 80)
    )
    assert "### Classes that paid" not in audit_markdown(AuditRecord.of(pair))
    assert "not beyond chance" in text_of(page(pair))
    assert page(pair).count('<tr class="unclear">') == 10  # every bar is pale
    pair["classes"][0]["q_value"] = 0.05
    assert page(pair).count('<tr class="unclear">') == 9
    pair["classes"][0]["q_value"] = 0.06
    for row in pair["classes"]:
        row["impact"] = 0.0
    assert "No class lost recall." in told(pair)
    for row in pair["classes"]:
        row.update(impact=-3.0, q_value=None)
    assert "chance" not in told(pair) and "paid" not in told(pair)
    assert "cannot be told" in " ".join(findings.classes(AuditRecord.of(pair)))


def test_who_paid_most_is_the_worst_of_those_beyond_chance(pair: dict[str, Any]) -> None:
    first, second = pair["classes"][:2]
    first.update(impact=-40.0, q_value=0.3)  # a tiny class
    second.update(impact=-5.0, q_value=0.001)
    for row in pair["classes"][2:]:
        row.update(impact=0.5, q_value=0.5)
    assert f"1 of 10 classes: {second['class']} (−5.0)." in told(pair)
    second.update(impact=5.0)  # a gain beyond chance is no loss
    assert "paid" not in told(pair)
    assert f"1 class gained beyond chance: {second['class']} (+5.0)." in findings.classes(AuditRecord.of(pair))


def test_the_number_of_classes_that_paid(pair: dict[str, Any]) -> None:
    for index, row in enumerate(pair["classes"]):
        row.update(impact=-10.0 + index, q_value=0.01 if index < 3 else 0.9)
    first = pair["classes"][0]["class"]
    assert f"3 of 10 classes: {first} (−10.0), " in told(pair)
    pair["budgets"] = copy.deepcopy(CASES["probabilities"]["budgets"])  # then the verdict is about these
    assert f"{first} paid most: −10.0 points of recall; 2 more classes lost beyond chance." in told(pair)
    assert findings.classes(AuditRecord.of(pair))[0].startswith("3 classes of 10 lost beyond chance: ")


def test_seeds_alone(pair: dict[str, Any]) -> None:
    content = copy.deepcopy(CASES["population"])
    content["pies"] = content["changed"] = 320
    content["noise"] = {
        "observed": 320.0, "floor": 280.0, "excess": 40.0, "low": 12.0, "high": 70.0, "group_sizes": [6, 6],
        "examples": 2_000, "why_not": "",
    }  # fmt: skip
    assert "Of 320 PIEs about 280 would be there by seeds alone; 40 [12, 70] are beyond that." in told(content)
    content["noise"].update(low=-3.0)
    assert "is not clearly more than that" in told(content)
    content["noise"].update(observed=350.0, group_sizes=[3, 3])
    assert "Of 350 PIEs between groups of 3 and 3 models about" in told(content)
    content["noise"] = None
    assert "seeds" not in told(content)
    assert "cannot be told" in findings.noise(AuditRecord.of(content))
    content["noise"] = {**CASES["population"]["noise"], "observed": None, "why_not": "one dense model."}
    assert (
        findings.noise(AuditRecord.of(content))
        == "How many of the PIEs seeds alone would make cannot be told: one dense model."
    )
    assert findings.noise(AuditRecord.of(pair)) == ""


def test_why_none_is_confirmed() -> None:
    content = copy.deepcopy(CASES["population"])
    content["n_examples"], content["pies"] = 800, 146
    content["confirmed"] = {"pies": 0, "alpha": 0.05, "smallest_p": 0.0079, "why_not": ""}
    assert findings.confirmed(AuditRecord.of(content)).replace(wording.SPACE, " ") == (
        "0 of 146 PIEs are confirmed one by one (at a false discovery rate of 5 %). With so few models no p-value can be "
        "below 0.0079: at least 127 of 800 must have it before one is confirmed."
    )
    content["confirmed"]["smallest_p"] = 0.2
    assert findings.confirmed(AuditRecord.of(content)).endswith("below 0.2: none can be confirmed.")
    content["confirmed"]["smallest_p"] = 1e-9
    assert "So few" not in findings.confirmed(AuditRecord.of(content)) and "With so few" not in findings.confirmed(
        AuditRecord.of(content)
    )
    content["confirmed"].update(pies=3, smallest_p=0.0079)
    assert "With so few" not in findings.confirmed(AuditRecord.of(content))


def test_classes_named_by_numbers_are_called_classes() -> None:
    content = made(names=[str(index) for index in range(10)])
    assert ": class 3 (−" in told(content)
    assert findings.classes(AuditRecord.of(content))[0].startswith("4 classes of 10 lost beyond chance: class 3 (")
    assert findings.confusions(AuditRecord.of(content)).startswith("Class 3 taken for class 5 grew most")


def test_budgets_are_counted_and_broken_ones_named() -> None:
    content = copy.deepcopy(CASES["probabilities"])
    assert budget_rows.budgets(AuditRecord.of(content).budgets) == (
        "Of 4 budgets, 2 are broken: max_flips and max_class_drop; 1 is undecided: equivalent_within; 1 is kept."
    )
    assert 'class="verdict broken"' in page(content)
    assert headline(content)[0].startswith("BUDGET BROKEN: of 4 budgets, 2 are broken: max_flips and max_class_drop;")
    for row in content["budgets"]:
        row["verdict"] = "kept"
    assert budget_rows.budgets(AuditRecord.of(content).budgets) == "All 4 budgets are kept."
    first = headline(content)[0]
    assert first.startswith("WITHIN BUDGET: all 4 budgets are kept. Harm is shown all the same: accuracy (")
    assert 'class="verdict kept"' in page(content)
    content["budgets"][1]["verdict"] = "undecided"
    assert headline(content)[0] == "TOO FEW TO TELL: of 4 budgets, 1 is undecided: max_class_drop; 3 are kept."
    assert 'class="verdict undecided"' in page(content)
    content["budgets"] = []
    assert budget_rows.budgets(AuditRecord.of(content).budgets) == ""
    assert headline(content)[0].startswith("HARM SHOWN: ")
    assert "udget" not in text_of(page(content)) + audit_markdown(AuditRecord.of(content))


def test_budgets_are_told_in_their_units() -> None:
    rows = {row.budget: row for row in AuditRecord.of(CASES["probabilities"]).budgets}
    assert [budget_rows.observed(rows[each]).replace(wording.SPACE, " ") for each in ("max_flips", "max_class_drop", "max_changed")] == [
        "2.1 % (up to 2.4)", "−9.0 points (down to −11.2)", "320",
    ]  # fmt: skip
    assert [budget_rows.limit(rows[each]).replace(wording.SPACE, " ") for each in ("max_flips", "max_class_drop", "max_changed", "equivalent_within")] == [
        "2 %", "−3 points", "400", "±2 points",
    ]  # fmt: skip
    for said in (text_of(page(CASES["probabilities"])), audit_markdown(AuditRecord.of(CASES["probabilities"]))):
        assert "±2 points" in said.replace(wording.SPACE, " ")


def test_the_furthest_copy_harms_no_class_and_keeps_its_budgets() -> None:
    content = copy.deepcopy(CASES["what-if"])
    first, second = (sentence.replace(wording.SPACE, " ") for sentence in copies.what_if(AuditRecord.of(content)))
    assert first.startswith(
        "magnitude 0.5 is the furthest magnitude copy that harms no class beyond chance and breaks no budget: −0.28 points "
    )
    assert " lost, " in first and "; 500 kB instead of 900 kB zipped. magnitude 0.7 breaks max_flips." in first
    assert second.startswith("random 0.5 is the furthest random copy")
    content["budgets"][0]["verdict"] = "undecided"
    assert "breaks no budget (max_flips undecided): " in copies.what_if(AuditRecord.of(content))[0]
    for row in content["what_if"]:
        row["broken"] = ["max_flips"]
    assert copies.what_if(AuditRecord.of(content))[0] == (
        "No magnitude copy can be recommended: magnitude 0.5 already breaks max_flips."
    )
    assert headlines.headline(AuditRecord.of(content))[0] == (
        "No copy can be recommended: each harms something beyond chance or breaks a budget."
    )


def test_a_copy_that_harms_classes_is_not_recommended_for_its_mean() -> None:
    """172 examples lost and three classes harmed, at less than a point of accuracy: that is what a mean hides."""
    content = copy.deepcopy(CASES["what-if without budgets"])
    rows = content["what_if"]
    rows[0].update(change=-0.3, change_low=-0.5, change_high=0.1, verdict="too few to tell", lost_classes=[])
    rows[0].update(correct_to_wrong=12, wrong_to_correct=5, class_bound=-4.1, smallest_class=78, near_limit=["cat"])
    rows[1].update(
        change=-0.9, change_low=-1.2, change_high=-0.6, verdict="harm shown", lost_classes=["cat", "dog", "eel"]
    )
    assert copies.what_if(AuditRecord.of(content))[0].replace(wording.SPACE, " ") == (
        "magnitude 0.5 is the furthest magnitude copy that harms no class beyond chance: −0.3 points [−0.5, +0.1] of "
        "accuracy; 12 examples lost, 5 won back; 500 kB instead of 900 kB zipped. magnitude 0.6 harms cat, dog and eel. "
        "With 78 examples in its smallest class a class may have lost 4.1 points all the same (one-sided 95 %); a loss of "
        "3 points is not excluded in 1 of 10 classes."
    )
    rows[1].update(lost_classes=[], lost_groups=[])
    assert "magnitude 0.6 loses accuracy beyond chance." in copies.what_if(AuditRecord.of(content))[0]
    rows[1].update(verdict="in doubt")
    assert "magnitude 0.6 is in doubt" in copies.what_if(AuditRecord.of(content))[0]
    rows[0].update(lost_groups=["camera = night"])  # and beyond the first that harms none is trusted
    rows[1].update(verdict="safe")
    assert copies.what_if(AuditRecord.of(content))[0] == (
        "No magnitude copy can be recommended: magnitude 0.5 already harms camera = night."
    )


def test_calibration_says_what_grew(pair: dict[str, Any]) -> None:
    content = copy.deepcopy(CASES["probabilities"])
    content["calibration"]["compressed"].update(ece=1.0, confidence=80.0)
    content["accuracy"].update(compressed=90.0)
    said = " ".join(findings.calibration(AuditRecord.of(content))).replace(wording.SPACE, " ")
    assert "The calibration error (ECE) falls: 2.0 points before, 1.0 after." in said
    assert "The compressed model is 80.0 % confident on average and right in 90.0 %: 10.0 points too cautious." in said
    content["calibration"]["compressed"].update(confidence=95.0)
    assert "5.0 points too confident" in " ".join(findings.calibration(AuditRecord.of(content)))
    assert findings.calibration(AuditRecord.of(pair)) == []


# numbers


def test_missing_numbers_are_dashes_and_never_zeros() -> None:
    assert {
        wording.number(None),
        wording.count(None),
        wording.p_value(None),
        wording.percent(None),
        wording.with_interval(None, 1, 2),
    } == {"–"}
    content = without_numbers(CASES["population"], np.random.default_rng(0), 1.0)
    written = re.sub(r"<svg.*?</svg>", "", page(content))  # axes have a 0
    said = text_of(written).split("How to read each measure")[0].split("How the files were read")[0]
    found = set(re.findall(r"(?<![\w-])\d[\d,.]*\d|(?<![\w-])\d", re.sub(r"test-\d+", "", said)))
    assert not {number for number in found if number.strip(".") in ("0", "0.0", "0.00", "0.000")}
    assert "None" not in said and "nan" not in said.lower()


@pytest.mark.parametrize("value", [0.0, 1e-310, 1e-300, 2.34e-14, 0.00099996, 0.001, 0.0499, 0.05, 0.5, 1.0])
def test_chances_read_back(value: float) -> None:
    text = wording.p_value(value)
    if value == 0:
        assert text == "< 1e−300"
    else:
        assert float(text.replace(wording.MINUS, "-")) == pytest.approx(value, rel=0.5)


def test_small_numbers_keep_their_digits() -> None:
    assert (
        wording.with_interval(-0.04, -0.06, -0.02, "points", signed=True).replace(wording.SPACE, " ")
        == "−0.04 points [−0.06, −0.02]"
    )
    assert wording.with_interval(-9.04, -11.0, 0.0, signed=True).replace(wording.SPACE, " ") == "−9.0 [−11.0, 0.0]"


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_are_round_few_and_inside(low: float, span: float) -> None:
    marks = charts.ticks(low, low + span)
    assert 1 <= len(marks) <= 12
    assert marks == sorted(marks)
    if span > 1e-3 * (1 + abs(low)):
        room = 1e-6 * (abs(low) + span)
        assert all(low - room <= mark <= low + span + room for mark in marks)


def test_bars_start_at_zero_and_end_at_the_impact() -> None:
    row = ImpactRow(impact=-5.0, low=-8.0, high=-2.0, q_value=0.01)
    scale = charts.Scale(-10.0, 10.0)
    drawn = str(charts.impact_bar(row, scale))
    assert 'x="25.00%" width="25.00%"' in drawn  # from -5 to 0 on a line from -10 to 10
    assert 'x1="10.00%" x2="40.00%"' in drawn  # the interval
    assert "unsure" not in drawn and 'class="lost"' in drawn
    assert "unsure" in str(charts.impact_bar(ImpactRow(impact=5.0, q_value=0.3), scale))
    assert "<rect" not in str(charts.impact_bar(ImpactRow(), scale))


def test_marks_of_the_reliability_diagram_lie_at_their_numbers() -> None:
    marked = ReliabilityBin(low=0.5, high=0.6, examples=10.0, confidence=50.0, accuracy=25.0)
    nothing = SideCalibration()
    drawn = str(charts.reliability(Calibration(dense=SideCalibration(bins=(marked,)), compressed=nothing)))
    frame = charts.Frame((0, 100), (0, 100))
    ((x, y),) = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', drawn)
    assert float(x) == pytest.approx(frame.across(50), abs=0.01)
    assert float(y) == pytest.approx(frame.up(25), abs=0.01)
    assert frame.up(0) == frame.height - charts.BOTTOM  # the axes' own lines
    assert frame.up(100) == charts.TOP
    assert (frame.across(0), frame.across(100)) == (charts.LEFT, frame.width - charts.RIGHT)
    assert charts.reliability(Calibration(dense=nothing, compressed=nothing)) is None


def test_a_figure_of_both_sides_is_shown_in_every_document() -> None:
    content = copy.deepcopy(CASES["labels"])
    content["figures"] = {
        "made_up": {"title": "Made-up agreement", "value": 0.5, "low": 0.25, "high": 0.75, "about": "Half of it.", "why_not": ""},
        "silent": {"title": "Silent number", "value": None, "about": "Nothing.", "why_not": "it is never told"},
    }  # fmt: skip
    record = AuditRecord.of(content)
    written = text_of(page(content))
    assert "Made-up agreement: 0.500 [0.250, 0.750]." in written and "Half of it." in written
    assert "Silent number: – (it is never told)." in written
    assert "Made-up agreement  0.500 [0.250, 0.750]" in "\n".join(summary_lines(record, 100))
    assert "made-up agreement 0.500 [0.250, 0.750]" in audit_markdown(record).replace(wording.SPACE, " ").lower()
    assert "Silent" not in audit_markdown(record) + "\n".join(summary_lines(record, 100))


# the page


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_audit_gives_a_page(name: str) -> None:
    content = CASES[name]
    before = json.dumps(content)
    images = pictures(content) if name in ("probabilities", "hostile") else {}
    render_audit(AuditRecord.of(content), images)
    with at_most(2):  # 0.05 to 0.17 s
        written = page(content, images)
    assert json.dumps(content) == before  # nothing is changed on the way
    assert written == page(content, images)
    said = text_of(written)
    assert headlines.headline(AuditRecord.of(content))[0][:40].replace(wording.SPACE, " ") in said.replace(
        wording.SPACE, " "
    )
    assert written.count("<table") == written.count("</table>")
    assert written.count("<details") == written.count("</details>")
    for bad in ("<script", " style=", "None", "nan", "inf ", ' onerror=alert(1)>"'):
        assert bad not in re.sub(r"data:[^\"]*", "", written).replace("&lt;script", "").replace("None of the", ""), bad
    assert not re.search(r"(src|href)=\"(?!data:|#)", written)
    ids = re.findall(r' id="([^"]+)"', written)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', written)) <= set(ids)  # no link of the contents leads nowhere


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("name", ["probabilities", "population", "what-if", "no true labels", "hostile"])
def test_any_number_may_be_missing(name: str, share: float) -> None:
    for seed in range(3):
        content = without_numbers(CASES[name], np.random.default_rng(seed), share)
        assert "None" not in text_of(page(content)).replace("None of the", "")
        assert "None" not in audit_markdown(AuditRecord.of(content)).replace("None of the", "")
        assert "None" not in "\n".join(summary_lines(AuditRecord.of(content), 60)).replace("None of the", "")


def test_nothing_heavy_is_imported() -> None:
    imports = "import piescope.report.audit.page, piescope.report.audit.markdown, piescope.cli.audit_summary, sys"
    heavy = "{'torch', 'numpy', 'scipy', 'matplotlib', 'pandas', 'pyarrow', 'PIL', 'sklearn'} & set(sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"{imports}; print({heavy})"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_hostile_names_stay_text() -> None:
    written = page(CASES["hostile"], pictures(CASES["hostile"]))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in written
    assert "<script" not in written and "<img src=x" not in written
    assert "{{ 7 * 7 }}" in html.unescape(written) and "49 {% raw" not in written
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", written)
    assert r"\u202egnp.exe" in html.unescape(written)
    assert all(part.startswith("iVBORw0KGgo") for part in re.findall(r"data:image/png;base64,([^\"]+)", written))


def test_only_pngs_become_images() -> None:
    content = CASES["probabilities"]
    first = content["harmed"][0]["id"]
    written = page(content, {first: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"})
    assert "data:image" not in written


def test_a_page_of_large_images_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    content = CASES["probabilities"]
    images = pictures(content, most=10_000)
    whole = page(content, images)
    assert "images.parquet" not in whole
    size = max(map(len, images.values()))
    monkeypatch.setattr("piescope.report.audit.gallery.MOST_IMAGE_BYTES", 40 * size)
    written = page(content, images)
    assert sum(map(len, re.findall(r"data:image[^\"]*", written))) <= 40 * size
    assert 'alt="' + content["harmed"][0]["id"] in written  # the most harmed come first
    (told_number,) = re.findall(r"([\d,]+) images more than this page can hold are in images.parquet", text_of(written))
    kept = set(re.findall(r'alt="(test-\d+)', written))
    assert int(told_number) == len(set(images)) - len(kept) > 0


def test_the_policy_admits_the_one_style_sheet_and_nothing_else() -> None:
    import base64
    import hashlib

    written = page(CASES["labels"])
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', written)
    (css,) = re.findall(r"<style>(.*?)</style>", written, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"


def test_images_where_there_are_images_and_a_table_where_there_are_none() -> None:
    content = CASES["probabilities"]
    with_images, without = page(content, pictures(content, most=10_000)), page(content)
    assert with_images.count('<li class="tile">') == len(content["harmed"]) + len(content["label_errors"]["examples"])
    assert '<li class="tile">' not in without and 'table class="examples"' in without
    shown = {row["id"] for row in content["harmed"]}
    assert shown <= set(re.findall(r"test-\d+", without))


def test_the_worst_fifteen_classes_are_shown_and_the_rest_is_folded() -> None:
    written = page(CASES["many classes"])
    before, after = written.split("985 more classes")
    assert before.count('<th scope="row"><bdi>class ') == 15
    assert after.count('<th scope="row"><bdi>class ') == 985
    worst = sorted(row["impact"] for row in CASES["many classes"]["classes"])[:15]
    told_change = re.findall(r'<td class="change">(\S+)', before)
    assert [float(each.replace("−", "-")) for each in told_change] == pytest.approx(worst, abs=0.06)


def test_rows_are_matched_by_position_is_a_limit(pair: dict[str, Any]) -> None:
    assert "different orders" not in text_of(page(pair))
    pair["inputs"]["matched_by"] = "row"
    assert "different orders" in text_of(page(pair))


# Markdown


def cells(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line)) - 1


@pytest.mark.parametrize("name", CASES)
def test_markdown_is_short_and_its_tables_hold(name: str) -> None:
    content = CASES[name]
    written = audit_markdown(AuditRecord.of(content))
    lines = written.split("\n")
    assert len(lines) < 60
    assert len(written) < 20_000
    for before, line in itertools.pairwise(lines):
        if line.startswith("| ---"):
            assert cells(before) == cells(line)
        elif line.startswith("|") and before.startswith("|"):
            assert cells(line) == cells(before)
    assert not re.search(r"<(?!!-- -->)", written)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e\ud800-\udfff]", written)
    assert written.encode("utf-8")


def test_markdown_holds_at_most_ten_classes_and_five_confusions() -> None:
    content = made(names=[f"class {index}" for index in range(20)])
    for row in content["classes"]:
        row.update(impact=-5.0, q_value=0.001)
    part = audit_markdown(AuditRecord.of(content)).split("### Classes that paid")[1].split("###")[0]
    assert part.count("| class ") == 10 + 1  # and the head
    assert "10 more in report.html." in part
    part = audit_markdown(AuditRecord.of(content)).split("### Mix-ups that grew")[1]
    assert part.count(" taken for ") == 5


def test_markdown_renders_names_as_text() -> None:
    renderer = (
        pytest.importorskip("markdown_it").MarkdownIt("js-default", {"html": True, "linkify": False}).enable("table")
    )
    for name in HOSTILE:
        shown = wording.name(name)
        for template in ("{}", "some {} text", "| a | b |\n| --- | --- |\n| {} | x |"):
            rendered = renderer.render(template.format(escaped(shown)))
            text = html.unescape(re.sub(r"<!-- -->|</?(p|table|thead|tbody|tr|th|td)[^>]*>", "", rendered))
            assert " ".join(shown.split()) in " ".join(text.split()), (name, rendered)
            assert not re.search(r"<(script|img|a|em|strong|code|h1|ul|ol|del)\b", rendered)


@given(st.text(max_size=40))
def test_escaping_leaves_nothing_that_links_or_mentions(text: str) -> None:
    written = escaped(wording.printable(text))
    assert "://" not in written and "www." not in written
    assert not re.search(r"@\w", written)
    assert not re.search(r"<(?!!-- -->)", written)
    assert not re.search(r"(?<!\\)(\\\\)*[|`*~$]", written)


# the terminal


@pytest.mark.parametrize("name", CASES)
def test_every_line_fits_every_width(name: str) -> None:
    for width in range(40, 121):
        for line in summary_lines(AuditRecord.of(CASES[name]), width):
            assert cell_len(line) <= width, (width, line)
            assert line == line.rstrip()
            assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\ud800-\udfff\u00a0]", line)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=80), min_size=2, max_size=4, unique=True), st.integers(20, 130))
def test_any_class_name_fits_any_width(names: list[str], width: int) -> None:
    content = made(examples=60, names=names, models=2)
    for line in summary_lines(AuditRecord.of(content), width):
        assert cell_len(line) <= width
        line.encode("utf-8")
    audit_markdown(AuditRecord.of(content)).encode("utf-8")
    render_audit(AuditRecord.of(content), {})


def test_a_wide_terminal_gets_columns_and_a_narrow_one_lines() -> None:
    content = CASES["probabilities"]
    wide, narrow = summary_lines(AuditRecord.of(content), 100), summary_lines(AuditRecord.of(content), 40)
    head = "classes, worst first, 99.5 % intervals"
    row = wide[wide.index(head) + 1]
    assert row.startswith("  cat  ") and "->" in row and "q = " in row
    starts = {line.index("->") for line in wide[wide.index(head) + 1 :][:5] if "->" in line}
    assert len(starts) == 1  # aligned
    assert any(line.startswith("  cat: -") for line in narrow)


@pytest.mark.parametrize("name", CASES)
def test_page_terminal_and_markdown_say_the_same_sentences(name: str) -> None:
    content = CASES[name]
    first = headlines.headline(AuditRecord.of(content))[0]
    printed = " ".join(" ".join(summary_lines(AuditRecord.of(content), 100)).split())
    plain = first.replace(wording.SPACE, " ").replace(wording.MINUS, "-").replace("…", "...")
    assert plain in printed
    assert escaped(first) in audit_markdown(AuditRecord.of(content))
    assert html.escape(first, quote=False).replace("'", "&#39;").replace('"', "&#34;") in page(content)


def test_broken_budgets_come_first_on_the_terminal() -> None:
    content = copy.deepcopy(CASES["probabilities"])
    content["budgets"].reverse()
    lines = summary_lines(AuditRecord.of(content), 120)
    verdicts = [
        line.split()[0]
        for line in lines[lines.index("budgets, with one-sided 95 % bounds") + 1 :][:8]
        if line.startswith("  ") and line[2] != " "
    ]
    assert verdicts[:4] == ["BROKEN", "BROKEN", "undecided", "kept"]


def test_the_page_says_with_what_it_was_made() -> None:
    content = CASES["probabilities"]
    foot = "numpy 2.4.0, pyarrow 22.0.0, torch 2.13.0; models were run on A <processor>. All numbers: audit.json"
    assert foot in text_of(page(content))
    read = content | {"made_with": {"processor": None, "libraries": {"numpy": "2.4.0"}}}
    assert ", numpy 2.4.0. All numbers: audit.json" in text_of(page(read))
    older = {key: value for key, value in content.items() if key != "made_with"}
    assert ". All numbers: audit.json" in text_of(page(older))
