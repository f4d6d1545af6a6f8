"""Words that every sentence about an audit shares."""

from __future__ import annotations

import pytest

from made_audit import CASES, headline_text, made, page, text_of
from piescope.report.audit import findings, terms
from piescope.store.audit_answers import Confidences
from piescope.store.audit_record import AuditRecord


def test_populations_speak_of_pies_and_modal_labels_and_single_models_do_not() -> None:
    many, one = text_of(page(CASES["population"])), text_of(page(CASES["labels"]))
    assert "PIEs" in many and "modal label" in many and "Signal or noise?" in many
    assert "PIE" not in one and "modal" not in one and "Signal or noise?" not in one
    assert "One model a side" in one and "One model a side" not in many


def test_classes_named_by_numbers_are_called_classes() -> None:
    content = made(names=[str(index) for index in range(10)])
    assert ": class 3 (−" in headline_text(content)
    assert findings.classes(AuditRecord.of(content))[0].startswith("4 classes of 10 lost beyond chance: class 3 (")
    assert findings.confusions(AuditRecord.of(content)).startswith("Class 3 taken for class 5 grew most")


def test_the_page_says_with_what_it_was_made() -> None:
    content = CASES["probabilities"]
    foot = text_of(page(content))
    assert "numpy 2.4.0, pyarrow 22.0.0, torch 2.13.0; all numbers: audit.json" in foot
    assert "Date 2026-11-28 Made of " in foot and "Made on A <processor> A page like this" in foot
    read = content | {"made_with": {"processor": None, "libraries": {"numpy": "2.4.0"}}}
    assert ", numpy 2.4.0; all numbers: audit.json" in text_of(page(read)) and "Made on" not in text_of(page(read))
    older = {key: value for key, value in content.items() if key != "made_with"}
    assert "Made by piescope 0.1.0; all numbers: audit.json" in text_of(page(older))


@pytest.mark.parametrize(
    ("level", "shown"),
    [(95.0, "95"), (99.5, "99.5"), (98.333, "98.33"), (99.995, "99.995"), (99.99999, "99.99999"), (100.0, "100")],
)
def test_an_interval_of_many_classes_is_not_called_one_of_all_that_can_be(level: float, shown: str) -> None:
    audit = AuditRecord(n_examples=1, changed=0, confidence=Confidences(classes=level))
    assert terms.confidence(audit, "classes").split("\u00a0")[0] == shown
