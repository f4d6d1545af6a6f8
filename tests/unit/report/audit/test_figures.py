"""Figures of an audit: bars against the answers."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.colors import to_hex

from made_audit import HOSTILE, NAMES, made
from piescope.report.audit.figures import MOST, figure
from piescope.report.layout.palette import KINDS
from piescope.store.audit_record import AuditRecord


def record(**options: object) -> AuditRecord:
    return AuditRecord.of(made(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [1, 2])
def test_bars_are_the_changes_worst_first_pale_where_not_beyond_chance(number: int) -> None:
    audit = record(has_groups=True)
    rows = sorted(audit.classes if number == 1 else audit.groups, key=lambda row: row.change)
    (axes,) = figure(audit, number).axes
    assert [bar.get_width() for bar in axes.patches] == [row.impact for row in rows]
    assert [bar.get_alpha() == 1.0 for bar in axes.patches] == [row.is_clear for row in rows]
    colours = [to_hex(bar.get_facecolor()).upper() for bar in axes.patches]
    assert colours == [KINDS["lost" if row.change < 0 else "won back"].light for row in rows]
    whiskers = [path.vertices[:, 0].tolist() for lines in axes.collections for path in lines.get_paths()]
    assert np.allclose(whiskers, [[row.low, row.high] for row in rows])
    low, high = axes.get_xlim()
    assert all(low <= end <= high for pair in whiskers for end in pair)


def test_of_many_classes_those_that_lost_most_are_shown() -> None:
    audit = record(names=[f"class {index}" for index in range(60)])
    drawn = figure(audit, 1, "talk", "page")
    assert len(drawn.axes[0].patches) == MOST
    assert f"the {MOST} that lost most of 60" in [text.get_text() for text in drawn.texts]
    assert drawn.get_size_inches()[0] == pytest.approx(12)


def test_names_of_any_kind_are_drawn() -> None:
    names = [*HOSTILE, *NAMES][:14]
    drawn = figure(record(names=names), 1)
    drawn.savefig(io.BytesIO(), format="svg")
    assert len(drawn.axes[0].patches) == len(names)


def test_where_no_class_is_known_that_is_said() -> None:
    drawn = figure(record(has_labels=False), 1)
    assert drawn.axes == [] and [text.get_text() for text in drawn.texts] == ["no class is known"]
    with pytest.raises(ValueError, match="no figure 3"):
        figure(record(), 3)
