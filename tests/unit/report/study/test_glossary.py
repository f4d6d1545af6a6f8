"""Words are filled in, and shown where the study has what they are about."""

from __future__ import annotations

from made_results import CASES
from piescope.report.layout.glossary import words
from piescope.report.study.glossary import glossary


def test_every_word_is_filled_in(case: str) -> None:
    meanings, limits = glossary(CASES[case])
    assert not any("{" in limit or "None" in limit for limit in limits)
    assert not any("{" in meaning or "None" in meaning for meaning in meanings.values())
    assert set(meanings) <= {word.term for word in words("study")}


def test_arms_of_other_numbers_of_models_are_told() -> None:
    assert "(here 3 models an arm)" in glossary(CASES["everything"])[0]["Tie"]
    assert "(here 4 to 6 models an arm)" in glossary(CASES["fewer models in two arms"])[0]["Tie"]


def test_words_of_what_there_is_not_are_left_out() -> None:
    assert "UMAP" in glossary(CASES["everything"])[0] and "UMAP" not in glossary(CASES["no depth, no maps"])[0]
    assert "Shared PIEs" not in glossary(CASES["no depth, no maps"])[0]
    assert "Clear, pale" not in glossary(CASES["only dense"])[0]


def test_limits_are_of_what_was_run() -> None:
    assert any("fine-tuning" in sentence for sentence in glossary(CASES["everything"])[1])
    assert not any("fine-tuning" in sentence for sentence in glossary(CASES["no depth, no maps"])[1])
    assert glossary(CASES["only dense"])[1][-1].startswith(
        "Everything is measured on 40 test examples; one PIE is 2.50"
    )
