"""The paper's findings as checks on a run: for each an effect, how sure it is, and a verdict.

A claim has parts (each pruning, each sparsity). It is ``supported`` when every part's effect lies on the claimed side
at 95 % (a claim about all of them needs no correction for their number), ``contradicted`` when any part's lies on the
other side after Bonferroni's correction for the number of parts, else ``undecided at this scale``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from piescope.measure.class_impact import same_class_probability
from piescope.measure.overlap import chance_jaccard, jaccard
from piescope.measure.ranking import correlation
from piescope.measure.resampling import Estimate, estimate
from piescope.report.study.claim_parts import DRAWS, Claim, Part
from piescope.report.study.evidence import Evidence
from piescope.report.study.published import paper_value
from piescope.report.study.results import Results
from piescope.report.study.rows import Bounds, Row
from piescope.report.study.signal import Signal
from piescope.report.study.words import OBJECTIVES, pruning_name
from piescope.wording import as_percent


def check_claims(results: Results, draws: int = DRAWS, signal: Signal | None = None) -> list[Claim]:
    """All eight claims, on what this run has; ``signal``: where its noise floors are known already."""
    evidence = Evidence(results, draws, signal or Signal(results))
    return [
        _c1(evidence),
        _c2(evidence),
        _c3(evidence),
        _c4(evidence),
        _c5(evidence),
        _c6(evidence),
        _c7(evidence),
        _c8(evidence),
    ]


@dataclass(frozen=True)
class ClaimRow(Row):
    """A claim, as the comparison ``overall``, or one of its comparisons.

    Attributes:
        claim: its id.
        comparison: which arms.
        effect: what is measured; overall: the claim's statement.
        claimed: the side of zero (of a ratio: of one), ``above 0``; empty where it is told for comparison only.
        bounds: the effect and its interval.
        p_for: one-sided p-value of the claimed side; None where the verdict does not hang on it.
        p_against: of the other side.
        paper: the effect in the paper's tables.
        n_models: an arm.
        n_examples: of the test set.
        verdict: of this line alone.
        reason: why it is undecided, or does not count.
    """

    claim: str
    comparison: str
    effect: str
    claimed: str | None
    bounds: Annotated[Bounds, "value", "low", "high"]
    p_for: float | None
    p_against: float | None
    paper: float | None
    n_models: int
    n_examples: int
    verdict: str
    reason: str


def claims_rows(results: Results, claims: list[Claim]) -> list[ClaimRow]:
    """A row per claim, with the comparison ``overall``, and one per part."""
    scale = max(arm.summary.n_models for arm in results.arms), len(results.labels)
    rows = []
    for claim in claims:
        reason = "; ".join(filter(None, [claim.reason, claim.note]))
        nothing = None, Bounds.of(None), None, None, None
        rows.append(ClaimRow(claim.id, "overall", claim.statement, *nothing, *scale, claim.verdict, reason))
        rows += [_part_row(claim, part, scale) for part in claim.parts]
    return rows


def _part_row(claim: Claim, part: Part, scale: tuple[int, int]) -> ClaimRow:
    is_tested = part.counts and not part.reason
    return ClaimRow(
        claim.id,
        part.about,
        part.effect,
        f"{part.claimed} {'1' if part.is_ratio else '0'}" if part.counts else "",
        part.bounds,
        part.p_for if is_tested else None,
        part.p_against if is_tested else None,
        None if part.paper is None else round(part.paper, 6),
        *scale,
        part.verdict if part.counts else "",
        part.reason if part.counts else "for comparison only",
    )


def _pair(objective: str, pruning: str, sparsity: float | None = None) -> str:
    named = f"{OBJECTIVES[objective]} / {pruning_name(pruning)}"
    return named if sparsity is None else f"{named}, {as_percent(sparsity)}"


def _paper_ratio(table: int, quantity: str, *arms: tuple[str, str, float]) -> float | None:
    values = [paper_value(table, *arm, quantity) for arm in arms]
    return None if values[0] is None or not values[1] else values[0] / values[1]


def _paper_difference(table: int, quantity: str, *arms: tuple[str, str, float]) -> float | None:
    values = [paper_value(table, *arm, quantity) for arm in arms]
    return None if values[0] is None or values[1] is None else values[0] - values[1]


def _claim(identity: str, statement: str, parts: list[Part], needs: str, note: str = "") -> Claim:
    return Claim(identity, statement, tuple(parts), "" if parts else needs, note if parts else "")


def _c1(evidence: Evidence) -> Claim:
    parts = []
    for pruning in evidence.common_prunings(evidence.main):
        arms = [(objective, pruning, evidence.main) for objective in ("supcon", "supervised")]
        counts = [evidence.count(*arm) + 0.5 for arm in arms]
        parts.append(
            Part(
                f"{pruning_name(pruning)}, {as_percent(evidence.main)}",
                "PIEs of SupCon over PIEs of Sup (half a PIE added to each; the paper: about 3)",
                "above",
                estimate(np.log(counts[0] / counts[1]), evidence.models),
                _paper_ratio(1, "pies", *arms),
                is_ratio=True,
            )
        )
        parts += _beyond_noise(evidence, f"{pruning_name(pruning)}, {as_percent(evidence.main)}", "SupCon", "Sup", arms)
    return _claim(
        "C1",
        "Supervised contrastive models lose more examples than supervised ones at high sparsity",
        parts,
        "one pruning of both objectives",
    )


def _fewer(evidence: Evidence, objective: str, fewer: str, more: str) -> list[Part]:
    parts = []
    for sparsity in evidence.sparsities(objective, fewer, more):
        arms = [(objective, pruning, sparsity) for pruning in (fewer, more)]
        counts = [100 * evidence.count(*arm) / evidence.examples for arm in arms]
        paper = _paper_difference(1, "pies", *arms)
        parts.append(
            Part(
                as_percent(sparsity),
                f"PIEs of {pruning_name(fewer)} minus PIEs of {pruning_name(more)}, % of examples",
                "below",
                estimate(counts[0] - counts[1], evidence.models),
                None if paper is None else paper / 100,
            )
        )
        parts += _beyond_noise(evidence, as_percent(sparsity), pruning_name(fewer), pruning_name(more), arms)
    return parts


def _beyond_noise(
    evidence: Evidence, about: str, one: str, other: str, arms: list[tuple[str, str, float]]
) -> list[Part]:
    """The same comparison of what is beyond seed noise: for comparison only, the paper counts all PIEs."""
    found = evidence.excess(*arms)
    effect = f"PIEs beyond seed noise of {one} minus those of {other}, % of examples"
    return [] if found is None else [Part(about, effect, None, found)]


def _c2(evidence: Evidence) -> Claim:
    return _claim(
        "C2",
        "In supervised training, one-shot pruning loses fewer examples than gradual pruning at every sparsity",
        _fewer(evidence, "supervised", "one_shot", "gmp"),
        "supervised gmp and one_shot",
    )


def _c3(evidence: Evidence) -> Claim:
    return _claim(
        "C3",
        "In supervised contrastive training, delayed gradual pruning loses fewer examples than gradual pruning",
        _fewer(evidence, "supcon", "delayed_gmp", "gmp"),
        "supcon gmp and delayed_gmp",
    )


def _c4(evidence: Evidence) -> Claim:
    parts = []
    for pruning in evidence.common_prunings(evidence.main):
        change, paper = {}, {}
        for objective, table in (("supcon", 4), ("supervised", 5)):
            pruned, dense = (evidence.q(objective, pruning, sparsity) for sparsity in (evidence.main, 0.0))
            change[objective] = 100 * (pruned / dense - 1)
            arms = (objective, pruning, evidence.main), (objective, "dense", 0.0)
            ratio = _paper_ratio(table, "q_mean", *arms)
            paper[objective] = None if ratio is None else 100 * (ratio - 1)
        about = f"{pruning_name(pruning)}, {as_percent(evidence.main)}"
        parts.append(
            Part(
                about,
                "change of SupCon's mean Q-Score, %",
                "below",
                estimate(change["supcon"], evidence.models),
                paper["supcon"],
            )
        )
        told = None if paper["supcon"] is None else paper["supcon"] - (paper["supervised"] or 0.0)
        parts.append(
            Part(
                about,
                "change of SupCon's mean Q-Score minus change of Sup's, percentage points",
                "below",
                estimate(change["supcon"] - change["supervised"], evidence.models),
                told,
            )
        )
    return _claim(
        "C4",
        "Q-Score falls with sparsity for supervised contrastive models, and more than for supervised ones",
        parts,
        "one pruning of both objectives",
    )


def _c5(evidence: Evidence) -> Claim:
    parts = []
    for objective, pruning in evidence.families() if evidence.has_depth else []:
        for sparsity in evidence.sparsities(objective, pruning):
            values = [paper_value(6, objective, pruning, sparsity, key) for key in ("pie_mean", "non_pie_mean")]
            paper = None if values[0] is None or values[1] is None else values[0] - values[1]
            about = _pair(objective, pruning, sparsity)
            effect = "depth of PIEs minus depth of others, probes"
            own = f"{effect}, against each model's own prediction (Baldock)"
            found = _deeper(evidence, objective, pruning, sparsity, "depth")
            parts.append(Part(about, effect, "above", found, paper))
            parts.append(Part(about, own, None, _deeper(evidence, objective, pruning, sparsity, "depth_baldock")))
    return _claim(
        "C5",
        "Prediction depth is higher for PIEs than for other examples",
        parts,
        "prediction depth of pruned arms",
        "As in the paper, depth is against the true label: it puts every misclassified example near the maximum by "
        "construction, and most PIEs are misclassified; depth against the model's own prediction, which has not that "
        "fault, stands beside it",
    )


def _deeper(evidence: Evidence, objective: str, pruning: str, sparsity: float, convention: str) -> Estimate:
    is_pie, examples = evidence.pies(objective, pruning, sparsity), evidence.drawn.examples
    depth = evidence.depth(objective, pruning, sparsity, convention)
    with np.errstate(invalid="ignore", divide="ignore"):
        inside, outside = (
            (depth * mask * examples).sum(1, dtype=np.float64) / (mask * examples).sum(1, dtype=np.float64)
            for mask in (is_pie, ~is_pie)
        )
    return estimate(inside - outside, evidence.depth_models)


def _c6(evidence: Evidence) -> Claim:
    parts = []
    for pruning in evidence.common_prunings(evidence.main) if evidence.has_depth else []:
        found = {}
        for objective in ("supervised", "supcon"):
            dense, pruned = (evidence.depth(objective, pruning, sparsity) for sparsity in (0.0, evidence.main))
            found[objective] = correlation(dense, pruned, evidence.drawn.examples)
        about = f"{pruning_name(pruning)}, {as_percent(evidence.main)}"
        parts.append(
            Part(
                about,
                "correlation over examples of depth in dense and in pruned Sup models, minus one half",
                "above",
                estimate(found["supervised"] - 0.5, evidence.depth_models),
            )
        )
        parts.append(
            Part(
                about,
                "that correlation of Sup minus that of SupCon",
                "above",
                estimate(found["supervised"] - found["supcon"], evidence.depth_models),
            )
        )
    return _claim(
        "C6",
        "An example's depth in the dense model predicts its depth in the pruned one for supervised training, less so "
        "for supervised contrastive training",
        parts,
        "prediction depth of one pruning of both objectives",
    )


def _c7(evidence: Evidence) -> Claim:
    parts = []
    for objective, pruning in evidence.families():
        sparsities = evidence.sparsities(objective, pruning)
        if len(sparsities) < 2:
            continue
        classes = len(evidence.results.class_names)
        low, high = (
            same_class_probability(
                evidence.pies(objective, pruning, sparsity), evidence.results.labels, classes, evidence.drawn.examples
            )
            for sparsity in (sparsities[0], sparsities[-1])
        )
        found = estimate(high - low, evidence.models)
        parts.append(
            Part(
                f"{_pair(objective, pruning)}, {as_percent(sparsities[-1])} against {as_percent(sparsities[0])}",
                "change of the probability that two PIEs are of one class",
                "below",
                found,
            )
        )
    return _claim(
        "C7",
        "PIEs spread more evenly over the classes as sparsity grows",
        parts,
        "one pruning at two sparsities",
        "Where classes have other sizes, an even spread follows the sizes" if _is_unbalanced(evidence) else "",
    )


def _is_unbalanced(evidence: Evidence) -> bool:
    return len(set(np.bincount(evidence.results.labels, minlength=len(evidence.results.class_names)).tolist())) > 1


def _c8(evidence: Evidence) -> Claim:
    parts = []
    for pruning in evidence.common_prunings():
        both_have = evidence.sparsities("supcon", pruning)
        sparsities = [sparsity for sparsity in evidence.sparsities("supervised", pruning) if sparsity in both_have]
        if len(sparsities) < 2:
            continue
        ends = sparsities[0], sparsities[-1]
        low, high = (
            jaccard(
                evidence.pies("supervised", pruning, sparsity),
                evidence.pies("supcon", pruning, sparsity),
                evidence.drawn.examples,
            )
            for sparsity in ends
        )
        by_chance = []
        for sparsity in ends:
            sizes = [evidence.count(objective, pruning, sparsity) for objective in ("supervised", "supcon")]
            by_chance.append(chance_jaccard(sizes[0], sizes[1], evidence.examples))
        about = f"{pruning_name(pruning)}, {as_percent(ends[0])}"
        both = f"{about} to {as_percent(ends[1])}"
        chance = "growth of the overlap beyond that of independent sets of these sizes"
        grown, grown_by_chance = high - low, by_chance[1] - by_chance[0]
        parts += [
            *(
                Part(about, f"share of {OBJECTIVES[o]}'s PIEs that the other has too, minus one half", "below", found)
                for o, found in _shared(evidence, pruning, ends[0]).items()
            ),
            Part(
                both,
                "growth of the overlap (those of both over those of either)",
                "above",
                estimate(grown, evidence.models),
            ),
            Part(both, chance, None, estimate(grown - grown_by_chance, evidence.models)),
        ]
    return _claim(
        "C8",
        "At low sparsity PIEs are largely unique to an objective, and the overlap grows with sparsity",
        parts,
        "one pruning of both objectives at two sparsities",
        "Larger sets overlap more by chance alone; how much of the growth is beyond that stands beside it",
    )


def _shared(evidence: Evidence, pruning: str, sparsity: float) -> dict[str, Estimate]:
    """For each objective: the share of its PIEs that are the other's too, minus one half."""
    pies = {objective: evidence.pies(objective, pruning, sparsity) for objective in ("supervised", "supcon")}
    both = (pies["supervised"] & pies["supcon"]) * evidence.drawn.examples
    shares = {}
    for objective in pies:
        with np.errstate(invalid="ignore", divide="ignore"):
            share = both.sum(1, dtype=np.float64) / evidence.count(objective, pruning, sparsity)
        shares[objective] = estimate(share - 0.5, evidence.models)
    return shares
