"""Charts show their numbers where they are."""

from __future__ import annotations

import re

import pytest

from made_audit import CASES
from piescope.report.audit import charts
from piescope.report.layout import svg
from piescope.store.audit_answers import Calibration, ReliabilityBin, SideCalibration
from piescope.store.audit_record import AuditRecord, CopyRow


def test_marks_of_the_reliability_diagram_lie_at_their_numbers() -> None:
    marked = ReliabilityBin(low=0.5, high=0.6, examples=10.0, confidence=50.0, accuracy=25.0)
    nothing = SideCalibration()
    drawn = str(charts.reliability(Calibration(dense=SideCalibration(bins=(marked,)), compressed=nothing)))
    frame = svg.Frame((0, 100), (0, 100))
    ((x, y),) = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', drawn)
    assert float(x) == pytest.approx(frame.across(50), abs=0.01)
    assert float(y) == pytest.approx(frame.up(25), abs=0.01)
    assert frame.up(0) == frame.height - svg.BOTTOM  # the axes' own lines
    assert frame.up(100) == svg.TOP
    assert (frame.across(0), frame.across(100)) == (svg.LEFT, frame.width - svg.RIGHT)
    assert charts.reliability(Calibration(dense=nothing, compressed=nothing)) is None


def of_copies(*named: tuple[str, float | None]) -> AuditRecord:
    rows = tuple(
        CopyRow(
            name=f"{method} {amount}", method=method, amount=amount, verdict="safe", changed=place, accuracy=90.0 + place,
            low=89.0 + place, high=92.0 + place,
        )
        for place, (method, amount) in enumerate(named)
    )  # fmt: skip
    return AuditRecord.of(CASES["what-if"]).with_answers(what_if=rows, n_examples=50)


def test_the_curve_has_a_line_a_method_and_a_mark_a_copy_at_its_numbers() -> None:
    record = of_copies(("b", 0.9), ("a", 0.5), ("b", 0.5))
    curve = charts.changed(record)
    assert curve is not None and curve.are_joined and curve.before is None
    assert [(method.key, method.hue, method.dash) for method in curve.methods] == [("b", 0, 0), ("a", 1, 1)]
    assert [[(mark.x, mark.y, mark.level) for mark in method.marks] for method in curve.methods] == [
        [(0.5, 4.0, "0.5"), (0.9, 0.0, "0.9")], [(0.5, 2.0, "0.5")],
    ]  # fmt: skip
    assert curve.levels == ((0.5, "0.5"), (0.9, "0.9"))
    accuracy = charts.accuracies(record)
    assert accuracy is not None and record.accuracy is not None and accuracy.before == record.accuracy.dense
    assert [(mark.low, mark.high) for mark in accuracy.methods[0].marks] == [(91.0, 94.0), (89.0, 92.0)]
    assert charts.changed(of_copies()) is None and charts.accuracies(of_copies()) is None


def test_copies_without_amounts_stand_side_by_side() -> None:
    curve = charts.accuracies(of_copies(("int8", None), ("2:4", 0.5)))
    assert curve is not None and [method.marks[0].level for method in curve.methods] == ["1", "2"]
    assert not curve.are_joined and "numbered as in the table" in curve.across


def test_methods_keep_their_colours_where_one_of_them_has_no_number() -> None:
    record = of_copies(("a", 0.5), ("b", 0.5))
    rows = (record.what_if[0].model_copy(update={"accuracy": None}), record.what_if[1])
    (shown,) = charts.accuracies(record.with_answers(what_if=rows)).methods  # type: ignore[union-attr]
    assert (shown.key, shown.hue) == ("b", 1)
