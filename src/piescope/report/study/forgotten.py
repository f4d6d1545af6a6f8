"""What each arm forgets, and whether that is more than other seeds would: what curve, headline and explorer say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from piescope.report.study.results import ArmResult
from piescope.report.study.rows import Bounds
from piescope.report.study.signal import Signal, clear_among


@dataclass(frozen=True)
class Forgotten:
    """Examples whose modal label changed in an arm, beside those that other seeds would change.

    Attributes:
        arm: of pruned models.
        changed: its PIEs, between all its models and all dense ones.
        in_groups: likewise between groups as large as those that ``seeds`` is between; None where there is no floor.
        seeds: between two groups of dense models; None where there are too few dense models.
        excess: ``in_groups`` minus ``seeds``.
        is_clear: the excess is above 0, its 95 % interval too, among all arms together (two-sided; Benjamini and
            Hochberg, 5 %); None without a floor, or where it has no interval.
        is_beyond_tuning: likewise the excess minus that of its fine-tuning alone, with nothing pruned; False where that
            has no interval, None where the study has no such control.
    """

    arm: ArmResult
    changed: int
    in_groups: Bounds
    seeds: Bounds
    excess: Bounds
    is_clear: bool | None
    is_beyond_tuning: bool | None = None

    @property
    def shown(self) -> float:
        """What is drawn: the count that may be compared with the seeds', else that of all models."""
        return self.changed if self.in_groups.value is None else self.in_groups.value

    @property
    def doubt(self) -> str:
        """What is to be said where the excess, or that beyond fine-tuning, is not clear; empty where it is."""
        if self.is_clear is None:
            return "cannot be told"
        if self.is_clear:
            return "may be its fine-tuning" if self.is_beyond_tuning is False else ""
        return f"not clear{self._among}"

    @property
    def unclear(self) -> str:
        """What is to be said in a sentence where the excess is known and not clear."""
        return f"not clearly more than seeds{self._among}"

    @property
    def _among(self) -> str:
        """By itself it is above 0."""
        return " among so many arms" if (self.excess.low or 0.0) > 0 else ""


def forgotten(signal: Signal) -> list[Forgotten]:
    """Of each pruned arm, in the study's order.

    Source: `piescope.measure.noise_floor` (floor, excess); Benjamini and Hochberg 1995 over the arms.
    """
    arms = signal.results.pruned()
    floors = [signal.floor(arm) for arm in arms]
    beyond = [signal.beyond_tuning(arm) for arm in arms]
    shown = [None if one is None else bool(is_it) for one, is_it in zip(beyond, clear_among(beyond), strict=True)]
    rows = []
    for arm, floor, is_beyond in zip(arms, floors, shown, strict=True):
        groups, seeds, excess = (None, None, None) if floor is None else (floor.observed, floor.floor, floor.excess)
        bounds = Bounds.of(groups), Bounds.of(seeds), Bounds.of(excess)
        rows.append(Forgotten(arm, arm.summary.pies, *bounds, signal.clear[arm.key], is_beyond))
    return rows


def headline_arm(rows: Sequence[Forgotten]) -> Forgotten | None:
    """The arm that the headline is about: of the lowest sparsity with a clear effect, the one with the largest.

    An effect that may be all of the fine-tuning's counts only where there is no other. Where none is clear, the arm
    that forgets most at the highest sparsity; None where nothing was pruned.
    """
    clear = [row for row in rows if row.is_clear]
    clear = [row for row in clear if row.is_beyond_tuning is not False] or clear
    if clear:
        lowest = min(row.arm.sparsity for row in clear)
        return max((row for row in clear if row.arm.sparsity == lowest), key=lambda row: row.excess.value or 0.0)
    highest = max((row.arm.sparsity for row in rows), default=0.0)
    return max((row for row in rows if row.arm.sparsity == highest), key=lambda row: row.shown, default=None)


def seeds_at(rows: Sequence[Forgotten], sparsity: float) -> tuple[float, float]:
    """From where to where seeds alone reach, over the arms of a sparsity; (0, 0) where that is not known."""
    known = [row.seeds for row in rows if row.arm.sparsity == sparsity and row.seeds.value is not None]
    lows = [max(0.0, seeds.value if seeds.low is None else seeds.low) for seeds in known if seeds.value is not None]
    highs = [seeds.value if seeds.high is None else seeds.high for seeds in known if seeds.value is not None]
    return min(lows, default=0.0), max(highs, default=0.0)
