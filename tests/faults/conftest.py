"""What was injected, and that it was survived, counted: `make faults` writes the table of docs/reliability.md from it."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from made_faults import Survived

TABLE = Path(__file__).parents[2] / "docs" / "reliability.md"

_counted: Counter[str] = Counter()


@pytest.fixture
def survived(record_property: Callable[[str, Any], None]) -> Survived:
    """Told, once all is checked, what was injected and how often."""
    return lambda what, count: record_property("survived", (what, count))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        for name, value in report.user_properties:
            if name == "survived":
                what, count = value
                _counted[what] += count


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int) -> None:
    if not _counted or hasattr(terminalreporter.config, "workerinput"):  # a process of xdist, which has a part of all
        return
    terminalreporter.section("faults injected and survived")
    for what, count in sorted(_counted.items()):
        terminalreporter.write_line(f"{count:6,}  {what}")
    if os.environ.get("PIESCOPE_COUNTS") == "write" and exitstatus == 0:
        rows = "".join(f"| {what} | {count:,} |\n" for what, count in sorted(_counted.items()))
        begins, ends = "<!-- counts, by make faults -->\n", "<!-- counts end -->\n"
        content = re.sub(
            f"(?<={begins}).*?(?={ends})",
            f"\n| injected | survived |\n|---|---|\n{rows}\n",
            TABLE.read_text(),
            flags=re.S,
        )
        TABLE.write_text(content)
