"""Refusals: one call, of the kind that was asked for, and nothing from outside that a terminal would obey."""

from __future__ import annotations

import pytest

from piescope.adapters.protocol import ModelError
from piescope.problems import DataError, InputError, StudyError

HOSTILE = "a\x1b[31m\nb\u202e\x00\ud800"


@pytest.mark.parametrize("kind", [InputError, StudyError, DataError, ModelError])
def test_one_call_makes_one_fault_of_its_kind(kind: type[InputError]) -> None:
    error = kind.of("study.toml", "sparsities", "90", "a fraction below 1", "write 0.9 for 90 %")
    assert type(error) is kind and error
    assert str(error) == (
        "study.toml: sparsities\n  found     90\n  expected  a fraction below 1\n  cure      write 0.9 for 90 %"
    )


def test_no_part_of_a_fault_reaches_a_terminal_unread() -> None:
    error = InputError("file.csv")
    error.add(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    error.add_unknown("study." + HOSTILE, "key", HOSTILE, ["name"])
    lines = str(error).split("\n")
    assert len(lines) == 8
    assert all(map(str.isprintable, lines))


def test_empty_and_endless_parts_stay_readable() -> None:
    (problem,) = InputError.of("file.csv", "", "", "x" * 5000, "y" * 5000).problems
    assert (problem.where, problem.found) == ("''", "nothing")
    assert len(problem.expected) < len(problem.cure) < 1000


def test_an_unknown_name_is_answered_with_all_known_ones_and_the_closest() -> None:
    known = [f"a_long_name_of_a_key_{number}" for number in range(100)]
    (problem,) = DataError.of_unknown("study.toml", "data", "key", "a_long_name_of_a_key_1O", known).problems
    assert problem.found == "unknown key 'a_long_name_of_a_key_1O'"
    assert problem.expected == "one of: " + ", ".join(known)
    assert problem.cure.startswith("did you mean 'a_long_name_of_a_key_1")


def test_alternatives_at_one_place_become_one_fault() -> None:
    error = InputError("study.toml")
    error.add("seed", "'x'", "a number", "write 7")
    error.add("seed", "'x'", "nothing", "leave it out")
    error.merge_alternatives()
    (problem,) = error.problems
    assert problem.expected == "a number or nothing"
    with pytest.raises(InputError):
        error.raise_if_any()


def test_a_file_that_is_wrong_as_a_whole_is_named_once() -> None:
    assert str(DataError.of("x.pt", "x.pt", "a list", "a state_dict", "save one")).startswith(
        "x.pt\n  found     a list\n"
    )
