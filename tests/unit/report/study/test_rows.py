"""Rows: which columns their attributes are, and what stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pytest

from piescope.measure.intervals import Interval
from piescope.report.study.rows import ArmKey, Bounds, Row, Spread, Tables
from piescope.report.study.signal_rows import Chance, IntersectionRow, OverlapRow, PredictorRow

ARM, OTHER = ArmKey("supcon", "gmp", 0.9), ArmKey("supervised", "gmp", 0.9)


@dataclass(frozen=True)
class Measured(Row):
    arm: ArmKey
    label: Annotated[str, "class"]
    score: Spread
    pies: Bounds


def test_attributes_of_several_parts_are_several_columns() -> None:
    row = Measured(ARM, "cat", Spread(1.0, None), Bounds(3.0, 2.0, 4.0))
    assert list(row.cells()) == list(Measured.columns())
    assert row.cells() == {
        "objective": "supcon", "pruning": "gmp", "sparsity": 0.9, "class": "cat", "score_mean": 1.0, "score_std": None,
        "pies": 3.0, "pies_low": 2.0, "pies_high": 4.0,
    }  # fmt: skip


def test_two_arms_in_a_row_are_told_apart_and_names_can_be_said() -> None:
    row = OverlapRow("objectives", ARM, OTHER, "separate", 5, 6, 2, Chance(1.0, 2.0, 0.5), Chance(1.5, 1.3, None))
    cells = row.cells()
    assert (cells["objective_a"], cells["objective_b"]) == ("supcon", "supervised")
    assert (cells["ratio"], cells["hard_ratio"], cells["hard_p_value"]) == (2.0, 1.3, None)
    assert PredictorRow.columns()[-3:] == ("auroc", "low", "high")


def test_sets_of_an_intersection_are_its_first_columns() -> None:
    row = IntersectionRow({ARM.family: True, OTHER.family: False}, 3, 1.0, 2.0)
    assert row.cells() == {
        "supcon gmp": True, "supervised gmp": False, "examples": 3, "by_chance": 1.0, "by_chance_if_equally_hard": 2.0,
    }  # fmt: skip


def test_what_is_no_number_is_none() -> None:
    assert Bounds.of(Interval(2.0, np.nan, np.nan, np.inf, 0.0)) == (2.0, None, None)
    assert Spread.of(np.array([])) == Spread.of(np.array([1.0, np.inf])) == (None, None)
    assert Spread.of(np.array([2.0, 4.0])) == (3.0, pytest.approx(2**0.5))


def test_tables_know_the_kind_of_their_rows_also_without_any() -> None:
    @dataclass(frozen=True)
    class Two(Tables):
        measured: list[Measured]
        overlap: list[OverlapRow]

    assert Two.kinds() == {"measured": Measured, "overlap": OverlapRow}
    assert Two([], []).by_name() == {"measured": [], "overlap": []}
