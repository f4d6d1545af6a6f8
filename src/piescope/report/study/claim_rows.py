"""Claims as a table: a row for each finding, and one for each of its comparisons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from piescope.report.study.claim_parts import Claim, Part
from piescope.report.study.results import Results
from piescope.report.study.rows import Bounds, Row

NOT_COUNTED = "not counted: the paper's own numbers lie on the other side"


@dataclass(frozen=True)
class ClaimRow(Row):
    """A claim, as the comparison ``overall`` whose effect is its statement, or one of its comparisons.

    ``claimed``: the side of zero (of a ratio: of one), ``above 0``. The p-values are one-sided, None where there is no
    interval; ``paper``: the same effect in the paper's tables; ``n_models``: of each arm of the comparison, as many as
    all of them have (of depths, fewer), of ``overall`` the fewest of its comparisons; ``reason``: of a comparison what
    a fair one leaves aside, why it has no interval, or why it does not count; ``verdict_in_paper``: of ``overall``,
    what those comparisons alone say whose numbers the paper prints, None where it prints none.
    """

    claim: str
    comparison: str
    effect: str
    claimed: str | None
    bounds: Annotated[Bounds, "value", "low", "high"]
    p_for: float | None
    p_against: float | None
    paper: float | None
    n_models: int | None
    n_examples: int
    verdict: str
    reason: str
    verdict_in_paper: str | None = None


def claims_rows(results: Results, claims: list[Claim]) -> list[ClaimRow]:
    """A row per claim, with the comparison ``overall``, and one per part."""
    rows, examples = [], len(results.labels)
    for claim in claims:
        reason = "; ".join(filter(None, [claim.reason, claim.note]))
        nothing = None, Bounds.of(None), None, None, None
        scale = min((part.models for part in claim.parts), default=None), examples
        within = claim.verdict_in_paper
        rows.append(ClaimRow(claim.id, "overall", claim.statement, *nothing, *scale, claim.verdict, reason, within))
        rows += [_part_row(claim, part, examples) for part in claim.parts]
    return rows


def _part_row(claim: Claim, part: Part, examples: int) -> ClaimRow:
    return ClaimRow(
        claim.id,
        part.about,
        part.effect,
        f"{part.claimed} {'1' if part.is_ratio else '0'}",
        part.bounds,
        None if part.reason else part.p_for,
        None if part.reason else part.p_against,
        None if part.paper is None else round(part.paper, 6),
        part.models,
        examples,
        part.verdict,
        "; ".join(filter(None, [part.fair, part.reason, NOT_COUNTED * (not claim.counts(part))])),
    )
