"""A claim and the comparisons that speak for or against it, each with its interval; what verdict follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from piescope.measure.intervals import Interval
from piescope.report.study.rows import Bounds, finite
from piescope.wording import capital, significant

LEVEL = 0.025
"""One-sided: a 95 % interval on the right side of zero."""

ClaimVerdict = Literal["supported", "contradicted", "undecided at this scale"]

SUPPORTED: ClaimVerdict = "supported"
CONTRADICTED: ClaimVerdict = "contradicted"
UNDECIDED: ClaimVerdict = "undecided at this scale"

ClaimedSide = Literal["above", "below"] | None
"""Of zero, on which an effect should lie; None: it is there for comparison, no part of the verdict."""


@dataclass(frozen=True)
class Part:
    """One comparison that a claim makes.

    Attributes:
        about: which arms.
        effect: what is measured, with its unit.
        claimed: which side of zero the effect should lie on.
        estimate: the effect; of its logarithm where ``is_ratio``.
        paper: the effect in the paper's tables, where it can be had.
        is_ratio: the effect is told as a ratio, and one is its zero.
    """

    about: str
    effect: str
    claimed: ClaimedSide
    estimate: Interval
    paper: float | None = None
    is_ratio: bool = False

    @property
    def p_for(self) -> float:
        """One-sided p-value of the claimed side."""
        return self.estimate.p_above if self.claimed == "above" else self.estimate.p_below

    @property
    def p_against(self) -> float:
        """One-sided p-value of the other side."""
        return self.estimate.p_below if self.claimed == "above" else self.estimate.p_above

    @property
    def verdict(self) -> ClaimVerdict:
        """Of this part alone."""
        return verdict_of([self])

    @property
    def counts(self) -> bool:
        """Whether the claim's verdict hangs on it."""
        return self.claimed is not None

    @property
    def reason(self) -> str:
        """Why there is no interval; empty where there is one."""
        return "" if np.isfinite(self.estimate.error) else "too few models or PIEs, or no spread, for an interval"

    @property
    def bounds(self) -> Bounds:
        """Effect and interval as they are shown: ratios as ratios; None where there is none."""
        ends = self.estimate.value, self.estimate.low, self.estimate.high
        return Bounds(*(finite(np.exp(end) if self.is_ratio else end) for end in ends))


@dataclass(frozen=True)
class Claim:
    """One finding of the paper.

    Attributes:
        id: C1 to C8.
        statement: what the paper says.
        parts: its comparisons in this run.
        missing: arms that the run lacks for it; then it has no parts.
        note: what its verdict does not say.
    """

    id: str
    statement: str
    parts: tuple[Part, ...]
    missing: str = ""
    note: str = ""

    @property
    def verdict(self) -> ClaimVerdict:
        """Of all parts together."""
        return verdict_of(self.parts)

    @property
    def reason(self) -> str:
        """Why it is undecided; empty otherwise."""
        if self.verdict != UNDECIDED:
            return ""
        if self.missing:
            return f"not measured here: {self.missing}"
        parts = [part for part in self.parts if part.counts]
        unclear = [part for part in parts if part.verdict == UNDECIDED]
        against = [part for part in parts if part.verdict == CONTRADICTED]
        reason = f"{len(unclear)} of {len(parts)} comparisons {'is' if len(unclear) == 1 else 'are'} not clear"
        return reason + (f", {len(against)} alone would speak against it" if against else "")

    @property
    def kind(self) -> str:
        """The verdict's first word."""
        return self.verdict.split()[0]

    @property
    def effects(self) -> list[str]:
        """The parts in brief: a sentence for each effect, with its first four values."""
        values: dict[str, list[str]] = {}
        for part in self.parts:
            if part.bounds.value is not None:
                effect = part.effect if part.counts else f"{part.effect} (for comparison only)"
                values.setdefault(effect, []).append(f"{part.about}: {significant(*part.bounds)}")
        return [f"{capital(effect)}: {_first_four(texts)}." for effect, texts in values.items()]


def _first_four(texts: list[str]) -> str:
    return "; ".join([*texts[:4], *([f"and {len(texts) - 4} more"] if len(texts) > 4 else [])])


def verdict_of(parts: tuple[Part, ...] | list[Part]) -> ClaimVerdict:
    """Supported: all parts; contradicted: any part, corrected for their number; else undecided."""
    parts = [part for part in parts if part.counts]
    if parts and all(part.p_for < LEVEL for part in parts):
        return SUPPORTED
    if any(part.p_against * len(parts) < LEVEL for part in parts):
        return CONTRADICTED
    return UNDECIDED
