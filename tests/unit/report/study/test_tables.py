"""Tables as people read them."""

from __future__ import annotations

import dataclasses

from made_results import CASES
from piescope.report.study.claims import check_claims
from piescope.report.study.tables import paper_tables, rows_of


def test_a_missing_sibling_is_a_question_and_no_zero() -> None:
    whole = CASES["everything"]
    without = [arm for arm in whole.arms if (arm.objective, arm.pruning, arm.sparsity) != ("supervised", "gmp", 0.9)]
    results = dataclasses.replace(whole, arms=tuple(without))
    claims = check_claims(results, draws=20)
    rows = rows_of(results, claims)
    wanted = ("supcon", "gmp", 0.9)
    mine = [row for row in rows.class_distribution if row.arm == wanted]
    assert {row.shared_pies for row in mine} == {None}
    table = paper_tables(results, rows)["class_distribution"]
    line = next(row for row in table.rows if row[0].startswith("SupCon / GMP, 90"))
    assert all(cell.endswith("(?)") for cell in line[1:])
