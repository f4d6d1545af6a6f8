"""Words are filled in, and shown where the study has what they are about."""

from __future__ import annotations

from made_results import CASES
from piescope.report.layout.glossary import words
from piescope.report.study.glossary import glossary, limits


def test_every_word_is_filled_in(case: str) -> None:
    meanings = glossary(CASES[case])
    assert not any("{" in meaning or "None" in meaning for meaning in meanings.values())
    assert set(meanings) <= {word.term for word in words("study")}


def test_words_of_what_there_is_not_are_left_out() -> None:
    assert "UMAP" in glossary(CASES["everything"]) and "UMAP" not in glossary(CASES["no depth, no maps"])
    assert "Shared PIEs" not in glossary(CASES["no depth, no maps"])
    assert "Clear, pale" not in glossary(CASES["only dense"])


def test_limits_are_of_what_was_run() -> None:
    assert any("fine-tuning" in sentence for sentence in limits(CASES["everything"]))
    assert not any("fine-tuning" in sentence for sentence in limits(CASES["no depth, no maps"]))
    assert limits(CASES["only dense"])[-1].startswith("Everything is measured on 40 test examples; one PIE is 2.50")
