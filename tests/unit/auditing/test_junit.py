"""JUnit XML: what build servers read from it, whatever the names."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from piescope.auditing.budgets import is_broken, verdict_line
from piescope.auditing.junit import junit_xml
from piescope.store.audit_record import BudgetRow


def row(verdict: str, budget: str = "max_flips", reason: str = "210 of 10,000 examples", of: str = "") -> BudgetRow:
    return BudgetRow(
        budget=budget, limit="2%", observed=2.1, low=1.8, high=2.4, unit="%", verdict=verdict, reason=reason, of=of
    )


ROWS = [row("kept"), row("broken", "max_changed"), row("undecided", "max_flips", of="magnitude 0.7")]


def cases(content: bytes) -> dict[str, list[str]]:
    """Name of each test case to the tags in it."""
    return {
        case.attrib["name"]: [part.tag for part in case] for case in ElementTree.fromstring(content).iter("testcase")
    }


def test_broken_fails_and_undecided_is_skipped() -> None:
    content = junit_xml(ROWS, "int8 against float", seconds=1.25)
    assert content.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<testsuites ")
    assert cases(content) == {
        "max_flips": ["system-out"],
        "max_changed": ["failure"],
        "max_flips (magnitude 0.7)": ["skipped"],
    }
    suites = ElementTree.fromstring(content)
    (suite,) = suites
    assert suites.attrib == {"tests": "3", "failures": "1", "errors": "0", "time": "1.250"}
    assert suite.attrib == {
        "name": "int8 against float",
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
        "time": "1.250",
    }
    failure = next(suites.iter("failure"))
    assert failure.attrib == {"message": verdict_line(ROWS[1]), "type": "broken"} and failure.text == verdict_line(
        ROWS[1]
    )
    assert next(suites.iter("skipped")).attrib == {"message": verdict_line(ROWS[2])}
    assert next(suites.iter("system-out")).text == verdict_line(ROWS[0])
    assert {case.attrib["classname"] for case in suites.iter("testcase")} == {"piescope.budgets"}


def test_strict_makes_undecided_a_failure_just_as_the_exit_code_does() -> None:
    content = junit_xml(ROWS, "x", strict=True)
    assert cases(content)["max_flips (magnitude 0.7)"] == ["failure"]
    suite = ElementTree.fromstring(content)[0]
    assert (suite.attrib["failures"], suite.attrib["skipped"]) == ("2", "0")
    for rows in ([], ROWS[:1], ROWS[1:2], ROWS[2:], ROWS):
        for strict in (False, True):
            fails = int(ElementTree.fromstring(junit_xml(rows, "x", strict=strict)).attrib["failures"]) > 0
            assert fails == is_broken(rows, strict)


def test_the_same_rows_give_the_same_bytes() -> None:
    assert junit_xml(ROWS, "x", 2.0) == junit_xml([row.model_copy() for row in ROWS], "x", 2.0)
    assert junit_xml(ROWS, "x") != junit_xml(ROWS, "y")


def test_without_budgets_there_is_an_empty_suite() -> None:
    suites = ElementTree.fromstring(junit_xml([], "x"))
    assert suites.attrib["tests"] == "0" and cases(junit_xml([], "x")) == {}


def test_hostile_text_is_escaped_and_what_xml_forbids_is_spelt_out() -> None:
    evil = "]]></failure><script>&\"'\x00\x08\x0b\x1f\ufffe\ud800\U0001f600"
    content = junit_xml([row("broken", reason=evil, of=evil)], evil)
    (suite,) = ElementTree.fromstring(content)
    clean = "]]></failure><script>&\"'\\x00\\x08\\x0b\\x1f\\ufffe\\ud800\U0001f600"
    assert suite.attrib["name"] == clean
    assert next(suite.iter("failure")).text.endswith(clean)
    assert [part.tag for part in suite.iter()] == ["testsuite", "testcase", "failure"]


@given(
    some.text(some.characters(exclude_categories=()), max_size=40),
    some.text(some.characters(exclude_categories=()), max_size=40),
)
@settings(max_examples=200, deadline=None)
def test_any_text_can_be_read_back(name: str, reason: str) -> None:
    suites = ElementTree.fromstring(junit_xml([row("broken", reason=reason, of=reason)], name))
    assert len(list(suites.iter("failure"))) == 1


def test_another_reader_finds_the_same() -> None:
    junitparser = pytest.importorskip("junitparser")
    (suite,) = junitparser.JUnitXml.fromstring(junit_xml(ROWS, "x", 1.0))
    assert (suite.tests, suite.failures, suite.skipped, suite.errors, suite.time) == (3, 1, 1, 0, 1.0)
    results = {case.name: [type(result).__name__ for result in case.result] for case in suite}
    assert results == {"max_flips": [], "max_changed": ["Failure"], "max_flips (magnitude 0.7)": ["Skipped"]}


def test_only_elements_and_attributes_of_the_schema_in_its_order() -> None:
    """What Jenkins' junit-10.xsd allows of what is written here; test cases hold skipped, failure, system-out."""
    allowed = {
        "testsuites": ({"name", "time", "tests", "failures", "disabled", "errors"}, {"testsuite"}),
        "testsuite": (
            {"name", "tests", "failures", "errors", "time", "skipped", "timestamp", "hostname", "id"},
            {"testcase"},
        ),
        "testcase": ({"name", "classname", "time", "status", "assertions"}, {"skipped", "failure", "system-out"}),
        "skipped": ({"message", "type"}, set()),
        "failure": ({"message", "type"}, set()),
        "system-out": (set(), set()),
    }
    for part in ElementTree.fromstring(junit_xml(ROWS, "x", 1.0)).iter():
        attributes, children = allowed[part.tag]
        assert part.attrib.keys() <= attributes and {child.tag for child in part} <= children
        assert part.tag != "testcase" or {"name", "classname"} <= part.attrib.keys()
