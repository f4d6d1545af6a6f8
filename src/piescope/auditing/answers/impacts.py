"""What classes and groups lost: rows of both tables, and how sure those of each are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from piescope.auditing.answers.accuracy import AccuracySums
from piescope.auditing.answers.flips import ModalFlips
from piescope.auditing.answers.pairs import PairSums, count_of
from piescope.auditing.block import AuditBlock
from piescope.auditing.tally import Counted
from piescope.measure.accuracy import RightSums
from piescope.measure.flips import adjusted_p_values, selected_level
from piescope.measure.intervals import CONFIDENCE, FALSE_DISCOVERIES
from piescope.store.audit_answers import ClassChange, Confidences, GroupChange


@dataclass(frozen=True)
class GroupSums:
    """Right answers and flips of groups; there are none without true labels.

    Attributes:
        columns: of each column of metadata: right answers, and ``[groups, 2]`` lost and rescued by modal label.
    """

    columns: tuple[tuple[RightSums, np.ndarray], ...]

    @classmethod
    def of(cls, block: AuditBlock) -> GroupSums | None:
        """Sums of a block; None without true labels."""
        audited = block.audited
        if block.truth is None:
            return None
        sums = []
        rows = audited.matched.rows_of("metadata", block.start, block.stop) if audited.groups else slice(0)
        for group in audited.groups:
            codes, many = group.codes.part(rows), len(group.values)
            right = RightSums.of(block.dense.right, block.compressed.right, codes, many, audited.has_pairs)
            masks = (block.lost, block.rescued)
            sums.append((right, np.stack([np.bincount(codes[mask], minlength=many) for mask in masks], axis=1)))
        return cls(tuple(sums))

    def __add__(self, other: GroupSums) -> GroupSums:
        both = zip(self.columns, other.columns, strict=True)
        return GroupSums(tuple((one + two, flips + more) for (one, flips), (two, more) in both))

    @property
    def p_values(self) -> np.ndarray:
        """Of all groups of all columns."""
        return np.concatenate([np.zeros(0), *(right.change_p for right, _ in self.columns)])

    @property
    def least(self) -> np.ndarray:
        """The smallest that each could have been."""
        return np.concatenate([np.zeros(0), *(right.least_p for right, _ in self.columns)])


def confidences(counted: Counted) -> Confidences:
    """Of the intervals of both tables: as many may miss as tests may be false (false coverage)."""
    right, groups = counted.get(AccuracySums), counted.get(GroupSums)
    none = np.zeros(0), np.zeros(0)
    (of_classes, least), (of_groups, least_of_groups) = none, none
    if right is not None:
        of_classes, least = right.right.change_p, right.right.least_p
    if groups is not None:
        of_groups, least_of_groups = groups.p_values, groups.least
    return Confidences(
        accuracy=100 * CONFIDENCE,
        classes=100 * (1 - selected_level(of_classes, FALSE_DISCOVERIES, least)),
        groups=100 * (1 - selected_level(of_groups, FALSE_DISCOVERIES, least_of_groups)),
    )


def classes(counted: Counted) -> tuple[ClassChange, ...]:
    """A row a class, worst first; those without examples last."""
    sums, audited = counted.get(AccuracySums), counted.audited
    if sums is None or audited.is_right_or_wrong:
        return ()
    right, flips, pairs = sums.right, counted[ModalFlips].by_class, counted.get(PairSums)
    mean = float(right.whole().change().value[0])
    p_values = right.change_p
    changed = flips[:, 2] if pairs is None or pairs.class_changed is None else pairs.class_changed
    level = selected_level(p_values, FALSE_DISCOVERIES, right.least_p)
    rows = _rows(right, _flips(counted, right, flips), adjusted_p_values(p_values, right.least_p), level)
    return tuple(
        ClassChange(
            name=audited.classes.names[place],
            relative_impact=row["impact"] - mean,
            changed=count_of(changed[place]),
            **row,
        )
        for place, row in rows
    )


def groups(counted: Counted) -> tuple[GroupChange, ...]:
    """A row a group of any column, worst first; groups without examples are left out."""
    sums = counted.get(GroupSums)
    if sums is None:
        return ()
    p_values, least = sums.p_values, sums.least
    q_values, level = adjusted_p_values(p_values, least), selected_level(p_values, FALSE_DISCOVERIES, least)
    rows, start = list[GroupChange](), 0
    for group, (right, flips) in zip(counted.audited.groups, sums.columns, strict=True):
        mine = q_values[start : start + len(group.values)]
        start += len(group.values)
        rows += [
            GroupChange(column=group.column, value=group.values[place], **row)
            for place, row in _rows(right, _flips(counted, right, flips), mine, level)
            if right.sizes[place]
        ]
    return tuple(sorted(rows, key=lambda row: (row.impact, row.column, row.value)))


def _flips(counted: Counted, right: RightSums, of_modal: np.ndarray) -> np.ndarray:
    """``[rows, 2]`` lost and won back: by modal label, or as means over pairs of models."""
    return of_modal if counted.get(PairSums) is None else np.stack([right.lost, right.gained], axis=1)


def _rows(
    sums: RightSums, flips: np.ndarray, q_values: np.ndarray, level: float
) -> Sequence[tuple[int, dict[str, Any]]]:
    """The attributes that rows of both tables share, by place; worst first, those without examples last."""
    before, after, change = sums.accuracy("dense"), sums.accuracy("compressed"), sums.change(1 - level)
    places = range(len(sums.sizes))
    order = sorted(places, key=lambda place: (sums.sizes[place] == 0, np.nan_to_num(change.value[place]), place))
    columns = {
        "before": before.value,
        "after": after.value,
        "impact": change.value,
        "low": change.low,
        "high": change.high,
        "error": change.error,
        "freedom": change.freedom,
        "p_value": change.p_value,
        "q_value": q_values,
    }
    return [
        (
            place,
            {
                "examples": int(sums.sizes[place]),
                "correct_to_wrong": count_of(flips[place, 0]),
                "wrong_to_correct": count_of(flips[place, 1]),
                **{name: float(values[place]) for name, values in columns.items()},
            },
        )
        for place in order
    ]
