"""The paper's findings as checks on a run: for each an effect, how sure it is, and a verdict.

A claim has parts (each pruning, each sparsity). It is ``supported`` when every part's effect lies on the claimed side
at 95 % (a claim about all of them needs no correction for their number), ``contradicted`` when any part's lies on the
other side after Bonferroni's correction for the number of parts, ``confounded`` when a fair part of the same arms shows
that the effect is not there without what else is compared, ``not measured`` without parts, else ``undecided at this
scale``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from piescope.measure.accuracy import variance_between_classes
from piescope.measure.class_impact import same_class_probability
from piescope.measure.overlap import chance_jaccard, jaccard
from piescope.measure.ranking import correlation
from piescope.report.study.claim_parts import Claim, ClaimedSide, Part, named
from piescope.report.study.equal_loss import at_equal_loss
from piescope.report.study.evidence import BOTH, Evidence, InCommon, Varied, log_ratio
from piescope.report.study.published import Finding, paper_value, published
from piescope.report.study.results import Results
from piescope.report.study.rows import ArmKey
from piescope.report.study.signal import Signal
from piescope.report.study.words import OBJECTIVES, family_name, pruning_name
from piescope.wording import as_percent, listed

Comparisons = Callable[[Evidence], Iterator[Part]]


def _paper(table: int, quantity: str, *arms: ArmKey) -> list[float] | None:
    """The paper's numbers; None where it has not all of them."""
    values = [paper_value(table, *arm, quantity) for arm in arms]
    known = [value for value in values if value is not None]
    return known if len(known) == len(arms) else None


BEYOND_NOISE = "beyond seed noise"
BEYOND_CHANCE, AGAINST_OWN = "beyond chance", "against each model's own prediction"
BEYOND_UNPRUNED = "beyond unpruned models"


def _beyond_noise(
    compared: InCommon, about: str, names: tuple[str, str], arms: list[ArmKey], claimed: ClaimedSide
) -> Iterator[Part]:
    """The same comparison of what is beyond seed noise, against dense models that are no parents: of like with like."""
    excess = compared.excess(*arms)
    if excess is not None:
        effect = f"PIEs beyond seed noise of {names[0]} minus those of {names[1]}, % of examples"
        whole, models = _minus(*(float(compared.percent(arm)[0].sum()) for arm in arms)), compared.models
        yield Part(about, effect, claimed, excess[0], fair=BEYOND_NOISE, models=models, why=excess[1], whole=whole)


def _minus(one: float, other: float) -> float:
    return one - other


def _supcon_loses_more(evidence: Evidence) -> Iterator[Part]:
    for pruning in evidence.common_prunings(evidence.main):
        yield from _more_in_supcon(evidence, pruning, evidence.main, "; the paper: about 3")
        yield from at_equal_loss(evidence, pruning, dict.fromkeys(BOTH, "dense"))
        tuned = evidence.tuned(pruning)
        if tuned:
            yield from at_equal_loss(evidence, pruning, tuned)


OVER = 0.3
"""The paper's bound for "SCL models forget more easily"."""


def _supcon_loses_more_over_all(evidence: Evidence) -> Iterator[Part]:
    for pruning in evidence.common_prunings():
        for sparsity in evidence.common_sparsities(pruning):
            if sparsity > OVER:
                yield from _more_in_supcon(evidence, pruning, sparsity)


def _more_in_supcon(evidence: Evidence, pruning: str, sparsity: float, note: str = "") -> Iterator[Part]:
    arms = [ArmKey(objective, pruning, sparsity) for objective in ("supcon", "supervised")]
    compared = evidence.of(*arms)
    counts, paper = [compared.pies(arm) for arm in arms], _paper(1, "pies", *arms)
    effect = f"PIEs of SupCon over PIEs of Sup (half a PIE added to each{note})"
    ratio = None if paper is None else paper[0] / paper[1]
    of = counts[0][0].sum(), counts[1][0].sum()
    yield compared.ratio_part(named(arms[0]), effect, log_ratio, *counts, counts=of, paper=ratio)
    yield from _beyond_noise(compared, named(arms[0]), ("SupCon", "Sup"), arms, "above")


def _accuracy_falls_further(evidence: Evidence) -> Iterator[Part]:
    for pruning in evidence.common_prunings(evidence.main):
        arms = [ArmKey(objective, pruning, evidence.main) for objective in ("supcon", "supervised")]
        paper = [_paper(1, "accuracy_mean", ArmKey(arm.objective, "dense", 0.0), arm) for arm in arms]
        known = [values[0] - values[1] for values in paper if values is not None]
        effect = "accuracy that SupCon loses minus what Sup loses, points"
        compared = evidence.of(*arms)
        terms = [100 / compared.examples * compared.lost(arm) for arm in arms]
        difference = known[0] - known[1] if len(known) == len(arms) else None
        yield compared.part(named(arms[0]), effect, "above", _minus, *terms, paper=difference)


def _loses_fewer(objective: str, fewer: str, more: str, named: bool = False) -> Comparisons:
    """``named``: beside other objectives or prunings, so that a comparison is told with its own."""

    def parts(evidence: Evidence) -> Iterator[Part]:
        names = pruning_name(fewer), pruning_name(more)
        effect = f"PIEs of {names[0]} minus PIEs of {names[1]}, % of examples"
        for sparsity in evidence.sparsities(objective, fewer, more):
            arms = [ArmKey(objective, pruning, sparsity) for pruning in (fewer, more)]
            compared = evidence.of(*arms)
            shares = [compared.percent(arm) for arm in arms]
            paper = _paper(1, "pies", *arms)  # of 10,000
            difference = None if paper is None else (paper[0] - paper[1]) / 100
            about = f"{family_name(objective, fewer)} and {names[1]}, " if named else ""
            about += as_percent(sparsity)
            yield compared.part(about, effect, "below", _minus, *shares, paper=difference)
            yield from _beyond_noise(compared, about, names, arms, "below")

    return parts


def _all_of(*comparisons: Comparisons) -> Comparisons:
    """One after the other; none where the run cannot make one of them."""

    def parts(evidence: Evidence) -> Iterator[Part]:
        found = [list(each(evidence)) for each in comparisons]
        yield from (part for each in found for part in each) if all(found) else ()

    return parts


def _q_score_falls(evidence: Evidence) -> Iterator[Part]:
    for pruning in evidence.common_prunings(evidence.main):
        compared = evidence.of(*(ArmKey(objective, pruning, evidence.main) for objective in BOTH))
        means: list[Varied] = []
        paper: dict[str, float | None] = {}
        for objective, table in (("supcon", 4), ("supervised", 5)):
            arms = ArmKey(objective, pruning, evidence.main), ArmKey(objective, "dense", 0.0)
            means += [compared.score(arm, "q") for arm in arms]
            values = _paper(table, "q_mean", *arms)
            paper[objective] = None if values is None else 100 * (values[0] / values[1] - 1)
        about, own, other = named(arms[0]), paper["supcon"], paper["supervised"]
        yield compared.part(about, "change of SupCon's mean Q-Score, %", "below", _change, *means[:2], paper=own)
        effect = "change of SupCon's mean Q-Score minus change of Sup's, percentage points"
        beyond = None if own is None else own - (other or 0.0)
        yield compared.part(f"{about}, beyond Sup", effect, "below", _change_beyond, *means, paper=beyond)


def _change(pruned: float, dense: float) -> float:
    return 100 * (pruned / dense - 1)


def _change_beyond(pruned: float, dense: float, other_pruned: float, other_dense: float) -> float:
    return _change(pruned, dense) - _change(other_pruned, other_dense)


def _pies_are_deeper(evidence: Evidence) -> Iterator[Part]:
    for arm in evidence.arms() if evidence.has_depth else []:
        about = f"{family_name(*arm.family)}, {as_percent(arm.sparsity)}"
        effect = "depth of PIEs minus depth of others, probes"
        means = [paper_value(6, *arm, quantity) for quantity in ("pie_mean", "non_pie_mean")]
        paper = None if means[0] is None or means[1] is None else means[0] - means[1]
        compared = evidence.of(arm)
        terms, of = _depths(compared, arm, "depth"), compared.pies(arm)[0].sum()
        yield compared.depth_part(about, effect, "above", _deeper, *terms, paper=paper, of=of)
        own = f"{effect}, against each model's own prediction (Baldock)"
        terms = _depths(compared, arm, "depth_baldock")
        yield compared.depth_part(about, own, "above", _deeper, *terms, fair=AGAINST_OWN, of=of)


def _depths(compared: InCommon, arm: ArmKey, convention: str) -> list[Varied]:
    """Depths of PIEs, PIEs, depths of others, others."""
    is_pie, depth = compared.pies(arm), compared.depth(arm, convention)
    return [is_pie * depth, is_pie, (1 - is_pie) * depth, 1 - is_pie]


def _deeper(of_pies: float, pies: float, of_others: float, others: float) -> float:
    """Mean depth of PIEs minus that of others."""
    return of_pies / pies - of_others / others if pies > 0 and others > 0 else np.nan


def _depth_foretells_depth(evidence: Evidence) -> Iterator[Part]:
    for pruning in evidence.common_prunings(evidence.main) if evidence.has_depth else []:
        arms, sums = [ArmKey(objective, pruning, evidence.main) for objective in BOTH], []
        compared = evidence.of(*arms)
        for arm in arms:
            one, other = compared.depth(ArmKey(arm.objective, "dense", 0.0)), compared.depth(arm)
            sums.append([np.ones_like(one), one, other, one**2, other**2, one * other])
        effect = "correlation over examples of depth in dense and in pruned Sup models, minus one half"
        yield compared.depth_part(named(arms[0]), effect, "above", _beyond_half, *sums[0])
        effect = "that correlation of Sup minus that of SupCon"
        yield compared.depth_part(
            f"{named(arms[0])}, beyond SupCon", effect, "above", _more_correlated, *sums[0], *sums[1]
        )


def _beyond_half(*sums: float) -> float:
    return correlation(*sums) - 0.5


def _more_correlated(*sums: float) -> float:
    return correlation(*sums[:6]) - correlation(*sums[6:])


def _classes_even_out(evidence: Evidence) -> Iterator[Part]:
    for family in evidence.families():
        sparsities = evidence.sparsities(*family)
        if len(sparsities) < 2:
            continue
        arms = [ArmKey(*family, end) for end in (sparsities[-1], sparsities[0])]
        compared = evidence.of(*arms)
        ends = [compared.pies(arm) for arm in arms]
        about = f"{family_name(*family)}, {as_percent(sparsities[-1])} against {as_percent(sparsities[0])}"
        effect = "change of the probability that two PIEs are of one class"
        of, labels = min(end[0].sum() for end in ends), evidence.results.labels
        yield compared.part(about, effect, "below", _more_uneven, *ends, groups=labels, of=of)


def _more_uneven(high: np.ndarray, low: np.ndarray) -> np.ndarray | float:
    return same_class_probability(high) - same_class_probability(low)


def _is_unbalanced(evidence: Evidence) -> bool:
    return len(set(np.bincount(evidence.results.labels, minlength=len(evidence.results.class_names)).tolist())) > 1


def _overlap_grows(evidence: Evidence) -> Iterator[Part]:
    for pruning in evidence.common_prunings():
        sparsities = evidence.common_sparsities(pruning)
        if len(sparsities) < 2:
            continue
        low, high = ([ArmKey(o, pruning, sparsity) for o in BOTH] for sparsity in (sparsities[0], sparsities[-1]))
        compared = evidence.of(*low, *high)
        sets = [compared.pies(arm) for arm in (*low, *high)]
        both = [sets[0] * sets[1], sets[2] * sets[3]]
        for arm, own in zip(low, sets, strict=False):
            effect = (
                f"share of {OBJECTIVES[arm.objective]}'s PIEs that the other has too (half a PIE added), minus one half"
            )
            about = f"{OBJECTIVES[arm.objective]}, {named(arm)}"
            yield compared.part(about, effect, "below", _share_beyond_half, both[0], own, of=own[0].sum())
        about, terms = named(low[0], to=high[0]), [*both, *sets]
        effect = "growth of the overlap (those of both over those of either)"
        of = min(each[0].sum() for each in sets)
        yield compared.part(about, effect, "above", _growth, *terms, of=of)
        effect = "growth of the overlap beyond that of independent sets of these sizes"
        beyond = partial(_growth_beyond_chance, compared.examples)
        yield compared.part(about, effect, "above", beyond, *terms, fair=BEYOND_CHANCE, of=of)


def _share_beyond_half(both: float, own: float) -> float:
    return (both + 0.5) / (own + 1.0) - 0.5


def _growth(both: float, both_later: float, *sizes: float) -> float:
    return jaccard(both_later, *sizes[2:]) - jaccard(both, *sizes[:2])


def _growth_beyond_chance(examples: int, both: float, both_later: float, *sizes: float) -> float:
    by_chance = chance_jaccard(sizes[2], sizes[3], examples) - chance_jaccard(sizes[0], sizes[1], examples)
    return _growth(both, both_later, *sizes) - by_chance


def _z_falls_and_l1_rises(evidence: Evidence) -> Iterator[Part]:
    for pruning in evidence.common_prunings(evidence.main) if evidence.has_score("l1") else []:
        compared = evidence.of(*(ArmKey(objective, pruning, evidence.main) for objective in BOTH))
        for score, name, claimed in SCORES:
            means: list[Varied] = []
            paper: list[float | None] = []
            for objective, table in (("supcon", 4), ("supervised", 5)):
                arms = ArmKey(objective, pruning, evidence.main), ArmKey(objective, "dense", 0.0)
                means += [compared.score(arm, score) for arm in arms]
                values = _paper(table, f"{score}_mean", *arms)
                paper.append(None if values is None else _change(*values))
            about, (own, other) = f"{named(arms[0])}, {name}", paper
            yield compared.part(about, f"change of SupCon's mean {name}, %", claimed, _change, *means[:2], paper=own)
            effect = f"change of SupCon's mean {name} minus change of Sup's, percentage points"
            beyond = None if own is None or other is None else own - other
            yield compared.part(f"{about}, beyond Sup", effect, claimed, _change_beyond, *means, paper=beyond)


SCORES: tuple[tuple[str, str, ClaimedSide], ...] = (("z", "Z-Score", "below"), ("l1", "L1 norm", "above"))


def _depth_varies_more(evidence: Evidence) -> Iterator[Part]:
    """Of PIEs, and of the others: both columns of Table 6."""
    for pruning in evidence.common_prunings() if evidence.has_depth else []:
        for sparsity in evidence.common_sparsities(pruning):
            arms = [ArmKey(objective, pruning, sparsity) for objective in ("supcon", "supervised")]
            pies = [evidence.of(*arms).pies(arm) for arm in arms]
            yield from _spreads(evidence, arms, pies, "PIEs", "PIEs", "pie_std")
            others = [1 - each for each in pies]
            yield from _spreads(evidence, arms, others, "others", "examples that are no PIEs", "non_pie_std")


def _spreads(
    evidence: Evidence, arms: list[ArmKey], chosen: list[Varied], name: str, told: str, column: str
) -> Iterator[Part]:
    """Spread of depth over some examples of either objective: pruned, and less what it was unpruned."""
    compared = evidence.of(*arms)
    pruned, unpruned = list[Varied](), list[Varied]()
    for arm, among in zip(arms, chosen, strict=True):
        for terms, key in ((pruned, arm), (unpruned, ArmKey(arm.objective, "dense", 0.0))):
            depth = compared.depth(key)
            terms += [among, among * depth, among * depth**2]
    about = f"{named(arms[0])}, {name}"
    effect = f"spread (standard deviation) of depth over {told}, SupCon's minus Sup's, probes"
    paper, few = _paper(6, column, *arms), min(among[0].sum() for among in chosen)
    difference = None if paper is None else paper[0] - paper[1]
    yield compared.depth_part(about, effect, "above", _spread_beyond, *pruned, paper=difference, of=few, counted=told)
    effect = f"{effect}, less that of the same examples in unpruned models"
    terms = [*pruned, *unpruned]
    yield compared.depth_part(about, effect, "above", _spread_grown, *terms, fair=BEYOND_UNPRUNED, of=few, counted=told)


def _spread_beyond(*sums: float) -> float:
    one, other = (np.sqrt(squares / count - (total / count) ** 2) for count, total, squares in (sums[:3], sums[3:]))
    return float(one - other)


def _spread_grown(*sums: float) -> float:
    return _spread_beyond(*sums[:6]) - _spread_beyond(*sums[6:])


def _classes_part(evidence: Evidence) -> Iterator[Part]:
    for family in evidence.families():
        sparsities = evidence.sparsities(*family)
        if len(sparsities) < 2:
            continue
        arms = [ArmKey(*family, end) for end in (sparsities[-1], sparsities[0])]
        compared = evidence.of(*arms)
        ends = [100 * compared.lost(arm) for arm in arms]
        about = f"{family_name(*family)}, {as_percent(sparsities[-1])} against {as_percent(sparsities[0])}"
        effect = "growth of the variance between classes of the accuracy that they lose, beyond chance, squared points"
        terms = [np.ones_like(ends[0]), *(term for end in ends for term in (end, end**2))]
        yield compared.part(about, effect, "above", _more_apart, *terms, groups=evidence.results.labels, is_curved=True)


def _more_apart(sizes: np.ndarray, *sums: np.ndarray) -> np.ndarray | float:
    return variance_between_classes(sizes, *sums[:2]) - variance_between_classes(sizes, *sums[2:])


def _q_score_saves(evidence: Evidence) -> Iterator[Part]:
    effect = "PIEs with Q-Score in the loss minus PIEs without, % of examples"
    names = "models with Q-Score in the loss", "models without"
    for objective, pruning in evidence.families():
        both = evidence.sparsities(f"{objective}_q", pruning), evidence.sparsities(objective, pruning)
        for sparsity in (sparsity for sparsity in both[0] if sparsity in both[1]):
            arms = [ArmKey(each, pruning, sparsity) for each in (f"{objective}_q", objective)]
            about = f"{family_name(objective, pruning)}, {as_percent(sparsity)}"
            compared = evidence.of(*arms)
            yield compared.part(about, effect, "below", _minus, *(compared.percent(arm) for arm in arms))
            yield from _beyond_noise(compared, about, names, arms, "below")


OF_Q_SCORE = Finding(
    id="Q1",
    statement="With Q-Score as a regulariser, pruned models lose fewer examples",
    needs="an objective with and without it",
    note="The paper only says that it can be one",
    needs_fair="what is beyond seed noise cannot be told with so few models",
)
"""No finding of the paper's: asked where a study has an objective with the regulariser."""

COMPARISONS: dict[str, Comparisons] = {
    "C1": _supcon_loses_more,
    "C2": _loses_fewer("supervised", "one_shot", "gmp"),
    "C3": _loses_fewer("supcon", "delayed_gmp", "gmp"),
    "C4": _q_score_falls,
    "C5": _pies_are_deeper,
    "C6": _depth_foretells_depth,
    "C7": _classes_even_out,
    "C8": _overlap_grows,
    "C9": _supcon_loses_more_over_all,
    "C10": _all_of(
        _loses_fewer("supcon", "delayed_gmp", "gmp", named=True),
        _loses_fewer("supcon", "delayed_gmp", "one_shot", named=True),
    ),
    "C11": _all_of(
        _loses_fewer("supervised", "one_shot", "gmp", named=True), _loses_fewer("supcon", "one_shot", "gmp", named=True)
    ),
    "C12": _z_falls_and_l1_rises,
    "C13": _depth_varies_more,
    "C14": _classes_part,
    "C15": _accuracy_falls_further,
    OF_Q_SCORE.id: _q_score_saves,
}
"""What speaks for or against each finding."""


def check_claims(results: Results, signal: Signal | None = None) -> list[Claim]:
    """All claims, on what this run has; ``signal``: where its noise floors are known already."""
    evidence = Evidence(results, signal or Signal(results))
    has_q_score = any(objective.endswith("_q") for objective in results.objectives())
    return [_claim(finding, evidence) for finding in (*published().findings, *[OF_Q_SCORE] * has_q_score)]


def _claim(finding: Finding, evidence: Evidence) -> Claim:
    parts = tuple(COMPARISONS[finding.id](evidence))
    if not parts:
        kept = finding.needs_kept if evidence.common_prunings(evidence.main) else ""
        return Claim(finding.id, finding.statement, (), kept or finding.needs)
    is_noted = not finding.only_where_classes_differ or _is_unbalanced(evidence)
    note = finding.note if is_noted else ""
    return Claim(finding.id, finding.statement, parts, "", note, finding.needs_fair, _not_there(evidence))


def _not_there(evidence: Evidence) -> str:
    """The studied arms that are missing, so that nothing can be said of all."""
    missing = [arm for arm in evidence.results.missing if arm.pruning == "dense" or evidence.is_the_papers(arm.pruning)]
    named = [f"{family_name(arm.objective, arm.pruning)} at {as_percent(arm.sparsity)}" for arm in missing]
    return listed(named, 1)
