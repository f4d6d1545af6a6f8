"""Which copy can be recommended."""

from __future__ import annotations

import copy

from made_audit import CASES
from piescope import wording
from piescope.report.audit import copies, headlines
from piescope.store.audit_record import AuditRecord


def test_the_furthest_copy_harms_no_class_and_keeps_its_budgets() -> None:
    content = copy.deepcopy(CASES["what-if"])
    first, second = (sentence.replace(wording.SPACE, " ") for sentence in copies.what_if(AuditRecord.of(content)))
    assert first.startswith(
        "magnitude 0.5 is the furthest magnitude copy that harms no class beyond chance and breaks no budget: −0.28 points "
    )
    assert " lost, " in first and "; 500 kB instead of 900 kB zipped. magnitude 0.7 breaks max_flips." in first
    assert second.startswith("random 0.5 is the furthest random copy")
    content["budgets"][0]["verdict"] = "undecided"
    assert "breaks no budget (max_flips undecided): " in copies.what_if(AuditRecord.of(content))[0]
    for row in content["what_if"]:
        row["broken"] = ["max_flips"]
    assert copies.what_if(AuditRecord.of(content))[0] == (
        "No magnitude copy can be recommended: magnitude 0.5 already breaks max_flips."
    )
    assert headlines.headline(AuditRecord.of(content))[0] == (
        "No copy can be recommended: each harms something beyond chance or breaks a budget."
    )


def test_a_copy_that_harms_classes_is_not_recommended_for_its_mean() -> None:
    """172 examples lost and three classes harmed, at less than a point of accuracy: that is what a mean hides."""
    content = copy.deepcopy(CASES["what-if without budgets"])
    rows = content["what_if"]
    rows[0].update(change=-0.3, change_low=-0.5, change_high=0.1, verdict="too few to tell", lost_classes=[])
    rows[0].update(correct_to_wrong=12, wrong_to_correct=5, class_bound=-4.1, smallest_class=78, near_limit=["cat"])
    rows[1].update(
        change=-0.9, change_low=-1.2, change_high=-0.6, verdict="harm shown", lost_classes=["cat", "dog", "eel"]
    )
    assert copies.what_if(AuditRecord.of(content))[0].replace(wording.SPACE, " ") == (
        "magnitude 0.5 is the furthest magnitude copy that harms no class beyond chance: −0.3 points [−0.5, +0.1] of "
        "accuracy; 12 examples lost, 5 won back; 500 kB instead of 900 kB zipped. magnitude 0.6 harms cat, dog and eel. "
        "With 78 examples in its smallest class a class may have lost 4.1 points all the same (one-sided 95 %); a loss of "
        "3 points is not excluded in 1 of 10 classes."
    )
    rows[1].update(lost_classes=[], lost_groups=[])
    assert "magnitude 0.6 loses accuracy beyond chance." in copies.what_if(AuditRecord.of(content))[0]
    rows[1].update(verdict="in doubt")
    assert "magnitude 0.6 is in doubt" in copies.what_if(AuditRecord.of(content))[0]
    rows[0].update(lost_groups=["camera = night"])  # and beyond the first that harms none is trusted
    rows[1].update(verdict="safe")
    assert copies.what_if(AuditRecord.of(content))[0] == (
        "No magnitude copy can be recommended: magnitude 0.5 already harms camera = night."
    )
