"""Six things that somebody does who never saw the pages before; what is found is compared with the tables and audit.json."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from browser.explored import Expected, Explored, explored
from browser.watched import DESK, PHONE, keep, watched
from made_audit import CASES, made, pictures
from made_pages import audit_page
from piescope.store import layout
from piescope.store.audit_record import AuditRecord

pytestmark = pytest.mark.browser

OBJECTIVES, PRUNINGS = (
    {"Sup": "supervised", "SupCon": "supcon"},
    {"GMP": "gmp", "one-shot": "one_shot", "delayed GMP": "delayed_gmp"},
)
PLACES: dict[str, dict[str, Any]] = {
    "desk": {"viewport": DESK},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True},
    "dark": {"viewport": DESK, "color_scheme": "dark"},
}


@pytest.fixture(scope="module")
def expected(digits: Path) -> Expected:
    return Expected(digits)


def arm_of(name: str) -> str:
    objective, pruning = name.split(" / ")
    return f"{OBJECTIVES[objective]}/{PRUNINGS[pruning]}"


def test_t1_which_method_forgets_most_and_is_it_noise(browser: Any, digits: Path) -> None:
    """It stands on the first screen, in a sentence."""
    with (layout.table(digits, "noise", "csv")).open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["pruning"] in PRUNINGS.values()]
    most = max(rows, key=lambda row: float(row["excess"]))
    with watched(browser, digits / "report.html") as seen:
        seen.page.wait_for_selector("html.x-ready")
        text = seen.first_screen()
    said = re.search(
        r"Most beyond seeds is forgotten by (.+?) at ([\d.]+) %: (?:about )?(\d+) examples, (\d+) \[(\d+), (\d+)\] more than seeds",
        text,
    )
    assert said is not None, text
    assert arm_of(said[1]) == f"{most['objective']}/{most['pruning']}"
    assert float(said[2]) == 100 * float(most["sparsity"])
    for place, column in ((3, "observed"), (4, "excess"), (5, "excess_low"), (6, "excess_high")):
        assert float(said[place]) == pytest.approx(float(most[column]), abs=0.5)
    assert float(most["excess_low"]) > 0 and "HARM SHOWN" in text
    supervised = [row for row in rows if row["objective"] == "supervised"]
    assert all(float(row["excess_low"]) <= 0 for row in supervised)
    assert re.search(r"Supervised networks forget at most (?:about )?\d+ .*?: not clearly more than seeds", text)


def find_a_digit(it: Explored, how: str) -> str:
    """Three clicks: the method, who keeps it, a picture."""
    for group, name in (("Method", "SupCon / GMP"), ("kept by", "SupCon / one-shot")):
        getattr(it.chip(group, name), how)()
    it.open_first(how)
    it.opened().wait_for()
    return it.hash()["ex"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("place", PLACES)
def test_t2_t4_t5_a_digit_that_one_loses_and_another_keeps(
    place: str, browser: Any, digits: Path, expected: Expected
) -> None:
    """On a desk (T2), on a phone (T4), in the dark (T5)."""
    with explored(browser, digits / "report.html", **PLACES[place]) as it:
        found = find_a_digit(it, "tap" if place == "phone" else "click")
        assert it.hash()["arm"] == "supcon/gmp"
        sparsity = float(it.hash()["s"])  # where the page's headline is
        assert found in expected.ids("supcon/gmp", sparsity, "lost")
        assert found not in expected.ids("supcon/one_shot", sparsity)
        text = it.opened().inner_text()
        assert found in text and "lost" in text
        kept = it.opened().get_by_role("button", name=f"SupCon / one-shot\u2069, {100 * sparsity:g}\u00a0%: the same")
        assert kept.count() == 1
        box = it.opened().bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= PLACES[place]["viewport"]["width"]
        is_dark = it.page.evaluate(
            "Math.max(...getComputedStyle(document.querySelector('.x-panel')).backgroundColor.match(/\\d+/g).map(Number)) < 80"
        )
        assert is_dark == (place == "dark")
        keep(it.page, f"task-{place}")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("place", PLACES)
def test_t3_a_link_that_opens_on_it(place: str, browser: Any, digits: Path) -> None:
    page = digits / "report.html"
    with explored(browser, page, permissions=["clipboard-read", "clipboard-write"], **PLACES[place]) as it:
        how = "tap" if place == "phone" else "click"
        found = find_a_digit(it, how)
        getattr(it.opened().get_by_role("button", name="Copy link to this"), how)()
        it.opened().get_by_role("button", name="Copied").wait_for()
        link = it.page.evaluate("navigator.clipboard.readText()")
        before, text = it.hash(), it.opened().inner_text().replace("Copied", "Copy link to this")
    assert link.startswith(page.as_uri())
    with explored(browser, page, "#" + link.partition("#")[2], **PLACES[place]) as other:
        assert other.hash() == before and before["ex"] == found
        assert other.opened().inner_text() == text


AUDITS = {
    "HARM SHOWN": CASES["population"],
    "TOO FEW TO TELL": CASES["few"],
    "SAFE": made(examples=20_000, loss=None),
}


@pytest.mark.parametrize("answer", AUDITS)
def test_t6_ship_or_not_and_why(answer: str, browser: Any, tmp_path: Path) -> None:
    """From an audit's first screen, in words that nobody has to look up."""
    audit = AuditRecord.of(AUDITS[answer])
    path = tmp_path / "report.html"
    path.write_bytes(audit_page(audit, pictures(AUDITS[answer])))
    with watched(browser, path) as seen:
        text = seen.first_screen()
    verdict = audit.verdict
    assert verdict.answer.upper() == answer
    assert answer in text
    says = {
        "HARM SHOWN": r"should not be shipped\b(?! yet)",
        "TOO FEW TO TELL": "should not be shipped yet",
        "SAFE": "can be shipped",
    }
    assert [word for word in says.values() if re.search(word, text)] == [says[answer]], text
    for harm in verdict.harms[:2]:
        assert f"{abs(harm.change):.1f}" in text and harm.name in text
    if answer == "TOO FEW TO TELL":
        assert f"{verdict.enough:,}" in text
    assert not re.search(r"\bq\b", text)
