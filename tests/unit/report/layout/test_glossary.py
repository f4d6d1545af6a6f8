"""Words are filled in where there is what they need."""

from __future__ import annotations

import pytest

from piescope.report.layout.glossary import limits, meanings, words


@pytest.mark.parametrize("room", ["study", "audit"])
def test_every_word_stands_once_and_says_something(room: str) -> None:
    terms = [word.term for word in words(room)]
    assert len(terms) == len(set(terms)) > 10
    assert all(word.meaning.strip().endswith((".", "}")) for word in words(room))


def test_what_is_filled_in_stays_as_it_is_and_what_is_not_needed_is_left_out() -> None:
    met = {word.needs.removeprefix("no ") for word in words("audit")} - {""}
    names = ["mean", "counted", "seeds", "wider", "one_sided", "over", "label", "accuracy_limit", "class_limit"]
    facts = {name: "<{x}\xa0y>" for name in names}
    everything = meanings("audit", dict.fromkeys(met, True), facts)
    assert list(everything) == [word.term for word in words("audit") if not word.needs.startswith("no ")]
    assert everything["Harm"].startswith("By how much the probability of the <{x}\xa0y> fell, from 100 points")
    absent = [word.term for word in words("audit") if not word.needs or word.needs.startswith("no ")]
    assert list(meanings("audit", dict.fromkeys(met, False), facts)) == absent != list(everything)


def test_what_must_not_be_leaves_out_what_is_said_of_its_absence() -> None:
    facts = {"examples": "7 examples", "one": "14 %"}
    needs = {word.needs.removeprefix("no ") for word in words("audit", "limits")}
    for is_there in (True, False):
        said = " ".join(limits("audit", dict.fromkeys(needs, is_there), facts))
        assert ("There are no true labels" in said) != is_there and (
            "7 examples; one of them is 14 %" in said
        ) == is_there
