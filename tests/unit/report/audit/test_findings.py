"""Sentences about seeds, single examples and calibration."""

from __future__ import annotations

import copy
from typing import Any

from made_audit import CASES, headline_text
from piescope import wording
from piescope.report.audit import findings
from piescope.store.audit_record import AuditRecord


def test_seeds_alone(pair: dict[str, Any]) -> None:
    content = copy.deepcopy(CASES["population"])
    content["pies"] = content["changed"] = 320
    content["noise"] = {
        "observed": 320.0, "floor": 280.0, "excess": 40.0, "low": 12.0, "high": 70.0, "group_sizes": [6, 6],
        "examples": 2_000, "why_not": "",
    }  # fmt: skip
    assert "Of 320 PIEs about 280 would be there by seeds alone; 40 [12, 70] are beyond that." in headline_text(content)
    content["noise"].update(low=-3.0)
    assert "is not clearly more than that" in headline_text(content)
    content["noise"].update(observed=350.0, group_sizes=[3, 3])
    assert "Of 350 PIEs between groups of 3 and 3 models about" in headline_text(content)
    content["noise"] = None
    assert "seeds" not in headline_text(content)
    assert "cannot be told" in findings.noise(AuditRecord.of(content))
    content["noise"] = {**CASES["population"]["noise"], "observed": None, "why_not": "one dense model."}
    assert (
        findings.noise(AuditRecord.of(content))
        == "How many of the PIEs seeds alone would make cannot be told: one dense model."
    )
    assert findings.noise(AuditRecord.of(pair)) == ""


def test_why_none_is_confirmed() -> None:
    content = copy.deepcopy(CASES["population"])
    content["n_examples"], content["pies"] = 800, 146
    content["confirmed"] = {"pies": 0, "alpha": 0.05, "smallest_p": 0.0079, "why_not": ""}
    assert findings.confirmed(AuditRecord.of(content)).replace(wording.SPACE, " ") == (
        "0 of 146 PIEs are confirmed one by one (at a false discovery rate of 5 %). With so few models no p-value can be "
        "below 0.0079: at least 127 of 800 must have it before one is confirmed."
    )
    content["confirmed"]["smallest_p"] = 0.2
    assert findings.confirmed(AuditRecord.of(content)).endswith("below 0.2: none can be confirmed.")
    content["confirmed"]["smallest_p"] = 1e-9
    assert "So few" not in findings.confirmed(AuditRecord.of(content)) and "With so few" not in findings.confirmed(
        AuditRecord.of(content)
    )
    content["confirmed"].update(pies=3, smallest_p=0.0079)
    assert "With so few" not in findings.confirmed(AuditRecord.of(content))


def test_calibration_says_what_grew(pair: dict[str, Any]) -> None:
    content = copy.deepcopy(CASES["probabilities"])
    content["calibration"]["compressed"].update(ece=1.0, confidence=80.0)
    content["accuracy"].update(compressed=90.0)
    said = " ".join(findings.calibration(AuditRecord.of(content))).replace(wording.SPACE, " ")
    assert "The calibration error (ECE) falls: 2.0 points before, 1.0 after." in said
    assert "The compressed model is 80.0 % confident on average and right in 90.0 %: 10.0 points too cautious." in said
    content["calibration"]["compressed"].update(confidence=95.0)
    assert "5.0 points too confident" in " ".join(findings.calibration(AuditRecord.of(content)))
    assert findings.calibration(AuditRecord.of(pair)) == []
