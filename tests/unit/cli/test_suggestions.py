"""Where suggested budgets may be written, and what is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_audit import from_counts
from piescope.auditing.budgets import Budgets
from piescope.cli.suggestions import check_suggested, write_suggested
from piescope.problems import InputError
from piescope.store.audit_record import AuditRecord


def test_budgets_are_written_and_replaced_by_newer_ones(tmp_path: Path) -> None:
    target = tmp_path / "budgets.toml"
    check_suggested(None, None)
    check_suggested(target, None)
    write_suggested(target, AuditRecord.of(from_counts([(900, 3, 4, 93), (950, 5, 3, 42)])))
    assert Budgets.from_file(target).given
    check_suggested(target, None)


@pytest.mark.parametrize("content", ["", "x = 3\n", "[budgets]\n", "[other]\nmax_flips = 3\n"])
def test_a_file_with_something_else_in_it_is_left_alone(tmp_path: Path, content: str) -> None:
    target = tmp_path / "budgets.toml"
    target.write_text(content)
    with pytest.raises(InputError, match="a file with something else in it"):
        check_suggested(target, None)
    assert target.read_text() == content


def test_places_that_cannot_be_written_to_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for target in (tmp_path, tmp_path / "file" / "budgets.toml"):
        with pytest.raises(InputError, match="a file that can be written"):
            check_suggested(target, None)


def test_of_copies_that_nobody_ships_no_budgets_are_suggested(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="copies to be made"):
        check_suggested(tmp_path / "budgets.toml", "magnitude:0.5")
