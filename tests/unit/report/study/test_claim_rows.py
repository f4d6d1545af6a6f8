"""Claims and their comparisons as rows."""

from __future__ import annotations

from made_results import CASES
from piescope.measure.intervals import t_interval
from piescope.report.study.claim_parts import CONFOUNDED, CONTRADICTED, SUPPORTED, Claim, Part
from piescope.report.study.claim_rows import claims_rows
from piescope.report.study.claims import check_claims
from piescope.wording import as_percent


def test_fair_comparisons_as_rows() -> None:
    strong = Part("made", "made", "above", t_interval(5, 1, 5), models=6)
    fair = Part("made", "made", "above", t_interval(-9, 1, 5), models=6, fair="beyond noise")
    claim = Claim("C0", "made", (strong, fair), needs_fair="there are too few models")
    rows = claims_rows(CASES["everything"], [claim])
    assert [row.verdict for row in rows] == [CONFOUNDED, SUPPORTED, CONTRADICTED]
    assert rows[2].reason == "beyond noise"


def test_the_number_of_models_is_of_those_that_were_used() -> None:
    results = CASES["fewer models in two arms"]
    rows = claims_rows(results, check_claims(results))
    used = {row.comparison: row.n_models for row in rows if row.claim == "C9"}
    halves = {name: models for name, models in used.items() if as_percent(0.5) in name}
    assert used["overall"] == 4 and set(halves.values()) == {4} and set(used.values()) == {4, 6}
    assert {row.n_models for row in rows if row.claim == "C3"} == {None}  # nothing was compared
