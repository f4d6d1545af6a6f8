"""Verdicts on budgets as JUnit XML, which build servers show beside the tests."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from piescope.auditing.budgets import is_broken, verdict_line
from piescope.store.audit_record import BudgetRow
from piescope.wording import printable

CLASS_NAME = "piescope.budgets"


def junit_xml(rows: Sequence[BudgetRow], name: str, seconds: float | None = None, strict: bool = False) -> bytes:
    """A test suite with a test case for each budget.

    A broken budget is a failure, an undecided one is skipped, which servers show but do not fail on. The same rows
    give the same bytes: no clock and no host name stands in them.

    Args:
        rows: of `piescope.auditing.budgets.judge`.
        name: of the suite: what was audited.
        seconds: how long the audit took.
        strict: undecided budgets are failures, too.

    Returns:
        UTF-8 text with an XML declaration, as Jenkins' JUnit schema has it, which GitLab and the actions of GitHub
        read as well. Characters that XML forbids are spelt out, as all that no eye sees.

    Source: https://github.com/jenkinsci/xunit-plugin, junit-10.xsd.

    Example:
        >>> from piescope.auditing.budgets import Budgets, judge
        >>> from piescope.store.audit_record import AuditRecord
        >>> audit = AuditRecord(n_examples=10_000, changed=240)
        >>> print(junit_xml(judge(audit, Budgets(max_changed="2%")), "int8 against float").decode())
        <?xml version='1.0' encoding='utf-8'?>
        <testsuites tests="1" failures="1" errors="0">
          <testsuite name="int8 against float" tests="1" failures="1" errors="0" skipped="0">
            <testcase classname="piescope.budgets" name="max_changed">
              <failure message="max_changed broken: ..." type="broken">max_changed broken: ...</failure>
            </testcase>
          </testsuite>
        </testsuites>
    """
    failures = sum(is_broken([row], strict) for row in rows)
    skipped = sum(row.verdict == "undecided" and not strict for row in rows)
    counts = {"tests": str(len(rows)), "failures": str(failures), "errors": "0"}
    time = {} if seconds is None else {"time": f"{seconds:.3f}"}
    suites = ElementTree.Element("testsuites", {**counts, **time})
    suite = ElementTree.SubElement(
        suites, "testsuite", {"name": printable(name), **counts, "skipped": str(skipped), **time}
    )
    for row in rows:
        case_name = f"{row.budget} ({row.of})" if row.of else row.budget
        case = ElementTree.SubElement(suite, "testcase", {"classname": CLASS_NAME, "name": printable(case_name)})
        line = printable(verdict_line(row))
        if is_broken([row], strict):
            failure = ElementTree.SubElement(case, "failure", {"message": line, "type": row.verdict})
            failure.text = line  # Jenkins shows the message, GitLab the text
        elif row.verdict == "undecided":
            ElementTree.SubElement(case, "skipped", {"message": line})
        else:
            ElementTree.SubElement(case, "system-out").text = line
    ElementTree.indent(suites)
    return bytes(ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"
